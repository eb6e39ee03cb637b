"""Writing tags loses nobody's edit, leaves the library's bounds to nobody, and is undone whole.

Items A4, A6, A7 and B (tags) of the table in README.md beside this file.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutagen
import pytest
from audio_containers import CONTAINERS, decoded, write_audio
from dropgrid.audio.tags import read_tags
from dropgrid.base.errors import RecordError
from dropgrid.commands.main import main
from dropgrid.library import scan
from dropgrid.records.model import BpmRecord, Section, StructureRecord
from dropgrid.records.store import write_record
from dropgrid.records.ticket import ticket_json
from dropgrid.results.ownership import claim
from dropgrid.results.scan_store import write_tickets
from dropgrid.tagging import change as tagchange
from dropgrid.tagging.backup import read_backup, sole_writer
from dropgrid.tagging.change import apply
from dropgrid.tagging.in_place import finish_interrupted
from dropgrid.tagging.plan import Change, TagError
from mutagen.id3 import COMM, ID3, TBPM, TIT2, TXXX

BPM = 127.96


def library(folder: Path, drops: tuple[float, ...] = ()) -> Path:
    """The results of a run over folder/music, in folder/results, every track at BPM."""
    found = scan(str(folder / "music"))
    results = folder / "results"
    claim(results, [str(folder / "music")])
    write_tickets(found, results)
    for track in found.tracks:
        record = BpmRecord(
            track.track, track.path, "ok", duration=60.0, bpm=BPM, bpm_fitted=BPM,
            confidence=0.99, beats=(1.0, 2.0), time_signature="4/4",
        )  # fmt: skip
        sections = (Section(0.0, 60.0, "drop", 1, 32, 31, 0.9),)
        structure = StructureRecord(
            track.track, track.path, "ok", duration=60.0, sections=sections, drops=drops,
            drop_confidences=tuple(0.9 for _ in drops),
        )  # fmt: skip
        write_record(results / "bpm" / f"{track.track}.json", record)
        write_record(results / "structure" / f"{track.track}.json", structure)
    return results


def tag(results: Path, *arguments: str) -> int:
    action, *rest = arguments
    return main(["tag", action, "--results", str(results), *rest])


def song(folder: Path, name: str) -> Path:
    path = folder / "music" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_audio(path)


def all_tags(path: Path) -> dict[str, str]:
    file = mutagen.File(path)
    keys = [] if file.tags is None else list(file.tags.keys())
    return {str(key).lower(): str(file.tags[key]) for key in keys}


def tag_by_hand(path: Path) -> None:
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, ID3):
        file.tags.add(TIT2(encoding=1, text="Title"))
        file.tags.add(TBPM(encoding=3, text="64"))
        file.tags.add(COMM(encoding=3, lang="deu", desc="", text=["Schön", "zwei"]))
    elif path.suffix == ".m4a":
        file.tags.update({"\xa9nam": "Title", "tmpo": [64], "\xa9cmt": "Schön"})
    elif path.suffix == ".wma":
        file.tags.update({"Title": "Title", "WM/BeatsPerMinute": 64, "Description": "Schön"})
    else:
        file.tags.update({"TITLE": "Title", "bpm": ["64"], "COMMENT": ["Schön", "zwei"]})
    file.save()


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
    assert {read_tags(path, with_ours=True).bpm for path in files} == {BPM}
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


def test_a_disk_that_is_full_at_the_ticket_is_not_said_to_have_left_the_song(
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
    assert "1 file changed" in plain_text.out and read_tags(path, with_ours=True).bpm == BPM
    monkeypatch.undo()
    assert tag(results, "restore") == 0
    assert read_tags(path, with_ours=True).bpm is None


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
    assert read_tags(other, with_ours=True).bpm == BPM
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
    assert len(list(path.parent.iterdir())) == 3  # a dry run mends nothing
    assert tag(results, "write", "--in-place") == 0
    assert "the writing that was interrupted is finished" in capsys.readouterr().err
    assert [p.name for p in path.parent.iterdir()] == ["a.flac"]
    assert read_tags(tmp_path / "other.flac", with_ours=True).bpm == BPM and decoded(path) == audio
    assert tag(results, "restore", "--in-place") == 0
    assert all_tags(path) == {}


@pytest.mark.parametrize("name", ["a.flac", "a.mp3", "a.wav"])
@pytest.mark.parametrize("action", ["write", "restore"])
def test_what_the_user_wrote_after_a_kill_is_not_written_over(
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


def test_only_what_is_ours_is_mended(tmp_path: Path) -> None:
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
    """A name may have 255 bytes, and so may that of the copy beside it."""
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


def outside(tmp_path: Path) -> Path:
    path = tmp_path / "secret" / "v.flac"
    path.parent.mkdir()
    return write_audio(path)


def forge_ticket(results: Path, victim: Path) -> list[str]:
    for ticket in (results / "tracks").iterdir():
        values = json.loads(ticket.read_bytes())
        ticket.write_text(json.dumps({**values, "file": str(victim)}))
    return []


def forge_path(results: Path, victim: Path) -> list[str]:
    for record in (results / "bpm").iterdir():
        values = json.loads(record.read_bytes())
        record.write_text(json.dumps({**values, "path": "../secret/v.flac"}))
    return ["--library", str(results.parent / "music")]


def put_a_link(results: Path, victim: Path) -> list[str]:
    song_path = results.parent / "music" / "a.flac"
    song_path.unlink()
    song_path.symlink_to(victim)
    return []


def put_a_linked_folder(results: Path, victim: Path) -> list[str]:
    shutil.rmtree(results.parent / "music")
    shutil.copy(victim, victim.parent / "a.flac")
    (results.parent / "music").mkdir()
    (results.parent / "music" / "sub").symlink_to(victim.parent)
    for ticket in (results / "tracks").iterdir():
        values = json.loads(ticket.read_bytes())
        file = str(results.parent / "music" / "sub" / "v.flac")
        ticket.write_text(json.dumps({**values, "file": file}))
    return []


@pytest.mark.parametrize("forge", [forge_ticket, forge_path, put_a_link, put_a_linked_folder])
def test_no_ticket_record_or_link_leads_out_of_the_library(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], forge: Callable[[Path, Path], list[str]]
) -> None:
    song(tmp_path, "a.flac")
    results = library(tmp_path)
    victim = outside(tmp_path)
    before = victim.read_bytes(), victim.stat().st_ino, victim.stat().st_mtime_ns
    code = tag(results, "write", *forge(results, victim))
    plain_text = capsys.readouterr()
    assert (victim.read_bytes(), victim.stat().st_ino, victim.stat().st_mtime_ns) == before
    assert sorted(p.name for p in victim.parent.iterdir())[-1] == "v.flac"
    assert "file changed" not in plain_text.out
    reasons = (
        "outside the library, or is a link",
        "not a path below",
        "file lies is not known",
        "not analysed: ",
    )
    assert code == 2 or any(reason in plain_text.err for reason in reasons)


def backup_line(file: Path | str, **changes: Any) -> str:
    values = {"track": "v-00000000", "file": str(file), "had_tags": True,
              "old": {"BPM": ["666"]}, "new": {"BPM": None}} | changes  # fmt: skip
    return json.dumps(values)


HEAD = json.dumps({"schema": "dropgrid/tag-backup", "schema_version": 2})


@pytest.mark.parametrize("root", ["scanned", "named"])
def test_a_forged_backup_restores_nothing_outside_the_library(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], root: str
) -> None:
    inside = song(tmp_path, "a.flac")
    results = library(tmp_path)
    victim = outside(tmp_path)
    link = inside.parent / "link.flac"
    link.symlink_to(victim)
    before = victim.read_bytes(), victim.stat().st_ino
    paths = (victim, link, f"{inside.parent}/../secret/v.flac", "/etc/hostname")
    lines = [HEAD, *(backup_line(path) for path in paths), backup_line(inside)]
    (results / "tag-backup.json").write_text("\n".join(lines) + "\n")
    named = ["--library", str(inside.parent)] if root == "named" else []
    assert tag(results, "restore", *named) == 1
    plain_text = capsys.readouterr()
    assert (victim.read_bytes(), victim.stat().st_ino) == before
    assert plain_text.err.count("outside the library") == 4
    assert plain_text.out.startswith("1 file restored; 4 still in")


def test_without_a_scan_or_a_name_for_the_library_nothing_is_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = song(tmp_path, "a.flac")
    results = library(tmp_path)
    (results / "scan.json").unlink()
    (results / "tag-backup.json").write_text(f"{HEAD}\n{backup_line(path)}\n")
    before = path.read_bytes()
    assert tag(results, "restore") == 2
    assert "where the library lies is not known" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("[]", "line"),
        ("3", "line"),
        (backup_line("/m/a.flac", more=1), "line"),
        (backup_line("/m/a.flac", track="../../victim"), "track"),
        (backup_line("/m/a.flac", track=5), "track"),
        (backup_line("a.flac"), "file"),
        (backup_line("/m/\0.flac"), "file"),
        (backup_line("/m/a.flac", had_tags="yes"), "had_tags"),
        (backup_line("/m/a.flac", old=[]), "old"),
        (backup_line("/m/a.flac", old={"APIC:": ["x"]}), "old: APIC:"),
        (backup_line("/m/a.flac", old={"TITLE": ["x"]}), "old: TITLE"),
        (backup_line("/m/a.flac", new={"BPM": "128"}), "new: BPM"),
        (backup_line("/m/a.flac", new={"BPM": [{"a": 1}]}), "new: BPM"),
        (backup_line("/m/a.flac", new={"BPM": [[[[["x"]]]]]}), "new: BPM"),
        (backup_line("/m/a.flac", new={"BPM": [1.5]}), "new: BPM"),
    ],
)
def test_a_backup_is_checked_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, field: str
) -> None:
    song(tmp_path, "a.flac")
    results = library(tmp_path)
    path = results / "tag-backup.json"
    path.write_text(f"{HEAD}\n{line}\n")
    for action in ("restore", "write"):
        assert tag(results, action) == 2
        plain_text = capsys.readouterr().err.splitlines()
        assert plain_text[-1].endswith(f"{path}:2: `{field}` is not what a backup of tags holds")
    assert path.read_text() == f"{HEAD}\n{line}\n"


@pytest.mark.parametrize(
    "text", ["", "{}", "[" * 100_000, "\xff", '{"schema": "dropgrid/tag-backup"}', f"{HEAD}\n{{\n"]
)
def test_what_is_no_backup_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tag-backup.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RecordError, match=r"tag-backup\.json: (cannot be read as|not a)"):
        read_backup(path)


def test_values_that_no_field_can_hold_leave_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, old in [("a.mp3", {"TBPM": [9, "x"]}), ("b.m4a", {"tmpo": ["many"]}),
                      ("c.wma", {"WM/BeatsPerMinute": [[1, "no hex"]]}),
                      ("d.m4a", {"tmpo": [10**30]})]:  # fmt: skip
        path = song(tmp_path, name)
        results = library(tmp_path)
        new = dict.fromkeys(old)
        line = backup_line(path, old=old, new=new)
        (results / "tag-backup.json").write_text(f"{HEAD}\n{line}\n")
        before = path.read_bytes()
        assert tag(results, "restore") == 1
        plain_text = capsys.readouterr()
        assert "left as it is" in plain_text.err and "Traceback" not in plain_text.err
        assert path.read_bytes() == before


def test_a_torn_last_line_is_of_a_change_that_was_not_made(tmp_path: Path) -> None:
    path = song(tmp_path, "a.flac")
    results = library(tmp_path)
    assert tag(results, "write") == 0
    backup = results / "tag-backup.json"
    whole = read_backup(backup)
    with backup.open("a") as stream:
        stream.write(backup_line("/m/b.flac")[:40])
    assert read_backup(backup) == whole
    song(tmp_path, "b.flac")
    library(tmp_path)
    assert tag(results, "write") == 0
    assert len(read_backup(backup)) == 2
    assert tag(results, "restore") == 0
    assert all_tags(path) == {}


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
    start = time.monotonic()
    assert tag(results, "write") == 1  # what could not be read
    assert time.monotonic() - start < 60
    plain_text = capsys.readouterr().err
    assert "its tags are not read: reading them takes" in plain_text and "it is no file" in plain_text


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


def test_a_change_of_a_ticket_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """A track id is checked where it becomes a path."""
    path = song(tmp_path, "a.flac")
    results = library(tmp_path)
    track = scan(str(tmp_path / "music")).tracks[0]
    victim = tmp_path / "victim.json"
    victim.write_bytes(ticket_json(dataclasses.replace(track, track="victim")))
    before = victim.read_bytes()
    change = Change("../../victim", str(path), False, {"BPM": None}, {"BPM": ["128"]})
    with pytest.raises(TagError, match="not a track's id"):
        apply(change, results=results)
    assert victim.read_bytes() == before and all_tags(path) == {}
