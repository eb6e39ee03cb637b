"""The moments of a track worth a button: cues, what goes on the pads, loops to mix with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .phrases import phrases
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


def cues(track: Track) -> list[Cue]:
    """A cue where music of another kind begins and at every drop, in the order of time.

    Labels that occur more than once are numbered: a drop of many sections is one drop, and its
    cue stands where its kick enters, a bar late after a fill; further drops listed inside it have
    cues of their own.
    """
    if track.structure is None:
        return []
    drops = track.structure.drops
    moments: list[tuple[float, str]] = []
    for phrase in phrases(track.structure.sections):
        entries = (drop for drop in drops if phrase.start <= drop < phrase.end)
        entry = next(entries, phrase.start) if phrase.label == "drop" else phrase.start
        moments.append((entry, phrase.label))
    for drop in drops:
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
    for phrase in phrases(track.structure.sections):
        if phrase.label not in LOOPED:
            continue
        start, end = phrase.start - SAME_MOMENT, phrase.end + SAME_MOMENT
        inside = [one for one in ones if start <= one <= end]
        bars = next((bars for bars in LOOP_BARS if bars < len(inside)), None)
        if bars is not None:
            found.append(Loop(inside[0], inside[bars], f"{phrase.label.capitalize()} loop"))
    return found
