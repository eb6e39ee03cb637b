"""Tickets: what a file must say to stand for a track."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.records.ticket import Ticket, is_track_id, read_ticket, ticket_json

TICKET = Ticket("a-0123abcd", "sub/a.wav", "/music/sub/a.wav", 9, 10**18)


def written(folder: Path, **changes: Any) -> Path:
    path = folder / f"{TICKET.track}.json"
    values = json.loads(ticket_json(TICKET)) | changes
    path.write_text(json.dumps({name: v for name, v in values.items() if v != "gone"}))
    return path


def test_a_ticket_read_back_is_the_ticket(tmp_path: Path) -> None:
    path = tmp_path / f"{TICKET.track}.json"
    path.write_bytes(ticket_json(TICKET))
    assert read_ticket(path) == TICKET


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": "x"}, "not a dropgrid/track of this version"),
        ({"schema_version": 99}, "not a dropgrid/track of this version"),
        ({"track": "../x"}, "is no track's id"), ({"track": "b-0123abcd"}, "of another track"),
        ({"path": ""}, "path: '' is no path"), ({"path": 3}, "path: 3 is no path"),
        ({"file": "/music/\0"}, "is no path"), ({"file": None}, "file: None is no path"),
        ({"path": "/a.wav"}, "path: '/a.wav' is not below the library"),
        ({"path": "../a.wav"}, "is not below the library"),
        ({"path": "x/../a.wav"}, "is not below the library"),
        ({"size": True}, "not whole numbers"), ({"size": 1.0}, "not whole numbers"),
        ({"mtime_ns": "1"}, "not whole numbers"),
        ({"file": "sub/a.wav"}, "is not an absolute path"),
        ({"file": "/music/../sub/a.wav"}, "is not an absolute path"),
        ({"file": "/music/a.wav"}, "does not end with the track's path"),
        ({"file": "/musicsub/a.wav"}, "does not end with the track's path"),
        ({"more": 1}, "cannot be read as a track's ticket"),
        ({"size": "gone"}, "cannot be read as a track's ticket"),
    ],
)  # fmt: skip
def test_what_is_not_a_ticket_is_refused_by_name(tmp_path: Path, changes, reason) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(RecordError, match=reason) as raised:
        read_ticket(path)
    assert str(path) in str(raised.value)


def test_a_name_with_dots_is_a_name(tmp_path: Path) -> None:
    changes = {"path": "..sub/a..wav", "file": "/music/..sub/a..wav"}
    assert read_ticket(written(tmp_path, **changes)).path == "..sub/a..wav"
    assert is_track_id(TICKET.track) and not is_track_id("a/b-0123abcd") and not is_track_id(3)
