"""The decision table: half beat, bar length and downbeat in one decision.

Each row of the table is one hypothesis: half beat number j of a stretch is the first downbeat,
and a bar has so many beats. A row therefore fixes which half beats are beats and which beats are
downbeats. Each kind of evidence (rhythm/evidence.py) contributes a log odds to each row. The log
odds are added up, and a softmax turns the sums into probabilities of the rows; sums over rows
give the probabilities of beat phase, bar length and downbeat.

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
# If only the activations are known:
ACTIVATION_ONLY_WEIGHTS = {"beat": 2.3, "broken": 1.25, "downbeat": 1.6}
FLOOR = 0.02  # added to ratios to the mean before a logarithm
SOFT_FLOOR = 0.05  # the same for single half beats and snares
PRIOR_PEAKS = 0.5  # peaks of mean height added to every position in the bar
FEWEST = 12  # beats needed to decide between three and four beats a bar
THREE_NEEDS = 0.15  # how much stronger a three must repeat than a four for even odds
THREE_WEIGHT = 40.0  # log odds for a three that repeats by 1 more than that
RARE_LENGTHS = (5, 7)  # beats of rare bars: they need the evidence of drums
RARE_FEWEST_BEATS = 64  # beats needed to decide for five or seven
RARE_NEEDS = 0.15  # how much more of the drums a five or seven must repeat than a four or eight


@dataclass(frozen=True)
class DecisionTable:
    """The probabilities of all hypotheses about a sequence of half beats.

    shares: beats per bar -> (2 * beats per bar,) the probability of this length and a downbeat
    at half beat j, j + 2 * beats per bar, ... All shares sum to 1.
    """

    shares: dict[int, np.ndarray]

    def phases(self) -> np.ndarray:
        """Probabilities (2,) that the even half beats are the beats, and that the odd ones are."""
        return np.array([sum(s[odd::2].sum() for s in self.shares.values()) for odd in (0, 1)])

    def downbeat_probabilities(self, odd: int) -> dict[int, np.ndarray]:
        """Beats per bar -> (beats per bar,): probabilities of the downbeat's place in the bar.

        odd: 0 or 1, which half beats are the beats; the probabilities are conditional on that.
        """
        total = max(float(self.phases()[odd]), 1e-300)
        return {beats: share[odd::2] / total for beats, share in self.shares.items()}


def decision_table(evidence: BeatEvidence, lengths: Sequence[int]) -> DecisionTable:
    """The decision table of a sequence of half beats; lengths: the beats that a bar may have."""
    lengths = _usable(len(evidence["beat"]), "kick" in evidence, lengths)
    meter = _meter_odds(evidence, lengths)
    odds = {
        beats: log_odds(evidence, beats) + meter[beats] - np.log(2 * beats) for beats in lengths
    }
    top = max(float(values.max()) for values in odds.values())
    raw = {beats: np.exp(values - top) for beats, values in odds.items()}
    total = sum(float(values.sum()) for values in raw.values())
    return DecisionTable({beats: values / total for beats, values in raw.items()})


def log_odds(evidence: BeatEvidence, beats_per_bar: int) -> np.ndarray:
    """The weighted sum of all evidence for each row with this bar length: (2 beats_per_bar,)."""
    by_row = evidence_by_row(evidence, beats_per_bar)
    weights = (
        WEIGHTS if by_row.keys() - ACTIVATION_ONLY_WEIGHTS.keys() else ACTIVATION_ONLY_WEIGHTS
    )
    total = np.zeros(2 * beats_per_bar)
    for name, values in by_row.items():
        total += weights.get(name, 0.0) * values
    return total


def evidence_by_row(evidence: BeatEvidence, beats_per_bar: int) -> dict[str, np.ndarray]:
    """Each kind of evidence for each row, unweighted: name -> (2 * beats_per_bar,).

    A value is the logarithm of a ratio: the evidence where the row expects it, to the evidence
    elsewhere. Evidence that is zero everywhere, or too short, is left out.
    """
    count = 2 * beats_per_bar
    usable = {
        name: values for name, values in evidence.items() if len(values) >= count and values.any()
    }
    found = {}
    for name in usable.keys() & {"chords", "sections"}:
        found[name] = _peak_positions(usable[name], count)
    for name in usable.keys() & {"downbeat", "kick"}:
        found[name] = np.log(_profile(usable[name], count) + FLOOR)
    if "opening" in usable:
        found["opening"] = _sums(usable["opening"], count)
    if "snare" in usable:  # snares are on all beats of a bar, and only on some of the half beats
        bar = np.log(np.maximum(_profile(usable["snare"], count), SOFT_FLOOR))
        found["snare"] = _on_against_off(bar)
    if "hat" in usable and beats_per_bar == 4:
        found["backbeat"] = _two_and_four(_profile(usable["hat"], count))
    if "beat" in usable:
        level = np.log(usable["beat"] / usable["beat"].mean() + SOFT_FLOOR)
        bar = _means(level, count)
        found["beat"] = _on_against_off(bar)
        if (
            beats_per_bar == 4
        ):  # broken beats: a drum half a beat after beat three instead of on it
            found["broken"] = np.roll(bar, -5) - np.roll(bar, -4)
    return dict(sorted(found.items()))


def _sums(values: np.ndarray, count: int) -> np.ndarray:
    """Sums of each count-th of values (n,): (count,)."""
    return np.bincount(np.arange(len(values)) % count, values, count)


def _means(values: np.ndarray, count: int) -> np.ndarray:
    """Means of each count-th of values (n,): (count,)."""
    return _sums(values, count) / _sums(np.ones(len(values)), count)


def _profile(values: np.ndarray, count: int) -> np.ndarray:
    """The same means, divided by their mean."""
    means = _means(values, count)
    return means / max(float(means.mean()), 1e-12)


def _on_against_off(profile: np.ndarray) -> np.ndarray:
    """How much more of a profile (count,) is on the beats, for a downbeat at each half beat."""
    difference = profile[0::2].mean() - profile[1::2].mean()
    return np.where(np.arange(len(profile)) % 2 == 0, difference, -difference)


def _two_and_four(profile: np.ndarray) -> np.ndarray:
    """Log ratio of a profile (8,) on beats two and four to one and three, by downbeat position."""
    pair = np.log((profile + np.roll(profile, -4)) / 2 + FLOOR)
    return np.roll(pair, -2) - pair


def _peak_positions(heights: np.ndarray, count: int) -> np.ndarray:
    """Log ratio of the peak heights at each position in the bar to the mean position's."""
    sums = _sums(heights, count) / heights[heights > 0].mean()
    return np.log((sums + PRIOR_PEAKS) / (sums.mean() + PRIOR_PEAKS))


