"""Texts of tracks that were kept from an earlier export: the same bytes as without them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid import export as exporting
from dropgrid.export import export, formats
from dropgrid.export.options import ExportOptions
from dropgrid.references import cue_sheet
from dropgrid.results.artefacts import path_of
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from mutagen.id3 import COMM, POPM
from mutagen.wave import WAVE
from settled_files import let_time_pass
from synthetic_library import write_library

IN_PIECES = [name for name, form in formats().items() if getattr(form, "IN_PIECES", False)]
TRACKS = 8


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library left alone long enough, with its files: two tracks failed, one waits, the key of
    one is unsure, one does not declare where its music begins."""
    folder, music = tmp_path / "results", tmp_path / "music"
    claim(folder, [])
    tracks = write_library(folder, TRACKS, music, failing=4)
    files = Results(folder)
    for track in tracks[:-1]:
        ticket = json.loads(files.ticket(track).read_bytes())
        Path(ticket["file"]).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(ticket["file"], np.zeros((100, 2)), 44100)
    changed(files.record("key", tracks[0]), confidence=0.3)
    changed(files.record("bpm", tracks[1]), decoder={"name": "x", "start_known": False})
    for kind in files.kinds():
        files.record(kind, tracks[2]).unlink()
    let_time_pass(monkeypatch)
    return folder


def changed(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | values))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tracks whose records are read."""
    tracks: list[str] = []
    usual = exporting.read_track

    def reading(results: Path, track: str, *more: object) -> object:
        tracks.append(track)
        return usual(results, track, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(exporting, "read_track", reading)
    return tracks


Made = tuple[int, Counter[str], list[str], dict[str, bytes]]


def made(name: str, results: Path, options: ExportOptions | None = None) -> Made:
    """What an export writes and reports."""
    output, notes = results.parent / "out", list[str]()
    written, left_out = export(name, results, output, options, force=True, report=notes.append)
    files = [output] if output.is_file() else [p for p in output.rglob("*") if p.is_file()]
    return written, left_out, notes, {str(file): file.read_bytes() for file in files}


def without_cache(name: str, results: Path, options: ExportOptions | None = None) -> Made:
    """The same without a cache."""
    path_of("reading", results, any=name).unlink(missing_ok=True)
    return made(name, results, options)


def test_the_large_formats_are_made_in_pieces() -> None:
    assert {"rekordbox", "traktor", "virtualdj", "m3u8", "serato-crates"} == set(IN_PIECES)


@pytest.mark.parametrize("name", IN_PIECES)
def test_a_second_export_is_the_same_and_reads_only_what_is_not_cached(
    name: str, results: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(name, results)
    assert first[0] == TRACKS - 3 and len(read) == TRACKS
    read.clear()
    assert made(name, results) == first
    assert len(read) == 3  # those that are left out
    monkeypatch.setenv("XDG_STATE_HOME", os.devnull)
    assert without_cache(name, results) == first
    assert any("key left out" in line for line in first[2]) or name in ("m3u8", "serato-crates")
    assert any("1 track does not declare" in line for line in first[2])


def record(results: Path, track: str) -> None:
    changed(Results(results).record("bpm", track), bpm=99.0, tags={"title": "Another"})


def place(results: Path, track: str) -> None:
    ticket = Results(results).ticket(track)
    values = json.loads(ticket.read_bytes())
    file = Path(values["file"].replace("music", "elsewhere"))
    file.parent.mkdir(parents=True)
    soundfile.write(file, np.zeros((100, 2)), 44100)
    changed(ticket, file=str(file))


@pytest.mark.parametrize("change", [record, place])
@pytest.mark.parametrize("name", IN_PIECES)
def test_a_changed_track_is_written_again(
    name: str, results: Path, change: Callable[[Path, str], None]
) -> None:
    options = ExportOptions(bpm_ranges=(90.0, 100.0, 200.0))
    before = made(name, results, options)
    change(results, sorted(Results(results).recorded("bpm"))[3])
    after = made(name, results, options)
    assert after != before and after == without_cache(name, results, options)


def tags(file: Path) -> None:
    song = WAVE(file)
    song.add_tags()
    assert song.tags is not None
    song.tags.add(COMM(encoding=3, lang="eng", text="a rare one"))
    song.tags.add(POPM(email="me", rating=255))
    song.save()


def tracklist(file: Path) -> None:
    file.with_suffix(".txt").write_text("0:00 First - One\n1:00 Second - Two\n")


def broken_tracklist(file: Path) -> None:
    Path(f"{file}.cue").write_text("FILE\nFILE\n")


@pytest.mark.parametrize("change", [tags, tracklist, broken_tracklist, Path.unlink])
@pytest.mark.parametrize("name", ["rekordbox", "traktor", "virtualdj"])
def test_a_file_that_changes_and_what_comes_beside_it_are_noticed(
    name: str, results: Path, change: Callable[[Path], object]
) -> None:
    before = made(name, results)
    ticket = Results(results).ticket(sorted(Results(results).recorded("bpm"))[3])
    file = Path(json.loads(ticket.read_bytes())["file"])
    times = file.stat()
    change(file)
    if file.exists():
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = made(name, results)
    assert after == without_cache(name, results) and after != before


@pytest.mark.parametrize("name", IN_PIECES)
def test_other_options_are_other_texts(name: str, results: Path) -> None:
    made(name, results)
    for options in (
        ExportOptions(comment="{camelot}", key_notation="camelot", relative=True, by_key=True),
        ExportOptions(delay_profile="rekordbox", min_confidence=0.95),
    ):
        if name == "m3u8":
            (results.parent / "out").unlink(missing_ok=True)
            options = ExportOptions(relative=True)
        assert made(name, results, options) == without_cache(name, results, options)


@pytest.mark.parametrize("name", IN_PIECES)
def test_a_relative_library_is_another_in_another_folder(
    name: str, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made_in(folder: str) -> bytes:
        (tmp_path / folder / "music").mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        output = tmp_path / "out"
        export(name, results, output, None, Path("music"), force=True)
        crate = output / "_Serato_/Subcrates/dropgrid.crate"
        return (output if output.is_file() else crate).read_bytes()

    first, other = made_in("one"), made_in("other")
    assert first != other
    path_of("reading", results, any=name).unlink()
    assert made_in("other") == other


def test_a_tracklist_that_could_not_be_read_once_is_read_the_next_time(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, limit: int) -> bytes:
        raise OSError(5, "Input/output error")

    ticket = Results(results).ticket(sorted(Results(results).recorded("bpm"))[3])
    tracklist(Path(json.loads(ticket.read_bytes())["file"]))
    with monkeypatch.context() as patch:
        patch.setattr(cue_sheet, "read_regular", fail)
        assert any("Input/output error" in line for line in made("rekordbox", results)[2])
    assert made("rekordbox", results) == without_cache("rekordbox", results)


def test_tags_that_could_not_be_read_once_are_read_the_next_time(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dropgrid.audio.dj_tags import DjTags
    from dropgrid.export import pieces

    with monkeypatch.context() as patch:
        patch.setattr(pieces, "read_dj_tags", lambda path: DjTags())
        made("rekordbox", results)
    assert made("rekordbox", results) == without_cache("rekordbox", results)


def test_a_set_and_a_database_to_merge_with_are_read_each_time(results: Path) -> None:
    for options in (ExportOptions(set="my.json"), ExportOptions(merge="database.xml")):
        form = formats()["virtualdj"]
        assert exporting._pieces(form, results, None, options, None) is None
