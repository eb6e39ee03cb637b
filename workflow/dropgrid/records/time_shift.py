"""Shift all times of a track to the sample 0 of another player.

In MP3s, grid and cues need a shift if the player's decoder differs from that of the analysis
(dropgrid.audio.mp3.lead gives its size). Other files start at the same sample everywhere.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TypeVar

from .model import BpmRecord, GridRegion, KeyRecord, KeySegment, Phrase, Section, StructureRecord
from .track import Moment, Track, beats_per_bar

Span = TypeVar("Span", Section, Phrase, KeySegment)


def shifted(track: Track, seconds: float) -> Track:
    """The track with all its times shifted.

    Times before 0 are left out, and spans that cross 0 are cut there.
    """
    if seconds == 0:
        return track
    bpm, structure = track.bpm, track.structure
    if bpm is not None:
        bpm = _shifted_bpm(bpm, seconds)
    if structure is not None:
        structure = _shifted_structure(structure, seconds)
    key = None if track.key is None else _shifted_key(track.key, seconds)
    return dataclasses.replace(
        track, bpm=bpm, structure=structure, key=key,
        tracklist=_shifted_moments(track.tracklist, seconds),
        blends=_shifted_moments(track.blends, seconds),
    )  # fmt: skip


def _shifted_moments(moments: tuple[Moment, ...], seconds: float) -> tuple[Moment, ...]:
    return tuple(
        dataclasses.replace(moment, time=max(0.0, moment.time + seconds)) for moment in moments
    )


def _shifted_bpm(record: BpmRecord, seconds: float) -> BpmRecord:
    return dataclasses.replace(
        record,
        duration=_moved_end(record.duration, seconds),
        beats=_moved(record.beats, seconds),
        downbeats=_moved(record.downbeats, seconds),
        grid=tuple(
            moved
            for region in record.grid
            if (moved := _shifted_region(region, seconds, beats_per_bar(record))) is not None
        ),
    )


def _shifted_region(region: GridRegion, seconds: float, in_bar: int) -> GridRegion | None:
    """A region of the grid from its first beat at or after 0 on; None without such a beat.

    in_bar: beats of a bar. A first downbeat that would lie before 0 is replaced by the next one.
    """
    period = 60 / region.bpm
    start, beats, downbeat = region.start + seconds, region.beats, region.first_downbeat
    gone = max(0, math.ceil(-start / period - 1e-9))
    if gone >= beats:
        return None
    start, beats = max(0.0, start + gone * period), beats - gone
    if downbeat is not None:
        downbeat += seconds
        downbeat += max(0, math.ceil(-downbeat / (in_bar * period) - 1e-9)) * in_bar * period
        if downbeat > start + (beats - 0.5) * period:
            downbeat = None
    return GridRegion(start, region.bpm, beats, downbeat)


def _shifted_structure(record: StructureRecord, seconds: float) -> StructureRecord:
    drops = _moved(record.drops, seconds)
    gone = len(record.drops) - len(drops)  # before the start: the first of them
    return dataclasses.replace(
        record,
        duration=_moved_end(record.duration, seconds),
        sections=_moved_spans(record.sections, seconds),
        phrases=_moved_spans(record.phrases, seconds),
        drops=drops,
        drop_confidences=record.drop_confidences[gone:],
        drop_impacts=record.drop_impacts[gone:],
        mix_in=_moved_point(record.mix_in, seconds),
        mix_out=_moved_point(record.mix_out, seconds),
    )


def _shifted_key(record: KeyRecord, seconds: float) -> KeyRecord:
    return dataclasses.replace(
        record,
        duration=_moved_end(record.duration, seconds),
        segments=_moved_spans(record.segments, seconds),
    )


def _moved_spans(spans: tuple[Span, ...], seconds: float) -> tuple[Span, ...]:
    """Spans, cut at 0; those that end before 0 are left out."""
    moved = (
        dataclasses.replace(span, start=max(0.0, span.start + seconds), end=span.end + seconds)
        for span in spans
    )
    return tuple(span for span in moved if span.end > 0)


def _moved(times: tuple[float, ...], seconds: float) -> tuple[float, ...]:
    return tuple(time + seconds for time in times if time + seconds >= 0)


def _moved_end(duration: float | None, seconds: float) -> float | None:
    return None if duration is None else duration + seconds


def _moved_point(time: float | None, seconds: float) -> float | None:
    return None if time is None or time + seconds < 0 else time + seconds
