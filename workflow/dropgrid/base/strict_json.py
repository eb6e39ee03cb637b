"""JSON from outside, read so that all of it can be written back unchanged."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

MOST_DIGITS = 20  # of a whole number
DEEPEST = 40  # lists and objects within each other
SHOWN = 60  # characters quoted in a message


def loads(data: bytes) -> Any:
    """The value of a JSON text.

    Raises ValueError, with a reason of one line, for what the standard library accepts and no
    author intends: a key that an object has twice, NaN and numbers beyond all bounds, unlimited
    nesting, halves of characters but for those of undecodable file names.
    """
    try:
        values = json.loads(
            data.decode(),
            object_pairs_hook=_unique, parse_constant=_no_number,
            parse_int=_whole, parse_float=_finite,
        )  # fmt: skip
    except RecursionError:
        raise ValueError("nested too deep") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    _check(values)
    return values


def is_whole(text: str) -> bool:
    """Whether a text has no half of a character in it (a lone surrogate)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_name(text: str) -> bool:
    """Whether a text can be the name of a file: its bytes that are no text stand in it as the
    surrogates U+DC80 to U+DCFF."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise ValueError(f"the key {_shown(twice)} stands there twice")
    return result


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{_shown(digits)} is beyond all numbers")
    return value


def _check(values: Any) -> None:
    waiting = [(values, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            if not is_whole(value):
                raise ValueError(f"half a character in {_shown(value)}")
        elif isinstance(value, dict | list):
            if depth > DEEPEST:
                raise ValueError(f"nested deeper than {DEEPEST}")
            inner = value.values() if isinstance(value, dict) else value
            waiting += [(item, depth + 1) for item in inner]
            if isinstance(value, dict):
                for name in value:
                    if not is_name(name):
                        raise ValueError(f"half a character in {_shown(name)}")


def _shown(text: str) -> str:
    shown = ascii(text)
    return shown if len(shown) <= SHOWN else shown[: SHOWN - 3] + "..."
