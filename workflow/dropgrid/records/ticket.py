"""The ticket of a track: the path, size and date of its file when the library was scanned.

A ticket, results/tracks/{track}.json, represents the file in the workflow. File names never become
wildcards, job arguments or output paths, so no file name can break a run. A ticket is rewritten
only if its file changed, so only that track is analysed again.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import RecordError
from ..base.json_documents import SCHEMA_VERSION, json_lines, read_bytes

TICKET_SCHEMA = "dropgrid/track"
TRACK_ID = re.compile(r"[a-z0-9][a-z0-9-]*-[0-9a-f]{8}")


@dataclass(frozen=True)
class Ticket:
    """A file of the library.

    track: its id; path: relative to the library's root, with forward slashes; file: absolute;
    size: bytes, mtime_ns: nanoseconds since 1970; both -1 if the file cannot be accessed.
    """

    track: str
    path: str
    file: str
    size: int
    mtime_ns: int


def ticket_json(track: Ticket) -> bytes:
    """The bytes of a ticket."""
    return json_lines({"schema": TICKET_SCHEMA, "schema_version": SCHEMA_VERSION, **vars(track)})


def read_ticket(path: Path) -> Ticket:
    """Read results/tracks/{track}.json. Raises RecordError."""
    try:
        values = json.loads(read_bytes(path))
        if values.pop("schema") != TICKET_SCHEMA or values.pop("schema_version") != SCHEMA_VERSION:
            raise RecordError(f"{path}: not a {TICKET_SCHEMA} of this version")
        ticket = ticket_from(values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordError(f"{path}: cannot be read as a track's ticket ({error})") from error
    if ticket.track != path.stem:
        raise RecordError(f"{path}: track: is the ticket of another track, {ticket.track}")
    return ticket


def ticket_from(values: dict[str, Any]) -> Ticket:
    """A ticket from the untrusted contents of a file. Raises ValueError, TypeError."""
    ticket = Ticket(**values)
    if not is_track_id(ticket.track):
        raise ValueError(f"track: {ticket.track!r} is no track's id")
    for name in ("path", "file"):
        text = getattr(ticket, name)
        if not isinstance(text, str) or not text or "\0" in text:
            raise ValueError(f"{name}: {text!r} is no path")
    if os.path.isabs(ticket.path) or ".." in ticket.path.split("/"):
        raise ValueError(f"path: {ticket.path!r} is not below the library")
    if type(ticket.size) is not int or type(ticket.mtime_ns) is not int:
        raise ValueError("size, mtime_ns: not whole numbers")
    if not os.path.isabs(ticket.file) or ".." in ticket.file.split("/"):
        raise ValueError(f"file: {ticket.file!r} is not an absolute path")
    if not ticket.file.endswith(f"/{ticket.path}"):  # as a scan finds it: below some root
        raise ValueError(f"file: {ticket.file!r} does not end with the track's path")
    return ticket


def is_track_id(text: object) -> bool:
    """Whether this is a valid track id, which may be part of a path in a folder of results."""
    return isinstance(text, str) and TRACK_ID.fullmatch(text) is not None
