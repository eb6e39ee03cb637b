"""Validate records that are read from files: their contents are not trusted.

`reader` derives the checks from the fields and types of a record's dataclass, so a new field is
checked without a change here. Rules beyond the type (the range of a tempo, times within the music)
are in the small tables below, by field name.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Callable
from typing import Any, Literal, Union

from .ticket import is_track_id

MAX_DURATION = 7 * 86_400.0  # seconds: a week of music in one file
MAX_BPM = 10_000.0
SLACK = 60.0  # seconds that a time may lie after the end of the music
LARGEST = 1e15  # of any number: exact as a float, and short as text
DEPTH = 8  # of objects and lists inside evidence, decoder and tags

TIME_SIGNATURE = re.compile(r"([1-9]|1[0-9])/(1|2|4|8|16)")
PROBABILITIES = frozenset({"tempo", "octave", "phase", "downbeat", "energy"})
TIMES = frozenset({
    "start", "end", "first_downbeat", "beats", "downbeats", "drops", "mix_in", "mix_out",
})  # fmt: skip
TEXTS = ("title", "artist", "album", "genre", "year", "name", "format", "version", "info_frame")

Check = Callable[[Any, str, float], Any]  # (value, its place, end of the music) -> value


class Invalid(ValueError):
    """A field has an invalid value; the message names the field."""


def refuse(place: str, what: str, value: Any) -> typing.NoReturn:
    """Raise Invalid, with a value shortened to what fits on a line."""
    shown = ascii(value) if isinstance(value, str | int | float | None) else type(value).__name__
    raise Invalid(f"{place}: {what}: {shown if len(shown) < 60 else shown[:56] + '...'}")


def check_id(value: Any, place: str = "track") -> str:
    """A track id, which may be part of a path. Raises Invalid."""
    if not is_track_id(value):
        refuse(place, "not a track's id", value)
    return str(value)


def check_path(value: Any, place: str = "path") -> str:
    """A path below the library's root, with forward slashes. Raises Invalid."""
    if type(value) is not str or not value or "\0" in value:
        refuse(place, "not a path", value)
    if value.startswith("/") or ".." in value.split("/"):
        refuse(place, "not a path below the library", value)
    return value


def check_head(values: dict[str, Any], track: str | None) -> None:
    """Check the fields that all documents of a track share. track: the requested id."""
    check_id(values.get("track"))
    if track is not None and values["track"] != track:
        refuse("track", f"not {track}, which was asked for", values["track"])
    check_path(values.get("path"))


def record(kind: Any, values: dict[str, Any], track: str | None = None) -> Any:
    """The record of a kind (a dataclass) with these values. Raises Invalid."""
    check_head(values, track)
    duration = values.get("duration")
    end = MAX_DURATION if duration is None else _number(duration, "duration", MAX_DURATION) + SLACK
    found = reader(kind)(values, "", end)
    if (found.error is None) != (found.status == "ok"):
        refuse("error", "a failure where the status is error, and only there", values["status"])
    return found


@functools.cache
def reader(kind: Any) -> Check:
    """The check that converts a JSON object to an object of a dataclass."""
    hints = typing.get_type_hints(kind)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    checks = [(field.name, _check(field.name, hints[field.name])) for field in fields]
    optional = {
        field.name
        for field in fields
        if field.default is not dataclasses.MISSING
        or field.default_factory is not dataclasses.MISSING
    }
    known = {name for name, _ in checks}

    def read(values: Any, place: str, end: float) -> Any:
        if type(values) is not dict:
            refuse(place, "not an object", values)
        head = f"{place}." if place else ""
        if not values.keys() <= known:
            raise Invalid(f"{head}{ascii(min(values.keys() - known))[1:-1][:60]}: unknown field")
        found = {}
        for name, check in checks:
            if name in values:
                found[name] = check(values[name], head + name, end)
            elif name not in optional:
                raise Invalid(f"{head}{name}: missing")
        return kind(**found)

    return read


