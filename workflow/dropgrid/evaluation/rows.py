"""The rows of the evaluation: for each track with a reference, each system's metrics.

A row is a dict: track, path, genre, reference (the file it came from), system, and the task's
metrics. `dropgrid` is the record; the other systems are baselines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..key import notation
from ..records.model import AnyRecord, BpmRecord, KeyRecord, StructureRecord
from ..references.checks import MAX_TIME
from ..references.collect import TAGS
from ..references.matching import LeftOut, Reference
from . import baselines, beats, key, structure, tempo

PRODUCT = "dropgrid"
MEDIAN_INTERVAL, TAG, EIGHT_BARS = "median_interval", "tag", "eight_bars"

Row = dict[str, Any]


@dataclass
class Rows:
    """What the tracks gave: rows by task, label confusion by track, and what was left out."""

    bpm: list[Row] = field(default_factory=list)
    beats: list[Row] = field(default_factory=list)
    downbeats: list[Row] = field(default_factory=list)
    structure: list[Row] = field(default_factory=list)
    key: list[Row] = field(default_factory=list)
    confusions: list[npt.NDArray[np.int64]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def extend(self, other: Rows) -> None:
        """Append the rows of other tracks."""
        self.bpm += other.bpm
        self.beats += other.beats
        self.downbeats += other.downbeats
        self.structure += other.structure
        self.key += other.key
        self.confusions += other.confusions
        self.left_out += other.left_out


def add_rhythm(rows: Rows, reference: Reference, record: BpmRecord) -> None:
    """Score a track's tempo, beats and downbeats, as far as the reference speaks of them."""
    if record.status != "ok":
        _leave_out(rows, reference, ("bpm", "beats", "downbeats"), record)
        return
    genre = reference.genre or record.tags.get("genre") or None
    if reference.bpm is not None:
        for system, estimate in _tempi(reference, record).items():
            rows.bpm.append(
                _row(reference, record.path, genre, "bpm", system)
                | {"reference_bpm": reference.bpm, "estimated_bpm": estimate}
                | tempo.evaluate(reference.bpm, estimate)
            )
    for name, table in (("beats", rows.beats), ("downbeats", rows.downbeats)):
        annotated: Sequence[float] | None = getattr(reference, name)
        if annotated is None:
            continue
        estimated = [time for time in getattr(record, name) if time <= MAX_TIME]
        systems: dict[str, list[float]] = {
            PRODUCT: estimated,
            MEDIAN_INTERVAL: baselines.median_interval_beats(estimated),
        }
        for system, times in systems.items():
            common = _row(reference, record.path, genre, name, system)
            table.append(common | beats.evaluate(annotated, times))


def _tempi(reference: Reference, record: BpmRecord) -> dict[str, float | None]:
    """Each system's tempo. Against a tag, the answer must not be the tag itself."""
    from_tag = reference.origins["bpm"] == TAGS
    circular = from_tag and record.source == "metadata"
    tempi = {
        PRODUCT: record.bpm_computed if circular else record.bpm,
        MEDIAN_INTERVAL: baselines.median_interval_bpm(record.beats),
    }
    if record.tag_bpm and not from_tag:
        tempi[TAG] = record.tag_bpm
    return tempi


def add_structure(
    rows: Rows, reference: Reference, record: StructureRecord, rhythm: BpmRecord | None
) -> None:
    """Score a track's sections; rhythm is for the eight-bar baseline and the genre."""
    if record.status != "ok" or record.duration is None:
        _leave_out(rows, reference, ("structure", "sections"), record)
        return
    genre = reference.genre or (rhythm.tags.get("genre") if rhythm else None) or None
    systems = {PRODUCT: [section.start for section in record.sections]}
    if rhythm is not None:
        systems[EIGHT_BARS] = baselines.eight_bar_boundaries(rhythm.downbeats)
    boundaries, end = reference.structure or ((), None)
    for system, starts in systems.items():
        row = _row(reference, record.path, genre, "structure", system)
        if reference.structure is not None:
            annotated = structure.to_intervals(boundaries, end or record.duration)
            estimated = structure.to_intervals(starts, float(annotated[-1, 1]))
            row |= structure.evaluate_boundaries(annotated, estimated)
        if system == PRODUCT and reference.sections is not None:
            scores, confusion = structure.evaluate_labels(
                reference.sections,
                [(s.start, s.end, s.label) for s in record.sections],
                record.drops,
            )
            row |= scores
            if confusion is None:
                rows.left_out.append(_foreign(reference))
            else:
                rows.confusions.append(confusion)
        rows.structure.append(row)


def add_key(rows: Rows, reference: Reference, record: KeyRecord, rhythm: BpmRecord | None) -> None:
    """Score a track's key; rhythm is for the genre."""
    if reference.tonality is None:
        return
    if record.status != "ok":
        _leave_out(rows, reference, ("tonality",), record)
        return
    genre = reference.genre or (rhythm.tags.get("genre") if rhythm else None) or None
    systems = {PRODUCT: record.key}
    if record.tag_key and reference.origins["tonality"] != TAGS:
        systems[TAG] = record.tag_key
    for system, stated in systems.items():
        row = _row(reference, record.path, genre, "tonality", system)
        estimate = notation.parse(stated or "")
        rows.key.append(row | key.evaluate(reference.tonality, estimate))


def _row(reference: Reference, path: str, genre: str | None, task: str, system: str) -> Row:
    return {
        "track": reference.track,
        "path": path,
        "genre": genre,
        "reference": reference.origins.get(task, ""),
        "system": system,
    }


def _foreign(reference: Reference) -> LeftOut:
    return LeftOut(
        reference.origins["sections"],
        reference.track,
        "labels of another vocabulary: left out of the label metrics",
    )


def _leave_out(rows: Rows, reference: Reference, fields: Sequence[str], record: AnyRecord) -> None:
    reason = record.error.message if record.error else "no duration"
    for source in sorted({reference.origins[f] for f in fields if f in reference.origins}):
        rows.left_out.append(LeftOut(source, reference.track, f"not analysed: {reason}"))
