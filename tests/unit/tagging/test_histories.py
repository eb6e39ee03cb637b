"""The history of a file's fields in a backup, and a file whose writing was interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.tagging.backup import SCHEMA, VERSION, Entry, read_backup
from dropgrid.tagging.in_place import BLOCK, _is_between
from dropgrid.tagging.plan import Change, InPlace

TRACK = "song-00000000"
LINE: dict[str, Any] = {
    "track": TRACK, "file": "/music/song.mp3", "had_tags": True,
    "old": {"TBPM": [0, ["64"]]}, "new": {"TBPM": [0, ["128"]]},
}  # fmt: skip


def written(old: str, new: str) -> Change:
    return Change(TRACK, "/music/song.mp3", True, {"TBPM": [0, [old]]}, {"TBPM": [0, [new]]})


def test_a_history_of_several_writings_gives_back_the_first_once() -> None:
    entry = Entry(TRACK, "/music/song.mp3", True, {})
    for change in (written("64", "128"), written("128", "127.9")):
        entry.add(change)
    assert entry.old == {"TBPM": [0, ["64"]]}
    first, second = entry.lines()
    assert (first.old, first.new) == ({"TBPM": [0, ["64"]]}, {"TBPM": [0, ["128"]]})
    assert (second.old, second.new) == ({}, {"TBPM": [0, ["127.9"]]})
    again = Entry(TRACK, "/music/song.mp3", True, {})
    for line in (first, second):
        again.add(line)
    assert (again.old, again.written) == (entry.old, entry.written)


def test_what_the_user_wrote_in_between_is_what_is_given_back() -> None:
    entry = Entry(TRACK, "/music/song.mp3", True, {})
    for change in (written("64", "128"), written("90", "128")):
        entry.add(change)
    assert entry.old == {"TBPM": [0, ["90"]]}
    assert entry.is_written("TBPM", [0, ["128"]]) and entry.is_written("TBPM", [0, ["90"]])
    assert not entry.is_written("TBPM", [0, ["64"]]) and not entry.is_written("TBPM", None)


def backup(path: Path, **changes: Any) -> Path:
    head = json.dumps({"schema": SCHEMA, "schema_version": VERSION})
    line = {name: value for name, value in {**LINE, **changes}.items() if value is not ...}
    path.write_text(f"{head}\n{json.dumps(line)}\n")
    return path


def test_a_line_is_read_with_the_copies_that_finish_it(tmp_path: Path) -> None:
    copies = {"old": "a", "new": "b"}
    names = list(InPlace.__dataclass_fields__)
    copies = dict(zip(names, "abcdefgh", strict=False))
    [entry] = read_backup(backup(tmp_path / "b", in_place=copies)).values()
    assert entry.in_place == InPlace(**copies)
    [entry] = read_backup(backup(tmp_path / "b")).values()
    assert entry.in_place is None and entry.old == LINE["old"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"extra": 1}, "line"), ({"track": ...}, "line"), ({"track": "../x"}, "track"),
        ({"file": "song.mp3"}, "file"), ({"file": "/a\0b"}, "file"), ({"had_tags": 1}, "had_tags"),
        ({"old": []}, "old"), ({"new": {"TPE1": [0, ["me"]]}}, "new: TPE1"),
        ({"old": {"TBPM": {"a": 1}}}, "old: TBPM"), ({"old": {"TBPM": [[[[1]]]]}}, "old: TBPM"),
        ({"in_place": {}}, "in_place"), ({"in_place": {"old": "a/b"}}, "in_place"),
    ],
)  # fmt: skip
def test_a_forged_line_is_refused_by_field(tmp_path: Path, changes, field) -> None:
    with pytest.raises(RecordError, match=f"b:2: `{field}` is not what a backup"):
        read_backup(backup(tmp_path / "b", **changes))


@pytest.mark.parametrize(
    ("now", "is_between"),
    [
        (b"abcd", True), (b"ABCDEF", True), (b"AbCd\0\0", True), (b"abcd\0\0", True),
        (b"abcdEF", True), (b"abXd", False), (b"abcdX\0", False), (b"abc", False), (b"", False),
    ],
)  # fmt: skip
def test_a_file_half_overwritten_holds_bytes_of_both(tmp_path: Path, now, is_between) -> None:
    for name, data in (("now", now), ("old", b"abcd"), ("new", b"ABCDEF")):
        (tmp_path / name).write_bytes(data)
    assert _is_between(*(tmp_path / name for name in ("now", "old", "new"))) is is_between


def test_every_block_of_a_file_is_looked_at(tmp_path: Path) -> None:
    old, new = bytes(2 * BLOCK + 5), b"\1" * (2 * BLOCK + 5)
    mixed = old[: BLOCK + 3] + new[BLOCK + 3 :]
    for name, data in (("old", old), ("new", new), ("now", mixed), ("odd", mixed[:-1] + b"\2")):
        (tmp_path / name).write_bytes(data)
    assert _is_between(tmp_path / "now", tmp_path / "old", tmp_path / "new")
    assert not _is_between(tmp_path / "odd", tmp_path / "old", tmp_path / "new")
