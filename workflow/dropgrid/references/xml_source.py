"""Reading XML that may come from anyone: element by element, the line of each known.

The bare expat parser, which tells the line of every element; a document type is refused, and
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


def walk(path: Path, root: str, what: str, visit: Visit) -> None:
    """Call visit(names from the root on, attributes, place) for every element of a document.

    root: the name its outermost element must have, what: what is said where it has not. Raises
    InvalidReference.
    """
    parser = expat.ParserCreate()
    names: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        place = Place(path, parser.CurrentLineNumber, (name,))
        names.append(name)
        if len(names) == 1 and name != root:
            place.refuse(f"not {what} ({root})")
        visit(tuple(names), attributes, place)

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
