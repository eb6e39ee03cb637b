"""The state of a library: how many tracks are done, failed or waiting, and the time and memory.

It is read from the records themselves, so it is right at any moment, also after an interrupt. The
use of time and memory comes from the logs of the tracks (dropgrid.jobs.usage_log).
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..apply_corrections import document
from ..apply_corrections.model import InvalidCorrection
from ..base.errors import RecordError
from ..base.files import write_if_changed
from ..base.json_documents import SCHEMA_VERSION, json_lines
from ..base.text import counted, printable
from ..correcting.agreement import agreements
from ..correcting.publish import corrections_file
from ..correcting.session import CorrectionSession
from ..jobs.usage_log import Use, add_up, read_batch_log, read_use
from ..records.model import TrackFailure
from ..results.layout import Results
from ..results.library_reader import BROKEN, READERS, failure_in, path_of
from ..results.ownership import looks_owned, remove_owned
from ..results.prune import departed
from ..results.scan_store import read_scan
from ..results.table import RowReader
from ..stages import STAGES

SCHEMA = "dropgrid/summary"
SHOWN = 20  # failures listed in the text; all are in the JSON and in failures.csv


@dataclass(frozen=True)
class Summary:
    """The state of a library. waiting: tracks without all of their records.
    checked: grids that a user corrected or confirmed; right: those of them that the analysis found
    too. failures: (track, path, failure) in the library's order. unread: what the scan could not
    read, as (path, reason). departed: tracks with records that are no longer in the library. use:
    time and memory of each stage, for the tracks in the library, whenever they were analysed;
    of_run: for the tracks of the last run, on request."""

    tracks: int
    ok: int
    failed: int
    waiting: int
    failures: tuple[tuple[str, str, TrackFailure], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    use: dict[str, Use] = field(default_factory=dict)
    of_run: Use | None = None
    checked: int = 0
    right: int = 0
    departed: int = 0


def summarise(results: Path, since: int | None = None) -> Summary:
    """The state of the library of a folder of results. Raises RecordError without a scan.

    since: the start of the run to report, nanoseconds since 1970.
    """
    return _summarise(results, RowReader(results, Results(results).kinds()), since)


def _summarise(results: Path, reader: RowReader, since: int | None) -> Summary:
    scan = read_scan(results)
    failures = []
    waiting = 0
    for track in scan["tracks"]:
        failure, missing = _outcome(results, reader, track)
        if failure:
            failures.append((track, path_of(results, track), failure))
        elif missing:
            waiting += 1
    count = len(scan["tracks"])
    grids = _checked(results, scan["tracks"])
    return Summary(
        checked=len(grids),
        right=sum(grids),
        tracks=count,
        ok=count - waiting - len(failures),
        failed=len(failures),
        waiting=waiting,
        failures=tuple(failures),
        unread=tuple((problem["path"], problem["reason"]) for problem in scan["problems"]),
        use=use_by_stage(results, scan["tracks"]),
        of_run=None if since is None else _use_since(results, since),
        departed=len(departed(results)),
    )


def _outcome(results: Path, reader: RowReader, track: str) -> tuple[TrackFailure | None, bool]:
    """The first failure of a track, and whether a record is missing or cannot be read."""
    with suppress(RecordError):
        failures = reader.failures(track)
        if not any(failure.type == BROKEN for failure in failures):
            return (failures[0] if failures else None), not reader.analyses
    first, missing = None, False
    for analysis in reader.analyses:
        try:
            first = first or failure_in(results, analysis, track)
        except RecordError:
            missing = True
    return first, missing


def _checked(results: Path, tracks: Sequence[str]) -> list[bool]:
    """For each grid that a user corrected or confirmed: whether the analysis found the same."""
    session = CorrectionSession(Results(results), corrections_file(results))
    try:
        corrections = document.read(session.file)
    except (InvalidCorrection, OSError):  # other commands report it
        return []
    return [item.grid_is_right for item in agreements(session, corrections, tracks) if item.grid]


def use_by_stage(results: Path, tracks: Sequence[str]) -> dict[str, Use]:
    """Time and memory of each stage, from the logs of jobs and of batches; the newer counts."""
    files = Results(results)
    ages = {name: _ages(files.logs(name)) for name in (*STAGES, "tracks")}
    found: dict[str, list[Use]] = {stage: [] for stage in STAGES}
    for track in tracks:
        log = f"{track}.log"
        batch = ages["tracks"].get(log, -1)
        of_track = dict(read_use(files.logs("tracks") / log)) if batch >= 0 else {}
        for stage in STAGES:
            own = ages[stage].get(log, -1)
            if own >= 0 and (own > batch or stage not in of_track):
                of_track |= dict(read_use(files.logs(stage) / log))
            if stage in of_track:
                found[stage].append(of_track[stage])
    return {stage: add_up(uses) for stage, uses in found.items()}


def _ages(folder: Path) -> dict[str, int]:
    """When each log in a folder was written, by its name."""
    with suppress(OSError), os.scandir(folder) as listing:
        return {entry.name: entry.stat().st_mtime_ns for entry in listing}
    return {}


def _use_since(results: Path, since: int) -> Use:
    """What jobs took that analysed since a moment: stages, and the tracks of batches."""
    files = Results(results)
    uses: list[Use] = []
    for name in (*STAGES, "batches"):
        for log, age in sorted(_ages(files.logs(name)).items()):
            if age < since or not log.endswith(".log"):
                continue
            path = files.logs(name) / log
            if name in STAGES:
                uses += [use for _, use in read_use(path)]
                continue
            with suppress(OSError):
                lines = read_batch_log(path.read_bytes())
                uses += [line.use for line in lines if line.word != "begins"]
    return add_up(uses)


def to_json(summary: Summary) -> bytes:
    """The bytes of results/summary.json."""
    values: dict[str, Any] = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION}
    values |= {name: getattr(summary, name) for name in ("tracks", "ok", "failed", "waiting")}
    if summary.checked:
        values |= {"checked": summary.checked, "right": summary.right}
    values["failures"] = [
        {"track": track, "path": path, **asdict(failure)}
        for track, path, failure in summary.failures
    ]
    values["unread"] = [{"path": path, "reason": reason} for path, reason in summary.unread]
    values["departed"] = summary.departed
    values["use"] = {stage: asdict(use) for stage, use in summary.use.items()}
    return json_lines(values)


def write_summary(results: Path, since: int | None = None) -> Summary:
    """Write results/summary.json and return its content; see summarise.

    Raises RecordError, OSError.
    """
    reader = RowReader(results, Results(results).kinds())
    summary = _summarise(results, reader, since)
    reader.save()
    write_if_changed(Results(results).summary, to_json(summary))
    return summary


def describe_interrupted(summary: Summary) -> str:
    """The state of an interrupted run, in one line."""
    failed = f" ({summary.failed} failed)" if summary.failed else ""
    done = summary.ok + summary.failed
    return f"dropgrid: {done} of {counted(summary.tracks, 'track')} analysed{failed}"


def describe(summary: Summary, results: Path) -> str:
    """The summary as a few lines for users. results: the folder, as they type it."""
    typed = shlex.quote(str(results))
    parts = [
        counted(summary.tracks, "track"),
        f"{summary.ok} analysed",
        f"{summary.failed} failed",
    ]
    if summary.waiting:
        parts.append(f"{summary.waiting} waiting")
    lines = ["dropgrid: " + ", ".join(parts)]
    for _, path, failure in summary.failures[:SHOWN]:
        lines.append(f"  {printable(path)}: {failure.stage}: {printable(failure.message)}")
    if summary.failed > SHOWN:
        kinds = Counter(f"{f.stage} {f.type}" for _, _, f in summary.failures)
        most = ", ".join(f"{kind}: {count}" for kind, count in kinds.most_common())
        lines.append(f"  and {summary.failed - SHOWN} more ({most}): {results}/failures.csv")
    lines += [f"  cannot be read: {printable(path)}: {why}" for path, why in summary.unread]
    if summary.checked:
        lines.append(
            f"you checked {counted(summary.checked, 'track')}; "
            f"the computed grid was right on {summary.right}"
        )
    lines += _use_lines(summary)
    if summary.departed:
        lines.append(
            f"{counted(summary.departed, 'track')} no longer in your folder; to list cached data: "
            f"dropgrid prune --results {typed} --dry-run"
        )
    if summary.failed:
        lines.append(
            "A failed track is analysed again when its file changes. To try all of them again: "
            f"dropgrid retry --results {typed}, then start the run again"
        )
    if summary.waiting:
        lines.append("Run the same command again to analyse the waiting tracks")
    return "\n".join(lines)


def _use_lines(summary: Summary) -> list[str]:
    """Time and memory of the run in one line; without a run, of all tracks together."""
    if summary.of_run is not None:
        return [f"this run: {_time_and_memory(summary.of_run)}"] if summary.of_run.jobs else []
    used = {stage: use for stage, use in summary.use.items() if use.jobs}
    if not used:
        return []
    parts = ", ".join(f"{stage} {use.cpu_seconds:.1f} s" for stage, use in used.items())
    return [f"all tracks: {_time_and_memory(add_up(list(used.values())))} ({parts})"]


def _time_and_memory(use: Use) -> str:
    return f"{use.cpu_seconds:.1f} s of CPU time, at most {use.peak_mb} MB of memory a track"


def _is_failure(features: Path) -> bool:
    """Whether features contain a failure; the record may contain that of a later stage."""
    from ..features import store

    try:
        return isinstance(store.load(features), TrackFailure)
    except RecordError:
        return False


def forget_failures(results: Path) -> list[str]:
    """Delete the records of failed tracks, so that the next run makes them again; return the ids.

    Sound features are not deleted. Raises RecordError, OSError.
    """
    forgotten = []
    for track, _, failure in summarise(results).failures:
        for analysis in READERS:
            remove_owned(Results(results).record(analysis, track), f"dropgrid/{analysis}")
        features = Results(results).features(track)
        failed = failure.stage not in READERS or _is_failure(features)
        if failed and looks_owned(str(features)):
            features.unlink(missing_ok=True)
        forgotten.append(track)
    return forgotten
