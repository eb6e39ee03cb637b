"""Batches: the tracks of a run that have something due, dealt out to its jobs.

Every run deals anew: what is missing or out of date (dropgrid.run.staleness) is divided into
batches that take about as long as each other, the longest tracks first in each, so that all
workers finish together and none of them starts a process more often than it must. A track that
would keep one worker busy while the others have nothing left gets threads of theirs. A batch is
a manifest, results/batches/{batch}.json; its job (the command `dropgrid batch`) brings one track
after another up to date and then leaves results/batches/{batch}.done. Where nothing is due, the
batches of the last run stay: their .done tell the rules after them how old the records are.
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
NUMBERS = 100_000  # that NAME has room for
# Where tracks_per_job says auto:
PER_FILE = (
    2000  # tracks of a library, at most, whose stages are jobs: planning them takes .01 s each
)
ENOUGH = 8  # tracks of a batch, if possible: starting its job is then a fortieth of the work
ROUNDS = 8  # batches of a worker: more, and a wrong guess of lengths shows less at the end
LARGEST = 128  # tracks of a batch
CLUSTER_WIDTH = 64  # batches where each has to be queued, before they grow
MOST_THREADS = 4  # that the analysis of one track can use


@dataclass(frozen=True)
class Batch:
    """Tracks of a run, in the order in which they are analysed, and by how many threads."""

    tracks: Sequence[Ticket]
    threads: int = 1


def is_per_file(tracks_per_job: int | Literal["auto"], tracks: int, elsewhere: bool) -> bool:
    """Whether every stage of every track is a job of its own, in a library of so many tracks.

    auto: unless there are so many that planning them takes long, or they are jobs elsewhere: of
    a cluster, where each has to be queued, or of another workflow, whose triggers dropgrid does
    not set and may have music analysed again for another version of a rule's text.
    """
    if tracks_per_job == "auto":
        return not elsewhere and tracks <= PER_FILE
    return tracks_per_job == 1


def count_batches(
    tracks: int, tracks_per_job: int | Literal["auto"], workers: int, cluster: bool = False
) -> int:
    """How many batches so many tracks make.

    Never more than there are names for. auto: as many rounds for each worker as have ENOUGH
    tracks. On a cluster, where every job has to be queued and the workers are not counted,
    CLUSTER_WIDTH batches.
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

    work: (how long it takes, track), any unit. The longest that is left goes to the batch that
    has least (Graham 1969: at worst a third longer than the best division). A batch whose longest
    track takes as long as the fair shares of several workers has as many threads.
    """
    batches: list[list[Ticket]] = [[] for _ in range(count)]
    longest = [0.0] * count
    heap = [(0.0, number) for number in range(count)]
    for takes, track in sorted(work, key=lambda item: (-item[0], item[1].path)):
        load, number = heapq.heappop(heap)
        batches[number].append(track)
        longest[number] = max(longest[number], takes)
        heapq.heappush(heap, (load + takes, number))
    threads = fair_threads(longest, workers, sum(takes for takes, _ in work))
    return list(map(Batch, batches, threads))


def fair_threads(takes: Sequence[float], workers: int, work: float | None = None) -> list[int]:
    """How many threads each of these tracks gets: as many as it takes of the workers' fair shares.

    takes: how long each does, any unit; work: how long all there is to do does (default: these).
    """
    share = (sum(takes) if work is None else work) / workers
    most = min(MOST_THREADS, workers)
    return [max(1, min(most, round(one / share))) if one else 1 for one in takes]


def write_batches(results: Path, batches: Sequence[Batch]) -> list[str]:
    """Write the manifests of a run in the place of the last one's; their names.

    They are numbered on from there: a job of a run that was killed may still be at work on a
    cluster, and says in the end that its batch is done, not one of the tracks dealt out now.
    Raises LibraryError where somebody else's file stands in the place of one, OSError.
    """
    files = Results(results)
    first = 1 + max(_numbers(files.manifest("x").parent), default=-1)
    first = first if first + len(batches) <= NUMBERS else 0
    names = [f"{first + number:05d}" for number in range(len(batches))]
    remove_batches(results)
    for name, batch in zip(names, batches, strict=True):
        check_owned(files.done(name))  # which Snakemake deletes and makes anew
        write_owned(files.manifest(name), _manifest(batch), durable=False)
    return names


def _numbers(folder: Path) -> list[int]:
    """The batches that are listed in a folder."""
    found = folder.iterdir() if folder.is_dir() else ()
    return [int(path.stem) for path in found if NAME.fullmatch(path.stem)]


def done_batches(results: Path) -> list[str]:
    """The batches of the last run that are done; what else there is of it is removed."""
    files = Results(results)
    names = [name for name in batch_names(results) if files.done(name).exists()]
    remove_batches(results, keep=names)
    return names


def remove_batches(results: Path, keep: Sequence[str] = ()) -> None:
    """Delete the manifests of batches that are no more, and what says that they are done."""
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
    """The batches whose manifests are there."""
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
