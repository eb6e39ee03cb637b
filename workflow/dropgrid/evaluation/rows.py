"""The rows of the evaluation: for each track with a reference, each system's metrics.

A row is a dict: track, path, genre, reference (its file), system, answered, and the task's
metrics. The system `dropgrid` is the result from the audio alone, without the influence of a BPM
tag; a track that failed also has this row and is wrong in every metric. `with_tag` is the result
in the record, if a tag changed it. The other systems are baselines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..key import notation
from ..records.model import AnyRecord, BpmRecord, KeyRecord, StructureRecord
from ..records.store import without_tag
from ..references.checks import MAX_TIME
from ..references.collect import TAGS
from ..references.matching import LeftOut, Reference
from . import baselines, beats, calibration, key, structure, tempo

PRODUCT = "dropgrid"
MEDIAN_INTERVAL, TAG, EIGHT_BARS = "median_interval", "tag", "eight_bars"
WITH_TAG = "with_tag"  # the results in the records, if a tag decided any of them

Row = dict[str, Any]


@dataclass
class Rows:
    """The rows by task, label confusions by track, and references left out."""

    bpm: list[Row] = field(default_factory=list)
    beats: list[Row] = field(default_factory=list)
    downbeats: list[Row] = field(default_factory=list)
    structure: list[Row] = field(default_factory=list)
    key: list[Row] = field(default_factory=list)
    confusions: list[npt.NDArray[np.int64]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    decided_by_tag: list[str] = field(default_factory=list)
    claims: list[calibration.Claim] = field(default_factory=list)

    def extend(self, other: Rows) -> None:
        """Append the rows of other tracks."""
        self.bpm += other.bpm
        self.beats += other.beats
        self.downbeats += other.downbeats
        self.structure += other.structure
        self.key += other.key
        self.confusions += other.confusions
        self.left_out += other.left_out
        self.decided_by_tag += other.decided_by_tag
        self.claims += other.claims

    def drop_redundant(self) -> None:
        """Remove the rows of WITH_TAG if no tag decided anything, because they are duplicates."""
        for name in () if self.decided_by_tag else ("bpm", "beats", "downbeats"):
            setattr(self, name, [r for r in getattr(self, name) if r["system"] != WITH_TAG])


def add_rhythm(rows: Rows, reference: Reference, record: BpmRecord) -> None:
    """Score a track's tempo, beats and downbeats, as far as the reference contains them."""
    if record.status != "ok":
        _leave_out(rows, reference, ("bpm", "beats", "downbeats"), record)
    alone = without_tag(record)
    if alone.bpm != record.bpm or alone.beats != record.beats:
        rows.decided_by_tag.append(record.track)
    genre = reference.genre or record.tags.get("genre") or None
    if reference.bpm is not None:
        for system, estimate in _tempi(reference, record, alone).items():
            rows.bpm.append(
                _row(reference, record.path, genre, "bpm", system, estimate is not None)
                | {"estimated_bpm": estimate}
                | {"recorded_bpm": record.bpm if system == PRODUCT else None}
                | tempo.evaluate(reference.bpm, estimate)
            )
    for name, table in (("beats", rows.beats), ("downbeats", rows.downbeats)):
        annotated: Sequence[float] | None = getattr(reference, name)
        if annotated is None:
            continue
        estimated, recorded = (
            [time for time in getattr(answer, name) if time <= MAX_TIME]
            for answer in (alone, record)
        )
        systems: dict[str, list[float]] = {
            PRODUCT: estimated,
            WITH_TAG: recorded,
            MEDIAN_INTERVAL: baselines.median_interval_beats(estimated),
        }
        for system, times in systems.items():
            common = _row(reference, record.path, genre, name, system, bool(times))
            scores = beats.evaluate(annotated, times)
            if name == "downbeats" and reference.beats is not None:
                answer = record if system == WITH_TAG else alone
                own = answer.beats if system != MEDIAN_INTERVAL else times
                scores["downbeats_given_beats"] = beats.downbeats_given_beats(
                    reference.beats, annotated, own, times
                )
            table.append(common | scores)
    _add_claims(rows, reference, record, alone)


