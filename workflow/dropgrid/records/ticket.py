"""The ticket of a track: where its file lies and what it looked like when the library was scanned.

A ticket, results/tracks/{track}.json, stands for the file in the workflow: file names never
become wildcards, job arguments or output paths, so no file name can break a run, and a ticket is
written anew only when its file changed, so that only that track is analysed again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ..base.documents import SCHEMA_VERSION, json_lines
from ..base.errors import RecordError

TICKET_SCHEMA = "dropgrid/track"


@dataclass(frozen=True)
class Ticket:
    """A file of the library.

    track: its id; path: relative to the library's root, with forward slashes; file: absolute;
    size: bytes, mtime_ns: nanoseconds since 1970; both -1 where the file cannot be looked at.
    """

    track: str
    path: str
    file: str
    size: int
    mtime_ns: int


def ticket_json(track: Ticket) -> bytes:
    """The bytes of a ticket."""
    return json_lines({"schema": TICKET_SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(track)})


def read_ticket(path: Path) -> Ticket:
    """Read results/tracks/{track}.json. Raises RecordError."""
    try:
        values = json.loads(path.read_bytes())
        if values.pop("schema") != TICKET_SCHEMA or values.pop("schema_version") != SCHEMA_VERSION:
            raise RecordError(f"{path}: not a {TICKET_SCHEMA} of this version")
        return Ticket(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"{path}: cannot be read as a track's ticket ({error})") from error
