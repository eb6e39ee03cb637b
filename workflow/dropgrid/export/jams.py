"""JAMS: tempo, beats with their position in the bar, sections, key. One file per track.

Namespaces tempo, beat, segment_open, multi_segment (sections as level 0, phrases as level 1) and
key_mode (dropgrid.records.jams).
"""

from __future__ import annotations

from typing import Any

from .. import __version__
from ..records import jams
from ..records.model import Label, Phrase, Section, StructureRecord
from ..records.passages import labelled_phrases
from ..records.track import Track
from .cues import bar_positions, parts_of_mix, text_tag, title

NAME = "jams"
HELP = "JAMS: tempo, beats, sections, phrases, key (a file per track)"
FILE = "jams"
UNSURE_KEYS = True
NEEDS: frozenset[str] = frozenset()


def render_track(track: Track) -> dict[str, bytes]:
    """The JAMS file of a track. Drops have no namespace, so they are in the sandbox."""
    duration = round(track.record.duration or 0.0, 6)
    annotations = []
    if track.bpm and track.bpm.bpm is not None:
        tempo = jams.observation(0.0, duration, track.bpm.bpm, track.bpm.confidence or 0.0)
        annotations.append(_annotation("tempo", duration, [tempo], track.bpm.method))
    if track.bpm and track.bpm.beats:
        positions = [beat for _, beat in bar_positions(track.bpm)]
        beats = [
            jams.observation(time, 0.0, positions[index] if positions else None)
            for index, time in enumerate(track.bpm.beats)
        ]
        annotations.append(_annotation("beat", duration, beats, track.bpm.method))
    if track.structure:
        sections = [
            jams.observation(s.start, s.end - s.start, s.label, s.confidence)
            for s in track.structure.sections
        ]
        method = track.structure.method
        annotations.append(_annotation("segment_open", duration, sections, method))
        annotations += _levels(track.structure, duration)
    if track.tracklist:
        parts = [
            jams.observation(start, end - start, name) for start, end, name in parts_of_mix(track)
        ]
        annotations.append(_annotation("segment_open", duration, parts, "tracklist"))
    if track.key and track.key.segments:
        keys = [
            jams.observation(s.start, s.end - s.start, s.key.replace(" ", ":"), s.confidence)
            for s in track.key.segments
        ]
        annotations.append(_annotation("key_mode", duration, keys, track.key.method))
    drops = list(track.structure.drops) if track.structure else []
    texts = {
        "title": title(track),
        "artist": text_tag(track, "artist"),
        "release": text_tag(track, "album"),
    }
    sandbox = {"drops": [round(time, 6) for time in drops]}
    return {".jams": jams.document(track.track, duration, annotations, texts, sandbox)}


def _levels(structure: StructureRecord, duration: float) -> list[dict[str, Any]]:
    """Sections and phrases in one annotation; [] if the record has no phrases."""
    levels: list[list[tuple[Section | Phrase, Label]]] = [
        [(section, section.label) for section in structure.sections],
        list(labelled_phrases(structure)),
    ]
    data = [
        jams.observation(
            part.start, part.end - part.start, {"label": label, "level": level}, part.confidence
        )
        for level, parts in enumerate(levels)
        for part, label in parts
    ]
    found = _annotation("multi_segment", duration, data, structure.method)
    return [found] if structure.phrases else []


def _annotation(namespace: str, duration: float, data: list[Any], method: str) -> dict[str, Any]:
    return jams.annotation(namespace, duration, data, f"dropgrid {__version__}: {method}")
