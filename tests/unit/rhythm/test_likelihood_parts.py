"""Likelihood of beats and feet of attacks, against plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import ENVELOPE_RATE, Features
from dropgrid.rhythm import phase
from dropgrid.rhythm.bar_pointer import (
    ACTIVATION_POWER,
    BEAT_PART,
    FLOOR,
    Likelihood,
    beat_part_frames,
)


@pytest.mark.parametrize(("start", "length"), [(0, 40), (3, 47), (-20, 48), (180, 50), (60, 12)])
def test_a_beat_sounds_in_its_first_part_and_is_denied_in_the_rest(
    start: int, length: int
) -> None:
    activation = np.random.default_rng(0).uniform(0, 1, 200)
    activation[[5, 70]] = 0.0, 1.0
    expected = 0.0
    for frame in range(start, start + length):
        if 0 <= frame < 200:
            value = min(max(activation[frame] ** ACTIVATION_POWER, FLOOR), 1 - FLOOR)
            sounds = frame - start < -(-length // BEAT_PART)
            expected += np.log(value) if sounds else np.log((1 - value) / (BEAT_PART - 1))
    found = Likelihood(activation, 50)(np.array([start]), np.array([length]))
    assert found == pytest.approx([expected])


def test_a_beats_own_part_is_a_twelfth_rounded_up() -> None:
    assert beat_part_frames(np.array([1, 12, 13, 24, 25])).tolist() == [1, 1, 2, 2, 3]


BEATS = np.arange(1, 50) * 0.5


def attacks(late: float, rise: float = 0.005) -> Features:
    """Strokes that rise within `rise` seconds, from `late` seconds behind each beat on."""
    times = np.arange(30 * ENVELOPE_RATE) / ENVELOPE_RATE
    since = (times - 0.5 - late) % 0.5
    level = np.minimum(since / rise, 1) * np.exp(-since / 0.2)
    attack = np.column_stack([level, level]).astype(np.float16)
    return Features(30.0, np.zeros((3000, 2)), {"attack": attack})


@pytest.mark.parametrize("late", [-0.02, -0.0071, 0.0, 0.0033, 0.015])
def test_the_offset_is_where_the_attack_has_begun(late: float) -> None:
    found = phase.attack_offset(attacks(late), BEATS)
    assert found == pytest.approx(late + 0.001 + 0.00125, abs=0.0012)


def test_attacks_that_are_slow_far_off_or_few_have_no_offset() -> None:
    assert phase.attack_offset(attacks(0.0, rise=0.05), BEATS) is None
    assert phase.attack_offset(attacks(0.035), BEATS) is None
    assert phase.attack_offset(attacks(0.0), BEATS[:15]) is None
    assert phase.attack_offset(attacks(0.0), BEATS[:16]) is not None
    assert phase.attack_offset(Features(1.0, np.zeros((0, 2))), BEATS) is None
