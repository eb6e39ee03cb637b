"""The only module of the simulated world that uses `dropgrid.run`: a run in this process.

A real run passes the due stages to Snakemake, whose jobs call `run_stage`. Here the stages are
called one after another.
"""

from __future__ import annotations

import atexit
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dropgrid.base.errors import TrackError
from dropgrid.correcting.page_edits import apply_page_edits
from dropgrid.correcting.publish import read_corrections, write_slices
from dropgrid.correcting.session import CorrectionSession
from dropgrid.library import scan
from dropgrid.records.model import TrackFailure
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.results.scan_store import write_tickets
from dropgrid.run.missing_library import refuse_vanished
from dropgrid.run.moved_files import recognise, reuse_results
from dropgrid.run.plan import plan_run
from dropgrid.run.staleness import NETWORKS, note_options, read_options, tracks_due
from dropgrid.stages import STAGES, run_stage, stage_options, write_failure

Config = Mapping[str, Any]


def begin(results: Path) -> None:
    """A folder of results that already has its networks."""
    files = Results(results)
    results.mkdir(parents=True)
    (results / ".dropgrid").write_bytes(b"")  # an empty file has no owner
    (results / ".dropgrid").unlink()
    claim(results, ["/nowhere"])
    files.network.touch()
    files.key_network.touch()


def bring_up_to_date(
    config: Config, results: Path, between: Callable[[], None] = lambda: None
) -> int:
    """Run, and return the number of stages. between: called before each. Raises DropgridError."""
    library = config["library"]
    found = scan(library, apart=str(results))
    refuse_vanished(found, [library], results)
    recognised = recognise(found, results)
    claim(results, [library])
    reuse_results(recognised, found, results, config["analyses"])
    source = Path(config["corrections"])
    for line in apply_page_edits(CorrectionSession(Results(results), source)):
        print(line, file=sys.stderr)
    write_slices(read_corrections(source), found.tracks, results, results, source)
    tracks = write_tickets(found, results)
    networks = {"bpm": config["bpm"]["method"], "key": config["key"]["method"]}
    note_options(results, {**stage_options(config), NETWORKS: networks})
    due = tracks_due(results, tracks, config["analyses"])
    for track, stages in due.items():
        for stage in stages:
            between()
            _run_stage(Results(results), track, stage)
    return sum(map(len, due.values()))


def look(config: Config, results: Path) -> None:
    """A dry run's plan of the library. Raises DropgridError."""
    plan = plan_run({**config, "results": str(results)}, main=True, real=False, cluster=False)
    if plan.shadow != results:
        shutil.rmtree(plan.shadow)
        atexit.unregister(shutil.rmtree)  # the folder is already deleted


def _run_stage(files: Results, track: str, stage: str) -> None:
    paths = {n: files.output(n, track) for n in STAGES[stage].inputs if n in STAGES}
    if stage == "features":
        paths = {
            "network": files.network, "key_network": files.key_network,
            "identity": files.identity(track), "cache": files.cache,
        }  # fmt: skip
    else:
        paths["corrections"] = files.corrections
    paths |= {"ticket": files.ticket(track), "output": files.output(stage, track)}
    try:
        run_stage(stage, paths, read_options(files.folder)[stage], 1)
    except TrackError as error:
        write_failure(stage, paths, TrackFailure(stage, type(error).__name__, str(error)))
