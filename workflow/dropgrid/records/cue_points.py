"""Cue points of a track, their assignment to pads, and loops for mixing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..base.colours import SECTION_COLOURS_ON_DARK
from .cue_template import PADS, Pad, Template, Unit
from .model import Label
from .passages import passages
from .track import Moment, Track

SAME_MOMENT = 0.05  # seconds; two moments this close are one cue
LOOP_BARS = (4, 2, 1)  # the longest that fits is used
LOOPED = ("intro", "outro")
MIX_OUT = "Mix out"
SET_IN, SET_OUT = "Set in", "Set out"  # where a track of a set is mixed in and out
NO_SECTION = (MIX_OUT, SET_IN, SET_OUT)  # names of cues at which no section begins
WORTH: dict[str, int] = {"drop": 2, "breakdown": 3, "buildup": 4}  # the ends before, others behind


@dataclass(frozen=True)
class Cue:
    """A cue point: time in seconds, the label of its section, a name.

    own_colour: "#rrggbb", if it differs from the colour of the section.
    """

    time: float
    label: Label
    name: str
    own_colour: str | None = None

    @property
    def colour(self) -> str:
        """Its colour, "#rrggbb"."""
        return self.own_colour or SECTION_COLOURS_ON_DARK[self.label]


@dataclass(frozen=True)
class Loop:
    """A loop of whole bars: start and end in seconds, a name."""

    start: float
    end: float
    name: str


def cues(track: Track) -> list[Cue]:
    """A cue at the start of each passage, at each drop and at mix_out, in order of time.

    The first cue is on the first downbeat, where music and grid begin, not at 0. Labels that occur
    more than once are numbered. A drop of several sections is one drop. Its cue is where its kick
    enters, which is one bar late after a fill; later drops in the same passage have separate cues.
    A mix with a tracklist has a cue at the start of each of its tracks.
    """
    if track.tracklist:
        return [Cue(moment.time, "main", moment.name) for moment in track.tracklist]
    return _with_blends(_found(track), track.blends)


def _with_blends(all_cues: list[Cue], blends: Sequence[Moment]) -> list[Cue]:
    """The cues and the cues of a set; set cues replace cues at the same moment."""
    own = [Cue(m.time, "intro" if m.name == SET_IN else "outro", m.name) for m in blends]
    left = [c for c in all_cues if not any(abs(c.time - o.time) < SAME_MOMENT for o in own)]
    return sorted([*left, *own], key=lambda cue: cue.time)


def _found(track: Track) -> list[Cue]:
    """The cues from the analysis only."""
    if track.structure is None:
        return []
    drops, first = track.structure.drops, first_downbeat(track)
    moments: list[tuple[float, Label]] = []
    for passage in passages(track.structure.sections):
        entries = (drop for drop in drops if passage.start <= drop < passage.end)
        entry = next(entries, passage.start) if passage.label == "drop" else passage.start
        if first is not None and entry < first < passage.end - SAME_MOMENT:
            entry = first
        moments.append((entry, passage.label))
    for drop in drops:
        if not any(label == "drop" and abs(t - drop) < SAME_MOMENT for t, label in moments):
            moments.append((drop, "drop"))
    moments.sort()
    labels = [label for _, label in moments]
    found = []
    for index, (time, label) in enumerate(moments):
        number = f" {labels[: index + 1].count(label)}" if labels.count(label) > 1 else ""
        found.append(Cue(time, label, label.capitalize() + number))
    out = track.structure.mix_out
    if out is not None and not any(abs(cue.time - out) < SAME_MOMENT for cue in found):
        found.append(Cue(out, "outro", MIX_OUT))
    return sorted(found, key=lambda cue: cue.time)


def first_downbeat(track: Track) -> float | None:
    """Seconds of the first downbeat of a track; None without downbeats."""
    return track.bpm.downbeats[0] if track.bpm and track.bpm.downbeats else None


def most_useful(all_cues: Sequence[Cue], most: int) -> list[Cue]:
    """At most `most` of the cues, in order of time.

    The first cue and the mix-out are preferred, then drops, breakdowns, buildups and the rest.
    """
    by_worth = sorted(all_cues, key=lambda cue: (_worth(cue, all_cues), cue.time))
    return sorted(by_worth[: max(0, most)], key=lambda cue: cue.time)


def _worth(cue: Cue, all_cues: Sequence[Cue]) -> int:
    """The rank of a cue among those of its track; 0 is the most useful."""
    if cue.name in (SET_IN, SET_OUT):
        return -1
    if cue == all_cues[0] or cue == _mix_out(all_cues):
        return min(WORTH.get(cue.label, 1), 1)
    return WORTH.get(cue.label, 5)


def _mix_out(all_cues: Sequence[Cue]) -> Cue | None:
    """The mix-out cue: the start of the beat-only outro, otherwise of the last outro."""
    exact = next((cue for cue in all_cues if cue.name == MIX_OUT), None)
    outros = [cue for cue in all_cues if cue.label == "outro" and cue.name != SET_OUT]
    return exact or (outros[-1] if outros else None)


def pads(track: Track, wanted: Template | None = None, most: int = PADS) -> list[tuple[int, Cue]]:
    """The cues on the pads: (pad from 0, cue).

    wanted: a template; None for the most useful cues in order of time.
    """
    all_cues = cues(track)
    if wanted is None:
        return list(enumerate(most_useful(all_cues, most)))
    placed = (_placed(track, all_cues, pad) for pad in wanted[:most])
    return [(number, cue) for number, cue in enumerate(placed) if cue is not None]


def _placed(track: Track, all_cues: Sequence[Cue], pad: Pad | None) -> Cue | None:
    """The cue of an entry of a template; None if the track has no such moment."""
    cue = None if pad is None else _named(track, all_cues, pad)
    if pad is None or cue is None:
        return None
    name = cue.name
    if pad.offset:
        time = moved(track, cue.time, pad.offset, pad.unit)
        if time is None:
            return None
        cue = replace(cue, time=time)
        unit = pad.unit if abs(pad.offset) == 1 else f"{pad.unit}s"
        name = f"{name} {'-' if pad.offset < 0 else '+'} {abs(pad.offset)} {unit}"
    return replace(cue, name=pad.name or name, own_colour=pad.colour)


def _named(track: Track, all_cues: Sequence[Cue], pad: Pad) -> Cue | None:
    """The moment that an entry names, without its offset."""
    if pad.moment == "first_downbeat":
        time = first_downbeat(track)
        at = [cue for cue in all_cues if time is not None and abs(cue.time - time) < SAME_MOMENT]
        return None if time is None else at[0] if at else Cue(time, "intro", "First downbeat")
    if pad.moment == "mix_out":
        return _mix_out(all_cues)
    if pad.moment == "mix_in":
        time = track.structure.mix_in if track.structure else None
        return None if time is None else Cue(time, "intro", "Mix in")
    kind = "drop" if pad.moment == "last_drop" else pad.moment
    of_kind = [cue for cue in all_cues if cue.label == kind and cue.name not in NO_SECTION]
    number = len(of_kind) if pad.moment == "last_drop" else pad.number
    return of_kind[number - 1] if 1 <= number <= len(of_kind) else None


def moved(track: Track, time: float, offset: int, unit: Unit) -> float | None:
    """The beat or downbeat `offset` beats or bars after the one nearest to a time.

    An offset below 0 is before it. None if the track has no beat or downbeat there.
    """
    record = track.bpm
    grid = () if record is None else record.beats if unit == "beat" else record.downbeats
    if not grid:
        return None
    nearest = min(range(len(grid)), key=lambda index: abs(grid[index] - time))
    place = nearest + offset
    return grid[place] if 0 <= place < len(grid) else None


def loops(track: Track) -> list[Loop]:
    """A loop of whole bars at the start of every intro and outro that is long enough."""
    if track.structure is None or track.bpm is None:
        return []
    downbeats = track.bpm.downbeats
    found = []
    for passage in passages(track.structure.sections):
        if passage.label not in LOOPED:
            continue
        start, end = passage.start - SAME_MOMENT, passage.end + SAME_MOMENT
        inside = [downbeat for downbeat in downbeats if start <= downbeat <= end]
        bars = next((bars for bars in LOOP_BARS if bars < len(inside)), None)
        if bars is not None:
            found.append(Loop(inside[0], inside[bars], f"{passage.label.capitalize()} loop"))
    return found
