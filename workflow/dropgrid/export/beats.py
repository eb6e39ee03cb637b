""".beats: a line per beat, its time in seconds and its position in the bar, separated by a tab.

Without downbeats the position is left out. mir_eval.io.load_labeled_events reads such files,
load_events those without positions. madmom and Beat This write the same format.
"""

from __future__ import annotations

from ..records.track import Track
from .cues import bar_positions, number

NAME = "beats"
HELP = ".beats: time and position in the bar (a file per track)"
FILE = "beats"
NEEDS = frozenset({"bpm"})


def render_track(track: Track) -> dict[str, bytes]:
    """The .beats file of a track."""
    assert track.bpm is not None  # NEEDS says so
    positions = [f"\t{beat}" for _, beat in bar_positions(track.bpm)]
    lines = (
        f"{number(time, 3)}{position}\n"
        for time, position in zip(
            track.bpm.beats, positions or [""] * len(track.bpm.beats), strict=True
        )
    )
    return {".beats": "".join(lines).encode()}
