"""Grid markers as DJ programs use them: on downbeats, each with a tempo.

Some programs stretch the beats before a marker so that the marker falls on a beat. At a pause or a
jump of the beat phase, this would move all beats of the region before it. So every region that is
followed by another has two markers, on its first and its last downbeat. Then only the pause and
less than one bar are stretched.
"""

from __future__ import annotations

from typing import NamedTuple

from ..records.model import BpmRecord, GridRegion
from ..records.track import beats_per_bar


class Anchor(NamedTuple):
    """A grid marker: its time in seconds, on a downbeat if there is one, and the BPM after it."""

    time: float
    bpm: float


def main_region(record: BpmRecord) -> GridRegion | None:
    """The region whose tempo is nearest to the record's, the longest if there are several.

    It is not simply the first region: a beatless intro may have another tempo. None without a
    grid.
    """
    bpm = record.bpm
    if not record.grid or bpm is None:
        return record.grid[0] if record.grid else None
    return min(record.grid, key=lambda region: (round(abs(region.bpm - bpm), 3), -region.beats))


def anchors(record: BpmRecord, only: GridRegion | None = None) -> list[Anchor]:
    """The markers of a record's grid, by time; with `only`, a single marker for that region."""
    if only is not None:
        return [Anchor(_first(only), only.bpm)]
    found: list[Anchor] = []
    bar = beats_per_bar(record)
    for index, region in enumerate(record.grid):
        first, period = _first(region), bar * 60 / region.bpm
        found.append(Anchor(first, region.bpm))
        end = region.start + (region.beats - 0.5) * 60 / region.bpm
        bars = int((end - first) / period)
        if index + 1 < len(record.grid) and bars > 0:
            found.append(Anchor(first + bars * period, region.bpm))
    return found


def _first(region: GridRegion) -> float:
    """The first downbeat of a region; its first beat if it has no downbeat."""
    end = region.start + region.beats * 60 / region.bpm
    first = region.first_downbeat
    return first if first is not None and first < end else region.start
