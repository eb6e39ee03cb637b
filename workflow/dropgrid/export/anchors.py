"""Where the grid of a program stands: markers on downbeats, each with its tempo.

Some programs stretch what lies before a marker until the next one falls on a beat. Over a pause,
or a jump of the phase, all beats of the stretch before it would move. So every stretch of one
tempo that another follows has two markers, on its first and on its last downbeat: what is
stretched then is less than a bar and the pause itself.
"""

from __future__ import annotations

from typing import NamedTuple

from ..records.model import BpmRecord, GridRegion
from ..records.track import beats_per_bar


class Anchor(NamedTuple):
    """A marker of a grid: seconds, on a downbeat where there is one; BPM from there on."""

    time: float
    bpm: float


def main_region(record: BpmRecord) -> GridRegion | None:
    """The stretch of the grid that carries the record's tempo, the longest of those that do.

    A beatless intro has a tempo of its own, and it is nobody's. None without a grid.
    """
    bpm = record.bpm
    if not record.grid or bpm is None:
        return record.grid[0] if record.grid else None
    return min(record.grid, key=lambda region: (round(abs(region.bpm - bpm), 3), -region.beats))


def anchors(record: BpmRecord, only: GridRegion | None = None) -> list[Anchor]:
    """The markers of a record's grid in the order of time; only: of this stretch alone, one."""
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
    """The first downbeat of a region; its first beat where it has none."""
    end = region.start + region.beats * 60 / region.bpm
    first = region.first_downbeat
    return first if first is not None and first < end else region.start
