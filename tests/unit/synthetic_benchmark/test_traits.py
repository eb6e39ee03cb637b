"""What docs/benchmark.md says of the traits, found in the strokes and in the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from dropgrid.demo_music.styles import STYLES as DEMO
from dropgrid.synthetic_benchmark import truth
from dropgrid.synthetic_benchmark.composition import compose
from dropgrid.synthetic_benchmark.make import wanted
from dropgrid.synthetic_benchmark.piece import Piece
from dropgrid.synthetic_benchmark.styles import STYLES
from dropgrid.synthetic_benchmark.traits import MOVING, TRAITS, TWINS

SEED = 8
DRUMS = {"kick", "snare", "hats", "percussion"}


@cache
def pieces() -> tuple[Piece, ...]:
    return tuple(compose(SEED, number) for number in range(60))


def having(trait: str) -> list[Piece]:
    found = [piece for piece in pieces() if trait in piece.traits]
    assert found, trait
    return found


def sections(piece: Piece, *labels: str) -> Iterator[tuple[float, float]]:
    """(first beat, end) of the sections with these labels."""
    bar = 0
    for label, bars in piece.form:
        if label in labels:
            yield bar * piece.beats_per_bar, (bar + bars) * piece.beats_per_bar
        bar += bars


def positions(piece: Piece, sound: str, first: float, end: float) -> list[float]:
    return [s.beat - first for s in piece.strokes if s.sound == sound and first <= s.beat < end]


def test_a_piece_draws_one_to_seven_traits_of_which_one_moves_the_tempo() -> None:
    counts = {len(piece.traits) for piece in pieces()}
    assert min(counts) == 1 and max(counts) == 7
    for piece in pieces():
        assert set(piece.traits) <= set(TRAITS) and len(set(piece.traits)) == len(piece.traits)
        assert len(set(piece.traits) & set(MOVING)) <= 1
        assert list(piece.traits) == sorted(piece.traits)


def test_tempi_are_near_those_of_the_styles() -> None:
    assert STYLES.items() >= DEMO.items() and len(STYLES) == 15
    for piece in pieces():
        if piece.beats_per_bar != 7:
            assert 0.93 < piece.bpm / STYLES[piece.style].bpm < 1.08
        else:  # the beat is an eighth
            assert 0.93 < piece.bpm / 170 < 1.08


def test_tempo_moves_by_the_shares_that_are_documented() -> None:
    for piece in having("drift"):
        share = np.ptp(piece.tempo) / 2 / piece.bpm
        assert 0.0015 < share < 0.0081
        assert piece.curve.drift is not None and 40 <= piece.curve.drift[1] <= 120
    for piece in having("ramp"):
        assert 0.0399 <= abs(piece.tempo[-1] / piece.tempo[0] - 1) <= 0.1201
        moving = np.flatnonzero(np.diff(piece.tempo))
        assert 0.2 * len(piece.tempo) < moving[0] and moving[-1] < 0.8 * len(piece.tempo)
    for piece in having("jitter"):
        assert 3 <= piece.curve.jitter <= 12
    for piece in having("jump"):
        assert piece.curve.jump is not None
        beat, by = piece.curve.jump
        assert 0.2 <= by <= 0.8 and 0 < beat < piece.bars * piece.beats_per_bar
    steady = [piece for piece in pieces() if not {"jump", *MOVING} & set(piece.traits)]
    for piece in steady:
        np.testing.assert_allclose(np.diff(piece.beats), 60 / piece.bpm)


def test_odd_phrases_are_of_other_lengths_than_fours_and_others_are_not() -> None:
    for piece in pieces():
        lengths = {bars % 4 for _, bars in piece.form}
        assert ("odd_phrases" in piece.traits) or lengths == {0}
        assert all(bars >= 3 for _, bars in piece.form)
        assert sum(bars for _, bars in piece.form) == piece.bars
    odd = {bars for piece in having("odd_phrases") for _, bars in piece.form}
    assert {5, 6, 7} <= odd and any(bars % 4 == 3 for bars in odd)


def test_keys_change_by_a_second_third_fourth_or_fifth_and_keep_their_mode() -> None:
    for piece in pieces():
        assert len(piece.keys) == 1 + ("key_change" in piece.traits)
        assert piece.keys[0][0] == 0
    for piece in having("key_change"):
        (_, first), (bar, second) = piece.keys
        assert first // 12 == second // 12 and (second - first) % 12 in (1, 2, 3, 5)
        starts = np.cumsum([bars for _, bars in piece.form])[:-1]
        assert bar in starts, "where a section begins"
    changes = [piece.keys for piece in having("key_change")]
    assert {(second[1] - first[1]) % 12 for first, second in changes} == {1, 2, 3, 5}
    minor = [piece.keys[0][1] >= 12 for piece in pieces()]
    assert 0.5 < np.mean(minor) < 0.85


def test_detuned_pieces_are_15_to_45_cents_off() -> None:
    assert {piece.tuning for piece in pieces() if "detuned" not in piece.traits} == {0.0}
    off = [piece.tuning for piece in having("detuned")]
    assert all(15 <= abs(cents) <= 45 for cents in off)


def test_half_time_has_the_kick_on_1_and_the_snare_on_3() -> None:
    for piece in [*having("half_time"), compose(SEED, 0, "half_time")]:
        if piece.beats_per_bar != 4 or "broken_kick" in piece.traits:
            continue
        for first, end in sections(piece, "drop"):
            beats = {beat % 4 for beat in positions(piece, "snare", first, end)}
            assert beats == {2.0}
            kicks = {beat % 4 for beat in positions(piece, "kick", first, end)}
            assert kicks == {0.0, 2.5} and not positions(piece, "clap", first, end)


def test_syncopated_chords_come_a_sixteenth_early() -> None:
    for piece in pieces():
        early = [s.beat % piece.beats_per_bar for s in piece.strokes
                 if s.sound in ("bass", "stabs")]  # fmt: skip
        ahead = [at for at in early if at > piece.beats_per_bar - 0.2501]
        on = [at for at in early if at == 0.0]
        if "syncopation" in piece.traits and not piece.swing:
            assert not on
            assert all(at == pytest.approx(piece.beats_per_bar - 0.25) for at in ahead)


def test_triplets_are_hats_on_thirds_of_beats() -> None:
    for piece in having("triplets"):
        for first, end in sections(piece, "drop"):
            found = {round(beat % 1, 6) for beat in positions(piece, "closed", first, end)}
            assert {0.333333, 0.666667} <= found <= {0.0, 0.333333, 0.666667}


def test_an_offbeat_bass_plays_between_the_beats() -> None:
    for piece in having("offbeat_bass"):
        if not piece.swing and "syncopation" not in piece.traits:
            bass = {s.beat % 1 for s in piece.strokes if s.sound == "bass"}
            assert bass == {0.5}


def test_fills_are_six_toms_in_the_last_two_beats_of_a_drop() -> None:
    for piece in pieces():
        for first, end in sections(piece, "drop"):
            toms = positions(piece, "tom", first, end)
            expected = [0, 0.25, 0.75, 1, 1.5, 1.75] if "fills" in piece.traits else []
            assert toms == [end - first - 2 + at for at in expected]


def test_a_pickup_is_two_toms_to_a_beat_before_the_first_bar() -> None:
    for piece in pieces():
        assert (0 < piece.pickup < piece.beats_per_bar) == ("pickup" in piece.traits)
        before = sorted(s.beat for s in piece.strokes if s.sound == "tom" and s.beat < 0.0)
        assert before == [-piece.pickup + at / 2 for at in range(2 * piece.pickup)]
        assert piece.beats[0] == pytest.approx(piece.start)
        if piece.pickup:
            assert piece.downbeats[0] == pytest.approx(piece.beats[piece.pickup])


def test_a_sparse_drop_has_neither_chords_nor_percussion() -> None:
    for piece in pieces():
        layers = {
            s.layer
            for first, end in sections(piece, "drop")
            for s in piece.strokes
            if first <= s.beat < end - 1
        }
        assert "kick" in layers
        assert bool({"stabs", "pad", "percussion"} & layers) != ("sparse" in piece.traits)


def test_an_intro_without_drums_at_first_has_them_in_its_second_half() -> None:
    for piece in having("no_drums_at_first"):
        if piece.form[0][0] == "intro":
            meter, bars = piece.beats_per_bar, piece.form[0][1]
            drums = [s.beat for s in piece.strokes if s.layer in DRUMS and s.beat >= 0]
            assert bars // 2 * meter <= min(drums) < (bars // 2 + 1) * meter
            pads = [s.beat for s in piece.strokes if s.layer == "pad"]
            assert min(pads) == 0.0


def test_a_buildup_has_a_riser_over_all_of_it_and_a_roll_that_grows() -> None:
    for piece in pieces():
        for first, end in sections(piece, "buildup"):
            (riser,) = (s for s in piece.strokes if s.sound == "riser" and s.beat == first)
            assert riser.beats == end - first
            roll = [s for s in piece.strokes if s.sound == "snare" and first <= s.beat < end]
            assert bool(roll) == piece.sound.rolls
            if roll:
                strengths = [s.strength for s in roll]
                assert strengths == sorted(strengths) and strengths[0] == pytest.approx(0.15)
                meter, half = piece.beats_per_bar, (end - first) / 2
                for stroke, gap in zip(roll, np.diff([s.beat for s in roll]), strict=False):
                    at = stroke.beat - first
                    if at + 1 < half:
                        assert gap == 1.0
                    elif end - meter <= stroke.beat < end - 1:
                        assert gap == 0.25
                    else:
                        assert 0.25 < gap <= 0.5 or at < half


def test_vocals_sing_only_where_they_are_a_trait() -> None:
    for piece in pieces():
        sung = [s for s in piece.strokes if s.layer == "vocals"]
        assert bool(sung) == ("vocals" in piece.traits)
        assert all(55 <= s.pitch < 67 for s in sung)


def test_ghost_notes_are_soft_snares_between_the_beats() -> None:
    for piece in having("ghost_notes"):
        ghosts = [s for s in piece.strokes if s.sound == "ghost"]
        loud = [s.strength for s in piece.strokes if s.sound == "snare" and s.beat % 4 == 1]
        assert ghosts and all(s.strength < 0.5 for s in ghosts)
        assert not loud or max(s.strength for s in ghosts) < max(loud)


def test_a_piece_has_no_twin_of_a_trait_that_it_has() -> None:
    names = list(wanted(SEED, 12))
    assert list(wanted(SEED, 3, twins=False)) == [(0, ""), (1, ""), (2, "")]
    for number in range(12):
        own = [twin for n, twin in names if n == number]
        assert own[0] == ""
        traits = compose(SEED, number).traits
        assert own[1:] == [twin for twin in TWINS if twin not in traits]


def data(piece: Piece) -> list[tuple[str, dict[str, str], list[dict[str, float]]]]:
    document = json.loads(truth.document(piece, "x.flac"))
    return [(a["namespace"], a["sandbox"], a["data"]) for a in document["annotations"]]


@pytest.mark.parametrize("twin", ["", "fast", "slow"])
def test_the_truth_covers_the_piece_without_gaps(twin: str) -> None:
    piece = compose(SEED, next(p.number for p in having("key_change")), twin)
    of = {(name, *box.values()): rows for name, box, rows in data(piece)}
    for kind in (("segment_open",), ("key_mode",), ("tempo", "tempo of each bar")):
        rows = of[kind]
        ends = [row["time"] + row["duration"] for row in rows]
        np.testing.assert_allclose([row["time"] for row in rows[1:]], ends[:-1], atol=2e-6)
        assert ends[-1] == pytest.approx(piece.duration, abs=2e-6)
    assert of["segment_open",][0]["time"] == 0 == of["key_mode",][0]["time"]
    curve = of["tempo", "tempo of each bar"]
    assert len(curve) == piece.bars and curve[0]["time"] == pytest.approx(piece.downbeats[0])
    speed = {"": 1.0, "fast": 1.06, "slow": 0.94}[twin]
    assert curve[0]["value"] == pytest.approx(piece.bpm * speed, rel=0.2)
    for row in of["tag_open", "where each instrument plays"]:
        assert 0 <= row["time"] < row["time"] + row["duration"] <= piece.duration + 2e-6
    drops = [row["time"] for row in of["segment_open",] if row["value"] == "drop"]
    assert [row["time"] for row in of["tag_open", "drops"]] == drops
    original = compose(SEED, piece.number)
    keys = [str(row["value"]) for row in of["key_mode",]]
    plain = [str(row["value"]) for _, b, r in data(original) if not b for row in r
             if str(row["value"]).endswith(("or",))]  # fmt: skip
    assert (keys == plain) == (not twin), "a semitone is the nearest to six per cent"
    assert [k.partition(":")[2] for k in keys] == [k.partition(":")[2] for k in plain]


def test_entries_are_the_stretches_in_which_a_layer_plays() -> None:
    for piece in pieces()[:12]:
        for layer, stretches in piece.entries().items():
            beats = sorted(s.beat for s in piece.strokes if s.layer == layer)
            times = piece.seconds(beats)
            inside = np.zeros(len(times), bool)
            for start, end in stretches:
                inside |= (times >= start - 1e-9) & (times < end)
            assert inside.all(), layer
            bar = piece.beats_per_bar * 60 / piece.bpm
            gaps = [later[0] - sooner[1] for sooner, later in pairwise(stretches)]
            assert all(gap > 1.7 * bar for gap in gaps)
