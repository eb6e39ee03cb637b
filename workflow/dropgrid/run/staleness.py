"""Find the stages of a track that have to run because their output is missing or out of date.

An output is out of date if any input of its stage is newer. results/options/{stage}.json is such
an input: it is written when the options of its stage change. options/networks.json is written
when the configuration names other networks. `snakemake --forcerun batch` sets the time of the
options of features, so that everything runs again.
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

from ..apply_corrections.per_track import slice_path
from ..base.errors import LibraryError
from ..base.files import write_if_changed
from ..results.layout import Results
from ..stages import STAGES

NETWORKS = "networks"  # in the options: which networks to use
FEW = 20  # up to this many tracks, the times of files are read one by one
LONG_AGO = 10**9  # nanoseconds since 1970; to Snakemake, 0 means no time


def force(results: Path, rules: Collection[str]) -> None:
    """Make stages of every track run again, as if their options had changed.

    rules: those that the user forces (--forcerun); batch and network stand for all stages.
    """
    now = time.time_ns()  # finer than the times of the file system: newer than what was written
    for rule in rules:
        if rule in STAGES or rule in ("batch", "network"):
            options = Results(results).options(rule if rule in STAGES else "features")
            os.utime(options, ns=(now, now))


def note_options(results: Path, options: Mapping[str, Any]) -> None:
    """Write the options of each stage, and NETWORKS, to results/options, if they changed.

    Raises LibraryError if a file that dropgrid did not write has one of the names, OSError.
    """
    for name in (*STAGES, NETWORKS):
        path = Results(results).options(name)
        if path.is_symlink() or not _is_writable(path):
            raise LibraryError(
                f"results: {path}: was not written by dropgrid and is not overwritten"
            )
        first = not path.exists()
        write_if_changed(path, _as_noted(options.get(name, {})))
        if first and name == NETWORKS:  # keeps results of versions without this file valid
            os.utime(path, ns=(LONG_AGO, LONG_AGO))


def _as_noted(values: Any) -> bytes:
    return json.dumps(values, sort_keys=True, indent=2).encode() + b"\n"


def _is_writable(path: Path) -> bool:
    """Whether nothing is at path, or options that dropgrid wrote."""
    try:
        data = path.read_bytes()
        return not data.strip(b"\0") or data == _as_noted(json.loads(data))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except ValueError:
        return False


def read_options(results: Path) -> dict[str, dict[str, Any]]:
    """The stored options of each stage. Raises OSError, ValueError."""
    return {name: json.loads(Results(results).options(name).read_bytes()) for name in STAGES}


def networks_since(results: Path) -> int:
    """When the networks last changed, in nanoseconds since 1970."""
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

    networks: see networks_since; since: see options_since. Missing features alone cause no work:
    they are made when a record needs them. Structure needs the bpm record, which is made with it.
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
    """stages_due, from the times of each stage's output, of the ticket, and of the corrections."""
    features, bpm, structure, key = made
    newest_input = max(ticket, networks, since["features"])
    bpm_due = not {"bpm", "structure"}.isdisjoint(analyses) and (
        bpm < max(newest_input, features, corrections, since["bpm"])
    )
    structure_due = "structure" in analyses and (
        bpm_due or structure < max(newest_input, features, bpm, corrections, since["structure"])
    )
    key_due = "key" in analyses and key < max(newest_input, features, corrections, since["key"])
    features_due = features < newest_input and (bpm_due or structure_due or key_due)
    due = {"features": features_due, "bpm": bpm_due, "structure": structure_due, "key": key_due}
    return [stage for stage in STAGES if due[stage]]


def tracks_due(
    results: Path, tracks: Sequence[str], analyses: Collection[str]
) -> dict[str, list[str]]:
    """The due stages of each track that has any. All stages are due if no options are stored, or
    if a file of networks is missing, because it will be newer than all outputs."""
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
    """When each file in a folder was written, by its name without suffix. One pass over a folder
    takes a tenth of the time of one stat call per path."""
    with suppress(OSError), os.scandir(folder) as listing:
        return {e.name.rpartition(".")[0]: e.stat().st_mtime_ns for e in listing}
    return {}


def options_since(results: Path) -> dict[str, int] | None:
    """When the options of each stage last changed; None if they are not stored."""
    times = {stage: age(Results(results).options(stage)) for stage in STAGES}
    return None if min(times.values()) < 0 else times


def changed_options(results: Path, options: Mapping[str, Any]) -> dict[str, list[str]]:
    """The options of each stage that differ from the last run; none in a first run."""
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
    """The options of a stage in the last run; None if they are not stored."""
    with suppress(OSError, ValueError):
        values = json.loads(Results(results).options(stage).read_bytes())
        return values if isinstance(values, dict) else None
    return None


def age(path: Path) -> int:
    """When a file was written, in nanoseconds since 1970; -1 if it does not exist."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1
