"""Files with several names are written in place, and what a kill leaves half done is finished.

Items A4 and A7 of the table in README.md beside this file.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from audio_containers import decoded
from dropgrid.audio.tags import read_tags
from dropgrid.tagging.change import apply
from dropgrid.tagging.in_place import finish_interrupted
from dropgrid.tagging.plan import Change
from library_to_tag import BPM, HEAD, all_tags, library, song, tag


def test_hard_links_are_left_whole_unless_the_file_is_written_in_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path, "a.flac")
    other = tmp_path / "elsewhere.flac"
    os.link(path, other)
    results = library(tmp_path)
    before, inode = path.read_bytes(), path.stat().st_ino
    for arguments in (["--dry-run"], []):
        assert tag(results, "write", *arguments) == 0
        assert "it is one file with 2 names (hard links)" in capsys.readouterr().err
        assert path.read_bytes() == before and path.stat().st_nlink == 2
    assert tag(results, "write", "--in-place") == 0
    assert read_tags(other, include_own=True).bpm == BPM
    assert path.stat().st_ino == other.stat().st_ino == inode
    capsys.readouterr()
    assert tag(results, "restore") == 1
    assert "hard links" in capsys.readouterr().err
    assert tag(results, "restore", "--in-place") == 0
    assert all_tags(other) == {} and path.stat().st_ino == inode
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.flac"]


WRITE_AND_DIE = """
import os, shutil, sys
from dropgrid.tagging import in_place
from dropgrid.commands.main import main
def some(source, target):
    target.write(source.read(1000))
    target.flush()
    os.kill(os.getpid(), 9)
copy = shutil.copyfileobj
def dies(source, target):
    (some if target.mode == "rb+" else copy)(source, target)
