"""Batches: many tracks as one job, for libraries and clusters too large for a job each.

A batch is a manifest, results/batches/{batch}.json, that lists its tracks. Which batch a track is
in follows from its id alone, so that a manifest is written anew only when one of its own files
comes, goes or changes. Its job (the command `dropgrid batch`) brings every track of it up to date
and then leaves results/batches/{batch}.done.

A batch that lacks a few records (deleted, or given up by a crash) is not asked again for those:
its tracks without records are gathered, with those of others, in batches `missing-...`, which
run after the batches that the tracks are in. There are always as many of these, mostly empty.

What is up to date is decided as Snakemake does it for single tracks: nothing that a stage reads
may be younger than what it wrote. results/options/{stage}.json is such an input too: it is
written when the options of its stage change, and that of features once all has been asked for
anew (`snakemake --forcerun batch`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from ..base.documents import SCHEMA_VERSION, json_lines
from ..base.errors import RecordError
from ..library import Scan
from ..records.ticket import TICKET_SCHEMA, Ticket, ticket_from
from ..results.layout import Results
from ..results.mark import check_ours, remove_ours, write_ours
from ..results.scanned import write_scan, write_ticket, write_tickets

SCHEMA = "dropgrid/batch"
# Where the option says auto:
ALONE_UP_TO = 200  # tracks; more are analysed in batches, which save the start of three processes
SMALLEST, LARGEST = 8, 128  # tracks of a batch
WIDTH = 256  # batches of a library, before they grow: enough to keep many cores equally busy
CLUSTER_WIDTH = 64  # the same where each has to be queued
FEW = 1 / 8  # of a batch's tracks may lack records before the batch itself is asked again
GATHERING = 32  # batches for each that gathers what they miss
MISSING = "missing-"
NAME = re.compile(rf"({MISSING})?[0-9]{{5}}")
HASH_BITS = 32  # of a track's id: its last 8 hex digits


def batch_size(tracks: int, tracks_per_job: int | Literal["auto"], cluster: bool = False) -> int:
    """About how many of so many tracks a job analyses.

    auto: on one machine each by itself, unless there are many. Else, and on a cluster, where
    every job has to be queued, some, but few enough to employ many processors.
    """
    if tracks_per_job != "auto":
        return tracks_per_job
    if tracks <= ALONE_UP_TO and not cluster:
        return 1
    width = CLUSTER_WIDTH if cluster else WIDTH
    return max(SMALLEST, min(LARGEST, tracks // width))


def count_batches(tracks: int, size: int) -> int:
    """How many batches so many tracks make: 0 where each is a job of its own, else a power of 2.

    A power of 2, so that a growing library seldom changes the number, and with it all batches;
    they hold between half of size and size tracks on average.
    """
    if size == 1 or not tracks:
        return 0
    return 1 << (-(-tracks // size) - 1).bit_length()


def batch_of(track: str, count: int) -> str:
    """The name of the batch of `count` that a track is in."""
    return f"{int(track[-8:], 16) * count >> HASH_BITS:05d}"


def write_library(
    found: Scan, results: Path, size: int, analyses: Collection[str]
) -> tuple[list[str], list[str]]:
    """Write what jobs read: tickets, scan.json, manifests; the ids of tracks and of batches.

    size: about how many tracks make a batch; 1 for none. Only what changed is written, and
    where there are batches no ticket is read that did not change. A batch that lacks records
    of `analyses` is no longer done.
    """
    count = count_batches(len(found.tracks), size)
    batches: dict[str, list[Ticket]] = {}
    for track in found.tracks if count else ():
        batches.setdefault(batch_of(track.track, count), []).append(track)
    if not count:
        _remove_batches(results / "batches", keep=())
        return write_tickets(found, results), []
    tickets = _filled(results / "tracks")
    for batch, tracks in batches.items():
        _write_batch(results, batch, tracks, tickets)
    for name in tickets - {f"{track.track}.json" for track in found.tracks}:
        remove_ours(results / "tracks" / name, TICKET_SCHEMA)
    names = [*batches, *_gather_missing(found, results, batches, analyses)]
    _remove_batches(results / "batches", keep=names)
    write_scan(found, results)
    return [track.track for track in found.tracks], sorted(names)


def _remove_batches(folder: Path, keep: Collection[str]) -> None:
    """Delete the manifests of batches that are no more, and what says that they are done."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.stem in keep or path.is_symlink() or not NAME.fullmatch(path.stem):
            continue
        if path.suffix == ".json":
            remove_ours(path, SCHEMA)
        elif path.suffix == ".done" and path.stat().st_size == 0:
            path.unlink()
    if not keep:
        with suppress(OSError):  # it may hold what is not ours
            folder.rmdir()


