"""Reads `rekordbox` references: a rekordbox collection exported as XML.

Format: rekordbox's own "XML format list" (cdn.rekordbox.com). Its times count from
rekordbox's sample 0, which differs from dropgrid's in MP3s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..key import notation
from . import checks, cues
from .annotation import Annotation, CueOrLoop, ReferenceSection
from .checks import Place
from .xml_source import walk

MOST_PADS = 26  # A to Z
TRACK = ("DJ_PLAYLISTS", "COLLECTION", "TRACK")

Element = tuple[dict[str, str], Place]


@dataclass
class _Track:
    attributes: dict[str, str]
    place: Place
    tempos: list[Element] = field(default_factory=list)
    position_marks: list[Element] = field(default_factory=list)


def read(path: Path) -> list[Annotation]:
    """The annotations of a rekordbox XML file. Raises InvalidReference."""
    tracks = (track for track in _tracks(path) if "Location" in track.attributes)
    return checks.within_bounds(map(_annotation, tracks), path)


def locations(path: Path) -> set[str]:
    """The paths of the tracks in a collection. Raises InvalidReference."""
    return {
        _location(track.attributes["Location"])
        for track in _tracks(path)
        if "Location" in track.attributes
    }


def _tracks(path: Path) -> list[_Track]:
    tracks: list[_Track] = []

    def visit(names: tuple[str, ...], attributes: dict[str, str], place: Place) -> None:
        if names == TRACK:
            tracks.append(_Track(attributes, place))
        elif names == (*TRACK, "TEMPO"):
            tracks[-1].tempos.append((attributes, place))
        elif names == (*TRACK, "POSITION_MARK"):
            tracks[-1].position_marks.append((attributes, place))

    walk(path, "DJ_PLAYLISTS", "a rekordbox collection", visit)
    return tracks


def _annotation(track: _Track) -> Annotation:
    attributes, place = track.attributes, track.place
    duration = _optional(attributes, "TotalTime", place, checks.time)
    beats, downbeats = _grid(track.tempos, duration)
    return Annotation(
        key=_location(attributes["Location"]),
        source=str(place.file),
        format="rekordbox",
        bpm=_optional(attributes, "AverageBpm", place, checks.bpm),
        beats=beats or None,
        downbeats=downbeats or None,
        sections=_sections(track.position_marks, duration) or None,
        cues_and_loops=_cues_and_loops(track.position_marks) or None,
        duration=duration,
        genre=attributes.get("Genre") or None,
        tonality=notation.parse(attributes.get("Tonality", "")),  # a field of free text
        player="rekordbox",
    )


def _optional(attributes: dict[str, str], name: str, place: Place, check: Any) -> float | None:
    """An attribute's number; None if it is missing or 0, rekordbox's value for not analysed."""
    if not attributes.get(name) or re.fullmatch(r"0*\.?0*", attributes[name]):
        return None
    return float(check(attributes[name], place.at(name)))


def _location(location: str) -> str:
    """The path of a Location, `file://localhost/C:/Music/a%20b.flac`."""
    path = unquote(re.sub(r"^file://[^/]*", "", location), errors="surrogateescape")
    return re.sub(r"^/(?=[A-Za-z]:/)", "", path)


def _grid(
    tempos: list[Element], duration: float | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Beats and downbeats of the TEMPO elements: each applies until the next, or the end."""
    if not tempos or duration is None:
        return (), ()
    starts = checks.times((t.get("Inizio"), place.at("Inizio")) for t, place in tempos)
    beats: list[float] = []
    downbeats: list[float] = []
    for i, ((attributes, place), start) in enumerate(zip(tempos, starts, strict=True)):
        end = starts[i + 1] if i + 1 < len(starts) else duration
        interval = 60.0 / checks.bpm(attributes.get("Bpm"), place.at("Bpm"))
        in_bar = checks.beats_per_bar(attributes.get("Metro", "4/4"), place.at("Metro"))
        first = int(checks.number(attributes.get("Battito", "1"), place.at("Battito")))
        for n in range(cues.count_of(start, end, interval)):
            beats.append(start + n * interval)
            if (first - 1 + n) % in_bar == 0:
                downbeats.append(start + n * interval)
    return tuple(beats), tuple(downbeats)


def _sections(
    position_marks: list[Element], duration: float | None
) -> tuple[ReferenceSection, ...]:
    return cues.sections(
        (
            (checks.time(a.get("Start"), place.at("Start")), a.get("Name", ""), place)
            for a, place in position_marks
        ),
        duration,
    )


def _cues_and_loops(position_marks: list[Element]) -> tuple[CueOrLoop, ...]:
    """Hot cues, memory cues (-1) and loops (with an end)."""
    found = []
    for attributes, place in position_marks:
        pad = int(checks.number(attributes.get("Num", "-1"), place.at("Num")))
        end = attributes.get("End")
        found.append(CueOrLoop(
            checks.time(attributes.get("Start"), place.at("Start")),
            attributes.get("Name", ""),
            pad if 0 <= pad < MOST_PADS else None,
            None if end is None else checks.time(end, place.at("End")),
        ))  # fmt: skip
    return tuple(found)
