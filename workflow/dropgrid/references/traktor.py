"""Reads `traktor` references: a Traktor collection, collection.nml.

Of each ENTRY: LOCATION, INFO (GENRE, KEY), TEMPO BPM and MUSICAL_KEY, which Traktor found itself
and which is trusted before INFO's text. Source: Native Instruments' NML as Traktor 2 and 3 write
it. Read by the bare expat parser; a document type is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from ..key import notation
from . import checks
from .annotation import Annotation
from .checks import Place

ENTRY = ["NML", "COLLECTION", "ENTRY"]
PARTS = ("LOCATION", "INFO", "TEMPO", "MUSICAL_KEY")


@dataclass
class _Entry:
    place: Place
    parts: dict[str, dict[str, str]] = field(default_factory=dict)


def read(path: Path) -> list[Annotation]:
    """The annotations of an NML file. Raises InvalidReference."""
    return [_annotation(entry) for entry in _entries(path) if "LOCATION" in entry.parts]


def _entries(path: Path) -> list[_Entry]:
    entries: list[_Entry] = []
    parser = expat.ParserCreate()
    names: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        place = Place(path, parser.CurrentLineNumber, (name,))
        names.append(name)
        if len(names) == 1 and name != "NML":
            place.refuse("not a Traktor collection (NML)")
        if names == ENTRY:
            entries.append(_Entry(place))
        elif names[:-1] == ENTRY and name in PARTS:
            entries[-1].parts.setdefault(name, attributes)

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
    return entries


def _annotation(entry: _Entry) -> Annotation:
    info = entry.parts.get("INFO", {})
    bpm = entry.parts.get("TEMPO", {}).get("BPM")
    return Annotation(
        key=_location(entry.parts["LOCATION"]),
        source=str(entry.place.file),
        format="traktor",
        bpm=None if bpm is None else checks.bpm(bpm, entry.place.at("TEMPO").at("BPM")),
        genre=info.get("GENRE") or None,
        tonality=_tonality(entry, info),
    )


def _location(attributes: dict[str, str]) -> str:
    """The path of a LOCATION: its DIR has `/:` where others have `/`."""
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
