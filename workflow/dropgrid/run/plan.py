"""What a run of the workflow stands on: is it a real one, and the plan of its tracks and batches.

Snakemake reads the Snakefile before it knows what to do, for a dry run, a picture of the rules or
a list as well. Only a real run may write: for the others the tickets and manifests that it would
write are made in a temporary folder, and the rules take those of tracks that changed from there.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from logging import Logger
from pathlib import Path
from typing import Any

from ..base.errors import LibraryError, RecordError
from ..correcting.publish import corrections_file, read_corrections, write_slices
from ..library import Scan, scan
from ..records.model import ANALYSES
from ..records.ticket import Ticket
from ..results.layout import Results
from ..results.ownership import begins_as_ours, check_claim, claim, sources, usual
from ..results.prune import empty_cache
from ..results.scan_store import read_scan, write_tickets
from ..stages import stage_options
from ..stages.networks import check_networks
from .batches import (
    Batch,
    batch_names,
    count_batches,
    deal,
    done_batches,
    read_batch,
    write_batches,
)
from .interrupts import cancel_timers, guard_run, received
from .job_resources import likely_minutes
from .missing_library import refuse_vanished
from .moved_files import Recognised, recognise, take_over, without
from .next_steps import next_steps
from .run_notes import note_references
from .staleness import NETWORKS, force_all, note_options, outdate, tracks_due
from .summary import describe, stood_at, write_summary
from .upgrade_notice import note_version, told

NO_LIBRARY = "music"  # the default, which is there for those who have a folder of that name
# What Snakemake is asked that does not run a job.
LOOKS = frozenset(
    """--dry-run --dryrun --lint --list --list-rules --list-target-rules --lt --dag --rulegraph
    --filegraph --d3dag --summary --detailed-summary --report --archive --unlock --cleanup-metadata
    --list-changes --list-input-changes --list-params-changes --list-untracked --cm
    --print-compilation --containerize --generate-unit-tests --delete-all-output
    --delete-temp-output --list-conda-envs --conda-cleanup-envs --container-cleanup-images
    --cleanup-shadow --lc --li --lp --lu""".split()
)
SHORT_LOOKS = "nlSD"  # of the options in one letter
TAKES_VALUE = "cjsdCRUPeTwOq"  # letters that may be followed by a value in the same word
LATER_MINUTES = 0.3  # of music whose features take as long as the later stages of a track


def only_looks(arguments: Iterable[str]) -> bool:
    """Whether Snakemake's command line asks to look, not to run: a dry run, a list, a picture.

    Options may be shortened to what is still one of them.
    """
    for argument in arguments:
        if argument == "--":
            return False
        name = argument.partition("=")[0]
        if name.startswith("--") and any(look.startswith(name) for look in LOOKS):
            return True
        if argument.startswith("-") and not argument.startswith("--"):
            for letter in argument[1:]:
                if letter in SHORT_LOOKS:
                    return True
                if letter in TAKES_VALUE:
                    break
    return False


def asks_anew(arguments: Iterable[str], rules: Collection[str]) -> bool:
    """Whether Snakemake's command line asks to make all anew: --forceall, or --forcerun of one of
    these rules. Snakemake itself tells only after the rules are read."""
    forced = False  # whether a word may be a rule of --forcerun
    for argument in arguments:
        if argument == "--":
            return False
        name, _, value = argument.partition("=")
        if not argument.startswith("-"):
            if forced and argument in rules:
                return True
        elif name.startswith("--"):
            if len(name) > len("--force") and "--forceall".startswith(name):
                return True
            forced = len(name) > len("--force") and "--forcerun".startswith(name)
            if forced and value in rules:
                return True
        else:
            forced = False
            for at, letter in enumerate(argument[1:], 2):
                if letter == "F" or (letter == "R" and argument[at:] in rules):
                    return True
                if letter in TAKES_VALUE:
                    forced = letter == "R"
                    break
    return False


Workers = Callable[[Sequence[Ticket]], int]  # of tracks: how many batches of them run at once


def one_worker(tracks: Sequence[Ticket]) -> int:
    return 1


@dataclass(frozen=True)
class Plan:
    """The tracks and batches of a run, by id, and where the files are that jobs read.

    shadow: the folder that holds what a real run would write; results itself in a real run.
    keep_features: False: they are deleted once the records are made, under any name.
    began: when it was made, nanoseconds since 1970.
    """

    results: str
    shadow: Path
    tracks: Sequence[str]
    batches: Sequence[str]
    keep_features: bool = True
    began: int = field(default_factory=time.time_ns)

    def ticket(self, track: str) -> str:
        """Where the ticket of a track is."""
        return self.path(f"tracks/{track}.json")

    def done(self, batch: str) -> str:
        """What says that a batch is done."""
        return f"{self.results}/batches/{batch}.done"

    @property
    def records(self) -> list[str]:
        """What stands for the records of all tracks: the batches that made the last of them."""
        return [self.done(batch) for batch in self.batches]

    def path(self, name: str) -> str:
        """Where a ticket or scan.json is: in results, unless a real run would renew it."""
        real, planned = Path(self.results, name), self.shadow / name
        if self.shadow == Path(self.results) or _same(planned, real):
            return f"{self.results}/{name}"
        return str(planned)

    def batch(self, name: str) -> str:
        """Where the manifest of a batch is; not in results where it has to be done again."""
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
    forced: bool = False,
) -> Plan:
    """The plan of a run; what it stands on is scanned, claimed and guarded.

    config: complete. main: this is the process that the user started, not a job of its own, which
    reads the plan that the main one made. real: it is to run jobs, not only to look. cluster:
    its jobs run elsewhere; else `workers` tells how many can run here. module: the run is another
    workflow's, of which this one is a module; nobody calls start_run then. forced: every track is
    asked for anew. Raises DropgridError, OSError.
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
    found = scan(config["library"], apart=results)
    if not config["allow_empty"]:
        refuse_vanished(found, sources(config["library"]), Path(results))
    recognised = recognise(found, Path(results))
    say_changes(Path(results), stage_options(config))
    if real:
        check_networks(config)
        # Signals reach the jobs at once, jobs never outlive the run, left-overs are removed.
        claim(Path(results), sources(config["library"]))
        guard_run(Path(results), jobs_elsewhere=cluster, module=module)
        outdate(Path(results), stage_options(config))
        if module:
            note_references(Path(results), config["evaluation"]["references"])
            note_version(Path(results))
        take_over(recognised, found, Path(results), config["analyses"])
        if recognised.taken:
            _ask_for_tables(Results(Path(results)))
    else:
        found = without(found, recognised, Path(results))
    say_recognised(recognised)
    return make_plan(found, results, config, real, workers, cluster, forced)


