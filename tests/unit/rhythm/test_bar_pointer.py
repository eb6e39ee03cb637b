"""Music whose tempo moves, and records that are counted afresh: paths, ramps, cuts and edits."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import FRAME_RATE
from dropgrid.rhythm import RhythmOptions, analyse
from dropgrid.rhythm import bar_pointer as pointer
from dropgrid.rhythm.bar_pointer import Likelihood, best_path
from dropgrid.rhythm.downbeat_tracking import DOWNBEAT_POSITIONS, downbeat_parts
from dropgrid.rhythm.phase import LAG
from dropgrid.rhythm.variable_tempo import follow, moving
from test_rhythm import clicks, grid, peaks_at, played_by_hand

OPTIONS = RhythmOptions()


def plain_viterbi(activation, shortest, longest):
    """The score of the best path, every pair of neighbouring beats tried at every frame."""
    lengths = np.arange(shortest, longest + 1)
    likelihood = Likelihood(activation, longest)
    cost = pointer.STIFFNESS * np.abs(np.log(lengths[:, None] / lengths))
    step = -cost - np.log(np.exp(-cost).sum(axis=1))[:, None]
    best = {}  # (frame at which a beat begins, its length's index) -> score to the beat's end
    for frame in range(-longest, len(activation)):
        for j, length in enumerate(lengths):
            own = float(likelihood(np.array(frame), np.array(length)))
            if frame < 0:
                if frame + length >= 0:
                    best[frame, j] = own - np.log(lengths.sum())
                continue
            before = [
                best[frame - d, i] + step[i, j]
                for i, d in enumerate(lengths)
                if (frame - d, i) in best
            ]
            best[frame, j] = max(before, default=-np.inf) + own
    return max(s for (frame, j), s in best.items() if frame + lengths[j] >= len(activation))


@pytest.mark.parametrize("seed", range(8))
def test_the_path_is_the_best_of_all(seed, monkeypatch):
    random = np.random.default_rng(seed)
    activation = random.random(160) ** 3
    if seed % 2:
        activation[int(random.integers(0, 9)) :: 14] = 0.9
    else:  # no beats: what a beat may be followed by decides
        monkeypatch.setattr(pointer, "STIFFNESS", 4.0)
    path = best_path(activation, 9, 17)
    assert path.score == pytest.approx(plain_viterbi(activation, 9, 17), abs=1e-6)
    assert np.array_equal(path.starts[1:], path.starts[:-1] + path.lengths[:-1])
    assert path.starts[0] <= 0
    assert path.starts[-1] + path.lengths[-1] >= len(activation)


def test_the_path_keeps_to_every_beat_of_a_tempo_that_bends():
    truth = played_by_hand(lambda t: 110 + 15 * np.sin(t / 9), 60)
    path = best_path(peaks_at(truth, 60), 28, 109)
    found = path.spots[~np.isnan(path.spots)] / FRAME_RATE
    inside = found[(found > 0.1) & (found < truth[-1] + 0.1)]
    assert len(inside) == len(truth)
    assert np.abs(inside - truth).max() < 0.005


@pytest.mark.parametrize(("shortest", "longest"), [(0, 20), (30, 29), (20, 276)])
def test_a_path_of_impossible_beats_is_refused(shortest, longest):
    with pytest.raises(ValueError, match=f"beats of {shortest} to {longest} frames"):
        best_path(np.zeros(100), shortest, longest)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.3])
def test_an_activation_of_one_value_has_a_path_all_the_same(value):
    path = best_path(np.full(500, value), 28, 109)
    assert np.isfinite(path.score)
    assert np.all(np.diff(path.starts) >= 28)


def test_steady_music_is_explained_by_its_grid_and_a_drummer_by_the_path():
    steady = grid(127.3, 0.2, 60)
    activation = peaks_at(steady, 60)
    narrow = best_path(activation, 40, 55)
    assert not moving(activation, steady * FRAME_RATE, narrow).any()
    drummer = peaks_at(played_by_hand(lambda t: 127 + 5 * np.sin(t / 6), 60), 60)
    assert moving(drummer, steady * FRAME_RATE, best_path(drummer, 40, 55)).mean() > 0.9


def test_only_what_moves_of_a_stretch_follows_its_path():
    steady = grid(128.0, 0.0, 200)
    ramp = [200.0]
    while ramp[-1] < 299:
        ramp.append(ramp[-1] + 60 / (128 + 0.05 * (ramp[-1] - 200)))
    activation = peaks_at(np.concatenate([steady, ramp]), 300)
    straight = grid(128.0, 0.0, 300) * FRAME_RATE
    parts, beats = follow(activation, 128.0, straight, np.full(60, 128.0), OPTIONS)
    ((first, last),) = parts
    assert 200 <= first < 230
    assert last == 300
    late = beats[(beats > 240) & (beats < 299.5)]
    assert np.abs(late[:, None] - np.array(ramp)).min(axis=1).max() < 0.01


def test_a_ramp_between_two_steady_records_is_followed_and_they_stay_whole():
    up = [100.0]
    while up[-1] < 207:
        up.append(up[-1] + 60 / (128 + 8 * (up[-1] - 100) / 107))
    end = np.arange(up[-1] + 60 / 136, 320, 60 / 136)
    truth = np.concatenate([100 - np.arange(213, 0, -1) * 60 / 128, up, end])
    rhythm = analyse(clicks(truth, 320, noise=0.05), OPTIONS)
    found = np.array(rhythm.beats)
    nearest = np.abs(found[:, None] - truth - LAG).min(axis=1)
    assert np.mean(nearest < 0.02) > 0.99
    assert abs(len(found) - len(truth)) <= 2
    entries = {round(region.bpm, 2): region.beats for region in rhythm.grid}
    assert entries[128.0] > 150
    assert entries[136.0] > 150


def test_records_of_one_tempo_a_quarter_of_a_beat_apart_are_two():
    one, two = grid(128.0, 0.0, 100), grid(128.0, 100 + 0.25 * 60 / 128 + 0.3125, 200)
    assert (two[0] - one[0]) * 128 / 60 % 1 == pytest.approx(0.25, abs=0.01)
    rhythm = analyse(clicks(np.concatenate([one, two]), 200), OPTIONS)
    assert [region.bpm for region in rhythm.grid] == [128.0, 128.0]


def test_half_a_minute_of_accents_a_quarter_later_is_the_same_record():
    truth = grid(128.0, 0.1, 200)
    off = (truth > 80) & (truth < 110)
    played = np.where(off, truth + 0.25 * 60 / 128, truth)
    rhythm = analyse(clicks(played, 200), OPTIONS)
    assert len(rhythm.grid) == 1


def evidence_of(downbeats, count):
    """Evidence at half beats (count,): beats on the even ones, downbeats at given places."""
    index = np.arange(count)
    return {
        "beat": np.where(index % 2 == 0, 0.6, 0.05),
        "downbeat": np.where(np.isin(index, downbeats), 0.5, 0.05),
    }


def test_a_new_part_begins_where_the_downbeat_moves_and_stays():
    downbeats = np.concatenate(
        [np.arange(0, 1600, DOWNBEAT_POSITIONS), np.arange(1604, 3200, DOWNBEAT_POSITIONS)]
    )
    parts = downbeat_parts(evidence_of(downbeats, 3200), np.array([], int))
    assert len(parts) == 2
    assert abs(parts[1][0] - 1600) <= DOWNBEAT_POSITIONS


def test_one_song_is_counted_through_despite_eight_bars_of_contrary_evidence():
    downbeats = np.arange(0, 3200, DOWNBEAT_POSITIONS)
    downbeats[100:108] += 4
    assert downbeat_parts(evidence_of(downbeats, 3200), np.array([], int)) == [(0, 3200)]


def test_half_a_beat_that_is_missing_is_found_by_the_beats_where_downbeats_are_too_weak():
    downbeats = np.concatenate(
        [np.arange(0, 800, DOWNBEAT_POSITIONS), np.arange(801, 1120, DOWNBEAT_POSITIONS)]
    )
    index = np.arange(1120)
    evidence = evidence_of(downbeats, 1120)
    flat = evidence | {"beat": np.full(1120, 0.3)}
    evidence["beat"] = np.where(index % 2 == (index >= 800), 0.6, 0.01)
    assert len(downbeat_parts(flat, np.array([], int))) == 1
    parts = downbeat_parts(evidence, np.array([], int))
    assert len(parts) == 2
    assert abs(parts[1][0] - 800) <= DOWNBEAT_POSITIONS


def test_at_a_border_of_the_grid_less_is_needed():
    downbeats = np.concatenate(
        [np.arange(0, 1600, DOWNBEAT_POSITIONS), np.arange(1604, 1604 + 280, DOWNBEAT_POSITIONS)]
    )
    evidence = evidence_of(downbeats, 1884)
    assert len(downbeat_parts(evidence, np.array([], int))) == 1
    assert len(downbeat_parts(evidence, np.array([1600]))) == 2


def test_an_edit_that_leaves_out_two_beats_moves_the_downbeat_and_makes_an_entry():
    truth = grid(128.0, 0.4, 400)
    downbeats = np.concatenate([truth[0:424:4], truth[426::4]])
    rhythm = analyse(clicks(truth, 400, downbeats=downbeats), OPTIONS)
    assert len(rhythm.grid) == 2
    assert rhythm.grid[1].start == pytest.approx(truth[424], abs=5)
    found = np.array(rhythm.downbeats)
    nearest = np.abs(found[:, None] - downbeats - LAG).min(axis=1)
    assert np.mean(nearest < 0.02) > 0.97
    assert len(rhythm.beats) == len(truth)
    second = rhythm.grid[1]
    assert second.first_downbeat in rhythm.downbeats


@pytest.mark.slow
@pytest.mark.smoke
def test_ten_hours_keep_to_their_memory():
    """A back pointer a frame and tempo, in bytes; nothing else grows with both."""
    import tracemalloc

    frames = 30 * 60 * FRAME_RATE
    activation = peaks_at(grid(128.0, 0.1, 60), 60)
    activation = np.tile(activation, frames // len(activation)).astype(np.float32)
    tracemalloc.start()
    best_path(activation, 28, 109)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak / frames < 82 + 80


@pytest.mark.slow
@pytest.mark.smoke
def test_the_mixer_puts_beats_where_it_says():
    mixes = pytest.importorskip("mixes")
    assert mixes.placed() < 0.1
