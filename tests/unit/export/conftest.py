"""A library of records to export."""

from __future__ import annotations

from pathlib import Path

import pytest
from library_of_records import write_results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("results"))
