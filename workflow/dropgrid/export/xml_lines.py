"""One XML element as indented lines, so that a document can be written track by track."""

from __future__ import annotations

from xml.etree.ElementTree import Element, indent, tostring


def lines(element: Element, level: int) -> bytes:
    """An element as UTF-8, each line indented by two spaces per level."""
    indent(element, "  ", level)
    return b"  " * level + tostring(element, "utf-8").rstrip() + b"\n"
