"""Reads `jams` references (Humphrey et al., ISMIR 2014): JSON annotated music specification.

Files are read as plain JSON: the jams package takes seconds to import and checks too little.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import checks, json_source
from .annotation import Annotation, ReferenceSection
from .checks import Place

TEMPO, BEAT, POSITION, SEGMENT, KEY = "tempo", "beat", "beat_position", "segment_", "key_mode"

Observation = tuple[dict[str, Any], Place]


def read(path: Path) -> list[Annotation]:
    """The annotation of a JAMS file, as a list of one. Raises InvalidReference."""
    document, place = json_source.load(path)
    if not isinstance(document, dict) or not isinstance(document.get("annotations"), list):
        place.refuse("not a JAMS file: no list `annotations`")
    found: dict[str, list[Observation]] = {}
    for i, annotation in enumerate(document["annotations"]):
        at = place.at("annotations").at(i)
        namespace = annotation.get("namespace") if isinstance(annotation, dict) else None
        if not isinstance(namespace, str):
            at.refuse("no namespace")
        kind = SEGMENT if namespace.startswith(SEGMENT) else namespace
        if kind in (TEMPO, BEAT, POSITION, SEGMENT, KEY) and kind not in found:
            found[kind] = _observations(annotation.get("data"), at.at("data"))
    if not any(found.values()):
        place.refuse("no annotation of tempo, beat, beat_position, segment_* or key_mode")
    beats, downbeats = _beats(found.get(POSITION) or found.get(BEAT) or [])
    return [
        Annotation(
            key=path.stem,
            source=str(path),
            format="jams",
            bpm=_tempo(found.get(TEMPO, [])),
            beats=beats or None,
            downbeats=downbeats or None,
            sections=_sections(found.get(SEGMENT, [])) or None,
            duration=_duration(document, place),
            tonality=_tonality(found.get(KEY, [])),
        )
    ]


def _observations(data: Any, place: Place) -> list[Observation]:
    """The observations of either layout, as dicts of time, duration, value, confidence."""
    if isinstance(data, dict):  # columns of a dense namespace, or JAMS before version 0.3
        columns = {name: values for name, values in data.items() if isinstance(values, list)}
        length = len(columns.get("time", []))
        if any(len(values) != length for values in columns.values()):
            place.refuse("columns of different lengths")
        data = [{name: values[i] for name, values in columns.items()} for i in range(length)]
    if not isinstance(data, list):
        place.refuse("not a list of observations")
    for i, observation in enumerate(data):
        if not isinstance(observation, dict):
            place.at(i).refuse("not an object")
    return [(observation, place.at(i)) for i, observation in enumerate(data)]


def _tempo(observations: list[Observation]) -> float | None:
    """The tempo with the highest confidence; the first if confidences are equal or missing."""
    best: tuple[float, float] | None = None
    for observation, place in observations:
        bpm = checks.bpm(observation.get("value"), place.at("value"))
        given = observation.get("confidence")
        confidence = 0.0 if given is None else checks.number(given, place.at("confidence"))
        if best is None or confidence > best[0]:
            best = (confidence, bpm)
    return best[1] if best else None


def _tonality(observations: list[Observation]) -> int | None:
    """The key with the longest total duration; the first if durations are equal."""
    lasting: dict[int, float] = {}
    for observation, place in observations:
        key = checks.tonality(observation.get("value"), place.at("value"))
        length = checks.time(observation.get("duration") or 0, place.at("duration"))
        if key is not None:
            lasting[key] = lasting.get(key, 0.0) + length
    return max(lasting, key=lambda key: lasting[key], default=None)


def _beats(observations: list[Observation]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    times = checks.times((o.get("time"), place.at("time")) for o, place in observations)
    positions = []
    for observation, place in observations:
        value = observation.get("value")
        at = place.at("value")
        if isinstance(value, dict):
            value, at = value.get("position"), at.at("position")
        positions.append(None if value is None else checks.number(value, at))
    return times, tuple(t for t, p in zip(times, positions, strict=True) if p == 1)


def _sections(observations: list[Observation]) -> tuple[ReferenceSection, ...]:
    found = []
    for observation, place in observations:
        value = observation.get("value")
        at = place.at("value")
        if isinstance(value, dict):  # segment_tut and multi-level namespaces
            value, at = value.get("label"), at.at("label")
        start = checks.time(observation.get("time"), place.at("time"))
        length = checks.time(observation.get("duration"), place.at("duration"))
        label = None if value is None else checks.open_label(value, at)
        if length > 0:  # some data sets mark the end of the track with an empty segment
            found.append((ReferenceSection(start, start + length, label), place))
    return checks.sections(found)


def _duration(document: dict[str, Any], place: Place) -> float | None:
    metadata = document.get("file_metadata")
    value = metadata.get("duration") if isinstance(metadata, dict) else None
    return None if value is None else checks.time(value, place.at("file_metadata").at("duration"))
