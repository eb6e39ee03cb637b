"""A BPM tag is evidence for the octave, and never replaces the computed tempo."""

from __future__ import annotations

import dataclasses
import json

import jsonschema
import numpy as np
import pytest
from dropgrid.apply_corrections.model import Correction
from dropgrid.features import FRAME_RATE, Features
from dropgrid.records.store import as_computed, as_written, to_json, without_tag
from dropgrid.records.ticket import Ticket
from dropgrid.rhythm import RhythmOptions, analyse
from dropgrid.rhythm.tag import agrees, in_octave_of, rounding
from dropgrid.settings.paths import SCHEMAS
from dropgrid.stages.make_records import make_bpm_record

SCHEMA = SCHEMAS / "bpm.schema.json"

SECONDS = 90.0


def features(bpm: float, tag: float | None = None) -> Features:
    """Activations of a drum machine: every beat a peak, every fourth a downbeat."""
    frames = np.zeros((round(SECONDS * FRAME_RATE), 2), dtype=np.float32)
    places = np.arange(0.5, SECONDS - 0.5, 60 / bpm)
    time = np.arange(len(frames)) / FRAME_RATE
    for index, place in enumerate(places):
        peak = 0.9 * np.exp(-0.5 * ((time - place) / 0.015) ** 2)
        frames[:, int(index % 4 == 0)] += peak.astype(np.float32)
    return Features(SECONDS, np.clip(frames, 0, 1), {}, tags={"bpm": tag})


@pytest.mark.parametrize(
    ("tag", "half"), [(128.0, 0.5), (127.9, 0.05), (127.96, 0.005), (87.5, 0.05)]
)
def test_a_tag_is_rounded_to_its_last_decimal(tag: float, half: float) -> None:
    assert rounding(tag) == half


@pytest.mark.parametrize(
    ("bpm", "tag", "expected"),
    [(176.456, 176.0, True), (176.456, 88.0, True), (176.456, 177.0, False),
     (87.6, 175.0, True), (87.6, 176.0, False), (125.38, 125.4, True), (125.31, 125.4, False),
     (128.0, 85.3, False), (128.0, 64.0, True)],
)  # fmt: skip
def test_a_tag_agrees_after_octave_within_its_rounding(
    bpm: float, tag: float, expected: bool
) -> None:
    assert agrees(bpm, tag) is expected


def test_the_exact_tempo_stands_in_the_tags_octave() -> None:
    options = RhythmOptions()
    for tag, bpm in ((None, 124.37), (124.0, 124.37), (62.0, 62.185)):
        found = analyse(features(124.37), options, tag)
        assert found.bpm == pytest.approx(bpm, abs=0.02), tag
        assert np.median(np.diff(found.beats)) == pytest.approx(60 / bpm, abs=1e-4)
    ignoring = dataclasses.replace(options, tag_octave="ignore")
    found = analyse(features(124.37), ignoring, 62.0)
    assert found.bpm == pytest.approx(124.37, abs=0.02) and found.evidence["tag"] == "agrees"


def test_a_tag_that_contradicts_halves_the_confidence_and_moves_nothing() -> None:
    alone, against = (analyse(features(124.37), RhythmOptions(), tag) for tag in (None, 140.0))
    assert against.bpm == alone.bpm and against.beats == alone.beats
    assert against.confidence == pytest.approx(alone.confidence / 2)
    assert against.confidences is not None and alone.confidences is not None
    assert against.confidences.tempo == pytest.approx(alone.confidences.tempo / 2)
    assert (against.evidence["tag"], "tag" in alone.evidence) == ("contradicts", False)


@pytest.mark.parametrize(
    ("options", "tag", "bpm", "source", "value"),
    [({}, 124.0, 124.37, "computed", "agrees"),
     ({"metadata": "trust"}, 124.0, 124.0, "metadata", None),
     ({"ignore_metadata": True}, 62.0, 124.37, "computed", None),
     ({"ignore_metadata": True, "metadata": "trust"}, 62.0, 124.37, "computed", None),
     ({}, 999.0, 124.37, "computed", None),
     ({"metadata": "trust"}, 999.0, 124.37, "computed", None)],
)  # fmt: skip
def test_the_record_says_what_became_of_the_tag(
    options: dict, tag: float, bpm: float, source: str, value: str | None
) -> None:
    ticket = Ticket("a-12345678", "a.flac", "/m/a.flac", 1, 1)
    record = make_bpm_record(ticket, features(124.37, tag), options)
    assert record.bpm == pytest.approx(bpm, abs=0.02)
    assert (record.source, record.tag_bpm, record.evidence.get("tag")) == (source, tag, value)


def test_the_answer_of_the_audio_alone_is_kept_where_a_tag_decides_the_octave() -> None:
    ticket = Ticket("a-12345678", "a.flac", "/m/a.flac", 1, 1)
    plain = make_bpm_record(ticket, features(124.37), {})
    tagged = make_bpm_record(ticket, features(124.37, 62.0), {})
    assert tagged.bpm == pytest.approx(62.185, abs=0.02)
    assert tagged.bpm_computed == plain.bpm and tagged.evidence["tag_octave"] == "decided"
    alone = without_tag(tagged)
    for name in ("bpm", "bpm_fitted", "beats", "downbeats", "grid", "confidence", "source"):
        assert getattr(alone, name) == getattr(plain, name), name
    assert as_written(tagged).untagged is not None
    jsonschema.validate(json.loads(to_json(tagged)), json.loads(SCHEMA.read_text()))
    for tag in (124.0, 140.0):
        record = make_bpm_record(ticket, features(124.37, tag), {})
        assert record.untagged is None and without_tag(record) == record
        assert record.bpm_computed == record.bpm == plain.bpm


def test_a_known_tempo_leaves_what_the_audio_alone_says() -> None:
    ticket = Ticket("a-12345678", "a.flac", "/m/a.flac", 1, 1)
    value = make_bpm_record(ticket, features(124.37, 62.0), {}, Correction(bpm=62.185))
    assert value.source == "corrected"
    assert value.bpm_computed == pytest.approx(124.37, abs=0.02)
    alone = without_tag(as_computed(value))
    assert alone.bpm == value.bpm_computed


def test_a_tag_moves_one_tempo_to_the_front_and_keeps_the_sum() -> None:
    tempi = [(124.4, 0.7), (62.2, 0.2), (82.9, 0.1)]
    moved = in_octave_of(62.0, 124.37, tempi, 55.0, 215.0)
    assert [bpm for bpm, _ in moved] == [62.2, 124.4, 82.9]
    assert sum(share for _, share in moved) == pytest.approx(1.0)
    assert moved[0][1] == pytest.approx(0.2 * 19 / (0.2 * 19 + 0.8))
    assert in_octave_of(62.0, 124.37, tempi, 70.0, 215.0) == tempi, "outside of the range"
    assert in_octave_of(63.0, 124.37, tempi, 55.0, 215.0) == tempi, "not the same tempo"
    added = in_octave_of(62.0, 124.37, tempi[:1], 55.0, 215.0)
    assert added[0][0] == pytest.approx(62.185)
