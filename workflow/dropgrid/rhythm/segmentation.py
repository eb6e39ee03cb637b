"""Where the tempo really changes: stretches of steady music, found by dynamic programming.

Two passes. Over the tempogram's windows, a path that may jump to another tempo only where
that pays (a mix, an edit). Then within each stretch, over blocks of the activation itself,
pieces each of which is in phase with itself (a jump of phase, a drummer's drift). Steady music
comes out whole: a break without drums, or a part whose accents lie off the beat, is too little
reason for a boundary.
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

JUMP_COST = 40.0  # score a change of tempo has to earn; a clear 10 s window earns about 5
SLIDE = 3  # bins the tempo may move in 5 s without being another: 0.9 %
SLIDE_COST = 1.0  # score a bin of sliding has to earn
PIECE_COST = 12.0  # seconds of the track's mean coherence that a new piece has to earn
BLOCK = 2 * FRAME_RATE  # frames of the finest boundary
LONGEST = 90  # blocks of one piece in the search; compatible neighbours are joined afterwards
SLACK = 0.25  # beats that two neighbours' tempi may drift apart over the shorter and be one
OFF_PHASES = np.array([0, 1 / 4, 1 / 2])  # beats by which accents move on one grid
PHASE_SLACK = 0.05  # beats
A_RECORD = 60 * FRAME_RATE  # frames a record of a mix plays at least
RATIOS = (1.0, 2.0, 3.0, 1.5, 4 / 3, 4.0)  # tempi so related are one tempo felt in two ways


@dataclass(frozen=True)
class Run:
    """Windows first to last (exclusive) of a tempogram that hold one tempo, and that tempo.

    tempi: (last - first,) BPM in each window, perhaps another octave of what is felt.
    """

    first: int
    last: int
    tempi: np.ndarray

    def local(self, bpm: float) -> np.ndarray:
        """The tempi in the octave (or other simple ratio) that is nearest to bpm."""
        middle = float(median(self.tempi))
        ratios = np.array([*RATIOS, *(1 / ratio for ratio in RATIOS)])
        return self.tempi / ratios[np.argmin(np.abs(np.log(middle / ratios / bpm)))]


def tempo_runs(gram: Tempogram, options: RhythmOptions) -> list[Run]:
    """Stretches of the tempogram's windows that hold one tempo, or one that bends slowly."""
    tempi = gram.tempi[_path(scores(gram.magnitudes, gram.tempi, options))]
    edges = [i for i in range(1, len(tempi)) if not _related(tempi[i], tempi[i - 1])]
    return [
        Run(first, last, tempi[first:last]) for first, last in pairwise([0, *edges, len(tempi)])
    ]


def _path(score: np.ndarray) -> np.ndarray:
    """The best path through score (windows, tempi): a few bins cost little, jumps much."""
    windows, count = score.shape
    came = np.zeros((windows, count), dtype=int)
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
        came[i] = np.where(jump, top, at + step - SLIDE)
        best = np.where(jump, best[top] - JUMP_COST, value) + score[i]
    path = np.empty(windows, dtype=int)
    path[-1] = int(np.argmax(best))
    for i in range(windows - 1, 0, -1):
        path[i - 1] = came[i, path[i]]
    return path


def _related(one: float, other: float) -> bool:
    """True for tempi within 2 % of each other, or within 1 % of another simple ratio."""
    ratio = max(one, other) / min(one, other)
    return ratio < 1.02 or any(abs(ratio / simple - 1) < 0.01 for simple in RATIOS)


def steady_pieces(activation: np.ndarray, bpm: float) -> list[tuple[int, int, float]]:
    """Pieces of an activation (first frame, past last, BPM), each in phase with itself.

    The sum over pieces of each one's coherence, at its own best tempo within 3 % of bpm, is
    made as great as possible, each further piece costing PIECE_COST.
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
    came = np.zeros(count + 1, dtype=int)
    tempo = np.zeros(count + 1)
    for end in range(1, count + 1):
        start = max(0, end - LONGEST)
        gain = _sizes(sums[:, end : end + 1] - sums[:, start:end]).sum(axis=0)
        at = np.argmax(gain, axis=1)
        value = best[start:end] + gain[np.arange(len(at)), at] - cost
        pick = int(np.argmax(value))
        best[end], came[end], tempo[end] = value[pick], start + pick, shifts[at[pick]]
    pieces = []
    end = count
    while end > 0:
        start = int(came[end])
        pieces.append((start * BLOCK, min(end * BLOCK, len(activation)), bpm + float(tempo[end])))
        end = start
    return _joined(activation, pieces[::-1])


def _sizes(values: np.ndarray) -> np.ndarray:
    """np.abs of complex values, at a third of its cost."""
    return np.sqrt(values.real**2 + values.imag**2)


def _joined(
    activation: np.ndarray, pieces: list[tuple[int, int, float]]
) -> list[tuple[int, int, float]]:
    """The pieces, neighbours on one grid made one.

    So are neighbours of one tempo that lie half a beat apart: that is where accents move in
    music that goes on, and edits seldom fall there. Those a quarter of a beat apart are one
    only if either is short: records of a mix are long.
    """
    joined = [pieces[0]]
    for first, last, tempo in pieces[1:]:
        start, middle, before = joined[-1]
        short = min(last - first, middle - start) < A_RECORD
        apart = _apart(activation, joined[-1], (first, last, tempo))
        if apart in (0.0, 0.5) or (apart == 0.25 and short):
            together = exact_tempo(activation[start:last], (before + tempo) / 2)
            joined[-1] = (start, last, together)
        else:
            joined.append((first, last, tempo))
    return joined


def _apart(
    activation: np.ndarray, one: tuple[int, int, float], other: tuple[int, int, float]
) -> float | None:
    """How many beats the grids of two pieces of one tempo lie apart; None: by another number.

    0, 1/4 or 1/2: accents move by so much; any other distance, or tempo, is another grid.
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
