"""A library over the years, in the real workflow: disks that are away, files that move."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mutagen
import pytest
import soundfile
from dropgrid import __version__
from dropgrid.base.csv_tables import read_csv
from dropgrid.commands.main import main
from dropgrid.library import track_id
from dropgrid.records.store import read_bpm

pytestmark = pytest.mark.slow


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file's bytes and age, but for logs, caches and Snakemake's own."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "logs" not in path.parts and path.suffix != ".cache"
    }


@pytest.fixture(scope="module")
def analysed(songs, snakemake, tmp_path_factory) -> Path:
    """A folder with a library of three songs, analysed; tests copy it."""
    folder = tmp_path_factory.mktemp("years")
    shutil.copytree(songs, folder / "music")
    done = snakemake(folder, "--cores", "2")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def home(analysed, tmp_path) -> Path:
    """A copy of it with all times kept, Snakemake's memory too."""
    shutil.copytree(analysed, tmp_path / "home")
    return tmp_path / "home"


def test_a_disk_that_is_not_mounted_is_refused_and_changes_nothing(home, snakemake):
    shutil.rmtree(home / "music")
    (home / "music").mkdir()
    before = contents(home / "results")
    for arguments in (("--cores", "2"), ("-n",)):
        done = snakemake(home, *arguments)
        assert done.returncode != 0
        assert "no audio in music (last run: 3 tracks)" in done.stdout + done.stderr
        assert contents(home / "results") == before
    done = snakemake(home, "--cores", "2", allow_empty="true")
    assert done.returncode == 0, done.stderr
    assert (home / "results" / "library.csv").read_text().count("\n") == 1


KINDS = ("bpm", "structure", "key")
Run = Callable[..., subprocess.CompletedProcess[str]]


def records(results: Path) -> dict[str, bytes]:
    paths = [path for kind in KINDS for path in results.glob(f"{kind}/*.json")]
    return {str(path.relative_to(results)): path.read_bytes() for path in paths}


