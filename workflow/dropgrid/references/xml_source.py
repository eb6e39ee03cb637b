"""Reads untrusted XML element by element, with the line of each.

Uses the expat parser directly, because it gives the line of every element; a document type is
refused, and with it every entity.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.parsers import expat

from . import checks
from .checks import Place

Visit = Callable[[tuple[str, ...], dict[str, str], Place], None]
DEEPEST = 5  # deepest level that is read in any format: NML, COLLECTION, ENTRY, CUE_V2, GRID
MAX_DEPTH = 1000  # levels of a document: folders of playlists in folders
MAX_ELEMENTS = 5_000_000  # of a document: 60 per track for 80,000 tracks


def walk(path: Path, root: str, what: str, visit: Visit) -> None:
    """Call visit(names from the root, attributes, place) for each element no deeper than DEEPEST.

    root: the required name of the outermost element; what: the message for any other name. The
    time is proportional to the document size, at any depth. Raises InvalidReference.
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
