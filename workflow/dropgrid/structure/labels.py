"""Label sections as intro, buildup, main, drop, breakdown or outro.

Each section has a level: dB below the loudest stretch of its track. Two fitted thresholds divide
the levels into calm, medium and peak. The score of a label depends on the level and on a few more
numbers. A grammar of which label may follow which selects the best sequence (a hidden semi-Markov
model with given segments).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..records.model import LABELS
from .levels import ENTRY, LOW, PLATEAU, LevelMeasures, decibels

HIGH_BANDS = 4  # the bands from 1 kHz up: risers and snare rolls are there
# Thresholds fitted to 29 songs by benchmarks/structure_fit.py. Both are lower than the result of
# the fit (-6.7, -3.1): in the middle of the range that misses and invents the fewest drops.
CALM = -7.6  # dB: halfway between calm and medium
PEAK = -4.5  # dB: halfway between medium and peak
SPREAD = 1.26  # dB in which the odds change by e
RISE = 1.0  # dB by which a buildup ends brighter than it begins
PULSE = 1.5  # dB by which levels vary along the bar if there is a beat to dance to
CALM_BAR = -4.9  # dB: a bar with a lower level is calm
LONGEST_BUILDUP = 32  # bars
CALM_SHARE = 0.1  # of a track: with fewer calm bars, it is loud from end to end
BASS = -15.0  # dB below the whole at which low frequencies count as missing

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

# Two neighbours with one label are one section unless there is strong evidence for two.
SAME = 3.0  # cost of two neighbours with one label ...
SAME_DROP = 1.0  # ... and of two neighbouring drops, which may change without a break
# The step of the level from one section to the next: it falls, stays or rises.
STEP = 2.5  # dB at which a step is as likely a rise as none
STEP_SPREAD = 1.2  # dB in which the odds change by e
STEP_BARS = 8  # bars compared on each side, at most
STEP_COUNTS = 1.25  # weight of a step relative to the grammar
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
    """Numbers that describe the sound of sections, each (sections,).

    level: dB below the track's loudest stretch, mean over the bars (levels.LevelMeasures).
    loudest: the level of the loudest PLATEAU bars, or of all bars if there are fewer.
    fullest: the same with the tune as a part of the level.
    kick: dB of the kick's strokes relative to the usual ones of the track
    (levels.LevelMeasures.kick_levels).
    rise: dB by which the high bands of the last quarter exceed those of the first.
    pulse: dB, standard deviation along the bar, mean over the bars and the bands.
    bass: dB of the low bands relative to all bands.
    bars: the length. calm: the number of calm bars.
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
class RunningSums:
    """Running sums over a track, from which any stretch can be described in constant time.

    Each (units + 1,): of the level, of the kick's strokes relative to the usual ones, of the high
    bands, of the pulse of the bar of each unit, of the power of the low bands and of all bands,
    and of the calm units. highest: (scales, units) the highest level of the stretches of PLATEAU
    bars that begin at 2 ** scale units, from each unit on. tuneful, fullest: as level and highest,
    with the tune as a part of the level. per_bar: units in a bar.
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
        """Describe the sections from each start to each end, in units."""
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
        """dB by which the level of up to STEP_BARS after each place exceeds that before it."""
        room = np.minimum(places, len(self.level) - 1 - places)
        width = np.minimum(STEP_BARS * self.per_bar, room)
        after, at, before = (self.level[places + k * width] for k in (1, 0, -1))
        return np.asarray((after - 2 * at + before) / np.maximum(width, 1))

    def sections(self, bounds: list[int]) -> SectionSound:
        """Describe the sections between consecutive bounds."""
        return self.between(np.array(bounds[:-1]), np.array(bounds[1:]))


def running_sums(
    measures: LevelMeasures, levels: np.ndarray, pattern: np.ndarray, aligned: bool = True
) -> RunningSums:
    """The running sums of a track.

    measures: of the same units. levels, pattern: (units, subdivisions, bands) dB, as from
    patterns.levels and .relative. aligned: whether units have a known position in the bar; if not,
    the pulse of a bar is that of its units.
    """
    level = measures.levels()

    def sums(values: np.ndarray) -> np.ndarray:
        return np.append(0.0, np.cumsum(values))

    tuneful = sums(measures.tuneful_levels())
    return RunningSums(
        level=sums(level),
        kick=sums(measures.kick_levels()),
        high=sums(pattern[:, :, -HIGH_BANDS:].mean(axis=(1, 2))),
        pulse=sums(_pulse(pattern, measures.per_bar, aligned)),
        low=sums((10 ** (levels[:, :, LOW] / 10)).sum(axis=2).mean(axis=1)),
        power=sums(measures.power),
        calm=sums(level < CALM_BAR),
        highest=loudest_stretches(sums(level), PLATEAU * measures.per_bar),
        tuneful=tuneful,
        fullest=loudest_stretches(tuneful, PLATEAU * measures.per_bar),
        per_bar=measures.per_bar,
    )


def loudest_stretches(level: np.ndarray, width: int) -> np.ndarray:
    """(scales, units) the highest mean of width units among 2 ** scale consecutive starts.

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
    """(units,) dB by which the levels vary along the bar of each unit, mean over the bands."""
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
    """(sections, 3) log probability that a section is calm, medium, peak, from its level.

    An ordinal logistic model: two thresholds on one scale (McCullagh, Regression models for
    ordinal data, 1980).
    """
    calm = _log_sigmoid((CALM - level) / SPREAD)
    peak = _log_sigmoid((level - PEAK) / SPREAD)
    medium = np.log(np.maximum(1.0 - np.exp(calm) - np.exp(peak), 1e-9))
    return np.stack([calm, medium, peak], axis=1)


def scores(sound: SectionSound, contrast: bool) -> np.ndarray:
    """(sections, labels) log score of every label for every section, from its sound alone.

    contrast: whether the track has calm parts; if not, it has no drop and no buildup, however
    loud it is.
    """
    calm, medium, peak = ladder(sound.level).T
    # Intros and outros may have a beat but no peak; in an outro only music with a tune is a peak.
    opening, closing = (
        np.logaddexp(*ladder(level).T[:2]) for level in (sound.loudest, sound.fullest)
    )
    rises = np.logaddexp(calm, medium) + _log_sigmoid(sound.rise - RISE)
    beat = _log_sigmoid(4.0 * (sound.pulse - PULSE))
    bass = _log_sigmoid(sound.bass - BASS)
    kick = _log_sigmoid((sound.kick - ENTRY) / SPREAD)
    never = np.full_like(peak, NEVER)
    return np.stack([
        opening,
        np.where(sound.bars > LONGEST_BUILDUP, NEVER, rises) if contrast else never,
        beat + (medium if contrast else np.logaddexp(medium, peak)),
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

    A track without calm bars has no drop: a loop is not a drop.
    """
    return bool(sound.calm.sum() >= max(min_bars, CALM_SHARE * sound.bars.sum()))


def label(sound: SectionSound, step: np.ndarray, contrast: bool) -> tuple[list[int], np.ndarray]:
    """The best sequence of labels, as indices into LABELS, and the posterior (sections, labels).

    step: (sections - 1,) dB by which the level changes between them. Without contrast there is
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
