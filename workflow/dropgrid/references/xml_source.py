"""Reading XML that may come from anyone: element by element, the line of each known.

The bare expat parser, which gives the line of every element; a document type is refused, and
with it every entity.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.parsers import expat

from . import checks
from .checks import Place

Visit = Callable[[tuple[str, ...], dict[str, str], Place], None]
DEEPEST = 5  # levels that any program's format is read to: NML, COLLECTION, ENTRY, CUE_V2, GRID
MAX_DEPTH = 1000  # levels of a document: folders of playlists in folders
MAX_ELEMENTS = 5_000_000  # of a document: 60 a track for 80,000 tracks


def walk(path: Path, root: str, what: str, visit: Visit) -> None:
    """Call visit(names from the root on, attributes, place) for the elements of a document that
    lie no deeper than DEEPEST.

    root: the name its outermost element must have, what: the message where it has not. The time
    is proportional to the document, however deep it is. Raises InvalidReference.
    """
    parser = expat.ParserCreate()
    names: list[str] = []
    elements = depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal elements, depth
        elements, depth = elements + 1, depth + 1
        if depth > DEEPEST and depth <= MAX_DEPTH and elements <= MAX_ELEMENTS:
            return
        place = Place(path, parser.CurrentLineNumber, (name,))
        if depth > MAX_DEPTH:
            place.refuse(f"elements inside each other {depth} deep; at most {MAX_DEPTH}")
        if elements > MAX_ELEMENTS:
            place.refuse(f"more than {MAX_ELEMENTS} elements")
        names.append(name)
        if depth == 1 and name != root:
            place.refuse(f"not {what} ({root})")
        visit(tuple(names), attributes, place)

    def end(_name: str) -> None:
        nonlocal depth
        if depth <= DEEPEST:
            names.pop()
        depth -= 1

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
