"""The outline of a record of tempo and beats: all of it but the beats."""

from __future__ import annotations

import dataclasses
import json

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.records.bpm_outline import Positions, read_bpm_outline
from dropgrid.records.model import BpmRecord, TrackFailure
from dropgrid.records.store import write_record


def test_the_outline_of_a_record_says_what_the_table_needs_of_the_whole(tmp_path):
    beats = (0.5, 1.0, 1.5, 2.0)
    whole = BpmRecord("t-00000000", "t.flac", "ok", 9.0, 120.0, beats=beats, downbeats=(1.0,))
    write_record(tmp_path / "whole.json", whole)
    record, found, downbeats = read_bpm_outline(tmp_path / "whole.json")
    assert record == dataclasses.replace(whole, beats=(), downbeats=())
    assert (found, downbeats) == (Positions(4, 0.5), Positions(1, 1.0))
    failed = BpmRecord("t-00000000", "t.flac", "error", error=TrackFailure("decode", "E", "no"))
    write_record(tmp_path / "failed.json", failed)
    nothing = Positions(0, None)
    assert read_bpm_outline(tmp_path / "failed.json") == (failed, nothing, nothing)
    text = (tmp_path / "whole.json").read_text()
    (tmp_path / "whole.json").write_text(text.replace("[0.5", "[beat"))
    with pytest.raises(RecordError, match=r"whole\.json"):
        read_bpm_outline(tmp_path / "whole.json")


@pytest.mark.parametrize(
    ("beats", "found"),
    [
        ("0", Positions(1, 0.0)), ("0.0, 9.0", Positions(2, 0.0)),
        ("1, 2, 3", Positions(3, 1.0)), ("1, x, 3", None), ("-1, 2", None), ("1, -2", None),
        ("1, 110", None), ("110, 2", None), ("1, 2,", None), (", 2", None), ("1 2", None),
    ],
)  # fmt: skip
def test_a_list_of_times_is_looked_at_at_its_ends(tmp_path, beats, found):
    whole = BpmRecord("t-00000000", "t.flac", "ok", 9.0, 120.0, beats=(0.5,), downbeats=(1.0,))
    path = tmp_path / "t.json"
    write_record(path, whole)
    data = path.read_text()
    assert data.count('"beats": [') == 1
    before, after = data.split('"beats": [')
    path.write_text(before + '"beats": [' + beats + after[after.index("]") :])
    if found is None:
        with pytest.raises(RecordError, match=r"t\.json: beats: not "):
            read_bpm_outline(path)
    else:
        assert read_bpm_outline(path)[1:] == (found, Positions(1, 1.0))


def test_a_record_that_is_spaced_otherwise_is_read_as_a_whole(tmp_path):
    whole = BpmRecord("t-00000000", "t.flac", "ok", 9.0, 120.0, beats=(0.5, 1.0), downbeats=())
    path = tmp_path / "t.json"
    write_record(path, whole)
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert read_bpm_outline(path) == (whole, Positions(2, 0.5), Positions(0, None))
