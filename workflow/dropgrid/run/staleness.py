"""Which stages of a track have to run: what they wrote is missing or out of date.

Nothing that a stage reads may be younger than what it wrote. results/options/{stage}.json is such
an input too: it is written when the options of its stage change, options/networks.json when
other networks are asked for, and that of features once all has been asked for anew
(`snakemake --forcerun batch`).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..base.errors import LibraryError
from ..base.files import write_if_changed
from ..corrections.per_track import slice_path
from ..results.layout import Results
from ..stages import STAGES

NETWORKS = "networks"  # in the options: which networks there are to be
FEW = 20  # tracks whose files are looked at one by one
LONG_AGO = 10**9  # nanoseconds since 1970; Snakemake takes 0 for no time at all


def force(results: Path, rules: Collection[str]) -> None:
    """Have stages of every track run again, as if their options had changed.

    rules: that Snakemake was asked to run anew; those that are no stage's stand for all stages.
    """
    now = time.time_ns()  # finer than the system's own times: younger than what was just written
    for rule in rules:
        if rule in STAGES or rule in ("batch", "network"):
            options = Results(results).options(rule if rule in STAGES else "features")
            os.utime(options, ns=(now, now))


def note_options(results: Path, options: Mapping[str, Any]) -> None:
    """Keep the options of each stage, and NETWORKS, in results/options, if they changed.

    Raises LibraryError where somebody else's file stands in the place of one, OSError.
    """
    for name in (*STAGES, NETWORKS):
        path = Results(results).options(name)
        if path.is_symlink() or not _may_be_ours(path):
            raise LibraryError(
                f"results: {path}: was not written by dropgrid; nothing is written over it"
            )
        first = not path.exists()
        write_if_changed(path, _as_noted(options.get(name, {})))
        if first and name == NETWORKS:  # results of a version that did not note them stay good
            os.utime(path, ns=(LONG_AGO, LONG_AGO))


def _as_noted(values: Any) -> bytes:
    return json.dumps(values, sort_keys=True, indent=2).encode() + b"\n"


def _may_be_ours(path: Path) -> bool:
    """Whether there is nothing at path, or options as they are noted."""
    try:
        data = path.read_bytes()
        return not data.strip(b"\0") or data == _as_noted(json.loads(data))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except ValueError:
        return False


def read_options(results: Path) -> dict[str, dict[str, Any]]:
    """The options of each stage as noted. Raises OSError, ValueError."""
    return {name: json.loads(Results(results).options(name).read_bytes()) for name in STAGES}


def networks_since(results: Path) -> int:
    """Since when the networks are what they are."""
    files = Results(results)
    return max(age(files.network), age(files.key_network))


def stages_due(
    results: Path,
    track: str,
    networks: int,
    since: Mapping[str, int],
    analyses: Collection[str],
) -> list[str]:
    """The stages of a track that have to run.

    networks: see networks_since; since: see options_since. Features alone are not missed: they
    are made where a record needs them. Structure needs the bpm record; so that is made with it.
    """
    files = Results(results)
    made = [age(files.output(stage, track)) for stage in STAGES]
    ages_of_inputs = age(files.ticket(track)), age(slice_path(files.corrections, track))
    return _due(made, *ages_of_inputs, networks, since, analyses)


def _due(
    made: Sequence[int],
    ticket: int,
    corrections: int,
    networks: int,
    since: Mapping[str, int],
    analyses: Collection[str],
) -> list[str]:
    """stages_due, from the ages of what each stage made, of the ticket, and of the corrections."""
    features, bpm, structure, key = made
    asked = max(ticket, networks, since["features"])
    bpm_due = not {"bpm", "structure"}.isdisjoint(analyses) and (
        bpm < max(asked, features, corrections, since["bpm"])
    )
    structure_due = "structure" in analyses and (
        bpm_due or structure < max(asked, features, bpm, corrections, since["structure"])
    )
    key_due = "key" in analyses and key < max(asked, features, corrections, since["key"])
    features_due = features < asked and (bpm_due or structure_due or key_due)
    due = {"features": features_due, "bpm": bpm_due, "structure": structure_due, "key": key_due}
    return [stage for stage in STAGES if due[stage]]


def tracks_due(
    results: Path, tracks: Sequence[str], analyses: Collection[str]
) -> dict[str, list[str]]:
    """The stages that are due, of each track that has any; all, where no options are noted or a
    file of networks is missing, which will be younger than all else."""
    files = Results(results)
    since = options_since(results) or dict.fromkeys(STAGES, sys.maxsize)
    networks = max(networks_since(results), age(files.options(NETWORKS)))
    if min(age(files.network), age(files.key_network)) < 0:
        networks = sys.maxsize
    outputs = [files.output(stage, "x").parent for stage in STAGES]
    folders = [*outputs, files.ticket("x").parent, files.corrections]
    *made, tickets, corrections = (
        map(_ages, folders) if len(tracks) > FEW else ({},) * len(folders)
    )
    due = {}
    for track in tracks:
        if len(tracks) > FEW:
            ages = [folder.get(track, -1) for folder in made]
            ages_of_inputs = tickets.get(track, -1), corrections.get(track, -1)
            stages = _due(ages, *ages_of_inputs, networks, since, analyses)
        else:
            stages = stages_due(results, track, networks, since, analyses)
        if stages:
            due[track] = stages
    return due


def _ages(folder: Path) -> dict[str, int]:
    """When each file in a folder was written, by its name without suffix: one pass over a folder
    takes a tenth of what looking for its files by their paths does."""
    with suppress(OSError), os.scandir(folder) as listing:
        return {e.name.rpartition(".")[0]: e.stat().st_mtime_ns for e in listing}
    return {}


def options_since(results: Path) -> dict[str, int] | None:
    """Since when the options of each stage are what they are; None where that was not noted."""
    times = {stage: age(Results(results).options(stage)) for stage in STAGES}
    return None if min(times.values()) < 0 else times


def changed_options(results: Path, options: Mapping[str, Any]) -> dict[str, list[str]]:
    """The options of each stage that are others than in the last run; none at the first."""
    changed = {}
    for stage in STAGES:
        before = noted_options(results, stage)
        now = json.loads(json.dumps(options.get(stage, {})))
        if before is not None and before != now:
            names = sorted({*before, *now})
            changed[stage] = [n for n in names if before.get(n, _NONE) != now.get(n, _NONE)]
    return changed


_NONE = object()


def noted_options(results: Path, stage: str) -> dict[str, Any] | None:
    """The options of a stage in the last run; None where they were not noted."""
    with suppress(OSError, ValueError):
        values = json.loads(Results(results).options(stage).read_bytes())
        return values if isinstance(values, dict) else None
    return None


def age(path: Path) -> int:
    """When a file was written, in nanoseconds since 1970; long ago if there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1
