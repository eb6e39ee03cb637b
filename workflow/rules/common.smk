# Shared by all rules: the checked configuration, the scanned library, the machine's limits.
import json
import math
import os
import shlex
import sys

from dropgrid.base.errors import DropgridError
from dropgrid.features import memory
from dropgrid.library import fingerprint, scan
from dropgrid.records.model import BpmRecord
from dropgrid.records.ticket import read_ticket
from dropgrid.results.mark import check_claim, claim, sources, usual
from dropgrid.results.summary import describe, write_summary
from dropgrid.run import resources as machine
from dropgrid.run.batches import (
    MISSING,
    batch_size,
    batches_before,
    read_batch,
)
from dropgrid.run.due import force_all, note_options
from dropgrid.run.interrupts import cancel_timers, follow_this_process, guard_run
from dropgrid.run.workflow import make_plan, only_looks, read_plan
from dropgrid.settings.config import complete_config
from dropgrid.stages import feature_options
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

try:
    config = complete_config(config)
except DropgridError as error:
    raise WorkflowError(f"The configuration is not valid.\n{error}") from None

# Only a real run may write: not a dry run, nor whatever else only looks.
REAL = workflow.is_main_process and not (
    workflow.output_settings.dryrun or only_looks(sys.argv[1:])
)
TRIES = 3  # of a job that failed for the machine's sake: memory, disk, a crash, the time cap
# On a cluster's node a job is tried once: another try gets its memory and time from the scheduler.
RETRIES = TRIES - 1 if workflow.is_main_process else 0


wildcard_constraints:
    track=r"[a-z0-9][a-z0-9-]*",
    batch=r"(missing-)?[0-9]{5}",


# Jobs of a cluster: Snakemake has their number, --jobs, only where they do not run here.
CLUSTER = workflow.resource_settings.nodes is not None


def plan_run():
    """The plan of the main process; the jobs that it starts elsewhere read what it found."""
    results = usual(config["results"])
    if not workflow.is_main_process:
        if workflow.remote_exec:
            follow_this_process()
        return read_plan(results)
    check_claim(Path(results), sources(config["library"]))
    found = scan(config["library"], apart=results)
    if REAL:
        # Signals reach the jobs at once, jobs never outlive the run, left-overs are removed.
        claim(Path(results), sources(config["library"]))
        guard_run(Path(results), jobs_elsewhere=CLUSTER)
    size = batch_size(len(found.tracks), config["tracks_per_job"], CLUSTER)
    return make_plan(found, results, size, config["analyses"], write=REAL)


try:
    PLAN = plan_run()
except (DropgridError, OSError) as error:
    raise WorkflowError(str(error)) from None
RESULTS, TRACKS, BATCHES = PLAN.results, PLAN.tracks, PLAN.batches


def ticket(wildcards):
    return PLAN.path(f"tracks/{wildcards.track}.json")


def scanned(wildcards):
    return PLAN.path("scan.json")


def manifest(wildcards):
    return PLAN.batch(wildcards.batch)


# What stands for the records of all tracks: the records themselves, or the batches they are in.
RECORDS = (
    expand(f"{RESULTS}/batches/{{batch}}.done", batch=BATCHES)
    if BATCHES
    else expand(
        f"{RESULTS}/{{analysis}}/{{track}}.json",
        analysis=config["analyses"],
        track=TRACKS,
    )
)
STAGE_OPTIONS = {
    "bpm": {
        **config["bpm"],
        "ignore_metadata": config["ignore_metadata"],
        "schema_version": BpmRecord.VERSION,
    },
    "structure": config["structure"],
    "key": config["key"],
    "features": feature_options(config),
}


def cap_resource(name, amount):
    """Limit the sum of a resource over the jobs running here, unless --resources does."""
    given = {key.removesuffix("_mb") for key in workflow.global_resources}
    if (
        workflow.is_main_process
        and not CLUSTER
        and name.removesuffix("_mb") not in given
    ):
        workflow.register_resource(name, amount)


WORKERS = machine.worker_cap(config["max_workers"], os.environ)
cap_resource("mem_mb", machine.safe_memory_mb())
if WORKERS:
    cap_resource("workers", WORKERS)