def make_plan(
    found: Scan,
    results: str,
    config: Mapping[str, Any],
    real: bool,
    workers: Workers = one_worker,
    cluster: bool = False,
    forced: bool = False,
) -> Plan:
    """Write what jobs read, into results, or where nothing may be written there beside them.

    For the rest see plan_run. Raises LibraryError, OSError.
    """
    folder = Path(results)
    source = corrections_file(folder, config["corrections"])
    stated = read_corrections(source, needed=config["corrections"] is not None)
    shadow = folder if real else _shadow(folder)
    write_slices(stated, found.tracks, shadow, folder, source)  # by the tickets as they were
    tracks = write_tickets(found, shadow)
    due = _due(shadow, tracks, config, forced)
    work = [track for track in found.tracks if track.track in due]
    at_once = workers(work)
    count = count_batches(len(work), config["tracks_per_job"], at_once, cluster)
    batches = _batches(shadow, work, due, count, 1 if cluster else at_once) if tracks else []
    return Plan(results, shadow, tracks, batches, config["keep_features"])


def _due(
    shadow: Path, tracks: Sequence[str], config: Mapping[str, Any], forced: bool
) -> dict[str, list[str]]:
    """The stages that are due, by track; the options that they will have are noted."""
    networks = {"bpm": config["bpm"]["method"], "key": config["key"]["method"]}
    note_options(shadow, {**stage_options(config), NETWORKS: networks})
    if forced:
        force_all(shadow)
    return tracks_due(shadow, tracks, config["analyses"])


