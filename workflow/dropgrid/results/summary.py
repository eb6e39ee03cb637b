"""What has become of a library: how many tracks are done, failed or waiting, and what it took.

Read from the records themselves, so that it is right at any moment, after an interrupt too. The
use of time and memory comes from the last line of each job's log (dropgrid.jobs.use).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..base.documents import SCHEMA_VERSION, json_lines
from ..base.errors import RecordError
from ..base.files import write_if_changed
from ..base.text import printable
from ..jobs.use import Use, add_up, read_use
from ..records.model import TrackFailure
from ..stages import STAGES
from .layout import Results
from .mark import begins_as_ours, remove_ours
from .reading import READERS, failure_in, path_of
from .scanned import read_scan

SCHEMA = "dropgrid/summary"
SHOWN = 20  # failures told in the text; all are in the JSON and in failures.csv


@dataclass(frozen=True)
class Summary:
    """The state of a library. waiting: tracks without all of their records.
    failures: of each failed track, in the library's order. unread: what the scan could not
    look into, as (path, reason)."""

    tracks: int
    ok: int
    failed: int
    waiting: int
    failures: tuple[tuple[str, str, TrackFailure], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    use: dict[str, Use] = field(default_factory=dict)


def summarise(results: Path) -> Summary:
    """The state of the library whose results are in a folder. Raises RecordError without one."""
    scan = read_scan(results)
    analyses = Results(results).kinds()
    failures = []
    waiting = 0
    for track in scan["tracks"]:
        missing = not analyses
        failure: TrackFailure | None = None
        for analysis in analyses:
            try:
                failure = failure or failure_in(results, analysis, track)
            except RecordError:
                missing = True
        if failure:
            failures.append((track, path_of(results, track), failure))
        elif missing:
            waiting += 1
    count = len(scan["tracks"])
    return Summary(
        tracks=count,
        ok=count - waiting - len(failures),
        failed=len(failures),
        waiting=waiting,
        failures=tuple(failures),
        unread=tuple((problem["path"], problem["reason"]) for problem in scan["problems"]),
        use=_use(Results(results)),
    )


def _use(results: Results) -> dict[str, Use]:
    """What each stage took, from the logs of tracks and those of batches."""
    found: dict[str, list[Use]] = {stage: [] for stage in STAGES}
    for folder in (*STAGES, "batches"):
        for path in sorted(results.logs(folder).glob("*.log")):
            for stage, use in read_use(path, batch=folder == "batches"):
                if stage in found:
                    found[stage].append(use)
    return {stage: add_up(uses) for stage, uses in found.items()}


def to_json(summary: Summary) -> bytes:
    """The bytes of results/summary.json."""
    values: dict[str, Any] = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION}
    values |= {name: getattr(summary, name) for name in ("tracks", "ok", "failed", "waiting")}
    values["failures"] = [
        {"track": track, "path": path, **asdict(failure)}
        for track, path, failure in summary.failures
    ]
    values["unread"] = [{"path": path, "reason": reason} for path, reason in summary.unread]
    values["use"] = {stage: asdict(use) for stage, use in summary.use.items()}
    return json_lines(values)


def write_summary(results: Path) -> Summary:
    """Write results/summary.json and return what it says. Raises RecordError, OSError."""
    summary = summarise(results)
    write_if_changed(Results(results).summary, to_json(summary))
    return summary


def describe(summary: Summary, results: Path) -> str:
    """The summary as a few lines for people."""
    tracks = "1 track" if summary.tracks == 1 else f"{summary.tracks} tracks"
    parts = [tracks, f"{summary.ok} analysed", f"{summary.failed} failed"]
    if summary.waiting:
        parts.append(f"{summary.waiting} waiting")
    lines = ["dropgrid: " + ", ".join(parts)]
    for _, path, failure in summary.failures[:SHOWN]:
        lines.append(f"  {printable(path)}: {failure.stage}: {printable(failure.message)}")
    if summary.failed > SHOWN:
        kinds = Counter(f"{f.stage} {f.type}" for _, _, f in summary.failures)
        most = ", ".join(f"{kind}: {count}" for kind, count in kinds.most_common())
        lines.append(f"  and {summary.failed - SHOWN} more ({most}): {results}/failures.csv")
    lines += [f"  not looked into: {printable(path)}: {why}" for path, why in summary.unread]
    used = [f"{stage} {use.cpu_seconds:.1f} s" for stage, use in summary.use.items() if use.jobs]
    if used:
        peak = max(use.peak_mb for use in summary.use.values())
        lines.append(f"processor time: {', '.join(used)}; at most {peak} MB a job")
    if summary.failed:
        lines.append(
            "A failed track is analysed again when its file changes. To try all of them again: "
            f"dropgrid retry --results {results}, then run the workflow"
        )
    if summary.waiting:
        lines.append("Run the same command again to go on with those that wait")
    return "\n".join(lines)


def forget_failures(results: Path) -> list[str]:
    """Delete what is kept of failed tracks, so that the next run makes it again; their ids.

    Features that are sound are kept. Raises RecordError, OSError.
    """
    forgotten = []
    for track, _, failure in summarise(results).failures:
        for analysis in READERS:
            remove_ours(Results(results).record(analysis, track), f"dropgrid/{analysis}")
        if failure.stage not in READERS:
            features = Results(results).features(track)
            if begins_as_ours(str(features)):
                features.unlink(missing_ok=True)
        forgotten.append(track)
    return forgotten
