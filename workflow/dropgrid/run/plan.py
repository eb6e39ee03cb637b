"""The plan of a run: its tracks and batches, and where its jobs find their input files.

Snakemake reads the Snakefile in every case, also for a dry run, a graph of the rules or a list.
Only a real run may write to the results. Otherwise the tickets and manifests are written to a
temporary folder, and the rules read those of changed tracks from there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from logging import Logger
from pathlib import Path
from typing import Any

from ..base.errors import LibraryError, RecordError
from ..base.text import counted
from ..correcting.page_edits import apply_page_edits
from ..correcting.publish import (
    corrections_file,
    read_corrections,
    tracks_with_corrections,
    write_slices,
)
from ..correcting.session import CorrectionSession
from ..library import Scan, scan
from ..records.model import ANALYSES
from ..records.ticket import Ticket, read_ticket
from ..results.layout import Results
from ..results.ownership import check_claim, check_owned, claim, looks_owned, sources, usual
from ..results.prune import empty_cache
from ..results.scan_store import read_scan, write_tickets
from ..stages import STAGES, stage_options
from ..stages.networks import check_networks, maker
from .batches import (
    Batch,
    batch_names,
    count_batches,
    deal,
    done_batches,
    fair_threads,
    is_per_file,
    read_batch,
    remove_batches,
    write_batches,
)
from .dry_run import is_same, shadow_of
from .interrupts import guard_run, received
from .job_resources import likely_minutes
from .missing_library import refuse_vanished
from .moved_files import Recognised, recognise, reuse_results, without
from .next_steps import as_typed, next_steps
from .run_notes import note_references
from .staleness import NETWORKS, force, note_options, tracks_due
from .summary import describe, describe_interrupted, write_summary
from .upgrade_notice import note_version, upgrade_lines

NO_LIBRARY = "music"  # the default of `library`, for users who have a folder of that name
LATER_MINUTES = 0.3  # minutes of music: their features take as long as a track's later stages


Workers = Callable[[Sequence[Ticket]], int]  # tracks -> how many batches of them run at once


def one_worker(tracks: Sequence[Ticket]) -> int:
    """One worker with all threads."""
    return 1


@dataclass(frozen=True)
class Plan:
    """The tracks and batches of a run, by id, and the paths of the files that jobs read.

    shadow: the folder for what a real run would write; in a real run the results themselves.
    batches: None if every stage of every track is a separate job.
    keep_features: False: features are deleted once the records are made.
    analyses: the records to make. threads: for the features of tracks that get more than one.
    corrected: the tracks that have, or once had, corrections.
    began: when the plan was made, nanoseconds since 1970.
    """

    results: str
    shadow: Path
    tracks: Sequence[str]
    batches: Sequence[str] | None
    keep_features: bool = True
    analyses: Sequence[str] = ANALYSES
    tickets: Mapping[str, Ticket] = field(default_factory=dict)
    threads: Mapping[str, int] = field(default_factory=dict)
    corrected: Collection[str] = ()
    began: int = field(default_factory=time.time_ns)

    def ticket(self, track: str) -> str:
        """The path of a track's ticket."""
        return self.path(f"tracks/{track}.json")

    def file(self, track: str) -> Ticket:
        """The ticket of a track. Raises RecordError."""
        return self.tickets.get(track) or read_ticket(Path(self.ticket(track)))

    def options(self, name: str) -> str:
        """The file of the options of a stage, or of the networks; written when they change."""
        return self.path(f"options/{name}.json")

    def correction(self, track: str) -> list[str]:
        """The file of a track's corrections, if it has or had any."""
        return [self.path(f"corrections/{track}.json")] if track in self.corrected else []

    def done(self, batch: str) -> str:
        """The file that marks a batch as done."""
        return f"{self.results}/batches/{batch}.done"

    @property
    def records(self) -> list[str]:
        """The records of all tracks; with batches, the .done files that represent them."""
        if self.batches is None:
            return [
                f"{self.results}/{kind}/{track}.json"
                for kind in self.analyses
                for track in self.tracks
            ]
        return [self.done(batch) for batch in self.batches]

    def path(self, name: str) -> str:
        """The path of a ticket or scan.json: in results, unless a real run would change it."""
        real, planned = Path(self.results, name), self.shadow / name
        if self.shadow == Path(self.results) or is_same(planned, real):
            return f"{self.results}/{name}"
        return str(planned)

    def batch(self, name: str) -> str:
        """The path of a batch's manifest; not in results if the batch has to run again."""
        done = f"batches/{name}.done"
        if Path(self.results, done).exists() and not (self.shadow / done).exists():
            return str(self.shadow / f"batches/{name}.json")
        return self.path(f"batches/{name}.json")


