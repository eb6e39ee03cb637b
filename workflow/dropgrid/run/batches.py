"""Batches: the tracks of a run that need work, distributed over its jobs.

Every run makes new batches. It divides what is missing or out of date (dropgrid.run.staleness)
into batches of about the same duration, with the longest tracks first in each. So all workers
finish at about the same time, and each starts as few processes as possible. A track that would
occupy one worker while the others are idle gets several threads. A batch is a manifest,
results/batches/{batch}.json. Its job (the command `dropgrid batch`) updates one track after
another and then writes results/batches/{batch}.done. If no track needs work, the batches of the
last run stay: the times of their .done files tell the later rules how old the records are.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ..base.errors import RecordError
from ..base.json_documents import SCHEMA_VERSION, json_lines
from ..records.ticket import Ticket, ticket_from
from ..results.artefacts import NAMES
from ..results.layout import Results
from ..results.ownership import check_owned, remove_owned, write_owned

SCHEMA = "dropgrid/batch"
NAME = re.compile(NAMES["batch"])
NUMBERS = 100_000  # how many different numbers NAME allows
# If tracks_per_job is auto:
PER_FILE = 2000  # largest library with a job for each stage of a track: .01 s of planning each
ENOUGH = 8  # preferred least tracks of a batch: starting its job is then 1/40 of the work
ROUNDS = 8  # most batches per worker; more batches even out wrong estimates of lengths
LARGEST = 128  # most tracks of a batch
CLUSTER_WIDTH = 64  # batches on a cluster, where each is queued; beyond this the batches grow
MOST_THREADS = 4  # most threads that the analysis of one track can use


@dataclass(frozen=True)
class Batch:
    """Tracks of a run in the order of their analysis, and the number of threads for each."""

    tracks: Sequence[Ticket]
    threads: int = 1


def is_per_file(tracks_per_job: int | Literal["auto"], tracks: int, elsewhere: bool) -> bool:
    """Whether every stage of every track is a separate job. tracks: how many the library has.

    auto: yes, up to PER_FILE tracks (planning more takes long), unless the jobs run elsewhere:
    on a cluster, where each is queued, or in another workflow. dropgrid does not set the triggers
    of that workflow, so a changed text of a rule could cause a new analysis of all music.
    """
    if tracks_per_job == "auto":
        return not elsewhere and tracks <= PER_FILE
    return tracks_per_job == 1


def count_batches(
    tracks: int, tracks_per_job: int | Literal["auto"], workers: int, cluster: bool = False
) -> int:
    """The number of batches for a number of tracks; at most NUMBERS.

    auto: up to ROUNDS batches per worker, while each has at least ENOUGH tracks. On a cluster,
    where every job is queued and the number of workers is unknown: up to CLUSTER_WIDTH batches.
    """
    if tracks_per_job != "auto":
        return min(NUMBERS, -(-tracks // tracks_per_job))
    least = -(-tracks // LARGEST)
    if cluster:
        return max(least, min(CLUSTER_WIDTH, -(-tracks // ENOUGH)))
    rounds = min(ROUNDS, max(1, tracks // (workers * ENOUGH)))
    return max(least, min(tracks, workers * rounds))


def deal(work: Sequence[tuple[float, Ticket]], count: int, workers: int = 1) -> list[Batch]:
    """Divide tracks into `count` batches of about the same work; the longest first in each.

    work: (duration, track), in any unit. The longest remaining track goes to the batch with the
    least work (Graham 1969: at worst a third longer than the best division). If the longest track
    of a batch takes as long as the fair shares of N workers, the batch gets N threads.
    """
    batches: list[list[Ticket]] = [[] for _ in range(count)]
    longest = [0.0] * count
    heap = [(0.0, number) for number in range(count)]
    for duration, track in sorted(work, key=lambda item: (-item[0], item[1].path)):
        load, number = heapq.heappop(heap)
        batches[number].append(track)
        longest[number] = max(longest[number], duration)
        heapq.heappush(heap, (load + duration, number))
    threads = fair_threads(longest, workers, sum(duration for duration, _ in work))
    return list(map(Batch, batches, threads))


def fair_threads(durations: Sequence[float], workers: int, work: float | None = None) -> list[int]:
    """The threads for each track: its duration divided by the fair share of one worker.

    durations: of the tracks, in any unit; work: the duration of all work (default: their sum).
    """
    share = (sum(durations) if work is None else work) / workers
    most = min(MOST_THREADS, workers)
    return [max(1, min(most, round(one / share))) if one else 1 for one in durations]


def write_batches(results: Path, batches: Sequence[Batch]) -> list[str]:
    """Replace the manifests of the last run by those of this one; return the names.

    The numbers continue after the last run's. A job of a killed run may still work on a cluster;
    when it ends, it must not mark a batch of this run as done.
    Raises LibraryError if a file that dropgrid did not write has one of the names, OSError.
    """
    files = Results(results)
    first = 1 + max(_numbers(files.manifest("x").parent), default=-1)
    first = first if first + len(batches) <= NUMBERS else 0
    names = [f"{first + number:05d}" for number in range(len(batches))]
    remove_batches(results)
    for name, batch in zip(names, batches, strict=True):
        check_owned(files.done(name))  # because Snakemake deletes and rewrites it
        write_owned(files.manifest(name), _manifest(batch), durable=False)
    return names


def _numbers(folder: Path) -> list[int]:
    """The numbers of the batches in a folder."""
    found = folder.iterdir() if folder.is_dir() else ()
    return [int(path.stem) for path in found if NAME.fullmatch(path.stem)]


def done_batches(results: Path) -> list[str]:
    """Return the batches of the last run that are done, and remove its other batches."""
    files = Results(results)
    names = [name for name in batch_names(results) if files.done(name).exists()]
    remove_batches(results, keep=names)
    return names


def remove_batches(results: Path, keep: Sequence[str] = ()) -> None:
    """Delete the manifests and .done files of all batches except `keep`."""
    folder = Results(results).manifest("x").parent
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.stem in keep or path.is_symlink() or not NAME.fullmatch(path.stem):
            continue
        if path.suffix == ".json":
            remove_owned(path, SCHEMA)
        elif path.suffix == ".done" and path.stat().st_size == 0:
            path.unlink()
    with suppress(OSError):  # it is not empty
        folder.rmdir()


def batch_names(results: Path) -> list[str]:
    """The names of the batches that have a manifest."""
    return sorted(
        path.stem
        for path in Results(results).manifest("x").parent.glob("*.json")
        if NAME.fullmatch(path.stem)
    )


def read_batch(manifest: Path) -> Batch:
    """The batch of a manifest. Raises RecordError."""
    try:
        values = json.loads(manifest.read_bytes())
        if values["schema"] != SCHEMA or values["schema_version"] != SCHEMA_VERSION:
            raise RecordError(f"{manifest}: not a {SCHEMA} of this version")
        tracks = [ticket_from(track) for track in values["tracks"]]
        return Batch(tracks, min(MOST_THREADS, max(1, int(values.get("threads", 1)))))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{manifest}: cannot be read as a batch ({error})") from error


def _manifest(batch: Batch) -> bytes:
    return json_lines(
        {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "threads": batch.threads,
            "tracks": [asdict(track) for track in batch.tracks],
        }
    )