in_place.shutil.copyfileobj = dies
main(sys.argv[1:])
"""


def test_a_file_that_was_half_written_in_place_is_finished_by_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path, "a.flac")
    audio = decoded(path)
    os.link(path, tmp_path / "other.flac")
    results = library(tmp_path)
    arguments = ["tag", "write", "--in-place", "--results", str(results)]
    killed = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, *arguments])
    assert killed.returncode == -9
    assert len(list(path.parent.iterdir())) == 3
    assert tag(results, "write", "--dry-run", "--in-place") == 0
    assert len(list(path.parent.iterdir())) == 3  # a dry run repairs nothing
    assert tag(results, "write", "--in-place") == 0
    assert "the writing that was interrupted is finished" in capsys.readouterr().err
    assert [p.name for p in path.parent.iterdir()] == ["a.flac"]
    assert (
        read_tags(tmp_path / "other.flac", include_own=True).bpm == BPM and decoded(path) == audio
    )
    assert tag(results, "restore", "--in-place") == 0
    assert all_tags(path) == {}


@pytest.mark.parametrize("name", ["a.flac", "a.mp3", "a.wav"])
@pytest.mark.parametrize("action", ["write", "restore"])
def test_what_the_user_wrote_after_a_kill_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str, name: str
) -> None:
    path = song(tmp_path, name)
    os.link(path, tmp_path / f"other-{name}")
    results = library(tmp_path)
    arguments = ["tag", "write", "--in-place", "--results", str(results)]
    assert subprocess.run([sys.executable, "-c", WRITE_AND_DIE, *arguments]).returncode == -9
    better = path.read_bytes()[:-50] + b"the user's own fifty bytes of a better rip........"
    path.write_bytes(better)
    left = {p.name: p.read_bytes() for p in path.parent.iterdir() if p.name != name}
    assert len(left) == 2
    tag(results, action, "--in-place")
    assert f"{name} has been changed since" in capsys.readouterr().err
    assert path.read_bytes()[-50:] == better[-50:]
    assert {p.name: p.read_bytes() for p in path.parent.iterdir() if p.name != name} == left


def test_a_finished_copy_that_the_backup_does_not_name_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path, "a.flac")
    notes = path.parent / "notes.txt"
    notes.write_text("my DJ notes")
    forged = {
        path.parent / f".{name}.999999999.dropgrid-{state}": b"evil"
        for name in ("notes.txt", "a.flac") for state in ("whole", "old")
    }  # fmt: skip
    for file, data in forged.items():
        file.write_bytes(data)
    results = library(tmp_path)
    for action in ("write", "restore"):
        assert tag(results, action) == 0
        assert "the backup knows no such copy" in capsys.readouterr().err
        assert notes.read_text() == "my DJ notes"
        assert {file: file.read_bytes() for file in forged} == forged
    assert all_tags(path) == {}


def test_a_copy_that_is_not_the_one_in_the_backup_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path, "a.flac")
    os.link(path, tmp_path / "other.flac")
    results = library(tmp_path)
    arguments = ["tag", "write", "--in-place", "--results", str(results)]
    assert subprocess.run([sys.executable, "-c", WRITE_AND_DIE, *arguments]).returncode == -9
    (whole,) = path.parent.glob(".*.dropgrid-whole")
    whole.write_bytes(b"evil")
    before = path.read_bytes()
    tag(results, "write", "--in-place")
    assert "it is not the copy that the backup knows" in capsys.readouterr().err
    assert path.read_bytes()[1000:] == before[1000:] and b"evil" not in path.read_bytes()


def test_a_backup_that_is_a_link_is_written_through_and_keeps_its_mode(tmp_path: Path) -> None:
    path = song(tmp_path, "a.flac")
    results = library(tmp_path)
    real, link = tmp_path / "kept.json", tmp_path / "backup.json"
    real.write_text(f"{HEAD}\n")
    real.chmod(0o600)
    link.symlink_to(real)
    assert tag(results, "write", "--backup", str(link)) == 0
    assert link.is_symlink() and str(path) in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_restore_that_is_killed_in_place_is_finished_by_the_next(tmp_path: Path) -> None:
    path = song(tmp_path, "a.flac")
    before = path.read_bytes()
    os.link(path, tmp_path / "other.flac")
    results = library(tmp_path)
    assert tag(results, "write", "--in-place") == 0
    arguments = ["tag", "restore", "--in-place", "--results", str(results)]
    assert subprocess.run([sys.executable, "-c", WRITE_AND_DIE, *arguments]).returncode == -9
    assert tag(results, "restore", "--in-place") == 0
    assert all_tags(path) == {} and decoded(path) == decoded(tmp_path / "other.flac")
    assert [p.name for p in path.parent.iterdir()] == ["a.flac"] and len(before)


def test_a_disk_without_room_leaves_a_file_that_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path, "a.wav")
    os.link(path, tmp_path / "other.wav")
    results = library(tmp_path)
    before = path.read_bytes()

    def full(descriptor: int, at: int, size: int) -> None:
        os.ftruncate(descriptor, at + size // 2)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert tag(results, "write", "--in-place") == 1
    assert "No space left on device; left as it is" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["a.wav"]


def test_only_dropgrids_own_leftovers_are_repaired(tmp_path: Path) -> None:
    users = [".a.flac.123.tag", ".a.flac.x.dropgrid-tag", "a.flac.1.dropgrid-tag", "b.dropgrid"]
    for name in users:
        (tmp_path / name).write_text("mine")
    (tmp_path / f".a.flac.{os.getpid()}.dropgrid-tag").write_text("at work")
    (tmp_path / ".a.flac.999999999.dropgrid-tag").write_text("left over")
    finish_interrupted(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted([*users, f".a.flac.{os.getpid()}.dropgrid-tag"])


@pytest.mark.parametrize("letter", ["x", "ж", "曲", "🎵"])
def test_a_song_of_the_longest_name_is_tagged_in_every_script(tmp_path: Path, letter: str) -> None:
    """A name may have 255 bytes, and so may the name of the copy."""
    name = letter * (250 // len(letter.encode())) + ".flac"
    path = song(tmp_path, name)
    results = library(tmp_path)
    assert tag(results, "write") == 0
    assert "127.96" in all_tags(path)["bpm"]
    assert tag(results, "restore") == 0
    assert all_tags(path) == {} and os.listdir(path.parent) == [name]


def test_a_link_in_the_way_of_the_copy_is_not_followed(tmp_path: Path) -> None:
    path = song(tmp_path, "a.flac")
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    (path.parent / f".a.flac.{os.getpid()}.dropgrid-tag").symlink_to(victim)
    change = Change("t", str(path), False, {"BPM": None}, {"BPM": ["128"]})
    with pytest.raises(OSError, match="File exists"):
        apply(change)
    assert victim.read_text() == "precious"
    assert all_tags(path) == {}
