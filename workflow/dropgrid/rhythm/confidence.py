"""The confidence of a track's rhythm, and the alternatives.

The parts of the confidence are means over all beats, so each region counts by the number of its
beats. The confidence of several regions also depends on their beat activation: docs/rhythm.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..features import FRAME_RATE
from ..records.model import Alternative, Confidences
from .bars import GridPart
from .beat_activation import beat_activation, off_grid
from .evidence import EvidenceSource, with_halves
from .options import RhythmOptions
from .phase import LAG
from .repetition import shift_gain
from .tempo import OCTAVE_DOUBT

LEAST_ALTERNATIVE = 0.02  # least probability of an alternative other than half or double tempo
OCTAVES = (1 / 3, 1 / 2, 2, 3)  # factors of a tempo that count the same beats differently
FAST = 150.0  # BPM: from here on, uneven or undivided beats are evidence for half the tempo
ALTERNATE = (1.5, 3.0)  # every other beat is this many times stronger: doubt begins; is complete
UNEVEN_LIMIT = 0.6  # the octave's probability at complete doubt: 11 of 21 electronic tracks right
HALF_TEMPO_SHARE = 0.12  # of electronic tracks found at FAST and above, those half as fast
# Log odds of half the tempo: constant, times the logarithm that EvidenceSource.division gives.
UNDIVIDED_LOG_ODDS = (-2.6, -3.4)
# Part -> log odds that it is right: constant, times the log odds from its table.
CALIBRATION = {"tempo": (0.9, 1.4), "phase": (0.5, 1.2), "downbeat": (0.15, 1.3)}
# Log odds that several regions are right: constant, times the mean beat activation.
REGIONS_LOG_ODDS = (-1.8, 9.4)
OFF_GRID = (0.1, 0.2)  # share of beats off the grid; share of the confidence left from there on
MISSING_GAIN = (0.05, 0.1)  # shift_gain at which doubt begins; is complete
MISSING_KEEPS = 0.85  # of the confidence at complete doubt: 3 of 52 uncut songs, which are right
OUTSIDE_SHARE = 0.5  # of the octave's probability that moves outside the range of the options
EVEN_SHARE = 0.97  # of half beats at least half as strong as the beats: no song has above .93
SILENT_RATIO = 0.1  # every other beat is silent if weaker than this share of the others

Tempi = list[tuple[float, float]]


@dataclass(frozen=True)
class Sound:
    """What a confidence uses besides the parts of a track: its sound, and the options."""

    source: EvidenceSource
    activation: np.ndarray
    options: RhythmOptions

    def levels(self, beats: np.ndarray) -> np.ndarray:
        """The activation on each of the beats (n,) in seconds."""
        return beat_activation(self.activation, (beats - LAG) * FRAME_RATE)

    def off_grid(self, beats: np.ndarray) -> float:
        """The share of the beats (n,) in seconds that are off the grid."""
        return off_grid(self.activation, (beats - LAG) * FRAME_RATE)

    def shift_gain(self, beats: np.ndarray) -> float:
        """How much better bars of beats (n,) in seconds repeat when shifted: see repetition.py."""
        strokes = self.source.strokes(with_halves(with_halves(beats)))
        return -1.0 if strokes is None else shift_gain(np.sqrt(strokes))


def part_confidences(grid_parts: Sequence[GridPart], main: int, sound: Sound) -> Confidences:
    """The confidences over all parts of a track; that of the downbeat is the main part's."""
    weight = np.array([len(part.beats) for part in grid_parts], float)
    rows = []
    for part in grid_parts:
        tempi = tempo_hypotheses(part, sound)
        family = _family(tempi)
        rows.append((family, tempi[0][1] / family, _phase(part)))
    tempo, octave, phase = np.average(np.array(rows), axis=0, weights=weight).tolist()
    bars = grid_parts[main].bars
    downbeat = bars.table.downbeat_probabilities(bars.odd)[bars.beats_per_bar][bars.first]
    return Confidences(
        min(tempo * _whole_track(grid_parts, sound), 1.0),
        octave,
        phase,
        _calibrated("downbeat", float(downbeat)),
    )


def _calibrated(part: str, share: float) -> float:
    """The calibrated probability of a part of the rhythm, from the probability in its table."""
    if not 0 < share < 1:
        return share
    constant, slope = CALIBRATION[part]
    return float(1 / (1 + np.exp(-constant - slope * np.log(share / (1 - share)))))


def _whole_track(grid_parts: Sequence[GridPart], sound: Sound) -> float:
    """The probability that all beats are right, given that each region's tempo is right."""
    beats = np.concatenate([part.beats for part in grid_parts])
    limit, kept_share = OFF_GRID
    on_grid = 1 - (1 - kept_share) * min(sound.off_grid(beats) / limit, 1.0)
    on_grid *= 1 - (1 - MISSING_KEEPS) * _missing(grid_parts, sound)
    if len({id(part.region) for part in grid_parts}) == 1:
        return on_grid
    constant, slope = REGIONS_LOG_ODDS
    return on_grid / (1 + float(np.exp(-constant - slope * sound.levels(beats).mean())))


def _missing(grid_parts: Sequence[GridPart], sound: Sound) -> float:
    """How strong the evidence is that part of a beat is missing within a part: 0 to 1."""
    low, high = MISSING_GAIN
    gain = max(sound.shift_gain(part.beats) for part in grid_parts if len(part.beats))
    return float(np.clip((gain - low) / (high - low), 0.0, 1.0))


