"""Tickets and scan.json: written where they changed, removed with their track, read with care."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dropgrid.base.errors import RecordError
from dropgrid.library import Scan
from dropgrid.records.ticket import Ticket
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.results.scan_store import read_scan, write_tickets

TRACKS = [f"{name}-0000000{number}" for number, name in enumerate("abc")]


def scan_of(*tracks: str) -> Scan:
    tickets = [Ticket(track, f"{track}.flac", f"/music/{track}.flac", 1, 1) for track in tracks]
    return Scan("/music", tickets, [("x.flac", "empty")])


@pytest.fixture
def results(tmp_path: Path) -> Path:
    claim(tmp_path / "results", ["/music"])
    return tmp_path / "results"


def test_tickets_come_and_go_with_their_tracks(results: Path) -> None:
    assert write_tickets(scan_of(*TRACKS), results) == TRACKS
    users = results / "tracks" / "mine.json"
    users.write_text("{}")
    assert write_tickets(scan_of(*TRACKS[1:]), results) == TRACKS[1:]
    assert sorted(p.stem for p in users.parent.iterdir()) == [*TRACKS[1:], "mine"]
    scan = read_scan(results)
    assert (scan["root"], scan["tracks"]) == ("/music", TRACKS[1:])
    assert scan["problems"] == [{"path": "x.flac", "reason": "empty"}]


def test_tickets_that_are_known_to_be_the_same_are_not_written(results: Path) -> None:
    write_tickets(scan_of(*TRACKS), results, same=TRACKS[:2])
    assert [p.stem for p in (results / "tracks").iterdir()] == TRACKS[2:]


@pytest.mark.parametrize(
    ("forged", "why"),
    [({"schema": "x"}, "not a dropgrid/scan"), ({"tracks": ["../x"]}, "is no track's id"),
     ({"tracks": 3}, "run the workflow first")],
)  # fmt: skip
def test_what_no_scan_writes_is_refused(
    results: Path, forged: dict[str, object], why: str
) -> None:
    write_tickets(scan_of(*TRACKS), results)
    path = Results(results).scan
    path.write_text(json.dumps({**json.loads(path.read_text()), **forged}))
    with pytest.raises(RecordError, match=why):
        read_scan(results)


def test_without_a_scan_the_error_says_what_to_do(results: Path) -> None:
    with pytest.raises(RecordError, match="run the workflow first"):
        read_scan(results)