def _batches(
    shadow: Path,
    tracks: Sequence[Ticket],
    due: Mapping[str, Sequence[str]],
    count: int,
    workers: int,
) -> list[str]:
    """Write the batches of what is due; their names, those of the last run where nothing is."""
    if not tracks:
        # Records without a batch, of another version: whoever reads them has to look.
        return done_batches(shadow) or write_batches(shadow, [Batch([])])
    work = [
        (likely_minutes(track) if "features" in due[track.track] else LATER_MINUTES, track)
        for track in tracks
    ]
    return write_batches(shadow, deal(work, count, workers))


def _ask_for_tables(files: Results) -> None:
    """Have tables and scores made anew where records have come without a job that says so.

    Their inputs may be the same bytes as before, by which Snakemake goes: so they have to be gone.
    """
    for path in (files.table, files.evaluation / "bpm.json"):
        if path.exists() and begins_as_ours(str(path)):
            path.unlink()


def say_changes(results: Path, options: Mapping[str, Any]) -> None:
    """Tell what is made anew because of an upgrade or another option, and what stays."""
    with suppress(RecordError):  # of a first run
        line = told(results, options, len(read_scan(results)["tracks"]))
        if line:
            print(f"dropgrid: {line}", file=sys.stderr)


def say_recognised(recognised: Recognised) -> None:
    """Say first of all which files are recognised, and so not analysed again."""
    parts = [
        f"{count} {what}"
        for count, what in (
            (len(recognised.kept), "touched or mounted elsewhere"),
            (len(recognised.taken), "renamed, moved or copied"),
        )
        if count
    ]
    if parts:
        print(f"dropgrid: recognised {', '.join(parts)} files", file=sys.stderr)


def start_run(
    plan: Plan, manifests: Sequence[str], references: Sequence[str], logger: Logger
) -> None:
    """Before the first job: how many tracks there are to analyse.

    manifests: of the batches that will run. references: of the evaluation, noted for the
    commands that come later. Raises RecordError, OSError.
    """
    note_references(Path(plan.results), references)
    note_version(Path(plan.results))
    count = sum(len(read_batch(Path(manifest)).tracks) for manifest in manifests)
    if count:
        told = {"tracks_in_batches": count}
        logger.info(f"dropgrid: tracks to analyse: {count}", extra=told)


def end_run(plan: Plan, ok: bool, logger: Logger) -> None:
    """After the last job: what became of the library, and how to try failed tracks again.

    ok: Snakemake calls it a success. Raises RecordError, OSError.
    """
    results = Path(plan.results)
    if not plan.keep_features:
        empty_cache(results)
    summary = write_summary(results, plan.began)
    text = stood_at(summary) if received else describe(summary, results)
    logger.info(text, extra={"summary": summary, "ok": ok})
    if ok and (steps := next_steps(results)):
        logger.info(steps)
    cancel_timers()


def read_plan(results: str) -> Plan:
    """The plan that the main process made, for the jobs that it started. Raises RecordError."""
    folder = Path(results)
    return Plan(results, folder, read_scan(folder)["tracks"], batch_names(folder))


def _shadow(results: Path) -> Path:
    """A temporary folder that stands for results: links to what is read, copies of the rest."""
    shadow = Path(tempfile.mkdtemp(prefix="dropgrid-plan-"))
    atexit.register(shutil.rmtree, shadow, ignore_errors=True)
    for name in ("features", *ANALYSES, "network.npz", "key.npz"):
        if (results / name).exists():
            (shadow / name).symlink_to((results / name).absolute())
    for folder in ("tracks", "batches", "options", "corrections"):
        (shadow / folder).mkdir()
    for name in _names(results / "tracks"):
        (shadow / "tracks" / name).symlink_to((results / "tracks" / name).absolute())
    for folder in ("batches", "options", "corrections"):
        for name in _names(results / folder):
            shutil.copy2(results / folder / name, shadow / folder / name)
    if (results / "scan.json").is_file():
        shutil.copy2(results / "scan.json", shadow / "scan.json")
    return shadow


def _names(folder: Path) -> list[str]:
    """The plain files of ours in a folder."""
    try:
        with os.scandir(folder) as listing:
            return [
                e.name
                for e in listing
                if e.name.endswith((".json", ".done")) and e.is_file(follow_symlinks=False)
            ]
    except OSError:
        return []


def _same(planned: Path, real: Path) -> bool:
    """Whether a planned file is the one in results, or a copy of it."""
    if planned.is_symlink():
        return True
    try:
        return planned.read_bytes() == real.read_bytes()
    except OSError:
        return False
