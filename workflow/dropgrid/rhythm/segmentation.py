"""Where the tempo changes: stretches of steady music, found by dynamic programming.

There are two passes. The first is a path over the tempogram's windows that may jump to another
tempo only where that gains enough (a mix, an edit). The second cuts each stretch, over blocks of
the activation, into pieces that are each in phase (a phase jump, a drummer's drift). Steady music
stays whole: neither a break without drums nor accents off the beat gain enough for a boundary.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..base.quantiles import median
from ..features import FRAME_RATE
from .fit import SPREAD, demodulate, exact_tempo, phase
from .options import RhythmOptions
from .tempo import Tempogram, scores

JUMP_COST = 40.0  # score that a change of tempo must gain; a clear 10 s window gains about 5
SLIDE = 3  # bins that the tempo may move in 5 s and still be the same: 0.9 %
SLIDE_COST = 1.0  # score that a bin of sliding must gain
PIECE_COST = 12.0  # seconds of the track's mean coherence that a new piece must gain
BLOCK = 2 * FRAME_RATE  # frames of the finest boundary
LONGEST = 90  # blocks of one piece in the search; compatible neighbours are merged afterwards
SLACK = 0.25  # beats that two neighbours on one grid may drift apart over the shorter one
OFF_PHASES = np.array([0, 1 / 4, 1 / 2])  # beats by which accents move on one grid
PHASE_SLACK = 0.05  # beats
RECORD_FRAMES = 60 * FRAME_RATE  # least frames of a record in a mix
RATIOS = (1.0, 2.0, 3.0, 1.5, 4 / 3, 4.0)  # tempi in these ratios count as one tempo


@dataclass(frozen=True)
class Run:
    """Windows first to last (exclusive) of a tempogram with one tempo, and that tempo.

    tempi: (last - first,) BPM in each window, possibly in another octave than the final one.
    """

    first: int
    last: int
    tempi: np.ndarray

    def local(self, bpm: float) -> np.ndarray:
        """The tempi in the octave (or other simple ratio) nearest to bpm."""
        middle = float(median(self.tempi))
        ratios = np.array([*RATIOS, *(1 / ratio for ratio in RATIOS)])
        return self.tempi / ratios[np.argmin(np.abs(np.log(middle / ratios / bpm)))]


def tempo_runs(gram: Tempogram, options: RhythmOptions) -> list[Run]:
    """Stretches of the tempogram's windows with one tempo, or one that changes slowly."""
    tempi = gram.tempi[_path(scores(gram.magnitudes, gram.tempi, options))]
    edges = [i for i in range(1, len(tempi)) if not _related(tempi[i], tempi[i - 1])]
    return [
        Run(first, last, tempi[first:last]) for first, last in pairwise([0, *edges, len(tempi)])
    ]


def _path(score: np.ndarray) -> np.ndarray:
    """The best path through score (windows, tempi): small steps cost little, jumps much."""
    windows, count = score.shape
    previous = np.zeros((windows, count), dtype=int)
    at = np.arange(count)
    slide = SLIDE_COST * np.abs(np.arange(-SLIDE, SLIDE + 1))
    best = score[0]
    for i in range(1, windows):
        padded = np.pad(best, SLIDE, constant_values=-np.inf)
        near = np.lib.stride_tricks.sliding_window_view(padded, 2 * SLIDE + 1)
        near = near - slide
        step = np.argmax(near, axis=1)
        value = near[at, step]
        top = int(np.argmax(best))
        jump = best[top] - JUMP_COST > value
        previous[i] = np.where(jump, top, at + step - SLIDE)
        best = np.where(jump, best[top] - JUMP_COST, value) + score[i]
    path = np.empty(windows, dtype=int)
    path[-1] = int(np.argmax(best))
    for i in range(windows - 1, 0, -1):
        path[i - 1] = previous[i, path[i]]
    return path


def _related(one: float, other: float) -> bool:
    """True for tempi within 2 % of each other, or within 1 % of another simple ratio."""
    ratio = max(one, other) / min(one, other)
    return ratio < 1.02 or any(abs(ratio / simple - 1) < 0.01 for simple in RATIOS)