def _usable(halves: int, drums: bool, lengths: Sequence[int]) -> tuple[int, ...]:
    """The bar lengths that so many half beats, with or without drums, can distinguish."""
    usual = [beats for beats in lengths if beats not in RARE_LENGTHS]
    if halves < 2 * FEWEST:
        return (max(usual or lengths),)
    known = usual if halves < 2 * RARE_FEWEST_BEATS or not drums else list(lengths)
    return tuple(known or lengths)


def _meter_odds(evidence: BeatEvidence, lengths: Sequence[int]) -> dict[int, float]:
    """Log odds of each bar length, from the repetition of downbeat activation and drums."""
    if len(lengths) == 1:
        return {lengths[0]: 0.0}
    odds = dict.fromkeys(lengths, 0.0)
    repetition = _repetition(evidence, tuple(beats for beats in lengths if beats in RARE_LENGTHS))
    for beats, excess in repetition.items():
        odds[beats] = THREE_WEIGHT * (excess - RARE_NEEDS)
    if 3 not in odds:
        return odds
    downbeats = max((evidence["downbeat"][odd::2] for odd in (0, 1)), key=np.sum)
    if downbeats.sum() <= 0:
        return odds | {3: -THREE_WEIGHT * THREE_NEEDS}
    turns = np.arange(len(downbeats))

    def strength(beats: int) -> float:
        return float(
            np.abs(np.sum(downbeats * np.exp(-2j * np.pi * turns / beats))) / downbeats.sum()
        )

    excess = strength(3) - max(strength(4), strength(2)) - THREE_NEEDS
    return odds | {3: THREE_WEIGHT * excess}


def _repetition(evidence: BeatEvidence, lengths: Sequence[int]) -> dict[int, float]:
    """How much better the drums repeat after a bar of each length than after four or eight beats.

    A value is a difference of correlations, averaged over the drums.
    """
    drums = [np.sqrt(evidence[name]) for name in ("kick", "snare", "hat") if name in evidence]
    drums = [strokes for strokes in drums if strokes.std() > 0]

    def similarity(beats: int) -> float:
        return float(np.mean([_autocorrelation(strokes, 2 * beats) for strokes in drums]))

    if not lengths or not drums:
        return {}
    usual = max(similarity(4), similarity(8))
    return {beats: similarity(beats) - usual for beats in lengths}


def _autocorrelation(values: np.ndarray, lag: int) -> float:
    """The correlation of values (n,) with the values lag places later."""
    centred = values - values.mean()
    early, late = centred[:-lag], centred[lag:]
    sizes = np.sqrt((early @ early) * (late @ late))
    return float(early @ late / max(sizes, 1e-12))
