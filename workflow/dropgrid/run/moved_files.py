"""Recognise files that were renamed, moved, copied, touched, or mounted in another place.

A scan gives every file a ticket, and a new or changed ticket causes an analysis of its track.
Before that, the files are compared with those that were analysed (dropgrid.records.identity):

- If the file of a track is the same byte for byte, the track keeps its results. Only its ticket
  gets the new path, but not a newer time of modification, so nothing is made again.
- If a file has a new id, it gets the results of its old id: the same features, and the same
  records except for the id and the path. Results that are out of date are not reused.

All bytes are compared. Only if path, size and time of modification agree, as for a disk that is
mounted in another place, four parts of the file are enough (dropgrid.audio.digests). A ticket
alone is never enough: the file has to agree with the identity of the track.

Files with edited tags are not recognised here: their job finds the features of their audio
(dropgrid.features.cache).
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..apply_corrections.per_track import slice_path
from ..audio.digests import sample_digest, whole_digest
from ..base.errors import DropgridError, RecordError
from ..base.files import read_regular
from ..features.store import origin_of
from ..library import Scan
from ..records.identity import SCHEMA as IDENTITY_SCHEMA
from ..records.identity import Identity, read_identity, write_identity
from ..records.model import ANALYSES
from ..records.store import READERS, write_record
from ..records.ticket import TRACK_ID, Ticket, read_ticket, ticket_json
from ..results.layout import Results
from ..results.ownership import looks_owned, remove_owned
from ..results.scan_store import write_ticket
from ..stages import STAGES
from .staleness import age, networks_since, options_since, stages_due


@dataclass(frozen=True)
class Recognised:
    """Files that need no analysis.

    same_file: tickets of tracks that have the same file under the same id; reused: new ticket ->
    the id whose features and records it gets; unchanged: the ids whose tickets did not change.
    """

    same_file: tuple[Ticket, ...] = ()
    reused: Mapping[Ticket, str] = dataclasses.field(default_factory=dict)
    unchanged: Collection[str] = dataclasses.field(default=(), compare=False)


class _File:
    """The file of a ticket; each digest is computed at most once."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket

    @cached_property
    def whole(self) -> str | None:
        with suppress(OSError):
            return whole_digest(Path(self.ticket.file))
        return None

    @cached_property
    def sample(self) -> str | None:
        with suppress(OSError):
            return sample_digest(Path(self.ticket.file))
        return None

    def matches(self, identity: Identity, last: Ticket | None) -> bool:
        """Whether it is the file that was analysed. last: that track's ticket of the last scan."""
        if identity.size != self.ticket.size:
            return False
        if last is not None and _agree(last, self.ticket):
            return self.sample == identity.sample
        return self.whole == identity.whole


def recognise(found: Scan, results: Path) -> Recognised:
    """Find the new or changed tickets whose files were already analysed. Writes nothing."""
    files = Results(results)
    same = {t.track for t in found.tracks if _is_same(files.ticket(t.track), t)}
    changed = [t for t in found.tracks if t.size >= 0 and t.track not in same]
    if not changed:
        return Recognised(unchanged=same)
    identities = _identities(results)
    last = _LastTickets(files)
    same_file, others = [], []
    for file in map(_File, changed):
        analysed = identities.get(file.ticket.track)
        if analysed and file.matches(analysed, last.get(analysed.track)):
            same_file.append(file.ticket)
        else:
            others.append(file)
    # An id that has, or may have, another file now cannot be a source: its results are replaced.
    sources: dict[tuple[int, str], list[Identity]] = {}
    replaced = {file.ticket.track for file in others}
    for identity in identities.values():
        if identity.track not in replaced:
            sources.setdefault((identity.size, _suffix(identity.path)), []).append(identity)
    reused = {}
    for file in others:
        for source in sources.get((file.ticket.size, _suffix(file.ticket.path)), ()):
            if file.matches(source, last.get(source.track)):
                reused[file.ticket] = source.track
                break
    return Recognised(tuple(same_file), reused, same)


def without(found: Scan, recognised: Recognised, results: Path) -> Scan:
    """The scan for a dry run, in which recognised files need no job.

    Tracks with the same file get their old tickets; tracks that reuse results are left out.
    """
    last = _LastTickets(Results(results))
    old = {ticket.track: last.get(ticket.track) for ticket in recognised.same_file}
    tracks = (
        old.get(ticket.track) or ticket
        for ticket in found.tracks
        if ticket not in recognised.reused
    )
    return dataclasses.replace(found, tracks=tuple(tracks))


def reuse_results(
    recognised: Recognised, found: Scan, results: Path, analyses: Collection[str]
) -> int:
    """Let recognised files keep their results or reuse those of another id; return how many reuse.

    The results of an id that is no longer in the library are moved, not copied. Raises OSError.
    """
    files = Results(results)
    for ticket in recognised.same_file:
        before = age(files.ticket(ticket.track))
        _renew(ticket, files, before if before >= 0 else age(files.identity(ticket.track)))
    used: list[str] = []
    for ticket, source in recognised.reused.items():
        with suppress(RecordError):  # damaged meanwhile: the track is analysed
            used += [source] * _reuse(ticket, source, files, analyses)
    present = {ticket.track for ticket in found.tracks}
    for track in {*used} - present:
        _remove(track, files)
    return len(used)


