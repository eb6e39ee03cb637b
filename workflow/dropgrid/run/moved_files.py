"""Files recognised: renamed, moved, copied, touched, mounted elsewhere, seen from another folder.

A scan gives every file a ticket, and a ticket that is new or changed has its track analysed.
Before that, what the files are is compared with what was analysed (dropgrid.records.identity):

- A track whose file is the same byte for byte keeps all it has; only its ticket says where the
  file lies now, and is no younger, so that nothing is made again.
- A file under another id takes over what the id has that it had: the same features, and the same
  records but for the id and the path. What is out of date there is not taken.

What is compared: all bytes. Only where path, size and time of modification agree, as for a disk
that is mounted elsewhere, four stretches of the file stand for all (audio.identity). A ticket is
never believed alone: whatever it says, the file must be what the identity of its track says.

Files whose tags were edited are not known here: their job finds the features of their audio
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

from ..audio.digests import sample_digest, whole_digest
from ..base.errors import DropgridError, RecordError
from ..base.files import read_regular
from ..corrections.per_track import slice_path
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

    same_file: tickets of tracks whose file is the same under its id; reused: new ticket -> the id
    whose features and records are the file's; unchanged: the ids whose tickets did not change.
    """

    same_file: tuple[Ticket, ...] = ()
    reused: Mapping[Ticket, str] = dataclasses.field(default_factory=dict)
    unchanged: Collection[str] = dataclasses.field(default=(), compare=False)


class _File:
    """A file that a ticket names, looked into once at most."""

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

    def is_of(self, identity: Identity, last: Ticket | None) -> bool:
        """Whether it is the file that was analysed; last: that track's ticket of the last scan."""
        if identity.size != self.ticket.size:
            return False
        if last is not None and _agree(last, self.ticket):
            return self.sample == identity.sample
        return self.whole == identity.whole


def recognise(found: Scan, results: Path) -> Recognised:
    """Which new or changed tickets of a scan are of files that were analysed. Writes nothing."""
    files = Results(results)
    same = {t.track for t in found.tracks if _is_same(files.ticket(t.track), t)}
    changed = [t for t in found.tracks if t.size >= 0 and t.track not in same]
    if not changed:
        return Recognised(unchanged=same)
    identities = _identities(results)
    last = _LastTickets(files)
    kept, others = [], []
    for file in map(_File, changed):
        own = identities.get(file.ticket.track)
        if own and file.is_of(own, last.get(own.track)):
            kept.append(file.ticket)
        else:
            others.append(file)
    # Whoever has another file now, or may have, has nothing to give: it is written over.
    givers: dict[tuple[int, str], list[Identity]] = {}
    leaving = {file.ticket.track for file in others}
    for identity in identities.values():
        if identity.track not in leaving:
            givers.setdefault((identity.size, _suffix(identity.path)), []).append(identity)
    taken = {}
    for file in others:
        for giver in givers.get((file.ticket.size, _suffix(file.ticket.path)), ()):
            if file.is_of(giver, last.get(giver.track)):
                taken[file.ticket] = giver.track
                break
    return Recognised(tuple(kept), taken, same)


def without(found: Scan, recognised: Recognised, results: Path) -> Scan:
    """A scan for a look at what a run would do: recognised files need no job.

    Those that are kept have their old tickets, those that are taken none.
    """
    last = _LastTickets(Results(results))
    kept = {ticket.track: last.get(ticket.track) for ticket in recognised.same_file}
    tracks = (
        kept.get(ticket.track) or ticket
        for ticket in found.tracks
        if ticket not in recognised.reused
    )
    return dataclasses.replace(found, tracks=tuple(tracks))


