"""What a rhythm is worth: the confidence of the whole track, and its other readings.

The parts of the confidence are means over all beats, so each region counts by what it covers. How
sure a track of several regions can be depends on how well its beats are heard: see docs/rhythm.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..features import FRAME_RATE
from ..records.model import Alternative, Confidences
from .bars import Counted
from .heard import heard
from .options import RhythmOptions
from .phase import LAG
from .tempo import OCTAVE_DOUBT

WORTH_SAYING = 0.02  # probability an alternative must have, half and double the tempo excepted
OCTAVES = (1 / 3, 1 / 2, 2, 3)  # times a tempo that count the same beats in another way
FAST = 150.0  # BPM from which on beats that alternate speak for half the tempo
ALTERNATE = (1.5, 3.0)  # every other beat so many times stronger: doubt begins; is complete
AT_MOST = 0.6  # a fast tempo's share where it is: 11 of 21 electronic tracks are right there
MOVED = (-1.8, 9.4)  # log odds that several regions are right: constant, times the mean beat
BEYOND = 0.5  # share of a tempo outside the options where all speaks for it
EVENLY = (
    0.97  # share of the half beats at least half as strong as beats: no song has more than .93
)
SILENT = 0.1  # of the other beats: every other one is none

Tempi = list[tuple[float, float]]


def part_confidences(
    counted: Sequence[Counted], main: int, activation: np.ndarray, options: RhythmOptions
) -> Confidences:
    """The parts of the confidence of a track's parts; that of the one is the main part's."""
    weight = np.array([len(part.beats) for part in counted], float)
    rows = []
    for part in counted:
        own, share = (tempi := readings(part, activation, options))[0]
        family = share + sum(other for bpm, other in tempi[1:] if is_octave(bpm, own))
        rows.append((family, share / family, _phase(part)))
    tempo, octave, phase = np.average(np.array(rows), axis=0, weights=weight).tolist()
    bars = counted[main].bars
    downbeat = bars.table.downbeat_probabilities(bars.odd)[bars.beats_per_bar][bars.first]
    return Confidences(
        min(tempo * _whole(counted, activation), 1.0), octave, phase, float(downbeat)
    )


def _whole(counted: Sequence[Counted], activation: np.ndarray) -> float:
    """The probability that the beats are right all along, if each region's tempo is right."""
    if len({id(part.region) for part in counted}) == 1:
        return 1.0
    beats = np.concatenate([part.beats for part in counted])
    constant, slope = MOVED
    return float(1 / (1 + np.exp(-constant - slope * _levels(activation, beats).mean())))


def _phase(part: Counted) -> float:
    return part.region.piece.phase if part.bars.phase is None else part.bars.phase


def _levels(activation: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """What is heard on each of the beats (n,) in seconds."""
    return heard(activation, (beats - LAG) * FRAME_RATE)


def readings(part: Counted, activation: np.ndarray, options: RhythmOptions) -> Tempi:
    """The tempi a part may have, its own first, after a look at the heights of its beats."""
    (own, share), *others = part.region.tempi
    if part.region.by_tag or not others:  # the octave is somebody's
        return list(part.region.tempi)
    away, kept = octave_doubt(own, part.beats, activation, options)
    if away is None or share <= kept:
        return list(part.region.tempi)
    places = [i for i, (bpm, _) in enumerate(others) if abs(bpm / own / away - 1) <= 0.04]
    taken = share - kept
    if places:
        bpm, other = others[places[0]]
        others[places[0]] = bpm, other + taken
    else:
        others.append((own * away, taken))
    return [(own, kept), *others]


def octave_doubt(
    bpm: float, beats: np.ndarray, activation: np.ndarray, options: RhythmOptions
) -> tuple[float | None, float]:
    """Which octave the heights of the beats (n,) speak for, 1/2 or 2, and what bpm keeps at most.

    None, 1: for none.
    """
    if len(beats) < 4:
        return None, 1.0
    levels = _levels(activation, beats)
    strong, weak = sorted((levels[::2].mean(), levels[1::2].mean()), reverse=True)
    between = _levels(activation, (beats[1:] + beats[:-1]) / 2)
    evenly = np.mean(between >= 0.5 * levels.mean())
    if 2 * bpm > options.max_bpm and evenly >= EVENLY:
        return 2.0, 1 - BEYOND
    if bpm / 2 < options.min_bpm and weak <= SILENT * strong:
        return 0.5, 1 - BEYOND
    if bpm >= FAST and strong > ALTERNATE[0] * weak:
        ratio = min(strong / max(weak, 1e-9), ALTERNATE[1])
        doubt = np.log(ratio / ALTERNATE[0]) / np.log(ALTERNATE[1] / ALTERNATE[0])
        return 0.5, float(1 - (1 - AT_MOST) * doubt)
    return None, 1.0


def outside(part: Counted, activation: np.ndarray, options: RhythmOptions) -> str | None:
    """`above max_bpm` or `below min_bpm` where a part's beats speak for a tempo out there."""
    (bpm, _), *others = part.region.tempi
    if not others:
        return None
    octave, _ = octave_doubt(bpm, part.beats, activation, options)
    if octave == 2.0:
        return "above max_bpm"
    return "below min_bpm" if octave == 0.5 and bpm / 2 < options.min_bpm else None


def is_octave(bpm: float, other: float) -> bool:
    """True if a tempo is another's octave, to 4 %."""
    return any(abs(bpm / other / ratio - 1) <= 0.04 for ratio in OCTAVES)


def alternatives(
    main: Counted, activation: np.ndarray, options: RhythmOptions
) -> tuple[Alternative, ...]:
    """The other readings of a part, the most probable first; half and double are always there.

    Each differs in one part only; its probability is that of the whole reading but for the one,
    and of a place of the one, that of the place if the beats are right.
    """
    bars, bpm, tempi = main.bars, main.region.piece.bpm, readings(main, activation, options)
    own, share = tempi[0]
    found = [_octave_of(bpm, own, times, tempi) for times in (0.5, 2.0)]
    rest = [
        Alternative(round(tempo, 2), other, "octave" if is_octave(tempo, own) else "tempo")
        for tempo, other in tempi[1:]
        if not any(abs(tempo / own / times - 1) <= 0.04 for times in (0.5, 2.0))
    ]
    length, odd = bars.beats_per_bar, bars.odd
    late = int(np.argmax(bars.table.downbeat_probabilities(1 - odd)[length]))
    shift = (late - bars.first + 0.5 - odd + length / 2) % length - length / 2
    rest.append(Alternative(bpm, share * (1 - _phase(main)), "phase", shift))
    for place, downbeat in enumerate(bars.table.downbeat_probabilities(odd)[length]):
        if place != bars.first:
            shift = (place - bars.first + length // 2 - 1) % length - (length // 2 - 1)
            rest.append(Alternative(bpm, float(downbeat), "downbeat", float(shift)))
    found += [other for other in rest if other.confidence >= WORTH_SAYING]
    return tuple(sorted(found, key=lambda other: -other.confidence))


def _octave_of(bpm: float, own: float, times: float, tempi: Tempi) -> Alternative:
    """Half or double a tempo; outside the options' range it keeps the doubt all octaves have."""
    shares = [share for tempo, share in tempi[1:] if abs(tempo / own / times - 1) <= 0.04]
    share = sum(shares) if shares else OCTAVE_DOUBT / 2 * tempi[0][1]
    return Alternative(round(bpm * times, 2), share, "octave")