def output_of(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def ran(home: Path) -> dict[str, list[str]]:
    """What the logs say that each stage of a track took: of another run, another."""
    found: dict[str, list[str]] = {}
    for log in (home / "results" / "logs").glob("*/*.log"):
        for stage in ("features", *KINDS):
            lines = re.findall(rf"^dropgrid: {stage} took .*$", log.read_text(), re.MULTILINE)
            if lines:
                found.setdefault(f"{stage}/{log.stem}", []).extend(lines)
    return found


def assert_as_if_fresh(home: Path, library: Path, scratch: Path) -> None:
    """The records are, byte for byte, those of an analysis that knows nothing of the past."""
    files = [str(path) for path in library.rglob("*") if path.is_file()]
    assert main(["analyze", *files, "--output", str(scratch), "--library", str(library)]) == 0
    found = records(home / "results")
    assert {name: found[name] for name in records(scratch)} == records(scratch)


def rename(music: Path) -> None:
    (music / "house.flac").rename(music / "My favourite #1 {x}.flac")
    (music / "sub").rename(music / "drum and bass")


def copy(music: Path) -> None:
    shutil.copyfile(music / "house.flac", music / "house again.flac")


def touch(music: Path) -> None:
    for path in music.rglob("*.*"):
        os.utime(path)


@pytest.mark.parametrize("change", [rename, copy, touch])
def test_what_only_moved_is_not_analysed_again(home, snakemake, tmp_path, change):
    before, jobs = records(home / "results"), ran(home)
    change(home / "music")
    planned = output_of(snakemake(home, "-n", "analysis"))
    assert not any(f"rule {stage}:" in planned for stage in ("features", *KINDS))
    done = output_of(snakemake(home, "--cores", "2"))
    assert "dropgrid: recognised " in done
    assert ran(home) == jobs
    found = records(home / "results")
    assert len(found) == (12 if change is copy else 9)
    assert (found == before) == (change is touch)
    assert_as_if_fresh(home, home / "music", tmp_path / "fresh")
    assert "Nothing to be done" in output_of(snakemake(home, "--cores", "2", "analysis"))


@pytest.mark.parametrize("place", ["elsewhere", "parent", "elsewhere and a part"])
def test_a_disk_mounted_elsewhere_or_seen_from_another_folder_is_recognised(
    home, snakemake, tmp_path, place
):
    jobs = ran(home)
    disk = tmp_path / "media" / "disk"
    if place == "parent":
        disk = home
        shutil.move(home / "results", tmp_path / "results")
        shutil.rmtree(home / ".snakemake")
        (tmp_path / "results").rename(home / "results")
        library = home / "all"
        library.mkdir()
        (home / "music").rename(library / "music")
        (library / "music" / "sub" / "drums.wav").rename(library / "drums.wav")
    else:
        disk.parent.mkdir()
        shutil.copytree(home / "music", disk)  # with all times kept, as a disk has them
        shutil.rmtree(home / "music")
        library = disk / "sub" if place.endswith("part") else disk
    done = output_of(snakemake(home, "--cores", "2", library=str(library)))
    assert "dropgrid: recognised " in done
    assert ran(home) == jobs
    assert_as_if_fresh(home, library, tmp_path / "fresh")


def test_a_file_with_edited_tags_has_only_its_tags_read(home, snakemake, tmp_path):
    house = home / "music" / "house.flac"
    tags = mutagen.File(house)
    tags["TITLE"], tags["BPM"] = "Another title " * 400, "90"
    tags.save()
    house.rename(home / "music" / "Another title.flac")
    done = output_of(snakemake(home, "--cores", "2"))
    track = track_id("Another title.flac")
    log = (home / "results" / "logs" / "features" / f"{track}.log").read_text()
    assert "this audio is known; only its tags were read" in log
    record = read_bpm(home / "results" / "bpm" / f"{track}.json")
    assert (record.tag_bpm, record.bpm_computed) == (90.0, 126.0)
    assert record.tags["title"].startswith("Another title")
    assert_as_if_fresh(home, home / "music", tmp_path / "fresh")
    assert "3 tracks, 3 analysed" in done


def test_a_byte_in_the_middle_makes_it_another_track(home, snakemake, tmp_path):
    """Same size, same first and last megabyte, same time of modification, and renamed."""
    drums = home / "music" / "sub" / "drums.wav"
    status = drums.stat()
    data = bytearray(drums.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200_000] = bytes(200_000)
    forged = home / "music" / "sub" / "drums 2.wav"
    forged.write_bytes(data)
    os.utime(forged, ns=(status.st_mtime_ns, status.st_mtime_ns))
    output_of(snakemake(home, "--cores", "2"))
    assert (home / "results" / "logs" / "features" / f"{track_id('sub/drums 2.wav')}.log").exists()
    assert_as_if_fresh(home, home / "music", tmp_path / "fresh")


def test_a_song_that_is_there_twice_is_listed_and_marked(home, snakemake):
    house = home / "music" / "house.flac"
    shutil.copyfile(house, home / "music" / "house again.flac")
    tags = mutagen.File(home / "music" / "house again.flac")
    tags["TITLE"] = "Not the same title"
    tags.save()
    samples, rate = soundfile.read(house)
    soundfile.write(home / "music" / "zipped.mp3", samples, rate)
    output_of(snakemake(home, "--cores", "2"))
    found = read_csv(home / "results" / "duplicates.csv")
    assert [row["path"] for row in found] == ["house again.flac", "house.flac", "zipped.mp3"]
    assert {(row["group"], row["same"]) for row in found} == {("1", "recording")}
    assert [row["likeness"] for row in found][:2] == ["1.0", "1.0"]
    page = (home / "results" / "report" / "index.html").read_text()
    assert '["copies","There more than once: house again.flac, house.flac"]' in page


def test_two_files_that_exchange_their_names_exchange_their_records(home, snakemake, tmp_path):
    music = home / "music"
    shutil.copyfile(music / "house.flac", music / "other.flac")
    output_of(snakemake(home, "--cores", "2", "analysis"))
    shutil.copyfile(music / "sub" / "drums.wav", music / "sub" / "b.wav")
    output_of(snakemake(home, "--cores", "2", "analysis"))
    (music / "sub" / "b.wav").rename(music / "sub" / "c.wav")
    (music / "house.flac").rename(music / "sub" / "b.flac")
    (music / "sub" / "c.wav").rename(music / "house.wav")
    output_of(snakemake(home, "--cores", "2", "analysis"))
    assert_as_if_fresh(home, music, tmp_path / "fresh")


def test_records_that_were_taken_over_follow_the_options(home, snakemake, tmp_path):
    """Snakemake does not know what they were made with; another option makes them again."""
    rename(home / "music")
    output_of(snakemake(home, "--cores", "2", "analysis"))
    options = {"structure": "{min_section_bars: 8}"}
    jobs = ran(home)
    done = output_of(snakemake(home, "--cores", "2", "analysis", **options))
    assert (
        "run again: structure (min_section_bars 4 -> 8); still valid: features, bpm, key" in done
    )
    again = {name for name, age in ran(home).items() if jobs.get(name) != age}
    assert len(again) == 3 and {name.partition("/")[0] for name in again} == {"structure"}
    # Renamed and the option taken back in one run: nothing of the other option is taken over.
    (home / "music" / "drum and bass").rename(home / "music" / "sub")
    output_of(snakemake(home, "--cores", "2", "analysis"))
    assert_as_if_fresh(home, home / "music", tmp_path / "fresh")


def test_corrections_follow_the_recording_and_not_its_copy(home, snakemake):
    results, jobs = home / "results", ran(home)
    assert main(["correct", "house.flac", "--results", str(results), "--half"]) == 0
    shutil.copyfile(home / "music" / "house.flac", home / "music" / "house again.flac")
    output_of(snakemake(home, "--cores", "2", "analysis"))
    tempi = {}
    for path in (results / "bpm").glob("house*.json"):
        record = read_bpm(path)
        tempi[record.path] = (record.source, record.bpm)
    assert tempi == {"house.flac": ("corrected", 63.0), "house again.flac": ("computed", 126.0)}
    (home / "music" / "house.flac").rename(home / "music" / "renamed.flac")
    (home / "music" / "house again.flac").unlink()
    output_of(snakemake(home, "--cores", "2", "analysis"))
    record = read_bpm(results / "bpm" / f"{track_id('renamed.flac')}.json")
    assert (record.source, record.bpm) == ("corrected", 63.0)
    again = {name for name, age in ran(home).items() if jobs.get(name) != age}
    assert not [name for name in again if name.startswith("features/")]


def test_after_an_upgrade_features_stay_and_tables_are_made_again(home, snakemake):
    """As if a version before had run, whose bpm records were of another version."""
    results = home / "results"
    for name, old, new in (
        ("version", f'"{__version__}"', '"0.0.1"'),
        ("bpm", '"schema_version": ', '"schema_version": 1'),
    ):
        path = results / "options" / f"{name}.json"
        path.write_text(path.read_text().replace(old, new))
    jobs = ran(home)
    done = output_of(snakemake(home, "--cores", "2"))
    assert f"3 tracks by dropgrid 0.0.1, this is {__version__}: stages to run again: bpm (" in done
    again = {name.partition("/")[0] for name, age in ran(home).items() if jobs.get(name) != age}
    assert again == {"bpm", "structure"}
    assert f'"version": "{__version__}"' in (results / "options" / "version.json").read_text()


def test_features_that_are_not_kept_have_no_second_name(songs, snakemake, tmp_path):
    config = {"library": str(songs), "keep_features": "false"}
    output_of(snakemake(tmp_path, "--cores", "2", "analysis", **config))
    assert len(records(tmp_path / "results")) == 9
    assert list(tmp_path.glob("results/cache/*.npz")) == []
    assert list(tmp_path.glob("results/features/*")) == []


def test_a_move_is_recognised_in_batches_too(home, snakemake, tmp_path):
    output_of(snakemake(home, "--cores", "2", "analysis", tracks_per_job="20"))
    features = {p.stat().st_ino for p in (home / "results" / "features").iterdir()}
    rename(home / "music")
    copy_of = home / "music" / "again.ogg"
    shutil.copyfile(home / "music" / "other.ogg", copy_of)
    done = output_of(snakemake(home, "--cores", "2", "analysis", tracks_per_job="20"))
    assert "3 renamed, moved or copied" in done
    assert {p.stat().st_ino for p in (home / "results" / "features").iterdir()} == features
    assert_as_if_fresh(home, home / "music", tmp_path / "fresh")


def test_our_own_tempo_does_not_come_back_as_evidence(home, snakemake, tmp_path):
    results = home / "results"
    assert main(["tag", "write", "--results", str(results), "--min-confidence", "0"]) == 0
    rename(home / "music")
    output_of(snakemake(home, "--cores", "2"))
    for path in (results / "bpm").glob("*.json"):
        record = read_bpm(path)
        assert (record.source, record.tag_bpm) == ("computed", None)
    assert '"tracks": 0' in (results / "evaluation" / "bpm.json").read_text()
    assert_as_if_fresh(home, home / "music", tmp_path / "fresh")


@pytest.fixture
def watch(tmp_path):
    """Starts the real command: watch() -> its process; all are ended at the end."""
    started = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "dropgrid", "watch", "music", "--results", "results",
                   "--settle", "1.5", "--every", "60", "--cores", "2", "table"]  # fmt: skip
        with (tmp_path / "watch.log").open("a") as log:
            process = subprocess.Popen(command, cwd=tmp_path, text=True, stdout=log, stderr=log)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(300)


