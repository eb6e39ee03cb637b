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
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from logging import Logger
from pathlib import Path
from typing import Any

from ..base.errors import LibraryError, RecordError
from ..corrections.document import Document
from ..library import Scan, scan
from ..results.corrected import corrections_file, read_corrections, sliced, write_slices
from ..results.layout import Results
from ..results.mark import check_claim, claim, sources, usual
from ..results.noted import note_references
from ..results.prune import empty_cache
from ..results.scanned import read_scan
from ..results.summary import describe, write_summary
from ..results.vanished import refuse_vanished
from ..stages import check_networks, stage_options
from .batches import MISSING, batch_names, batch_size, batches_before, read_batch, write_library
from .closing import next_steps
from .due import force_all, note_options, outdate
from .interrupts import cancel_timers, guard_run
from .recognition import Recognised, recognise, take_over, without
from .upgrade import note_version, told

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
    corrected: the tracks of which something is stated, or was.
    keep_features: False: they are deleted once the records are made, under any name.
    """

    results: str
    shadow: Path
    tracks: Sequence[str]
    batches: Sequence[str]
    corrected: Collection[str] = ()
    keep_features: bool = True

    def ticket(self, track: str) -> str:
        """Where the ticket of a track is."""
        return self.path(f"tracks/{track}.json")

    def correction(self, track: str) -> list[str]:
        """Where what is stated of a track is, if anything ever was."""
        return [self.path(f"corrections/{track}.json")] if track in self.corrected else []

    @property
    def corrections(self) -> str:
        """The folder in which jobs find what is stated of their tracks."""
        return f"{self.results}/corrections"

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


def plan_run(
    config: Mapping[str, Any], *, main: bool, real: bool, cluster: bool, module: bool = False
) -> Plan:
    """The plan of a run; what it stands on is scanned, claimed and guarded.

    config: complete. main: this is the process that the user started, not a job of its own, which
    reads the plan that the main one made. real: it is to run jobs, not only to look. cluster:
    its jobs run elsewhere. module: the run is another workflow's, of which this one is a module;
    nobody calls start_run then. Raises DropgridError, OSError.
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
            note_options(Path(results), stage_options(config))
            note_references(Path(results), config["evaluation"]["references"])
            note_version(Path(results))
        take_over(recognised, found, Path(results), config["analyses"])
    else:
        found = without(found, recognised, Path(results))
    say_recognised(recognised)
    size = batch_size(len(found.tracks), config["tracks_per_job"], cluster)
    source = corrections_file(Path(results), config["corrections"])
    stated = read_corrections(source, needed=config["corrections"] is not None)
    plan = make_plan(found, results, size, config["analyses"], real, stated, source)
    return replace(plan, keep_features=config["keep_features"])


def say_changes(results: Path, options: Mapping[str, Any]) -> None:
    """Tell what is made anew because of an upgrade or another option, and what stays."""
    with suppress(RecordError):  # of a first run
        line = told(results, options, len(read_scan(results)["tracks"]))
        if line:
            print(f"dropgrid: {line}", file=sys.stderr)


def say_recognised(recognised: Recognised) -> None:
    """Tell, before anything else is told, which files are not analysed again."""
    parts = [
        f"{count} {what}"
        for count, what in (
            (len(recognised.kept), "touched or mounted elsewhere"),
            (len(recognised.taken), "renamed, moved or copied"),
        )
        if count
    ]
    if parts:
        print(f"dropgrid: files known again: {', '.join(parts)}", file=sys.stderr)


def start_run(
    plan: Plan,
    options: Mapping[str, Any],
    forced: bool,
    manifests: Sequence[str],
    references: Sequence[str],
    logger: Logger,
) -> None:
    """Before the first job: note since when the options of each stage are what they are.

    forced: all batches are asked for anew. manifests: of the batches that will run; how many
    tracks are in them is told here, elsewhere the jobs tell it. references: of the evaluation,
    noted for the commands that come later. Raises RecordError, OSError.
    """
    note_options(Path(plan.results), options)
    note_references(Path(plan.results), references)
    note_version(Path(plan.results))
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
    if not plan.keep_features:
        empty_cache(results)
    summary = write_summary(results)
    logger.info(describe(summary, results), extra={"summary": summary, "ok": ok})
    if ok and (steps := next_steps(results)):
        logger.info(steps)
    cancel_timers()


def make_plan(
    found: Scan,
    results: str,
    size: int,
    analyses: Collection[str],
    write: bool,
    stated: Document | None = None,
    source: Path | None = None,
) -> Plan:
    """Write what jobs read, into results, or where nothing may be written there beside them.

    size: about how many tracks make a batch; 1 for none. stated: the corrections of the library,
    from the file source. Raises LibraryError, OSError.
    """
    folder = Path(results)
    shadow = folder if write else _shadow(folder)
    digests = write_slices(
        stated or Document(), found.tracks, shadow, folder, source or Results(folder).stated
    )
    tracks, batches = write_library(found, shadow, size, analyses, digests)
    return Plan(results, shadow, tracks, batches, frozenset(digests))


def read_plan(results: str) -> Plan:
    """The plan that the main process made, for the jobs that it started. Raises RecordError."""
    folder = Path(results)
    tracks = read_scan(folder)["tracks"]
    return Plan(results, folder, tracks, batch_names(folder), frozenset(sliced(folder)))


def _shadow(results: Path) -> Path:
    """A temporary folder that stands for results: links to what is read, copies of the rest."""
    shadow = Path(tempfile.mkdtemp(prefix="dropgrid-plan-"))
    atexit.register(shutil.rmtree, shadow, ignore_errors=True)
    for kind in ("bpm", "structure", "key", "loudness"):
        if (results / kind).is_dir():
            (shadow / kind).symlink_to((results / kind).absolute())
    (shadow / "tracks").mkdir()
    (shadow / "batches").mkdir()
    (shadow / "corrections").mkdir()
    for name in _names(results / "corrections"):
        shutil.copy2(results / "corrections" / name, shadow / "corrections" / name)
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
