"""Other systems' answers in the configuration: scored by every run, and again when they change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_estimates_of_the_configuration_are_scored_and_scored_again(songs, snakemake, tmp_path):
    answers = tmp_path / "it's {one} system"
    answers.mkdir()
    (answers / "house.csv").write_text("path,bpm\nhouse.flac,63\n")
    (tmp_path / "truth.csv").write_text("path,bpm\nhouse.flac,126\n")
    mine = {
        "library": str(songs), "analyses": ["bpm"],
        "bpm": {"method": "open"}, "key": {"method": "profiles"},
        "evaluation": {
            "references": [str(tmp_path / "truth.csv")], "estimates": {"a {b}": str(answers)},
        },
    }  # fmt: skip
    (tmp_path / "mine.yaml").write_text(json.dumps(mine))
    chosen = ["--configfile", str(tmp_path / "mine.yaml"), "--cores", "2", "evaluation"]

    def accuracy() -> float:
        file: Path = tmp_path / "results" / "evaluation" / "systems.json"
        means = json.loads(file.read_text())["tasks"]["tempo"]["means"]
        (found,) = (m for m in means if (m["system"], m["metric"]) == ("a {b}", "accuracy1"))
        return float(found["mean"])

    done = snakemake(tmp_path, *chosen)
    assert done.returncode == 0, done.stderr
    assert accuracy() == 0.0
    again = snakemake(tmp_path, *chosen)
    assert "Nothing to be done" in again.stdout + again.stderr
    (answers / "house.csv").write_text("path,bpm\nhouse.flac,126.0\n")
    done = snakemake(tmp_path, *chosen)
    assert done.returncode == 0, done.stderr
    assert accuracy() == 1.0

    mine["evaluation"]["estimates"] = {"dropgrid": str(answers)}  # type: ignore[index]
    (tmp_path / "mine.yaml").write_text(json.dumps(mine))
    refused = snakemake(tmp_path, *chosen)
    assert refused.returncode != 0 and "evaluation.estimates" in refused.stdout + refused.stderr