def within(seconds: float, what: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.2)
    return False


def test_a_folder_is_watched_over_copies_and_restarts(songs, tmp_path, watch):
    music, table = tmp_path / "music", tmp_path / "results" / "library.csv"
    music.mkdir()
    shutil.copyfile(songs / "other.ogg", music / "other.ogg")

    def rows() -> list[str]:
        if not table.exists():
            return []
        return [f"{row['path']} {row['status']}" for row in read_csv(table)]

    first = watch()
    assert within(600, lambda: rows() == ["other.ogg ok"]), (tmp_path / "watch.log").read_text()
    data = (songs / "house.flac").read_bytes()
    with (music / "house.flac").open("wb") as slow:  # as a copy over a slow line
        for start in range(0, len(data), len(data) // 8):
            slow.write(data[start : start + len(data) // 8])
            slow.flush()
            time.sleep(0.7)
    assert within(600, lambda: len(rows()) == 2)
    assert rows() == ["house.flac ok", "other.ogg ok"]
    logs = tmp_path / "results" / "logs" / "features"
    assert "DecodeError" not in "".join(path.read_text() for path in logs.iterdir())
    first.kill()  # as when the machine stops
    first.wait()
    shutil.copyfile(songs / "sub" / "drums.wav", music / "drums.wav")
    second = watch()
    assert within(600, lambda: rows() == ["drums.wav ok", "house.flac ok", "other.ogg ok"])
    second.terminate()
    assert second.wait(300) == 143
