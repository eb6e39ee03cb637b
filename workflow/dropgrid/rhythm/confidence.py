"""What a rhythm is worth: the confidence of the whole track, and its other readings.

The parts of the confidence are means over all beats, so each region counts by what it covers. How
sure a track of several regions can be depends on how well its beats are heard: see docs/rhythm.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..features import FRAME_RATE
from ..records.model import Alternative, Confidences
from .bars import Counted
from .evidence import EvidenceSource, with_halves
from .heard import heard, off_grid
from .options import RhythmOptions
from .phase import LAG
from .repetition import moved
from .tempo import OCTAVE_DOUBT

WORTH_SAYING = 0.02  # probability an alternative must have, half and double the tempo excepted
OCTAVES = (1 / 3, 1 / 2, 2, 3)  # times a tempo that count the same beats in another way
FAST = 150.0  # BPM from which on beats that alternate speak for half the tempo
ALTERNATE = (1.5, 3.0)  # every other beat so many times stronger: doubt begins; is complete
AT_MOST = 0.6  # a fast tempo's share where it is: 11 of 21 electronic tracks are right there
HALVED = 0.12  # of electronic tracks found at FAST and more, the share that are half as fast
UNDIVIDED = (-2.6, -3.4)  # log odds of that: constant, times the log of EvidenceSource.division
SURE = {"tempo": (0.9, 1.4), "phase": (0.5, 1.2), "downbeat": (0.15, 1.3)}
# ^ part -> log odds that it is right: constant, times the log odds that its table says
MOVED = (-1.8, 9.4)  # log odds that several regions are right: constant, times the mean beat
OFF_GRID = (0.1, 0.2)  # share of beats beside the music at which so much of the confidence is left
MISSING = (
    0.05,
    0.1,
)  # bars resemble those before better when moved by so much: doubt begins; is whole
MISSING_LEFT = 0.85  # of the confidence there: 3 of 52 uncut songs come so far, and are right
BEYOND = 0.5  # share of a tempo outside the options where all speaks for it
EVENLY = (
    0.97  # share of the half beats at least half as strong as beats: no song has more than .93
)
SILENT = 0.1  # of the other beats: every other one is none

Tempi = list[tuple[float, float]]


@dataclass(frozen=True)
class Heard:
    """What a confidence looks at beside the parts of a track: its sound, and the options."""

    witnesses: EvidenceSource
    activation: np.ndarray
    options: RhythmOptions

    def levels(self, beats: np.ndarray) -> np.ndarray:
        """The activation on each of the beats (n,) in seconds."""
        return heard(self.activation, (beats - LAG) * FRAME_RATE)

    def off_grid(self, beats: np.ndarray) -> float:
        """The share of the beats (n,) in seconds whose music lies beside them."""
        return off_grid(self.activation, (beats - LAG) * FRAME_RATE)

    def moved(self, beats: np.ndarray) -> float:
        """How much better bars of beats (n,) in seconds repeat when moved: see repetition."""
        strokes = self.witnesses.strokes(with_halves(with_halves(beats)))
        return -1.0 if strokes is None else moved(np.sqrt(strokes))


def part_confidences(counted: Sequence[Counted], main: int, sound: Heard) -> Confidences:
    """The parts of the confidence of a track's parts; that of the one is the main part's."""
    weight = np.array([len(part.beats) for part in counted], float)
    rows = []
    for part in counted:
        tempi = readings(part, sound)
        family = _family(tempi)
        rows.append((family, tempi[0][1] / family, _phase(part)))
    tempo, octave, phase = np.average(np.array(rows), axis=0, weights=weight).tolist()
    bars = counted[main].bars
    downbeat = bars.table.downbeat_probabilities(bars.odd)[bars.beats_per_bar][bars.first]
    return Confidences(
        min(tempo * _whole(counted, sound), 1.0),
        octave,
        phase,
        _calibrated("downbeat", float(downbeat)),
    )


def _calibrated(part: str, share: float) -> float:
    """The share of readings that are right where the tables say so much."""
    if not 0 < share < 1:
        return share
    constant, slope = SURE[part]
    return float(1 / (1 + np.exp(-constant - slope * np.log(share / (1 - share)))))


def _whole(counted: Sequence[Counted], sound: Heard) -> float:
    """The probability that the beats are right all along, if each region's tempo is right."""
    beats = np.concatenate([part.beats for part in counted])
    many, left = OFF_GRID
    on_grid = 1 - (1 - left) * min(sound.off_grid(beats) / many, 1.0)
    on_grid *= 1 - (1 - MISSING_LEFT) * _missing(counted, sound)
    if len({id(part.region) for part in counted}) == 1:
        return on_grid
    constant, slope = MOVED
    return on_grid / (1 + float(np.exp(-constant - slope * sound.levels(beats).mean())))


