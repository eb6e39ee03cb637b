"""Moving all times of a track, to where another player has sample 0 of its file.

Grid and cues for another player than the decoder of the analysis need a shift in MP3s (see
dropgrid.audio.mp3.lead, which tells how far). Other files start alike everywhere.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from .model import BpmRecord, GridRegion, KeyRecord, KeySegment, Phrase, Section, StructureRecord
from .track import Track

Span = TypeVar("Span", Section, Phrase, KeySegment)


def shifted(track: Track, seconds: float) -> Track:
    """The track with all its times moved; what would come before 0 is left out or cut at 0."""
    if seconds == 0:
        return track
    bpm, structure = track.bpm, track.structure
    if bpm is not None:
        bpm = _shifted_bpm(bpm, seconds)
    if structure is not None:
        structure = _shifted_structure(structure, seconds)
    key = None if track.key is None else _shifted_key(track.key, seconds)
    return dataclasses.replace(track, bpm=bpm, structure=structure, key=key)


def _shifted_bpm(record: BpmRecord, seconds: float) -> BpmRecord:
    return dataclasses.replace(
        record,
        duration=_moved_end(record.duration, seconds),
        beats=_moved(record.beats, seconds),
        downbeats=_moved(record.downbeats, seconds),
        grid=tuple(_shifted_region(region, seconds) for region in record.grid),
    )


def _shifted_region(region: GridRegion, seconds: float) -> GridRegion:
    start, beats = region.start + seconds, region.beats
    while start < 0:
        start, beats = start + 60 / region.bpm, beats - 1
    downbeat = region.first_downbeat
    return GridRegion(start, region.bpm, beats, None if downbeat is None else downbeat + seconds)


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
    """Stretches that begin at 0 and follow each other; those that end before 0 are left out."""
    moved = (
        dataclasses.replace(
            span, start=0.0 if index == 0 else span.start + seconds, end=span.end + seconds
        )
        for index, span in enumerate(spans)
    )
    return tuple(span for span in moved if span.end > 0)


def _moved(times: tuple[float, ...], seconds: float) -> tuple[float, ...]:
    return tuple(time + seconds for time in times if time + seconds >= 0)


def _moved_end(duration: float | None, seconds: float) -> float | None:
    return None if duration is None else duration + seconds


def _moved_point(time: float | None, seconds: float) -> float | None:
    return None if time is None or time + seconds < 0 else time + seconds
