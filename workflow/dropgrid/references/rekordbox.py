"""Reads `rekordbox` references: a rekordbox collection exported as XML.

Format: rekordbox's own "XML format list" (cdn.rekordbox.com). Read by the bare expat parser,
which tells the line of every element; a document type is refused, and with it every entity.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.parsers import expat

from ..key import notation
from . import checks
from .annotation import Annotation, ReferenceSection
from .checks import Place

SLACK = 0.1  # beats: a beat as near as this to the next TEMPO is that TEMPO's own

Element = tuple[dict[str, str], Place]


@dataclass
class _Track:
    attributes: dict[str, str]
    place: Place
    tempos: list[Element] = field(default_factory=list)
    marks: list[Element] = field(default_factory=list)


def read(path: Path) -> list[Annotation]:
    """The annotations of a rekordbox XML file. Raises InvalidReference."""
    return [_annotation(track) for track in _tracks(path) if "Location" in track.attributes]


def _tracks(path: Path) -> list[_Track]:
    tracks: list[_Track] = []
    parser = expat.ParserCreate()
    names: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        place = Place(path, parser.CurrentLineNumber, (name,))
        names.append(name)
        if len(names) == 1 and name != "DJ_PLAYLISTS":
            place.refuse("not a rekordbox collection (DJ_PLAYLISTS)")
        if names == ["DJ_PLAYLISTS", "COLLECTION", "TRACK"]:
            tracks.append(_Track(attributes, place))
        elif names[:-1] == ["DJ_PLAYLISTS", "COLLECTION", "TRACK"]:
            if name == "TEMPO":
                tracks[-1].tempos.append((attributes, place))
            elif name == "POSITION_MARK":
                tracks[-1].marks.append((attributes, place))

    def end(_name: str) -> None:
        names.pop()

    def refuse_doctype(*_: Any) -> None:
        Place(path, parser.CurrentLineNumber).refuse("a document type or entity is not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.EntityDeclHandler = refuse_doctype
    try:
        parser.Parse(checks.read_bytes(path), True)
    except expat.ExpatError as error:
        Place(path, error.lineno).refuse(f"not well-formed XML: {expat.ErrorString(error.code)}")
    except (LookupError, ValueError) as error:
        Place(path, parser.CurrentLineNumber).refuse(f"XML that cannot be read: {error}")
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
        sections=_sections(track.marks, duration) or None,
        duration=duration,
        genre=attributes.get("Genre") or None,
        tonality=notation.parse(attributes.get("Tonality", "")),  # a field of free text
    )


def _optional(attributes: dict[str, str], name: str, place: Place, check: Any) -> float | None:
    """An attribute's number; None where it is absent or rekordbox's 0 for not analysed."""
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
    """Beats and downbeats of the TEMPO elements: each rules until the next, or the end."""
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
        for n in range(max(0, math.ceil((end - start) / interval - SLACK))):
            beats.append(start + n * interval)
            if (first - 1 + n) % in_bar == 0:
                downbeats.append(start + n * interval)
    return tuple(beats), tuple(downbeats)


def _sections(marks: list[Element], duration: float | None) -> tuple[ReferenceSection, ...]:
    """Sections from the cues that are named after one; a number may follow, as in `Drop 2`."""
    cues = []
    for attributes, place in marks:
        start = checks.time(attributes.get("Start"), place.at("Start"))
        label = checks.known_label(re.sub(r"[\s#]*\d*\s*$", "", attributes.get("Name", "")))
        if label is not None:
            cues.append((start, label, place))
    cues = sorted({cue[:2]: cue for cue in cues}.values(), key=lambda cue: cue[0])
    if not cues or duration is None:
        return ()
    ends = [start for start, _, _ in cues[1:]] + [duration]
    return checks.sections(
        [
            (ReferenceSection(start, end, label), place)
            for (start, label, place), end in zip(cues, ends, strict=True)
        ]
    )
