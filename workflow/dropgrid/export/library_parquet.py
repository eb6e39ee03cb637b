"""The library table as Parquet, without the failed tracks."""

from __future__ import annotations

from .library_table import table_as_parquet as render_table

__all__ = ["render_table"]

NAME = "parquet"
HELP = "the library table (one file)"
FILE = "library.parquet"
NEEDS: frozenset[str] = frozenset()
