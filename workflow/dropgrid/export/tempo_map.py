"""A track's beats as a tempo map, which DAWs and MIDI files use instead of beats.

A map counts beats from the file's first sample. Before the first beat there is a lead-in with its
own tempo, in bars that end where the first bar begins. A gap between two regions is stretched in
the same way. The map has an anchor at the first and the last beat of every region, so that it
never drifts from the beats.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from ..records.model import BpmRecord
from ..records.track import beats_per_bar

MAX_DENOMINATOR = 64  # the notes of a lead-in are at least 1/64 long
MAX_LEAD_IN_BPM = 480.0  # above it, a lead-in consists of shorter notes


@dataclass(frozen=True)
class Signature:
    """A time signature and the beat of the map where it begins."""

    beat: float
    numerator: int
    denominator: int = 4


@dataclass(frozen=True)
class TempoMap:
    """anchors: (seconds, beats), ascending, linear in between; bpm: the tempo after the last."""

    anchors: tuple[tuple[float, float], ...]
    bpm: float
    signatures: tuple[Signature, ...]

    def beat_of(self, seconds: float) -> float:
        """The position in the map, in beats, at a time."""
        place = bisect_right([time for time, _ in self.anchors], seconds) - 1
        time, beat = self.anchors[max(place, 0)]
        return beat + (seconds - time) * self.bpm_after(max(place, 0)) / 60

    def bpm_after(self, place: int) -> float:
        """The tempo (BPM) after the anchor with this index."""
        if place + 1 >= len(self.anchors):
            return self.bpm
        (time, beat), (next_time, next_beat) = self.anchors[place], self.anchors[place + 1]
        return 60 * (next_beat - beat) / (next_time - time)


def tempo_map(record: BpmRecord) -> TempoMap | None:
    """The tempo map of a track; None without a grid."""
    if not record.grid:
        return None
    lead, denominator = _lead_in(record)
    anchors, beat = [(0.0, 0.0)], lead
    downbeats: list[float] = []  # the beats of the map where bars begin
    for region in record.grid:
        period = 60 / region.bpm
        time, before = anchors[-1]
        if len(downbeats) or len(anchors) > 1:  # not the first region
            beat = before + max(1, round((region.start - time) / period))
        if region.start > time + 1e-6:
            anchors.append((region.start, beat))
        else:
            beat = before
        if region.beats > 1:
            last = region.beats - 1
            anchors.append((region.start + last * period, beat + last))
        if region.first_downbeat is not None:
            first = beat + round((region.first_downbeat - region.start) / period)
            downbeats += _bars(first, beat + region.beats, beats_per_bar(record))
    signatures = _signatures(lead, denominator, downbeats, beats_per_bar(record))
    return TempoMap(tuple(anchors), record.grid[-1].bpm, signatures)


def _lead_in(record: BpmRecord) -> tuple[float, int]:
    """(beats before the first beat, the denominator of the notes that count them)."""
    start, period = record.grid[0].start, 60 / record.grid[0].bpm
    if start < 1e-6:
        return 0.0, 4
    if start >= period / 2:
        return float(max(1, round(start / period))), 4
    denominator = 8
    while denominator < MAX_DENOMINATOR and start * denominator / 4 < 60 / MAX_LEAD_IN_BPM:
        denominator *= 2
    return 4 / denominator, denominator


def _bars(first: float, end: float, length: int) -> list[float]:
    return [first + i * length for i in range(int((end - first - 1e-9) // length) + 1)]


def _signatures(
    lead: float, denominator: int, downbeats: list[float], length: int
) -> tuple[Signature, ...]:
    """The time signatures that start a bar at each downbeat and end the lead-in at the first."""
    found: list[Signature] = []
    start = 0.0
    if denominator != 4:  # a lead-in of a fraction of a beat is a separate bar
        found.append(Signature(0.0, 1, denominator))
        start = lead
    edges = [start, *(downbeat for downbeat in downbeats if downbeat > start + 1e-6)]
    for downbeat, following in pairwise(edges):
        count = round(following - downbeat)
        odd = count % length
        if downbeat == start and odd:  # an upbeat: the odd bar is the first
            found.append(Signature(downbeat, odd))
            downbeat, count = downbeat + odd, count - odd
        if count >= length:
            found.append(Signature(downbeat, length))
        if downbeat != start and count % length:  # a short bar before the count restarts
            found.append(Signature(downbeat + count - count % length, count % length))
    found.append(Signature(edges[-1], length))
    return tuple(
        signature
        for i, signature in enumerate(found)
        if i == 0
        or (signature.numerator, signature.denominator)
        != (found[i - 1].numerator, found[i - 1].denominator)
    )
