"""The moments of a track worth a button: cues, what goes on the pads, loops to mix with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .model import Section
from .track import Track

SAME_MOMENT = 0.05  # seconds within which a drop and the start of its section are one cue
PADS = 8  # hot cues that every controller has
LOOP_BARS = (4, 2, 1)  # the longest loop that fits is taken
LOOPED = ("intro", "outro")


@dataclass(frozen=True)
class Cue:
    """A moment worth jumping to: time in seconds, the label of its section, a name."""

    time: float
    label: str
    name: str


@dataclass(frozen=True)
class Loop:
    """A stretch of whole bars that can be held: start and end in seconds, a name."""

    start: float
    end: float
    name: str


def phrases(sections: Sequence[Section]) -> list[tuple[float, float, str]]:
    """(start, end, label) of the sections, neighbours of one label as one."""
    found: list[tuple[float, float, str]] = []
    for section in sections:
        if found and found[-1][2] == section.label:
            found[-1] = (found[-1][0], section.end, section.label)
        else:
            found.append((section.start, section.end, section.label))
    return found


def cues(track: Track) -> list[Cue]:
    """A cue where music of another kind begins and at every drop, in the order of time.

    Labels that occur more than once are numbered: a drop of many sections is one drop.
    """
    if track.structure is None:
        return []
    moments = [(start, label) for start, _, label in phrases(track.structure.sections)]
    for drop in track.structure.drops:
        if not any(label == "drop" and abs(t - drop) < SAME_MOMENT for t, label in moments):
            moments.append((drop, "drop"))
    moments.sort()
    labels = [label for _, label in moments]
    found = []
    for index, (time, label) in enumerate(moments):
        number = f" {labels[: index + 1].count(label)}" if labels.count(label) > 1 else ""
        found.append(Cue(time, label, label.capitalize() + number))
    return found


def pads(marks: Sequence[Cue], most: int = PADS) -> list[Cue]:
    """The cues worth a pad, in the order of time: drops first, then what there is room for."""
    by_worth = sorted(marks, key=lambda cue: (cue.label != "drop", cue.time))
    return sorted(by_worth[:most], key=lambda cue: cue.time)


def loops(track: Track) -> list[Loop]:
    """A loop of whole bars at the start of every intro and outro that has room for one."""
    if track.structure is None or track.bpm is None:
        return []
    ones = track.bpm.downbeats
    found = []
    for start, end, label in phrases(track.structure.sections):
        if label not in LOOPED:
            continue
        inside = [one for one in ones if start - SAME_MOMENT <= one <= end + SAME_MOMENT]
        bars = next((bars for bars in LOOP_BARS if bars < len(inside)), None)
        if bars is not None:
            found.append(Loop(inside[0], inside[bars], f"{label.capitalize()} loop"))
    return found
