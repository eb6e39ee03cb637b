"""Which files a command may write over, by what they hold and how they are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dropgrid.base.errors import ConfigError
from dropgrid.results.output_guard import LOOK, check_folder, check_output, is_own_output

BEATS = b"0.500000\t1\n1.000000\t2\n"


@pytest.mark.parametrize(
    ("name", "data", "owned"),
    [
        ("song-00000000.beats", BEATS, True),
        ("song-00000000.beats", b"", True),
        ("song-00000000.beats", BEATS + b"1.5", False),  # cut short: not as it was written
        ("song-00000000.beats", BEATS + b"my notes\n", False),
        ("song-00000000.beats", BEATS * (LOOK // len(BEATS) + 2), True),
        ("song-00000000.beats", BEATS * LOOK + b"my notes\n", True),  # only the ends are looked at
        ("song.beats", BEATS, False),
        ("song-00000000.txt", BEATS, False),
        ("song-00000000.beats.csv", b"TIME,LABEL\n0.5,1\n", True),
    ],
)
def test_a_file_of_a_track_is_known_by_name_and_lines(tmp_path, name, data, owned) -> None:
    (tmp_path / name).write_bytes(data)
    assert is_own_output(tmp_path / name) is owned


def test_dropgrids_files_are_recognised_by_either_end(tmp_path: Path) -> None:
    path = tmp_path / "a.nml"
    for data, owned in [(b"x" * LOOK + b"#DG#", True), (b"#DG#" + b"x" * LOOK, True),
                        (b"x" * LOOK + b"#DG#" + b"x" * LOOK, False), (b"x", False)]:  # fmt: skip
        path.write_bytes(data)
        assert is_own_output(path, b"#DG#") is owned
        assert not is_own_output(path)
    assert not is_own_output(tmp_path / "none")


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    song, notes, folder = tmp_path / "a.flac", tmp_path / "notes.txt", tmp_path / "folder"
    song.write_bytes(b"fLaC")
    notes.write_text("mine")
    folder.mkdir()
    os.mkfifo(tmp_path / "pipe")
    os.link(notes, tmp_path / "same.txt")
    for path, why in [
        (notes, "exists, and is nothing dropgrid wrote"), (song, "the name of a song"),
        (tmp_path / "new.MP3", "the name of a song"), (folder, "is a folder; name a file"),
        (tmp_path / "pipe", "not a regular file"),
        (notes / "x", "a file where a folder is needed"),
    ]:  # fmt: skip
        with pytest.raises(ConfigError, match=f"^--output .*{why}"):
            check_output(path)
    with pytest.raises(ConfigError, match=r"^--to .*is read by this command"):
        check_output(tmp_path / "same.txt", [notes], option="--to", force=True)
    check_output(notes, force=True)
    check_output(tmp_path / "new.mp3", audio=True)
    check_output(notes, trusted=tmp_path)
    check_output(tmp_path / "new" / "file.txt")
    with pytest.raises(ConfigError):
        check_output(notes, trusted=folder)
    for path in (notes, notes / "x"):
        with pytest.raises(ConfigError, match="is not a folder"):
            check_folder(path)
    check_folder(folder)
    check_folder(tmp_path / "new" / "er")
