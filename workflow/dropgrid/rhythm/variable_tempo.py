"""Where the tempo moves: the path of a bar pointer against the steady grids, second by second.

Both are scored by the same likelihood (rhythm/bar_pointer.py). The path pays for every change of
beat length, the grids do not. So steady music is better explained by its grids, and only music
that is played by people, or pitched while it plays, by the path.
"""

from __future__ import annotations

import numpy as np

from ..base.quantiles import median
from ..features import FRAME_RATE
from .bar_pointer import BEAT_PART, Likelihood, Path, best_path
from .beat_activation import FAINT, GRID_SHARE, beat_activation
from .fit import PEAK_FLOOR, SPREAD
from .options import RhythmOptions
from .piecewise import drift

ACCENTS = (0.0, 0.5, 0.25, 0.75)  # of a beat: where a steady grid's accents may lie
ACCENT_COST = 20.0  # log odds that a move of the accents must gain
TURN_COST = 60.0  # log odds that a change from grid to path, or back, must gain
SHORTEST = 30  # s: a shorter movement is a fill or an end, and stays with the grid
HOP, HOPS = 0.05, 0.01  # log ratio of two beats that is a hop; the share of hops allowed
PLAYED_SHARE = 0.5  # of a run that moves; from here on, the whole run counts as played by people
PULSE = 0.12  # share of the activation in phase with its local tempo; less is noise
STEADY, PLAYED = 0.0006, 0.001  # deviations of local tempi: a machine's; certainly a player's
OUT_OF_REACH = 0.2  # share of local tempi out of the grids' reach: several records in one run
NARROW = 0.15  # largest relative distance of a path from its tempo
LONGEST = 250  # frames of a beat
TIMES = (1, 2, 0.5)  # of the tempo: octaves tried for players who keep one tempo


