"""A steady track is one region, whatever beatless or quiet sound is in it."""

from __future__ import annotations

import zlib

import beatless_sounds
import numpy as np
import odd_meters
import pytest
import soundfile
from dropgrid.features.engines import beat_ensemble
from dropgrid.features.extract import extract
from dropgrid.rhythm import RhythmOptions, analyse
from dropgrid.stages.networks import prepare_network

pytestmark = [pytest.mark.slow, pytest.mark.smoke]  # `make quick` does without

BPM = 128.0
START = 0.2
BARS = 112


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """The beat detector of each method."""
    network = tmp_path_factory.mktemp("networks") / "network.npz"
    prepare_network(network, "madmom")
    return {"madmom": beat_ensemble.load(network), "open": "open"}


def rhythm_of(samples, engine, folder):
    file = folder / "track.wav"
    soundfile.write(file, samples, odd_meters.RATE, subtype="FLOAT")
    return analyse(extract(file, engine), RhythmOptions())


def farthest(rhythm, bpm, start):
    """How far a beat is from the grid at most, in beats."""
    beats = (np.array(rhythm.beats) - start) * bpm / 60
    return np.abs(beats - np.round(beats)).max()


@pytest.mark.parametrize("method", ["madmom", "open"])
@pytest.mark.parametrize("kind", ["64 bars at -40 dB", "a fade in", "a fade out"])
def test_a_quiet_part_is_not_a_region(kind, method, engines, tmp_path):
    pattern = odd_meters.PATTERNS["4/4"]
    samples = odd_meters.played(pattern, BPM, START + BARS * 240 / BPM + 1.0, START)
    level = np.ones(len(samples))
    if kind == "64 bars at -40 dB":
        first, last = (round((START + bar * 240 / BPM) * odd_meters.RATE) for bar in (24, 88))
        level[first:last] = 0.01
    else:
        count = 40 * odd_meters.RATE
        level[:count] = np.geomspace(0.001, 1, count)
    rhythm = rhythm_of(
        samples * (level[::-1] if kind == "a fade out" else level), engines[method], tmp_path
    )
    assert [region.bpm for region in rhythm.grid] == [BPM]
    assert farthest(rhythm, BPM, START) < 0.03


@pytest.mark.parametrize("method", ["madmom", "open"])
@pytest.mark.parametrize("sound", sorted(beatless_sounds.SOUNDS))
def test_a_sound_without_a_beat_is_not_a_region(sound, method, engines, tmp_path):
    bpm = 120.0 + zlib.crc32(sound.encode()) % 24
    samples, first = beatless_sounds.track(sound, "smsms", bpm, 40.0)
    rhythm = rhythm_of(samples, engines[method], tmp_path)
    assert [region.bpm for region in rhythm.grid] == [bpm]
    assert farthest(rhythm, bpm, first) < 0.05


@pytest.mark.parametrize("sound", ["a pad", "noise", "silence"])
@pytest.mark.parametrize("order", ["sm", "ms"])
def test_music_in_three_tenths_of_a_track_has_its_tempo(order, sound, tmp_path):
    seconds = 0.7 / 0.3 * beatless_sounds.BEATS * 60 / BPM
    samples, first = beatless_sounds.track(sound, order, BPM, seconds)
    rhythm = rhythm_of(samples, "open", tmp_path)
    assert [region.bpm for region in rhythm.grid] == [BPM]
    assert farthest(rhythm, BPM, first) < 0.05
