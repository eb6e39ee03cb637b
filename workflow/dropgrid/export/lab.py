""".lab: a line per section, its start and end in seconds and its label, separated by tabs.

mir_eval.io.load_labeled_intervals reads such files.
"""

from __future__ import annotations

from ..records.track import Track
from .cues import number

NAME = "lab"
HELP = ".lab: start, end and label of the sections (a file per track)"
FILE = "lab"
NEEDS = frozenset({"structure"})


def render_track(track: Track) -> dict[str, bytes]:
    """The .lab file of a track."""
    assert track.structure is not None  # NEEDS says so
    lines = (
        f"{number(section.start, 3)}\t{number(section.end, 3)}\t{section.label}\n"
        for section in track.structure.sections
    )
    return {".lab": "".join(lines).encode()}
