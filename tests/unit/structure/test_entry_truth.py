"""Where a drop may begin in a song by its arrangement, and how moments are scored against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dropgrid.records.model import BpmRecord
from dropgrid.structure import Structure
from structure_cases import STEPS_UP, Case, entries_of, entry_scores, one_bar


def song(*rows: tuple[str, bool, float]) -> list[dict[str, Any]]:
    """Sections of 16 s: (energy, kick, dB)."""
    return [
        {"start": 16.0 * i, "energy_hint": energy, "has_kick": kick, "rms_db": level}
        for i, (energy, kick, level) in enumerate(rows)
    ]


def test_a_drop_must_begin_where_a_peak_enters_and_may_at_other_peaks() -> None:
    found = entries_of(
        song(
            ("low", False, -20), ("peak", True, -10), ("peak", True, -9), ("low", False, -20),
            ("peak", True, -10),
        )
    )  # fmt: skip
    assert found == ((16.0, True), (32.0, False), (64.0, True))


def test_a_peak_that_neither_brings_the_kick_nor_steps_up_need_not_be_found() -> None:
    level = STEPS_UP - 10 - 0.1
    assert entries_of(song(("mid", True, -10), ("peak", True, level))) == ((16.0, False),)
    assert entries_of(song(("mid", True, -10), ("peak", True, level + 0.2))) == ((16.0, True),)


def test_a_drop_may_begin_where_medium_music_brings_the_kick_but_not_calm_music() -> None:
    found = entries_of(
        song(("low", False, -20), ("mid", True, -19), ("low", False, -20), ("low", True, -10))
    )
    assert found == ((16.0, False),)


def test_without_any_kick_steps_alone_count() -> None:
    found = entries_of(song(("low", False, -20), ("peak", False, -10), ("mid", False, -5)))
    assert found == ((16.0, True), (32.0, False))


def scores(moments: tuple[float, ...], *entries: tuple[float, bool]) -> tuple[float, ...]:
    case = Case(
        "song", None, None, None, np.array([]), np.array([]), (), entries=entries,  # type: ignore[arg-type]
    )  # fmt: skip
    found = Structure((), moments, (), (), None, None, "phrases", "bars")
    return entry_scores(case, found, 2.0)


def test_moments_are_right_at_any_entry_and_missed_only_where_they_must_be() -> None:
    entries = ((16.0, True), (32.0, False), (48.0, True))
    assert scores((17.0, 33.0, 70.0), *entries) == pytest.approx((2 / 3, 1 / 2, 4 / 7))
    assert scores((16.0, 48.0), *entries) == (1.0, 1.0, pytest.approx(1.0))


def test_no_moment_has_no_precision_and_nothing_to_find_no_recall() -> None:
    precision, recall, f = scores((), (16.0, True))
    assert np.isnan(precision) and (recall, f) == (0.0, 0.0)
    precision, recall, f = scores((16.0,), (16.0, False))
    assert precision == 1.0 and np.isnan(recall) and np.isnan(f)


def test_a_moment_that_is_a_bar_late_is_within_a_bar_whatever_the_milliseconds() -> None:
    grid = BpmRecord(
        "song", "song", "ok", 64.0, beats=(), downbeats=tuple(np.arange(0.0, 64.0, 2.0))
    )
    case = Case("song", None, grid, None, np.array([]), np.array([]), ())  # type: ignore[arg-type]
    assert 2.02 < one_bar(case) < 2.2
