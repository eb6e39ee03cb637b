"""Sonic Visualiser layers as CSV (File > Import Annotation Layer), in the form of its own exports.

{track}.beats.csv: a time instants layer, TIME,LABEL, labels bar.beat as "17.1".
{track}.sections.csv: a region layer, TIME,VALUE,DURATION,LABEL; the value is the label's number
in the order from intro (1) to outro (6), which sets the region's height.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from ..records.model import LABELS
from ..records.track import Track
from .cues import bar_positions, number

NAME = "sonic-visualiser"
HELP = "Sonic Visualiser layers: beats, sections as CSV (two files per track)"
FILE = "sonic-visualiser"
NEEDS: frozenset[str] = frozenset()


def render_track(track: Track) -> dict[str, bytes]:
    """The layers of a track, one for each record that it has (beats, sections)."""
    layers = {}
    if track.bpm:
        positions = [f"{bar}.{beat}" for bar, beat in bar_positions(track.bpm)]
        rows = zip(
            (number(time, 6) for time in track.bpm.beats),
            positions or [""] * len(track.bpm.beats),
            strict=True,
        )
        layers[".beats.csv"] = _csv(("TIME", "LABEL"), rows)
    if track.structure:
        regions = (
            (number(s.start, 6), LABELS.index(s.label) + 1, number(s.end - s.start, 6), s.label)
            for s in track.structure.sections
        )
        layers[".sections.csv"] = _csv(("TIME", "VALUE", "DURATION", "LABEL"), regions)
    return layers


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
