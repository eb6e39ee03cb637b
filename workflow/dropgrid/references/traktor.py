"""Reads `traktor` references: a Traktor collection, collection.nml.

For each ENTRY: LOCATION, INFO (GENRE, KEY, PLAYTIME), TEMPO BPM, MUSICAL_KEY and CUE_V2.
MUSICAL_KEY is Traktor's result and is preferred to the text in INFO. CUE_V2 are grid markers and
cues named after a section. Each grid marker is a downbeat and applies until the next; before the
first the grid continues backwards. Times count from Traktor's sample 0, which differs from
dropgrid's in MP3s. Source:
Native Instruments' NML as Traktor 2 to 4 write it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..key import notation
from . import checks, cues
from .annotation import Annotation
from .checks import Place
from .xml_source import walk

ENTRY = ("NML", "COLLECTION", "ENTRY")
PARTS = ("LOCATION", "INFO", "TEMPO", "MUSICAL_KEY")
GRID = 4  # the TYPE of a CUE_V2 that is a grid marker
BAR = 4  # beats: Traktor has no other bar length


@dataclass
class _CuePoint:
    """A CUE_V2, and the BPM of the GRID in it."""

    attributes: dict[str, str]
    place: Place
    bpm: str | None = None


@dataclass
class _Entry:
    place: Place
    locked: bool
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    cue_points: list[_CuePoint] = field(default_factory=list)


def read(path: Path) -> list[Annotation]:
    """The annotations of an NML file. Raises InvalidReference."""
    entries = (entry for entry in _entries(path) if "LOCATION" in entry.parts)
    return checks.within_bounds(map(_annotation, entries), path)


def _entries(path: Path) -> list[_Entry]:
    entries: list[_Entry] = []

    def visit(names: tuple[str, ...], attributes: dict[str, str], place: Place) -> None:
        if names == ENTRY:
            entries.append(_Entry(place, attributes.get("LOCK") == "1"))
        elif names == (*ENTRY, "CUE_V2"):
            entries[-1].cue_points.append(_CuePoint(attributes, place))
        elif names == (*ENTRY, "CUE_V2", "GRID"):
            entries[-1].cue_points[-1].bpm = attributes.get("BPM")
        elif names[:-1] == ENTRY and names[-1] in PARTS:
            entries[-1].parts.setdefault(names[-1], attributes)

    walk(path, "NML", "a Traktor collection", visit)
    return entries


def _annotation(entry: _Entry) -> Annotation:
    info = entry.parts.get("INFO", {})
    bpm = entry.parts.get("TEMPO", {}).get("BPM")
    tempo = None if bpm is None else checks.bpm(bpm, entry.place.at("TEMPO").at("BPM"))
    duration = _duration(entry, info)
    beats, downbeats = _grid(entry.cue_points, tempo, duration)
    cue_points = [
        (_seconds(cue), cue.attributes.get("NAME", ""), cue.place)
        for cue in entry.cue_points
        if _kind(cue) != GRID
    ]
    return Annotation(
        key=_location(entry.parts["LOCATION"]),
        source=str(entry.place.file),
        format="traktor",
        bpm=tempo,
        beats=beats or None,
        downbeats=downbeats or None,
        sections=cues.sections(cue_points, duration) or None,
        duration=duration,
        genre=info.get("GENRE") or None,
        tonality=_tonality(entry, info),
        locked=entry.locked,
        player="traktor",
    )


def _duration(entry: _Entry, info: dict[str, str]) -> float | None:
    """Seconds: PLAYTIME_FLOAT, or PLAYTIME in whole ones; None if missing."""
    for name in ("PLAYTIME_FLOAT", "PLAYTIME"):
        if info.get(name):
            seconds = checks.time(info[name], entry.place.at("INFO").at(name))
            return seconds or None
    return None


def _kind(cue: _CuePoint) -> int:
    return int(checks.number(cue.attributes.get("TYPE", "0"), cue.place.at("TYPE")))


def _seconds(cue: _CuePoint) -> float:
    """The time of a cue in seconds; Traktor's are in milliseconds."""
    place = cue.place.at("START")
    return max(0.0, checks.number(cue.attributes.get("START"), place) / 1000)


def _grid(
    cue_points: list[_CuePoint], tempo: float | None, duration: float | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Beats and downbeats of the grid markers."""
    grid = [cue for cue in cue_points if _kind(cue) == GRID]
    if not grid or duration is None:
        return (), ()
    starts = checks.times((_seconds(cue), cue.place.at("START")) for cue in grid)
    beats: list[float] = []
    downbeats: list[float] = []
    for i, (cue, start) in enumerate(zip(grid, starts, strict=True)):
        place = cue.place.at("GRID").at("BPM")
        interval = 60 / (tempo if cue.bpm is None and tempo else checks.bpm(cue.bpm, place))
        end = starts[i + 1] if i + 1 < len(starts) else duration
        before = int((start + 1e-6) / interval) if i == 0 else 0
        for n in range(-before, cues.count_of(start, end, interval)):
            beats.append(max(0.0, start + n * interval))
            if n % BAR == 0:
                downbeats.append(beats[-1])
    return tuple(beats), tuple(downbeats)


def _location(attributes: dict[str, str]) -> str:
    """The path of a LOCATION: its DIR uses `/:` as separator instead of `/`."""
    folder = attributes.get("DIR", "").replace("/:", "/")
    return folder + attributes.get("FILE", "")


def _tonality(entry: _Entry, info: dict[str, str]) -> int | None:
    value = entry.parts.get("MUSICAL_KEY", {}).get("VALUE")
    if value is None:
        return notation.parse(info.get("KEY", ""))  # a field of free text
    place = entry.place.at("MUSICAL_KEY").at("VALUE")
    number = checks.number(value, place)
    if number not in range(notation.KEYS):
        place.refuse(f"not a key, which are 0 to {notation.KEYS - 1}: {value!r}")
    return int(number)
