"""One table in which half beat, bar length and the one are decided together.

A row of the table says: of the half beats of a stretch, number j is the first one, and a bar has
so many beats. That settles which half beats are beats, and which beats are ones. Each witness
(rhythm/evidence.py) gives each row a log odds, the log odds add up, and a softmax makes
probabilities of them: a row's is that of the whole reading, sums over rows are those of its parts.

The weights were chosen by penalised maximum likelihood (a conditional logistic regression, all
weights >= 0) on 32 songs with exact truth, their halves and minutes, and on the beats of 644
tracks of which only activations are known; see benchmarks/rhythm_weights.py and docs/rhythm.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .evidence import BeatEvidence

WEIGHTS = {
    "beat": 0.3,
    "downbeat": 1.45,
    "kick": 1.0,
    "snare": 0.7,
    "backbeat": 0.7,
    "chords": 1.05,
    "sections": 1.1,
    "opening": 1.4,
}
ALONE = {"beat": 2.3, "broken": 1.25, "downbeat": 1.6}  # where there is nothing but activations
FLOOR = 0.02  # of a witness's mean: less is silence
SOFT_FLOOR = 0.05  # the same of single half beats and drums
DOUBT = 0.5  # summits of mean height that every place in the bar is given beforehand
FEWEST = 12  # beats, below which nothing is said of three or four
THREE_NEEDS = 0.15  # how much stronger a three must repeat than a four for even odds
THREE_WEIGHT = 40.0  # log odds for a three that repeats by 1 more than that
ODD = (5, 7)  # beats of rare bars: they need drums that say so
ODD_FEWEST = 64  # beats, below which nothing is said of five or seven
ODD_NEEDS = 0.15  # how much more of the drums a five or seven must repeat than a four or eight


@dataclass(frozen=True)
class Table:
    """The probabilities of all readings of a row of half beats.

    shares: beats per bar -> (2 * beats per bar,) the probability that the bars have so many beats
    and that a one is at half beat j, j + 2 * beats per bar, ... All shares sum to 1.
    """

    shares: dict[int, np.ndarray]

    def phases(self) -> np.ndarray:
        """Probabilities (2,) that the beats are the even half beats, and the odd ones."""
        return np.array([sum(s[odd::2].sum() for s in self.shares.values()) for odd in (0, 1)])

    def downbeat_probabilities(self, odd: int) -> dict[int, np.ndarray]:
        """Beats per bar -> (beats per bar,): probabilities of the one's place among the beats.

        odd: 0 or 1, which half beats are the beats; all probabilities are given that.
        """
        total = max(float(self.phases()[odd]), 1e-300)
        return {beats: share[odd::2] / total for beats, share in self.shares.items()}


def read_bars(seen: BeatEvidence, lengths: Sequence[int]) -> Table:
    """The table of a row of half beats; lengths: beats a bar may have."""
    lengths = _usable(len(seen["beat"]), "kick" in seen, lengths)
    meter = _meter_odds(seen, lengths)
    odds = {beats: log_odds(seen, beats) + meter[beats] - np.log(2 * beats) for beats in lengths}
    top = max(float(values.max()) for values in odds.values())
    raw = {beats: np.exp(values - top) for beats, values in odds.items()}
    total = sum(float(values.sum()) for values in raw.values())
    return Table({beats: values / total for beats, values in raw.items()})


def log_odds(seen: BeatEvidence, beats_per_bar: int) -> np.ndarray:
    """The sum of what all witnesses say of each row of so many beats a bar: (2 beats,)."""
    read = readings(seen, beats_per_bar)
    weights = WEIGHTS if read.keys() - ALONE.keys() else ALONE
    total = np.zeros(2 * beats_per_bar)
    for name, values in read.items():
        total += weights.get(name, 0.0) * values
    return total


def readings(seen: BeatEvidence, beats_per_bar: int) -> dict[str, np.ndarray]:
    """What each witness says of each row, before it is weighed: name -> (2 * beats_per_bar,).

    A value is the logarithm of a ratio: what is seen where the row expects it, to what is seen
    elsewhere. EvidenceSource that see nothing say nothing.
    """
    count = 2 * beats_per_bar
    usable = {
        name: values for name, values in seen.items() if len(values) >= count and values.any()
    }
    found = {}
    for name in usable.keys() & {"chords", "sections"}:
        found[name] = _where_summits_are(usable[name], count)
    for name in usable.keys() & {"downbeat", "kick"}:
        found[name] = np.log(_profile(usable[name], count) + FLOOR)
    if "opening" in usable:
        found["opening"] = _sums(usable["opening"], count)
    if "snare" in usable:  # strikes all beats of a bar, and only some of the half beats
        bar = np.log(np.maximum(_profile(usable["snare"], count), SOFT_FLOOR))
        found["snare"] = _on_against_off(bar)
    if "hat" in usable and beats_per_bar == 4:
        found["backbeat"] = _two_and_four(_profile(usable["hat"], count))
    if "beat" in usable:
        level = np.log(usable["beat"] / usable["beat"].mean() + SOFT_FLOOR)
        bar = _means(level, count)
        found["beat"] = _on_against_off(bar)
        if beats_per_bar == 4:  # drums of broken beats: not on three, but half a beat later
            found["broken"] = np.roll(bar, -5) - np.roll(bar, -4)
    return dict(sorted(found.items()))


def _sums(values: np.ndarray, count: int) -> np.ndarray:
    """Sums of each count-th of values (n,): (count,)."""
    return np.bincount(np.arange(len(values)) % count, values, count)


def _means(values: np.ndarray, count: int) -> np.ndarray:
    """Means of each count-th of values (n,): (count,)."""
    return _sums(values, count) / _sums(np.ones(len(values)), count)


def _profile(values: np.ndarray, count: int) -> np.ndarray:
    """The same relative to their mean."""
    means = _means(values, count)
    return means / max(float(means.mean()), 1e-12)


def _on_against_off(profile: np.ndarray) -> np.ndarray:
    """How much more of a profile (count,) is on the beats, for a one at each half beat."""
    difference = profile[0::2].mean() - profile[1::2].mean()
    return np.where(np.arange(len(profile)) % 2 == 0, difference, -difference)


def _two_and_four(profile: np.ndarray) -> np.ndarray:
    """Log ratio of a profile (8,) on two and four to one and three, for each place of the one."""
    pair = np.log((profile + np.roll(profile, -4)) / 2 + FLOOR)
    return np.roll(pair, -2) - pair


def _where_summits_are(heights: np.ndarray, count: int) -> np.ndarray:
    """Log ratio of the summits' heights at each place in the bar to the average place's."""
    sums = _sums(heights, count) / heights[heights > 0].mean()
    return np.log((sums + DOUBT) / (sums.mean() + DOUBT))


def _usable(halves: int, drums: bool, lengths: Sequence[int]) -> tuple[int, ...]:
    """The lengths that so many half beats, with or without drums, can tell apart."""
    usual = [beats for beats in lengths if beats not in ODD]
    if halves < 2 * FEWEST:
        return (max(usual or lengths),)
    known = usual if halves < 2 * ODD_FEWEST or not drums else list(lengths)
    return tuple(known or lengths)


def _meter_odds(seen: BeatEvidence, lengths: Sequence[int]) -> dict[int, float]:
    """Log odds of each bar length, from how clearly downbeat activations and drums come back."""
    if len(lengths) == 1:
        return {lengths[0]: 0.0}
    odds = dict.fromkeys(lengths, 0.0)
    repeated = _repeated(seen, tuple(beats for beats in lengths if beats in ODD))
    for beats, more in repeated.items():
        odds[beats] = THREE_WEIGHT * (more - ODD_NEEDS)
    if 3 not in odds:
        return odds
    ones = max((seen["downbeat"][odd::2] for odd in (0, 1)), key=np.sum)
    if ones.sum() <= 0:
        return odds | {3: -THREE_WEIGHT * THREE_NEEDS}
    turns = np.arange(len(ones))

    def strength(beats: int) -> float:
        return float(np.abs(np.sum(ones * np.exp(-2j * np.pi * turns / beats))) / ones.sum())

    more = strength(3) - max(strength(4), strength(2)) - THREE_NEEDS
    return odds | {3: THREE_WEIGHT * more}


def _repeated(seen: BeatEvidence, lengths: Sequence[int]) -> dict[int, float]:
    """How much better drums repeat after a bar of so many beats than after four or eight.

    A value is a difference of correlations, the mean of all drums'.
    """
    drums = [np.sqrt(seen[name]) for name in ("kick", "snare", "hat") if name in seen]
    drums = [strokes for strokes in drums if strokes.std() > 0]

    def alike(beats: int) -> float:
        return float(np.mean([_alike(strokes, 2 * beats) for strokes in drums]))

    if not lengths or not drums:
        return {}
    usual = max(alike(4), alike(8))
    return {beats: alike(beats) - usual for beats in lengths}


def _alike(values: np.ndarray, lag: int) -> float:
    """The correlation of values (n,) with themselves so many later."""
    centred = values - values.mean()
    early, late = centred[:-lag], centred[lag:]
    sizes = np.sqrt((early @ early) * (late @ late))
    return float(early @ late / max(sizes, 1e-12))
