"""The library table as CSV, without the failed tracks."""

from __future__ import annotations

from .library_table import table_as_csv as render_table

__all__ = ["render_table"]

NAME = "csv"
HELP = "the library table (one file)"
FILE = "library.csv"
NEEDS: frozenset[str] = frozenset()
