"""Repetition: stretches of bars that are like themselves, and bars that return elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.structure import evidence, novelty, repetition
from scipy.ndimage import gaussian_filter


def looped(*loops: int, bars: int = 16, per_bar: int = 4) -> np.ndarray:
    """(units, 4, 9) dB: so many bars of each numbered loop, with a little noise."""
    random = np.random.default_rng(1)
    every = [random.normal(-10.0, 5.0, (per_bar, 4, 9)) for _ in range(max(loops) + 1)]
    played = np.concatenate([np.tile(every[loop], (bars, 1, 1)) for loop in loops])
    return played + random.normal(0.0, 0.5, played.shape)


def test_a_change_of_loop_at_the_same_level_stands_out() -> None:
    bars = repetition.by_bar(looped(0, 1, 0), 4, 0)
    values = repetition.contrast(bars)
    assert set(np.argsort(values)[-2:]) == {16, 32}
    assert abs(values[8]) < 0.1 < values[16]


def test_what_returns_elsewhere_begins_where_it_returns() -> None:
    one, other, last = np.random.default_rng(1).normal(-10.0, 5.0, (3, 8, 144))
    change = repetition.recurrence_change(np.concatenate([one, other, one, last]))
    assert change[0] == 0.0
    assert all(change[at] > 2 * change[at + 4] for at in (8, 16, 24))


@pytest.mark.parametrize("late", [0, 1, 2, 3])
def test_places_are_reported_for_every_beat_that_might_be_a_bar_line(late: int) -> None:
    pattern = looped(0, 1)
    described = repetition.describe(pattern[late:], 4)
    assert described.shape == (3, 128 - late)
    assert described[0].argmax() == 64 - late
    assert described[1].max() == 0.0  # the largest has no rival
    assert described[2].max() == pytest.approx(1.0)


@pytest.mark.parametrize("count", [1, 2, 5, 60])
def test_a_blur_is_scipys_to_the_bit(count: int) -> None:
    values = np.random.default_rng(count).random((count, count))
    blurred = repetition.blurred(repetition.blurred(values, 1.5, 0), 0.5, 1)
    np.testing.assert_array_equal(blurred, gaussian_filter(values, (1.5, 0.5)))


def test_too_few_bars_are_not_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not repetition.describe(looped(0, bars=3), 4).any()
    assert not repetition.describe(looped(0, bars=1)[:2], 4).any()
    monkeypatch.setattr(repetition, "MOST_BARS", 20)
    assert not repetition.describe(looped(0, 1), 4).any()


def test_evidence_is_novelty_and_repetition_together() -> None:
    pattern, level = looped(0, 1, 0), np.zeros(192)
    alone = novelty.evidence(pattern, level, 4)
    described = repetition.describe(pattern, 4)
    expected = evidence.NOVELTY * alone + evidence.OFFSET
    expected += evidence.CONTRAST * described[0] + evidence.LEAD * described[1]
    expected += evidence.RECURRENCE * described[2]
    assert evidence.boundary_evidence(pattern, level, 4, True) == pytest.approx(expected)
    unaligned = evidence.boundary_evidence(pattern, level, 4, False)
    assert unaligned == pytest.approx(novelty.evidence(pattern, level, 4, False))
