"""The outline of a record of tempo and beats: all of it but the beats."""

from __future__ import annotations

import dataclasses

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
