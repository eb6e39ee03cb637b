"""A workbench of records, and its server."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.correcting.session import CorrectionSession
from dropgrid.report.workbench.guard import Guard
from dropgrid.report.workbench.server import application
from dropgrid.report.workbench.state import Workbench
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from library_of_records import write_results
from workbench_requests import PORT, TOKEN, Mixing


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    """A workbench whose rows have been read, and whose threads do not run."""
    results = tmp_path / "results"
    claim(results, [str(tmp_path / "music")])
    write_results(results, tmp_path / "music")
    workbench = Workbench(CorrectionSession(Results(results), results / "corrections.json"))
    workbench._record_times = workbench._read_record_times()
    for track in workbench.tracks:
        workbench._rows[track] = (0, {})
    workbench._read()
    return workbench


@pytest.fixture
def app(workbench: Workbench) -> Guard:
    return application(workbench, Mixing(), TOKEN, PORT)
