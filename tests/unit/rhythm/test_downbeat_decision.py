"""Half beat, bar length and the one: what each witness sees, and how they decide together."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import FRAME_RATE, Features
from dropgrid.rhythm import downbeat_decision
from dropgrid.rhythm.downbeat_decision import read_bars, readings
from dropgrid.rhythm.evidence import EvidenceSource, with_halves

BARS = 16
HALF = 0.25  # seconds: 120 BPM
LENGTHS = (4, 3)


def every(count, places, high=1.0, low=0.05, bars=BARS):
    """(bars * count,) half beats, high at some places of each bar of so many."""
    bar = np.full(count, low)
    bar[list(places)] = high
    return np.tile(bar, bars)


def silent(**seen):
    """What is seen where everything but the given witnesses is silent."""
    count = len(next(iter(seen.values())))
    nothing = {name: np.zeros(count) for name in ("beat", "downbeat")}
    return nothing | seen


def best(table):
    """Beats per bar and half beat of the most probable row."""
    length = max(table.shares, key=lambda beats: table.shares[beats].max())
    return length, int(np.argmax(table.shares[length]))


def test_who_sees_nothing_says_nothing():
    table = read_bars(silent(kick=np.zeros(64), chords=np.zeros(64)), (4,))
    assert table.shares[4] == pytest.approx(np.full(8, 1 / 8))
    assert table.phases() == pytest.approx([0.5, 0.5])
    assert table.downbeat_probabilities(1)[4] == pytest.approx(np.full(4, 1 / 4))


@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("name", ["downbeat", "kick", "chords", "sections"])
def test_what_comes_once_a_bar_tells_the_one_and_with_it_the_half_beat(name, place):
    seen = silent(hat=np.ones(8 * BARS)) | {name: every(8, [place], low=0.0)}
    table = read_bars(seen, (4,))
    assert best(table) == (4, place)
    assert table.phases()[place % 2] > 0.6
    assert (
        table.downbeat_probabilities(place % 2)[4][place // 2]
        == table.downbeat_probabilities(place % 2)[4].max()
    )


def test_drums_that_strike_all_beats_and_some_half_beats_tell_the_half_beat():
    table = read_bars(silent(snare=every(8, [1, 3, 5, 7, 6])), (4,))
    assert table.phases()[1] > 0.8
    assert np.ptp(table.downbeat_probabilities(1)[4]) == pytest.approx(0)


def test_hats_accented_on_two_and_four_leave_one_and_three():
    table = read_bars(silent(hat=every(8, [2, 6], low=0.3)), (4,))
    ones = table.downbeat_probabilities(0)[4]
    assert ones[0] == pytest.approx(ones[2])
    assert ones[0] > 2 * ones[1]


def test_without_sound_the_beat_activation_has_the_say_and_with_it_little():
    beats = every(8, [0, 2, 4, 6], low=0.4)
    alone = read_bars(silent(beat=beats), (4,)).phases()[0]
    heard = read_bars(silent(beat=beats, kick=np.ones(8 * BARS)), (4,)).phases()[0]
    assert alone > 0.8
    assert 0.5 < heard < 0.65


def test_broken_beats_are_told_by_the_half_beat_after_three():
    amen = every(8, [0, 2, 5, 6], low=0.2)
    assert best(read_bars(silent(beat=amen), (4,))) == (4, 0)
    assert best(read_bars(silent(beat=np.roll(amen, 3)), (4,))) == (4, 3)


def test_three_beats_a_bar_need_downbeats_that_come_back_every_third():
    three = silent(downbeat=every(6, [2], low=0.0), beat=every(2, [0], bars=3 * BARS))
    assert best(read_bars(three, LENGTHS)) == (3, 2)
    assert best(read_bars(three, (4,)))[0] == 4
    four = silent(downbeat=every(8, [2], low=0.0), beat=every(2, [0], bars=4 * BARS))
    assert best(read_bars(four, LENGTHS)) == (4, 2)
    few = {name: values[:20] for name, values in three.items()}
    assert list(read_bars(few, LENGTHS).shares) == [4]


def test_strong_pairs_with_weaker_threes_are_no_bars_of_three():
    turns = np.arange(96)
    downbeats = np.zeros(192)
    downbeats[::2] = 0.4 * (turns % 2 == 0) + 0.5 * (turns % 3 == 0)  # a three repeats by 0.45
    seen = silent(downbeat=downbeats, beat=every(2, [0], bars=96))
    assert best(read_bars(seen, LENGTHS))[0] == 4
    downbeats[::2] = 0.9 * (turns % 3 == 0)
    assert best(read_bars(seen, LENGTHS)) == (3, 0)


def test_log_odds_of_the_witnesses_add_up():
    seen = silent(kick=every(8, [3]), snare=every(8, [1, 3, 5, 7]), chords=every(8, [3]))
    total = sum(
        downbeat_decision.WEIGHTS[name] * values for name, values in readings(seen, 4).items()
    )
    assert downbeat_decision.log_odds(seen, 4) == pytest.approx(total)
    shares = read_bars(seen, (4,)).shares[4]
    assert np.log(shares / shares[0]) == pytest.approx(total - total[0])


def test_evidence_against_evidence_is_doubt():
    early, late = every(8, [0], low=0.1), every(8, [4], low=0.1)
    agree = read_bars(silent(downbeat=early, kick=early), (4,)).downbeat_probabilities(0)[4]
    differ = read_bars(silent(downbeat=early, kick=late), (4,)).downbeat_probabilities(0)[4]
    assert agree[0] > 0.95
    assert differ[2] > agree[2]
    assert differ.max() < 0.9


def sound(seconds, bands=None, chroma=None):
    frames = round(seconds * FRAME_RATE)
    descriptors = {
        "bands": np.full((frames, 9), -60.0) if bands is None else bands,
        "chroma": np.ones((frames // 10, 12)) if chroma is None else chroma,
    }
    kept = {name: values.astype(np.float16) for name, values in descriptors.items()}
    return Features(seconds, np.zeros((frames, 2), np.float32), kept)


def test_a_section_is_seen_where_levels_change_for_long_and_a_fill_is_not():
    bands = np.full((6400, 9), -40.0)
    bands[3200:, 4:] = -20  # from half beat 128 on
    bands[1600:1650, 4:] = -30  # a fill of two half beats
    seen = EvidenceSource(sound(64, bands)).at_half_beats(np.arange(256) * HALF)["sections"]
    assert np.argmax(seen) == 128
    assert seen[60:70].max() < 0.4 * seen[128]


def test_chords_are_seen_where_they_change():
    chroma = np.zeros((640, 12))
    chroma[:, 0] = 1
    for bar in range(1, 32, 2):
        chroma[20 * bar : 20 * (bar + 1)] = np.eye(12)[7]
    seen = EvidenceSource(sound(64, chroma=chroma)).at_half_beats(np.arange(256) * HALF)["chords"]
    assert set(np.flatnonzero(seen > 0.5 * seen.max()) % 8) == {0}


def test_the_opening_is_where_the_sound_begins_and_no_half_beat_far_from_it():
    bands = np.full((6400, 9), -40.0)
    bands[: round(8.02 * FRAME_RATE)] = -100
    witnesses = EvidenceSource(sound(64, bands))
    halves = np.arange(256) * HALF
    assert witnesses.sounding[0] == pytest.approx(8.02, abs=0.011)
    assert np.flatnonzero(witnesses.at_half_beats(halves)["opening"]).tolist() == [32]
    assert not witnesses.at_half_beats(halves + HALF / 2)["opening"].any()


def test_hits_are_seen_by_the_band_they_are_in_and_30_ms_off_at_most():
    bands = np.full((6400, 9), -80.0)
    for name, band, shift in (("kick", 1, 3), ("snare", 3, -3), ("hat", 8, 0), ("lost", 8, 8)):
        at = {"kick": 40, "snare": 60, "hat": 80, "lost": 100}[name] * 25 + shift
        bands[at : at + 5, band] = -10
    seen = EvidenceSource(sound(64, bands)).at_half_beats(np.arange(256) * HALF)
    assert [int(np.argmax(seen[name])) for name in ("kick", "snare", "hat")] == [40, 60, 80]
    assert seen["hat"][100] == 0


def test_a_file_that_begins_or_ends_is_no_change():
    bands = np.full((6400, 9), -40.0)
    bands[:50] = -60
    bands[6350:] = -60
    seen = EvidenceSource(sound(64, bands)).at_half_beats(np.arange(256) * HALF)
    assert not seen["sections"][:4].any()
    assert not seen["sections"][-4:].any()


def test_half_beats_lie_in_the_middle_however_the_tempo_moves():
    beats = np.array([0.0, 1.0, 1.8, 2.4])
    assert with_halves(beats) == pytest.approx([0, 0.5, 1, 1.4, 1.8, 2.1, 2.4, 2.7])
    assert with_halves(beats[:1]).tolist() == [0.0]
