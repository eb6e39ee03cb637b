"""JSON text whose faults are reported with the line they stand on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from json import decoder, scanner
from pathlib import Path
from typing import Any

from .checks import Place, read_text


def load(path: Path) -> tuple[Any, Place]:
    """The value of a JSON file and its place. Raises InvalidReference for what is not JSON."""
    try:
        return json.loads(read_text(path)), Place(path, find_line=_line_of)
    except json.JSONDecodeError as error:
        Place(path, error.lineno).refuse(f"not JSON: {error.msg}")
    except (RecursionError, ValueError) as error:
        Place(path).refuse(f"not JSON that can be read: {error}")


def _line_of(path: Path, steps: Sequence[str | int]) -> int:
    """The line (from 1) on which the innermost object on the way begins.

    Reads the file again, slowly, which is why only the report of a fault comes here.
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
    """The standard library's decoder in Python, with each object told its line."""

    def __init__(self) -> None:
        super().__init__()
        self.parse_object = self._located
        self.scan_once = scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    def _located(self, source: tuple[str, int], *rest: Any) -> tuple[_Object, int]:
        values, end = decoder.JSONObject(source, *rest)  # type: ignore[attr-defined]
        result = _Object(values)
        result.line = source[0].count("\n", 0, source[1]) + 1
        return result, end
