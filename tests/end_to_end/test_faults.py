"""Everything a music folder and a machine can do to a run, done for real."""

from __future__ import annotations

import os
import pty
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hostile_files
import numpy as np
import pytest
import soundfile
from dropgrid.library import scan_files
from dropgrid.records.store import read_bpm, read_structure
from dropgrid.results.scan_store import write_tickets
from jobs import failure_in, table

pytestmark = pytest.mark.slow
TRIED_AGAIN = 75


# Whole runs over folders of rubbish.


def test_no_file_name_breaks_a_run(snakemake, song, tmp_path):
    data = hostile_files.flac(song[: 3 * hostile_files.RATE])
    names = hostile_files.write_names(tmp_path / "music", data)
    hostile_files.write_names(tmp_path / "music" / "$(touch pwned)" / "{folder}", data[:100])
    assert len(names) >= 25
    done = snakemake(tmp_path, "--cores", "2", tracks_per_job="8")
    assert done.returncode == 0, done.stderr
    rows = table(tmp_path)
    for name in names:
        assert rows[os.fsdecode(name)]["status"] == "ok"
    assert len(rows) == 2 * len(names)
    assert len({row["track"] for row in rows.values()}) == 2 * len(names)
    assert list(tmp_path.rglob("pwned")) == []


@pytest.fixture(scope="module")
def rubbish(snakemake, song, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder after a run over hostile files of all kinds and one good song."""
    folder = tmp_path_factory.mktemp("rubbish")
    music = folder / "music"
    hostile_files.write(music / "bad", hostile_files.unusable(song))
    hostile_files.write(music / "odd", hostile_files.odd(song))
    hostile_files.write(music, {"good.flac": hostile_files.flac(song)})
    os.mkfifo(music / "pipe.wav")
    for name, target in [("zero.wav", "/dev/zero"), ("random.mp3", "/dev/urandom"),
                         ("loop.flac", "loop.flac"), ("dangling.ogg", "nowhere")]:  # fmt: skip
        (music / name).symlink_to(target)
    (music / "round").symlink_to(music)
    make_unreadably_deep(music / "deep")
    return folder, snakemake(folder, "--cores", "2", tracks_per_job="8")


def make_unreadably_deep(folder: Path) -> None:
    """Folders within folders until their path is too long for the system."""
    here = Path.cwd()
    folder.mkdir()
    os.chdir(folder)
    try:
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
    finally:
        os.chdir(here)


def test_a_run_over_rubbish_ends_well_and_loses_no_file(rubbish, song):
    folder, done = rubbish
    assert done.returncode == 0, done.stderr
    rows = table(folder)
    expected = {f"bad/{name}" for name in hostile_files.unusable(song)}
    expected |= {f"odd/{name}" for name in hostile_files.odd(song)}
    expected |= {"good.flac", "pipe.wav", "zero.wav", "random.mp3", "loop.flac", "dangling.ogg"}
    assert set(rows) == expected
    assert rows["good.flac"]["status"] == "ok"
    assert half_files(folder) == []


def test_every_unusable_file_is_listed_with_stage_and_reason(rubbish, song):
    folder, _ = rubbish
    failures = table(folder, "failures.csv")
    for name in hostile_files.unusable(song):
        row = failures[f"bad/{name}"]
        assert row["stage"] in ("decode", "features")
        assert row["type"] in ("DecodeError", "UnusableAudio")
        assert str(folder) not in row["message"]  # records say the same on every machine
    for name in ("pipe.wav", "zero.wav", "random.mp3", "loop.flac", "dangling.ogg"):
        assert failures[name]["message"]


def test_a_folder_that_cannot_be_read_is_listed(rubbish):
    folder, done = rubbish
    unread = [
        row for path, row in table(folder, "failures.csv").items() if path.startswith("deep/")
    ]
    assert [row["stage"] for row in unread] == ["scan"]
    assert "File name too long" in unread[0]["message"]
    assert "cannot be read" in done.stderr + done.stdout


def test_what_is_strange_but_audible_has_records_without_nan(rubbish, song):
    folder, _ = rubbish
    for path, row in table(folder).items():
        bpm = read_bpm(folder / "results" / "bpm" / f"{row['track']}.json")
        structure = read_structure(folder / "results" / "structure" / f"{row['track']}.json")
        assert bpm.status == structure.status == row["status"], path
        if structure.status == "ok":
            assert structure.sections[0].start == 0
            assert structure.sections[-1].end == bpm.duration


def test_no_file_makes_the_analysis_stumble(rubbish):
    """Errors are foreseen ones: no log has a traceback."""
    folder, _ = rubbish
    logs = (folder / "results" / "logs").rglob("*.log")
    assert "".join(log.read_text() for log in logs).count("Traceback") == 0


def test_a_job_over_its_memory_is_tried_again_then_recorded_and_the_rest_goes_on(
    snakemake, dropgrid, song, tmp_path
):
    music = tmp_path / "music"
    hostile_files.write(music, {"small.flac": hostile_files.flac(song)})
    hostile_files.write(music, {"large.flac": hostile_files.flac(np.tile(song, 120))})
    cap = ("--set-resources", "features:mem_mb=220")
    done = snakemake(tmp_path, "--cores", "2", *cap)
    assert done.returncode == 0, done.stderr
    rows = table(tmp_path)
    assert rows["small.flac"]["status"] == "ok"
    assert table(tmp_path, "failures.csv")["large.flac"]["type"] == "OutOfMemory"
    assert "220 MB" in rows["large.flac"]["error"]
    logs = (tmp_path / ".snakemake" / "log").glob("*.log")
    assert "".join(log.read_text() for log in logs).count("Trying to restart") == 2

    assert dropgrid("retry", "--results", tmp_path / "results").returncode == 0
    small = tmp_path / "results" / "features" / f"{rows['small.flac']['track']}.npz"
    age = small.stat().st_mtime_ns
    assert snakemake(tmp_path, "--cores", "2").returncode == 0
    assert {row["status"] for row in table(tmp_path).values()} == {"ok"}
    assert small.stat().st_mtime_ns == age


def test_a_live_line_in_a_terminal(song, tmp_path):
    hostile_files.write(tmp_path / "music", {"a.flac": hostile_files.flac(song), "b.mp3": b"no"})
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"),
               "--directory", str(tmp_path), "--logger", "dropgrid", "--cores", "2", "--",
               "analysis"]  # fmt: skip
    controller, terminal = pty.openpty()
    with subprocess.Popen(command, stdout=terminal, stderr=terminal) as run:
        os.close(terminal)
        shown = b"".join(read_all(controller)).decode()
    assert run.returncode == 0, shown
    assert "\r\x1b[K" in shown
    assert "100%  2/2 tracks, 1 failed" in shown
    assert "2 tracks, 1 analysed, 1 failed" in shown


def read_all(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(descriptor, 4096)
        except OSError:  # the other end is closed
            return
        if not piece:
            return
        yield piece


def half_files(folder: Path) -> list[Path]:
    return list((folder / "results").rglob(".*.tmp"))


# Single jobs on a machine that fails them.


def small_files_only() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_file_too_large_for_the_disk_leaves_nothing_and_is_tried_again(job, tmp_path):
    output = tmp_path / "out" / "song.npz"
    code, printed = job(output, "--attempts", "2", before=small_files_only)
    assert (code, list(output.parent.iterdir())) == (TRIED_AGAIN, [])
    assert "File too large" in printed and "to be tried again" in printed
    code, _ = job(output, "--attempts", "2", "--attempt", "2", before=small_files_only)
    assert code == 0
    assert failure_in(output).type == "OSError"


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 32 KB, where the system lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_leaves_nothing_half_written_and_room_makes_it_go_on(job, small_disk):
    output = small_disk / "song.npz"
    code, printed = job(output, "--attempts", "2")
    assert (code, list(small_disk.iterdir())) == (TRIED_AGAIN, [])
    assert "No space left on device" in printed
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert job(output, "--attempts", "2", "--attempt", "2")[0] == 0
    assert failure_in(output) is None


def test_a_disk_too_full_for_the_error_itself_fails_the_job(job, small_disk):
    (small_disk / "filler").write_bytes(bytes(32 * 1024))
    code, printed = job(small_disk / "song.npz", "--attempts", "1")
    assert code == TRIED_AGAIN
    assert "the failure cannot be recorded" in printed
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_a_job_that_takes_too_long_is_ended_and_in_the_end_recorded(job, tmp_path):
    output = tmp_path / "song.npz"
    limits = ("--time-limit", "0.05", "--attempts", "2")
    assert job(output, *limits)[0] == TRIED_AGAIN
    assert not output.exists()
    assert job(output, *limits, "--attempt", "2")[0] == 0
    assert failure_in(output).type == "TimedOut"


def test_a_file_that_vanished_or_was_replaced_by_rubbish_after_the_scan(job, tmp_path):
    job.source.write_bytes(b"no longer music")
    assert job(tmp_path / "a.npz")[0] == 0
    assert failure_in(tmp_path / "a.npz").type == "DecodeError"
    job.source.unlink()
    assert job(tmp_path / "b.npz")[0] == 0
    assert failure_in(tmp_path / "b.npz").message == "the file is no longer there"


def test_a_damaged_network_is_the_runs_fault_and_blames_no_track(
    song, network, tmp_path, dropgrid
):
    source = tmp_path / "song.wav"
    soundfile.write(source, song, hostile_files.RATE)
    [track] = write_tickets(scan_files([source]), tmp_path)
    broken = tmp_path / "broken.npz"
    broken.write_bytes(network.read_bytes()[:1000])
    ticket, output = tmp_path / "tracks" / f"{track}.json", tmp_path / "song.npz"
    done = dropgrid("features", ticket, broken, output)
    assert done.returncode == 2
    assert "cannot be loaded as the networks" in done.stderr
    assert not output.exists()
