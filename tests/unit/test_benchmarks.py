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
    assert "| dropgrid: beats, tempo, sections, key, loudness | 2.0 s | 1.00 | 208 MB |" in text
    assert "| madmom 0.16.1: beats and downbeats | 90.0 s | 45 |  |" in text
    assert "| mixxx-analyzer (Mixxx's): beats, tempo, key, loudness | 1.9 s | 0.95 |" in text
    assert "29% at 4 tracks, 12% at 16 tracks" in text
    assert "(A processor.) Running the workflow adds" in text
    assert "16 tracks to the CPU time. A file of 2 hours takes 40 s and 480 MB (Another)." in text
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
    first, last = present.MARKER, present.marked_text.LAST
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{first}\nold\n{last}\nafter\n")
    present.renew(readme, MEASURED)
    assert present.marked_text.between(readme.read_text(), first) == present.figures(MEASURED)
    assert readme.read_text().startswith(f"before\n{first}\n|")
    assert readme.read_text().endswith(f"{last}\nafter\n")
    readme.write_text("no markers\n")
    present.renew(readme, MEASURED)
    assert readme.read_text() == "no markers\n"


def test_the_readme_shows_the_figures_of_the_last_measurement(present: ModuleType) -> None:
    shown = present.marked_text.between((ROOT / "README.md").read_text(), present.MARKER)
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


def test_a_system_that_never_answers_has_an_empty_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import systems
    from answers import Answers

    tasks: dict[str, dict[str, list[dict[str, object]]]] = {}
    for task, metric, _ in systems.COLUMNS:
        means = tasks.setdefault(task, {"means": []})["means"]
        for system, answered in (("other", 2), ("dropgrid", 2), ("silent", 0)):
            mean = 0.5 if system == "other" else 1.0
            means.append({"system": system, "metric": metric, "mean": mean, "answered": answered})
    answers = {name: Answers(f"{name} 1.2", tmp_path) for name in ("silent", "other", "dropgrid")}
    found = systems.summary({"tasks": tasks}, answers) | {"songs": 32}
    lines = systems.table(found, ("beat F", "downbeat F")).splitlines()
    assert lines == [
        "| 32 songs | beat F | downbeat F |", "|---|---|---|", "| dropgrid 1.2 | 1.000 | 1.000 |",
        "| other 1.2 | .500 | .500 |", "| silent 1.2 |  |  |",
    ]  # fmt: skip


def test_rank_agreement_correlates_the_systems_that_both_sets_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import rank_agreement

    def results(own: str, values: tuple[float, ...]) -> dict[str, object]:
        means = {**dict(zip("abcd", values, strict=True)), own: 0.0, "silent": None}
        return {"systems": [{"name": n, "means": {"beat F": mean}} for n, mean in means.items()]}

    pair = results("one", (0.9, 0.8, 0.5, 0.1)), results("other", (0.7, 0.8, 0.4, 0.2))
    line = rank_agreement.table(*pair).splitlines()[-1]
    assert "a: .900, .700; b: .800, .800; c: .500, .400; d: .100, .200" in line
    assert "| .80 (.20) | .67" in line and "silent" not in line and "other" not in line


def test_a_twins_column_is_its_score_and_what_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import edm_grids

    found = {
        name: {"tracks": 3, "piece": 0.9, "twin": twin, "difference": twin - 0.9}
        for name, twin in (("dropgrid", 0.9), ("other", 0.25))
    }
    names = [{"name": "dropgrid"}, {"name": "other"}]
    table = edm_grids.twin_table({"systems": names, "twins": {"jump": found}})
    assert table.splitlines()[-1] == "| jump (3) | .900 (+0.00) | .250 (-0.65) |"


def test_the_documents_show_the_systems_of_the_last_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import marked_text
    import systems

    if not systems.RESULTS.exists():
        pytest.skip("benchmarks/systems.py has not been run to its end")
    found = json.loads(systems.RESULTS.read_text())
    for document, table in (
        ("README.md", systems.short_table(found)),
        ("docs/evaluation.md", systems.table(found, systems.TITLES)),
    ):
        shown = marked_text.between((ROOT / document).read_text(), systems.MARKER)
        assert shown == table, document


def test_the_readme_has_a_column_a_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import systems

    titles = {"dropgrid, method `open`": 0.98, "mixxx-analyzer 0.1.2": 0.75}
    listed = [
        {"name": title, "title": title, "means": dict.fromkeys(systems.SHORT, mean)}
        for title, mean in titles.items()
    ]
    lines = systems.short_table({"songs": 32, "systems": listed}).splitlines()
    assert lines[0] == "| 32 songs | dropgrid `open` | mixxx-analyzer |"
    assert lines[2] == "| Accuracy1 | .980 | .750 |" and len(lines) == 6


def test_the_document_shows_the_last_run_on_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import edm_grids
    import marked_text

    if not edm_grids.RESULTS.exists():
        pytest.skip("benchmarks/edm_grids.py has not run with --write yet")
    found, text = json.loads(edm_grids.RESULTS.read_text()), edm_grids.DOCUMENT.read_text()
    for name, table in edm_grids.tables(found).items():
        assert marked_text.between(text, edm_grids.MARKER.format(name)) == table, name
