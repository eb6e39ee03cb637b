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
from .levels import ENTRY, LOW, PLATEAU, Drive, decibels

HIGH_BANDS = 4  # the bands from 1 kHz up: what risers and snare rolls fill
# The ladder, fitted to 29 songs by benchmarks/structure_fit.py; both thresholds are lower than
# that fit says (-6.7, -3.1), in the midst of values that miss and invent the fewest drops.
CALM = -7.6  # dB: halfway between calm and middling
PEAK = -4.5  # dB: halfway between middling and peak
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
INTRO, BUILDUP, MAIN, DROP, BREAKDOWN, OUTRO = range(len(LABELS))

# Two neighbours of one label are one section unless much speaks against it.
SAME = 3.0  # what two neighbours of one label cost ...
SAME_DROP = 1.0  # ... and two of a drop, which may change without a break
# How a section's level steps from the one before it: it falls, stays or rises.
STEP = 2.5  # dB at which a step is as likely a rise as none
STEP_SPREAD = 1.2  # dB in which the odds change by e
STEP_BARS = 8  # bars compared on each side, at most
STEP_COUNTS = 1.25  # what a step counts against the grammar
FALLS, STAYS, RISES = range(3)
_F, _S, _R, _X = (FALLS,), (STAYS,), (RISES,), (FALLS, STAYS, RISES)
# How the level may step from each label to the next: rows from, columns to.
DIRECTIONS = (
    # intro buildup main drop breakdown outro
    (_S, _X, _S + _R, _R, _F + _S, _X),  # intro
    (_X, _S + _R, _X, _R, _F, _X),  # buildup
    (_X, _F + _S, _S, _S + _R, _F, _F),  # main
    (_X, _F, _F, _S, _F, _F),  # drop
    (_X, _S + _R, _R, _R, _S, _X),  # breakdown
    (_X, _X, _X, _X, _X, _S),  # outro
)


@dataclass(frozen=True)
class SectionSound:
    """What a section sounds like, each of them (sections,).

    level: dB below the track's loudest stretch, the mean over its bars (levels.Drive). loudest:
    the same of its loudest PLATEAU bars, all of them where it has no more; fullest: likewise, with
    the tune as a part of the level. kick: dB of the kick's strokes against the usual ones of the
    track (levels.Drive.kick_levels). rise: dB by which the high bands of its last quarter exceed
    those of its first. pulse: dB, standard deviation along
    the bar, mean over its bars and the bands. bass: dB of the low bands against all. bars: its
    length; calm: how many of them are calm.
    """

    level: np.ndarray
    loudest: np.ndarray
    fullest: np.ndarray
    kick: np.ndarray
    rise: np.ndarray
    pulse: np.ndarray
    bass: np.ndarray
    bars: np.ndarray
    calm: np.ndarray