def reuse_results(
    recognised: Recognised, found: Scan, results: Path, analyses: Collection[str]
) -> int:
    """Have recognised files keep what they have, or get what another id has; how many got it.

    What an id has that is in the library no more is moved, not copied. Raises OSError.
    """
    files = Results(results)
    for ticket in recognised.same_file:
        before = age(files.ticket(ticket.track))
        _renew(ticket, files, before if before >= 0 else age(files.identity(ticket.track)))
    given: list[str] = []
    for ticket, giver in recognised.reused.items():
        with suppress(RecordError):  # damaged meanwhile: it is analysed
            given += [giver] * _reuse(ticket, giver, files, analyses)
    there = {ticket.track for ticket in found.tracks}
    for track in {*given} - there:
        _remove(track, files)
    return len(given)


class _LastTickets:
    """The tickets of the last scan by id, each read when it is asked for."""

    def __init__(self, files: Results) -> None:
        self._files = files

    def get(self, track: str) -> Ticket | None:
        with suppress(RecordError):
            return read_ticket(self._files.ticket(track))
        return None


def _is_same(path: Path, ticket: Ticket) -> bool:
    """Whether a ticket says what it said in the last scan, byte for byte."""
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
    """Readers of audio and tags heed a file's suffix: under another it is another file."""
    return os.path.splitext(path)[1].lower()


def _agree(last: Ticket, now: Ticket) -> bool:
    """Whether two tickets are of one size, one time and one place, seen from whatever folder."""
    ends = f"/{last.path}".endswith(f"/{now.path}") or f"/{now.path}".endswith(f"/{last.path}")
    return ends and (last.size, last.mtime_ns) == (now.size, now.mtime_ns)


def _renew(ticket: Ticket, files: Results, time: int) -> None:
    """Write a ticket that is no younger than `time`."""
    with suppress(DropgridError):  # a file of the user's in its place: the plan will say so
        write_ticket(ticket, files.folder)
        _date(files.ticket(ticket.track), time)


def _reuse(ticket: Ticket, giver: str, files: Results, analyses: Collection[str]) -> bool:
    """Give a track what the id has that its file had; False where there is nothing good.

    Raises RecordError, OSError.
    """
    identity = read_identity(files.identity(giver))
    since = options_since(files.folder)
    if since is None:
        return False
    due = stages_due(files.folder, giver, networks_since(files.folder), since, analyses)
    good = [s for s in STAGES if s not in due and _is_good(s, giver, identity, files)]
    targets = {stage: files.output(stage, ticket.track) for stage in STAGES}
    known = files.identity(ticket.track)
    if not good or not all(map(_may_be_written, [*targets.values(), known])):
        return False
    known.unlink(missing_ok=True)  # first, and written last: it is never of another file
    for stage, target in targets.items():
        if stage in good:
            _copy(stage, files.output(stage, giver), target, ticket)
        else:  # of the file that had this id before
            target.unlink(missing_ok=True)
    write_identity(known, dataclasses.replace(identity, track=ticket.track, path=ticket.path))
    _date(known, age(files.identity(giver)))
    _renew(ticket, files, min(map(age, [known, *(targets[stage] for stage in good)])))
    return True


def _is_good(stage: str, track: str, identity: Identity, files: Results) -> bool:
    """Whether an output is sound and of the file that the identity is of.

    Records with corrections are made again: it may be of the one path, not of both.
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


def _may_be_written(path: Path) -> bool:
    return not os.path.lexists(path) or looks_owned(str(path))


def _copy(stage: str, source: Path, target: Path, ticket: Ticket) -> None:
    """Write an output of one track as another's, as old as it is."""
    if stage == "features":
        _link(source, target)
        return
    record = READERS[stage](source)
    write_record(target, dataclasses.replace(record, track=ticket.track, path=ticket.path))
    _date(target, age(source))


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or a second copy where a file system has no such names."""
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
    """Delete what another id has taken over."""
    if looks_owned(str(files.features(track))):
        files.features(track).unlink(missing_ok=True)
    for kind in ANALYSES:
        remove_owned(files.record(kind, track), f"dropgrid/{kind}")
    remove_owned(files.identity(track), IDENTITY_SCHEMA)
