"""XML a track at a time: an element as indented lines."""

from __future__ import annotations

from xml.etree.ElementTree import Element, indent, tostring


def lines(element: Element, level: int) -> bytes:
    """An element as UTF-8, each line indented by two blanks a level."""
    indent(element, "  ", level)
    return b"  " * level + tostring(element, "utf-8").rstrip() + b"\n"
