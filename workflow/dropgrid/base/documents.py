"""The JSON documents that dropgrid writes: one key a line, rounded numbers, ASCII only."""

from __future__ import annotations

import json
from typing import Any

SCHEMA_VERSION = 1  # of what is kept beside the records; a record has a VERSION of its own
DECIMALS = 6  # of every number in a record: microseconds, millionths of a BPM


def json_lines(values: dict[str, Any]) -> bytes:
    """A JSON object with each of its keys on a line of its own, refusing NaN and infinity."""
    lines = (f"  {json.dumps(key)}: {json.dumps(rounded(value), allow_nan=False)}"
             for key, value in values.items())  # fmt: skip
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0  # + 0.0: never write -0.0
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value
