"""A system's estimates as JAMS, limited to what `dropgrid evaluate --estimates` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base.strict_json import loads
from ..key import notation
from ..records import jams
from ..references import checks
from ..references.annotation import ReferenceSection
from ..references.checks import Place

FIELDS = ("bpm", "beats", "downbeats", "key", "sections")
SAME_TIME = 1e-4  # seconds between a downbeat and its beat, at most


def read_answer(data: bytes, file: Path) -> tuple[str, Mapping[str, Any] | None]:
    """(version, answer) from the output of a system's process; the answer is None if the process
    only tested its imports.

    Raises ValueError, with a reason in one line, for an error in the output and for an invalid
    output.
    """
    values = loads(data)
    if not isinstance(values, dict):
        raise ValueError(f"{file.name}: not an object")
    if "error" in values:
        raise ValueError(str(values["error"]))
    answer = values.get("answer")
    if answer is not None and not isinstance(answer, dict):
        raise ValueError("its answer is not an object")
    return str(values.get("version") or "unknown"), answer


def render(
    track: str, duration: float, answer: Mapping[str, Any], tools: str, file: Path
) -> bytes:
    """The JAMS file of an answer. duration: seconds; file: its path, for error messages.

    Raises InvalidReference for an answer that an evaluation would refuse.
    """
    place = Place(file)
    given = {name: answer[name] for name in FIELDS if answer.get(name) not in (None, "")}
    duration = round(duration, 6)
    annotations = []
    if "bpm" in given:
        bpm = checks.bpm(given["bpm"], place.at("bpm"))
        data = [
            jams.observation(0.0, duration, bpm, 1.0)
        ]  # JAMS requires a confidence; 1 for the only tempo
        annotations.append(jams.annotation("tempo", duration, data, tools))
    beats = _times(given, "beats", place)
    positions = _positions(beats, _times(given, "downbeats", place), place)
    if beats:
        data = [
            jams.observation(time, 0.0, position)
            for time, position in zip(beats, positions, strict=True)
        ]
        annotations.append(jams.annotation("beat", duration, data, tools))
    if "key" in given:
        tonality = checks.tonality(given["key"], place.at("key"))
        if tonality is not None:
            name = notation.name(tonality).replace(" ", ":")
            data = [jams.observation(0.0, duration, name)]
            annotations.append(jams.annotation("key_mode", duration, data, tools))
    if sections := _sections(given, place):
        data = [jams.observation(s.start, s.end - s.start, s.label) for s in sections]
        annotations.append(jams.annotation("segment_open", duration, data, tools))
    if not annotations:
        place.refuse("no tempo, beats, key or sections found")
    return jams.document(track, duration, annotations, {}, {"estimated_by": tools})


def _sections(given: Mapping[str, Any], place: Place) -> tuple[ReferenceSection, ...]:
    """Sections by time, without empty ones, with which some systems mark start and end."""
    listed = given.get("sections", [])
    if not isinstance(listed, list):
        place.at("sections").refuse("not a list")
    found = []
    for index, value in enumerate(listed):
        at = place.at("sections").at(index)
        if not isinstance(value, list) or len(value) != 3:
            at.refuse("not [start, end, label]")
        start, end = (round(checks.time(moment, at), 6) for moment in value[:2])
        if end > start:
            found.append((ReferenceSection(start, end, checks.open_label(value[2], at)), at))
    return checks.sections(found)


def _times(given: Mapping[str, Any], name: str, place: Place) -> tuple[float, ...]:
    """Times in seconds, rounded as in records; times before the first sample are left out."""
    listed = given.get(name, [])
    if not isinstance(listed, list):
        place.at(name).refuse("not a list")
    found = []
    for index, value in enumerate(listed):
        at = place.at(name).at(index)
        moment = round(checks.number(value, at), 6)
        if moment >= 0:
            found.append((moment, at))
    return checks.times(found)


def _positions(
    beats: Sequence[float], downbeats: Sequence[float], place: Place
) -> list[int | None]:
    """Each beat's position in its bar, 1 at downbeats; None before the first downbeat."""
    found: list[int | None] = []
    remaining = list(downbeats)
    for time in beats:
        if remaining and abs(time - remaining[0]) <= SAME_TIME:
            remaining.pop(0)
            found.append(1)
        else:
            found.append(found[-1] + 1 if found and found[-1] is not None else None)
    if remaining:
        place.at("downbeats").refuse(f"{remaining[0]:g} is not a beat")
    return found
