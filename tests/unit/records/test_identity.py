"""The identity of a file: read as it was written, and refused by field where it was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.records.identity import Identity, read_identity, write_identity

WHOLE = Identity("a-00000000", "a.flac", 3, 4, "0" * 40, "1" * 40, "2" * 40)


def test_an_identity_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_identity(tmp_path / "a-00000000.json", WHOLE)
    assert read_identity(tmp_path / "a-00000000.json") == WHOLE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"track": "../a"}, "not a track's id"), ({"path": "/a"}, "not a path below"),
        ({"whole": "xyz"}, "whole: 'xyz' is no digest"), ({"audio": 3}, "audio: 3 is no digest"),
        ({"sample": ""}, "sample: '' is no digest"), ({"size": 1.5}, "size, mtime_ns: not whole"),
        ({"mtime_ns": True}, "size, mtime_ns: not whole"), ({"more": 1}, "more"),
        ({"track": "b-00000001"}, "the identity of another track, b-00000001"),
    ],
)  # fmt: skip
def test_a_forged_identity_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "a-00000000.json"
    write_identity(path, WHOLE)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(RecordError) as raised:
        read_identity(path)
    assert message in str(raised.value)
