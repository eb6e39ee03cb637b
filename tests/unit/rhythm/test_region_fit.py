"""Pieces of a path: beats played by hand keep their deviations, a machine's are fitted."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import FRAME_RATE, Features
from dropgrid.rhythm import region_fit
from dropgrid.rhythm.evidence import EvidenceSource
from dropgrid.rhythm.options import RhythmOptions


@pytest.mark.parametrize(("count", "by_hand"), [(20, True), (63, True), (64, False), (90, False)])
def test_beats_in_a_straight_line_were_not_played_by_hand_from_64_on(count, by_hand):
    beats = 1.0 + 0.5 * np.arange(count)
    frames = round((beats[-1] + 1.0) * FRAME_RATE)
    activations = np.zeros((frames, 2), np.float32)
    for place, beat in enumerate(beats):
        activations[round(beat * FRAME_RATE), int(place % 4 == 0)] = 1.0
    source = EvidenceSource(Features(frames / FRAME_RATE, activations, {}))
    track = region_fit._Track(source, activations.sum(axis=1), RhythmOptions())
    (piece,) = region_fit._straight(track, beats)
    assert piece.bpm == pytest.approx(120.0, abs=0.01)
    assert (piece.deviation is not None) == by_hand