def _check(name: str, hint: Any) -> Check:
    """The check of a field, by its type and its name."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        inner = _check(name, next(part for part in parts if part is not types.NoneType))
        return lambda value, place, end: None if value is None else inner(value, place, end)
    if origin is Literal:
        return _one_of(parts)
    if origin is tuple and parts[-1] is Ellipsis:
        if parts[0] is float:
            return _times if name in TIMES else _numbers(_bounds(name))
        return _several(_check(name, parts[0]))
    if origin is tuple:
        return _numbers(_bounds(name), len(parts))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return reader(hint)
    if origin is dict:
        return _facts
    if hint is float:
        return _time if name in TIMES else _within(_bounds(name))
    if hint is int:
        return _whole
    if hint is bool:
        return _truth
    if name == "time_signature":
        return _signature
    return _text


def _bounds(name: str) -> tuple[float, float]:
    """The least and the most that a number of this name may be."""
    if "bpm" in name and name != "bpm_interval":  # which may reach below 0
        return 1e-6, MAX_BPM
    if name.endswith(("confidence", "confidences")) or name in PROBABILITIES:
        return 0.0, 1.0
    if name == "duration":
        return 0.0, MAX_DURATION
    return -LARGEST, LARGEST


def _number(value: Any, place: str, high: float, low: float = 0.0) -> float:
    if type(value) is not float and type(value) is not int:
        refuse(place, "not a number", value)
    if not low <= value <= high:
        refuse(place, f"not from {low:g} to {high:g}", value)
    return float(value)


def _within(bounds: tuple[float, float]) -> Check:
    low, high = bounds

    def check(value: Any, place: str, end: float) -> Any:
        _number(value, place, high, low)
        return value

    return check


def _time(value: Any, place: str, end: float) -> Any:
    _number(value, place, end)
    return value


def _times(value: Any, place: str, end: float) -> tuple[float, ...]:
    """Times in ascending order: of a long list, all types at once and the ends alone."""
    if type(value) is not list:
        refuse(place, "not a list", value)
    if not set(map(type, value)) <= {float, int}:
        at, wrong = next((i, v) for i, v in enumerate(value) if type(v) not in (float, int))
        refuse(f"{place}[{at}]", "not a number", wrong)
    if value:
        _number(value[0], f"{place}[0]", end)
        _number(value[-1], f"{place}[{len(value) - 1}]", end)
        if value != sorted(value):
            raise Invalid(f"{place}: not in the order of time")
    return tuple(value)


def _numbers(bounds: tuple[float, float], length: int | None = None) -> Check:
    several = _several(_within(bounds))

    def check(value: Any, place: str, end: float) -> tuple[Any, ...]:
        found = several(value, place, end)
        if length is not None and len(found) != length:
            refuse(place, f"not {length} numbers", len(found))
        return tuple(found)

    return check


def _several(inner: Check) -> Check:
    def check(value: Any, place: str, end: float) -> tuple[Any, ...]:
        if type(value) is not list:
            refuse(place, "not a list", value)
        return tuple(inner(item, f"{place}[{i}]", end) for i, item in enumerate(value))

    return check


def _one_of(choices: tuple[Any, ...]) -> Check:
    def check(value: Any, place: str, end: float) -> Any:
        if type(value) is not str or value not in choices:
            refuse(place, f"none of {', '.join(choices)}", value)
        return value

    return check


def _whole(value: Any, place: str, end: float) -> int:
    if type(value) is not int or abs(value) > LARGEST * 1e4:  # nanoseconds since 1970 fit
        refuse(place, "not a whole number", value)
    return value


def _truth(value: Any, place: str, end: float) -> bool:
    if type(value) is not bool:
        refuse(place, "neither true nor false", value)
    return value


def _text(value: Any, place: str, end: float) -> str:
    if type(value) is not str:
        refuse(place, "not a text", value)
    return value


def _signature(value: Any, place: str, end: float) -> str:
    if type(value) is not str or not TIME_SIGNATURE.fullmatch(value):
        refuse(place, "not a time signature", value)
    return value


def _facts(value: Any, place: str, end: float) -> dict[str, Any]:
    """An object of facts: texts where the tags or the decoder have one, else plain JSON."""
    if type(value) is not dict:
        refuse(place, "not an object", value)
    for name, item in value.items():
        where = f"{place}.{ascii(name)[1:-1][:60]}"
        if name in TEXTS and item is not None and type(item) is not str:
            refuse(where, "not a text", item)
        if name in ("sample_rate", "channels"):
            _number(item, where, 1e9, low=1)
        _plain(item, where, DEPTH)
    return value


def _plain(value: Any, place: str, depth: int) -> None:
    if value is None or type(value) in (bool, str):
        return
    if type(value) in (dict, list):
        if not depth:
            refuse(place, "too deep", value)
        for item in value.values() if type(value) is dict else value:
            _plain(item, place, depth - 1)
        return
    _number(value, place, LARGEST, -LARGEST)