# A cluster counts what runs a job there too: Slurm's step and Snakemake, twice, 100 MB each.
NODE_MB = 250 if CLUSTER else 0


def megabytes(base, last=0):
    """mem_mb of a job: more on every try, within what all jobs together may have.

    base: MB of the first try, or a function of the wildcards that tells them. last: MB that the
    last try has at least.
    """
    given = workflow.global_resources
    cap = given["mem_mb"].value if "mem_mb" in given else math.inf

    def amount(wildcards, attempt):
        first = base(wildcards) if callable(base) else base
        wanted = max(first * attempt, last if attempt >= TRIES else 0)
        return min(wanted + NODE_MB, cap)

    return amount


def likely_minutes(track):
    return memory.minutes(track.path, track.size)


def of_track(megabytes):
    """A function of minutes as one of the wildcards: by the length the track's file can have."""

    def amount(wildcards):
        return megabytes(likely_minutes(read_ticket(Path(ticket(wildcards)))))

    return amount


def features_megabytes(minutes):
    return memory.megabytes(minutes, librosa=config["bpm"]["method"] == "librosa")


# The last try is for files that are far longer than their size tells: loops, silence, one tone.
LAST_MB = memory.megabytes(memory.LONG)
BATCH_MB = 200  # of a batch's job itself, beside the track it is at


def batch_megabytes(wildcards):
    """What the job of a batch takes with the longest of its tracks."""
    tracks = read_batch(Path(manifest(wildcards)))
    return BATCH_MB + features_megabytes(max(map(likely_minutes, tracks), default=0))


def batch_needs(wildcards):
    """What a batch needs beside its manifest; one that gathers nothing needs nothing."""
    before = batches_before(Path(manifest(wildcards)))
    if wildcards.batch.startswith(MISSING) and not before:
        return []
    return [
        *rules.network.output,
        *expand(f"{RESULTS}/batches/{{batch}}.done", batch=before),
    ]


def results_folder(wildcards):
    return RESULTS


def attempt(wildcards, attempt):
    return attempt


def options(values):
    """Options of a stage as one shell-safe argument; a change of them makes its jobs run again."""
    return json.dumps(values, sort_keys=True)


def start_run():
    """Before the first job: note since when the options are what they are."""
    if workflow.is_main_process:
        note_options(Path(RESULTS), STAGE_OPTIONS)
        forced = workflow.dag_settings
        if BATCHES and (forced.forceall or "batch" in forced.forcerun):
            force_all(Path(RESULTS))
        say_tracks_in_batches()


def say_tracks_in_batches():
    """How many tracks there are to do; where they are not in batches, the jobs tell."""
    jobs = [j for j in workflow.dag.needrun_jobs() if j.rule.name == "batch"]
    if jobs:
        count = sum(len(read_batch(Path(job.input.manifest))) for job in jobs)
        logger.info(
            f"dropgrid: tracks to analyse: {count}",
            extra={"tracks_in_batches": count},
        )


def say_summary(ok):
    """At the end of a run: what became of the library, and how to try failed tracks again."""
    if workflow.is_main_process:
        said = Path(RESULTS, "logs", "network.log")
        if said.exists() and (warning := said.read_text().strip()):
            logger.warning(warning)
        summary = write_summary(Path(RESULTS))
        logger.info(
            describe(summary, Path(RESULTS)), extra={"summary": summary, "ok": ok}
        )
        cancel_timers()


def sample_arguments(evaluation):
    """Which tracks to evaluate: all, or as many as sample_size, drawn with sample_seed."""
    size, seed = evaluation["sample_size"], evaluation["sample_seed"]
    return f"--sample-size {size} --sample-seed {seed}" if size else ""


# The end of every per-track command: its limits, and where its messages go. Its own time cap is
# a little under its runtime, so that it can still say so.
SUPERVISED = (
    "--memory-mb {resources.mem_mb} --time-limit $(( {resources.runtime} * 60 - 20 ))"
    " --attempt {resources.attempt} --attempts %d > {log:q} 2>&1" % TRIES
)

# Rules call `dropgrid`: that of the Python which runs the workflow, on PATH or not.
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")
