"""What a run of the workflow stands on: is it a real one, and the plan of its tracks and batches.

Snakemake reads the Snakefile before it knows what to do, for a dry run, a picture of the rules or
a list as well. Only a real run may write: for the others the tickets and manifests that it would
write are made in a temporary folder, and the rules take those of tracks that changed from there.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from logging import Logger
from pathlib import Path
from typing import Any

from ..library import Scan, scan
from ..results.layout import Results
from ..results.mark import check_claim, claim, sources, usual
from ..results.scanned import read_scan
from ..results.summary import describe, write_summary
from .batches import MISSING, batch_names, batch_size, batches_before, read_batch, write_library
from .due import force_all, note_options
from .interrupts import cancel_timers, guard_run

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


@dataclass(frozen=True)
class Plan:
    """The tracks and batches of a run, by id, and where the files are that jobs read.

    shadow: the folder that holds what a real run would write; results itself in a real run.
    """

    results: str
    shadow: Path
    tracks: Sequence[str]
    batches: Sequence[str]

    def ticket(self, track: str) -> str:
        """Where the ticket of a track is."""
        return self.path(f"tracks/{track}.json")

    def records(self, analyses: Iterable[str]) -> list[str]:
        """What stands for the records of all tracks: themselves, or the batches they are in."""
        if self.batches:
            return [self.done(batch) for batch in self.batches]
        return [
            f"{self.results}/{kind}/{track}.json" for kind in analyses for track in self.tracks
        ]

    def done(self, batch: str) -> str:
        """What says that a batch is done."""
        return f"{self.results}/batches/{batch}.done"

    def batch_needs(self, batch: str, networks: Sequence[str]) -> list[str]:
        """What a batch needs beside its manifest; one that gathers nothing needs nothing."""
        before = batches_before(Path(self.batch(batch)))
        if batch.startswith(MISSING) and not before:
            return []
        return [*networks, *map(self.done, before)]

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


def plan_run(config: Mapping[str, Any], *, main: bool, real: bool, cluster: bool) -> Plan:
    """The plan of a run; what it stands on is scanned, claimed and guarded.

    config: complete. main: this is the process that the user started, not a job of its own, which
    reads the plan that the main one made. real: it is to run jobs, not only to look. cluster:
    its jobs run elsewhere. Raises DropgridError, OSError.
    """
    results = usual(config["results"])
    if not main:
        return read_plan(results)
    check_claim(Path(results), sources(config["library"]))
    found = scan(config["library"], apart=results)
    if real:
        # Signals reach the jobs at once, jobs never outlive the run, left-overs are removed.
        claim(Path(results), sources(config["library"]))
        guard_run(Path(results), jobs_elsewhere=cluster)
    size = batch_size(len(found.tracks), config["tracks_per_job"], cluster)
    return make_plan(found, results, size, config["analyses"], write=real)


def start_run(
    plan: Plan,
    options: Mapping[str, Any],
    forced: bool,
    manifests: Sequence[str],
    logger: Logger,
) -> None:
    """Before the first job: note since when the options of each stage are what they are.

    forced: all batches are asked for anew. manifests: of the batches that will run; how many
    tracks are in them is told here, elsewhere the jobs tell it. Raises RecordError, OSError.
    """
    note_options(Path(plan.results), options)
    if forced and plan.batches:
        force_all(Path(plan.results))
    if manifests:
        count = sum(len(read_batch(Path(manifest))) for manifest in manifests)
        told = {"tracks_in_batches": count}
        logger.info(f"dropgrid: tracks to analyse: {count}", extra=told)


def end_run(plan: Plan, ok: bool, logger: Logger) -> None:
    """After the last job: what became of the library, and how to try failed tracks again.

    ok: Snakemake calls it a success. Raises RecordError, OSError.
    """
    results = Path(plan.results)
    said = Results(results).network_log
    if said.exists() and (warning := said.read_text().strip()):
        logger.warning(warning)
    summary = write_summary(results)
    logger.info(describe(summary, results), extra={"summary": summary, "ok": ok})
    cancel_timers()


def make_plan(
    found: Scan, results: str, size: int, analyses: Collection[str], write: bool
) -> Plan:
    """Write what jobs read, into results, or where nothing may be written there beside them.

    size: about how many tracks make a batch; 1 for none. Raises OSError.
    """
    shadow = Path(results) if write else _shadow(Path(results))
    tracks, batches = write_library(found, shadow, size, analyses)
    return Plan(results, shadow, tracks, batches)


def read_plan(results: str) -> Plan:
    """The plan that the main process made, for the jobs that it started. Raises RecordError."""
    folder = Path(results)
    return Plan(results, folder, read_scan(folder)["tracks"], batch_names(folder))


def _shadow(results: Path) -> Path:
    """A temporary folder that stands for results: links to what is read, copies of the rest."""
    shadow = Path(tempfile.mkdtemp(prefix="dropgrid-plan-"))
    atexit.register(shutil.rmtree, shadow, ignore_errors=True)
    for kind in ("bpm", "structure", "key", "loudness"):
        if (results / kind).is_dir():
            (shadow / kind).symlink_to((results / kind).absolute())
    (shadow / "tracks").mkdir()
    (shadow / "batches").mkdir()
    for name in _names(results / "tracks"):
        (shadow / "tracks" / name).symlink_to((results / "tracks" / name).absolute())
    for name in _names(results / "batches"):
        shutil.copy2(results / "batches" / name, shadow / "batches" / name)
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
