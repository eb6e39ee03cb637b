"""All times of a track moved to another player's sample 0."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dropgrid.records.model import GridRegion
from dropgrid.records.time_shift import _shifted_region, shifted
from dropgrid.records.track import Moment, Track
from library_of_records import bpm_record, key_record, structure_record

REGION = GridRegion(1.0, 120.0, 16, 1.5)  # beats 1.0 to 8.5, bars from 1.5


@pytest.mark.parametrize(
    ("seconds", "moved"),
    [
        (0.25, GridRegion(1.25, 120.0, 16, 1.75)),
        (-1.0, GridRegion(0.0, 120.0, 16, 0.5)),
        (-1.1, GridRegion(0.4, 120.0, 15, 0.4)),
        (-1.6, GridRegion(0.4, 120.0, 14, 1.9)),  # its first bar would begin before 0
        (-8.5, GridRegion(0.0, 120.0, 1, None)),
        (-8.6, None),
    ],
)
def test_a_region_begins_at_its_first_beat_from_0_on(seconds, moved) -> None:
    found = _shifted_region(REGION, seconds, 4)
    assert (found is None) is (moved is None)
    if found is not None:
        assert (found.bpm, found.beats) == (moved.bpm, moved.beats)
        assert found.start == pytest.approx(moved.start)
        assert found.first_downbeat == (
            None if moved.first_downbeat is None else pytest.approx(moved.first_downbeat)
        )


def test_a_downbeat_after_the_last_beat_is_none() -> None:
    short = GridRegion(1.0, 120.0, 3, 1.0)
    assert _shifted_region(short, -1.0, 4) == GridRegion(0.0, 120.0, 3, 0.0)
    assert _shifted_region(short, -1.2, 4).first_downbeat is None  # the next would be at 1.8


def test_every_time_of_a_track_moves_and_nothing_lies_before_0() -> None:
    path = "a.flac"
    structure = replace(
        structure_record(path), drop_impacts=(0.5, 0.7), mix_in=2.0, mix_out=26.96875
    )
    track = Track(Path(path), bpm_record(path), structure, key_record(path),
                  tracklist=(Moment(1.0, "x"), Moment(20.0, "y")))  # fmt: skip
    assert shifted(track, 0) is track
    later = shifted(track, 0.5)
    assert later.bpm.beats[0] == 0.75 and len(later.bpm.beats) == 64
    assert (later.bpm.duration, later.structure.duration, later.key.duration) == (31.0,) * 3
    assert later.structure.sections[0].start == 0.5 and later.structure.mix_in == 2.5
    earlier = shifted(track, -10.0)
    assert min(earlier.bpm.beats) >= 0 and len(earlier.bpm.beats) == 64 - 21
    assert [section.label for section in earlier.structure.sections] == [
        "drop", "breakdown", "drop", "outro",
    ]  # fmt: skip
    assert (earlier.structure.sections[0].start, earlier.structure.sections[0].end) == (0, 5.71875)
    assert earlier.structure.drops == (9.46875,)
    assert (earlier.structure.drop_confidences, earlier.structure.drop_impacts) == ((0.8,), (0.7,))
    assert (earlier.structure.mix_in, earlier.structure.mix_out) == (None, 16.96875)
    assert [segment.start for segment in earlier.key.segments] == pytest.approx([0.0, 10.8])
    assert [moment.time for moment in earlier.tracklist] == [0.0, 10.0]
    regions = track.bpm.grid
    assert [region.start for region in later.bpm.grid] == [r.start + 0.5 for r in regions]
    assert len(earlier.bpm.grid) == 2 and earlier.bpm.grid[0].start >= 0
    assert [region.bpm for region in shifted(track, -20.0).bpm.grid] == [regions[1].bpm]


def test_a_section_that_ends_at_0_is_left_out() -> None:
    path = "a.flac"
    track = Track(Path(path), bpm_record(path), structure_record(path))
    moved = shifted(track, -4.46875).structure
    assert (moved.sections[0].label, moved.sections[0].start) == ("buildup", 0.0)