@dataclass(frozen=True)
class Course:
    """Running sums over a track, of which any stretch can be described at once.

    Each (units + 1,): of the levels, of the kick's strokes against the usual ones, of the high
    bands, of the pulse of the bar each unit lies in, of the power of the low bands and of all, and
    of the calm units. highest: (scales, units) the highest level of the stretches of PLATEAU bars
    that begin at 2 ** scale units, from each unit on. tuneful, fullest: as level and highest, with
    the tune as a part of the level. per_bar: units in a bar.
    """

    level: np.ndarray
    kick: np.ndarray
    high: np.ndarray
    pulse: np.ndarray
    low: np.ndarray
    power: np.ndarray
    calm: np.ndarray
    highest: np.ndarray
    tuneful: np.ndarray
    fullest: np.ndarray
    per_bar: int

    def between(self, starts: np.ndarray, ends: np.ndarray | int) -> SectionSound:
        """What the sections from each start to each end, in units, sound like."""
        length = ends - starts
        quarter = np.maximum(1, length // 4)
        long = length > self.plateau

        def mean(sums: np.ndarray) -> np.ndarray:
            return np.asarray((sums[ends] - sums[starts]) / length)

        opening = (self.high[starts + quarter] - self.high[starts]) / quarter
        closing = (self.high[ends] - self.high[ends - quarter]) / quarter
        return SectionSound(
            mean(self.level),
            np.where(long, self._loudest(self.highest, starts, ends), mean(self.level)),
            np.where(long, self._loudest(self.fullest, starts, ends), mean(self.tuneful)),
            mean(self.kick),
            closing - opening,
            mean(self.pulse),
            decibels(mean(self.low)) - decibels(mean(self.power)),
            length / self.per_bar,
            (self.calm[ends] - self.calm[starts]) / self.per_bar,
        )

    @property
    def plateau(self) -> int:
        """Units of a stretch of PLATEAU bars."""
        return PLATEAU * self.per_bar

    def _loudest(
        self, highest: np.ndarray, starts: np.ndarray, ends: np.ndarray | int
    ) -> np.ndarray:
        """The highest level of any stretch of PLATEAU bars between each start and end."""
        last = np.maximum(starts, ends - self.plateau)
        scale = np.log2(last - starts + 1).astype(int)
        return np.maximum(highest[scale, starts], highest[scale, last + 1 - 2**scale])

    def steps(self, places: np.ndarray) -> np.ndarray:
        """dB by which the level of up to STEP_BARS from each place on exceeds that before it."""
        room = np.minimum(places, len(self.level) - 1 - places)
        width = np.minimum(STEP_BARS * self.per_bar, room)
        after, at, before = (self.level[places + k * width] for k in (1, 0, -1))
        return np.asarray((after - 2 * at + before) / np.maximum(width, 1))

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

    tuneful = sums(drive.tuneful_levels())
    return Course(
        level=sums(level),
        kick=sums(drive.kick_levels()),
        high=sums(pattern[:, :, -HIGH_BANDS:].mean(axis=(1, 2))),
        pulse=sums(_pulse(pattern, drive.per_bar, aligned)),
        low=sums((10 ** (levels[:, :, LOW] / 10)).sum(axis=2).mean(axis=1)),
        power=sums(drive.power),
        calm=sums(level < CALM_BAR),
        highest=loudest_stretches(sums(level), PLATEAU * drive.per_bar),
        tuneful=tuneful,
        fullest=loudest_stretches(tuneful, PLATEAU * drive.per_bar),
        per_bar=drive.per_bar,
    )


def loudest_stretches(level: np.ndarray, width: int) -> np.ndarray:
    """(scales, units) the highest mean of width units of those that begin at 2 ** scale units.

    level: (units + 1,) running sums. Near the end the stretches are shorter.
    """
    units = len(level) - 1
    ends = np.minimum(np.arange(units) + width, units)
    rows = [(level[ends] - level[:-1]) / np.maximum(ends - np.arange(units), 1)]
    while 2 ** len(rows) <= units:
        before, step = rows[-1], 2 ** (len(rows) - 1)
        rows.append(np.maximum(before, np.append(before[step:], np.full(step, -np.inf))))
    return np.array(rows)


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
    # Intros and outros play with the beat, but hold no peak; in an outro a peak has a tune.
    opening, closing = (
        np.logaddexp(*ladder(level).T[:2]) for level in (sound.loudest, sound.fullest)
    )
    rises = np.logaddexp(calm, middling) + _log_sigmoid(sound.rise - RISE)
    beat = _log_sigmoid(4.0 * (sound.pulse - PULSE))
    bass = _log_sigmoid(sound.bass - BASS)
    kick = _log_sigmoid((sound.kick - ENTRY) / SPREAD)
    never = np.full_like(peak, NEVER)
    return np.stack([
        opening,
        np.where(sound.bars > LONGEST_BUILDUP, NEVER, rises) if contrast else never,
        beat + (middling if contrast else np.logaddexp(middling, peak)),
        beat + peak + bass + kick if contrast else never,
        calm,
        closing,
    ], axis=1)  # fmt: skip


def transitions(step: np.ndarray) -> np.ndarray:
    """(n, labels, labels) log weights of what follows what, at n boundaries.

    step: (n,) dB by which the level steps there: each pair of labels says whether it falls,
    stays or rises, with probabilities as on the ladder.
    """
    falls = _log_sigmoid((-STEP - step) / STEP_SPREAD)
    rises = _log_sigmoid((step - STEP) / STEP_SPREAD)
    stays = np.log(np.maximum(1.0 - np.exp(falls) - np.exp(rises), 1e-9))
    ways = np.exp(np.stack([falls, stays, rises], axis=1))
    chosen = np.array([[[k in way for k in range(3)] for way in row] for row in DIRECTIONS], float)
    weights = STEP_COUNTS * np.log(np.maximum(np.einsum("nk,abk->nab", ways, chosen), 1e-9))
    alike = np.full(len(LABELS), SAME, float)
    alike[DROP] = SAME_DROP
    return np.asarray(weights + GRAMMAR - np.diag(alike))


def has_contrast(sound: SectionSound, min_bars: int) -> bool:
    """Whether a tenth of the track, and at least min_bars bars, are calm.

    Where nothing is, nothing drops: a loop is no drop.
    """
    return bool(sound.calm.sum() >= max(min_bars, CALM_SHARE * sound.bars.sum()))


def label(sound: SectionSound, step: np.ndarray, contrast: bool) -> tuple[list[int], np.ndarray]:
    """The best sequence of labels, as places in LABELS, and the posterior (sections, labels).

    step: (sections - 1,) dB by which the level steps between them. Without contrast there is
    neither drop nor buildup.
    """
    emission = scores(sound, contrast)
    follows = transitions(step)
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
