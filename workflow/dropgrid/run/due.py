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
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base.errors import LibraryError
from ..base.files import write_if_changed
from ..corrections.slices import slice_path
from ..results.layout import Results
from ..stages import STAGES

NETWORKS = "networks"  # in the options: which networks there are to be


def force_all(results: Path) -> None:
    """Have all stages of every track run again, as if the options of features had changed."""
    os.utime(Results(results).options("features"))


def note_options(results: Path, options: Mapping[str, Any]) -> None:
    """Keep the options of each stage, and NETWORKS, in results/options, if they changed.

    Raises LibraryError where somebody else's file stands in the place of one, OSError.
    """
    for name in (*STAGES, NETWORKS):
        path = Results(results).options(name)
        if not path.is_symlink() and not _may_be_ours(path):
            raise LibraryError(
                f"results: {path}: was not written by dropgrid; nothing is written over it"
            )
        write_if_changed(path, _as_noted(options.get(name, {})))


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


def options_since(results: Path) -> dict[str, int]:
    """Since when the options of each stage are what they are, in nanoseconds since 1970."""
    files = Results(results)
    return {name: _age(files.options(name)) for name in (*STAGES, NETWORKS)}


def networks_since(results: Path) -> int:
    """Since when the networks are what they are; for ever to come if there are none yet."""
    files = Results(results)
    ages = [_age(files.network), _age(files.key_network)]
    return max(ages) if min(ages) >= 0 else sys.maxsize


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
    features, bpm, structure, key = (_age(files.output(stage, track)) for stage in STAGES)
    stated = _age(slice_path(files.corrections, track))
    asked = max(_age(files.ticket(track)), networks, since["features"])
    bpm_due = not {"bpm", "structure"}.isdisjoint(analyses) and (
        bpm < max(asked, features, stated, since["bpm"])
    )
    structure_due = "structure" in analyses and (
        bpm_due or structure < max(asked, features, bpm, stated, since["structure"])
    )
    key_due = "key" in analyses and key < max(asked, features, stated, since["key"])
    features_due = features < asked and (bpm_due or structure_due or key_due)
    due = {"features": features_due, "bpm": bpm_due, "structure": structure_due, "key": key_due}
    return [stage for stage in STAGES if due[stage]]


def tracks_due(
    results: Path, tracks: Sequence[str], analyses: Collection[str]
) -> dict[str, list[str]]:
    """The stages that are due, of each track that has any."""
    since = options_since(results)
    networks = max(networks_since(results), since[NETWORKS])
    found = ((track, stages_due(results, track, networks, since, analyses)) for track in tracks)
    return {track: due for track, due in found if due}


def _age(path: Path) -> int:
    """When a file was written, in nanoseconds since 1970; long ago if there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return -1
