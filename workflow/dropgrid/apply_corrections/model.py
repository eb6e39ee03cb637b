"""The corrections of a track, as values and as JSON.

Each field corrects one thing; the analysis finds the rest. Times are in seconds from the first
decoded sample, tempos in BPM.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, Literal, NoReturn, cast

from ..base.errors import DropgridError
from ..base.strict_json import is_whole
from ..key import notation
from ..records.model import LABELS, Label

MIN_BPM, MAX_BPM = 20.0, 400.0
BAR_LENGTHS = (3, 4, 5, 7)  # beats that a bar may have
MAX_TIME = 7 * 86_400.0  # s
MAX_ENTRIES = 10_000  # of a list
MAX_TEXT = 10_000  # characters of a note
DIGITS = 6  # decimals of times and tempos, as in records


class InvalidCorrection(DropgridError):
    """An invalid correction: of a wrong type, out of range, or of something missing."""


@dataclass(frozen=True)
class GridEntry:
    """A part of a corrected grid with a steady tempo, from its start to the next entry's start.

    downbeat: time of one of its downbeats; None: it has none, and a beat is at start. end: where
    its beats end, if that is before the next entry.
    """

    start: float
    bpm: float
    downbeat: float | None
    beats_per_bar: int = 4
    end: float | None = None


@dataclass(frozen=True)
class SectionStart:
    """The start of a section, which ends at the start of the next section."""

    start: float
    label: Label


@dataclass(frozen=True)
class Confirmed:
    """A confirmed answer with its hash (see `answer_of`).

    drops: None if the confirmation does not cover them, as on pages of older versions.
    """

    answer: str
    grid: tuple[GridEntry, ...] = ()
    sections: tuple[SectionStart, ...] = ()
    drops: tuple[float, ...] | None = ()
    key: str | None = None


@dataclass(frozen=True)
class PageEdits:
    """The edits that the user made on a page without a server, to be applied later.

    answer: what the page showed before the edits, without a hash. steps: in the order in which
    they were made, each with one or more edits (dropgrid.apply_corrections.edits).
    """

    answer: Confirmed
    steps: tuple[tuple[Mapping[str, Any], ...], ...]


@dataclass(frozen=True)
class Correction:
    """All corrections of one track.

    bpm, downbeat (the time of one), beats_per_bar: each independent of the others. grid: all
    three, piece by piece, in place of them. octave, shift_beats, nudge_ms, downbeat_beats:
    relative to the answer of the analysis, for files written by hand; `edits.absolute` makes them
    absolute. sections, drops, key: None if not corrected. edits: made on a page and not applied
    yet; until then they have no effect. unknown: fields of a later version, which are kept.

    JSON_NAMES: the names in corrections.json that differ.
    """

    fingerprint: str | None = None
    bpm: float | None = None
    downbeat: float | None = None
    beats_per_bar: int | None = None
    grid: tuple[GridEntry, ...] = ()
    octave: Literal["half", "double"] | None = None
    shift_beats: float | None = None
    nudge_ms: float | None = None
    downbeat_beats: int | None = None
    sections: tuple[SectionStart, ...] | None = None
    drops: tuple[float, ...] | None = None
    key: str | None = None
    confirmed: Confirmed | None = None
    edits: PageEdits | None = None
    note: str | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def corrects_grid(self) -> bool:
        """Whether tempo, beats or bars are corrected."""
        values = (self.bpm, self.downbeat, self.beats_per_bar)
        return bool(self.grid) or self.is_relative or any(x is not None for x in values)

    @property
    def is_relative(self) -> bool:
        """Whether a field is relative to the answer of the analysis."""
        values = (self.octave, self.shift_beats, self.nudge_ms, self.downbeat_beats)
        return any(x is not None for x in values)

    @property
    def parts(self) -> tuple[str, ...]:
        """The corrected parts: of grid, sections, drops and key."""
        corrected = {
            "grid": self.corrects_grid,
            "sections": self.sections is not None,
            "drops": self.drops is not None,
            "key": self.key is not None,
        }
        return tuple(name for name, is_corrected in corrected.items() if is_corrected)

    @property
    def has_only_page_edits(self) -> bool:
        """Whether there are only edits of a page, which are not applied yet."""
        return self.edits is not None and replace(self, edits=None).is_empty

    @property
    def is_empty(self) -> bool:
        """Whether nothing is corrected."""
        return replace(self, fingerprint=None) == Correction()


NOTHING = Correction()
# Names in corrections.json that differ from those of the fields.
JSON_NAMES = {"downbeat": "one", "downbeat_beats": "one_beats"}
FIELD_NAMES = {name: field_name for field_name, name in JSON_NAMES.items()}


def to_json(correction: Correction) -> dict[str, Any]:
    """The correction as JSON values, without empty fields."""
    values: dict[str, Any] = {}
    for item in fields(correction):
        value = getattr(correction, item.name)
        if item.name == "unknown" or value is None or (item.name == "grid" and not value):
            continue
        values[JSON_NAMES.get(item.name, item.name)] = _plain(value)
    return values | dict(correction.unknown)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS) + 0.0
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, PageEdits):
        answer = _plain(value.answer)
        answer.pop("answer")
        return {"answer": answer, "steps": [[dict(edit) for edit in s] for s in value.steps]}
    if isinstance(value, GridEntry | SectionStart | Confirmed):
        pairs = ((f.name, _plain(getattr(value, f.name))) for f in fields(value))
        return {
            JSON_NAMES.get(name, name): item
            for name, item in pairs
            if item is not None and (item != [] or name == "drops")
        }
    return value


def from_json(values: Any, place: str) -> Correction:
    """The correction in JSON values, checked. Raises InvalidCorrection, naming the place."""
    if not isinstance(values, dict):
        refuse(place, "not an object", values)
    made: dict[str, Any] = {}
    for name, check in _CHECKS.items():
        value = values.get(name)
        if value is not None:
            made[FIELD_NAMES.get(name, name)] = check(value, f"{place}: {name}")
    made["unknown"] = {name: value for name, value in values.items() if name not in _CHECKS}
    correction = Correction(**made)
    others = [name for name in ("bpm", "one", "beats_per_bar") if values.get(name) is not None]
    if correction.grid and others:
        refuse(f"{place}: {others[0]}", "not allowed with grid, which contains it", None)
    return correction


def refuse(place: str, what: str, value: Any) -> NoReturn:
    """Raise InvalidCorrection; the value is shortened to fit on a line."""
    if value is None:
        raise InvalidCorrection(f"{place}: {what}")
    shown = ascii(value) if isinstance(value, str | int | float) else type(value).__name__
    raise InvalidCorrection(f"{place}: {what}: {shown if len(shown) < 60 else shown[:56] + '...'}")


def number(value: Any, place: str, low: float, high: float, what: str = "a number") -> float:
    """A finite number from low to high. Raises InvalidCorrection."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        refuse(place, f"not {what}", value)
    if not low <= value <= high:
        refuse(place, f"not {what} from {low:g} to {high:g}", value)
    return float(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def tempo(value: Any, place: str) -> float:
    """A tempo. Raises InvalidCorrection."""
    return number(value, place, MIN_BPM, MAX_BPM, "a tempo")


def time(value: Any, place: str) -> float:
    """A time within a recording. Raises InvalidCorrection."""
    return number(value, place, 0.0, MAX_TIME, "a time")


def beats_per_bar(value: Any, place: str) -> int:
    """The number of beats per bar. Raises InvalidCorrection."""
    if isinstance(value, bool) or value not in BAR_LENGTHS:
        refuse(place, "none of 3, 4, 5 and 7", value)
    return int(value)


def label(value: Any, place: str) -> Label:
    """The label of a section. Raises InvalidCorrection."""
    if value not in LABELS:
        refuse(place, f"none of {', '.join(LABELS)}", value)
    return cast(Label, value)


def key(value: Any, place: str) -> str:
    """The name of a key given in any notation. Raises InvalidCorrection."""
    found = notation.parse(value) if isinstance(value, str) else None
    if found is None:
        refuse(place, "not a key", value)
    return notation.name(found)


def text(value: Any, place: str) -> str:
    """A text. Raises InvalidCorrection."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        refuse(place, f"not a text of at most {MAX_TEXT} characters", value)
    if not is_whole(value):
        refuse(place, "half a character in it (a lone surrogate)", value)
    return value


def _whole(value: Any, place: str) -> int:
    found = number(value, place, -1e6, 1e6, "a whole number")
    if found != int(found):
        refuse(place, "not a whole number", value)
    return int(found)


def half_beats(value: Any, place: str) -> float:
    """A number of whole or half beats. Raises InvalidCorrection."""
    found = number(value, place, -1e6, 1e6, "a number of beats")
    if 2 * found != int(2 * found):
        refuse(place, "not whole or half beats", value)
    return found


def milliseconds(value: Any, place: str) -> float:
    """A number of milliseconds. Raises InvalidCorrection."""
    return number(value, place, -10_000, 10_000, "milliseconds")


def _one_of(*choices: str) -> Callable[[Any, str], str]:
    def check(value: Any, place: str) -> str:
        if value not in choices:
            refuse(place, f"neither of {', '.join(choices)}", value)
        return str(value)

    return check


def _objects(value: Any, place: str, names: Sequence[str]) -> list[tuple[dict[str, Any], str]]:
    """The objects of a list, each with its place; they may only have the given fields."""
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        refuse(place, f"not a list of at most {MAX_ENTRIES}", value)
    found = []
    for i, item in enumerate(value):
        where = f"{place}[{i}]"
        if not isinstance(item, dict):
            refuse(where, "not an object", item)
        if unknown := min(item.keys() - set(names), default=None):
            refuse(where, f"unknown field {ascii(unknown)[:60]}", None)
        found.append((item, where))
    return found


def grid(value: Any, place: str) -> tuple[GridEntry, ...]:
    """A piecewise grid, sorted by time. Raises InvalidCorrection."""
    entries = []
    for item, where in _objects(value, place, ("start", "bpm", "one", "beats_per_bar", "end")):
        downbeat, end = item.get("one"), item.get("end")
        entries.append(
            GridEntry(
                time(item.get("start"), f"{where}: start"),
                tempo(item.get("bpm"), f"{where}: bpm"),
                None if downbeat is None else time(downbeat, f"{where}: one"),
                beats_per_bar(item.get("beats_per_bar", 4), f"{where}: beats_per_bar"),
                None if end is None else time(end, f"{where}: end"),
            )
        )
    _ascending([entry.start for entry in entries], place)
    return tuple(entries)


def sections(value: Any, place: str) -> tuple[SectionStart, ...]:
    """The starts of all sections, the first at 0. Raises InvalidCorrection."""
    starts = [
        SectionStart(time(item.get("start"), f"{where}: start"),
                     label(item.get("label"), f"{where}: label"))
        for item, where in _objects(value, place, ("start", "label"))
    ]  # fmt: skip
    _ascending([section.start for section in starts], place)
    if not starts or starts[0].start != 0:
        refuse(place, "the first section does not start at 0", None)
    return tuple(starts)


def drops(value: Any, place: str) -> tuple[float, ...]:
    """The times of drops. Raises InvalidCorrection."""
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        refuse(place, f"not a list of at most {MAX_ENTRIES}", value)
    found = tuple(time(item, f"{place}[{i}]") for i, item in enumerate(value))
    _ascending(found, place)
    return found


def _ascending(times: Sequence[float], place: str) -> None:
    if any(later <= earlier for earlier, later in pairwise(times)):
        refuse(place, "not in the order of time", None)


def _confirmed(value: Any, place: str) -> Confirmed:
    if not isinstance(value, dict):
        refuse(place, "not an object", value)
    starts = value.get("sections") or None
    confirmed = Confirmed(
        text(value.get("answer", ""), f"{place}: answer"),
        grid(value.get("grid") or [], f"{place}: grid"),
        sections(starts, f"{place}: sections") if starts else (),
        drops(value.get("drops") or [], f"{place}: drops"),
        None if value.get("key") is None else key(value["key"], f"{place}: key"),
    )
    if value.get("drops") is None and confirmed.answer != answer_of(confirmed):
        return replace(confirmed, drops=None)  # the confirmation does not cover them
    return confirmed


def _page_edits(value: Any, place: str) -> PageEdits:
    if not isinstance(value, dict) or not isinstance(value.get("steps"), list):
        refuse(place, "without answer and steps", None)
    steps = value["steps"]
    if len(steps) > MAX_ENTRIES or not all(isinstance(step, list) for step in steps):
        refuse(f"{place}: steps", f"not at most {MAX_ENTRIES} lists of edits", None)
    edits = [edit for step in steps for edit in step]
    if not all(isinstance(edit, dict) and isinstance(edit.get("op"), str) for edit in edits):
        refuse(f"{place}: steps", "an edit is not an object with an `op`", None)
    answer = _confirmed(value.get("answer", {}), f"{place}: answer")
    return PageEdits(replace(answer, answer=""), tuple(map(tuple, steps)))


def answer_of(confirmed: Confirmed) -> str:
    """The hash of an answer, computed from all its other fields."""
    values = _plain(replace(confirmed, answer=""))
    values.pop("answer")
    if not values.get("drops"):
        values.pop("drops", None)
    data = json.dumps(values, sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()[:16]


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "fingerprint": text,
    "bpm": tempo,
    "one": time,
    "beats_per_bar": beats_per_bar,
    "grid": grid,
    "octave": _one_of("half", "double"),
    "shift_beats": half_beats,
    "nudge_ms": milliseconds,
    "one_beats": _whole,
    "sections": sections,
    "drops": drops,
    "key": key,
    "confirmed": _confirmed,
    "edits": _page_edits,
    "note": text,
}
