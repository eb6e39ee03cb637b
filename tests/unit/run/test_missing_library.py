"""A library that has no audio any more is refused: its disk is not mounted."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.base.errors import LibraryError
from dropgrid.library import scan
from dropgrid.results.scan_store import write_tickets
from dropgrid.run.missing_library import refuse_vanished


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def look(results: Path, *sources: Path) -> None:
    """Scan as a run does: refuse, else write what was found."""
    names = [str(source) for source in sources]
    found = scan(names)
    refuse_vanished(found, names, results)
    write_tickets(found, results)


def test_a_folder_that_lost_all_of_its_audio_is_refused_and_says_how_much_it_was(tmp_path):
    music, results = fill(tmp_path / "music", "a.wav", "b.wav"), tmp_path / "results"
    look(results, music)
    for file in music.iterdir():
        file.unlink()
    with pytest.raises(LibraryError, match=r"no audio in .*/music \(last run: 2 tracks\)"):
        look(results, music)


def test_one_of_several_folders_is_refused_too(tmp_path):
    disk, usb = fill(tmp_path / "disk", "a.wav"), fill(tmp_path / "usb", "b.wav")
    look(tmp_path / "results", disk, usb)
    (usb / "b.wav").unlink()
    with pytest.raises(LibraryError, match=r"no audio in .*/usb \(last run: 1 track\)"):
        look(tmp_path / "results", disk, usb)
    look(tmp_path / "results", disk)  # without that folder it is what the user asks for


def test_a_folder_that_never_had_audio_beside_one_that_has_is_fine(tmp_path):
    disk, usb = fill(tmp_path / "disk", "a.wav"), tmp_path / "usb"
    usb.mkdir()
    look(tmp_path / "results", disk, usb)
    look(tmp_path / "results", disk, usb)


def test_a_library_without_any_audio_is_refused_at_the_first_run(tmp_path):
    (tmp_path / "music").mkdir()
    with pytest.raises(LibraryError, match=r"no audio in .*/music; --allow-empty"):
        look(tmp_path / "results", tmp_path / "music")


def test_a_list_whose_files_are_all_gone_is_refused(tmp_path):
    fill(tmp_path, "a.wav", "b.wav")
    (tmp_path / "list.csv").write_text("path\na.wav\nb.wav\n")
    look(tmp_path / "results", tmp_path / "list.csv")
    (tmp_path / "a.wav").unlink()
    look(tmp_path / "results", tmp_path / "list.csv")  # one that is left will do
    (tmp_path / "b.wav").unlink()
    with pytest.raises(LibraryError, match="no audio in"):
        look(tmp_path / "results", tmp_path / "list.csv")
