"""What is corrected at the ends of a track, of a bar and of what counts as the same."""

from __future__ import annotations

import pytest
from dropgrid.apply_corrections.document import Document
from dropgrid.apply_corrections.edits import edit
from dropgrid.apply_corrections.grid_corrections import entries_of, lay_grid
from dropgrid.apply_corrections.grid_from_beats import _downbeat, _tempo
from dropgrid.apply_corrections.model import Correction, GridEntry, InvalidCorrection, SectionStart
from dropgrid.apply_corrections.section_corrections import _sections, _share
from dropgrid.apply_corrections.section_edits import Answer
from dropgrid.records.model import BpmRecord, GridRegion

BEATS = tuple(i * 0.5 for i in range(33))
RHYTHM = BpmRecord(
    "t-00000000", "t.flac", "ok", duration=17.0, bpm=120.0, beats=BEATS, downbeats=BEATS[::4],
    grid=(GridRegion(0.0, 120.0, len(BEATS), 0.0),), time_signature="4/4",
)  # fmt: skip


def test_the_last_section_ends_with_the_bar_that_the_recording_cuts():
    lines = [*BEATS[::4], 18.0]
    given = [SectionStart(0.0, "intro"), SectionStart(8.0, "drop")]
    first, last = _sections(given, lines, RHYTHM, 17.0)
    assert (first.start_bar, first.end_bar, first.bars) == (1, 5, 4)
    assert (last.start, last.end, last.start_bar, last.end_bar, last.bars) == (8, 17, 5, 10, 5)


def test_sections_of_a_track_without_downbeats_have_no_bars():
    rhythm = BpmRecord("t-00000000", "t.flac", "ok", duration=17.0, beats=BEATS)
    [section] = _sections([SectionStart(0.0, "intro")], BEATS[::4], rhythm, 17.0)
    assert (section.start_bar, section.end_bar, section.bars) == (None, None, None)


def test_the_share_of_no_times_is_all_or_nothing():
    assert (_share([], []), _share([], [1.0]), _share([1.0], [])) == (1.0, 0.0, 0.0)
    assert _share([1.0, 2.0], [1.0, 2.034]) == 1.0
    assert _share([1.0, 2.0], [1.0, 2.036]) == 0.5


def test_taps_of_half_a_second_are_enough():
    times = [1.0, 1.25, 1.375, 1.5]
    tapped = edit(Correction(), Answer(RHYTHM), {"op": "tap", "times": times})
    assert tapped.bpm == 360.0
    with pytest.raises(InvalidCorrection, match="less than half a second"):
        edit(Correction(), Answer(RHYTHM), {"op": "tap", "times": [1.0, 1.1, 1.2, 1.49]})


@pytest.mark.parametrize(("step", "bars"), [(3, 3), (4, 4), (5, 5), (7, 7), (6, 4)])
def test_two_downbeats_give_the_number_of_beats_in_a_bar(step, bars):
    assert _downbeat(BEATS[:12], [BEATS[1], BEATS[1 + step]], []) == (0.5, bars)


def test_an_entry_without_downbeats_uses_the_known_downbeat():
    assert _downbeat(BEATS[4:12], [], [2.4]) == (2.5, 4)
    assert _downbeat(BEATS[4:12], [], []) == (None, 4)
    assert _downbeat(BEATS[4:12], [20.0], [2.4]) == (None, 4)
    assert _tempo(BEATS, 4, 5) == _tempo(BEATS, 32, 33) == 120.0


def test_a_gap_ends_an_entry_of_the_grid():
    def record(pause: float) -> BpmRecord:
        beats = (*BEATS[:9], *(4.0 + pause + i * 0.5 for i in range(8)))
        regions = GridRegion(0.0, 120.0, 9, 0.0), GridRegion(beats[9], 120.0, 8, beats[9])
        return BpmRecord("t-00000000", "t.flac", "ok", duration=20.0, bpm=120.0, beats=beats,
                         downbeats=(0.0, 2.0, 4.0, beats[9]), grid=regions)  # fmt: skip

    assert [entry.end for entry in entries_of(record(0.5))] == [None, None]
    assert [entry.end for entry in entries_of(record(4.0))] == [4.0, None]


def test_where_no_beats_were_found_a_grid_fills_the_recording():
    empty = BpmRecord("t-00000000", "t.flac", "ok", duration=3.9)
    laid = lay_grid(empty, [GridEntry(1.0, 60.0, 1.0)])
    assert laid.beats == (0.0, 1.0, 2.0, 3.0) and laid.downbeats == (1.0,)


def test_an_empty_correction_has_no_entry():
    corrections = Document({"a.flac": Correction(bpm=90.0)})
    corrections.put("b.flac", Correction(bpm=91.0), before="a.flac")
    corrections.put("b.flac", Correction())
    assert corrections.tracks == {}