def batch_names(results: Path) -> list[str]:
    """The batches that write_library made last; none where every track is a job of its own."""
    return sorted(
        path.stem for path in (results / "batches").glob("*.json") if NAME.fullmatch(path.stem)
    )


def read_batch(manifest: Path) -> list[Ticket]:
    """The tracks of a manifest. Raises RecordError."""
    try:
        values = json.loads(manifest.read_bytes())
        if values["schema"] != SCHEMA or values["schema_version"] != SCHEMA_VERSION:
            raise RecordError(f"{manifest}: not a {SCHEMA} of this version")
        return [ticket_from(track) for track in values["tracks"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{manifest}: cannot be read as a batch ({error})") from error


def batches_before(manifest: Path) -> list[str]:
    """The batches that have to be done before one that gathers what they miss."""
    if not manifest.stem.startswith(MISSING):
        return []
    try:
        after = json.loads(manifest.read_bytes())["after"]
        if all(isinstance(name, str) and NAME.fullmatch(name) for name in after):
            return list(after)
        raise ValueError("after: not names of batches")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{manifest}: cannot be read as a batch ({error})") from error


def _write_batch(
    results: Path, batch: str, tracks: Sequence[Ticket], tickets: Collection[str]
) -> None:
    """Write a manifest and the tickets of what is new or changed in it, if anything is."""
    manifest = Results(results).manifest(batch)
    check_ours(manifest.with_suffix(".done"))  # which Snakemake deletes and makes anew
    data = _manifest(tracks)
    before = set(tracks)
    try:
        changed = manifest.read_bytes() != data
        if changed:
            before = set(read_batch(manifest))
    except (OSError, RecordError):
        changed, before = True, set()
    for track in tracks:
        if track not in before or f"{track.track}.json" not in tickets:
            write_ticket(track, results)
    if changed:  # last: a manifest's tracks have their tickets, whatever happens in between
        write_ours(manifest, data, durable=False)


def _manifest(tracks: Sequence[Ticket], after: Sequence[str] = ()) -> bytes:
    return json_lines(
        {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "after": after,
            "tracks": [asdict(track) for track in tracks],
        }
    )


def _gather_missing(
    found: Scan, results: Path, batches: Mapping[str, Sequence[Ticket]], analyses: Collection[str]
) -> list[str]:
    """Have tracks without records of `analyses` asked again; the names of gathering batches."""
    files = Results(results)
    made = [_filled(results / analysis) for analysis in analyses]
    count = max(1, count_batches(len(batches), GATHERING))
    gathered: dict[str, list[Ticket]] = {f"{MISSING}{i:05d}": [] for i in range(count)}
    after: dict[str, set[str]] = {name: set() for name in gathered}
    for batch, tracks in batches.items():
        done = files.done(batch)
        missing = [
            track
            for track in tracks
            if any(f"{track.track}.json" not in records for records in made)
        ]
        if not missing or not done.exists():
            continue
        if len(missing) > FEW * len(tracks):
            _not_done(done)
            continue
        for track in missing:
            name = MISSING + batch_of(track.track, count)
            gathered[name].append(track)
            after[name].add(batch)
    for name, tracks in gathered.items():
        manifest, done = files.manifest(name), files.done(name)
        check_ours(done)
        if tracks:
            write_ours(manifest, _manifest(tracks, sorted(after[name])), durable=False)
            _not_done(done)
        elif not _still_true(manifest, found, batches):
            write_ours(manifest, _manifest([]), durable=False)
            done.touch()
    return list(gathered)


def _not_done(done: Path) -> None:
    """Take back that a batch is done. Raises LibraryError where the file is somebody else's."""
    check_ours(done)
    done.unlink(missing_ok=True)


def _still_true(manifest: Path, found: Scan, batches: Collection[str]) -> bool:
    """Whether there still are the tracks and the batches that a gathering batch names."""
    try:
        same_tracks = set(read_batch(manifest)) <= set(found.tracks)
        return same_tracks and set(batches_before(manifest)) <= set(batches)
    except RecordError:
        return False


def _filled(folder: Path) -> set[str]:
    """The names of the files in a folder that are not empty, as a power cut may leave them."""
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as listing:
        return {e.name for e in listing if e.name.endswith(".json") and e.stat().st_size}
