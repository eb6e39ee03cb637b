"""`dropgrid tag`: trying, writing and restoring, and a process that is killed meanwhile."""

from __future__ import annotations

import dataclasses
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from audio_containers import CONTAINERS, write_audio
from dropgrid.audio.tags import read_tags
from dropgrid.base.errors import RecordError
from dropgrid.commands.main import main
from dropgrid.library import scan_files
from dropgrid.records.store import write_record
from dropgrid.results.scan_store import write_scan
from dropgrid.tagging.backup import read_backup
from library_of_records import bpm_record, structure_record
from tracks_to_tag import BPM, all_tags, tag, tag_by_hand


def library(tmp_path: Path, containers: tuple[str, ...] = CONTAINERS) -> Path:
    """Music in tmp_path/music, one file per container, and its records in tmp_path/results."""
    for container in containers:
        path = tmp_path / "music" / f"song {container}.{container}"
        path.parent.mkdir(exist_ok=True)
        tag_by_hand(write_audio(path))
        record = dataclasses.replace(bpm_record(path.name), bpm=BPM)
        write_record(tmp_path / "results" / "bpm" / f"{record.track}.json", record)
        sections = structure_record(path.name)
        write_record(tmp_path / "results" / "structure" / f"{record.track}.json", sections)
    names = [f"song {container}.{container}" for container in containers]
    found = scan_files([tmp_path / "music" / name for name in names], tmp_path / "music")
    write_scan(found, tmp_path / "results")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "music").iterdir())}


def test_the_command_tries_writes_and_restores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library(tmp_path)
    before = contents(tmp_path)
    tags = {path: all_tags(path) for path in (tmp_path / "music").iterdir()}
    backup = tmp_path / "results" / "tag-backup.json"

    assert main(tag(tmp_path, "write", "--dry-run")) == 0
    plain_text = capsys.readouterr().out
    assert "song flac.flac: BPM '64' -> '127.96', DROPGRID_BPM none -> '127.96'\n" in plain_text
    assert (
        "song mp3.mp3: TBPM '64' -> '128', TXXX:BPM none -> '127.96', TXXX:DROPGRID" in plain_text
    )
    assert plain_text.endswith("8 files would be changed; nothing was written\n")
    assert contents(tmp_path) == before and not backup.exists()

    assert main(tag(tmp_path, "write", "--comment")) == 0
    assert capsys.readouterr().out.endswith(f"8 files changed; previous values: {backup}\n")
    assert all(read_tags(path, include_own=True).bpm == BPM for path in tags)

    assert main(tag(tmp_path, "write", "--comment")) == 0
    assert "8 tracks left alone: already tagged so" in capsys.readouterr().err

    assert main(tag(tmp_path, "restore")) == 0
    plain_text = capsys.readouterr()
    assert plain_text.out == "8 files restored\n"
    assert (
        "in 4 files: the padding behind the tags may not be what it was at first" in plain_text.err
    )
    assert {path: all_tags(path) for path in tags} == tags
    assert not backup.exists()


def test_a_file_that_cannot_be_restored_stays_in_the_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library(tmp_path, ("flac", "mp3"))
    assert main(tag(tmp_path, "write")) == 0
    (tmp_path / "music" / "song flac.flac").unlink()
    capsys.readouterr()
    assert main(tag(tmp_path, "restore")) == 1
    plain_text = capsys.readouterr()
    assert plain_text.out == f"1 file restored; 1 still in {tmp_path}/results/tag-backup.json\n"
    assert (
        "song flac.flac: the file is not there, or may not be written; left as" in plain_text.err
    )
    (left,) = read_backup(tmp_path / "results" / "tag-backup.json")
    assert left.endswith("song flac.flac")


def test_without_a_backup_there_is_nothing_to_restore(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be read as a backup"):
        read_backup(tmp_path / "absent.json")
    assert main(tag(tmp_path, "restore")) == 2


# `dropgrid` that is killed when it has handed files to the disk or renamed them so many times.
DIES = """
import os, signal, sys
from dropgrid.commands.main import main

left, process = int(sys.argv[1]), os.getpid()

def dying(call):
    def dies(*given, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(process, signal.SIGKILL)
        return call(*given, **named)
    return dies

os.replace, os.fsync = dying(os.replace), dying(os.fsync)
main(sys.argv[2:])
"""


def test_a_killed_process_leaves_every_file_old_or_new(tmp_path: Path) -> None:
    library(tmp_path)
    backup = tmp_path / "results" / "tag-backup.json"
    old = contents(tmp_path)
    tags = {path: all_tags(path) for path in (tmp_path / "music").iterdir()}
    shutil.copytree(tmp_path / "music", tmp_path / "kept")
    assert main(tag(tmp_path, "write")) == 0
    new = contents(tmp_path)
    states = set()
    for calls in range(0, 32, 4):
        shutil.rmtree(tmp_path / "music")
        shutil.copytree(tmp_path / "kept", tmp_path / "music")
        backup.unlink(missing_ok=True)
        command = [sys.executable, "-c", DIES, str(calls), *tag(tmp_path, "write")]
        assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
        now = contents(tmp_path)
        for name, data in old.items():
            assert now[name] in (data, new[name])
        states.add(sum(now[name] == new[name] for name in old))
    assert len(states) >= 5  # it was killed at different moments

    assert main(tag(tmp_path, "write")) == 0  # goes on where it was killed, and cleans up
    assert contents(tmp_path) == new
    assert main(tag(tmp_path, "restore")) == 0
    assert {path: all_tags(path) for path in tags} == tags
