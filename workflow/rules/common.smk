# Shared by all rules: the validated configuration, the plan of the run, the resources of its jobs.
# The logic is in dropgrid.run (plan.py, job_resources.py, machine_limits.py).
import gc
import json
import math
import os
import shlex
import sys

from dropgrid import __version__ as VERSION
from dropgrid.base.errors import DropgridError
from dropgrid.jobs import warm_server
from dropgrid.run import plan as run
from dropgrid.run.batches import read_batch
from dropgrid.run.job_resources import BATCH_MB, LAST_MB, TRIES, Demands, supervised
from dropgrid.run.interrupts import follow_this_process
from dropgrid.run.machine_limits import caps
from dropgrid.run.scheduling import know_pipes, lighten, look_often
from dropgrid.settings.config import complete_config
from dropgrid.stages import stage_options
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.types import DeploymentMethod
from snakemake_logger_plugin_dropgrid.options import requested

# As a module, dropgrid leaves limits, signals and the end of the run to the other workflow.
MODULE = not TOP
MAIN = workflow.is_main_process
# Otherwise a third of the planning time is Python's search for circular garbage, which repeatedly
# examines all jobs and finds almost nothing.
if MAIN and not MODULE:
    gc.set_threshold(1_000_000)
# Only a real run may write: not a dry run, a graph of the rules or a list.
REQUEST = requested()
REAL = MAIN and not (workflow.output_settings.dryrun or REQUEST.runs_nothing)
# Snakemake has a number of nodes (--jobs) only if the jobs run on a cluster.
CLUSTER = workflow.resource_settings.nodes is not None
# On a cluster's node a job runs once: another attempt gets memory and time from the scheduler.
RETRIES = TRIES - 1 if MAIN else 0

PREFIX = workflow.modifier.path_modifier


def stop(reason):
    """End with a line for users; as a module, with an error of Snakemake's."""
    if MODULE:
        raise WorkflowError(f"dropgrid: {reason}")
    logger.error(f"dropgrid: {reason}")
    sys.exit(1)


if MODULE and (PREFIX.prefix or PREFIX.modifies_prefixes):
    stop("a module takes no prefix; name the folder in its configuration, as `results`")
if workflow.storage_settings.default_storage_provider not in (None, "none"):
    stop(
        "--default-storage-provider: library and results must be in a file system that all jobs"
        " can read; leave the option out, and name mounted folders as library and results"
    )
if workflow.remote_exec and not MAIN:
    follow_this_process()
try:
    config = complete_config(config)
    CAPS = caps(config["max_workers"], workflow.global_resources)
except DropgridError as error:
    stop(error)

# Limits for the sums of memory and workers over the jobs that run here.
for name, cap in CAPS.items() if MAIN and not (CLUSTER or MODULE) else ():
    workflow.register_resource(name, cap)
MEMORY = getattr(workflow.global_resources.get("mem_mb"), "value", None)
DEMANDS = Demands(
    cap_mb=math.inf if MEMORY is None else MEMORY,
    cluster=CLUSTER,
    method=config["bpm"]["method"],
)
ROLE = dict(main=MAIN, real=REAL, cluster=CLUSTER, module=MODULE)


def workers(tracks):
    return DEMANDS.workers(
        workflow.resource_settings.cores, CAPS.get("workers"), tracks
    )


try:
    PLAN = run.plan_run(config, **ROLE, workers=workers, forced=REQUEST.forced)
except (DropgridError, OSError) as error:
    stop(error)
if REAL and not MODULE:
    logger.info(f"dropgrid: results: {PLAN.results}", extra={"results": PLAN.results})
RESULTS, STAGE_OPTIONS, SUPERVISED = PLAN.results, stage_options(config), supervised()
# Jobs run this dropgrid, on PATH or not; with --sdm conda, that of the rules' environment.
DEPLOYMENT = workflow.deployment_settings.deployment_method
PYTHON = "python" if DeploymentMethod.CONDA in DEPLOYMENT else sys.executable
DROPGRID = [PYTHON, "-P", "-m", "dropgrid"]
NETWORKS = [f"{RESULTS}/network.npz", f"{RESULTS}/key.npz"]
# Jobs of single stages are forked from one process that has imported all modules they need.
WARM = REAL and PLAN.batches is None and not (CLUSTER or DEPLOYMENT)
if WARM and warm_server.offer([*DROPGRID, "serve", *NETWORKS]):
    DROPGRID = warm_server.client(PYTHON)
DROPGRID = shlex.join(DROPGRID)


wildcard_constraints:
    batch=r"[0-9]{5}",
    track=r"[a-z0-9][a-z0-9-]*",


def megabytes(first, last=0):
    """mem_mb of a job. first: of its first attempt, or a function of the wildcards that returns it;
    last: the least of the last attempt."""
    return lambda wildcards, attempt: DEMANDS.job_mb(
        first(wildcards) if callable(first) else first, attempt, last
    )


def constant(text):
    """A parameter with a constant text. Braces in a plain string would be wildcards."""
    return lambda wildcards: text


scanned = lambda wildcards: PLAN.path("scan.json")
results_folder = lambda wildcards: RESULTS  # like constant
attempt = lambda wildcards, attempt: attempt
# Functions only where they are needed: Snakemake calls each for every job that it examines, and
# checks a list in several rules once for each rule.
records = lambda wildcards: PLAN.records
ticket = lambda wildcards: PLAN.ticket(wildcards.track)
correction = lambda wildcards: PLAN.correction(wildcards.track)
if PLAN.shadow == Path(RESULTS):
    ticket = f"{RESULTS}/tracks/{{track}}.json"
if not PLAN.corrected:
    correction = []


def features_threads(wildcards):
    return PLAN.threads.get(wildcards.track, 1)


def features_mb(wildcards):
    return DEMANDS.features_mb(
        PLAN.file(wildcards.track), threads=features_threads(wildcards)
    )


def later_mb(wildcards):
    return DEMANDS.later_mb(PLAN.file(wildcards.track))


def options(stage):
    """The options of a stage as one argument; if they change, its jobs run again."""
    return json.dumps(STAGE_OPTIONS[stage], sort_keys=True)


def batch(wildcards):
    return read_batch(Path(PLAN.batch(wildcards.batch)))


def batch_mb(wildcards):
    return DEMANDS.batch_mb(batch(wildcards))


def batch_minutes(wildcards, attempt):
    return DEMANDS.batch_minutes(batch(wildcards), attempt)
