"""What cues that were moved on a player do to drops and sections, without files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dropgrid.apply_corrections import document
from dropgrid.apply_corrections.model import SectionStart
from dropgrid.correcting import import_cues
from dropgrid.correcting.agreement import agreements
from dropgrid.correcting.import_cues import described, with_moved
from dropgrid.correcting.session import CorrectionSession
from dropgrid.library import track_id
from dropgrid.records.store import write_record
from dropgrid.references.annotation import CueOrLoop
from tracks_to_correct import keyed, steady, structured, write_steady

STARTS = tuple(
    SectionStart(time, label)
    for time, label in ((0.0, "intro"), (16.0, "buildup"), (32.0, "drop"), (64.0, "outro"))
)


def with_start(old: float | None, time: float, label: str) -> list[tuple[float, str]] | None:
    found = import_cues._with_start(STARTS, old, SectionStart(time, label))  # type: ignore[arg-type]
    return None if found is None else [(start.start, start.label) for start in found]


def test_moved_drops_take_the_place_of_the_old_ones_and_new_ones_come_between() -> None:
    assert with_moved((16.0, 48.0), [(16.0, 17.0), (None, 32.0)]) == (17.0, 32.0, 48.0)
    assert with_moved((16.0,), []) == (16.0,)


@pytest.mark.parametrize(
    ("old", "time", "label", "left"),
    [
        (32.0, 40.0, "drop", [(0, "intro"), (16, "buildup"), (40, "drop"), (64, "outro")]),
        (32.0, 24.0, "drop", [(0, "intro"), (16, "buildup"), (24, "drop"), (64, "outro")]),
        (32.0, 16.0, "drop", None),  # would end the buildup
        (32.0, 64.0, "drop", None),
        (16.0, 0.0, "buildup", None),
        (None, 48.0, "outro",
         [(0, "intro"), (16, "buildup"), (32, "drop"), (48, "outro"), (64, "outro")]),
        (None, 48.0, "drop", None),  # it is one already
        (None, 0.0, "drop", None),
    ],
)  # fmt: skip
def test_a_section_begins_where_its_cue_is_if_it_passes_no_other(old, time, label, left) -> None:
    assert with_start(old, time, label) == left


def test_a_section_takes_up_what_would_be_of_its_own_kind() -> None:
    twice = (*STARTS[:3], SectionStart(48.0, "drop"), STARTS[3])
    found = import_cues._with_start(twice, 32.0, SectionStart(50.0, "drop"))
    assert found is not None and [s.start for s in found] == [0.0, 16.0, 50.0, 64.0]


def test_each_new_time_takes_the_place_of_the_nearest_that_is_left() -> None:
    assert import_cues._paired([10.0, 40.0], [38.0, 12.0]) == ((12.0, 10.0), (38.0, 40.0))
    assert import_cues._paired([10.0, 11.0, 12.0], [12.0]) == (
        (12.0, 10.0), (None, 11.0), (None, 12.0),
    )  # fmt: skip
    assert import_cues._begins(STARTS, 16.0, 0.0) and not import_cues._begins(STARTS, 17.0, 0.0)
    assert not import_cues._begins(STARTS, 0.0, 0.0)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (CueOrLoop(1.005, "Vocal", 0), 'hot cue A "Vocal" at 1.00 s'),
        (CueOrLoop(61.5, "", 25), "hot cue Z at 61.50 s"),
        (CueOrLoop(2.0, "x"), 'memory cue "x" at 2.00 s'),
        (CueOrLoop(1.0, "", None, 2.0), "loop from 1.00 to 2.00 s"),
        (CueOrLoop(1.0, "L", 3, 2.0), 'loop "L" from 1.00 to 2.00 s'),
    ],
)
def test_a_cue_in_words(mark: CueOrLoop, words: str) -> None:
    assert described(mark) == words


PATHS = ("a.flac", "b.flac", "c.flac")


@pytest.fixture
def session(tmp_path) -> CorrectionSession:
    results = write_steady(tmp_path / "results", PATHS)
    for path in PATHS:
        track = track_id(path)
        for kind, record in (("bpm", steady()), ("structure", structured()), ("key", keyed())):
            write_record(results.record(kind, track), replace(record, track=track, path=path))
    return CorrectionSession(results, tmp_path / "mine.json")


def listed(session: CorrectionSession) -> list[tuple[str, tuple[str, ...], bool]]:
    corrections = document.read(session.file)
    found = agreements(session, corrections, [track_id(path) for path in PATHS])
    return [(item.path, item.differs, item.grid) for item in found]


def test_the_list_shows_the_analysed_tracks_with_corrections(session) -> None:
    assert listed(session) == []
    session.edit(track_id("c.flac"), [{"op": "key", "key": "F minor"}])
    session.edit(track_id("a.flac"), [{"op": "confirm"}])
    assert listed(session) == [("a.flac", (), True), ("c.flac", ("key",), False)]
    session.results.record("bpm", track_id("a.flac")).unlink()
    session.edit(track_id("c.flac"), [{"op": "reset"}])
    assert listed(session) == []


def test_several_edits_are_one_step_each_upon_the_last(session) -> None:
    track = track_id("a.flac")
    session.edit(track, [{"op": "half"}, {"op": "half"}, {"op": "double"}])
    state = session.read_state(track)
    correction = session.correction_of(state)[1]
    assert session.answer(state, correction)[1].bpm.bpm == 60.0
    assert len(session.steps(track, state.fingerprint)[0]) == 1