def follow(
    activation: np.ndarray,
    bpm: float,
    grid: np.ndarray,
    local: np.ndarray,
    options: RhythmOptions,
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """The seconds (first, past last) of an activation (frames,) that move, and their beats.

    bpm: the tempo of its steady grids; grid: their beats in frames, at least two; local: its
    local tempi in BPM. The beats returned are in seconds.
    """
    path = _narrow(activation, local, 1, options)
    if path is None:
        return [], np.zeros(0)
    moves = moving(activation, grid, path)
    parts = _smooth(moves, path)
    parts = [part for part in parts if _explains_more(activation, grid, path, part)]
    if moves.mean() > PLAYED_SHARE:
        share, deviation = drift(activation, float(median(local)))
        beyond = np.mean(np.abs(local / bpm - 1) > SPREAD) > OUT_OF_REACH
        whole = (0, len(moves))
        played = share >= PULSE and deviation > STEADY
        played = played and _explains_more(activation, grid, path, whole)
        parts = [whole] if played or beyond else []
        if played and deviation > PLAYED:
            path = best_path(activation, *_lengths(options.min_bpm, options.max_bpm))
        elif played:
            paths = [_narrow(activation, local, times, options) for times in TIMES]
            path = max((p for p in paths if p is not None), key=lambda path: path.score)
    return parts, path.spots[~np.isnan(path.spots)] / FRAME_RATE


def _explains_more(
    activation: np.ndarray, grid: np.ndarray, path: Path, part: tuple[int, int]
) -> bool:
    """Whether a path's beats collect clearly more activation than the grid's in a part (s)."""
    first, last = (second * FRAME_RATE for second in part)
    followed, steady = (
        beat_activation(activation, beats[(beats >= first) & (beats < last)])
        for beats in (path.spots, grid)
    )
    if len(followed) and len(steady):
        usual = np.sort(beat_activation(activation, grid))[len(grid) // 2 :].mean()
        if followed.mean() < FAINT * usual:
            return False
    return float(steady.sum()) < GRID_SHARE * float(followed.sum())


def _narrow(
    activation: np.ndarray, local: np.ndarray, times: float, options: RhythmOptions
) -> Path | None:
    """The best path near the local tempi multiplied by times, inside the options' range."""
    low = max(float(local.min()) * times * (1 - NARROW), options.min_bpm)
    high = min(float(local.max()) * times * (1 + NARROW), options.max_bpm)
    return best_path(activation, *_lengths(low, high)) if low < high else None


def _lengths(low: float, high: float) -> tuple[int, int]:
    """The shortest and the longest beat in frames, from the lowest and the highest BPM."""
    frames = 60 * FRAME_RATE
    return max(round(frames / high), 1), min(round(frames / low), LONGEST)


def _smooth(moves: np.ndarray, path: Path) -> list[tuple[int, int]]:
    """Stretches of True in moves (n,), seconds, that are long enough and change smoothly.

    A path hops where it searches for beats in a break or an end without beats.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], moves.astype(int), [0]])))
    parts = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        inside = (path.starts >= first * FRAME_RATE) & (path.starts < last * FRAME_RATE)
        hops = np.abs(np.diff(np.log(path.lengths[inside]))) > HOP
        if last - first >= SHORTEST and hops.mean() <= HOPS:
            parts.append((first, last))
    return parts


def moving(activation: np.ndarray, beats: np.ndarray, path: Path) -> np.ndarray:
    """Which seconds (n,) of an activation the path explains better than the steady grids do.

    beats: of the grids, in frames. A change from one to the other costs TURN_COST. Seconds without
    a peak count for neither.
    """
    edges = np.append(np.arange(0, len(activation), FRAME_RATE), len(activation))
    known = ((path.starts, path.scores), along_grid(activation, beats))
    sums = [
        np.interp(edges, at, np.concatenate([[0.0], np.cumsum(scores)[:-1]]))
        for at, scores in known
    ]  # fmt: skip
    has_peak = np.maximum.reduceat(activation, edges[:-1]) >= PEAK_FLOOR
    gain = np.where(has_peak, np.diff(sums[0] - sums[1]), 0.0)
    own = np.array([0.0, 1.0])
    previous = np.zeros((len(gain), 2), dtype=bool)
    best = np.zeros(2)
    for i, more in enumerate(gain):
        previous[i] = best[::-1] - TURN_COST > best
        best = np.where(previous[i], best[::-1] - TURN_COST, best) + more * own
    moves = np.zeros(len(gain), dtype=bool)
    state = int(np.argmax(best))
    for i in range(len(gain) - 1, -1, -1):
        moves[i] = state
        state ^= int(previous[i, state])
    return moves


def along_grid(activation: np.ndarray, beats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames and log likelihoods (n,) of the beats of steady grids, extended beyond both ends.

    beats: (n,) in frames, at least two. Accents may move by quarters of a beat: the off-beats of a
    break are not another tempo.
    """
    before = np.arange(beats[0], -4.0 * (beats[1] - beats[0]), beats[0] - beats[1])[:0:-1]
    end = len(activation) + 4.0 * (beats[-1] - beats[-2])
    after = np.arange(beats[-1], end, beats[-1] - beats[-2])[1:]
    beats = np.concatenate([before, beats, after])
    likelihood = Likelihood(activation, int(-min(beats[0], 0) + 2 * np.diff(beats).max()) + 4)
    steps = np.diff(beats)
    rows = []
    for accent in ACCENTS:
        half = (np.ceil(steps / BEAT_PART) - 1) / 2
        starts = np.round(beats[:-1] + accent * steps - half).astype(int)
        starts = np.append(starts, starts[-1] + round(steps[-1]))
        low, high = -likelihood.pad, likelihood.end + likelihood.pad
        starts = np.clip(starts, low, high)
        lengths = np.maximum(np.diff(starts), 0)
        rows.append(likelihood(starts[:-1], lengths))
    return beats[:-1], _best_accents(np.stack(rows, axis=1))


def _best_accents(scores: np.ndarray) -> np.ndarray:
    """The scores (n,) along the best sequence of accents, from scores (n, accents)."""
    count = len(scores)
    previous = np.zeros(scores.shape, dtype=np.int8)
    best = scores[0]
    own = np.arange(scores.shape[1])
    for i in range(1, count):
        top = int(np.argmax(best))
        jump = best[top] - ACCENT_COST > best
        previous[i] = np.where(jump, top, own)
        best = np.where(jump, best[top] - ACCENT_COST, best) + scores[i]
    chosen = np.empty(count, dtype=int)
    chosen[-1] = int(np.argmax(best))
    for i in range(count - 1, 0, -1):
        chosen[i - 1] = previous[i, chosen[i]]
    result = scores[np.arange(count), chosen]
    result[1:] -= ACCENT_COST * (np.diff(chosen) != 0)
    return result