class _LastTickets:
    """The tickets of the last scan by id, each read on request."""

    def __init__(self, files: Results) -> None:
        self._files = files

    def get(self, track: str) -> Ticket | None:
        with suppress(RecordError):
            return read_ticket(self._files.ticket(track))
        return None


def _is_same(path: Path, ticket: Ticket) -> bool:
    """Whether a ticket is byte for byte the same as in the last scan."""
    expected = ticket_json(ticket)
    with suppress(OSError):
        return read_regular(path, len(expected) + 1) == expected
    return False


def _identities(results: Path) -> dict[str, Identity]:
    files = Results(results)
    found = {}
    for track in sorted(_ids(files.identity("x").parent)):
        with suppress(RecordError):
            found[track] = read_identity(files.identity(track))
    return found


def _ids(folder: Path) -> Iterator[str]:
    with suppress(OSError), os.scandir(folder) as listing:
        for entry in listing:
            stem, suffix = os.path.splitext(entry.name)
            if suffix == ".json" and TRACK_ID.fullmatch(stem):
                yield stem


def _suffix(path: str) -> str:
    """The suffix in lower case. Readers of audio and tags depend on it, so it has to agree."""
    return os.path.splitext(path)[1].lower()


def _agree(last: Ticket, now: Ticket) -> bool:
    """Whether two tickets have the same size, time and path, relative to whatever folder."""
    ends = f"/{last.path}".endswith(f"/{now.path}") or f"/{now.path}".endswith(f"/{last.path}")
    return ends and (last.size, last.mtime_ns) == (now.size, now.mtime_ns)


def _renew(ticket: Ticket, files: Results, time: int) -> None:
    """Write a ticket that is no younger than `time`."""
    with suppress(DropgridError):  # the user's file has its name: the plan will report it
        write_ticket(ticket, files.folder)
        _date(files.ticket(ticket.track), time)


def _reuse(ticket: Ticket, source: str, files: Results, analyses: Collection[str]) -> bool:
    """Give a track the results of its file's old id, `source`; False if none is usable.

    Raises RecordError, OSError.
    """
    identity = read_identity(files.identity(source))
    since = options_since(files.folder)
    if since is None:
        return False
    due = stages_due(files.folder, source, networks_since(files.folder), since, analyses)
    good = [s for s in STAGES if s not in due and _is_good(s, source, identity, files)]
    targets = {stage: files.output(stage, ticket.track) for stage in STAGES}
    new = files.identity(ticket.track)
    if not good or not all(map(_is_writable, [*targets.values(), new])):
        return False
    new.unlink(missing_ok=True)  # deleted first and written last: it never describes another file
    for stage, target in targets.items():
        if stage in good:
            _copy(stage, files.output(stage, source), target, ticket)
        else:  # of the file that had this id before
            target.unlink(missing_ok=True)
    write_identity(new, dataclasses.replace(identity, track=ticket.track, path=ticket.path))
    _date(new, age(files.identity(source)))
    _renew(ticket, files, min(map(age, [new, *(targets[stage] for stage in good)])))
    return True


def _is_good(stage: str, track: str, identity: Identity, files: Results) -> bool:
    """Whether an output is sound and was made from the file of the identity.

    Records with corrections are not reused: a correction may apply to only one of the two paths.
    """
    path = files.output(stage, track)
    if stage == "features":
        return (origin_of(path) or "").startswith(f"{identity.audio}-")
    if slice_path(files.corrections, track).exists():
        return False
    with suppress(RecordError):
        record = READERS[stage](path, track)
        return record.status == "ok" and age(path) >= age(files.identity(track))
    return False


def _is_writable(path: Path) -> bool:
    """Whether nothing is at path, or a file that dropgrid wrote."""
    return not os.path.lexists(path) or looks_owned(str(path))


def _copy(stage: str, source: Path, target: Path, ticket: Ticket) -> None:
    """Copy an output of one track to another, with the same time of modification."""
    if stage == "features":
        _link(source, target)
        return
    record = READERS[stage](source)
    write_record(target, dataclasses.replace(record, track=ticket.track, path=ticket.path))
    _date(target, age(source))


def _link(source: Path, target: Path) -> None:
    """Make a hard link to a file, or a copy if the file system has no hard links."""
    import shutil

    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copy2(source, temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _date(path: Path, time: int) -> None:
    os.utime(path, ns=(time, time))


def _remove(track: str, files: Results) -> None:
    """Delete the results of an id that another id has reused."""
    if looks_owned(str(files.features(track))):
        files.features(track).unlink(missing_ok=True)
    for kind in ANALYSES:
        remove_owned(files.record(kind, track), f"dropgrid/{kind}")
    remove_owned(files.identity(track), IDENTITY_SCHEMA)
