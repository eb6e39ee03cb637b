"""Apply corrections of sections, drops and key; compare an analysis with confirmed answers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np

from ..key import notation
from ..records.model import (
    BpmRecord,
    ComputedKey,
    ComputedStructure,
    KeyRecord,
    Section,
    StructureRecord,
)
from ..structure.bars import bar_number, time_base
from . import grid_corrections
from .model import Confirmed, Correction, SectionStart, answer_of

SAME_BEAT = 0.035  # s: closer beats sound the same
SAME_BOUNDARY = 0.5  # s
AGREEING_BEATS = 0.95  # share of the beats of either grid that must agree


def bar_lines(rhythm: BpmRecord, duration: float) -> list[float]:
    """The bar lines of a recording (s); none without a usable grid."""
    base = time_base(rhythm, duration)
    if base.kind == "seconds":
        return []
    return [float(edge) for edge in base.edges[:: base.per_bar]]


def nearest(times: Sequence[float], time: float) -> float:
    """The nearest of ascending times; the time itself if there are none."""
    at = bisect_left(times, time)
    return min(times[max(0, at - 1) : at + 1], key=lambda t: abs(t - time), default=time)


def apply_sections(
    record: StructureRecord, correction: Correction, rhythm: BpmRecord
) -> StructureRecord:
    """A computed record with sections and drops corrected; `computed` keeps those of the analysis.

    Corrected times snap to the nearest bar line of rhythm. If two boundaries snap to the same bar
    line, the later section stays. Drops that are not corrected follow from the labels.
    """
    if correction.sections is None and correction.drops is None:
        return record
    duration = record.duration or 0.0
    lines = [line for line in bar_lines(rhythm, duration) if 0 < line < duration]
    sections = record.sections
    drops, confidences = record.drops, record.drop_confidences
    if correction.sections is not None:
        sections = _sections(correction.sections, lines, rhythm, duration)
        drops = tuple(
            section.start
            for before, section in zip((None, *sections), sections, strict=False)
            if section.label == "drop" and (before is None or before.label != "drop")
        )
        confidences = (1.0,) * len(drops)
    if correction.drops is not None:
        snapped = {nearest(lines, time) for time in correction.drops if time < duration}
        drops = tuple(sorted(snapped))
        confidences = (1.0,) * len(drops)
    computed = ComputedStructure(*(getattr(record, f.name) for f in fields(ComputedStructure)))
    return replace(
        record,
        sections=sections,
        drops=drops,
        drop_confidences=confidences,
        drop_impacts=(0.0,) * len(drops),  # measured in stages.make_records
        source="corrected",
        computed=computed,
    )


def _sections(
    given: Sequence[SectionStart], lines: Sequence[float], rhythm: BpmRecord, duration: float
) -> tuple[Section, ...]:
    starts = {0.0: given[0].label}
    for section in given[1:]:
        if section.start < duration:
            starts[nearest(lines, section.start)] = section.label
    edges = [*sorted(starts), duration]
    length = lines[1] - lines[0] if len(lines) > 1 else 0.0
    counted = []
    for start, end in pairwise(edges):
        first = last = None
        if lines and rhythm.downbeats:
            first = 1 if start == 0 else bar_number(rhythm, start, length)
            last = bar_number(rhythm, end, length)
            if end == duration:
                last = bar_number(rhythm, end - length / 8, length) + 1
        bars = None if first is None or last is None else last - first
        counted.append(Section(start, end, starts[start], first, last, bars, 1.0))
    return tuple(counted)


def apply_key(record: KeyRecord, correction: Correction) -> KeyRecord:
    """A computed record with its key corrected; `computed` keeps the key of the analysis."""
    key = notation.parse(correction.key or "")
    if key is None:
        return record
    own = ComputedKey(
        record.key, record.camelot, record.open_key, record.reason, record.confidence
    )
    return replace(
        record, key=notation.name(key), camelot=notation.camelot(key),
        open_key=notation.open_key(key), reason=None, confidence=1.0,
        source="corrected", computed=own,
    )  # fmt: skip


def confirmed_answer(
    bpm: BpmRecord | None, structure: StructureRecord | None, key: KeyRecord | None
) -> Confirmed:
    """The answer in records, to be confirmed."""
    answer = Confirmed(
        "",
        grid=() if bpm is None else grid_corrections.entries_of(bpm),
        sections=()
        if structure is None
        else tuple(SectionStart(s.start, s.label) for s in structure.sections),
        drops=() if structure is None else structure.drops,
        key=None if key is None else key.key,
    )
    return replace(answer, answer=answer_of(answer))


def is_confirmed(earlier: Confirmed, now: Confirmed) -> bool:
    """Whether the current answer is the confirmed answer."""
    if earlier.drops is None:
        earlier = replace(earlier, drops=now.drops)
    return answer_of(earlier) == now.answer


def with_confirmed_grid(correction: Correction, computed: BpmRecord) -> Correction:
    """A correction that contains the confirmed grid if the analysis now finds another grid."""
    confirmed = correction.confirmed
    if confirmed is None or not confirmed.grid or correction.corrects_grid:
        return correction
    if disagreement(grid_corrections.lay_grid(computed, confirmed.grid), computed) is None:
        return correction
    return replace(correction, grid=confirmed.grid)


def with_confirmed_sections(
    correction: Correction, computed: StructureRecord, rhythm: BpmRecord
) -> Correction:
    """The same for confirmed sections and drops."""
    confirmed = correction.confirmed
    if confirmed is None or not confirmed.sections or correction.sections is not None:
        return correction
    now = [(section.start, section.label) for section in computed.sections]
    same_drops = confirmed.drops is None or _alike(
        [(time, "drop") for time in confirmed.drops], [(time, "drop") for time in computed.drops]
    )
    if same_drops and _alike([(s.start, s.label) for s in confirmed.sections], now):
        return correction
    drops = confirmed.drops if correction.drops is None else correction.drops
    return replace(correction, sections=confirmed.sections, drops=drops)


def _alike(confirmed: Sequence[tuple[float, str]], found: Sequence[tuple[float, str]]) -> bool:
    return len(confirmed) == len(found) and all(
        label == other_label and abs(time - at) <= SAME_BOUNDARY
        for (time, label), (at, other_label) in zip(confirmed, found, strict=True)
    )


def with_confirmed_key(correction: Correction, computed: KeyRecord) -> Correction:
    """The same for a confirmed key."""
    confirmed = correction.confirmed
    if (
        confirmed is None
        or confirmed.key is None
        or correction.key is not None
        or confirmed.key == computed.key
    ):
        return correction
    return replace(correction, key=confirmed.key)


def disagreement(true: BpmRecord, found: BpmRecord) -> str | None:
    """The first audible difference of a grid from the true one; None if there is none.

    "tempo" (or octave), "beats" (half a beat off, or some are missing), "downbeat".
    """
    if true.bpm is None or found.bpm is None:
        return None if true.bpm == found.bpm else "tempo"
    if not _agree(true.beats, found.beats):
        steady = abs(_tempo(true) / _tempo(found) - 1) < 0.005
        return "beats" if steady else "tempo"
    return None if _agree(true.downbeats, found.downbeats) else "downbeat"


def _tempo(record: BpmRecord) -> float:
    """The tempo of the beats (BPM); record.bpm may come from a tag."""
    if len(record.beats) < 2:
        return record.bpm or 1.0
    return 60 / float(np.median(np.diff(record.beats)))


def _agree(true: Sequence[float], found: Sequence[float]) -> bool:
    return min(_share(true, found), _share(found, true)) >= AGREEING_BEATS


def _share(times: Sequence[float], others: Sequence[float]) -> float:
    """The share of times with a near time among the others, within the range of the others."""
    if not times or not others:
        return float(not times and not others)
    own, other = np.asarray(times), np.asarray(others)
    own = own[(own > other[0] - 0.25) & (own < other[-1] + 0.25)]
    if not len(own):
        return 0.0
    right = np.minimum(np.searchsorted(other, own), len(other) - 1)
    left = np.maximum(right - 1, 0)
    near = np.minimum(np.abs(own - other[left]), np.abs(own - other[right]))
    return float(np.mean(near <= SAME_BEAT))
