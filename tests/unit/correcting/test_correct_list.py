"""What `dropgrid correct --list` prints of each track."""

from __future__ import annotations

from pathlib import Path

from dropgrid.commands.correct_list import list_corrections
from dropgrid.correcting.session import CorrectionSession
from dropgrid.library import track_id
from tracks_to_correct import write_steady


def test_the_list_names_what_the_analysis_has_differently(tmp_path: Path, capsys) -> None:
    paths = ("a.wav", "b.wav", "c.wav", "d.wav")
    session = CorrectionSession(write_steady(tmp_path / "results", paths), tmp_path / "mine.json")
    operations = ({"op": "half"}, {"op": "shift", "beats": 0.5}, {"op": "one", "beats": 1})
    for path, operation in zip(paths, operations, strict=False):
        session.edit(track_id(path), [operation])
    assert list_corrections(session, []) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("; ")[2] for line in lines[:3]] == [
        "the analysis differs in tempo",
        "the analysis differs in beats",
        "the analysis differs in downbeat",
    ]
    assert lines[3].endswith("3 tracks; the analysis has 0 of 3 grids right")
