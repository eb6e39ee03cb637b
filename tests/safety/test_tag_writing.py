"""Writing tags loses no edit of others, and can be undone completely.

Items A6 and D (tags) of the table in README.md beside this file.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutagen
import pytest
from audio_containers import CONTAINERS, decoded
from dropgrid.audio.tags import read_tags
from dropgrid.tagging import change as tagchange
from dropgrid.tagging.backup import read_backup, sole_writer
from dropgrid.tagging.plan import Change
from library_to_tag import BPM, all_tags, library, song, tag, tag_by_hand
from mutagen.id3 import COMM, ID3, TBPM, TIT2, TXXX


def id3v1(title: bytes, comment: bytes = b"") -> bytes:
    return (
        b"TAG" + title.ljust(30, b"\0") + bytes(60) + b"2020" + comment.ljust(30, b"\0") + b"\xff"
    )


def odd_files(folder: Path) -> None:
    """Files whose tags other programs wrote oddly, and of each kind one with tags, one without."""
    for container in CONTAINERS:
        song(folder, f"plain {container}.{container}")
        tag_by_hand(song(folder, f"tagged {container}.{container}"))
    mp3 = song(folder, "v1only.mp3")
    mp3.write_bytes(mp3.read_bytes() + id3v1("Schöner Tag".encode("latin-1"), b"Gru\xdf"))
    flac = song(folder, "id3 before.flac")
    tags = ID3()
    tags.add(TIT2(encoding=3, text="Before"))
    (folder / "id3").touch()
    tags.save(folder / "id3")
    flac.write_bytes((folder / "id3").read_bytes() + flac.read_bytes())
    for version in (3, 4):
        path = song(folder, f"empty comment v2.{version}.mp3")
        tags = ID3()
        tags.add(COMM(encoding=1, lang="eng", desc="", text=""))
        tags.add(TXXX(encoding=3, desc="bpm", text="99"))
        tags.save(path, v2_version=version)
    path = song(folder, "empty comment.flac")
    file = mutagen.File(path)
    file["COMMENT"] = [""]
    file.save()


@pytest.mark.parametrize("drops", [(), (8.0, 30.0)], ids=["no drops", "drops"])
def test_every_file_that_was_written_is_restored(
    tmp_path: Path, drops: tuple[float, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    odd_files(tmp_path)
    results = library(tmp_path, drops)
    files = sorted((tmp_path / "music").iterdir())
    before = {path: all_tags(path) for path in files}
    audio = {path: decoded(path) for path in files if path.name != "v1only.mp3"}
    assert tag(results, "write", "--comment") == 0
    assert f"{len(files)} files changed" in capsys.readouterr().out
    assert {read_tags(path, include_own=True).bpm for path in files} == {BPM}
    assert tag(results, "restore") == 0
    plain_text = capsys.readouterr()
    assert plain_text.out == f"{len(files)} files restored\n"
    assert all("the padding behind the tags" in line for line in plain_text.err.splitlines())
    assert {path: all_tags(path) for path in files} == before
    assert {path: decoded(path) for path in audio} == audio
    assert not (results / "tag-backup.json").exists()
    assert [p.name for p in (tmp_path / "music").iterdir() if p.name.startswith(".")] == []


def at_the_rename(monkeypatch: pytest.MonkeyPatch, path: Path, act: Callable[[], None]) -> None:
    """Do something when the copy is finished, before it can take the file's place."""
    make = tagchange._make_copy

    def made(original: Path, *rest: Any) -> Change:
        stored = make(original, *rest)
        if original == path:
            act()
        return stored

    monkeypatch.setattr(tagchange, "_make_copy", made)


def save_a_title(path: Path) -> None:
    file = mutagen.File(path)
    file["TITLE"] = "Typed while we were at it"
    file.save()


def rename_over(path: Path) -> None:
    other = path.with_name("saved by an editor")
    shutil.copy2(path, other)
    with other.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"!")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))  # hides its age
    os.replace(other, path)


