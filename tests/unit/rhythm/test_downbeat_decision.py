"""Half beat, bar length and downbeat: each kind of evidence, and their common decision."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.features import FRAME_RATE, Features
from dropgrid.rhythm import downbeat_decision
from dropgrid.rhythm.downbeat_decision import decision_table, evidence_by_row
from dropgrid.rhythm.evidence import EvidenceSource, with_halves

BARS = 16
HALF = 0.25  # seconds: 120 BPM
LENGTHS = (4, 3)


def every(count, places, high=1.0, low=0.05, bars=BARS):
    """(bars * count,) half beats, high at some places of each bar of so many."""
    bar = np.full(count, low)
    bar[list(places)] = high
    return np.tile(bar, bars)


def silent(**evidence):
    """The given evidence, with silent activations."""
    count = len(next(iter(evidence.values())))
    nothing = {name: np.zeros(count) for name in ("beat", "downbeat")}
    return nothing | evidence


def best(table):
    """Beats per bar and half beat of the most probable row."""
    length = max(table.shares, key=lambda beats: table.shares[beats].max())
    return length, int(np.argmax(table.shares[length]))


def test_silent_evidence_decides_nothing():
    table = decision_table(silent(kick=np.zeros(64), chords=np.zeros(64)), (4,))
    assert table.shares[4] == pytest.approx(np.full(8, 1 / 8))
    assert table.phases() == pytest.approx([0.5, 0.5])
    assert table.downbeat_probabilities(1)[4] == pytest.approx(np.full(4, 1 / 4))


@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("name", ["downbeat", "kick", "chords", "sections"])
def test_evidence_once_a_bar_decides_the_downbeat_and_the_half_beat(name, place):
    evidence = silent(hat=np.ones(8 * BARS)) | {name: every(8, [place], low=0.0)}
    table = decision_table(evidence, (4,))
    assert best(table) == (4, place)
    assert table.phases()[place % 2] > 0.6
    assert (
        table.downbeat_probabilities(place % 2)[4][place // 2]
        == table.downbeat_probabilities(place % 2)[4].max()
    )


def test_drums_on_all_beats_and_some_half_beats_decide_the_half_beat():
    table = decision_table(silent(snare=every(8, [1, 3, 5, 7, 6])), (4,))
    assert table.phases()[1] > 0.8
    assert np.ptp(table.downbeat_probabilities(1)[4]) == pytest.approx(0)


def test_hats_accented_on_two_and_four_leave_one_and_three():
    table = decision_table(silent(hat=every(8, [2, 6], low=0.3)), (4,))
    downbeats = table.downbeat_probabilities(0)[4]
    assert downbeats[0] == pytest.approx(downbeats[2])
    assert downbeats[0] > 2 * downbeats[1]


def test_the_beat_activation_decides_only_without_drums():
    beats = every(8, [0, 2, 4, 6], low=0.4)
    without_drums = decision_table(silent(beat=beats), (4,)).phases()[0]
    with_drums = decision_table(silent(beat=beats, kick=np.ones(8 * BARS)), (4,)).phases()[0]
    assert without_drums > 0.8
    assert 0.5 < with_drums < 0.65


def test_the_half_beat_after_three_decides_broken_beats():
    amen = every(8, [0, 2, 5, 6], low=0.2)
    assert best(decision_table(silent(beat=amen), (4,))) == (4, 0)
    assert best(decision_table(silent(beat=np.roll(amen, 3)), (4,))) == (4, 3)


def test_three_beats_a_bar_need_a_downbeat_every_third_beat():
    three = silent(downbeat=every(6, [2], low=0.0), beat=every(2, [0], bars=3 * BARS))
    assert best(decision_table(three, LENGTHS)) == (3, 2)
    assert best(decision_table(three, (4,)))[0] == 4
    four = silent(downbeat=every(8, [2], low=0.0), beat=every(2, [0], bars=4 * BARS))
    assert best(decision_table(four, LENGTHS)) == (4, 2)
    few = {name: values[:20] for name, values in three.items()}
    assert list(decision_table(few, LENGTHS).shares) == [4]


def test_strong_pairs_with_weaker_threes_are_not_bars_of_three():
    turns = np.arange(96)
    downbeats = np.zeros(192)
    downbeats[::2] = 0.4 * (turns % 2 == 0) + 0.5 * (turns % 3 == 0)  # a three repeats by 0.45
    evidence = silent(downbeat=downbeats, beat=every(2, [0], bars=96))
    assert best(decision_table(evidence, LENGTHS))[0] == 4
    downbeats[::2] = 0.9 * (turns % 3 == 0)
    assert best(decision_table(evidence, LENGTHS)) == (3, 0)


def test_log_odds_of_all_evidence_add_up():
    evidence = silent(kick=every(8, [3]), snare=every(8, [1, 3, 5, 7]), chords=every(8, [3]))
    total = sum(
        downbeat_decision.WEIGHTS[name] * values
        for name, values in evidence_by_row(evidence, 4).items()
    )
    assert downbeat_decision.log_odds(evidence, 4) == pytest.approx(total)
    shares = decision_table(evidence, (4,)).shares[4]
    assert np.log(shares / shares[0]) == pytest.approx(total - total[0])


def test_contradicting_evidence_lowers_the_probability():
    early, late = every(8, [0], low=0.1), every(8, [4], low=0.1)
    agree = decision_table(silent(downbeat=early, kick=early), (4,)).downbeat_probabilities(0)[4]
    differ = decision_table(silent(downbeat=early, kick=late), (4,)).downbeat_probabilities(0)[4]
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


def test_a_lasting_change_of_levels_is_a_section_and_a_fill_is_not():
    bands = np.full((6400, 9), -40.0)
    bands[3200:, 4:] = -20  # from half beat 128 on
    bands[1600:1650, 4:] = -30  # a fill of two half beats
    evidence = EvidenceSource(sound(64, bands)).at_half_beats(np.arange(256) * HALF)["sections"]
    assert np.argmax(evidence) == 128
    assert evidence[60:70].max() < 0.4 * evidence[128]


def test_changes_of_chords_are_evidence_where_they_happen():
    chroma = np.zeros((640, 12))
    chroma[:, 0] = 1
    for bar in range(1, 32, 2):
        chroma[20 * bar : 20 * (bar + 1)] = np.eye(12)[7]
    evidence = EvidenceSource(sound(64, chroma=chroma)).at_half_beats(np.arange(256) * HALF)[
        "chords"
    ]
    assert set(np.flatnonzero(evidence > 0.5 * evidence.max()) % 8) == {0}


def test_the_opening_is_where_the_sound_begins_and_no_half_beat_far_from_it():
    bands = np.full((6400, 9), -40.0)
    bands[: round(8.02 * FRAME_RATE)] = -100
    source = EvidenceSource(sound(64, bands))
    halves = np.arange(256) * HALF
    assert source.sounding[0] == pytest.approx(8.02, abs=0.011)
    assert np.flatnonzero(source.at_half_beats(halves)["opening"]).tolist() == [32]
    assert not source.at_half_beats(halves + HALF / 2)["opening"].any()


def test_hits_count_in_their_band_and_within_30_ms():
    bands = np.full((6400, 9), -80.0)
    for name, band, shift in (("kick", 1, 3), ("snare", 3, -3), ("hat", 8, 0), ("lost", 8, 8)):
        at = {"kick": 40, "snare": 60, "hat": 80, "lost": 100}[name] * 25 + shift
        bands[at : at + 5, band] = -10
    evidence = EvidenceSource(sound(64, bands)).at_half_beats(np.arange(256) * HALF)
    assert [int(np.argmax(evidence[name])) for name in ("kick", "snare", "hat")] == [40, 60, 80]
    assert evidence["hat"][100] == 0


def test_a_file_that_begins_or_ends_is_not_a_change():
    bands = np.full((6400, 9), -40.0)
    bands[:50] = -60
    bands[6350:] = -60
    evidence = EvidenceSource(sound(64, bands)).at_half_beats(np.arange(256) * HALF)
    assert not evidence["sections"][:4].any()
    assert not evidence["sections"][-4:].any()


def test_half_beats_lie_in_the_middle_however_the_tempo_moves():
    beats = np.array([0.0, 1.0, 1.8, 2.4])
    assert with_halves(beats) == pytest.approx([0, 0.5, 1, 1.4, 1.8, 2.1, 2.4, 2.7])
    assert with_halves(beats[:1]).tolist() == [0.0]
