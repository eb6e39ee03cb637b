"""Which stages of a track have to run, where no Snakemake decides it: within a batch."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base.files import write_if_changed
from ..results.layout import Results
from ..stages import STAGES


def force_all(results: Path) -> None:
    """Have all stages of every track run again, as if the options of features had changed."""
    os.utime(Results(results).options("features"))


def note_options(results: Path, options: Mapping[str, Any]) -> dict[str, int]:
    """Keep the options of each stage in results/options; since when they are what they are.

    options: by stage. The times are nanoseconds since 1970.
    """
    since = {}
    for stage in STAGES:
        values = options.get(stage, {})
        path = Results(results).options(stage)
        write_if_changed(path, json.dumps(values, sort_keys=True, indent=2).encode() + b"\n")
        since[stage] = path.stat().st_mtime_ns
    return since


def stages_due(
    results: Path,
    track: str,
    networks: Sequence[Path],
    since: Mapping[str, int],
    analyses: Collection[str],
) -> list[str]:
    """The stages of a track that have to run: what they wrote is missing or out of date.

    since: see note_options. Features alone are not missed: they are made where a record needs
    them. Structure needs the bpm record; so that is made with it.
    """
    files = Results(results)
    features, bpm, structure, key = (_age(files.output(stage, track)) for stage in STAGES)
    source = max(_age(files.ticket(track)), *map(_age, networks))
    asked = max(source, since["features"])
    bpm_due = not {"bpm", "structure"}.isdisjoint(analyses) and (
        bpm < max(asked, features, since["bpm"])
    )
    structure_due = "structure" in analyses and (
        bpm_due or structure < max(asked, features, bpm, since["structure"])
    )
    key_due = "key" in analyses and key < max(asked, features, since["key"])
    features_due = features < asked and (bpm_due or structure_due or key_due)
    due = {"features": features_due, "bpm": bpm_due, "structure": structure_due, "key": key_due}
    return [stage for stage in STAGES if due[stage]]


def _age(path: Path) -> int:
    """When a file was written, in nanoseconds since 1970; long ago if there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1
