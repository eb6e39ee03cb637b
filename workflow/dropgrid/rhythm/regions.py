"""Where the tempo really changes: stretches of steady music, found by dynamic programming.

Two passes. Over the tempogram's windows, a path that may jump to another tempo only where
that pays (a mix, an edit). Then within each stretch, over blocks of the activation itself,
pieces each of which is in phase with itself (a jump of phase, a drummer's drift). Steady music
comes out whole: a break without drums, or a part whose accents lie off the beat, is too little
reason for a boundary.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..features import FRAME_RATE
from .fit import SPREAD, demodulate, exact_tempo, phase
from .options import RhythmOptions
from .tempo import Tempogram, scores

JUMP_COST = 40.0  # score a change of tempo has to earn; a clear 10 s window earns about 5
PIECE_COST = 16.0  # seconds of the track's mean coherence that a new piece has to earn
BLOCK = 2 * FRAME_RATE  # frames of the finest boundary
LONGEST = 150  # blocks of one piece in the search; compatible neighbours are joined afterwards
SLACK = 0.25  # beats that two neighbours' tempi may drift apart over the shorter and be one
OFF_PHASES = np.array([0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1])  # accents, not another grid
PHASE_SLACK = 0.05  # beats
RATIOS = (1.0, 2.0, 3.0, 1.5, 4 / 3, 4.0)  # tempi so related are one tempo felt in two ways


def tempo_runs(gram: Tempogram, options: RhythmOptions) -> list[tuple[int, int]]:
    """Stretches of the tempogram's windows, (first, past last), that hold one tempo each."""
    score = scores(gram.magnitudes, gram.tempi, options)
    path = _path(score)
    tempi = gram.tempi[path]
    edges = [0]
    for i in range(1, len(tempi)):
        if not _related(tempi[i], tempi[i - 1]):
            edges.append(i)
    edges.append(len(tempi))
    return list(pairwise(edges))


def _path(score: np.ndarray) -> np.ndarray:
    """The best path through score (windows, tempi): steps of one bin are free, jumps cost."""
    windows, count = score.shape
    came = np.zeros((windows, count), dtype=int)
    stay = np.arange(count)
    best = score[0]
    for i in range(1, windows):
        padded = np.concatenate([[-np.inf], best, [-np.inf]])
        near = np.stack([padded[1:-1], padded[:-2], padded[2:]])
        step = np.argmax(near, axis=0)
        origin = stay + np.array([0, -1, 1])[step]
        value = near[step, stay]
        top = int(np.argmax(best))
        jump = best[top] - JUMP_COST > value
        came[i] = np.where(jump, top, origin)
        best = np.where(jump, best[top] - JUMP_COST, value) + score[i]
    path = np.empty(windows, dtype=int)
    path[-1] = int(np.argmax(best))
    for i in range(windows - 1, 0, -1):
        path[i - 1] = came[i, path[i]]
    return path


def _related(one: float, other: float) -> bool:
    """True for tempi within 2 % of each other, or of a simple ratio."""
    ratio = max(one, other) / min(one, other)
    return any(abs(ratio / simple - 1) < 0.02 for simple in RATIOS)


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
    sums = []
    for row in rows:
        power = power * turn
        turned = np.cumsum(row[:, None] * power, axis=0)
        sums.append(np.concatenate([np.zeros((1, len(shifts))), turned]))
    cost = PIECE_COST / seconds * np.abs(rows).sum(axis=0).mean()
    best = np.zeros(count + 1)
    came = np.zeros(count + 1, dtype=int)
    tempo = np.zeros(count + 1)
    for end in range(1, count + 1):
        start = max(0, end - LONGEST)
        gain = sum(np.abs(total[end] - total[start:end]) for total in sums)
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


def _joined(
    activation: np.ndarray, pieces: list[tuple[int, int, float]]
) -> list[tuple[int, int, float]]:
    """The pieces, neighbours on one grid made one.

    So are neighbours of one tempo that lie half a beat, a third or a quarter apart: that is
    where accents move in music that goes on, and edits seldom fall there.
    """
    joined = [pieces[0]]
    for first, last, tempo in pieces[1:]:
        start, middle, before = joined[-1]
        shorter = min(last - first, middle - start) / FRAME_RATE
        if abs(tempo - before) / 60.0 * shorter < SLACK:
            together = exact_tempo(activation[start:last], (before + tempo) / 2)
            turns = together / 60.0 * phase(activation[start:middle], together)
            later = (
                together
                / 60.0
                * (phase(activation[first:last], together) + (first - start) / FRAME_RATE)
            )
            if np.abs((later - turns) % 1 - OFF_PHASES).min() < PHASE_SLACK:
                joined[-1] = (start, last, together)
                continue
        joined.append((first, last, tempo))
    return joined
