"""How hard the music drives: what levels, energies, impacts and mix points are made of.

Levels compare a track with itself: they tell its peaks from its calm parts. Energies compare
tracks with each other, whatever their gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base.quantiles import median, quantile

LOW = slice(0, 2)  # the bands below 120 Hz: kick and sub bass
TUNE = slice(3, 6)  # the bands from 250 to 2000 Hz: chords, voices, leads
PLATEAU = 8  # bars of the loudest stretch, which levels are measured against
QUIET = -15.0  # dB: levels below this are all the same silence
IMPACT = 8  # bars that are compared before and after a drop begins
LOUDER = 40.0  # dB that an impact may reach: there was silence before

# Energy is a logistic function of two levels below the track's loudest moments, fitted to calm
# and peak sections of 29 songs together by benchmarks/structure_fit.py.
LOUDEST = 0.995  # quantile of the power of all sixteenths: gain and mastering cancel
DENSITY, STROKES, OFFSET = 0.28, 0.14, 3.6  # a dB of mean power, a dB of the kick's strokes, and 1
FAINTEST = -30.0  # dB below the loudest moments at which nothing is left of either

# A beat alone: the kick strikes, and between the strokes there is no tune.
BEATING = -6.0  # dB below the loudest stretch that the kick's strokes reach
TUNELESS = -10.0  # dB below the loudest stretch that the quiet quarter of a bar stays under
# Kicks of 50 songs strike within 9 dB of the mean power where they are loudest; noise, speech and
# pads, whose low bands rise as well, stay 22 dB and more below it.
KICK = -15.0  # dB against the mean power at which strokes of the low bands are those of a kick
HARDEST = 0.75  # quantile of the level from which on a track's usual kick is to be heard
ENTRY = -6.0  # dB against the usual strokes at which a kick counts as missing


@dataclass(frozen=True)
class Drive:
    """What a track drives with, by units, beats where there is a grid, and by bars.

    power, strokes: (units,) mean power, and the largest rise of the low bands' power within a
    beat. parts: (3, bars) dB below the track's loudest PLATEAU bars: of loudness, of the strokes
    and of fullness. beat, tune: (bars,) dB likewise, of the strokes, and of the quiet quarter of
    a bar between 250 and 2000 Hz. loudest: power of the track's loudest moments.
    """

    power: np.ndarray
    strokes: np.ndarray
    parts: np.ndarray
    beat: np.ndarray
    tune: np.ndarray
    loudest: float
    per_bar: int

    def levels(self) -> np.ndarray:
        """(units,) the level of the bar each unit lies in: the mean of its parts."""
        return self._of_units(self.parts.mean(axis=0))

    def tuneful_levels(self) -> np.ndarray:
        """(units,) the level of the bar each unit lies in with its tune as a fourth part."""
        tune = np.maximum(self.tune, QUIET)
        return self._of_units(np.vstack([self.parts, tune]).mean(axis=0))

    def kick_levels(self) -> np.ndarray:
        """(units,) dB of the kick's strokes in the bar of each unit against the usual ones: the
        median of those of the quarter of the bars that drive hardest."""
        level, strokes = self.parts.mean(axis=0), self.parts[1]
        usual = median(strokes[level >= quantile(level, HARDEST)])
        return self._of_units(strokes - usual)

    def _of_units(self, bars: np.ndarray) -> np.ndarray:
        return np.repeat(bars, self.per_bar)[: len(self.power)]

    def has_kick(self) -> bool:
        """Whether a kick strikes in the quarter of the beats that drive hardest."""
        level = self.levels()
        against = decibels(self.strokes) - decibels(self.power)
        return bool(median(against[level >= quantile(level, HARDEST)]) > KICK)

    def loudness(self, start: int, end: int) -> tuple[float, float]:
        """dB below the loudest moments, of the power and of the strokes of units."""
        density, strokes = (
            max(FAINTEST, float(decibels(part[start:end].mean()) - decibels(self.loudest)))
            for part in (self.power, self.strokes)
        )
        return density, strokes

    def energy(self, start: int, end: int) -> float:
        """How hard the units from start to end drive, 0..1, comparable across tracks."""
        density, strokes = self.loudness(start, end)
        return float(1 / (1 + np.exp(-(DENSITY * density + STROKES * strokes + OFFSET))))

    def impact(self, start: int) -> float:
        """dB by which the IMPACT bars from a unit on are louder than those before it."""
        width = IMPACT * self.per_bar
        before, after = self.power[max(0, start - width) : start], self.power[start:][:width]
        if not len(before):
            return 0.0
        gained = decibels(after.mean()) - decibels(before.mean())
        return float(np.clip(gained, -LOUDER, LOUDER))

    def rise(self, first: int, start: int, end: int) -> float:
        """dB by which the bars from start to end are louder than up to IMPACT bars before them.

        first: the unit that no bar compared lies before, itself before start.
        """
        before = self.power[max(first, start - IMPACT * self.per_bar) : start]
        after = self.power[start:end]
        louder, usual = (decibels(_by_bar(part, self.per_bar)).mean() for part in (after, before))
        return float(louder - usual)

    def entry(self, start: int, end: int) -> int:
        """The unit of the bar line on which the kick of a section enters: its first or second.

        A fill or a silence of up to a bar may come first.
        """
        whole = (end - start) // self.per_bar
        if whole < 2:
            return start
        strokes = self.strokes[start : start + whole * self.per_bar]
        bars = decibels(strokes.reshape(whole, self.per_bar).mean(axis=1))
        usual = median(bars) + ENTRY
        return start + self.per_bar if bars[0] < usual <= bars[1] else start

    def beat_alone(self, start: int, end: int) -> bool:
        """Whether the units from start to end hold a beat and no tune."""
        bars = slice(start // self.per_bar, max(start // self.per_bar + 1, end // self.per_bar))
        if not len(self.beat[bars]):
            return False
        return bool(self.beat[bars].mean() > BEATING and self.tune[bars].mean() < TUNELESS)


def measure(levels: np.ndarray, pattern: np.ndarray, per_bar: int) -> Drive:
    """The drive of a track.

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
    return Drive(
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
    """Means of every whole bar, and of what is left at the end."""
    starts = np.arange(0, len(values), per_bar)
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))


def _quiet_quarters(values: np.ndarray, per_bar: int) -> np.ndarray:
    """What a quarter of the values (units, n) of each bar are below, and of what is left."""
    whole = len(values) // per_bar * per_bar
    bars = values[:whole].reshape(whole // per_bar, -1)
    rest = [quantile(values[whole:].ravel(), 0.25)] if whole < len(values) else []
    return np.append(quantile(bars, 0.25, 1), rest)


def _below(bars: np.ndarray) -> np.ndarray:
    """Values by bar against the highest mean of PLATEAU consecutive bars, of all if fewer."""
    width = min(PLATEAU, len(bars))
    total = np.concatenate([[0.0], np.cumsum(bars)])
    return bars - (total[width:] - total[:-width]).max() / width
