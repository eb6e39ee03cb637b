"""The library table without the failed tracks: what CSV and Parquet have in common.

What results/library.csv and library.parquet say, row for row. The module of a format declares
render_table in place of render: tables are made from the table, not from records.
"""

from __future__ import annotations

from pathlib import Path

from ..base.errors import RecordError
from ..base.tables import csv_bytes
from ..results.layout import Results
from ..results.table import COLUMNS, read_table


def table_as_csv(results: Path) -> tuple[bytes, int, int]:
    """(the table's bytes, its tracks, failed tracks left out). Raises RecordError."""
    rows = read_table(results)
    kept = [row for row in rows if row["status"] == "ok"]
    columns = list(rows[0]) if rows else list(COLUMNS)
    data = csv_bytes(columns, ([row[name] for name in columns] for row in kept))
    return data, len(kept), len(rows) - len(kept)


def table_as_parquet(results: Path) -> tuple[bytes, int, int]:
    """(the table's bytes, its tracks, failed tracks left out). Raises RecordError."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = Results(results).parquet
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise RecordError(f"{path}: cannot be read; run the workflow first ({error})") from error
    kept = table.filter(pc.equal(table["status"], "ok"))
    sink = pa.BufferOutputStream()
    pq.write_table(kept, sink)
    return bytes(sink.getvalue()), len(kept), len(table) - len(kept)
