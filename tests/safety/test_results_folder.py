"""A folder of results: who may claim it, and that looking at it writes nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from dropgrid.base.errors import LibraryError
from dropgrid.library import scan
from dropgrid.results.artefacts import MARK
from dropgrid.results.crash_cleanup import remove_broken_files
from dropgrid.results.ownership import check_claim, claim, place, usual
from dropgrid.results.scan_store import write_tickets
from dropgrid.run.batches import done_batches
from dropgrid.run.interrupts import NOTE, lock_results, remove_stale_locks
from dropgrid.run.plan import make_plan
from folders_of_files import CONFIG, contents, fill
from snakemake.cli import get_argument_parser
from snakemake_logger_plugin_dropgrid.options import PRINT_OPTIONS, Request, requested

# A1: overlapping folders. Each case: what the user has, the library, the results.
OVERLAPS = {
    "A/batches": (["A/batches/song.flac"], "A/batches", "A"),
    "B/tracks": (["B/tracks/song.flac", "B/tracks/a.json"], "B/tracks", "B"),
    "C": (["C/song.flac", "C/bpm/house-0a1b2c3d.json", "C/failures.csv", "C/.note.123.tmp",
           "C/scan.json"], "C", "C"),
    "Z/library.csv": (["Z/song.flac", "Z/library.csv"], "Z/library.csv", "Z"),
    "not ours": (["music/song.flac", "docs/letter.txt"], "music", "docs"),
}  # fmt: skip


@pytest.mark.parametrize("name", OVERLAPS)
@pytest.mark.parametrize("mode", ["-n", "--cores"])
def test_no_run_touches_a_folder_without_dropgrids_mark(name, mode, tmp_path, snakemake):
    files, library, results = OVERLAPS[name]
    fill(tmp_path, *files)
    if name == "Z/library.csv":
        (tmp_path / library).write_text("path\nsong.flac\n")
    before = contents(tmp_path)
    arguments = ["-n"] if mode == "-n" else ["--cores", "1"]
    run = snakemake(tmp_path, *arguments, library=library, results=results)
    assert run.returncode != 0
    message = run.stdout + run.stderr  # a dry run talks on stdout
    assert "results: " in message and "Traceback" not in message
    after = {k: v for k, v in contents(tmp_path).items() if not k.startswith(".snakemake/")}
    assert after == before


def test_a_folder_whose_claim_was_killed_can_be_claimed_again(tmp_path):
    results = tmp_path / "results"
    claim(results, ["/music"])
    left = results / f".{MARK}.12345.tmp"
    (results / MARK).rename(left)
    claim(results, ["/music"])
    assert (
        remove_broken_files(results) == [left] and not left.exists() and (results / MARK).exists()
    )


def test_a_file_only_named_like_a_leftover_is_kept(tmp_path):
    left = tmp_path / f".{MARK}.12345.tmp"
    left.write_text("the user's")
    with pytest.raises(LibraryError, match="holds other things"):
        claim(tmp_path, ["/music"])
    assert remove_broken_files(tmp_path) == [] and left.read_text() == "the user's"


def test_a_link_in_the_results_is_not_followed(tmp_path):
    fill(tmp_path, "user/mine.json", "music/song.flac")
    results = tmp_path / "results"
    claim(results, [str(tmp_path / "music")])
    (results / "tracks").symlink_to(tmp_path / "user")
    with pytest.raises(LibraryError, match=r"tracks: is a link; nothing is written through one"):
        check_claim(results, [str(tmp_path / "music")])
    (results / "tracks").unlink()
    (results / "tracks").mkdir()
    (results / "tracks" / "old-01234567.json").symlink_to(tmp_path / "user" / "mine.json")
    write_tickets(scan(str(tmp_path / "music")), results)
    assert (tmp_path / "user" / "mine.json").read_bytes() == b"the user's user/mine.json"


@pytest.mark.parametrize(
    "name", ["logs/tracks", "logs/network.log", "logs/tracks/a-01234567.log", "batches/00000.done",
             "report/index.html", "exports/lab", "all-tracks-ok"],
)  # fmt: skip
def test_a_link_deeper_in_the_results_is_not_written_through(name, tmp_path):
    fill(tmp_path, "user/mine.txt", "music/song.flac")
    results, music = tmp_path / "results", [str(tmp_path / "music")]
    claim(results, music)
    (results / name).parent.mkdir(parents=True, exist_ok=True)
    (results / name).symlink_to(tmp_path / "user" / ("mine.txt" if "." in name else ""))
    with pytest.raises(LibraryError, match=rf"{name}: is a link; nothing is written through one"):
        claim(results, music)


def test_a_dry_run_writes_nothing_and_plans_the_right_jobs(tmp_path, songs, snakemake):
    shutil.copytree(songs, tmp_path / "music")
    run = snakemake(tmp_path, "-n", "analysis", library="music", results="results")
    assert run.returncode == 0, run.stderr
    assert not (tmp_path / "results").exists()
    counts = dict(line.split() for line in run.stdout.splitlines() if len(line.split()) == 2)
    stages = ("features", "bpm", "structure", "key")
    assert [counts[stage] for stage in stages] == ["3"] * 4
    assert snakemake(tmp_path, "--cores", "2", "analysis", library="music",
                     results="results").returncode == 0  # fmt: skip
    before = contents(tmp_path / "results")
    (tmp_path / "music" / "other.ogg").unlink()
    os.utime(tmp_path / "music" / "sub" / "drums.wav", ns=(1, 1))  # the same bytes: no job
    (tmp_path / "music" / "house.flac").write_bytes(b"another")
    run = snakemake(tmp_path, "-n", "analysis", library="music", results="results")
    counts = dict(line.split() for line in run.stdout.splitlines() if len(line.split()) == 2)
    assert [counts[stage] for stage in stages] == ["1"] * 4
    assert contents(tmp_path / "results") == before


@pytest.mark.parametrize("option", ["--lint", "--dag", "--rulegraph", "--summary", "--list"])
def test_looking_writes_nothing(option, tmp_path, snakemake):
    fill(tmp_path, "music/song.flac")
    snakemake(tmp_path, option, library="music", results="results")
    assert not (tmp_path / "results").exists()


def test_batches_are_planned_without_writing(tmp_path):
    fill(tmp_path, *(f"music/{i}.flac" for i in range(40)))
    found, results = scan(str(tmp_path / "music")), tmp_path / "results"
    config = {**CONFIG, "tracks_per_job": 20}
    plan = make_plan(found, str(results), config, real=False, workers=lambda tracks: 2)
    assert len(plan.tracks) == 40 and plan.batches
    assert not results.exists()
    assert all(Path(plan.batch(name)).is_file() for name in plan.batches)
    real = make_plan(found, str(results), config, real=True, workers=lambda tracks: 2)
    assert real.batches == plan.batches
    for name in real.batches:
        (results / "batches" / f"{name}.done").touch()
    before = contents(results)
    again = make_plan(found, str(results), config, real=False, workers=lambda tracks: 2)
    assert contents(results) == before
    assert len(again.batches) == len(real.batches)
    assert not any(again.batch(name).startswith(str(results)) for name in again.batches)


@pytest.mark.parametrize(
    "arguments, looks",
    [
        (["-n"], True), (["-np"], True), (["-pn", "all"], True), (["--dry-run"], True),
        (["--cores", "4"], False), (["-c4"], False), (["-j", "4", "--lint"], True),
        (["-F", "--config", "results=x"], False), (["--dag=dot"], True), (["--", "-n"], False),
        (["-sSnakefile", "-c2"], False), (["--keep-going"], False),
        (["--lin"], True), (["--summ"], True), (["-Fn"], True),
        (["-fl"], True), (["-qall", "-c1"], False), (["-Onetwork"], False), (["-"], False),
        (["--report", "r.zip"], True), (["--report", "r.zip", "--report-after-run"], False),
        (["--detailed-summary"], True), (["--list-changes", "code"], True),
    ],
)  # fmt: skip
def test_what_only_looks(arguments, looks):
    assert requested(arguments).runs_nothing is looks


def test_what_only_looks_knows_snakemakes_options():
    """Every name is one of Snakemake's, and a plain run asks for none of them."""
    plain = get_argument_parser().parse_args(["--cores", "2"])
    assert [name for name in PRINT_OPTIONS if getattr(plain, name) not in (None, False)] == []


