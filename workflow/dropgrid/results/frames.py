"""A folder of results as pandas tables: one row per track, per beat, or per section.

pandas is imported here and nowhere else, when a table is requested: no job waits for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import ConfigError
from ..base.optional_packages import has, lacking
from ..records.track import Track
from .layout import Results
from .library_reader import iterate_library
from .table import COLUMNS, read_rows

if TYPE_CHECKING:
    import pandas as pd

# Type of a column -> that of pandas, which distinguishes what is missing from 0 and "".
TYPES: dict[str, Any] = {
    "string": "string", "double": "float64", "int64": "Int64", "bool": "boolean",
}  # fmt: skip
BEATS = {"track": "string", "path": "string", "time": "double", "bar": "int64", "beat": "int64"}
SECTIONS = {
    "track": "string", "path": "string", "start": "double", "end": "double", "label": "string",
    "start_bar": "int64", "end_bar": "int64", "bars": "int64", "confidence": "double",
    "loudness": "double", "energy": "double",
}  # fmt: skip


def library_frame(results: str | Path) -> pd.DataFrame:
    """One row per track, the columns of library.csv with their types, in the library's order.

    Read from the records, so that it is right at any moment. Raises RecordError.
    """
    results = Path(results)
    rows = (row for row, _ in read_rows(results, Results(results).kinds()))
    return _frame(rows, COLUMNS)


def beats_frame(results: str | Path) -> pd.DataFrame:
    """One row per beat: time in seconds, bar (from 1 at the first downbeat; 0 and below before
    it) and beat of the bar (from 1). Raises RecordError."""
    return _frame((row for track in iterate_library(results) for row in _beats(track)), BEATS)


def sections_frame(results: str | Path) -> pd.DataFrame:
    """One row per section, in the library's order and in time. Raises RecordError."""
    found = (row for track in iterate_library(results) for row in _sections(track))
    return _frame(found, SECTIONS)


def _beats(track: Track) -> Iterator[dict[str, Any]]:
    if track.bpm is None or not track.bpm.downbeats:
        return
    beats, downbeats = track.bpm.beats, track.bpm.downbeats
    first = bisect_right(beats, downbeats[0]) - 1  # beats before the first downbeat
    length = int((track.bpm.time_signature or "4/4").partition("/")[0])
    in_bar = 0
    for number, time in enumerate(beats):
        bar = bisect_right(downbeats, time)
        in_bar = 1 if bar and time == downbeats[bar - 1] else in_bar + 1
        if not bar:
            bar, in_bar = -((first - number - 1) // length), length - (first - number - 1) % length
        yield {"track": track.track, "path": str(track.path), "time": time, "bar": bar,
               "beat": in_bar}  # fmt: skip


def _sections(track: Track) -> Iterator[dict[str, Any]]:
    for section in track.structure.sections if track.structure else ():
        values = {name: getattr(section, name) for name in SECTIONS if hasattr(section, name)}
        yield {"track": track.track, "path": str(track.path), **values}


def _frame(rows: Iterator[dict[str, Any]], columns: dict[str, str]) -> pd.DataFrame:
    if not has("pandas"):
        raise ConfigError(lacking("a table of pandas", "pandas"))
    import pandas as pd

    values: dict[str, list[Any]] = {name: [] for name in columns}
    for row in rows:
        for name, column in values.items():
            column.append(row.get(name))
    return pd.DataFrame(
        {name: pd.array(values[name], dtype=TYPES[kind]) for name, kind in columns.items()}
    )
