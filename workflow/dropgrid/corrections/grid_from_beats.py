"""Grids of other programs, given as beats, as statements."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from .model import BAR_LENGTHS, MAX_BPM, MIN_BPM, GridEntry
from .section_corrections import nearest

STRAIGHT = 0.002  # s: a beat so near to where the ones before point lies on their line
FEWEST = 8  # beats from which a grid can be found
HUNDREDTH = 2e-4  # BPM: a tempo so near to hundredths was written in them


def entries_of(
    beats: Sequence[float], downbeats: Sequence[float], known_downbeats: Sequence[float]
) -> tuple[GridEntry, ...]:
    """Beats as pieces of even tempo; () where they are too few or too slow or fast.

    known_downbeats: used where the program knows none (`downbeats` is empty): the beat nearest to
    one of them is the downbeat.
    """
    if len(beats) < FEWEST:
        return ()
    found: list[GridEntry] = []
    for first, last in _straight(beats):
        if last - first < 2 and found:
            continue  # one beat between two pieces
        bpm = _tempo(beats, first, last)
        if not MIN_BPM <= bpm <= MAX_BPM:
            return ()
        downbeat, length = _downbeat(beats[first:last], downbeats, known_downbeats)
        found.append(GridEntry(max(0.0, beats[first]), bpm, downbeat, length))
    return tuple(found)


def _straight(beats: Sequence[float]) -> list[tuple[int, int]]:
    """Stretches (first, past last) of beats that lie on a line each."""
    stretches = []
    first = 0
    while first < len(beats):
        last = min(first + 2, len(beats))
        while last < len(beats):
            period = (beats[last - 1] - beats[first]) / (last - 1 - first)
            if abs(beats[last] - beats[last - 1] - period) > STRAIGHT:
                break
            last += 1
        stretches.append((first, last))
        first = last
    return stretches


def _tempo(beats: Sequence[float], first: int, last: int) -> float:
    """The tempo of a stretch; of a single beat, to the next one."""
    end = min(max(last - 1, first + 1), len(beats) - 1)
    first = min(first, end - 1)
    bpm = 60 * (end - first) / max(beats[end] - beats[first], 1e-6)
    return round(bpm, 2) if abs(bpm - round(bpm, 2)) < HUNDREDTH else bpm


def _downbeat(
    beats: Sequence[float], downbeats: Sequence[float], known_downbeats: Sequence[float]
) -> tuple[float | None, int]:
    """A downbeat of a stretch, and how many beats its bars have."""
    low = bisect_left(downbeats, beats[0] - STRAIGHT)
    own = downbeats[low : bisect_right(downbeats, beats[-1] + STRAIGHT)]
    if own:
        length = 4
        if len(own) > 1:
            counted = bisect_left(beats, own[1] - STRAIGHT) - bisect_left(beats, own[0] - STRAIGHT)
            length = counted if counted in BAR_LENGTHS else 4
        return max(0.0, own[0]), length
    if downbeats or not known_downbeats:
        return None, 4
    return max(0.0, nearest(beats, nearest(known_downbeats, beats[0]))), 4
