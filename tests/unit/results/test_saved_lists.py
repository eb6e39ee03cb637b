"""Lists of tracks that a person keeps on the page."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from dropgrid.base.errors import ConfigError, DropgridError, RecordError
from dropgrid.base.json_documents import json_lines
from dropgrid.results.ownership import claim
from dropgrid.results.saved_lists import (
    MOST_LISTS,
    MOST_TRACKS,
    SavedList,
    checked,
    delete_list,
    keep_list,
    read_lists,
)

A, B, C = "a-0123abcd", "b-0123abcd", "c-0123abcd"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    claim(tmp_path / "results", [])
    return tmp_path / "results"


def test_lists_are_kept_renamed_and_dropped(results: Path) -> None:
    assert read_lists(results) == []
    keep_list(results, SavedList("Friday", (A, B)))
    keep_list(results, SavedList("Ünï", ()))
    keep_list(results, SavedList("Friday", (C, A)))  # in its own place
    assert read_lists(results) == [SavedList("Friday", (C, A)), SavedList("Ünï", ())]
    keep_list(results, SavedList("Saturday", (C,)), "Friday")
    assert [kept.name for kept in read_lists(results)] == ["Saturday", "Ünï"]
    with pytest.raises(ConfigError, match="there is already a list named Ünï"):
        keep_list(results, SavedList("Ünï", ()), "Saturday")
    assert delete_list(results, "Saturday") == [SavedList("Ünï", ())] == read_lists(results)
    assert delete_list(results, "nobody") == [SavedList("Ünï", ())]


@pytest.mark.parametrize(
    ("name", "tracks", "why"),
    [
        ("", [], "name"), ("  ", [], "name"), (None, [], "name"), ("x" * 101, [], "name"),
        ("two\nlines", [], "one line"), ("half \ud800", [], "one line"), ("a\0", [], "one line"),
        ("x", None, "tracks"), ("x", "a-0123abcd", "tracks"), ("x", [1], "ids"),
        ("x", ["../../etc/passwd"], "ids"), ("x", [A] * (MOST_TRACKS + 1), "at most"),
    ],
)  # fmt: skip
def test_what_is_not_a_list_is_refused(name: object, tracks: object, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        checked(name, tracks)


def test_a_track_is_in_a_list_once() -> None:
    assert checked(" Friday ", [B, A, B]) == SavedList("Friday", (B, A))


def test_there_is_an_end_to_lists(results: Path) -> None:
    lists = [{"name": f"{i}", "tracks": []} for i in range(MOST_LISTS)]
    head = {"schema": "dropgrid/lists", "schema_version": 1}
    file = results / "lists.json"
    file.write_bytes(json_lines({**head, "lists": lists}))
    with pytest.raises(ConfigError, match="no more are kept"):
        keep_list(results, SavedList("one more", ()))
    keep_list(results, SavedList("0", (A,)))
    file.write_bytes(json_lines({**head, "lists": [*lists, *lists]}))
    with pytest.raises(RecordError, match="lists"):
        read_lists(results)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"mine", b'{"schema": "dropgrid/scan", "schema_version": 1}',
        b'{"schema": "dropgrid/lists", "schema_version": 1, "lists": [{"name": 1}]}',
        b'{"schema": "dropgrid/lists", "schema_version": 1, "lists": {"a": "b"}}',
        b'{"schema": "dropgrid/lists", "schema_version": 1, "lists":'
        b' [{"name": "a", "tracks": []}, {"name": "a", "tracks": []}]}',
    ],
)  # fmt: skip
def test_a_file_that_is_none_stays_as_it_is(results: Path, data: bytes) -> None:
    file = results / "lists.json"
    file.write_bytes(data)
    with pytest.raises(DropgridError):
        keep_list(results, SavedList("Friday", ()))
    assert file.read_bytes() == data


def test_no_link_is_followed(results: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    head = {"schema": "dropgrid/lists", "schema_version": 1, "lists": []}
    outside.write_text(json.dumps(head))
    before = outside.read_bytes()
    (results / "lists.json").symlink_to(outside)
    with suppress(DropgridError, OSError):
        keep_list(results, SavedList("Friday", (A,)))
    assert outside.read_bytes() == before
