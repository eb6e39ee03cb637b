"""The page in a file, the page that is served and the terminal mark the same tracks to check."""

from __future__ import annotations

from pathlib import Path

from dropgrid.apply_corrections.per_track import slice_bytes, slice_path
from dropgrid.base.csv_tables import csv_bytes
from dropgrid.correcting.session import CorrectionSession
from dropgrid.records.model import ANALYSES
from dropgrid.report.collect import collect
from dropgrid.report.encode import row
from dropgrid.report.workbench.state import Workbench
from dropgrid.results.duplicates import COLUMNS
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.results.table import write_table
from dropgrid.results.terminal_table import listing
from dropgrid.results.to_check import tracks_to_check
from synthetic_library import write_library


def test_all_three_count_alike(tmp_path: Path) -> None:
    results = tmp_path / "results"
    claim(results, [str(tmp_path / "music")])
    tracks = write_library(results, 40, tmp_path / "music", failing=10)
    write_table(results, ANALYSES)
    files = Results(results)
    paths = {view.track: view.path for view in collect(results).tracks}
    copies = [(track, paths[track], 1, "audio", None, 300.0, 9) for track in tracks[:2]]
    files.duplicates.write_bytes(csv_bytes(COLUMNS, copies))
    files.evaluation.mkdir()
    head = ("track", "reference_bpm")
    (files.evaluation / "bpm.csv").write_bytes(csv_bytes(head, [(tracks[3], 64.0)]))
    session = CorrectionSession(files, results / "corrections.json")
    before = tracks_to_check(results)
    session.edit(tracks[0], [{"op": "confirm"}])
    correction = session.correction_of(session.read_state(tracks[0]))[1]
    slice_path(files.corrections, tracks[0]).write_bytes(slice_bytes(tracks[0], correction))
    assert tracks_to_check(results) == before - 1

    static = [row(view, tmp_path / "index.html") for view in collect(results).tracks]
    workbench = Workbench(session)
    served = [workbench._row(track) for track in tracks]
    marked = {values["id"]: values["check"] for values in static if "check" in values}
    assert marked == {values["id"]: values["check"] for values in served if "check" in values}
    assert tracks[0] not in marked and tracks[1] in marked and tracks[3] in marked
    assert ["copies", f"There more than once: {paths[tracks[0]]}"] in marked[tracks[1]]
    assert tracks_to_check(results) == len(marked)
    listed = listing(results).partition("\n\nto check:\n")[2].partition("\n\n")[0].splitlines()
    assert len(listed) == len(marked)