def plan_run(
    config: Mapping[str, Any],
    *,
    main: bool,
    real: bool,
    cluster: bool,
    module: bool = False,
    workers: Workers = one_worker,
    forced: Collection[str] = (),
) -> Plan:
    """Scan the library, claim and lock the results, and make the plan of a run.

    config: complete. main: this is the process that the user started; its jobs only read the plan
    that it made. real: jobs will run; False for a dry run and the like. cluster: the jobs run
    elsewhere; otherwise `workers` returns how many can run here. module: this workflow is a module
    of another one; start_run is not called then. forced: the rules that the user forces to run
    (--forcerun), which batches need to know. Raises DropgridError, OSError.
    """
    results = usual(config["results"])
    if not main:
        return read_plan(results)
    if config["library"] == NO_LIBRARY and not Path(NO_LIBRARY).exists():
        raise LibraryError(
            "which library? Name a folder of music: "
            "snakemake --cores 4 --config library=~/Music results=results"
        )
    check_claim(Path(results), sources(config["library"]))
    found = scan(config["library"], apart=results, exclude=config["exclude"])
    if found.left_out:
        print(f"dropgrid: not analysed: {found.left_out}", file=sys.stderr)
    if not config["allow_empty"]:
        refuse_vanished(found, sources(config["library"]), Path(results))
    recognised = recognise(found, Path(results))
    print_changes(Path(results), stage_options(config))
    if real:
        check_networks(config)
        # Signals reach the jobs immediately, jobs end with the run, incomplete files are removed.
        claim(Path(results), sources(config["library"]))
        guard_run(Path(results), jobs_elsewhere=cluster, module=module)
        if module:
            note_references(Path(results), config["evaluation"]["references"])
            note_version(Path(results))
        reuse_results(recognised, found, Path(results), config["analyses"])
        if recognised.reused:
            _delete_tables(Results(Path(results)))
    else:
        found = without(found, recognised, Path(results))
    print_recognised(recognised)
    same = recognised.unchanged
    return make_plan(found, results, config, real, workers, cluster, forced, module, same)


def make_plan(
    found: Scan,
    results: str,
    config: Mapping[str, Any],
    real: bool,
    workers: Workers = one_worker,
    cluster: bool = False,
    forced: Collection[str] = (),
    module: bool = False,
    same: Collection[str] = (),
) -> Plan:
    """Write what jobs read: into results, or for a dry run into a temporary folder.

    same: the tracks whose tickets did not change. For the other arguments see plan_run.
    Raises LibraryError, OSError.
    """
    folder = Path(results)
    source = corrections_file(folder, config["corrections"])
    corrections = read_corrections(source, needed=config["corrections"] is not None)
    if real and any(correction.edits for correction in corrections.tracks.values()):
        for line in apply_page_edits(CorrectionSession(Results(folder), source)):
            print(f"dropgrid: {line}", file=sys.stderr)
        corrections = read_corrections(source)
    shadow = folder if real else shadow_of(folder)
    write_slices(corrections, found.tracks, shadow, folder, source)  # before the tickets change
    tracks = write_tickets(found, shadow, same)
    _note_options(shadow, config)
    batches: list[str] | None = None
    threads: dict[str, int] = {}
    if is_per_file(config["tracks_per_job"], len(tracks), cluster or module):
        _check_outputs(Results(folder), tracks)
        remove_batches(shadow)
        threads = _threads(found.tracks, shadow, 1 if cluster else workers(found.tracks))
    else:
        force(shadow, forced)
        due = tracks_due(shadow, tracks, config["analyses"])
        work = [track for track in found.tracks if track.track in due]
        at_once = workers(work)
        count = count_batches(len(work), config["tracks_per_job"], at_once, cluster)
        at_once = 1 if cluster else at_once
        batches = _batches(shadow, work, due, count, at_once) if tracks else []
    return Plan(
        results,
        shadow,
        tracks,
        batches,
        config["keep_features"],
        config["analyses"],
        {ticket.track: ticket for ticket in found.tracks},
        threads,
        tracks_with_corrections(shadow),
    )