def steady_pieces(activation: np.ndarray, bpm: float) -> list[tuple[int, int, float]]:
    """Pieces of an activation (first frame, past last, BPM), each in phase with itself.

    The pieces maximise the sum of their coherence, each at its own best tempo within 3 % of bpm,
    minus PIECE_COST for each.
    """
    rows = demodulate(activation, bpm, BLOCK)
    count = rows.shape[1]
    seconds = BLOCK / FRAME_RATE
    times = (np.arange(count) + 0.5) * seconds
    reach = min(count, LONGEST)
    step = 60.0 / (reach * seconds) / 4
    shifts = np.arange(-SPREAD * bpm, SPREAD * bpm + step, step)
    turn = np.exp(-2j * np.pi * np.outer(times, shifts / 60.0))
    power = np.ones_like(turn)
    sums = np.zeros((len(rows), count + 1, len(shifts)), dtype=np.complex64)
    for harmonic, row in enumerate(rows):
        power = power * turn
        sums[harmonic, 1:] = np.cumsum(row[:, None] * power, axis=0)
    cost = PIECE_COST / seconds * np.abs(rows).sum(axis=0).mean()
    best = np.zeros(count + 1)
    previous = np.zeros(count + 1, dtype=int)
    tempo = np.zeros(count + 1)
    for end in range(1, count + 1):
        start = max(0, end - LONGEST)
        gain = _sizes(sums[:, end : end + 1] - sums[:, start:end]).sum(axis=0)
        at = np.argmax(gain, axis=1)
        value = best[start:end] + gain[np.arange(len(at)), at] - cost
        pick = int(np.argmax(value))
        best[end], previous[end], tempo[end] = value[pick], start + pick, shifts[at[pick]]
    pieces = []
    end = count
    while end > 0:
        start = int(previous[end])
        pieces.append((start * BLOCK, min(end * BLOCK, len(activation)), bpm + float(tempo[end])))
        end = start
    return _merged(activation, pieces[::-1])


def _sizes(values: np.ndarray) -> np.ndarray:
    """np.abs of complex values, at a third of its cost."""
    return np.sqrt(values.real**2 + values.imag**2)


def _merged(
    activation: np.ndarray, pieces: list[tuple[int, int, float]]
) -> list[tuple[int, int, float]]:
    """The pieces; neighbours on one grid are merged.

    So are neighbours of one tempo half a beat apart: accents move by that much in continuous
    music, but edits seldom do. Neighbours a quarter of a beat apart are merged only if either is
    short, because the records of a mix are long.
    """
    joined = [pieces[0]]
    for first, last, tempo in pieces[1:]:
        start, middle, before = joined[-1]
        short = min(last - first, middle - start) < RECORD_FRAMES
        distance = _grid_distance(activation, joined[-1], (first, last, tempo))
        if distance in (0.0, 0.5) or (distance == 0.25 and short):
            together = exact_tempo(activation[start:last], (before + tempo) / 2)
            joined[-1] = (start, last, together)
        else:
            joined.append((first, last, tempo))
    return joined


def _grid_distance(
    activation: np.ndarray, one: tuple[int, int, float], other: tuple[int, int, float]
) -> float | None:
    """Distance in beats of the grids of two pieces: 0, 1/4 or 1/2, by which accents move.

    None for any other distance, or another tempo: they are different grids.
    """
    (start, middle, before), (first, last, tempo) = one, other
    shorter = min(last - first, middle - start) / FRAME_RATE
    if abs(tempo - before) / 60.0 * shorter >= SLACK:
        return None
    turns = _turns_at(activation, first, start, middle, before)
    turns -= _turns_at(activation, first, first, last, tempo)
    away = abs((turns + 0.5) % 1 - 0.5)
    near = int(np.argmin(np.abs(away - OFF_PHASES)))
    return float(OFF_PHASES[near]) if abs(away - OFF_PHASES[near]) < PHASE_SLACK else None


def _turns_at(activation: np.ndarray, frame: int, first: int, last: int, bpm: float) -> float:
    """Beats, whole and part, from a beat of the piece first..last to a frame."""
    part = activation[first:last]
    exact = exact_tempo(part, bpm)
    return ((frame - first) / FRAME_RATE - phase(part, exact)) * exact / 60.0