def _phase(part: GridPart) -> float:
    probability = part.region.piece.phase if part.bars.phase is None else part.bars.phase
    return _calibrated("phase", probability)


def tempo_hypotheses(part: GridPart, sound: Sound) -> Tempi:
    """The tempi that a part may have, its own first, given the activation on its beats."""
    tempi = _with_octave_doubt(part, sound)
    own, family = tempi[0][0], min(_family(tempi), 1.0)
    calibrated = _calibrated("tempo", family)
    inside, outside = calibrated / family, (1 - calibrated) / max(1 - family, 1e-12)
    return [
        (bpm, share * (inside if bpm == own or is_octave(bpm, own) else outside))
        for bpm, share in tempi
    ]


def _family(tempi: Tempi) -> float:
    """The probability of the first tempo and its octaves."""
    own, share = tempi[0]
    return share + sum(other for bpm, other in tempi[1:] if is_octave(bpm, own))


def _with_octave_doubt(part: GridPart, sound: Sound) -> Tempi:
    """A part's tempi; an octave gains probability where the beats are evidence for it."""
    (own, share), *others = part.region.tempi
    if part.region.by_tag or not others:  # the octave is given
        return list(part.region.tempi)
    factor, kept = octave_doubt(own, part.beats, sound)
    if factor is None or share <= kept:
        return list(part.region.tempi)
    places = [i for i, (bpm, _) in enumerate(others) if abs(bpm / own / factor - 1) <= 0.04]
    excess = share - kept
    if places:
        bpm, other = others[places[0]]
        others[places[0]] = bpm, other + excess
    else:
        others.append((own * factor, excess))
    return [(own, kept), *others]


def octave_doubt(bpm: float, beats: np.ndarray, sound: Sound) -> tuple[float | None, float]:
    """The octave that the beats (n,) are evidence for, 1/2 or 2, and the largest share bpm keeps.

    None, 1 without such evidence.
    """
    if len(beats) < 4:
        return None, 1.0
    if factor := _outside_octave(bpm, beats, sound):
        return factor, 1 - OUTSIDE_SHARE
    if bpm < FAST:
        return None, 1.0
    strong, weak = _strong_and_weak(beats, sound)
    ratio = min(max(strong / max(weak, 1e-9), ALTERNATE[0]), ALTERNATE[1])
    doubt = np.log(ratio / ALTERNATE[0]) / np.log(ALTERNATE[1] / ALTERNATE[0])
    return 0.5, float(
        1 - max((1 - UNEVEN_LIMIT) * doubt, min(1 - UNEVEN_LIMIT, _undivided(beats, sound)))
    )


def _outside_octave(bpm: float, beats: np.ndarray, sound: Sound) -> float | None:
    """2 or 1/2 if the beats (n,) are evidence for that octave, outside the options' range."""
    if 2 * bpm > sound.options.max_bpm:
        between = sound.levels((beats[1:] + beats[:-1]) / 2)
        if np.mean(between >= 0.5 * sound.levels(beats).mean()) >= EVEN_SHARE:
            return 2.0
    if bpm / 2 < sound.options.min_bpm:
        strong, weak = _strong_and_weak(beats, sound)
        if weak <= SILENT_RATIO * strong:
            return 0.5
    return None


def _strong_and_weak(beats: np.ndarray, sound: Sound) -> tuple[float, float]:
    """Mean activations of the even and the odd beats of beats (n,), the greater first."""
    levels = sound.levels(beats)
    weak, strong = sorted((float(levels[::2].mean()), float(levels[1::2].mean())))
    return strong, weak


def _undivided(beats: np.ndarray, sound: Sound) -> float:
    """The probability that fast beats (n,) are half beats, because nothing divides them."""
    division = sound.source.division(beats)
    if division is None:
        return 0.0
    constant, slope = UNDIVIDED_LOG_ODDS
    odds = HALF_TEMPO_SHARE / (1 - HALF_TEMPO_SHARE) * np.exp(constant + slope * division)
    return float(odds / (1 + odds))


def outside(part: GridPart, sound: Sound) -> str | None:
    """`above max_bpm` or `below min_bpm` if a part's beats are evidence for such a tempo."""
    (bpm, _), *others = part.region.tempi
    if not others or len(part.beats) < 4:
        return None
    factor = _outside_octave(bpm, part.beats, sound)
    return None if factor is None else "above max_bpm" if factor > 1 else "below min_bpm"


def is_octave(bpm: float, other: float) -> bool:
    """True if a tempo is another's octave, to 4 %."""
    return any(abs(bpm / other / ratio - 1) <= 0.04 for ratio in OCTAVES)


def alternatives(main: GridPart, sound: Sound) -> tuple[Alternative, ...]:
    """The alternatives of a part, the most probable first; half and double are always included.

    Each differs in one respect only. Its probability is that of tempo, octave and phase together;
    for another downbeat, it is conditional on the beats.
    """
    bars, bpm, tempi = main.bars, main.region.piece.bpm, tempo_hypotheses(main, sound)
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
    found += [other for other in rest if other.confidence >= LEAST_ALTERNATIVE]
    return tuple(sorted(found, key=lambda other: -other.confidence))


def _octave_of(bpm: float, own: float, times: float, tempi: Tempi) -> Alternative:
    """Half or double a tempo; outside the options' range it keeps the general octave doubt."""
    shares = [share for tempo, share in tempi[1:] if abs(tempo / own / times - 1) <= 0.04]
    share = sum(shares) if shares else OCTAVE_DOUBT / 2 * tempi[0][1]
    return Alternative(round(bpm * times, 2), share, "octave")
