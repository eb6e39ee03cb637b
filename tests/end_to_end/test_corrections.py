"""Corrections hold in every later run: in records and exports, renamed, in batches."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from dropgrid.library import track_id
from dropgrid.results.layout import Results

# Songs whose tempo an analysis limited to below 120 BPM halves.
WRONG = ("Chris-HorizonRemix", "S3M-TRASH3-DISKO", "S3M-TRASH2-KLAKK")
NARROW = """
library: music
results: results
bpm: {max_bpm: 120}
evaluation: {references: [corrections]}
"""


def record(results: Path, path: str, kind: str = "bpm") -> dict[str, Any]:
    return json.loads(Results(results).record(kind, track_id(path)).read_text())


def share(times: list[float], others: list[float]) -> float:
    """The share of times that lie within 35 ms of another one."""
    own, other = np.asarray(times), np.asarray(others)
    return float(np.mean(np.abs(own[:, None] - other[None]).min(axis=1) <= 0.035))


def ages(results: Path, kind: str, suffix: str = "json") -> dict[str, int]:
    return {p.stem: p.stat().st_mtime_ns for p in (results / kind).glob(f"*.{suffix}")}


def ran(log: str, rule: str) -> int:
    """How many jobs of a rule a dry run announces."""
    found = re.search(rf"^{rule}\s+(\d+)$", log, re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def wrong(tmp_path_factory, shared, snakemake) -> Path:
    """A folder with results of three real songs whose grids are wrong by an octave."""
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "music").mkdir()
    for name in WRONG:
        shutil.copy(shared / "music_more" / f"{name}.ogg", folder / "music")
    (folder / "narrow.yaml").write_text(NARROW)
    done = snakemake(folder, "--cores", "2", "--configfile", str(folder / "narrow.yaml"))
    assert done.returncode == 0, done.stderr
    return folder


def truth(shared: Path, name: str) -> dict[str, Any]:
    return json.loads((shared / "music_more" / f"{name}.json").read_text())


def test_three_wrong_grids_are_put_right_and_stay_right(wrong, shared, snakemake, dropgrid):
    results = wrong / "results"
    narrow = ("--configfile", str(wrong / "narrow.yaml"))
    computed = {name: record(results, f"{name}.ogg") for name in WRONG}
    for name in WRONG:
        assert computed[name]["bpm"] == pytest.approx(truth(shared, name)["bpm"] / 2, rel=1e-3)
    for name in WRONG:
        true = truth(shared, name)
        one = true["downbeats"][40] + true["audio_lag_ms"] / 1000
        said = dropgrid("correct", f"{name}.ogg", "--results", results, "--bpm", true["bpm"],
                        "--at", round(one, 4))  # fmt: skip
        assert said.returncode == 0, said.stderr
        assert "grid corrected" in said.stdout

    planned = snakemake(wrong, "--cores", "2", "-n", *narrow).stdout
    assert not ran(planned, "network") and not ran(planned, "features")
    assert [ran(planned, stage) for stage in ("bpm", "structure", "key")] == [3] * 3
    features = ages(results, "features", "npz")
    done = snakemake(wrong, "--cores", "2", "export_rekordbox", "all", *narrow)
    assert done.returncode == 0, done.stderr
    assert ages(results, "features", "npz") == features
    assert "you checked 3 tracks; the computed grid was right on 0" in done.stderr

    collection = ElementTree.parse(results / "exports" / "rekordbox.xml")  # noqa: S314
    exported = {t.get("Name"): t for t in collection.iter("TRACK") if t.get("Name")}
    for name in WRONG:
        true, now = truth(shared, name), record(results, f"{name}.ogg")
        assert now["source"] == "corrected"
        assert now["bpm"] == true["bpm"]
        assert share(true["beats"], now["beats"]) > 0.99
        assert share(now["downbeats"], true["downbeats"]) > 0.98  # the end may reach further
        assert now["computed"]["bpm"] == computed[name]["bpm"]
        assert now["computed"]["beats"] == computed[name]["beats"]
        (tempo,) = exported[name].findall("TEMPO")
        assert float(tempo.get("Bpm", "0")) == pytest.approx(true["bpm"], abs=0.005)
        bars = record(results, f"{name}.ogg", "structure")["sections"][-1]["end_bar"] - 1
        assert bars == pytest.approx(true["n_bars"], abs=2)  # counted in the corrected bars

    assert ran(snakemake(wrong, "--cores", "2", "-n", *narrow).stdout, "bpm") == 0  # all is done
    # A version that analyses differently: here, one that looks at all tempi, and finds them.
    stated = (results / "corrections.json").read_bytes()
    before = {name: record(results, f"{name}.ogg")["beats"] for name in WRONG}
    done = snakemake(wrong, "--cores", "2", "--config", "library=music", "results=results")
    assert done.returncode == 0, done.stderr
    for name in WRONG:
        now = record(results, f"{name}.ogg")
        assert now["computed"]["bpm"] == pytest.approx(2 * computed[name]["bpm"], rel=1e-3)
        assert now["source"] == "corrected"
        assert len(now["beats"]) == pytest.approx(len(before[name]), abs=2)
        assert share(before[name], now["beats"]) > 0.99
    assert (results / "corrections.json").read_bytes() == stated
    listed = dropgrid("correct", "--list", "--results", results).stdout
    assert listed.count("the analysis agrees") == 3, listed
    assert "you checked 3 tracks; the computed grid was right on 3" in done.stderr

    for _ in WRONG:
        dropgrid("correct", f"{WRONG[0]}.ogg", "--results", results, "--undo")
    done = snakemake(wrong, "--cores", "2", "--config", "library=music", "results=results")
    now = record(results, f"{WRONG[0]}.ogg")
    assert (now["source"], "computed" in now) == ("computed", False)


@pytest.fixture
def library(tmp_path, songs) -> Path:
    shutil.copytree(songs, tmp_path / "music")
    return tmp_path


def run(snakemake, folder: Path, **config: str) -> None:
    done = snakemake(folder, "--cores", "2", library="music", results="results", **config)
    assert done.returncode == 0, done.stderr


def correct(dropgrid, folder: Path, *arguments: str) -> None:
    done = dropgrid("correct", *arguments, "--results", folder / "results")
    assert done.returncode == 0, done.stderr


def test_corrections_survive_a_rename_and_are_not_mistaken_for_another_song(
    library, snakemake, dropgrid
):
    results = library / "results"
    run(snakemake, library)
    correct(dropgrid, library, "house.flac", "--half")
    run(snakemake, library)
    before = record(results, "house.flac")
    assert before["bpm"] == 63.0

    (library / "music" / "sub" / "other name.flac").write_bytes(
        (library / "music" / "house.flac").read_bytes()
    )
    (library / "music" / "other.ogg").rename(library / "music" / "house.flac")  # another song
    run(snakemake, library)
    renamed = record(results, "sub/other name.flac")
    assert (renamed["bpm"], renamed["beats"]) == (63.0, before["beats"])
    assert record(results, "house.flac")["source"] == "computed"

    # An edit of the renamed track goes on from there, and moves the corrections to its path.
    (library / "music" / "house.flac").unlink()
    run(snakemake, library)
    correct(dropgrid, library, "other name.flac", "--double")
    stated = json.loads((results / "corrections.json").read_text())["tracks"]
    assert list(stated) == ["sub/other name.flac"]
    run(snakemake, library)
    assert record(results, "sub/other name.flac")["bpm"] == 126.0


def test_in_batches_only_the_cheap_stages_of_a_corrected_track_run(library, snakemake, dropgrid):
    results = library / "results"
    run(snakemake, library, tracks_per_job="3")
    before = {kind: ages(results, kind) for kind in ("bpm", "structure", "key")}
    features = ages(results, "features", "npz")
    correct(dropgrid, library, "house.flac", "--shift", "0.5", "--key", "Am")
    run(snakemake, library, tracks_per_job="3")
    track = track_id("house.flac")
    for kind, old in before.items():
        now = ages(results, kind)
        assert {name for name in now if now[name] != old[name]} == {track}
    assert ages(results, "features", "npz") == features
    assert record(results, "house.flac")["source"] == "corrected"
    assert record(results, "house.flac", "key")["key"] == "A minor"
    run(snakemake, library, tracks_per_job="3")
    assert record(results, "house.flac")["source"] == "corrected"


def test_a_file_elsewhere_is_honoured_and_what_is_wrong_in_it_stops_the_run(
    library, snakemake, dropgrid
):
    mine = library / "mine.json"
    run(snakemake, library)
    done = dropgrid("correct", "house.flac", "--results", library / "results",
                    "--corrections", mine, "--double")  # fmt: skip
    assert done.returncode == 0, done.stderr
    run(snakemake, library, corrections="mine.json")
    assert record(library / "results", "house.flac")["bpm"] == 252.0
    correct(dropgrid, library, "house.flac", "--confirm")  # finds the file of the last run
    assert "confirmed" in mine.read_text()

    mine.write_text(mine.read_text().replace("252.0", '"fast"'))
    done = snakemake(library, "--cores", "2", library="music", results="results",
                     corrections="mine.json")  # fmt: skip
    assert done.returncode != 0
    assert "mine.json: house.flac: bpm: not a tempo: 'fast'" in done.stderr


def test_impossible_corrections_are_reported_in_one_line(library, snakemake, dropgrid):
    run(snakemake, library)
    for arguments, message in (
        (("nothing.flac", "--half"), "nothing.flac: unknown: no such track"),
        (("house.flac", "--bpm", "9000"), "bpm: not a tempo from 20 to 400: 9000"),
        (("house.flac", "--shift", "0.3"), "shift: beats: not whole or half beats: 0.3"),
        (("house.flac",), "say one thing"),
        (("--half",), "PATH: name at least one track"),
        (("house.flac", "--undo"), "there is nothing to undo"),
        (("house.flac", "--half", "--undo"), "say one thing"),
    ):
        done = dropgrid("correct", *arguments, "--results", library / "results")
        assert done.returncode == 2, arguments
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (library / "results" / "corrections.json").exists()
