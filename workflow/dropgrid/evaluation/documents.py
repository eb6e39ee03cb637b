"""The evaluation as JSON and CSV, without time stamps: the same input gives the same bytes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

import numpy as np

from .. import __version__
from ..base.csv_tables import csv_bytes
from ..base.json_documents import DECIMALS, SCHEMA_VERSION, json_lines
from ..base.optional_packages import has
from ..records.model import LABELS
from ..references.matching import LeftOut
from . import aggregate, beats, bootstrap, calibration, key, structure, tempo
from .bootstrap import Estimate
from .rows import Row
from .score import EvaluationOptions, Gathered

SCHEMA = "dropgrid/evaluation"
SOFTWARE = ("mir_eval", "numpy", "scipy")
LEFT_OUT_COLUMNS = ("source", "key", "reason")

Json = dict[str, Any]


def documents(gathered: Gathered, options: EvaluationOptions) -> dict[str, Json]:
    """The JSON documents, by task."""
    seed, rows = options.sample_seed, gathered.rows
    tempo_options = {
        "accuracy_tolerance": tempo.TOLERANCE,
        "within_bpm": tempo.WITHIN,
    }
    beat_options = {"window_seconds": beats.WINDOW, "trim_seconds": 0.0}
    structure_options = {"windows_seconds": structure.WINDOWS, "frame_seconds": structure.FRAME}
    return {
        "bpm": {
            **_head("bpm", gathered, options, tempo_options, rows.bpm),
            "systems": _by_system(rows.bpm, seed, aggregate.tempo_measures),
            "decided_by_tag": list(rows.decided_by_tag),
            "octaves": {
                system: aggregate.octaves(row for row in rows.bpm if row["system"] == system)
                for system in aggregate.systems(rows.bpm)
            },
            "strata": _plain(aggregate.strata(rows.bpm, seed, aggregate.tempo_measures)),
            "calibration": calibration.reliability([c for c in rows.claims if c[0] != "key"]),
        },
        "beats": {
            **_head("beats", gathered, options, beat_options, rows.beats),
            "systems": _by_system(rows.beats, seed, aggregate.means),
            "strata": _plain(aggregate.strata(rows.beats, seed)),
            "downbeats": {
                "tracks": _tracks(rows.downbeats),
                "systems": _by_system(rows.downbeats, seed, aggregate.means),
                "strata": _plain(aggregate.strata(rows.downbeats, seed)),
            },
        },
        "structure": {
            **_head("structure", gathered, options, structure_options, rows.structure),
            "systems": _by_system(rows.structure, seed, aggregate.means),
            "strata": _plain(aggregate.strata(rows.structure, seed)),
            "labels": _plain(aggregate.label_measures(rows.confusions, seed)),
            "label_accuracy": _plain(aggregate.accuracy_of_labels(rows.confusions, seed)),
            "confusion": {
                "labels": list(LABELS),
                "seconds": _seconds(gathered),
                "rows": "annotated",
                "columns": "estimated",
            },
        },
        "key": {
            **_head("key", gathered, options, {"weights": key.MIREX}, rows.key),
            "systems": _by_system(rows.key, seed, aggregate.means),
            "errors": {
                system: aggregate.key_errors(row for row in rows.key if row["system"] == system)
                for system in aggregate.systems(rows.key)
            },
            "strata": (strata := _plain(aggregate.strata(rows.key, seed))),
            "genres": strata["genre"],  # its place before there were tempo ranges
            "calibration": calibration.reliability([c for c in rows.claims if c[0] == "key"]),
        },
    }


def _seconds(gathered: Gathered) -> list[list[float]]:
    if not gathered.rows.confusions:
        return []
    frames = np.sum(gathered.rows.confusions, axis=0)
    return [[float(n) * structure.FRAME for n in row] for row in frames]


def _head(
    task: str,
    gathered: Gathered,
    options: EvaluationOptions,
    task_options: Mapping[str, Any],
    rows: Sequence[Row],
) -> Json:
    reasons = Counter(left_out.reason.partition(":")[0] for left_out in gathered.left_out)
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "task": task,
        "tracks": _tracks(rows),
        "library": {
            "tracks": gathered.tracks,
            "with_reference": gathered.referenced,
            "sampled": gathered.evaluated,
            "references_found_by": gathered.ways,
            "references_left_out": dict(sorted(reasons.items())),
        },
        "options": asdict(options)
        | dict(task_options)
        | {"bootstrap_resamples": bootstrap.RESAMPLES, "confidence_interval": 0.95},
        "software": {"dropgrid": __version__}
        | {name: metadata.version(name) for name in SOFTWARE if has(name)},
    }


def _tracks(rows: Iterable[Row]) -> int:
    return len({row["track"] for row in rows})


def _by_system(rows: Sequence[Row], seed: int, measure: Any) -> Json:
    return {
        system: _plain(
            aggregate.with_answered(
                measure, [row for row in rows if row["system"] == system], seed
            )
        )
        for system in aggregate.systems(rows)
    }


def _plain(value: Any) -> Any:
    """Estimates as dicts and NaN as None, recursively."""
    if isinstance(value, Estimate):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def json_bytes(document: Json) -> bytes:
    """The bytes of a document."""
    return json_lines(document)


def rows_csv(rows: Sequence[Row]) -> bytes:
    """A row per track and system; a metric that a track does not have is empty."""
    columns = list(dict.fromkeys([*aggregate.COMMON, *(name for row in rows for name in row)]))
    return _csv(columns, ([row.get(name) for name in columns] for row in rows))


def left_out_csv(gathered: Gathered) -> bytes:
    """References that were not used, with reasons, and the tracks without a reference."""
    missing = (LeftOut("", track, "no reference") for track in gathered.without_reference)
    listed = [*gathered.left_out, *missing]
    return _csv(LEFT_OUT_COLUMNS, ([item.source, item.key, item.reason] for item in listed))


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    return csv_bytes(columns, ([_cell(value) for value in row] for row in rows))


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0 if math.isfinite(value) else ""
    return value
