"""Measure level, energy, drop impact and beat alone, by bars.

Levels are relative to the track itself: they separate its peaks from its calm parts. Energies are
comparable across tracks, whatever their gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base.quantiles import median, quantile

LOW = slice(0, 2)  # the bands below 120 Hz: kick and sub bass
TUNE = slice(3, 6)  # the bands from 250 to 2000 Hz: chords, voices, leads
PLATEAU = 8  # bars of the loudest stretch, to which levels are relative
QUIET = -15.0  # dB: lower levels count as this
IMPACT = 8  # bars compared before and after the start of a drop
MOST_IMPACT = 40.0  # dB: the impact after silence

# Energy is a logistic function of two levels below the track's loudest moments, fitted to calm
# and peak sections of 29 songs together by benchmarks/structure_fit.py.
LOUDEST = 0.995  # quantile of the power of all sixteenths: gain and mastering cancel
DENSITY, STROKES, OFFSET = 0.28, 0.14, 3.6  # per dB of mean power, per dB of strokes, constant
FAINTEST = -30.0  # dB below the loudest moments: lower values of power and strokes count as this

# A beat alone: the kick strikes, and there is no tune between the strokes.
BEATING = -6.0  # dB below the loudest stretch that the kick's strokes exceed
TUNELESS = -10.0  # dB below the loudest stretch: the quiet quarter of a bar is lower than this
# At their loudest, kicks of 50 songs are within 9 dB of the mean power. In noise, speech and pads
# the low bands rise too, but stay 22 dB or more below it.
KICK = -15.0  # dB relative to the mean power above which strokes of the low bands are a kick's
KICK_QUANTILE = 0.75  # of the level: bars above it have the usual kick of the track
ENTRY = -6.0  # dB relative to the usual strokes below which a kick counts as missing


@dataclass(frozen=True)
class LevelMeasures:
    """Power, strokes of the kick and levels of a track, by units (beats if on a grid) and by bars.

    power, strokes: (units,) mean power, and the largest rise of the low bands' power in each unit.
    parts: (3, bars) loudness, strokes and fullness in dB below the track's loudest PLATEAU bars.
    beat, tune: (bars,) dB in the same way, of the strokes, and of the quiet quarter of a bar
    between 250 and 2000 Hz. loudest: power of the track's loudest moments.
    """

    power: np.ndarray
    strokes: np.ndarray
    parts: np.ndarray
    beat: np.ndarray
    tune: np.ndarray
    loudest: float
    per_bar: int

    def levels(self) -> np.ndarray:
        """(units,) the level of the bar of each unit: the mean of its parts."""
        return self._of_units(self.parts.mean(axis=0))

    def tuneful_levels(self) -> np.ndarray:
        """(units,) the level of the bar of each unit with its tune as a fourth part."""
        tune = np.maximum(self.tune, QUIET)
        return self._of_units(np.vstack([self.parts, tune]).mean(axis=0))

    def kick_levels(self) -> np.ndarray:
        """(units,) dB of the kick's strokes in the bar of each unit relative to the usual strokes.

        The usual strokes are the median over the quarter of the bars with the highest level.
        """
        level, strokes = self.parts.mean(axis=0), self.parts[1]
        usual = median(strokes[level >= quantile(level, KICK_QUANTILE)])
        return self._of_units(strokes - usual)

    def _of_units(self, bars: np.ndarray) -> np.ndarray:
        return np.repeat(bars, self.per_bar)[: len(self.power)]

    def has_kick(self) -> bool:
        """Whether a kick strikes in the quarter of the beats with the highest level."""
        level = self.levels()
        against = decibels(self.strokes) - decibels(self.power)
        return bool(median(against[level >= quantile(level, KICK_QUANTILE)]) > KICK)

    def loudness(self, start: int, end: int) -> tuple[float, float]:
        """Mean power and strokes of the units from start to end, dB below the loudest moments."""
        density, strokes = (
            max(FAINTEST, float(decibels(part[start:end].mean()) - decibels(self.loudest)))
            for part in (self.power, self.strokes)
        )
        return density, strokes

    def energy(self, start: int, end: int) -> float:
        """The energy of the units from start to end, 0..1, comparable across tracks."""
        density, strokes = self.loudness(start, end)
        return float(1 / (1 + np.exp(-(DENSITY * density + STROKES * strokes + OFFSET))))

    def impact(self, start: int) -> float:
        """dB by which the IMPACT bars from a unit on are louder than the bars before it."""
        width = IMPACT * self.per_bar
        before, after = self.power[max(0, start - width) : start], self.power[start:][:width]
        if not len(before):
            return 0.0
        gained = decibels(after.mean()) - decibels(before.mean())
        return float(np.clip(gained, -MOST_IMPACT, MOST_IMPACT))

    def rise(self, first: int, start: int, end: int) -> float:
        """dB by which the bars from start to end are louder than up to IMPACT bars before them.

        first: no bar before this unit is compared; it lies before start.
        """
        before = self.power[max(first, start - IMPACT * self.per_bar) : start]
        after = self.power[start:end]
        louder, usual = (decibels(_by_bar(part, self.per_bar)).mean() for part in (after, before))
        return float(louder - usual)

    def entry(self, start: int, end: int) -> int:
        """The unit of the bar line on which the kick of a section enters, the first or second.

        A section may begin with a fill or a silence of up to a bar.
        """
        whole = (end - start) // self.per_bar
        if whole < 2:
            return start
        strokes = self.strokes[start : start + whole * self.per_bar]
        bars = decibels(strokes.reshape(whole, self.per_bar).mean(axis=1))
        usual = median(bars) + ENTRY
        return start + self.per_bar if bars[0] < usual <= bars[1] else start

    def beat_alone(self, start: int, end: int) -> bool:
        """Whether the units from start to end have a beat and no tune."""
        bars = slice(start // self.per_bar, max(start // self.per_bar + 1, end // self.per_bar))
        if not len(self.beat[bars]):
            return False
        return bool(self.beat[bars].mean() > BEATING and self.tune[bars].mean() < TUNELESS)


def measure(levels: np.ndarray, pattern: np.ndarray, per_bar: int) -> LevelMeasures:
    """The level measures of a track.

    levels, pattern: (units, subdivisions, bands) dB, as from patterns.levels and .relative.
    """
    power = 10 ** (levels / 10)
    total, low = power.sum(axis=2), power[:, :, LOW].sum(axis=2)
    strokes = np.maximum(np.diff(low.ravel(), prepend=low[0, 0]), 0.0)
    strokes = strokes.reshape(low.shape).max(axis=1)
    loudness = decibels(_by_bar(total.mean(axis=1), per_bar))
    beat = decibels(_by_bar(strokes, per_bar))
    fullness = _by_bar(pattern.mean(axis=(1, 2)), per_bar)
    tune = decibels(power[:, :, TUNE].sum(axis=2))
    quiet = _quiet_quarters(tune, per_bar)
    return LevelMeasures(
        total.mean(axis=1),
        strokes,
        np.maximum([_below(part) for part in (loudness, beat, fullness)], QUIET),
        _below(beat),
        _below(quiet),
        float(quantile(total.ravel(), LOUDEST)),
        per_bar,
    )


def decibels(power: np.ndarray | float) -> np.ndarray:
    """Power in dB, silence at -120."""
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def _by_bar(values: np.ndarray, per_bar: int) -> np.ndarray:
    """The mean of every whole bar, and of the incomplete bar at the end."""
    starts = np.arange(0, len(values), per_bar)
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))


def _quiet_quarters(values: np.ndarray, per_bar: int) -> np.ndarray:
    """The lower quartile of the values (units, n) of each bar, also of an incomplete last bar."""
    whole = len(values) // per_bar * per_bar
    bars = values[:whole].reshape(whole // per_bar, -1)
    rest = [quantile(values[whole:].ravel(), 0.25)] if whole < len(values) else []
    return np.append(quantile(bars, 0.25, 1), rest)


def _below(bars: np.ndarray) -> np.ndarray:
    """Bars minus the highest mean of PLATEAU consecutive bars, or of all bars if fewer."""
    width = min(PLATEAU, len(bars))
    total = np.concatenate([[0.0], np.cumsum(bars)])
    return bars - (total[width:] - total[:-width]).max() / width