def _check_outputs(files: Results, tracks: Sequence[str]) -> None:
    """Raise LibraryError if a user's file has the name of an output: Snakemake deletes outputs
    before a job starts."""
    for track in tracks:
        for stage in STAGES:
            check_owned(files.output(stage, track))


def _note_options(shadow: Path, config: Mapping[str, Any]) -> None:
    """Note the options of the stages and the chosen networks, if they changed."""
    networks = {"bpm": maker(config["bpm"]["method"]), "key": config["key"]["method"]}
    note_options(shadow, {**stage_options(config), NETWORKS: networks})


def _threads(tracks: Sequence[Ticket], results: Path, workers: int) -> dict[str, int]:
    """Threads for the features of long tracks, which would occupy one worker while the others
    are idle; only tracks that get more than one."""
    files = Results(results)
    new = [track for track in tracks if not files.features(track.track).exists()] or tracks
    shares = fair_threads([likely_minutes(track) for track in new], workers)
    return {track.track: count for track, count in zip(new, shares, strict=True) if count > 1}


def _batches(
    shadow: Path,
    tracks: Sequence[Ticket],
    due: Mapping[str, Sequence[str]],
    count: int,
    workers: int,
) -> list[str]:
    """Write the batches of the due tracks and return their names; those of the last run if no
    track is due."""
    if not tracks:
        # Records without any batch, from another version: an empty batch marks them as changed.
        return done_batches(shadow) or write_batches(shadow, [Batch([])])
    work = [
        (likely_minutes(track) if "features" in due[track.track] else LATER_MINUTES, track)
        for track in tracks
    ]
    return write_batches(shadow, deal(work, count, workers))


def _delete_tables(files: Results) -> None:
    """Delete tables and scores so that they are made again, after records came without a job.

    Snakemake does not see such a change, because the inputs of the tables may have the same bytes.
    """
    for path in (files.table, files.evaluation / "bpm.json"):
        if path.exists() and looks_owned(str(path)):
            path.unlink()


def print_changes(results: Path, options: Mapping[str, Any]) -> None:
    """Print what runs again because of an upgrade or a changed option, and what stays valid."""
    with suppress(RecordError):  # in a first run
        line = upgrade_lines(results, options, len(read_scan(results)["tracks"]))
        if line:
            print(f"dropgrid: {line}", file=sys.stderr)


def print_recognised(recognised: Recognised) -> None:
    """Print how many files are recognised, and so not analysed again."""
    parts = [
        counted(count, f"{what} file")
        for count, what in (
            (len(recognised.same_file), "touched or remounted"),
            (len(recognised.reused), "renamed, moved or copied"),
        )
        if count
    ]
    if parts:
        print(f"dropgrid: recognised {', '.join(parts)}", file=sys.stderr)


def start_run(
    plan: Plan,
    manifests: Sequence[str],
    jobs: Mapping[str, int],
    references: Sequence[str],
    logger: Logger,
) -> None:
    """Before the first job: log how many tracks there are to analyse.

    manifests: of the batches that will run. jobs: the number of jobs by track, without batches.
    references: of the evaluation, noted for later commands. Raises RecordError, OSError.
    """
    note_references(Path(plan.results), references)
    note_version(Path(plan.results))
    count = len(jobs) + sum(len(read_batch(Path(manifest)).tracks) for manifest in manifests)
    if count:
        counts = {"tracks_planned": count, "jobs_of_tracks": dict(jobs)}
        logger.info(f"dropgrid: tracks to analyse: {count}", extra=counts)


def end_run(plan: Plan, ok: bool, logger: Logger) -> None:
    """After the last job: log the state of the library, and how to try failed tracks again.

    ok: whether Snakemake succeeded. Raises RecordError, OSError.
    """
    results = Path(plan.results)
    if not plan.keep_features:
        empty_cache(results)
    summary = write_summary(results, plan.began)
    text = describe_interrupted(summary) if received else describe(summary, as_typed(results))
    steps = next_steps(results) if ok else ""
    text = f"{text}\n{steps}".rstrip()
    logger.info(text, extra={"summary": summary, "ok": ok})


def read_plan(results: str) -> Plan:
    """The plan of the main process, for the jobs that it started. Raises RecordError."""
    folder = Path(results)
    tracks, batches = read_scan(folder)["tracks"], batch_names(folder)
    return Plan(results, folder, tracks, batches, corrected=tracks_with_corrections(folder))
