"""Apply corrections of tempo, beats and bars to a bpm record."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import fields, replace

from ..records.model import BpmRecord, ComputedRhythm, Confidences, GridRegion
from .model import Correction, GridEntry

EDGE = 0.03  # s: a beat this little before the first sample is set to the first sample
REACH = 0.45  # of a beat: how far a corrected grid extends beyond the beats that were found
MIN_DISTANCE = 0.7  # of a beat: a beat closer to the next entry's first beat is left out
GAP = 1.5  # beats: a longer distance between beats ends an entry's beats
CLAMPED = 1e-9  # s: a beat at 0 may have been set to 0 from before it

AtTempo = Callable[[float], BpmRecord]


def apply(record: BpmRecord, correction: Correction, at_tempo: AtTempo) -> BpmRecord:
    """A computed record with its grid corrected; `computed` keeps the grid of the analysis.

    correction: absolute (see edits.absolute). at_tempo: analyses the track at a given tempo.
    """
    if not correction.corrects_grid:
        return record
    found = record
    if correction.bpm is not None and correction.downbeat is None:
        found = at_tempo(correction.bpm)
    entries = corrected_entries(found, correction)
    if not entries:
        return record
    computed = ComputedRhythm(*(getattr(record, f.name) for f in fields(ComputedRhythm)))
    corrected = replace(
        lay_grid(found, entries), source="corrected", computed=computed,
        bpm_computed=record.bpm_computed, untagged=record.untagged,
    )  # fmt: skip
    has_tempo = bool(correction.grid) or correction.bpm is not None
    has_downbeat = bool(correction.grid) or correction.downbeat is not None
    if not has_tempo:  # the tempo of the analysis or of a tag
        tempo = {f: getattr(found, f) for f in ("bpm", "bpm_fitted", "bpm_interval")}
        corrected = replace(corrected, **tempo)
    confidences = _corrected_confidences(found.confidences, has_tempo, has_downbeat)
    confidence = (
        None if confidences is None else confidences.tempo * confidences.octave * confidences.phase
    )
    return replace(corrected, confidences=confidences, confidence=confidence)


def _corrected_confidences(
    found: Confidences | None, tempo: bool, downbeat: bool
) -> Confidences | None:
    """The confidences; corrected parts are certain."""
    if tempo and downbeat:
        return Confidences(1.0, 1.0, 1.0, 1.0)
    if found is None:
        return None
    if tempo:
        found = replace(found, tempo=1.0, octave=1.0)
    return replace(found, phase=1.0, downbeat=1.0) if downbeat else found


def corrected_entries(record: BpmRecord, correction: Correction) -> tuple[GridEntry, ...]:
    """The grid of a record with an absolute correction; () if there is neither."""
    if correction.grid:
        return correction.grid
    entries = entries_of(record)
    bpm, downbeat, length = correction.bpm, correction.downbeat, correction.beats_per_bar
    if bpm is not None and downbeat is not None:
        beats = beats_per_bar_of(record) if length is None else length
        return (GridEntry(_first(record), bpm, downbeat, beats),)
    if not entries:
        return ()
    if downbeat is not None:
        at = entry_at(entries, downbeat)
        start = entries[at].start if at else min(entries[at].start, downbeat)
        moved = replace(entries[at], start=start, downbeat=downbeat)
        entries = (*entries[:at], moved, *entries[at + 1 :])
    if length is not None:
        entries = tuple(replace(entry, beats_per_bar=length) for entry in entries)
    return entries


def _first(record: BpmRecord) -> float:
    return record.beats[0] if record.beats else 0.0


def beats_per_bar_of(record: BpmRecord) -> int:
    """The number of beats per bar of a record."""
    return int((record.time_signature or "4/4").partition("/")[0])


def entries_of(record: BpmRecord) -> tuple[GridEntry, ...]:
    """The grid of a record as the entries of a correction.

    A downbeat at 0 may have been before the first sample, so the next downbeat is used.
    """
    length = beats_per_bar_of(record)
    entries = []
    begin = 0
    for region in record.grid:
        end = begin + region.beats
        last = record.beats[end - 1]
        low = bisect_left(record.downbeats, region.start - CLAMPED)
        downbeats = record.downbeats[low : bisect_right(record.downbeats, last + CLAMPED)]
        downbeat = downbeats[0] if downbeats else None
        if len(downbeats) > 1 and downbeats[0] <= CLAMPED:
            downbeat = downbeats[1]
        gap = end < len(record.beats) and record.beats[end] - last > GAP * 60 / region.bpm
        entries.append(
            GridEntry(region.start, region.bpm, downbeat, length, last if gap else None)
        )
        begin = end
    return tuple(entries)


def entry_at(entries: Sequence[GridEntry], time: float) -> int:
    """The index of the entry at a time; the first entry also covers the time before it."""
    return max(0, bisect_right([entry.start for entry in entries], time) - 1)


def lay_grid(record: BpmRecord, entries: Sequence[GridEntry]) -> BpmRecord:
    """A record with the beats of a grid, within the range of the beats that were found.

    entries: at least one. If no beats were found, the beats fill the whole recording.
    """
    duration = record.duration or 0.0
    low, high = -EDGE, duration
    if record.beats and record.grid:
        reach = REACH * 60 / record.grid[0].bpm, REACH * 60 / record.grid[-1].bpm
        low = max(low, record.beats[0] - reach[0])
        high = min(high, record.beats[-1] + reach[1])
    beats: list[float] = []
    downbeats: list[float] = []
    grid: list[GridRegion] = []
    for i, entry in enumerate(entries):
        begin = min(low, entry.start) if i == 0 else entry.start - EDGE
        until = high if i + 1 == len(entries) else _until(entries, i)
        if i == 0 and entry.downbeat is not None and entry.downbeat < begin:
            begin = entry.downbeat - EDGE
        own, own_downbeats = _beats(entry, max(begin, -EDGE), min(max(until, begin), duration))
        if beats:
            own = [b for b in own if b - beats[-1] > MIN_DISTANCE * 60 / entry.bpm]
            own_downbeats = [b for b in own_downbeats if b > beats[-1]]
        if own:
            grid.append(
                GridRegion(
                    own[0], entry.bpm, len(own), own_downbeats[0] if own_downbeats else None
                )
            )
            beats += own
            downbeats += [b for b in own_downbeats if b >= own[0]]
    main = _main(grid)
    return replace(
        record,
        bpm=main,
        bpm_fitted=main,
        bpm_interval=None,
        time_signature=f"{entries[0].beats_per_bar}/4",
        beats=tuple(beats),
        downbeats=tuple(downbeats),
        grid=tuple(grid),
    )


def _until(entries: Sequence[GridEntry], i: int) -> float:
    """The end of an entry's beats: before the first beat of the next entry."""
    until = entries[i + 1].start - MIN_DISTANCE * 60 / entries[i].bpm
    end = entries[i].end
    return until if end is None else min(until, end + EDGE)


def _beats(entry: GridEntry, low: float, high: float) -> tuple[list[float], list[float]]:
    """The beats and downbeats of an entry from low to high (s, inclusive)."""
    period = 60 / entry.bpm
    anchor = entry.start if entry.downbeat is None else entry.downbeat
    first = math.ceil((low - anchor) / period - 1e-6)
    last = math.floor((high - anchor) / period + 1e-6)
    times = [(n, max(0.0, anchor + n * period)) for n in range(first, last + 1)]
    downbeats = (
        [] if entry.downbeat is None else [t for n, t in times if n % entry.beats_per_bar == 0]
    )
    return [t for _, t in times], downbeats


def _main(grid: Sequence[GridRegion]) -> float | None:
    """The tempo of the median beat when all beats are sorted by tempo."""
    ordered = sorted(grid, key=lambda region: region.bpm)
    middle, counted = sum(region.beats for region in grid) / 2, 0
    for region in ordered:
        counted += region.beats
        if counted >= middle:
            return region.bpm
    return None
