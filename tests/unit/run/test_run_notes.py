"""The references that a run noted for the commands after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.references.collect import WORDS
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.run.run_notes import note_references, noted_references


@pytest.fixture
def results(tmp_path: Path) -> Path:
    claim(tmp_path / "results", [])
    return tmp_path / "results"


def test_references_are_noted_absolute_and_words_as_they_are(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/dj")
    assert noted_references(results) == []
    word = sorted(WORDS)[0]
    note_references(results, [word, "beats/a.json", "~/b", "/c"])
    assert noted_references(results) == [word, f"{tmp_path}/beats/a.json", "/home/dj/b", "/c"]


@pytest.mark.parametrize("forged", ["a", [1], ["beats/a.json"], ["/a\0b"], {"a": 1}, None])
def test_what_no_run_notes_is_refused(results: Path, forged: object) -> None:
    note_references(results, ["/a"])
    path = Results(results).options("references")
    path.write_text(json.dumps({**json.loads(path.read_text()), "references": forged}))
    with pytest.raises(RecordError, match="references: not a list of absolute paths"):
        noted_references(results)
