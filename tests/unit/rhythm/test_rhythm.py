"""The rhythm of synthetic tracks whose tempo and beats are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from dropgrid.features import ENVELOPE_RATE, FRAME_RATE, Features
from dropgrid.rhythm import Rhythm, RhythmOptions, analyse
from dropgrid.rhythm.phase import LAG

OPTIONS = RhythmOptions()


def peaks_at(times, duration, height=0.8):
    """An activation (frames,) with a peak 30 ms wide at each time."""
    frames = np.arange(round(duration * FRAME_RATE))
    column = np.zeros(len(frames))
    for time in times:
        near = np.abs(frames / FRAME_RATE - time) < 0.08
        column[near] += height * np.exp(-0.5 * ((frames[near] / FRAME_RATE - time) / 0.015) ** 2)
    return column


def clicks(times, duration, downbeats=(), noise=0.0):
    """Features of activations alone: beats at times, downbeats in the second column."""
    random = np.random.default_rng(1)
    columns = [
        peaks_at(moments, duration) + noise * random.random(round(duration * FRAME_RATE)) ** 4
        for moments in (np.setdiff1d(times, downbeats), downbeats)
    ]
    return Features(duration, np.stack(columns, axis=1).astype(np.float32))


def grid(bpm, first, end):
    return np.arange(first, end - 0.01, 60.0 / bpm)


def played_by_hand(tempo, duration):
    """Beats of a drummer whose tempo (BPM) is a function of the time in seconds."""
    beats = [0.2]
    while beats[-1] < duration - 1:
        beats.append(beats[-1] + 60.0 / tempo(beats[-1]))
    return np.array(beats)


def bands_of(hits, duration):
    """Levels in dB (frames, 9) of silence with drums: {first band: (last band, times)}."""
    bands = np.full((round(duration * FRAME_RATE), 9), -60.0)
    for first, (last, times) in hits.items():
        for time in times:
            at = round(time * FRAME_RATE)
            length = len(bands[at : at + 8])
            bands[at : at + 8, first:last] = np.linspace(-10, -50, 8)[:length, None]
    return bands.astype(np.float16)


def worst(found, truth):
    """The largest distance in seconds of beats, each from its own true one."""
    assert len(found) == len(truth)
    return float(np.abs(np.array(found) - truth).max())


@pytest.mark.parametrize("bpm", [87.0, 96.0, 120.5, 128.0, 140.0, 174.0])
def test_a_steady_tempo_is_found_exactly_and_its_beats_within_5_ms(bpm):
    truth = grid(bpm, 0.31, 120)
    rhythm = analyse(clicks(truth, 120, noise=0.05), RhythmOptions(preferred_bpm=bpm))
    assert rhythm.bpm == bpm
    assert len(rhythm.grid) == 1
    assert worst(rhythm.beats, truth + LAG) < 0.005


def test_a_tempo_between_the_whole_ones_stays_where_it_is():
    rhythm = analyse(clicks(grid(127.83, 0.2, 180), 180), OPTIONS)
    assert rhythm.bpm == rhythm.bpm_fitted == pytest.approx(127.83, abs=0.005)


def test_a_tempo_is_snapped_only_where_its_interval_holds_the_whole_number():
    features = clicks(grid(127.996, 0.2, 60), 60, noise=0.1)
    snapped = analyse(features, OPTIONS)
    low, high = snapped.bpm_interval
    assert snapped.bpm == 128.0
    assert low < 128.0 < high
    assert snapped.bpm_fitted == pytest.approx(127.996, abs=0.01)
    assert analyse(features, RhythmOptions(snap=False)).bpm == snapped.bpm_fitted


def test_a_break_of_a_minute_without_beats_is_bridged_by_one_grid():
    truth = grid(126.0, 0.1, 240)
    played = truth[(truth < 90) | (truth > 150)]
    rhythm = analyse(clicks(played, 240, noise=0.02), OPTIONS)
    assert rhythm.bpm == 126.0
    assert len(rhythm.grid) == 1
    assert worst(rhythm.beats, truth + LAG) < 0.005


def test_a_minute_of_accents_between_the_beats_does_not_move_the_grid():
    truth = grid(140.0, 0.1, 240)
    beats = np.concatenate([truth[truth < 90], truth[truth > 150]])
    between = truth[(truth > 90) & (truth < 150)] + 30 / 140
    rhythm = analyse(clicks(np.sort(np.concatenate([beats, between])), 240), OPTIONS)
    assert len(rhythm.grid) == 1
    assert worst(rhythm.beats, truth + LAG) < 0.005


def test_two_tempi_of_a_mix_become_two_regions():
    one, two = grid(124.0, 0.0, 120), grid(138.0, 120.2, 240)
    rhythm = analyse(clicks(np.concatenate([one, two]), 240), OPTIONS)
    assert [region.bpm for region in rhythm.grid] == [124.0, 138.0]
    assert rhythm.grid[1].start == pytest.approx(120, abs=4)
    assert len(analyse(clicks(one, 120), OPTIONS).grid) == 1


@pytest.mark.parametrize(
    ("tempi", "edge", "bpm"),
    [((124.0, 138.0), 60, 138.0), ((138.0, 124.0), 60, 124.0), ((138.0, 124.0), 180, 138.0)],
)
def test_the_tempo_of_a_mix_is_that_of_its_median_beat(tempi, edge, bpm):
    beats = np.concatenate([grid(tempi[0], 0.0, edge), grid(tempi[1], edge + 0.2, 240)])
    rhythm = analyse(clicks(beats, 240), OPTIONS)
    assert [region.bpm for region in rhythm.grid] == list(tempi)
    assert rhythm.bpm == bpm


def test_records_of_nearly_one_tempo_mixed_together_keep_their_own():
    starts = {124.0: 0.0, 125.0: 180.3, 126.0: 360.6}
    beats = [grid(bpm, start, start + 180) for bpm, start in starts.items()]
    rhythm = analyse(clicks(np.concatenate(beats), 541, noise=0.05), OPTIONS)
    assert [region.bpm for region in rhythm.grid] == list(starts)


def test_an_edit_that_jumps_within_the_beat_starts_a_new_region_of_the_same_tempo():
    one, two = grid(128.0, 0.0, 90), grid(128.0, 90.18, 200)
    rhythm = analyse(clicks(np.concatenate([one, two]), 200), OPTIONS)
    assert [region.bpm for region in rhythm.grid] == [128.0, 128.0]
    assert worst(rhythm.beats, np.concatenate([one, two]) + LAG) < 0.005


@pytest.mark.parametrize(
    "tempo",
    [lambda t: 120 + 3 * np.sin(t / 15), lambda t: 100 + t / 6, lambda t: 90 - t / 24],
    ids=["swaying", "faster", "slower"],
)
def test_a_drummer_without_a_click_is_followed_beat_by_beat(tempo):
    truth = played_by_hand(tempo, 200)
    rhythm = analyse(clicks(truth, 200, noise=0.05), OPTIONS)
    assert len(rhythm.grid) > 3
    found = np.array(rhythm.beats)
    nearest = np.abs(found[:, None] - truth).min(axis=1)
    assert abs(len(found) - len(truth)) <= 3
    assert np.mean(nearest < 0.03) > 0.98


def test_without_pieces_there_is_one_tempo_whatever_the_music_does():
    beats = np.concatenate([grid(124.0, 0.0, 120), grid(138.0, 120.2, 240)])
    assert len(analyse(clicks(beats, 240), RhythmOptions(piecewise=False)).grid) == 1


def test_every_fourth_beat_is_a_downbeat_and_bars_count_on_through_a_drift():
    truth = grid(128.0, 0.4, 60)
    rhythm = analyse(clicks(truth, 60, downbeats=truth[2::4]), OPTIONS)
    assert rhythm.time_signature == "4/4"
    assert worst(rhythm.downbeats, truth[2::4] + LAG) < 0.01
    truth = played_by_hand(lambda t: 118 + 3 * np.sin(t / 12), 120)
    rhythm = analyse(clicks(truth, 120, downbeats=truth[1::4]), OPTIONS)
    found = np.array(rhythm.downbeats)
    assert np.mean(np.abs(found[:, None] - truth[1::4]).min(axis=1) < 0.03) > 0.98


def test_a_waltz_has_three_beats_a_bar_unless_only_four_are_allowed():
    truth = grid(150.0, 0.4, 60)
    features = clicks(truth, 60, downbeats=truth[1::3])
    rhythm = analyse(features, OPTIONS)
    assert rhythm.time_signature == "3/4"
    assert worst(rhythm.downbeats, truth[1::3] + LAG) < 0.01
    assert analyse(features, RhythmOptions(bar_lengths=(4,))).time_signature == "4/4"


def test_without_evidence_the_first_beat_is_the_downbeat():
    rhythm = analyse(clicks(grid(120.0, 0.0, 60), 60), OPTIONS)
    assert rhythm.downbeats[0] == rhythm.beats[0] == pytest.approx(LAG, abs=0.001)


@pytest.mark.parametrize("first", [0, 2])
def test_a_chord_that_changes_decides_where_the_network_finds_two_downbeats_in_a_bar(first):
    truth = grid(128.0, 0.4, 120)
    features = clicks(truth, 120, downbeats=truth[::2])
    chroma = np.full((1200, 12), 0.1)
    for turn, beat in enumerate(range(first, len(truth), 8)):
        chroma[round(truth[beat] * 10) :] = 0.1
        chroma[round(truth[beat] * 10) :, 5 * turn % 12] = 1.0
    descriptors = {"chroma": chroma.astype(np.float16)}
    rhythm = analyse(Features(120, features.activations, descriptors), OPTIONS)
    assert rhythm.downbeats[0] == pytest.approx(truth[first], abs=0.02)


def test_changes_of_level_decide_where_the_network_finds_two_downbeats_in_a_bar():
    truth = grid(128.0, 0.4, 120)
    features = clicks(truth, 120, downbeats=truth[::2])
    bands = bands_of({}, 120)
    for bar in range(2, 16, 4):
        start, end = (round(truth[4 * b + 2] * FRAME_RATE) for b in (bar, bar + 2))
        bands[start:end] = -20
    rhythm = analyse(Features(120, features.activations, {"bands": bands}), OPTIONS)
    own = np.array(rhythm.downbeats)
    assert np.abs(own[0] - truth[2]) < 0.02


def test_bars_distinguish_hip_hop_from_drum_and_bass_where_the_beats_do_not():
    fast = grid(174.0, 0.1, 120)
    for downbeats, bpm in ((fast[::4], 174.0), (fast[::8], 87.0)):
        features = clicks(fast, 120, downbeats=downbeats)
        bands = bands_of({0: (2, downbeats)}, 120)
        rhythm = analyse(Features(120, features.activations, {"bands": bands}), OPTIONS)
        assert rhythm.bpm == bpm
        others = {round(other.bpm): other.confidence for other in rhythm.alternatives}
        assert all(share < rhythm.confidence for share in others.values())


@pytest.mark.parametrize(("beats_apart", "bpm"), [(4, 174.0), (8, 87.0)])
def test_downbeat_activations_alone_distinguish_hip_hop_from_drum_and_bass(beats_apart, bpm):
    fast = grid(174.0, 0.1, 120)
    assert analyse(clicks(fast, 120, downbeats=fast[::beats_apart]), OPTIONS).bpm == bpm


def test_the_preferred_tempo_decides_where_every_other_beat_is_weaker():
    fast = grid(174.0, 0.1, 60)
    beats = peaks_at(fast[::2], 60, 0.8) + peaks_at(fast[1::2], 60, 0.35)
    features = Features(60, np.stack([beats, 0 * beats], axis=1).astype(np.float32))
    for bpm in (87.0, 174.0):
        assert analyse(features, RhythmOptions(preferred_bpm=bpm)).bpm == bpm


def test_a_beat_just_before_the_first_sample_is_at_0_and_one_long_before_is_none():
    for first, at in ((-0.02, 0.0), (-0.04, 60 / 128 - 0.04 + LAG)):
        rhythm = analyse(clicks(grid(128.0, first, 60), 60), OPTIONS)
        assert rhythm.beats[0] == rhythm.grid[0].start == pytest.approx(at, abs=0.002)
        assert rhythm.beats[-1] == pytest.approx(grid(128.0, first, 60)[-1] + LAG, abs=0.002)


def test_drums_on_every_beat_distinguish_the_beat_from_the_half_beat():
    truth = grid(90.0, 0.5, 120)
    halves = np.sort(np.concatenate([truth, truth + 30 / 90]))
    activations = clicks(halves, 120).activations
    drums = np.sort(np.concatenate([truth, (truth + 30 / 90)[3::4]]))
    bands = bands_of({2: (5, drums)}, 120)
    options = RhythmOptions(max_bpm=130, preferred_bpm=90)
    rhythm = analyse(Features(120, activations, {"bands": bands}), options)
    assert rhythm.bpm == 90.0
    errors = (np.array(rhythm.beats) - truth[0]) % (60 / 90)
    assert np.minimum(errors, 60 / 90 - errors).max() < 0.01


@pytest.mark.parametrize("lateness", [-0.008, 0.0, 0.012])
def test_the_grid_stands_on_the_attack_however_early_the_network_is(lateness):
    truth = grid(125.0, 0.3, 60)
    activations = clicks(truth - lateness, 60).activations
    moments = np.arange(60 * ENVELOPE_RATE) / ENVELOPE_RATE
    since = moments - truth[np.maximum(np.searchsorted(truth, moments, side="right") - 1, 0)]
    envelope = np.where(since >= 0, np.exp(-since / 0.08), 0.0)
    attack = np.stack([envelope, envelope], axis=1).astype(np.float16)
    rhythm = analyse(Features(60, activations, {"attack": attack}), OPTIONS)
    assert worst(rhythm.beats, truth) < 0.003


def test_beats_reach_from_the_first_sound_to_the_last():
    truth = grid(128.0, 0.0, 120)
    features = clicks(truth, 120)
    bands = np.full((12000, 9), -90.0, np.float16)
    bands[3000:9000] = -10
    rhythm = analyse(Features(120, features.activations, {"bands": bands}), OPTIONS)
    assert rhythm.beats[0] == pytest.approx(30, abs=0.5)
    assert rhythm.beats[-1] == pytest.approx(90, abs=0.5)


def test_tempi_outside_the_range_are_not_given():
    features = clicks(grid(174.0, 0.2, 60), 60)
    assert analyse(features, RhythmOptions(min_bpm=60, max_bpm=130)).bpm == 87.0


def test_a_confidence_is_the_product_of_tempo_octave_and_phase():
    rhythm = analyse(clicks(grid(128.0, 0.3, 60), 60, noise=0.3), OPTIONS)
    parts = rhythm.confidences
    assert rhythm.confidence == pytest.approx(parts.tempo * parts.octave * parts.phase)
    assert 0.8 < rhythm.confidence < 0.99
    assert parts.downbeat == pytest.approx(1 / 4, abs=0.1)


def test_half_beats_as_strong_as_the_beats_are_an_alternative_that_says_how_to_get_there():
    truth = grid(80.0, 0.3, 120)
    halves = truth + 30 / 80
    downbeats, others = truth[::4], halves[1::4]
    beats = peaks_at(np.sort(np.concatenate([truth, halves])), 120, 0.4)
    columns = beats, peaks_at(downbeats, 120, 0.5) + peaks_at(others, 120, 0.5)
    options = RhythmOptions(max_bpm=120, preferred_bpm=80)
    rhythm = analyse(Features(120, np.stack(columns, axis=1).astype(np.float32)), options)
    assert np.abs(rhythm.downbeats[1] - others).min() < 0.02
    other = next(a for a in rhythm.alternatives if a.kind == "phase")
    assert (rhythm.bpm, other.bpm, other.shift_beats) == (80.0, 80.0, -1.5)
    assert np.abs(rhythm.downbeats[1] + other.shift_beats * 60 / 80 - downbeats).min() < 0.02
    share = rhythm.confidences.tempo * rhythm.confidences.octave
    assert other.confidence == pytest.approx(share * (1 - rhythm.confidences.phase))


def test_the_second_best_downbeat_is_an_alternative_some_beats_later():
    truth = grid(128.0, 0.4, 120)
    strong, weak = peaks_at(truth[1::4], 120, 0.8), peaks_at(truth[2::4], 120, 0.5)
    columns = peaks_at(truth, 120, 0.4), strong + weak
    rhythm = analyse(Features(120, np.stack(columns, axis=1).astype(np.float32)), OPTIONS)
    assert np.abs(rhythm.downbeats[0] - truth[1]) < 0.01
    (other, *_) = [a for a in rhythm.alternatives if a.kind == "downbeat"]
    assert (other.bpm, other.shift_beats) == (128.0, 1.0)
    assert 0.02 < other.confidence < rhythm.confidences.downbeat


def test_half_and_twice_the_tempo_are_alternatives_of_the_octave():
    fast = grid(174.0, 0.1, 120)
    rhythm = analyse(clicks(fast, 120, noise=0.2), OPTIONS)
    assert rhythm.bpm == 174.0
    other = next(a for a in rhythm.alternatives if a.kind == "octave")
    assert other.bpm == pytest.approx(87, abs=0.5)
    assert other.shift_beats is None
    assert rhythm.confidences.octave + other.confidence == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_a_file_cut_out_of_the_music_need_not_begin_on_a_one(first):
    truth = grid(128.0, 0.0, 90)
    downbeats = truth[first::4]
    bands = np.full((9000, 9), -30.0)
    for bar in range(2, 40, 8):
        start, end = (round(truth[4 * b + first] * FRAME_RATE) for b in (bar, bar + 4))
        bands[start:end, 3:] = -15
    activations = clicks(truth, 90, downbeats=downbeats).activations
    features = Features(90, activations, {"bands": bands.astype(np.float16)})
    rhythm = analyse(features, OPTIONS)
    assert np.abs(rhythm.downbeats[0] - downbeats[0]) < 0.02


@pytest.mark.parametrize("frame", [0, 1, 3000, 5998, 5999])
def test_a_single_click_has_no_tempo(frame):
    values = np.zeros((6000, 2), np.float32)
    values[frame] = 0.9
    assert analyse(Features(60.0, values), OPTIONS).bpm is None


def test_descriptors_that_are_not_numbers_are_left_aside():
    features = clicks(grid(128.0, 0.2, 60), 60)
    wrong = {"bands": np.full((6000, 9), np.nan), "chroma": np.full((600, 12), np.inf)}
    assert analyse(Features(60, features.activations, wrong), OPTIONS) == analyse(
        features, OPTIONS
    )


@pytest.mark.parametrize("frames", [0, 1, 50, 250])
def test_silence_of_any_length_has_no_tempo(frames):
    rhythm = analyse(Features(frames / 100, np.zeros((frames, 2), np.float32)), OPTIONS)
    assert rhythm.bpm is None
    assert rhythm.confidence == 0.0
    assert rhythm.beats == rhythm.downbeats == rhythm.grid == ()


def test_noise_without_a_pulse_is_given_no_tempo():
    values = np.random.default_rng(3).random((18000, 2)).astype(np.float32) ** 6
    assert analyse(Features(180.0, values), OPTIONS).bpm is None


def test_events_without_a_pulse_give_little_confidence():
    events = np.cumsum(np.random.default_rng(4).uniform(0.15, 1.2, 200))
    rhythm = analyse(clicks(events[events < 119], 120), OPTIONS)
    assert rhythm.confidence < 0.5


def test_the_same_features_give_the_same_rhythm():
    features = clicks(grid(133.0, 0.2, 60), 60, noise=0.2)
    assert analyse(features, OPTIONS) == analyse(features, OPTIONS)


def test_one_column_of_activations_is_enough():
    features = clicks(grid(133.0, 0.2, 60), 60)
    alone = Features(60, features.activations[:, 0])
    assert analyse(alone, OPTIONS) == analyse(features, OPTIONS)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"min_bpm": 10}, "min_bpm 10"),
        ({"min_bpm": 100, "max_bpm": 180}, "at most half of max_bpm"),
        ({"max_bpm": 500}, "max_bpm 500"),
        ({"preferred_bpm": 0}, "preferred_bpm 0"),
        ({"bar_lengths": (6,)}, r"bar_lengths \(6,\)"),
    ],
)
def test_options_out_of_range_are_named(values, reason):
    with pytest.raises(ValueError, match=reason):
        RhythmOptions(**values)


def test_whatever_the_activations_the_rhythm_is_finite_and_in_order():
    random = np.random.default_rng(0)
    for trial in range(60):
        frames = int(random.choice([200, 201, 999, 1001, 3000]))
        values = random.random((frames, 2)) ** random.choice([1, 3, 8])
        values[random.integers(0, frames, trial)] = random.choice([np.nan, 0.0, 1.0])
        descriptors = {
            "bands": random.normal(-40, 10, (frames, 9)).astype(np.float16),
            "attack": random.random((4 * frames, 2)).astype(np.float16),
            "chroma": random.random((-(-frames // 10), 12)).astype(np.float16),
        }
        features = Features(
            frames / FRAME_RATE, values.astype(np.float32), descriptors if trial % 2 else {}
        )
        assert_in_order(analyse(features, OPTIONS), features.duration)


def assert_in_order(rhythm: Rhythm, duration: float) -> None:
    beats = np.array(rhythm.beats)
    assert np.all(np.diff(beats) > 0)
    assert np.all((beats >= 0) & (beats <= duration))
    assert set(rhythm.downbeats) <= set(rhythm.beats)
    assert sum(region.beats for region in rhythm.grid) == len(beats)
    assert 0 <= rhythm.confidence <= 1
    shares = [other.confidence for other in rhythm.alternatives]
    assert shares == sorted(shares, reverse=True)
    assert all(0 < share <= 1 for share in shares)
    if rhythm.bpm is not None:
        parts = dataclasses.astuple(rhythm.confidences)
        assert all(0 <= part <= 1 + 1e-9 for part in parts)
    numbers = [n for n in (rhythm.bpm, rhythm.bpm_fitted, *(rhythm.bpm_interval or ())) if n]
    assert np.all(np.isfinite(numbers))
