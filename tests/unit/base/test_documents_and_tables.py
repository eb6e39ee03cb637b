"""JSON documents, strict JSON and CSV tables: written, read again, and refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dropgrid.base import strict_json
from dropgrid.base.csv_tables import csv_bytes, parse_csv
from dropgrid.base.errors import MissingRecord, RecordError
from dropgrid.base.json_documents import json_lines, parse_document, read_bytes, rounded

PLACE = Path("x.json")


def test_numbers_have_six_decimals_and_no_negative_zero() -> None:
    values = {"a": 0.12345678, "b": (-1e-9, 1), "c": {"d": 2.0000004}, "e": "é", "f": None}
    assert rounded(values) == {"a": 0.123457, "b": [0.0, 1], "c": {"d": 2.0}, "e": "é", "f": None}
    assert str(rounded(-1e-9)) == "0.0"
    assert json_lines({"a": 1.0, "b": "é"}) == b'{\n  "a": 1.0,\n  "b": "\\u00e9"\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_lines({"a": float("nan")})


def test_a_document_is_known_by_schema_and_version() -> None:
    data = json_lines({"schema": "s", "schema_version": 2, "a": 1})
    assert parse_document(data, "s", PLACE, 2) == {"a": 1}
    for text, version, why in [
        (data, 1, "another version"), (b"[]", 2, "not a s record"), (b"{}", 2, "not a s record"),
        (json_lines({"schema": "t", "schema_version": 2}), 2, "not a s record"),
        (b"{", 2, "cannot be read"), (b"[" * 100_000, 2, "nested too deep"),
    ]:  # fmt: skip
        with pytest.raises(RecordError, match=why):
            parse_document(text, "s", PLACE, version)


def test_a_document_that_is_not_there_or_is_not_a_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MissingRecord, match="run the workflow first"):
        read_bytes(tmp_path / "none.json")
    with pytest.raises(RecordError, match="cannot be read as a record"):
        read_bytes(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 2}', "the key 'a' stands there twice"), ("NaN", "NaN is no number"),
        ("1e999", "'1e999' is beyond all numbers"), ("1" * 21, "a number of 21 digits"),
        ('"\\ud800"', "half a character in"), ('{"\\ud800": 1}', "half a character in"),
        ('["' + "\\ud800" * 20 + '"]', "..."), ("[" * 41 + "]" * 41, "nested deeper than 40"),
        ("[" * 100_000, "nested too deep"), ("{", ""),
    ],
)  # fmt: skip
def test_json_that_no_one_can_mean_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as raised:
        strict_json.loads(text.encode())
    assert reason in str(raised.value)


def test_json_at_its_limits_is_accepted() -> None:
    for text in ("1" * 20, "-1.5e3", "[" * 40 + "]" * 40, '{"\\udc80": "é"}', "null"):
        assert strict_json.loads(text.encode()) == json.loads(text)
    with pytest.raises(ValueError, match="not UTF-8 at byte 1"):
        strict_json.loads(b'"\xff"')
    assert strict_json.is_whole("é") and not strict_json.is_whole("\udc80")
    assert strict_json.is_name("\udc80") and not strict_json.is_name("\ud800")


def test_a_table_is_read_as_it_was_written() -> None:
    cells = ["=1+1", "'=1", "-3.5", "a,b", 'say "x"', "two\r\nlines", "\udcff", "\\udcff", "x\ry"]
    data = csv_bytes(["name", "value"], [(cell, None) for cell in cells])
    assert data.startswith(b"name,value\n'=1+1,\n''=1,\n-3.5,\n")
    assert [row["name"] for row in parse_csv(data)] == cells
    assert {row["value"] for row in parse_csv(data)} == {""}
    assert csv_bytes(["a"], []) == b"a\n"
