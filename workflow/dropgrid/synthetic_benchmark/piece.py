"""A piece of the benchmark before rendering, and its truth.

Positions are beats from the first downbeat (a pickup lies before 0); only the timeline knows
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..demo_music.styles import Style
from ..records.model import Label, Section
from .styles import STYLES
from .timeline import Curve, Timeline, timeline

TAIL = 2.0  # seconds in which the last sounds die away
SPEEDS = {"fast": (53, 50), "slow": (47, 50)}  # times 1.06 and .94, as fractions
METERS = {3: "3/4", 4: "4/4", 5: "5/4", 7: "7/8"}  # beats of a bar; of 7/8 a beat is an eighth


class Stroke(NamedTuple):
    """A sound. beat: position of its first sample; sound: its name in sounds; strength 0..1;
    pitch: MIDI number, 0 for drums; beats: duration of a note, 0 for drums."""

    beat: float
    layer: str
    sound: str
    strength: float
    pitch: int = 0
    beats: float = 0.0


@dataclass(frozen=True)
class Piece:
    """A piece before rendering, and its truth.

    bars: their number; pickup: beats before the first downbeat; keys: (bar where the key begins,
    from 0; key as in dropgrid.key.notation); sections: in bars from 0, from which the times
    follow. start: seconds of the first beat, which is in the pickup if there is one. twin: "" for
    the piece itself.
    """

    name: str
    seed: int
    number: int
    twin: str
    style: str
    bpm: float
    beats_per_bar: int
    bars: int
    pickup: int
    start: float
    form: tuple[tuple[Label, int], ...]
    keys: tuple[tuple[int, int], ...]
    chords: tuple[tuple[int, bool], ...]
    traits: tuple[str, ...]
    curve: Curve
    swing: float
    tuning: float  # cents
    strokes: tuple[Stroke, ...] = ()

    @property
    def sound(self) -> Style:
        """The style's patterns and timbres."""
        return STYLES[self.style]

    @property
    def line(self) -> Timeline:
        """The timeline of the beats; beat 0 is the first beat of the pickup, if there is one."""
        beats = self.pickup + self.bars * self.beats_per_bar
        return timeline(beats, self.bpm, self.start, self.curve, self.seed * 1000 + self.number)

    def seconds(self, beats: object) -> np.ndarray:
        """Seconds of positions in beats from the first downbeat, at the speed of the twin."""
        up, down = SPEEDS.get(self.twin, (1, 1))
        found = self.line.at(np.asarray(beats, float) + self.pickup)
        return np.asarray(found * (down / up), float)

    @property
    def beats(self) -> np.ndarray:
        """(beats,) seconds of every beat, including the pickup."""
        return self.seconds(np.arange(-self.pickup, self.bars * self.beats_per_bar))

    @property
    def downbeats(self) -> np.ndarray:
        """(bars,) seconds of every downbeat."""
        return self.seconds(np.arange(self.bars) * self.beats_per_bar)

    @property
    def duration(self) -> float:
        """Seconds of the audio."""
        up, down = SPEEDS.get(self.twin, (1, 1))
        return float(self.seconds(self.bars * self.beats_per_bar)) + TAIL * down / up

    @property
    def tempo(self) -> np.ndarray:
        """(beats,) the tempo meant at each beat, BPM at the speed of the twin."""
        up, down = SPEEDS.get(self.twin, (1, 1))
        return np.asarray(self.line.bpm * (up / down), float)

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections, from 0 to the end of the audio."""
        found: list[Section] = []
        bar = 0
        for label, bars in self.form:
            start = float(self.seconds(bar * self.beats_per_bar)) if found else 0.0
            bar += bars
            last = len(found) == len(self.form) - 1
            end = self.duration if last else float(self.seconds(bar * self.beats_per_bar))
            found.append(Section(start, end, label, bar - bars + 1, bar + 1, bars, 1.0))
        return tuple(found)

    @property
    def drops(self) -> tuple[float, ...]:
        """The moments at which a drop begins, in seconds."""
        return tuple(section.start for section in self.sections if section.label == "drop")

    def onsets(self, sound: str) -> np.ndarray:
        """Seconds of all strokes of a sound, ascending."""
        return self.seconds(sorted(s.beat for s in self.strokes if s.sound == sound))

    def entries(self) -> dict[str, list[tuple[float, float]]]:
        """For each layer, the intervals (start, end) in seconds in which it plays. A silence of
        more than two bars ends an interval."""
        found: dict[str, list[tuple[float, float]]] = {}
        for layer in dict.fromkeys(stroke.layer for stroke in self.strokes):
            own = sorted(
                (s.beat, s.beat + max(s.beats, 1.0)) for s in self.strokes if s.layer == layer
            )
            stretches = [list(own[0])]
            for start, end in own[1:]:
                if start - stretches[-1][1] > 2 * self.beats_per_bar:
                    stretches.append([start, end])
                stretches[-1][1] = max(stretches[-1][1], end)
            found[layer] = [
                (float(self.seconds(start)), min(float(self.seconds(end)), self.duration))
                for start, end in stretches
            ]
        return found
