"""Audacity label track (File > Import > Labels): sections as regions, drops as points.

A line contains start, end and text of a label, separated by tabs. Source: Audacity manual,
"Importing and Exporting Labels".
"""

from __future__ import annotations

from ..records.track import Track
from .cues import number, parts_of_mix

NAME = "audacity"
HELP = "Audacity label track: sections and drops (a file per track)"
FILE = "audacity"
NEEDS = frozenset({"structure"})


def render_track(track: Track) -> dict[str, bytes]:
    """The label file of a track, sorted by time."""
    assert track.structure is not None  # NEEDS says so
    labels = [
        (section.start, section.end, f"{section.label} ({section.bars} bars)")
        if section.bars is not None
        else (section.start, section.end, section.label)
        for section in track.structure.sections
    ]
    labels += [(drop, drop, "DROP") for drop in track.structure.drops]
    labels += parts_of_mix(track)
    lines = (
        f"{number(start, 6)}\t{number(end, 6)}\t{text}\n" for start, end, text in sorted(labels)
    )
    return {".audacity.txt": "".join(lines).encode()}
