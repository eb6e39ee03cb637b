"""Query a structure record: the section at a time or bar, boundaries on the grid, mix points."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from ..records.model import BpmRecord, Label, Section, StructureRecord
from ..records.passages import Passage, passages

ON_GRID = 0.01  # seconds: a boundary that is closer to a downbeat lies on the grid


@dataclass(frozen=True)
class Boundary:
    """The moment where one section ends and the next begins.

    time: seconds. label: of the section that begins. downbeat: seconds of the nearest
    downbeat, None without a grid. on_grid: whether the boundary lies on that downbeat.
    """

    time: float
    label: Label
    downbeat: float | None
    on_grid: bool


def section_at_time(record: StructureRecord, time: float) -> Section | None:
    """The section at a time in seconds; None before 0 and from the end on."""
    starts = [section.start for section in record.sections]
    i = bisect_right(starts, time) - 1
    return record.sections[i] if i >= 0 and time < record.sections[i].end else None


def section_at_bar(record: StructureRecord, bar: int) -> Section | None:
    """The section in which a bar (from 1) begins; None outside the track or without bars."""
    for section in record.sections:
        if section.start_bar is None or section.end_bar is None:
            return None
        if section.start_bar <= bar < section.end_bar:
            return section
    return None


def sections_labelled(record: StructureRecord, label: Label) -> tuple[Section, ...]:
    """All sections with this label, in order."""
    return tuple(section for section in record.sections if section.label == label)


def breakdowns(record: StructureRecord, min_bars: int = 1) -> tuple[Passage, ...]:
    """The breakdowns of at least min_bars bars, in order; none without a usable grid."""
    return tuple(
        passage
        for passage in passages(record.sections)
        if passage.label == "breakdown" and (passage.bars or 0) >= min_bars
    )


def bars_until(record: StructureRecord, time: float) -> int | None:
    """Bars from the first downbeat's bar to the one that begins at a time in seconds.

    None outside the track or without a usable grid.
    """
    section = section_at_time(record, time)
    if section is None or section.start_bar is None or not section.bars:
        return None
    share = (time - section.start) / (section.end - section.start)
    return section.start_bar - 1 + round(share * section.bars)


def bars_until_first_drop(record: StructureRecord) -> int | None:
    """Bars before the first drop; None without drops or without a grid."""
    return bars_until(record, record.drops[0]) if record.drops else None


def mix_in_bars(record: StructureRecord) -> int:
    """Bars of the intro that is beat alone, up to mix_in; 0 without such an intro."""
    return 0 if record.mix_in is None else bars_until(record, record.mix_in) or 0


def mix_out_bars(record: StructureRecord) -> int:
    """Bars of the outro that is beat alone, from mix_out on; 0 without such an outro."""
    begun = None if record.mix_out is None else bars_until(record, record.mix_out)
    end = record.sections[-1].end_bar if record.sections else None
    return 0 if begun is None or end is None else end - 1 - begun


def boundaries(record: StructureRecord, rhythm: BpmRecord) -> tuple[Boundary, ...]:
    """Every boundary between two sections, with the nearest downbeat."""
    found = []
    for section in record.sections[1:]:
        nearest = _nearest(rhythm.downbeats, section.start)
        on_grid = nearest is not None and abs(nearest - section.start) <= ON_GRID
        found.append(Boundary(section.start, section.label, nearest, on_grid))
    return tuple(found)


def boundaries_on_grid(record: StructureRecord, rhythm: BpmRecord) -> tuple[float, ...]:
    """Seconds of the boundaries that lie on a downbeat."""
    return tuple(found.time for found in boundaries(record, rhythm) if found.on_grid)


def boundaries_off_grid(record: StructureRecord, rhythm: BpmRecord) -> tuple[float, ...]:
    """Seconds of the boundaries that do not lie on a downbeat: edits, odd beats, no grid."""
    return tuple(found.time for found in boundaries(record, rhythm) if not found.on_grid)


def _nearest(times: tuple[float, ...], time: float) -> float | None:
    if not times:
        return None
    i = bisect_left(times, time)
    return min(times[max(0, i - 1) : i + 1], key=lambda value: abs(value - time))
