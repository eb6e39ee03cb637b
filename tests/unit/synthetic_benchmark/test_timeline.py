"""Where the beats of a made-up piece lie, against the formulas of their tempo."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.synthetic_benchmark.timeline import Curve, timeline


def test_steady_beats_are_a_beat_apart() -> None:
    found = timeline(8, 120.0, 0.25, Curve(), 0)
    assert found.times.tolist() == [0.25 + 0.5 * i for i in range(9)]
    assert found.bpm.tolist() == [120.0] * 8


def test_positions_between_and_beyond_beats_lie_on_straight_lines() -> None:
    found = timeline(4, 120.0, 1.0, Curve(jump=(3, 0.5)), 0)
    assert found.times.tolist() == [1.0, 1.5, 2.0, 2.5, 2.75]
    assert found.at([0, 0.5, 2, 3.5, 4, -1, 6]).tolist() == [1, 1.25, 2, 2.625, 2.75, 0.5, 3.25]


def test_a_ramp_goes_from_one_tempo_to_another_and_stays_there() -> None:
    found = timeline(12, 100.0, 0.0, Curve(ramp=(2, 6, 1.2)), 0)
    assert found.bpm == pytest.approx([100] * 3 + [105, 110, 115] + [120] * 6)
    assert np.diff(found.times) == pytest.approx(60 / found.bpm)


def test_a_drift_goes_up_and_down_by_its_share() -> None:
    found = timeline(64, 120.0, 0.0, Curve(drift=(0.01, 16.0, 0.25)), 0)
    assert found.bpm[[0, 8, 16, 24]] == pytest.approx([121.2, 118.8, 121.2, 118.8])
    assert found.bpm[[4, 12, 20]] == pytest.approx([120.0] * 3)
    assert np.diff(found.times) == pytest.approx(60 / found.bpm)


def test_a_jump_shortens_its_beat_and_leaves_the_tempo() -> None:
    found = timeline(8, 120.0, 0.0, Curve(jump=(3, 0.25)), 0)
    assert np.diff(found.times) == pytest.approx([0.5, 0.5, 0.5, 0.375, 0.5, 0.5, 0.5, 0.5])
    assert found.bpm.tolist() == [120.0] * 8


def test_a_drummer_is_off_by_so_much_each_beat_near_the_one_before() -> None:
    steady = timeline(20_000, 120.0, 0.0, Curve(), 3).times
    found = timeline(20_000, 120.0, 0.0, Curve(jitter=8.0), 3)
    off = 1000 * (found.times - steady)
    assert off[0] == 0.0 and np.abs(off).max() < 24.001
    assert off.std() == pytest.approx(8.0, rel=0.05) and abs(off.mean()) < 0.5
    assert np.corrcoef(off[:-1], off[1:])[0, 1] == pytest.approx(0.85, abs=0.02)
    assert found.bpm.tolist() == [120.0] * 20_000
    again, other = (timeline(100, 120.0, 0.0, Curve(jitter=8.0), seed).times for seed in (3, 4))
    assert not np.array_equal(again, other)
    assert np.array_equal(again, timeline(100, 120.0, 0.0, Curve(jitter=8.0), 3).times)


@pytest.mark.parametrize(
    ("curve", "steady"),
    [
        (Curve(), True), (Curve(jump=(3, 0.5)), True), (Curve(ramp=(0, 4, 1.1)), False),
        (Curve(drift=(0.01, 16.0, 0.0)), False), (Curve(jitter=1.0), False),
    ],
)  # fmt: skip
def test_a_curve_is_steady_where_all_beats_have_one_tempo(curve: Curve, steady: bool) -> None:
    assert curve.steady == steady