def _add_claims(rows: Rows, reference: Reference, record: BpmRecord, alone: BpmRecord) -> None:
    """Add the confidences of the result from audio alone, each with whether it was right; nothing
    for a failed track."""
    if record.status != "ok" or alone.bpm is None or alone.confidences is None:
        return
    own = {name: getattr(alone.confidences, name) for name in calibration.PARTS}
    scores = tempo.evaluate(reference.bpm, alone.bpm) if reference.bpm is not None else None
    fs = [
        beats.evaluate(annotated, [time for time in times if time <= MAX_TIME])["f_measure"]
        if annotated is not None
        else None
        for annotated, times in (
            (reference.beats, alone.beats), (reference.downbeats, alone.downbeats)
        )
    ]  # fmt: skip
    rows.claims += calibration.claims(own | {"whole": alone.confidence}, scores, *fs)


def _tempi(reference: Reference, record: BpmRecord, alone: BpmRecord) -> dict[str, float | None]:
    """Each system's tempo. If the reference is a tag, answers influenced by tags are omitted."""
    tempi = {
        PRODUCT: alone.bpm,
        WITH_TAG: record.bpm,
        MEDIAN_INTERVAL: baselines.median_interval_bpm(alone.beats),
    }
    if reference.origins["bpm"] == TAGS:
        del tempi[WITH_TAG]
    elif record.tag_bpm:
        tempi[TAG] = record.tag_bpm
    return tempi


def add_structure(
    rows: Rows, reference: Reference, record: StructureRecord, rhythm: BpmRecord | None
) -> None:
    """Score a track's sections; rhythm is needed for the eight-bar baseline and the genre."""
    if record.status != "ok" or record.duration is None:
        _leave_out(rows, reference, ("structure", "sections"), record)
        genre = reference.genre or (rhythm.tags.get("genre") if rhythm else None) or None
        row = _row(reference, record.path, genre, "structure", PRODUCT, answered=False)
        row |= structure.all_wrong(reference.structure, reference.sections)
        rows.structure.append(row | _drop_hits(reference, ()))
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
            if confusion is None:
                rows.left_out.append(_foreign(reference))
            else:
                rows.confusions.append(confusion)
                scores |= _drop_hits(reference, record.drops)
            row |= scores
        rows.structure.append(row)


def _drop_hits(reference: Reference, drops: Sequence[float]) -> dict[str, float]:
    bpm = tempo_of(reference)
    if bpm is None or reference.sections is None:
        return {}
    end = reference.sections[-1].end
    annotated = structure.starts(reference.sections)
    return structure.drop_hits(annotated, [drop for drop in drops if drop < end], bpm)


def add_key(rows: Rows, reference: Reference, record: KeyRecord, rhythm: BpmRecord | None) -> None:
    """Score a track's key; rhythm is needed for the genre."""
    if reference.tonality is None:
        return
    if record.status != "ok":
        _leave_out(rows, reference, ("tonality",), record)
    genre = reference.genre or (rhythm.tags.get("genre") if rhythm else None) or None
    systems = {PRODUCT: record.key}
    if record.tag_key and reference.origins["tonality"] != TAGS:
        systems[TAG] = record.tag_key
    for system, answer in systems.items():
        estimate = notation.parse(answer or "")
        row = _row(reference, record.path, genre, "tonality", system, estimate is not None)
        scores = key.evaluate(reference.tonality, estimate)
        rows.key.append(row | scores)
        if system == PRODUCT and estimate is not None and record.confidence is not None:
            rows.claims.append(("key", record.confidence, bool(scores["exact"])))


def _row(
    reference: Reference,
    path: str,
    genre: str | None,
    task: str,
    system: str,
    answered: bool = True,
) -> Row:
    return {
        "track": reference.track,
        "path": path,
        "genre": genre,
        "reference": reference.origins.get(task, ""),
        "system": system,
        "answered": answered,
        "reference_bpm": tempo_of(reference),
    }


def tempo_of(reference: Reference) -> float | None:
    """The annotated tempo of a track, else the tempo from the median interval of its beats."""
    if reference.bpm is not None:
        return reference.bpm
    intervals = np.diff(reference.beats or ())
    return float(60 / np.median(intervals)) if len(intervals) else None


def _foreign(reference: Reference) -> LeftOut:
    return LeftOut(
        reference.origins["sections"],
        reference.track,
        "labels of another vocabulary: left out of the label metrics",
    )


def _leave_out(rows: Rows, reference: Reference, fields: Sequence[str], record: AnyRecord) -> None:
    reason = record.error.message if record.error else "no duration"
    for source in sorted({reference.origins[f] for f in fields if f in reference.origins}):
        rows.left_out.append(
            LeftOut(source, reference.track, f"not analysed, counted as wrong: {reason}")
        )