def overwrite_hiding_it(path: Path) -> None:
    status = path.stat()
    with path.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"!")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("edit", [save_a_title, rename_over, overwrite_hiding_it])
def test_an_edit_saved_between_copy_and_rename_is_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    edit: Callable[[Path], None],
) -> None:
    path = song(tmp_path, "a.flac")
    results = library(tmp_path)
    edited: list[bytes] = []

    def act() -> None:
        edit(path)
        edited.append(path.read_bytes())

    at_the_rename(monkeypatch, path, act)
    assert tag(results, "write") == 1
    plain_text = capsys.readouterr()
    assert "somebody else has changed it meanwhile; left as it is" in plain_text.err
    assert plain_text.out.endswith("0 files changed\n")
    assert path.read_bytes() == edited[0]
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.flac"]


def test_the_backup_is_on_the_disk_before_each_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut leaves is what was synchronised: an order of calls, held here."""
    paths = [song(tmp_path, name) for name in ("a.flac", "b.mp3")]
    results = library(tmp_path)
    backup = results / "tag-backup.json"
    calls: list[tuple[str, Path]] = []
    kept: dict[Path, set[str]] = {}
    fsync, replace = os.fsync, os.replace

    def noted_sync(descriptor: int) -> None:
        calls.append(("sync", Path(os.readlink(f"/proc/self/fd/{descriptor}"))))
        fsync(descriptor)

    def noted_replace(source: Path, target: Path) -> None:
        if Path(target) in paths:
            kept[Path(target)] = set(read_backup(backup))
        replace(source, target)
        calls.append(("rename", Path(target)))

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to tell what is synchronised")
    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_replace)
    assert tag(results, "write") == 0
    made, first, second = (
        calls.index(("rename", target)) for target in (backup, paths[0], paths[1])
    )
    assert calls[made - 1][0] == "sync"  # the backup's bytes, before it has its name
    assert ("sync", results) in calls[made:first]  # its name, before any song changes
    assert ("sync", backup) in calls[made:first]  # the first song's entry
    assert ("sync", backup) in calls[first:second]  # the second's
    assert ("sync", paths[0].parent) in calls[first:second]  # the song's own name
    assert kept == {paths[0]: {str(paths[0])}, paths[1]: set(map(str, paths))}


def test_where_the_backup_cannot_be_written_no_song_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [song(tmp_path, name) for name in ("a.flac", "b.mp3")]
    results = library(tmp_path)
    before = [path.read_bytes() for path in paths]
    fsync = os.fsync
    backup = str(results / "tag-backup.json")

    def full(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}") == backup:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    assert tag(results, "write") == 1
    assert capsys.readouterr().err.count("No space left on device; left as it is") == 2
    assert [path.read_bytes() for path in paths] == before
    assert read_backup(Path(backup)) == {}


def test_a_disk_full_at_the_ticket_is_not_reported_as_an_unchanged_song(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path, "a.flac")
    results = library(tmp_path)
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).parent.name == "tracks":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert tag(results, "write") == 0
    plain_text = capsys.readouterr()
    assert "left as it is" not in plain_text.err
    assert (
        "changed, but its ticket could not follow, so that it is analysed again" in plain_text.err
    )
    assert "1 file changed" in plain_text.out and read_tags(path, include_own=True).bpm == BPM
    monkeypatch.undo()
    assert tag(results, "restore") == 0
    assert read_tags(path, include_own=True).bpm is None


def test_what_cannot_be_restored_is_listed_and_the_rest_is_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("deleted.flac", "edited.flac", "half edited.mp3", "fine.ogg")
    deleted, edited, half, fine = (song(tmp_path, name) for name in names)
    results = library(tmp_path, (8.0,))
    assert tag(results, "write", "--comment") == 0
    deleted.unlink()
    file = mutagen.File(edited)
    file["BPM"], file["COMMENT"] = "140", "Mine"
    file.save()
    tags = ID3(half)
    tags.setall("TBPM", [TBPM(encoding=3, text="99")])
    tags.save()
    capsys.readouterr()

    assert tag(results, "restore") == 1
    plain_text = capsys.readouterr()
    assert plain_text.out == f"3 files restored; 3 still in {results / 'tag-backup.json'}\n"
    assert (
        f"{deleted}: the file is not there, or may not be written; left as it is" in plain_text.err
    )
    assert f"{edited}: BPM was changed since and is left alone" in plain_text.err
    assert f"{edited}: COMMENT was changed since and is left alone" in plain_text.err
    assert f"{half}: TBPM was changed since and is left alone" in plain_text.err
    assert all_tags(fine) == {"encoder": "['libsndfile']"}
    assert all_tags(half) == {"tbpm": "99"}
    assert all_tags(edited) == {"bpm": "['140']", "comment": "['Mine']"}

    assert tag(results, "restore", "--skip", "edited.flac", "--forget", str(deleted)) == 1
    plain_text = capsys.readouterr()
    kept = read_backup(results / "tag-backup.json")
    assert set(kept) == {str(edited), str(half)}
    assert plain_text.out.endswith("1 forgotten\n") and str(edited) not in plain_text.err
    assert tag(results, "restore", "--forget", "nobody.mp3") == 2
    assert "holds no file named nobody.mp3" in capsys.readouterr().err
    both = ["--forget", kept[str(half)].track, "--forget", "music/edited.flac"]
    assert tag(results, "restore", *both) == 0
    assert not (results / "tag-backup.json").exists()


def test_counts_are_of_files_and_not_of_their_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path, "a.flac")
    (path.parent / "b link.flac").symlink_to(path)
    os.link(path, path.parent / "c hard.flac")
    results = library(tmp_path)
    assert tag(results, "write", "--in-place") == 0
    plain_text = capsys.readouterr()
    assert "1 file changed; " in plain_text.out and "(all 2 names of the file)" in plain_text.out
    assert "2 tracks left alone: another name of a file that is changed" in plain_text.err
    assert tag(results, "restore", "--in-place") == 0
    assert capsys.readouterr().out == "1 file restored\n"
    assert tag(results, "write", "--in-place") == 0
    assert tag(results, "restore", "--in-place", "--library", str(path.parent)) == 0


def test_two_commands_do_not_write_one_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song(tmp_path, "a.flac")
    results = library(tmp_path)
    with sole_writer(results / "tag-backup.json"):
        code = subprocess.run(
            [sys.executable, "-m", "dropgrid", "tag", "write", "--results", str(results)],
            capture_output=True, text=True,
        )  # fmt: skip
    assert code.returncode == 2 and "another `dropgrid tag` is at work" in code.stderr


def test_a_pipe_or_a_tag_that_is_a_bomb_does_not_hang_the_writer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path, "a.mp3")
    chapters = b"".join(
        b"CHAP" + bytes([0, 0, 0, 22]) + b"\0\0" + b"%05d\0" % i + bytes(16) for i in range(60_000)
    )
    size = bytes((len(chapters) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\4\0\0" + size + chapters + path.read_bytes())
    gone = song(tmp_path, "b.flac")
    results = library(tmp_path)
    gone.unlink()
    os.mkfifo(gone)
    assert tag(results, "write") == 1  # what could not be read
    plain_text = capsys.readouterr().err
    assert (
        "its tags are not read: reading them takes" in plain_text and "it is no file" in plain_text
    )


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    song(tmp_path, "a.flac")
    results = library(tmp_path)

    def everything() -> dict[str, tuple[int, int, bytes]]:
        return {
            str(p): (p.stat().st_mtime_ns, p.stat().st_ino, p.read_bytes() if p.is_file() else b"")
            for p in sorted(tmp_path.rglob("*"))
        }

    before = everything()
    assert tag(results, "write", "--dry-run", "--comment") == 0
    assert everything() == before
