"""The confidence of a whole track, and the alternatives that are always included."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import Features
from dropgrid.rhythm import RhythmOptions, analyse
from dropgrid.rhythm.confidence import Sound
from dropgrid.rhythm.evidence import EvidenceSource
from test_rhythm import bands_of, clicks, grid, peaks_at, played_by_hand

OPTIONS = RhythmOptions()


def of_heights(*parts, duration, downbeats=()):
    """Features with activations only, from (times, height) of beats, and the downbeats."""
    column = sum(peaks_at(times, duration, height) for times, height in parts)
    marked = peaks_at(downbeats, duration, 0.5)
    return Features(duration, np.stack([column, marked], axis=1).astype(np.float32))


def octaves(rhythm):
    return {other.bpm: other.confidence for other in rhythm.alternatives if other.kind == "octave"}


@pytest.mark.parametrize("bpm", [62.0, 87.0, 100.0, 128.0, 150.0, 174.0, 210.0])
def test_half_and_double_the_tempo_are_alternatives_whatever_the_evidence(bpm):
    rhythm = analyse(clicks(grid(bpm, 0.2, 90), 90), RhythmOptions(preferred_bpm=bpm))
    found = octaves(rhythm)
    assert {rhythm.bpm / 2, rhythm.bpm * 2} <= set(found)
    assert all(0 < share < 1 for share in found.values())


def test_confidence_falls_with_many_regions_and_with_weak_beats():
    truth = played_by_hand(lambda t: 118 + 3 * np.sin(t / 13), 200)
    sure = [
        analyse(of_heights((truth, height), duration=200), OPTIONS) for height in (0.8, 0.25, 0.1)
    ]
    assert all(len(rhythm.grid) > 3 for rhythm in sure)
    assert sure[0].confidence > 0.9 > 0.8 > sure[1].confidence > sure[2].confidence
    one = analyse(of_heights((grid(118, 0.2, 200), 0.25), duration=200), OPTIONS)
    assert one.confidence > 0.9


@pytest.mark.parametrize("beats", [0.37, 0.63, 0.88])
def test_a_steady_grid_through_a_phase_jump_has_low_confidence(beats):
    one = grid(128.0, 0.2, 100)
    truth = np.concatenate([one, grid(128.0, one[-1] + (1 - beats) * 60 / 128, 140)])
    features = of_heights((truth, 0.6), duration=140)
    through = analyse(features, RhythmOptions(piecewise=False))
    known = analyse(features, OPTIONS, known_bpm=128.0)
    assert len(through.grid) == len(known.grid) == 1
    assert max(through.confidence, known.confidence) < 0.25
    assert analyse(features, OPTIONS).confidence > 0.9


@pytest.mark.parametrize("beats", [0.25, 0.5, 0.75])
def test_accents_on_the_quarters_of_a_beat_do_not_lower_the_confidence(beats):
    truth = grid(128.0, 0.2, 140)
    moved = truth + np.where(truth > 100, beats * 60 / 128, 0.0)
    rhythm = analyse(of_heights((moved, 0.6), duration=140), RhythmOptions(piecewise=False))
    assert rhythm.confidence > 0.9


def test_a_doubtful_half_of_a_mix_lowers_the_confidence_of_the_whole():
    one, two = grid(124.0, 0.0, 120), grid(140.0, 120.2, 240)
    halves = two + 30 / 140
    clear = of_heights((one, 0.8), (two, 0.8), duration=240)
    doubtful = of_heights((one, 0.8), (two, 0.5), (halves, 0.45), duration=240)
    sure, unsure = (analyse(features, OPTIONS) for features in (clear, doubtful))
    assert len(sure.grid) == 2
    assert unsure.confidence < sure.confidence - 0.1


def test_a_fast_tempo_with_every_other_beat_weak_has_a_doubtful_octave():
    fast = grid(190.0, 0.2, 120)
    bars = fast[::4]
    even = of_heights((fast, 0.6), duration=120, downbeats=bars)
    uneven = of_heights((fast[::2], 0.6), (fast[1::2], 0.15), duration=120, downbeats=bars)
    options = RhythmOptions(preferred_bpm=190)
    sure, unsure = (analyse(features, options) for features in (even, uneven))
    assert sure.bpm == unsure.bpm == 190.0
    assert sure.confidences.octave > 0.9
    assert unsure.confidences.octave == pytest.approx(0.6, abs=0.01)
    assert octaves(unsure)[95.0] == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize(
    ("bpm", "options", "found", "value"),
    [
        (240.0, RhythmOptions(), 120.0, "above max_bpm"),
        (50.0, RhythmOptions(max_bpm=115, preferred_bpm=100), 100.0, "below min_bpm"),
    ],
)
def test_a_tempo_outside_the_range_is_reported_as_an_alternative(bpm, options, found, value):
    rhythm = analyse(clicks(grid(bpm, 0.2, 90), 90), options)
    assert rhythm.bpm == found
    assert rhythm.evidence["outside"] == value
    assert rhythm.confidences.octave < 0.51
    assert octaves(rhythm)[bpm] == pytest.approx(0.49, abs=0.02)
    assert "outside" not in analyse(clicks(grid(found, 0.2, 90), 90), options).evidence


@pytest.mark.parametrize(("bpm", "doubted"), [(170.0, True), (120.0, False)])
def test_fast_beats_that_no_drum_divides_have_a_doubtful_octave(bpm, doubted):
    beats = grid(bpm, 0.2, 120)
    hats = {True: beats + 30 / bpm, False: beats}
    features = clicks(beats, 120, downbeats=beats[::4])
    found = {}
    for divided, times in hats.items():
        bands = bands_of({0: (2, beats), 7: (9, times)}, 120)
        features_with_bands = Features(120, features.activations, {"bands": bands})
        found[divided] = analyse(features_with_bands, RhythmOptions(preferred_bpm=bpm))
        assert found[divided].bpm == bpm
    assert found[True].confidences.octave > 0.9
    assert (found[False].confidences.octave < 0.7) == doubted
    assert (octaves(found[False])[bpm / 2] > 0.3) == doubted


def bars_without(quarters):
    """Features of 48 equal bars at 120 BPM; so many quarters of a beat are missing after 30.

    The activation stays on the old beats, as if accents hid the jump.
    """
    bar = np.random.default_rng(3).random(16) ** 3
    strokes = np.concatenate([np.tile(bar, 30), np.roll(np.tile(bar, 18), -quarters)])
    duration = len(strokes) / 8 + 0.2
    times = 0.2 + np.arange(len(strokes)) / 8
    own = peaks_at(times[::4], duration, 0.8)
    features = Features(duration, np.stack([own, 0 * own], axis=1).astype(np.float32))
    loud = sum(
        peaks_at([time], duration, height) for time, height in zip(times, strokes, strict=True)
    )
    bands = np.repeat((20 * np.log10(loud + 1e-3))[:, None], 9, axis=1).astype(np.float32)
    return Features(duration, features.activations, {"bands": bands})


@pytest.mark.parametrize("quarters", [1, 2, 3, 6])
def test_bars_that_repeat_moved_by_part_of_a_beat_are_doubted(quarters):
    cut = bars_without(quarters)
    sound = Sound(EvidenceSource(cut), cut.activations.sum(axis=1), OPTIONS)
    assert sound.shift_gain(0.2 + np.arange(48 * 4) / 2) > 0.3
    rhythm = analyse(cut, OPTIONS, known_bpm=120.0)
    assert len(rhythm.grid) == 1
    assert rhythm.confidence < 0.85


@pytest.mark.parametrize("quarters", [0, 4, 8])
def test_bars_that_repeat_after_whole_beats_are_not(quarters):
    uncut = bars_without(quarters)
    sound = Sound(EvidenceSource(uncut), uncut.activations.sum(axis=1), OPTIONS)
    assert sound.shift_gain(0.2 + np.arange(48 * 4) / 2) < 0.05
