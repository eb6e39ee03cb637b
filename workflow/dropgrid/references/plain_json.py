"""Reads `json` references: one object, a list of objects, or an object keyed by track."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import checks, json_source
from .annotation import Annotation, ReferenceSection
from .checks import Place

NAMES = ("track", "path", "file")  # fields that name a track, the most reliable first
FIELDS = (
    "bpm", "beats", "downbeats", "boundaries", "sections", "duration", "genre",
    "time_signature", "first_downbeat", "key",
)  # fmt: skip
SECTION_FIELDS = ("start", "end", "start_bar", "end_bar", "label")


def read(path: Path) -> list[Annotation]:
    """The annotations of a JSON file. Raises InvalidReference."""
    document, place = json_source.load(path)
    return [_track(values, key, at) for values, key, at in _tracks(document, place)]


def _tracks(document: Any, root: Place) -> list[tuple[Any, str | None, Place]]:
    if isinstance(document, list):
        return [(values, None, root.at(i)) for i, values in enumerate(document)]
    if not isinstance(document, dict):
        root.refuse("neither an object nor a list of objects")
    if isinstance(document.get("tracks"), list):
        return [(v, None, root.at("tracks").at(i)) for i, v in enumerate(document["tracks"])]
    keyed = document and all(isinstance(values, dict) for values in document.values())
    if keyed and not set(document) & set(FIELDS):
        return [(values, key, root.at(key)) for key, values in document.items()]
    return [(document, root.file.stem, root)]


def _track(values: Any, key: str | None, place: Place) -> Annotation:
    if not isinstance(values, dict):
        place.refuse("not an object")
    values = {name: value for name, value in values.items() if value is not None}
    named = next((name for name in NAMES if name in values), None)
    if named is not None:
        key = checks.text(values[named], place.at(named))
    if key is None:
        place.refuse("names no track: `track` or `path` is missing")
    if not set(values) & set(FIELDS):
        checks.check_names(values, FIELDS, place)
        place.refuse(f"says nothing about the track; known fields: {', '.join(FIELDS)}")
    checks.check_names(values, (*NAMES, *FIELDS), place)
    bpm = values.get("bpm")
    genre = values.get("genre")
    duration = values.get("duration")
    tonality = values.get("key")
    return Annotation(
        key=key,
        source=str(place.file),
        format="json",
        bpm=None if bpm is None else checks.bpm(bpm, place.at("bpm")),
        beats=_times(values, "beats", place) or None,
        downbeats=_times(values, "downbeats", place) or None,
        boundaries=_times(values, "boundaries", place),
        sections=_sections(values, place),
        duration=None if duration is None else checks.time(duration, place.at("duration")),
        genre=None if genre is None else checks.text(genre, place.at("genre")),
        tonality=None if tonality is None else checks.tonality(tonality, place.at("key")),
    )


def _times(values: Mapping[str, Any], name: str, place: Place) -> tuple[float, ...] | None:
    if name not in values:
        return None
    listed = _list(values, name, place)
    return checks.times((time, place.at(name).at(i)) for i, time in enumerate(listed))


def _list(values: Mapping[str, Any], name: str, place: Place) -> list[Any]:
    if not isinstance(values[name], list):
        place.at(name).refuse("not a list")
    return list(values[name])


def _sections(values: Mapping[str, Any], place: Place) -> tuple[ReferenceSection, ...] | None:
    if not values.get("sections"):
        return None
    found = []
    for i, section in enumerate(_list(values, "sections", place)):
        at = place.at("sections").at(i)
        if not isinstance(section, dict):
            at.refuse("not an object")
        checks.check_names(section, SECTION_FIELDS, at)
        found.append((section_of(section, values, at), at))
    return checks.sections(found)


def section_of(
    section: Mapping[str, Any], track: Mapping[str, Any], place: Place
) -> ReferenceSection:
    """A section from its fields, SECTION_FIELDS, and its track's bpm and first_downbeat.

    Times are used if given, otherwise bars are converted to times. Raises InvalidReference.
    """
    if "start" in section or "end" in section:
        start, end = (
            checks.time(_needed(section, name, place), place.at(name)) for name in ("start", "end")
        )
    else:
        start, end = (_bar_time(section, name, track, place) for name in ("start_bar", "end_bar"))
    label = section.get("label")
    return ReferenceSection(
        start, end, None if label is None else checks.label(label, place.at("label"))
    )


def _bar_time(
    section: Mapping[str, Any], name: str, track: Mapping[str, Any], place: Place
) -> float:
    bar = checks.number(_needed(section, name, place), place.at(name))
    if bar < 1:
        place.at(name).refuse(f"bars count from 1, not {bar:g}")
    for wanted in ("bpm", "first_downbeat"):
        if wanted not in track:
            place.at(name).refuse(f"a section in bars needs the track's {wanted}")
    tempo = checks.bpm(track["bpm"], place.at("bpm"))
    first = checks.time(track["first_downbeat"], place.at("first_downbeat"))
    signature = track.get("time_signature", "4/4")
    beats = checks.beats_per_bar(signature, place.at("time_signature"))
    return checks.seconds_of_bar(bar, tempo, first, beats)


def _needed(section: Mapping[str, Any], name: str, place: Place) -> Any:
    if section.get(name) is None:
        place.at(name).refuse("missing")
    return section[name]
