"""Reads JSON and reports errors with their line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from json import decoder, scanner
from pathlib import Path
from typing import Any

from .checks import Place, read_text

MAX_PARTS = 4_000_000  # objects and lists of a document: a library of 100,000 tracks: 400,000


def load(path: Path) -> tuple[Any, Place]:
    """The value of a JSON file and its place.

    Raises InvalidReference for invalid JSON, and for an object with a duplicate key, because its
    value is ambiguous.
    """
    text = read_text(path)
    if (parts := text.count("{") + text.count("[")) > MAX_PARTS:
        Place(path).refuse(f"{parts} objects and lists; at most {MAX_PARTS}")
    try:
        return json.loads(text, object_pairs_hook=_unique), Place(path, find_line=_line_of)
    except _TwiceError as twice:
        Place(path, _line_of_twice(text)).refuse(f"the key {twice.key!r} stands there twice")
    except json.JSONDecodeError as error:
        Place(path, error.lineno).refuse(f"not JSON: {error.msg}")
    except (RecursionError, ValueError) as error:
        Place(path).refuse(f"not JSON that can be read: {error}")


class _TwiceError(Exception):
    """An object has a duplicate key; line: the line where the object begins, if known."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key
        self.line: int | None = None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _TwiceError(next(key for key, count in counts.items() if count > 1))
    return result


def _line_of_twice(text: str) -> int | None:
    try:
        _LineDecoder(_unique).decode(text)
    except _TwiceError as twice:
        return twice.line
    return None


def _line_of(path: Path, steps: Sequence[str | int]) -> int:
    """The line (from 1) on which the innermost object on the path begins.

    Reads the file again with a slow decoder, so it is only called to report an error.
    """
    value = _LineDecoder().decode(read_text(path))
    line = 1
    for step in steps:
        line = getattr(value, "line", line)
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
    return int(getattr(value, "line", line))


class _Object(dict[str, Any]):
    line: int


class _LineDecoder(json.JSONDecoder):
    """The standard library's decoder in Python, with the line of each object."""

    def __init__(self, hook: Any = None) -> None:
        super().__init__(object_pairs_hook=hook)
        self.parse_object = self._located
        self.scan_once = scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    def _located(self, source: tuple[str, int], *rest: Any) -> tuple[_Object, int]:
        line = source[0].count("\n", 0, source[1]) + 1
        try:
            values, end = decoder.JSONObject(source, *rest)  # type: ignore[attr-defined]
        except _TwiceError as twice:
            twice.line = twice.line or line
            raise
        result = _Object(values)
        result.line = line
        return result, end
