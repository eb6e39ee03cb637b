"""Input checks for all readers; each error is one line that names file, line and field."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from ..base.errors import InvalidReference
from ..key import notation
from ..records.model import LABELS
from .annotation import Annotation, ReferenceSection

MAX_BYTES = 64 * 2**20  # of one reference file; a collection of 30,000 tracks is smaller
MAX_BEATS = 40_000_000  # of all tracks of one file: 50,000 tracks of six minutes
MAX_TIME = 30_000.0  # seconds; mir_eval accepts no later event
MIN_BPM, MAX_BPM = 1.0, 1000.0
ROUNDING = 0.001  # seconds: from rounding of printed times, not an error
NO_KEY = ("n", "x", "-", "o", "all", "none", "unknown", "atonal", "no key")
SYNONYMS = {
    "build": "buildup",
    "build-up": "buildup",
    "build up": "buildup",
    "verse": "main",
    "groove": "main",
    "break": "breakdown",
    "break-down": "breakdown",
    "break down": "breakdown",
}


@dataclass(frozen=True)
class Place:
    """A position in a reference: file, line (from 1), steps into its value.

    find_line: finds the line of the steps if it is not known in advance, as in JSON.
    """

    file: Path
    line: int | None = None
    steps: tuple[str | int, ...] = ()
    find_line: Callable[[Path, tuple[str | int, ...]], int] | None = None

    def at(self, step: str | int) -> Place:
        """The place of a field, or of a list item, of the value here."""
        return Place(self.file, self.line, (*self.steps, step), self.find_line)

    def on(self, line: int) -> Place:
        """The place of another line in the same file."""
        return Place(self.file, line)

    def refuse(self, reason: str) -> NoReturn:
        """Raise InvalidReference for this place."""
        line = self.find_line(self.file, self.steps) if self.find_line else self.line
        field = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in self.steps)
        where = [f"{self.file}:{line}" if line else str(self.file), field.removeprefix(".")]
        raise InvalidReference(": ".join([*filter(None, where), reason]))


def read_bytes(path: Path) -> bytes:
    """A reference's bytes. Raises InvalidReference if unreadable or larger than MAX_BYTES.

    Opens without blocking, because a pipe would wait for a writer, and reads at most one byte
    more than the limit, because reported file sizes are unreliable.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                Place(path).refuse("not a file but a pipe, a device or the like")
            size = status.st_size
            data = b"" if size > MAX_BYTES else stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidReference(f"{path}: cannot be read ({error.strerror})") from error
    if max(size, len(data)) > MAX_BYTES:
        Place(path).refuse(
            f"{max(size, len(data)) >> 20} MiB is too much for a reference; "
            f"at most {MAX_BYTES >> 20} MiB"
        )
    return data


def read_text(path: Path) -> str:
    """A reference's text: UTF-8, with or without a byte order mark, any line ending."""
    data = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        Place(path, line).refuse(f"byte 0x{data[error.start]:02x} is not UTF-8 text")
    if "\0" in text:
        Place(path, text.count("\n", 0, text.index("\0")) + 1).refuse("holds a zero byte")
    return text


