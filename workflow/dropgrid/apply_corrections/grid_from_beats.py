"""Turn grids of other programs, given as beats, into the entries of a correction."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from .model import BAR_LENGTHS, MAX_BPM, MIN_BPM, GridEntry
from .section_corrections import nearest

TOLERANCE = 0.002  # s: a beat this close to the extrapolated beats before it continues their tempo
MIN_BEATS = 8
HUNDREDTH = 2e-4  # BPM: a tempo this close to two decimals is rounded to them


def entries_of(
    beats: Sequence[float], downbeats: Sequence[float], known_downbeats: Sequence[float]
) -> tuple[GridEntry, ...]:
    """Beats as entries of steady tempo; () if there are too few, or their tempo is out of range.

    known_downbeats: if the program stores none (`downbeats` is empty), the beat nearest to one of
    these is the downbeat.
    """
    if len(beats) < MIN_BEATS:
        return ()
    found: list[GridEntry] = []
    for first, last in _steady_ranges(beats):
        if last - first < 2 and found:
            continue  # a single beat between two entries
        bpm = _tempo(beats, first, last)
        if not MIN_BPM <= bpm <= MAX_BPM:
            return ()
        downbeat, length = _downbeat(beats[first:last], downbeats, known_downbeats)
        found.append(GridEntry(max(0.0, beats[first]), bpm, downbeat, length))
    return tuple(found)


def _steady_ranges(beats: Sequence[float]) -> list[tuple[int, int]]:
    """The ranges [first, last) of beats with a steady tempo."""
    ranges = []
    first = 0
    while first < len(beats):
        last = min(first + 2, len(beats))
        while last < len(beats):
            period = (beats[last - 1] - beats[first]) / (last - 1 - first)
            if abs(beats[last] - beats[last - 1] - period) > TOLERANCE:
                break
            last += 1
        ranges.append((first, last))
        first = last
    return ranges


def _tempo(beats: Sequence[float], first: int, last: int) -> float:
    """The tempo of a range; of a single beat, by the distance to the next beat."""
    end = min(max(last - 1, first + 1), len(beats) - 1)
    first = min(first, end - 1)
    bpm = 60 * (end - first) / max(beats[end] - beats[first], 1e-6)
    return round(bpm, 2) if abs(bpm - round(bpm, 2)) < HUNDREDTH else bpm


def _downbeat(
    beats: Sequence[float], downbeats: Sequence[float], known_downbeats: Sequence[float]
) -> tuple[float | None, int]:
    """A downbeat of a range, and the number of beats per bar."""
    low = bisect_left(downbeats, beats[0] - TOLERANCE)
    own = downbeats[low : bisect_right(downbeats, beats[-1] + TOLERANCE)]
    if own:
        length = 4
        if len(own) > 1:
            counted = bisect_left(beats, own[1] - TOLERANCE) - bisect_left(
                beats, own[0] - TOLERANCE
            )
            length = counted if counted in BAR_LENGTHS else 4
        return max(0.0, own[0]), length
    if downbeats or not known_downbeats:
        return None, 4
    return max(0.0, nearest(beats, nearest(known_downbeats, beats[0]))), 4
