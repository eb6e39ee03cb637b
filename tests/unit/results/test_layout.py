"""The paths of a results folder: spelt in one module, the same that the rules spell."""

from __future__ import annotations

import re
from pathlib import Path

import dropgrid
from dropgrid.results.layout import Results

PACKAGE = Path(dropgrid.__file__).parent

TRACK = "song-0a1b2c3d"
SPELT = re.compile(r"""/ f?["'](tracks|batches|options|features|bpm|structure|key)["'/{]""")


def test_paths_are_those_that_the_rules_make() -> None:
    files = Results(Path("R"))
    rules = "".join(path.read_text() for path in (PACKAGE / "shipped" / "rules").glob("*.smk"))
    written = set(re.findall(r'f"\{RESULTS\}/([^"]+)"', rules))
    spelt = [files.network, files.key_network, files.table, files.parquet, files.failures,
             files.page, files.done("{{batch}}"),
             files.logs("batches") / "{{batch}}.log", files.evaluation / "bpm.json"]  # fmt: skip
    assert {path.relative_to("R").as_posix() for path in spelt} <= written


def test_no_other_module_spells_them() -> None:
    spelling = {
        path.name
        for room in ("results", "run", "report", "evaluation", "export", "tagging", "commands")
        for path in (PACKAGE / room).rglob("*.py")
        if path.name != "artefacts.py" and SPELT.search(path.read_text())
    }
    assert spelling <= {"plan.py", "scan_store.py"}  # a pattern of the rules; a whole folder


def test_recorded_tracks_are_files_with_an_id(tmp_path: Path) -> None:
    files = Results(tmp_path)
    assert files.kinds() == [] and list(files.recorded("bpm")) == []
    (tmp_path / "bpm").mkdir()
    for name in (f"{TRACK}.json", "notes.json", f"{TRACK}.txt"):
        (tmp_path / "bpm" / name).touch()
    assert files.kinds() == ["bpm"] and list(files.recorded("bpm")) == [TRACK]
    assert files.output("bpm", TRACK) == files.record("bpm", TRACK)
    assert files.output("features", TRACK) == files.features(TRACK)
