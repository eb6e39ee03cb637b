"""Figures in a document that a benchmark writes, between two markers."""

from __future__ import annotations

from pathlib import Path

LAST = "<!-- end -->"


def between(text: str, first: str) -> str | None:
    """What stands between a marker and LAST in a text; None where the marker is not in it."""
    _, found, rest = text.partition(first)
    return rest.partition(LAST)[0].strip() if found else None


def renew(document: Path, first: str, figures: str) -> None:
    """Write figures between a marker and LAST into a document that has the marker."""
    text = document.read_text()
    if between(text, first) is not None:
        head, _, rest = text.partition(first)
        tail = rest.partition(LAST)[2]
        document.write_text(f"{head}{first}\n{figures}\n{LAST}{tail}")
