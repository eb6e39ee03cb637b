"""Records: bytes that depend on nothing but the result, and reading that trusts nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
from dropgrid.base.errors import RecordError
from dropgrid.records.model import (
    MIN_KEY_CONFIDENCE,
    Alternative,
    BpmRecord,
    Confidences,
    GridRegion,
    KeyAlternative,
    KeyRecord,
    KeySegment,
    Loudness,
    Section,
    StructureRecord,
    TrackFailure,
    problem_of,
)
from dropgrid.records.store import read_bpm, read_key, read_structure, to_json, write_record
from dropgrid.settings.paths import SCHEMAS

BPM = BpmRecord(
    "a-0123abcd",
    "house/a.flac",
    "ok",
    duration=2.0,
    bpm=128.0,
    bpm_fitted=127.99981234567,
    bpm_interval=(127.99, 128.01),
    confidence=0.98,
    confidences=Confidences(1.0, 0.99, 0.99, 0.9),
    method="madmom",
    alternatives=(Alternative(64.0, 0.1, "octave"), Alternative(128.0, 0.02, "phase", -1.5)),
    bpm_computed=128.0,
    time_signature="4/4",
    beats=(0.0, 0.46875),
    downbeats=(0.0,),
    grid=(GridRegion(0.0, 128.0, 2, 0.0),),
    loudness=Loudness(-9.25, 3.5, -7.0, -8.0, -0.1, None),
)
STRUCTURE = StructureRecord(
    "a-0123abcd",
    "house/a.flac",
    "ok",
    duration=2.0,
    method="phrases",
    sections=(Section(0.0, 2.0, "drop", 1, 2, 1, 0.5, -8.5, 0.9),),
    drops=(0.0,),
    drop_confidences=(0.5,),
    drop_impacts=(6.5,),
    mix_out=1.5,
)
KEY = KeyRecord(
    "a-0123abcd",
    "house/a.flac",
    "ok",
    duration=2.0,
    key="A minor",
    camelot="8A",
    open_key="1m",
    confidence=0.9,
    alternatives=(KeyAlternative("C major", "8B", 0.1),),
    segments=(KeySegment(0.0, 2.0, "A minor", "8A", 0.9),),
    tuning_cents=-3.0,
    tag_key="C major",
    method="madmom",
)
NO_KEY = KeyRecord(
    "d-0123abcd", "d.mp3", "ok", duration=2.0, reason="no pitched sound", confidence=0.0
)
FAILED = BpmRecord(
    "b-0123abcd", "b.mp3", "error", error=TrackFailure("decode", "DecodeError", "why")
)


def schema(name: str) -> dict:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def test_a_record_read_back_is_the_record(tmp_path):
    for record, read in [
        (BPM, read_bpm),
        (STRUCTURE, read_structure),
        (KEY, read_key),
        (NO_KEY, read_key),
        (FAILED, read_bpm),
    ]:
        write_record(tmp_path / "r.json", record)
        assert to_json(read(tmp_path / "r.json")) == to_json(record)
    assert read_bpm(tmp_path / "r.json").error == TrackFailure("decode", "DecodeError", "why")


def test_gains_follow_from_the_loudness():
    loudness = BPM.loudness
    assert loudness.replaygain_gain == pytest.approx(-8.75)
    assert loudness.replaygain_peak == pytest.approx(10 ** (-0.1 / 20))
    assert loudness.r128_gain == round(256 * -13.75)
    silent = Loudness(None, None, None, None, None, None)
    assert (silent.replaygain_gain, silent.replaygain_peak, silent.r128_gain) == (None,) * 3


def test_records_of_before_there_was_loudness_are_read(tmp_path):
    values = json.loads(to_json(BPM))
    del values["loudness"]
    (tmp_path / "r.json").write_text(json.dumps(values))
    assert read_bpm(tmp_path / "r.json").loudness is None


def test_numbers_are_written_to_the_microsecond():
    values = json.loads(to_json(BPM))
    assert values["bpm_fitted"] == 127.999812
    assert values["beats"] == [0.0, 0.46875]


def test_no_record_holds_what_is_not_a_number(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_record(tmp_path / "r.json", BpmRecord("a", "a", "ok", bpm=float("nan")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("record", "name"),
    [(BPM, "bpm"), (FAILED, "bpm"), (STRUCTURE, "structure"), (KEY, "key"), (NO_KEY, "key")],
)
def test_records_are_what_their_schemas_say(record, name):
    jsonschema.Draft202012Validator(schema(name)).validate(json.loads(to_json(record)))


@pytest.mark.parametrize(
    "change",
    [
        {"beats": [-1.0]},
        {"confidence": 2},
        {"status": "fine"},
        {"surplus": 1},
        {"grid": [{"start": 0.0}]},
        {"bpm": 0},
        {"confidences": {"tempo": 1.0, "octave": 1.0, "phase": 1.0}},
        {"alternatives": [{"bpm": 64.0, "confidence": 0.1}]},
        {"alternatives": [{"bpm": 64, "confidence": 0.1, "kind": "other", "shift_beats": None}]},
    ],
)
def test_the_schema_refuses_what_is_not_a_record(change):
    values = json.loads(to_json(BPM)) | change
    assert not jsonschema.Draft202012Validator(schema("bpm")).is_valid(values)


def test_a_record_of_the_first_version_is_not_misread(tmp_path):
    values = json.loads(to_json(BPM)) | {"schema_version": 1}
    del values["confidences"]
    (tmp_path / "r.json").write_text(json.dumps(values))
    with pytest.raises(RecordError, match="another version of dropgrid; delete it to renew it"):
        read_bpm(tmp_path / "r.json")
    assert json.loads(to_json(STRUCTURE))["schema_version"] == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"schema": "dropgrid/bpm"',
        '{"schema": "dropgrid/structure", "schema_version": 1}',
        '{"schema": "dropgrid/bpm", "schema_version": 99}',
        '{"schema": "dropgrid/bpm", "schema_version": 1}',
        '{"schema": "dropgrid/bpm", "schema_version": 2, "track": "x"}',
    ],
)
def test_a_broken_record_is_named(tmp_path, text):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(RecordError, match=r"r\.json"):
        read_bpm(tmp_path / "r.json")


def test_which_keys_are_sure() -> None:
    key = KeyRecord("a-00000000", "a.flac", "ok", key="A minor", confidence=0.0)
    assert replace(key, source="corrected").has_confident_key and not key.has_confident_key
    assert not replace(key, key=None, source="corrected").has_confident_key
    assert not replace(key, key=None, sure=True, confidence=1.0).has_confident_key
    assert (
        replace(key, sure=True).has_confident_key
        and not replace(key, sure=False, confidence=1.0).has_confident_key
    )
    assert replace(key, confidence=MIN_KEY_CONFIDENCE).has_confident_key
    assert not replace(key, confidence=MIN_KEY_CONFIDENCE - 1e-6).has_confident_key
    assert not replace(key, confidence=None).has_confident_key


@pytest.mark.parametrize(
    ("audio", "tags", "reported"),
    [(None, None, None), ("cut short", None, "audio: cut short"), (None, "bad", "tags: bad"),
     ("cut short", "bad", "audio: cut short")],
)  # fmt: skip
def test_what_may_be_wrong_with_a_file_is_its_audio_or_else_its_tags(audio, tags, reported):
    record = replace(BPM, decoder={"problem": audio}, tags={"problem": tags})
    assert problem_of(record) == reported
