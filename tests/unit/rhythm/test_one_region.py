"""A steady track is one region, however much quieter a part of it is."""

from __future__ import annotations

import numpy as np
import odd_meters
import pytest
import soundfile
from dropgrid.features.extract import extract
from dropgrid.rhythm import RhythmOptions, analyse

BPM = 128.0
START = 0.2
BARS = 112


@pytest.mark.parametrize("kind", ["64 bars at -40 dB", "a fade in", "a fade out"])
def test_a_quiet_part_is_no_region(kind, tmp_path):
    pattern = odd_meters.PATTERNS["4/4"]
    samples = odd_meters.played(pattern, BPM, START + BARS * 240 / BPM + 1.0, START)
    level = np.ones(len(samples))
    if kind == "64 bars at -40 dB":
        first, last = (round((START + bar * 240 / BPM) * odd_meters.RATE) for bar in (24, 88))
        level[first:last] = 0.01
    else:
        count = 40 * odd_meters.RATE
        level[:count] = np.geomspace(0.001, 1, count)
    file = tmp_path / "track.wav"
    soundfile.write(file, samples * (level[::-1] if kind == "a fade out" else level), 44100)
    rhythm = analyse(extract(file, "open"), RhythmOptions())
    assert [region.bpm for region in rhythm.grid] == [BPM]
    beats = (np.array(rhythm.beats) - START) / (60 / BPM)
    assert np.abs(beats - np.round(beats)).max() < 0.03
