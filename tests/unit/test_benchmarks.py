"""The figures that README.md shows are those of the last measurement, and written by it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "benchmark.json"
MEASURED = {
    "machines": {
        "speed": {"processor": "A processor"},
        "overhead": {"processor": "A processor"},
        "long": {"processor": "Another"},
    },
    "speed": {
        "dropgrid": {"cpu": 2.0, "peak_mb": 207.6, "peak_minutes": 5},
        "mixxx": {"cpu": 1.9, "peak_mb": 40.0, "peak_minutes": 5},
        "madmom": {"cpu": 90.0, "peak_mb": 900.0, "peak_minutes": 1},
        "librosa": {"cpu": 3.04, "peak_mb": 300.0, "peak_minutes": 1},
    },
    "overhead": [{"tracks": 4, "overhead_cpu": 0.288}, {"tracks": 16, "overhead_cpu": 0.12}],
    "long": {"minutes": 120, "cpu": 40.4, "peak_mb": 480.2},
}


@pytest.fixture
def present(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    sys.modules.pop("present", None)
    import present

    return present


def test_the_figures_are_those_that_were_measured(present: ModuleType) -> None:
    text = present.figures(MEASURED)
    assert "| dropgrid: beats, tempo, sections, key, loudness | 2.0 s | 208 MB |" in text
    assert "| madmom 0.16.1: beats and downbeats | 90.0 s | 45 times that |" in text
    assert "| mixxx-analyzer (Mixxx's): beats, tempo, key, loudness | 1.9 s | 0.95 times" in text
    assert "29% at 4 tracks, 12% at 16 tracks" in text
    assert "(A processor.) The workflow adds" in text
    assert "16 tracks. A file of 2 hours takes 40 s and 480 MB (Another)." in text
    assert "workflow" not in present.figures({**MEASURED, "overhead": []})


def test_a_part_that_is_measured_anew_alone_leaves_the_others_their_machine(
    present: ModuleType,
) -> None:
    known = {"cores": 2, "memory_gb": 8, "system": "S", "python": "3", "numpy": "2"}
    machines = {part: {**known, "processor": part.title()} for part in ("speed", "long")}
    long = {**MEASURED["long"], "threads": {"1": {"wall": 1.0, "cpu": 1.0, "peak_mb": 1.0}}}
    results = {"machines": machines, "speed": MEASURED["speed"], "long": long}
    one, other = present.page(results).split("## A long file")
    assert "(Speed, 2 cores" in one and "Long" not in one
    assert "(Long, 2 cores" in other and "Speed" not in other


def test_they_are_written_between_their_markers_and_nowhere_else(
    present: ModuleType, tmp_path: Path
) -> None:
    first, last = present.MARKERS
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{first}\nold\n{last}\nafter\n")
    present.renew(readme, MEASURED)
    assert present.between(readme.read_text()) == present.figures(MEASURED)
    assert readme.read_text().startswith(f"before\n{first}\n|")
    assert readme.read_text().endswith(f"{last}\nafter\n")
    readme.write_text("no markers\n")
    present.renew(readme, MEASURED)
    assert readme.read_text() == "no markers\n"


def test_the_readme_shows_the_figures_of_the_last_measurement(present: ModuleType) -> None:
    shown = present.between((ROOT / "README.md").read_text())
    if shown is None:
        pytest.skip("README.md has no place for the figures")
    assert shown == present.figures(json.loads(RESULTS.read_text()))


def test_systems_are_compared_on_songs_of_the_whole_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import systems

    for folder, count in (("music", 3), ("music_more", 5)):
        (tmp_path / folder).mkdir()
        for i in range(count):
            (tmp_path / folder / f"{i}.json").touch()
    found = [f"{f.parent.name}/{f.stem}" for f in systems.chosen(tmp_path, 4)]
    assert found == ["music/0", "music/2", "music_more/1", "music_more/3"]
    assert len(systems.chosen(tmp_path, 99)) == 8
    (tmp_path / "song.json").write_text(
        json.dumps({"bpm": 120.0, "beats": [0], "downbeats": [0], "downbeats_4": [0, 2]})
    )
    assert systems.reference(tmp_path / "song.json")["downbeats"] == [0, 2]
    doubted = {"bpm": 120.0, "beats": [0], "downbeats": [0], "usable": {"downbeats": "doubtful"}}
    (tmp_path / "song.json").write_text(json.dumps(doubted))
    assert "downbeats" not in systems.reference(tmp_path / "song.json")


def test_a_system_that_never_answers_has_an_empty_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import systems

    tasks: dict[str, dict[str, list[dict[str, object]]]] = {}
    for task, metric, _ in systems.COLUMNS:
        means = tasks.setdefault(task, {"means": []})["means"]
        for system, answered in (("dropgrid", 2), ("other", 0)):
            means.append({"system": system, "metric": metric, "mean": 0.5, "answered": answered})
    lines = systems.table({"tasks": tasks, "systems": ["dropgrid", "other"]}).splitlines()
    assert lines[2] == "| dropgrid" + " | 0.500" * 7 + " |"
    assert lines[3] == "| other" + " | " * 7 + " |"


def test_rank_agreement_correlates_the_systems_that_both_sets_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import rank_agreement

    for name, values in (("one", (0.9, 0.8, 0.5, 0.1)), ("other", (0.7, 0.8, 0.4, 0.2))):
        means = [
            {"system": system, "metric": "f_measure", "mean": value, "answered": 9}
            for system, value in zip("abcd", values, strict=True)
        ]
        means.append({"system": name, "metric": "f_measure", "mean": 0.0, "answered": 9})
        means.append({"system": "silent", "metric": "f_measure", "mean": 0.0, "answered": 0})
        tasks = {"beats": {"means": means}}
        (tmp_path / f"{name}.json").write_text(json.dumps({"tasks": tasks}))
    files = [str(tmp_path / f"{name}.json") for name in ("one", "other")]
    monkeypatch.setattr("sys.argv", ["rank_agreement.py", *files])
    rank_agreement.main()
    line = capsys.readouterr().out.splitlines()[-1]
    assert "a 0.900, 0.700; b 0.800, 0.800; c 0.500, 0.400; d 0.100, 0.200" in line
    assert "| 0.80 (0.20) | 0.67" in line and "silent" not in line and "other 0" not in line
