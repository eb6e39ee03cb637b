"""The library table without the failed tracks: the common part of CSV and Parquet.

The rows are those of results/library.csv and library.parquet; if these are out of date, for
example after an interrupt, the rows are made from the records. Tracks without records are listed
as waiting. The module of a format defines render_table instead of render.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..base.csv_tables import csv_bytes
from ..base.errors import ConfigError, RecordError
from ..results.layout import Results
from ..results.table import (
    COLUMNS,
    NO_PARQUET,
    current_table,
    has_parquet,
    is_current,
    parquet_bytes,
    rows_of_records,
    waiting_tracks,
)


def table_as_csv(results: Path, waiting: list[str]) -> tuple[bytes, int, int]:
    """(the table's bytes, its tracks, failed tracks left out). Raises RecordError."""
    rows = current_table(results, waiting)
    analysed = [row for row in rows if row["status"] == "ok"]
    columns = list(rows[0]) if rows else list(COLUMNS)
    data = csv_bytes(columns, ([row[name] for name in columns] for row in analysed))
    return data, len(analysed), len(rows) - len(analysed)


def table_as_parquet(results: Path, waiting: list[str]) -> tuple[bytes, int, int]:
    """Like `table_as_csv`. Raises RecordError, and ConfigError without pyarrow."""
    if not has_parquet():
        raise ConfigError(NO_PARQUET)
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = Results(results).parquet
    source: Any = path
    if Results(results).scan.exists():
        waiting += waiting_tracks(results)
        if not is_current(results):
            source = pa.BufferReader(parquet_bytes(rows_of_records(results, waiting)))
    try:
        table = pq.read_table(source)
    except (OSError, pa.ArrowInvalid) as error:
        raise RecordError(f"{path}: cannot be read; run the workflow first ({error})") from error
    table = table.filter(pc.invert(pc.is_in(table["track"], pa.array(waiting, pa.string()))))
    analysed = table.filter(pc.equal(table["status"], "ok"))
    sink = pa.BufferOutputStream()
    pq.write_table(analysed, sink)
    return bytes(sink.getvalue()), len(analysed), len(table) - len(analysed)
