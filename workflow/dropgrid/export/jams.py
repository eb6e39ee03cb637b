"""JAMS: tempo, beats with their position in the bar, sections, key. One file per track.

Namespaces tempo, beat, segment_open and key_mode. Source: Humphrey et al., "JAMS: a JSON
annotated music specification for reproducible MIR research", ISMIR 2014; schema 0.3.
"""

from __future__ import annotations

import json
from typing import Any

from .. import __version__
from ..records.track import Track
from .cues import bar_positions, text_tag, title

NAME = "jams"
HELP = "JAMS: tempo, beats, sections, key (a file per track)"
FILE = "jams"
UNSURE_KEYS = True
NEEDS: frozenset[str] = frozenset()
JAMS_VERSION = "0.3.5"


def render_track(track: Track) -> dict[str, bytes]:
    """The JAMS file of a track. Drops, which have no namespace, stand in the sandbox."""
    duration = round(track.record.duration or 0.0, 6)
    annotations = []
    if track.bpm and track.bpm.bpm is not None:
        tempo = _observation(0.0, duration, track.bpm.bpm, track.bpm.confidence or 0.0)
        annotations.append(_annotation("tempo", duration, [tempo], track.bpm.method))
    if track.bpm and track.bpm.beats:
        positions = [beat for _, beat in bar_positions(track.bpm)]
        beats = [
            _observation(time, 0.0, positions[index] if positions else None, None)
            for index, time in enumerate(track.bpm.beats)
        ]
        annotations.append(_annotation("beat", duration, beats, track.bpm.method))
    if track.structure:
        sections = [
            _observation(s.start, s.end - s.start, s.label, s.confidence)
            for s in track.structure.sections
        ]
        annotations.append(_annotation("segment_open", duration, sections, track.structure.method))
    if track.key and track.key.segments:
        keys = [
            _observation(s.start, s.end - s.start, s.key.replace(" ", ":"), s.confidence)
            for s in track.key.segments
        ]
        annotations.append(_annotation("key_mode", duration, keys, track.key.method))
    drops = list(track.structure.drops) if track.structure else []
    document = {
        "annotations": annotations,
        "file_metadata": {
            "title": title(track),
            "artist": text_tag(track, "artist"),
            "release": text_tag(track, "album"),
            "duration": duration,
            "identifiers": {"dropgrid": track.track},
            "jams_version": JAMS_VERSION,
        },
        "sandbox": {"dropgrid": {"drops": [round(time, 6) for time in drops]}},
    }
    return {".jams": json.dumps(document, allow_nan=False).encode() + b"\n"}


def _observation(time: float, duration: float, value: Any, confidence: float | None) -> Any:
    return {
        "time": round(time, 6),
        "duration": round(duration, 6),
        "value": value,
        "confidence": confidence,
    }


def _annotation(namespace: str, duration: float, data: list[Any], method: str) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": __version__,
            "corpus": "",
            "annotation_tools": f"dropgrid {__version__}: {method}",
            "annotation_rules": "",
            "validation": "",
            "data_source": "program",
        },
        "data": data,
        "sandbox": {},
        "time": 0.0,
        "duration": duration,
    }
