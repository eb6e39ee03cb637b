"""Neighbouring sections of one label are one passage to a reader."""

from __future__ import annotations

from dataclasses import replace

from dropgrid.records.cue_points import cues
from dropgrid.records.model import Phrase, Section, StructureRecord
from dropgrid.records.passages import labelled_phrases, passages
from dropgrid.records.track import Track


def section(label, start: float, bars: int | None, first: int | None = None) -> Section:
    """A section of two seconds a bar."""
    last = None if first is None or bars is None else first + bars
    return Section(start, start + 2.0 * (bars or 4), label, first, last, bars, 0.9)


SECTIONS = (
    section("intro", 0.0, 8, 1), section("drop", 16.0, 8, 9), section("drop", 32.0, 16, 17),
    section("breakdown", 64.0, 1, 33), section("drop", 66.0, 8, 34),
)  # fmt: skip


def test_passages_are_reported_with_their_bars_and_parts() -> None:
    found = passages(SECTIONS)
    assert [passage.text for passage in found] == [
        "intro 8 bars", "drop 24 bars (2 parts)", "breakdown 1 bar", "drop 8 bars",
    ]  # fmt: skip
    assert [(passage.start, passage.end) for passage in found] == [
        (0.0, 16.0), (16.0, 64.0), (64.0, 66.0), (66.0, 82.0),
    ]  # fmt: skip


def test_passages_without_a_grid_have_no_bars() -> None:
    found = passages((section("main", 0.0, None), section("main", 8.0, None)))
    assert [(passage.text, passage.bars) for passage in found] == [("main (2 parts)", None)]


def test_a_passage_has_one_cue_which_stands_where_the_kick_enters() -> None:
    record = StructureRecord("t", "t", "ok", sections=SECTIONS, drops=(18.0, 66.0))
    assert [(cue.time, cue.name) for cue in cues(Track(None, None, record))] == [
        (0.0, "Intro"), (18.0, "Drop 1"), (64.0, "Breakdown"), (66.0, "Drop 2"),
    ]  # fmt: skip


def test_a_drop_listed_inside_a_passage_has_a_cue_of_its_own() -> None:
    record = StructureRecord("t", "t", "ok", sections=SECTIONS, drops=(16.0, 48.0, 66.0))
    assert [(cue.time, cue.name) for cue in cues(Track(None, None, record))] == [
        (0.0, "Intro"), (16.0, "Drop 1"), (48.0, "Drop 2"), (64.0, "Breakdown"), (66.0, "Drop 3"),
    ]  # fmt: skip


def test_a_phrase_has_the_label_of_the_section_it_lies_in() -> None:
    phrases = tuple(Phrase(start, start + 2, 1, 2, 1, 0.5) for start in (0.0, 15.9, 16.0, 81.0))
    record = StructureRecord("t", "t", "ok", sections=SECTIONS, phrases=phrases)
    assert [(phrase.start, label) for phrase, label in labelled_phrases(record)] == [
        (0.0, "intro"), (15.9, "intro"), (16.0, "drop"), (81.0, "drop"),
    ]  # fmt: skip
    early = Section(1.0, 3.0, "intro", 1, 2, 1, 0.9)  # a phrase before all sections
    assert labelled_phrases(replace(record, sections=(early,)))[0][1] == "intro"