@pytest.mark.parametrize(
    "arguments, forced",
    [(["-F"], {"batch"}), (["-R", "bpm", "key", "-c1"], {"bpm", "key"}), (["--lint"], set())],
)
def test_what_is_to_run_again_is_known_before_the_rules_are_read(arguments, forced):
    assert set(requested(arguments).forced) == forced


def test_a_program_that_has_no_command_line_of_snakemakes_asks_for_nothing(capfd):
    assert requested(["--mine", "-n"]) == Request()
    assert capfd.readouterr().err == ""


# A2: places
@pytest.mark.parametrize("results", ["", "  ", "/", "~", "/tmp/..", "~nobody-of-that-name/x"])
def test_places_that_are_nobodys_to_claim(results):
    with pytest.raises(LibraryError, match="results: "):
        place(results)


def test_home_is_expanded_and_a_relative_folder_stays_so(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert usual("~/x") == str(tmp_path / "x")
    assert usual("a/../results/") == "results"


def test_results_below_the_library_are_fine_and_never_scanned(tmp_path):
    fill(tmp_path, "Music/song.flac")
    results = tmp_path / "Music" / "dropgrid-results"
    claim(results, [str(tmp_path / "Music")])
    fill(results, "clicks.wav")
    assert [t.path for t in scan(str(tmp_path / "Music")).tracks] == ["song.flac"]


def test_results_without_dropgrids_mark_belong_to_others(tmp_path):
    fill(tmp_path, "music/song.flac")
    results = tmp_path / "results"
    write_tickets(scan(str(tmp_path / "music")), results)
    with pytest.raises(LibraryError, match=r"has no \.dropgrid"):
        claim(results, [str(tmp_path / "music")])


def test_only_files_that_dropgrid_recognises_as_its_own_are_deleted(tmp_path):
    fill(tmp_path, "music/song.flac")
    results = tmp_path / "results"
    claim(results, [str(tmp_path / "music")])
    user = ["tracks/a.json", "tracks/mine-01234567.json", "batches/00000.json", "batches/x.done",
            "bpm/house-0a1b2c3d.json", ".note.123.tmp", "failures.csv",
            ".library.csv.1.tmp", "bpm/.a-01234567.json.1.tmp",
            "features/.a-01234567.npz.2.tmp"]  # fmt: skip
    fill(results, *user)
    write_tickets(scan(str(tmp_path / "music")), results)
    assert done_batches(results) == []
    remove_broken_files(results)
    for name in user:
        assert (results / name).read_bytes() == f"the user's {name}".encode()


# A3: locks
def test_another_workflows_lock_stays(tmp_path):
    folder, results = tmp_path / ".snakemake", tmp_path / "results"
    results.mkdir()
    (folder / "locks").mkdir(parents=True)
    remove_stale_locks(results, folder)  # our run, dead by now
    theirs, ours = folder / "locks" / "0.output.lock", folder / "locks" / "1.output.lock"
    theirs.write_text("mapped/a.bam\n")
    ours.write_text("results/bpm/x-01234567.json\n")
    remove_stale_locks(results, folder)
    assert theirs.exists() and not ours.exists()
    ours.write_text("results/bpm/x-01234567.json\n")
    (folder / NOTE).unlink()
    remove_stale_locks(results, folder)
    assert ours.exists()


def test_a_second_run_on_the_same_results_learns_which_process_holds_them(tmp_path):
    other = os.open(tmp_path / f"{MARK}.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(other, fcntl.LOCK_EX)
    os.write(other, b"process 1 on box")
    with pytest.raises(LibraryError, match="another run uses this folder: process 1 on box"):
        lock_results(tmp_path)
    os.close(other)
    lock_results(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("at_work", [True, False])
def test_another_user_learns_who_owns_the_results_and_which_process_runs(at_work):
    with tempfile.TemporaryDirectory() as folder:  # pytest's own nobody else may enter
        results = Path(folder) / "results"
        results.mkdir()
        os.chmod(folder, 0o755)
        lock = os.open(results / f"{MARK}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        if at_work:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.write(lock, b"process 7 of root on box")
        try_it = f"""
import os
from pathlib import Path
from dropgrid.base.errors import LibraryError
from dropgrid.run.interrupts import lock_results
os.setuid(65534)
try:
    lock_results(Path({str(results)!r}))
except LibraryError as error:
    print(error)
"""
        done = subprocess.run([sys.executable, "-c", try_it], capture_output=True, text=True)
        os.close(lock)
    assert f"{MARK}.lock: belongs to root; you may not write to it" in done.stdout, done.stderr
    assert ("a run uses this folder: process 7 of root on box" in done.stdout) == at_work
    assert "name another folder with results=DIR" in done.stdout
