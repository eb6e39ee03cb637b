"""Labels: which section is intro, buildup, drop, breakdown or outro.

Each section is described by a few numbers; a label's score for it is a sum of logistic terms
over them; a grammar of what follows what picks the best sequence (a hidden semi-Markov model
whose segments are given).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..records.model import LABELS, Label

LOW_BANDS = 2  # the bands below 120 Hz: kick and sub bass
HIGH_BANDS = 5  # the bands from 1 kHz up: what risers and snare rolls fill
QUIET = -20.0  # dB: energies below this are all the same silence
DROP_ENERGY = -5.5  # dB below the track's loud bars where drops and the rest part
BUILDUP_ENERGY = -2.0  # a buildup stays below this ...
INTRO_ENERGY = -1.5  # ... an intro below this ...
OUTRO_ENERGY = -3.5  # ... and an outro below this
RISE = 1.0  # dB by which a buildup ends brighter than it begins
PULSE = 1.5  # dB by which levels vary along the bar where there is a beat to dance to
BASS = -15.0  # dB below the whole where low frequencies count as missing

# log weight of a label after another: rows from, columns to, both in the order of LABELS.
NEVER = -50.0
GRAMMAR = np.array([
    # intro buildup drop breakdown outro
    [-0.7, -0.7, -1.0, -1.2, -2.5],  # intro
    [NEVER, -1.0, 0.0, -4.0, -4.0],  # buildup
    [NEVER, -1.5, -0.5, -0.7, -1.0],  # drop
    [NEVER, -0.7, -0.7, -0.7, -1.5],  # breakdown
    [NEVER, NEVER, NEVER, NEVER, -0.5],  # outro
])  # fmt: skip
FIRST = np.array([0.0, -3.0, -2.5, -3.0, NEVER])
LAST = np.array([-1.0, -5.0, -1.5, -1.5, 0.0])
STEADINESS = 0.5  # what a dB of energy lost within an intro, or gained within an outro, costs
INTRO, BUILDUP, DROP, _, OUTRO = range(len(LABELS))


@dataclass(frozen=True)
class SectionSound:
    """What a section sounds like, each of them (sections,).

    energy: dB below the track's loud bars, the mean of loudness, low end and fullness.
    rise: dB by which the high bands of its last quarter exceed those of its first.
    pulse: dB, standard deviation of its mean bar along the bar, mean over the bands.
    bass: dB of the low bands against all.
    bars: its length.
    """

    energy: np.ndarray
    rise: np.ndarray
    pulse: np.ndarray
    bass: np.ndarray
    bars: np.ndarray


def describe(
    levels: np.ndarray, pattern: np.ndarray, per_bar: int, bounds: list[int], aligned: bool = True
) -> SectionSound:
    """What the sections between consecutive bounds sound like.

    levels, pattern: (units, subdivisions, bands) dB, as from patterns.levels and .relative.
    aligned: whether positions in the bar mean something; else the pulse is that of single bars.
    """
    power = 10 ** (levels / 10)
    total = power.sum(axis=2).mean(axis=1)
    low = power[:, :, :LOW_BANDS].sum(axis=2).mean(axis=1)
    fullness = pattern.mean(axis=(1, 2))
    energy = np.mean([
        _below_loud(_decibels(_by_bar(total, per_bar)), per_bar, len(total)),
        _below_loud(_decibels(_by_bar(low, per_bar)), per_bar, len(total)),
        _below_loud(_by_bar(fullness, per_bar), per_bar, len(total)),
    ], axis=0)  # fmt: skip
    high = pattern[:, :, -HIGH_BANDS + 1 :].mean(axis=(1, 2))
    rows = []
    for start, end in pairwise(bounds):
        quarter = max(1, (end - start) // 4)
        whole = (end - start) // per_bar * per_bar
        bars = pattern[start : start + whole] if whole else pattern[start:end][None]
        bars = bars.reshape(max(1, whole // per_bar), -1, pattern.shape[2])
        rows.append((
            energy[start:end].mean(),
            high[end - quarter : end].mean() - high[start : start + quarter].mean(),
            (bars.mean(axis=0) if aligned else bars).std(axis=-2).mean(),
            float(_decibels(low[start:end].mean()) - _decibels(total[start:end].mean())),
            (end - start) / per_bar,
        ))  # fmt: skip
    return SectionSound(*np.array(rows).T)


def _decibels(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, 1e-12))


def _by_bar(values: np.ndarray, per_bar: int) -> np.ndarray:
    """Means of every whole bar, and of what is left at the end."""
    starts = np.arange(0, len(values), per_bar)
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))


def _below_loud(bars: np.ndarray, per_bar: int, units: int) -> np.ndarray:
    """Values by bar in dB below the track's loud bars, repeated for every unit."""
    below = np.maximum(bars - np.percentile(bars, 90), QUIET)
    return np.repeat(below, per_bar)[:units]


