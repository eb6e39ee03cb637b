"""The plain energy method: stretches of high, medium and low loudness."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.structure.loudness_method import loudness_sections


def sections_of(*stretches: tuple[float, float]) -> list[tuple[float, float, str]]:
    """The sections found in stretches of (seconds, dB)."""
    levels = np.concatenate([np.full(round(100 * length), dB) for length, dB in stretches])
    return loudness_sections(np.stack([levels, levels - 60], axis=1), len(levels) / 100)


def test_low_high_and_medium_loudness_are_called_by_what_is_next_to_them() -> None:
    form = [(40, -30), (30, -20), (40, -10), (30, -20), (30, -30), (40, -10), (30, -30)]
    found = sections_of(*form)
    assert [label for _, _, label in found] == [
        "intro", "buildup", "drop", "breakdown", "breakdown", "drop", "outro"
    ]  # fmt: skip
    true = np.cumsum([0, *(length for length, _ in form)])
    assert [start for start, _, _ in found] == pytest.approx(true[:-1].tolist(), abs=4.0)
    assert [end for _, end, _ in found] == [*(start for start, _, _ in found[1:]), true[-1]]


def test_where_loudness_changes_is_half_a_window_of_eight_seconds_off_at_most() -> None:
    (_, edge, _), (start, end, _) = sections_of((40, -40), (40, -10))
    assert edge == start
    assert 36.0 < edge < 40.0  # the window meets the loud half before its middle does
    assert end == 80.0


def test_a_stretch_of_less_than_eight_seconds_is_not_a_section() -> None:
    found = sections_of((60, -10), (6, -60), (60, -10), (60, -40))
    assert [label for _, _, label in found] == ["drop", "outro"]
    found = sections_of((60, -30), (11, -10), (60, -30))
    assert [label for _, _, label in found] == ["intro", "drop", "outro"]


def test_steady_loudness_is_one_section_from_end_to_end() -> None:
    assert sections_of((50, -20)) == [(0.0, 50.0, "intro")]
    assert sections_of((2, -20)) == [(0.0, 2.0, "intro")]
