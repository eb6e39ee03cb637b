"""What a scan left in a results folder: the tickets of the tracks, and scan.json."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..base.errors import RecordError
from ..base.json_documents import SCHEMA_VERSION, json_lines
from ..library import Scan
from ..records.ticket import TICKET_SCHEMA, Ticket, is_track_id, ticket_json
from .layout import Results
from .ownership import remove_owned, write_owned

SCAN_SCHEMA = "dropgrid/scan"


def write_tickets(found: Scan, results: Path, same: Collection[str] = ()) -> list[str]:
    """Write results/tracks/*.json and results/scan.json; return the track ids in order.

    Only what changed is written. Tickets of tracks that have left the library are removed.
    same: the tracks whose tickets are known to be what they were.
    """
    folder = results / "tracks"
    for track in found.tracks:
        if track.track not in same:
            write_ticket(track, results)
    ids = [track.track for track in found.tracks]
    current = {f"{track}.json" for track in ids}
    for entry in os.scandir(folder) if folder.is_dir() else ():
        if entry.name.endswith(".json") and entry.name not in current:
            remove_owned(Path(entry.path), TICKET_SCHEMA)
    write_scan(found, results)
    return ids


def write_ticket(track: Ticket, results: Path) -> None:
    """Write results/tracks/{track}.json, if it changed."""
    path = Results(results).ticket(track.track)
    # Not durable: the next scan rewrites a ticket lost in a power cut, and there are many.
    write_owned(path, ticket_json(track), durable=False)


def write_scan(found: Scan, results: Path) -> None:
    """Write results/scan.json, if it changed."""
    write_owned(Results(results).scan, _scan_json(found))


def read_scan(results: Path) -> dict[str, Any]:
    """Read results/scan.json: keys root, tracks (ids in order), problems. Raises RecordError."""
    path = Results(results).scan
    try:
        values = json.loads(path.read_bytes())
        if values["schema"] != SCAN_SCHEMA:
            raise RecordError(f"{path}: not a {SCAN_SCHEMA}")
        for track in values["tracks"]:
            if not is_track_id(track):
                raise RecordError(f"{path}: tracks: {track!r} is no track's id")
        return dict(values)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(f"{path}: cannot be read; run the workflow first ({error})") from error


def _scan_json(found: Scan) -> bytes:
    return json_lines(
        {
            "schema": SCAN_SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "root": found.root,
            "tracks": [track.track for track in found.tracks],
            "problems": [{"path": path, "reason": reason} for path, reason in found.problems],
        }
    )
