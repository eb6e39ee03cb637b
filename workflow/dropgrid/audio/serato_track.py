"""A track's grid, cues and tempo as Serato's tags.

The grid has a marker at the first beat and the first downbeat of each stretch of one tempo, and
at its last beat: Serato stretches what lies before a marker, and over a pause or a jump of the
phase that is then the pause alone.
"""

from __future__ import annotations

from itertools import pairwise

from ..records.cue_points import loops, pads
from ..records.cue_template import Template
from ..records.model import BpmRecord
from ..records.track import Track
from . import serato


def grid_of(record: BpmRecord) -> serato.Grid | None:
    """Serato's grid of a record's; None where there are fewer than two beats."""
    anchors: list[tuple[float, int]] = []  # (seconds, beats since the first one)
    count = 0
    for region in record.grid:
        period = 60 / region.bpm
        if anchors:
            gap = region.start - anchors[-1][0]
            count = anchors[-1][1] + max(1, round(gap / period))
        places = {0, region.beats - 1}
        if region.first_downbeat is not None:
            places.add(round((region.first_downbeat - region.start) / period))
        for beat in sorted(place for place in places if 0 <= place < region.beats):
            anchors.append((region.start + beat * period, count + beat))
    if len(anchors) < 2:
        return None
    markers = tuple(
        (time, following - number) for (time, number), (_, following) in pairwise(anchors)
    )
    return serato.Grid(markers, (anchors[-1][0], record.grid[-1].bpm))


def tags_of(track: Track, template: Template | None = None) -> dict[str, bytes]:
    """Serato's tags by name, of a track in Serato's times (dropgrid.records.time_shift).

    template: of the pads; None for the most useful cues.
    """
    record = track.bpm
    assert record is not None
    tags: dict[str, bytes] = {}
    if (grid := grid_of(record)) is not None:
        tags[serato.GRID] = serato.pack_grid(grid)
    if track.structure is not None:
        tags[serato.MARKERS2] = serato.pack_markers2(cues_of(track, template))
    if record.bpm is not None:
        tags[serato.AUTOTAGS] = serato.pack_autotags(record.bpm)
    return tags


def cues_of(track: Track, template: Template | None = None) -> list[serato.Cue]:
    """The hot cues of a track, and loops on its intro and outro."""
    cues_on_pads = [
        serato.Cue(pad, round(1000 * cue.time), cue.name, bytes.fromhex(cue.colour[1:]))
        for pad, cue in pads(track, template, serato.PADS)
    ]
    return cues_on_pads + [
        serato.Cue(i, round(1000 * loop.start), loop.name, end=round(1000 * loop.end))
        for i, loop in enumerate(loops(track)[: serato.LOOPS])
    ]
