"""Templates that assign cues to pads: up to eight entries, named moments with offsets.

A moment is `first_downbeat`, `mix_in`, `mix_out`, `last_drop`, or a label with a number, such as
`drop_2` (`drop` is the first); `drop_1 - 16 bars` is before a moment and
`mix_out + 4 beats` after one. `empty` leaves a pad free. A moment that a track does not have also
leaves its pad free.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..base.text import suggestion
from .model import LABELS

PADS = 8  # hot cues that every controller has
MAX_OFFSET = 1000  # bars or beats
MAX_NAME = 40  # characters of a cue's name
EMPTY = "empty"
ENDS = ("first_downbeat", "mix_in", "mix_out", "last_drop")
MOMENT = re.compile(
    r"(?P<moment>[a-z_]+?)(?:_(?P<number>[1-9][0-9]?))?"
    r"(?:\s*(?P<sign>[+-])\s*(?P<count>[0-9]{1,4})\s*(?P<unit>bar|beat)s?)?"
)
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
FIELDS = ("at", "name", "colour")
STANDARD = "standard"  # no list: the most useful cues of a track, in order of time

Unit = Literal["bar", "beat"]


@dataclass(frozen=True)
class Pad:
    """An entry: moment, number of its kind (from 1), offset in units (bars or beats; less than 0:
    before), name and colour ("#rrggbb"), None for those of the section there."""

    moment: str
    number: int = 1
    offset: int = 0
    unit: Unit = "bar"
    name: str | None = None
    colour: str | None = None


Template = tuple[Pad | None, ...]  # None: an empty pad

_PRESETS = {
    "drops": (
        "first_downbeat", "drop_1 - 16 bars", "drop_1", "breakdown_1",
        "drop_2 - 16 bars", "drop_2", "drop_3", "mix_out",
    ),
    "mixing": (
        "first_downbeat", "mix_in", "drop_1 - 8 bars", "drop_1",
        "breakdown_1", "last_drop", "mix_out - 16 bars", "mix_out",
    ),
}  # fmt: skip
PRESETS = (STANDARD, *_PRESETS)


def template(value: str | Sequence[Any]) -> Template | None:
    """The template of a preset's name or of a list of entries; None for `standard`.

    An entry is a moment as text, or a mapping of `at`, `name` and `colour`. Raises ValueError,
    which names the entry and explains what is wrong.
    """
    if isinstance(value, str):
        if value not in PRESETS:
            raise ValueError(
                f"cues: there is no preset {value!r}{suggestion(value, PRESETS)}; known: "
                f"{', '.join(PRESETS)}, or a list of up to {PADS} moments"
            )
        return None if value == STANDARD else template(_PRESETS[value])
    if not 1 <= len(value) <= PADS:
        raise ValueError(f"cues: {len(value)} entries; from 1 to {PADS}, one for each pad")
    return tuple(_pad(entry, f"cues[{i}]") for i, entry in enumerate(value, start=1))


def _pad(entry: Any, place: str) -> Pad | None:
    if isinstance(entry, str):
        entry = {"at": entry}
    if not isinstance(entry, Mapping):
        raise ValueError(f"{place}: {entry!r} is neither a moment nor a mapping with `at`")
    for name in entry:
        if name not in FIELDS:
            close = suggestion(str(name), FIELDS)
            raise ValueError(f"{place}: there is no {name!r}{close}; known: {', '.join(FIELDS)}")
    at, name, colour = (entry.get(field) for field in FIELDS)
    if at == EMPTY:
        if name is not None or colour is not None:
            raise ValueError(f"{place}: an empty pad has no name and no colour")
        return None
    if name is not None and not (isinstance(name, str) and 0 < len(name.strip()) <= MAX_NAME):
        raise ValueError(f"{place}.name: {name!r} is not a text of 1 to {MAX_NAME} letters")
    if colour is not None and not (isinstance(colour, str) and COLOUR.fullmatch(colour)):
        raise ValueError(f"{place}.colour: {colour!r} is not a colour such as '#ff5585'")
    return _moment(at, f"{place}.at", name and name.strip(), colour and colour.lower())


def _moment(at: Any, place: str, name: str | None, colour: str | None) -> Pad:
    found = MOMENT.fullmatch(at.strip()) if isinstance(at, str) else None
    moments = (*ENDS, *LABELS)
    if found is None or found["moment"] not in moments:
        word = found["moment"] if found else str(at).partition(" ")[0]
        raise ValueError(
            f"{place}: {at!r} is not a moment{suggestion(word, moments)}; known: "
            f"{', '.join(ENDS)}, {', '.join(f'{label}_1' for label in LABELS)} and so on, each "
            f"also as `drop_1 - 16 bars` or `+ 4 beats`; {EMPTY}"
        )
    if found["number"] and found["moment"] in ENDS:
        raise ValueError(f"{place}: {at!r}: there is only one {found['moment']}")
    count = int(found["count"] or 0)
    if count > MAX_OFFSET:
        raise ValueError(f"{place}: {at!r}: at most {MAX_OFFSET} bars or beats")
    unit: Unit = "beat" if found["unit"] == "beat" else "bar"
    offset = -count if found["sign"] == "-" else count
    return Pad(found["moment"], int(found["number"] or 1), offset, unit, name, colour)
