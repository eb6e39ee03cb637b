"""The ticket of a track: where its file lies and what it looked like when the library was scanned.

A ticket, results/tracks/{track}.json, stands for the file in the workflow: file names never
become wildcards, job arguments or output paths, so no file name can break a run, and a ticket is
written anew only when its file changed, so that only that track is analysed again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from ..base.documents import SCHEMA_VERSION, json_lines, parse_document, read_bytes
from ..base.errors import RecordError
from . import check

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
    """Read results/tracks/{track}.json, field by field checked. Raises RecordError."""
    values = parse_document(read_bytes(path), TICKET_SCHEMA, path)
    try:
        check.check_head(values, None)
        ticket: Ticket = check.reader(Ticket)(values, "", 0.0)
        _check_file(ticket)
    except check.Invalid as error:
        raise RecordError(f"{path}: {error}") from error
    return ticket


def _check_file(ticket: Ticket) -> None:
    """The file is where a scan would have found it: its path below some root."""
    absolute = ticket.file.startswith("/") and "\0" not in ticket.file
    if not absolute or ".." in ticket.file.split("/"):
        check.refuse("file", "not an absolute path", ticket.file)
    if not ticket.file.endswith(f"/{ticket.path}"):
        check.refuse("file", "does not end with the track's path", ticket.file)