def number(value: Any, place: Place) -> float:
    """A finite number, from JSON or from text with a decimal point."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        place.refuse(f"not a number: {_short(value)}")
    try:
        result = float(value)
    except (ValueError, OverflowError):
        place.refuse(f"not a number: {_short(value)}")
    if not math.isfinite(result):
        place.refuse(f"not a finite number: {_short(value)}")
    return result


def time(value: Any, place: Place) -> float:
    """A time in seconds, 0 to MAX_TIME."""
    result = number(value, place)
    if result < 0:
        place.refuse(f"a negative time: {_short(value)}")
    if result > MAX_TIME:
        place.refuse(f"beyond {MAX_TIME:.0f} s: {_short(value)}")
    return result


def bpm(value: Any, place: Place) -> float:
    """A tempo from MIN_BPM to MAX_BPM."""
    result = number(value, place)
    if not MIN_BPM <= result <= MAX_BPM:
        place.refuse(f"not a tempo in BPM: {_short(value)}")
    return result


def text(value: Any, place: Place) -> str:
    """A non-empty text, without surrounding whitespace."""
    if not isinstance(value, str) or not value.strip():
        place.refuse(f"not a text: {_short(value)}")
    return value.strip()


def tonality(value: Any, place: Place) -> int | None:
    """A musical key in any notation (dropgrid.key.notation); None for the value "no key"."""
    name = text(value, place)
    key = notation.parse(name)
    if key is None and name.casefold() not in NO_KEY:
        place.refuse(f"not a key: {_short(value)}")
    return key


def times(values: Iterable[tuple[Any, Place]]) -> tuple[float, ...]:
    """Times in seconds, each later than the one before."""
    result: list[float] = []
    for value, place in values:
        moment = time(value, place)
        if result and moment <= result[-1]:
            place.refuse(f"{moment:g} s is not later than the {result[-1]:g} s before it")
        result.append(moment)
    return tuple(result)


def within_bounds(found: Iterable[Annotation], path: Path) -> list[Annotation]:
    """The annotations of a file, at most MAX_BEATS beats in total.

    A tempo and a length take a few bytes but can define thousands of beats.
    """
    result, beats = [], 0
    for annotation in found:
        beats += len(annotation.beats or ())
        if beats > MAX_BEATS:
            Place(path).refuse(f"more than {MAX_BEATS} beats in all its tracks")
        result.append(annotation)
    return result


def beats_per_bar(value: Any, place: Place) -> int:
    """The number of beats in a bar from a time signature such as "4/4"."""
    count, slash, unit = str(value).partition("/")
    if not (slash and count.isdecimal() and unit.isdecimal() and 0 < int(count) < 100):
        place.refuse(f"not a time signature: {_short(value)}")
    return int(count)


def known_label(value: Any) -> str | None:
    """The label of records.LABELS for the value, None if there is none."""
    folded = str(value).strip().casefold()
    folded = SYNONYMS.get(folded, folded)
    return folded if folded in LABELS else None


def label(value: Any, place: Place) -> str:
    """A label of the closed vocabulary."""
    found = known_label(text(value, place))
    if found is None:
        place.refuse(f"unknown label {_short(value)}; known: {', '.join(LABELS)}")
    return found


def open_label(value: Any, place: Place) -> str:
    """A label of any vocabulary, in dropgrid's spelling if dropgrid has that label."""
    return known_label(value) or text(value, place)


def sections(
    found: Sequence[tuple[ReferenceSection, Place]],
) -> tuple[ReferenceSection, ...]:
    """Sections in order of time; edges that differ only by rounding are merged.

    Raises InvalidReference if a section is empty or overlaps another.
    """
    ordered = sorted(found, key=lambda item: item[0].start)
    for section, place in ordered:
        if section.end <= section.start:
            place.refuse(f"the section ends at {section.end:g} s, not after {section.start:g} s")
    result = [section for section, _ in ordered]
    for i, (before, (after, place)) in enumerate(zip(result, ordered[1:], strict=False), start=1):
        if after.start < before.end - ROUNDING:
            place.refuse(
                f"the section from {after.start:g} s overlaps the one "
                f"from {before.start:g} to {before.end:g} s"
            )
        if after.start < before.end + ROUNDING:
            result[i] = replace(after, start=before.end)
    return tuple(result)


def seconds_of_bar(bar: float, tempo: float, first_downbeat: float, beats_in_bar: int) -> float:
    """Start of a bar in seconds; bars count from 1 at first_downbeat (seconds), tempo in BPM."""
    return first_downbeat + (bar - 1) * beats_in_bar * 60.0 / tempo


def check_names(names: Iterable[str], known: Iterable[str], place: Place) -> None:
    """Refuse a name that is probably a misspelling of a known name that is missing."""
    present = set(names)
    for missing in sorted(set(known) - present):
        for name in sorted(present - set(known)):
            if _one_slip(name, missing):
                place.refuse(f"unknown field {_short(name)}: is {missing!r} meant?")


def _one_slip(name: str, other: str) -> bool:
    shorter, longer = sorted((name, other), key=len)
    if len(shorter) == len(longer):
        return sorted(shorter) == sorted(longer)
    return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."
