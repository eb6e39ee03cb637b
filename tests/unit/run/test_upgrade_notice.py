"""One line after an upgrade: which stages will be made again and why, and what stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid import __version__
from dropgrid.run.staleness import note_options
from dropgrid.run.upgrade_notice import note_version, noted_version, upgrade_lines

OPTIONS = {"features": {"contents": 2}, "bpm": {"schema_version": 2, "max_bpm": 215},
           "structure": {"sensitivity": 0.0}, "key": {}}  # fmt: skip


def options(stage: str, **changes: object) -> dict[str, dict[str, object]]:
    return {**OPTIONS, stage: {**OPTIONS[stage], **changes}}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    note_options(tmp_path, OPTIONS)
    note_version(tmp_path, "0.0.9")
    return tmp_path


def test_the_same_version_and_options_give_no_notice(results):
    note_version(results)
    assert noted_version(results) == __version__
    assert upgrade_lines(results, OPTIONS, 3) is None


def test_a_newer_version_that_changes_nothing_says_so(results):
    assert upgrade_lines(results, OPTIONS, 3) == (
        f"3 tracks by dropgrid 0.0.9, this is {__version__}: stages to run again: none; "
        "still valid: features, bpm, structure, key"
    )


def test_records_of_another_version_are_made_again_with_what_follows_from_them(results):
    assert upgrade_lines(results, options("bpm", schema_version=3), 1) == (
        f"1 track by dropgrid 0.0.9, this is {__version__}: stages to run again: "
        "bpm (schema_version 2 -> 3), structure (follows bpm); still valid: features, key"
    )


def test_other_features_make_every_record_stale(results):
    line = upgrade_lines(results, options("features", contents=3), 3)
    assert "features (contents 2 -> 3), bpm (follows features), structure (follows" in line
    assert line.endswith("still valid: nothing")


def test_an_option_of_the_user_is_reported_as_well(results):
    note_version(results)
    line = upgrade_lines(results, options("structure", sensitivity=0.2), 3)
    assert "run again: structure (sensitivity 0.0 -> 0.2); still valid: features, bpm, key" in line


def test_a_first_run_gives_no_notice(tmp_path):
    assert upgrade_lines(tmp_path, OPTIONS, 0) is None