def _missing(counted: Sequence[Counted], sound: Heard) -> float:
    """How strong the evidence is that part of a beat is missing within a part: 0 to 1."""
    low, high = MISSING
    most = max(sound.moved(part.beats) for part in counted if len(part.beats))
    return float(np.clip((most - low) / (high - low), 0.0, 1.0))


def _phase(part: Counted) -> float:
    said = part.region.piece.phase if part.bars.phase is None else part.bars.phase
    return _calibrated("phase", said)


def readings(part: Counted, sound: Heard) -> Tempi:
    """The tempi a part may have, its own first, after a look at what is heard on its beats."""
    tempi = _doubted(part, sound)
    own, family = tempi[0][0], min(_family(tempi), 1.0)
    sure = _calibrated("tempo", family)
    inside, outside = sure / family, (1 - sure) / max(1 - family, 1e-12)
    return [
        (bpm, share * (inside if bpm == own or is_octave(bpm, own) else outside))
        for bpm, share in tempi
    ]


def _family(tempi: Tempi) -> float:
    """The probability of the first tempo and its octaves."""
    own, share = tempi[0]
    return share + sum(other for bpm, other in tempi[1:] if is_octave(bpm, own))


def _doubted(part: Counted, sound: Heard) -> Tempi:
    """A part's tempi, those of octaves that its beats speak for more probable."""
    (own, share), *others = part.region.tempi
    if part.region.by_tag or not others:  # the octave is somebody's
        return list(part.region.tempi)
    away, kept = octave_doubt(own, part.beats, sound)
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


def octave_doubt(bpm: float, beats: np.ndarray, sound: Heard) -> tuple[float | None, float]:
    """Which octave the beats (n,) speak for, 1/2 or 2, and what bpm keeps at most.

    None, 1: for none.
    """
    if len(beats) < 4:
        return None, 1.0
    if away := _beyond(bpm, beats, sound):
        return away, 1 - BEYOND
    if bpm < FAST:
        return None, 1.0
    strong, weak = _strong_and_weak(beats, sound)
    ratio = min(max(strong / max(weak, 1e-9), ALTERNATE[0]), ALTERNATE[1])
    doubt = np.log(ratio / ALTERNATE[0]) / np.log(ALTERNATE[1] / ALTERNATE[0])
    return 0.5, float(1 - max((1 - AT_MOST) * doubt, min(1 - AT_MOST, _undivided(beats, sound))))


def _beyond(bpm: float, beats: np.ndarray, sound: Heard) -> float | None:
    """2 or 1/2 where the beats (n,) speak for such a tempo, out of the options' range."""
    if 2 * bpm > sound.options.max_bpm:
        between = sound.levels((beats[1:] + beats[:-1]) / 2)
        if np.mean(between >= 0.5 * sound.levels(beats).mean()) >= EVENLY:
            return 2.0
    if bpm / 2 < sound.options.min_bpm:
        strong, weak = _strong_and_weak(beats, sound)
        if weak <= SILENT * strong:
            return 0.5
    return None


def _strong_and_weak(beats: np.ndarray, sound: Heard) -> tuple[float, float]:
    """The mean activations of every other beat of beats (n,), the greater first."""
    levels = sound.levels(beats)
    weak, strong = sorted((float(levels[::2].mean()), float(levels[1::2].mean())))
    return strong, weak


def _undivided(beats: np.ndarray, sound: Heard) -> float:
    """The probability that fast beats (n,) are half beats, for nothing divides them."""
    division = sound.witnesses.division(beats)
    if division is None:
        return 0.0
    constant, slope = UNDIVIDED
    odds = HALVED / (1 - HALVED) * np.exp(constant + slope * division)
    return float(odds / (1 + odds))


def outside(part: Counted, sound: Heard) -> str | None:
    """`above max_bpm` or `below min_bpm` where a part's beats speak for a tempo out there."""
    (bpm, _), *others = part.region.tempi
    if not others or len(part.beats) < 4:
        return None
    away = _beyond(bpm, part.beats, sound)
    return None if away is None else "above max_bpm" if away > 1 else "below min_bpm"


def is_octave(bpm: float, other: float) -> bool:
    """True if a tempo is another's octave, to 4 %."""
    return any(abs(bpm / other / ratio - 1) <= 0.04 for ratio in OCTAVES)


def alternatives(main: Counted, sound: Heard) -> tuple[Alternative, ...]:
    """The other readings of a part, the most probable first; half and double are always there.

    Each differs in one part only; its probability is that of the whole reading but for the one,
    and of a place of the downbeat, that of the place if the beats are right.
    """
    bars, bpm, tempi = main.bars, main.region.piece.bpm, readings(main, sound)
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
