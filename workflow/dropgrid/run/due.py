"""Which stages of a track have to run, where no Snakemake decides it: within a batch."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..base.files import write_if_changed

STAGES = ("features", "bpm", "structure")


def force_all(results: Path) -> None:
    """Have all stages of every track run again, as if the options of features had changed."""
    path = results / "options" / "features.json"
    write_if_changed(path, b"{}\n")
    os.utime(path)


def note_options(results: Path, options: Mapping[str, Any]) -> dict[str, int]:
    """Keep the options of each stage in results/options; since when they are what they are.

    options: by stage; features have none. The times are nanoseconds since 1970.
    """
    since = {"features": _age(results / "options" / "features.json")}
    for stage, values in options.items():
        path = results / "options" / f"{stage}.json"
        write_if_changed(path, json.dumps(values, sort_keys=True, indent=2).encode() + b"\n")
        since[stage] = path.stat().st_mtime_ns
    return since


def stages_due(
    results: Path, track: str, network: Path, since: Mapping[str, int], analyses: Collection[str]
) -> list[str]:
    """The stages of a track that have to run: what they wrote is missing or out of date.

    since: see note_options. Features alone are not missed: they are made where a record needs
    them. Structure needs the bpm record; so that is made whatever the analyses.
    """
    features = _age(results / "features" / f"{track}.npz")
    bpm = _age(results / "bpm" / f"{track}.json")
    structure = _age(results / "structure" / f"{track}.json")
    source = max(_age(results / "tracks" / f"{track}.json"), _age(network))
    asked = max(source, since["features"])
    bpm_due = bpm < max(asked, features, since["bpm"])
    structure_due = "structure" in analyses and (
        bpm_due or structure < max(asked, features, bpm, since["structure"])
    )
    features_due = features < asked and (bpm_due or structure_due)
    due = {"features": features_due, "bpm": bpm_due, "structure": structure_due}
    return [stage for stage in STAGES if due[stage]]


def _age(path: Path) -> int:
    """When a file was written, in nanoseconds since 1970; long ago if there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1
