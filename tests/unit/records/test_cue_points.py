"""The moments of a track: which are cues, which go on pads, and the loops to mix with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dropgrid.records.cue_points import (
    MIX_OUT,
    SET_IN,
    SET_OUT,
    Cue,
    Loop,
    cues,
    first_downbeat,
    loops,
    most_useful,
    moved,
    pads,
)
from dropgrid.records.cue_template import Pad, template
from dropgrid.records.track import Moment, Track
from library_of_records import bpm_record, structure_record

PATH = "a.flac"
STRUCTURE = replace(structure_record(PATH), mix_in=4.46875, mix_out=25.0)
TRACK = Track(Path(PATH), bpm_record(PATH), STRUCTURE)
FIRST = bpm_record(PATH).downbeats[0]


def names(track: Track) -> list[tuple[float, str]]:
    return [(cue.time, cue.name) for cue in cues(track)]


def test_cues_are_sections_and_drops_and_where_one_mixes_out() -> None:
    assert names(TRACK) == [
        (FIRST, "Intro"), (4.46875, "Buildup"), (8.21875, "Drop 1"), (15.71875, "Breakdown"),
        (19.46875, "Drop 2"), (25.0, MIX_OUT), (26.96875, "Outro"),
    ]  # fmt: skip
    at_outro = replace(TRACK, structure=replace(STRUCTURE, mix_out=26.95))
    assert MIX_OUT not in dict(map(reversed, names(at_outro)))
    assert cues(replace(TRACK, structure=None)) == []


def test_cues_of_a_set_take_the_place_of_what_is_there_already() -> None:
    blends = (Moment(19.5, SET_OUT), Moment(1.0, SET_IN))
    found = names(replace(TRACK, blends=blends))
    assert (1.0, SET_IN) in found and (19.5, SET_OUT) in found
    assert (19.46875, "Drop 2") not in found and (8.21875, "Drop 1") in found
    assert found == sorted(found)
    apart = names(replace(TRACK, blends=(Moment(19.53, SET_OUT),)))
    assert (19.46875, "Drop 2") in apart
    assert names(replace(TRACK, tracklist=(Moment(3.0, "x"),), blends=blends)) == [(3.0, "x")]


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, []), (1, ["Intro"]), (2, ["Intro", MIX_OUT]), (3, ["Intro", "Drop 1", MIX_OUT]),
        (4, ["Intro", "Drop 1", "Drop 2", MIX_OUT]),
        (5, ["Intro", "Drop 1", "Breakdown", "Drop 2", MIX_OUT]),
        (6, ["Intro", "Buildup", "Drop 1", "Breakdown", "Drop 2", MIX_OUT]),
        (-1, []),
    ],
)  # fmt: skip
def test_the_most_useful_cues_are_kept_in_the_order_of_time(most: int, expected) -> None:
    assert [cue.name for cue in most_useful(cues(TRACK), most)] == expected


def test_cues_of_a_set_come_before_all_others_and_an_outro_stands_for_the_mix_out() -> None:
    marks = cues(replace(TRACK, structure=replace(STRUCTURE, mix_out=None)))
    assert [cue.name for cue in most_useful(marks, 2)] == ["Intro", "Outro"]
    marks = cues(replace(TRACK, blends=(Moment(12.0, SET_IN), Moment(22.0, SET_OUT))))
    assert [cue.name for cue in most_useful(marks, 2)] == [SET_IN, SET_OUT]


def test_pads_follow_a_template_with_offsets_names_and_colours() -> None:
    wanted = template([
        "first_downbeat", "drop_1 - 1 bar", "empty", "mix_in", {"at": "mix_out", "name": " out "},
        {"at": "last_drop + 2 beats", "colour": "#FF5585"}, "drop_3", "breakdown + 1 bar",
    ])  # fmt: skip
    found = dict(pads(TRACK, wanted))
    assert list(found) == [0, 1, 3, 4, 5, 7]
    assert (found[0].time, found[0].name) == (FIRST, "Intro")
    assert (found[1].name, found[1].label) == ("Drop 1 - 1 bar", "drop")
    assert found[1].time == pytest.approx(8.21875 - 4 * 60 / 128, abs=1e-6)
    assert (found[3].time, found[3].name) == (4.46875, "Mix in")
    assert (found[4].time, found[4].name) == (25.0, "out")
    assert (found[5].name, found[5].colour) == ("Drop 2 + 2 beats", "#ff5585")
    assert found[7].name == "Breakdown + 1 bar"
    assert len(pads(TRACK, wanted, most=2)) == 2
    assert [cue.name for _, cue in pads(TRACK, None, 2)] == ["Intro", MIX_OUT]


def test_an_offset_beyond_the_grid_leaves_the_pad_free() -> None:
    beats = TRACK.bpm.beats
    assert moved(TRACK, beats[3] + 0.1, 2, "beat") == beats[5]
    assert moved(TRACK, beats[1], -1, "beat") == beats[0]
    assert moved(TRACK, beats[0], -1, "beat") is None
    assert moved(TRACK, beats[-1], 0, "beat") == beats[-1]
    assert moved(TRACK, beats[-1], 1, "beat") is None
    assert moved(TRACK, FIRST, 1, "bar") == TRACK.bpm.downbeats[1]
    assert moved(replace(TRACK, bpm=None), 1.0, 0, "bar") is None
    assert first_downbeat(replace(TRACK, bpm=None)) is None
    assert pads(TRACK, (Pad("drop", offset=-99),)) == []


def test_a_loop_is_the_longest_that_fits_an_intro_or_outro() -> None:
    downbeats = TRACK.bpm.downbeats
    assert loops(TRACK) == [
        Loop(downbeats[0], downbeats[2], "Intro loop"),
        Loop(downbeats[14], downbeats[15], "Outro loop"),
    ]
    assert loops(replace(TRACK, bpm=None)) == loops(replace(TRACK, structure=None)) == []


def test_a_cue_has_its_own_colour_or_that_of_its_section() -> None:
    assert Cue(0, "drop", "x", "#123456").colour == "#123456"
    assert Cue(0, "drop", "x").colour != Cue(0, "intro", "x").colour


def test_a_cue_does_not_go_to_a_first_downbeat_where_its_section_ends() -> None:
    def first_cue(end: float) -> float:
        sections = (replace(STRUCTURE.sections[0], end=end), *STRUCTURE.sections[1:])
        return cues(replace(TRACK, structure=replace(STRUCTURE, sections=sections)))[0].time

    assert first_cue(FIRST + 0.04) == 0.0
    assert first_cue(FIRST + 0.06) == FIRST


def test_an_offset_is_reported_with_its_sign() -> None:
    found = pads(TRACK, (Pad("drop", offset=1, unit="beat"), Pad("drop", offset=-2, unit="beat")))
    assert [cue.name for _, cue in found] == ["Drop 1 + 1 beat", "Drop 1 - 2 beats"]