def _log_sigmoid(x: np.ndarray) -> np.ndarray:
    return -np.logaddexp(0.0, -x)


def scores(sound: SectionSound) -> np.ndarray:
    """(sections, labels) log score of every label for every section, from its sound alone."""
    quiet = {
        label: _log_sigmoid(limit - sound.energy)
        for label, limit in (
            ("intro", INTRO_ENERGY), ("buildup", BUILDUP_ENERGY),
            ("breakdown", DROP_ENERGY + 1.0), ("outro", OUTRO_ENERGY),
        )
    }  # fmt: skip
    drop = _log_sigmoid(sound.energy - DROP_ENERGY)
    drop += _log_sigmoid(4.0 * (sound.pulse - PULSE)) + _log_sigmoid(sound.bass - BASS)
    buildup = quiet["buildup"] + _log_sigmoid(sound.rise - RISE)
    return np.stack([quiet["intro"], buildup, drop, quiet["breakdown"], quiet["outro"]], axis=1)


def _transitions(energy: np.ndarray) -> np.ndarray:
    """(sections - 1, labels, labels) log weights of what follows what.

    The grammar, and that within an intro energy comes in, within an outro it goes out.
    """
    follows = np.repeat(GRAMMAR[None], len(energy) - 1, axis=0)
    gained = np.diff(energy)
    follows[:, INTRO, INTRO] += STEADINESS * np.minimum(gained, 0.0)
    follows[:, OUTRO, OUTRO] -= STEADINESS * np.maximum(gained, 0.0)
    return follows


def has_contrast(sound: SectionSound, min_bars: int) -> bool:
    """Whether something in the track is quieter than a drop for at least min_bars bars.

    Where nothing is, nothing drops: a loop is no drop.
    """
    return bool(sound.bars[sound.energy < DROP_ENERGY].sum() >= min_bars)


def label(sound: SectionSound, min_bars: int) -> tuple[list[Label], np.ndarray]:
    """The best sequence of labels, and the posterior (sections, labels) of every label.

    Without contrast there is neither drop nor buildup.
    """
    emission = scores(sound)
    follows = _transitions(sound.energy)
    if not has_contrast(sound, min_bars):
        emission[:, [DROP, BUILDUP]] = NEVER
    count = len(emission)
    best = FIRST + emission[0]
    forward, back = [best], np.zeros((count, len(LABELS)), int)
    for i in range(1, count):
        totals = best[:, None] + follows[i - 1]
        back[i] = totals.argmax(axis=0)
        best = totals.max(axis=0) + emission[i]
        forward.append(
            np.logaddexp.reduce(forward[-1][:, None] + follows[i - 1], axis=0) + emission[i]
        )
    last = LAST if count > 1 else np.zeros(len(LABELS))
    path = [int((best + last).argmax())]
    backward = [last]
    for i in range(count - 1, 0, -1):
        path.append(int(back[i][path[-1]]))
        backward.append(
            np.logaddexp.reduce(follows[i - 1] + (emission[i] + backward[-1])[None], axis=1)
        )
    joint = np.array(forward) + np.array(backward[::-1])
    posterior = np.exp(joint - np.logaddexp.reduce(joint, axis=1)[:, None])
    return [LABELS[i] for i in path[::-1]], posterior
