"""Labels: which section is intro, buildup, main, drop, breakdown or outro.

How hard a section drives is one number, its level: dB below the track's own loudest stretch. On
that ladder stand calm, middling and peak music, with two thresholds that were fitted. A label
takes what it allows of them and of a few more numbers; a grammar of what follows what picks the
best sequence (a hidden semi-Markov model whose segments are given).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..records.model import LABELS
from .levels import LOW, Drive, decibels

HIGH_BANDS = 4  # the bands from 1 kHz up: what risers and snare rolls fill
# The ladder, fitted to 29 songs by benchmarks/structure_fit.py; both thresholds are lower than
# that fit says (-6.7, -3.1), in the midst of values that miss and invent the fewest drops.
CALM = -7.6  # dB: halfway between calm and middling
PEAK = -3.75  # dB: halfway between middling and peak
SPREAD = 1.26  # dB in which the odds change by e
RISE = 1.0  # dB by which a buildup ends brighter than it begins
PULSE = 1.5  # dB by which levels vary along the bar where there is a beat to dance to
CALM_BAR = -4.9  # dB that the level of a calm bar stays under
LONGEST_BUILDUP = 32  # bars
CALM_SHARE = 0.1  # of a track: with fewer calm bars, it is loud from end to end
BASS = -15.0  # dB below the whole where low frequencies count as missing

# log weight of a label after another: rows from, columns to, both in the order of LABELS.
NEVER = -50.0
GRAMMAR = np.array([
    # intro buildup main drop breakdown outro
    [-0.7, -0.7, -1.0, -0.7, -1.2, -2.5],  # intro
    [NEVER, -1.0, -1.5, 0.0, -4.0, -4.0],  # buildup
    [NEVER, -1.0, -0.5, -0.5, -0.7, -1.0],  # main
    [NEVER, -1.5, -1.0, -0.5, -0.7, -1.0],  # drop
    [NEVER, -0.7, -0.7, -0.7, -0.7, -1.5],  # breakdown
    [NEVER, NEVER, NEVER, NEVER, NEVER, -0.5],  # outro
])  # fmt: skip
FIRST = np.array([0.0, -3.0, -2.0, -2.5, -3.0, NEVER])
LAST = np.array([-1.0, -5.0, -1.5, -2.0, -1.5, 0.0])
STEADINESS = 0.5  # what a dB of level lost within an intro, or gained within an outro, costs
INTRO, BUILDUP, MAIN, DROP, BREAKDOWN, OUTRO = range(len(LABELS))


@dataclass(frozen=True)
class SectionSound:
    """What a section sounds like, each of them (sections,).

    level: dB below the track's loudest stretch, the mean over its bars (drive.Drive). rise: dB by
    which the high bands of its last quarter exceed those of its first. pulse: dB, standard
    deviation along the bar, mean over its bars and the bands. bass: dB of the low bands
    against all. bars: its length; calm: how many of them are calm.
    """

    level: np.ndarray
    rise: np.ndarray
    pulse: np.ndarray
    bass: np.ndarray
    bars: np.ndarray
    calm: np.ndarray


@dataclass(frozen=True)
class Course:
    """Running sums over a track, of which any stretch can be described at once.

    Each (units + 1,): of the levels, of the high bands, of the pulse of the bar each unit lies in,
    of the power of the low bands and of all, and of the calm units. per_bar: units in a bar.
    """

    level: np.ndarray
    high: np.ndarray
    pulse: np.ndarray
    low: np.ndarray
    power: np.ndarray
    calm: np.ndarray
    per_bar: int

    def between(self, starts: np.ndarray, ends: np.ndarray | int) -> SectionSound:
        """What the sections from each start to each end, in units, sound like."""
        length = ends - starts
        quarter = np.maximum(1, length // 4)

        def mean(sums: np.ndarray) -> np.ndarray:
            return np.asarray((sums[ends] - sums[starts]) / length)

        opening = (self.high[starts + quarter] - self.high[starts]) / quarter
        closing = (self.high[ends] - self.high[ends - quarter]) / quarter
        return SectionSound(
            mean(self.level),
            closing - opening,
            mean(self.pulse),
            decibels(mean(self.low)) - decibels(mean(self.power)),
            length / self.per_bar,
            (self.calm[ends] - self.calm[starts]) / self.per_bar,
        )

    def sections(self, bounds: list[int]) -> SectionSound:
        """What the sections between consecutive bounds sound like."""
        return self.between(np.array(bounds[:-1]), np.array(bounds[1:]))


def course(drive: Drive, levels: np.ndarray, pattern: np.ndarray, aligned: bool = True) -> Course:
    """The course of a track.

    drive: of the same units. levels, pattern: (units, subdivisions, bands) dB, as from
    patterns.levels and .relative. aligned: whether positions in the bar mean something; else
    the pulse of a bar is that of its units.
    """
    level = drive.levels()

    def sums(values: np.ndarray) -> np.ndarray:
        return np.append(0.0, np.cumsum(values))

    return Course(
        level=sums(level),
        high=sums(pattern[:, :, -HIGH_BANDS:].mean(axis=(1, 2))),
        pulse=sums(_pulse(pattern, drive.per_bar, aligned)),
        low=sums((10 ** (levels[:, :, LOW] / 10)).sum(axis=2).mean(axis=1)),
        power=sums(drive.power),
        calm=sums(level < CALM_BAR),
        per_bar=drive.per_bar,
    )


def _pulse(pattern: np.ndarray, per_bar: int, aligned: bool) -> np.ndarray:
    """(units,) dB by which the levels of the bar a unit lies in vary along it, mean of bands."""
    if not aligned:
        return np.asarray(pattern.std(axis=1).mean(axis=1))
    units = len(pattern)
    whole = max(1, units // per_bar)
    bars = pattern[: whole * per_bar].reshape(whole, -1, pattern.shape[2])
    found = np.repeat(bars.std(axis=1).mean(axis=1), per_bar)
    return np.pad(found[:units], (0, max(0, units - len(found))), mode="edge")


def _log_sigmoid(x: np.ndarray) -> np.ndarray:
    return -np.logaddexp(0.0, -x)


def ladder(level: np.ndarray) -> np.ndarray:
    """(sections, 3) log probability that a section is calm, middling, peak, from its level.

    An ordinal logistic model: two thresholds on one scale (McCullagh, Regression models for
    ordinal data, 1980).
    """
    calm = _log_sigmoid((CALM - level) / SPREAD)
    peak = _log_sigmoid((level - PEAK) / SPREAD)
    middling = np.log(np.maximum(1.0 - np.exp(calm) - np.exp(peak), 1e-9))
    return np.stack([calm, middling, peak], axis=1)


def scores(sound: SectionSound, contrast: bool) -> np.ndarray:
    """(sections, labels) log score of every label for every section, from its sound alone.

    contrast: whether the track has calm parts; else it may be as loud as it likes, nothing
    drops and nothing builds up.
    """
    calm, middling, peak = ladder(sound.level).T
    below = np.logaddexp(calm, middling)  # intros and outros play with the beat as well
    rises = below + _log_sigmoid(sound.rise - RISE)
    beat = _log_sigmoid(4.0 * (sound.pulse - PULSE))
    bass = _log_sigmoid(sound.bass - BASS)
    never = np.full_like(peak, NEVER)
    return np.stack([
        below,
        np.where(sound.bars > LONGEST_BUILDUP, NEVER, rises) if contrast else never,
        beat + (middling if contrast else np.logaddexp(middling, peak)),
        beat + peak + bass if contrast else never,
        calm,
        below,
    ], axis=1)  # fmt: skip


def _transitions(level: np.ndarray) -> np.ndarray:
    """(sections - 1, labels, labels) log weights of what follows what.

    The grammar, and that within an intro energy comes in, within an outro it goes out.
    """
    weights = np.repeat(GRAMMAR[None], len(level) - 1, axis=0)
    gained = np.diff(level)
    weights[:, INTRO, INTRO] -= STEADINESS * np.maximum(0.0, -gained)
    weights[:, OUTRO, OUTRO] -= STEADINESS * np.maximum(0.0, gained)
    return weights


def has_contrast(sound: SectionSound, min_bars: int) -> bool:
    """Whether a tenth of the track, and at least min_bars bars, are calm.

    Where nothing is, nothing drops: a loop is no drop.
    """
    return bool(sound.calm.sum() >= max(min_bars, CALM_SHARE * sound.bars.sum()))


def label(sound: SectionSound, contrast: bool) -> tuple[list[int], np.ndarray]:
    """The best sequence of labels, as places in LABELS, and the posterior (sections, labels).

    Without contrast there is neither drop nor buildup.
    """
    emission = scores(sound, contrast)
    follows = _transitions(sound.level)
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
    return path[::-1], posterior
