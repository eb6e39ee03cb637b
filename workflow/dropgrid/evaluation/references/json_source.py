"""JSON text whose faults are reported with the line they stand on."""

from __future__ import annotations

import json
from json import decoder, scanner
from pathlib import Path
from typing import Any

from .checks import Place, read_text


def load(path: Path) -> Any:
    """The value of a JSON file. Raises InvalidReference naming the line that is not JSON."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        Place(path, error.lineno).refuse(f"not JSON: {error.msg}")
    except (RecursionError, ValueError) as error:
        Place(path).refuse(f"not JSON that can be read: {error}")


def line_of(path: Path, field: str) -> int:
    """The line (from 1) on which the object that holds a field begins.

    field: as Place writes it, `[3].sections[0].end`. Reads the file again, slowly, which is
    why only the report of a fault calls it.
    """
    source = read_text(path)
    value, line = _LineDecoder().decode(source), 1
    for step in field.replace("[", ".").replace("]", "").strip(".").split("."):
        line = getattr(value, "line", line)
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
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
