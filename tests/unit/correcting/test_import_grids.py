"""Grids that a person set in another program are taken over where they differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dropgrid.apply_corrections import document, grid_corrections, grid_from_beats
from dropgrid.apply_corrections.model import to_json
from dropgrid.commands.main import main
from dropgrid.results.layout import Results
from tracks_to_correct import DURATION, steady, write_steady

PATHS = ("a.flac", "b.flac", "c.flac", "d.flac")
TRACK = """<TRACK TrackID="{id}" Name="x" TotalTime="120" AverageBpm="{bpm}"
 Location="file://localhost/music/{path}">{tempi}</TRACK>"""
TEMPO = '<TEMPO Inizio="{start}" Bpm="{bpm}" Metro="4/4" Battito="{beat}"/>'


@pytest.fixture
def results(tmp_path) -> Results:
    """Four tracks that the analysis finds at 120 BPM, the one at 0.5 s."""
    return write_steady(tmp_path / "results", PATHS)


def rekordbox(folder: Path, grids: dict[str, list[tuple[float, float, int]]]) -> Path:
    """A collection: of each path its TEMPO elements, (start, BPM, beat of the bar)."""
    tracks = [
        TRACK.format(id=i, path=path, bpm=tempi[0][1] if tempi else "0.00", tempi="".join(
            TEMPO.format(start=start, bpm=f"{bpm:.2f}", beat=beat) for start, bpm, beat in tempi))
        for i, (path, tempi) in enumerate(grids.items())
    ]  # fmt: skip
    path = folder / "rekordbox.xml"
    path.write_text(f"<DJ_PLAYLISTS><COLLECTION>{''.join(tracks)}</COLLECTION></DJ_PLAYLISTS>")
    return path


GRIDS = {
    "a.flac": [(0.5, 120.0, 1)],  # as analysed
    "b.flac": [(0.25, 60.0, 3)],  # half the tempo, the downbeat two beats later
    "c.flac": [(0.5, 120.0, 2)],  # another one
    "d.flac": [(0.5, 120.0, 1), (60.0, 140.0, 1)],
    "elsewhere.flac": [(0.5, 120.0, 1)],
}


def stated(results: Results) -> dict:
    return {p: to_json(c) for p, c in document.read(results.corrections_file).tracks.items()}


def test_grids_that_differ_are_listed_first_and_then_imported(results, tmp_path, capsys):
    source = rekordbox(tmp_path, GRIDS)
    arguments = ["correct", "--results", str(results.folder), "--from", str(source)]
    assert main([*arguments, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert not results.corrections_file.exists()
    assert shown.splitlines() == [
        "b.flac: 60.00 BPM, not 120.00 BPM (rekordbox.xml)",
        "c.flac: different downbeat (rekordbox.xml)",
        "d.flac: 140.00 BPM, not 120.00 BPM (rekordbox.xml)",
        f"3 different grids would be imported: {results.corrections_file}",
        "grids that agree already: 1",
        "grids of tracks that are not in this library: 1",
    ]
    assert main(arguments) == 0
    assert capsys.readouterr().out.replace("imported", "would be imported") == shown
    found = stated(results)
    assert found["b.flac"] == {"bpm": 60.0, "one": 2.25}
    assert found["c.flac"] == {"bpm": 120.0, "one": 2.0}
    assert [entry["bpm"] for entry in found["d.flac"]["grid"]] == [120.0, 140.0]
    assert "a.flac" not in found


def test_earlier_corrections_stay(results, tmp_path, capsys):
    arguments = ["correct", "--results", str(results.folder)]
    assert main([*arguments, "b.flac", "--one", "1"]) == 0
    before = stated(results)["b.flac"]
    assert main([*arguments, "--from", str(rekordbox(tmp_path, GRIDS))]) == 0
    message = "grids not imported, because you corrected these tracks before: 1"
    assert message in capsys.readouterr().out
    assert stated(results)["b.flac"] == before


def test_only_the_named_tracks_are_looked_at_and_each_can_be_undone(results, tmp_path, capsys):
    arguments = ["correct", "--results", str(results.folder)]
    assert main([*arguments, "c.flac", "--from", str(rekordbox(tmp_path, GRIDS))]) == 0
    assert list(stated(results)) == ["c.flac"]
    assert main([*arguments, "c.flac", "--undo"]) == 0
    assert stated(results) == {}


def test_a_file_that_is_not_a_collection_is_reported_in_one_line(results, tmp_path, capsys):
    (tmp_path / "x.xml").write_text("<x/>")
    arguments = ["correct", "--results", str(results.folder), "--from", str(tmp_path / "x.xml")]
    assert main(arguments) == 2
    assert "x.xml:1" in (said := capsys.readouterr().err) and len(said.splitlines()) == 1


def even(start: float, bpm: float, count: int) -> list[float]:
    return [start + i * 60 / bpm for i in range(count)]


def test_beats_of_one_tempo_are_one_piece():
    times = even(0.512, 127.83, 200)
    (entry,) = grid_from_beats.entries_of(times, times[2::4], ())
    assert entry.bpm == 127.83
    assert entry.downbeat == pytest.approx(times[2])
    rounded = np.round(np.asarray(times) * 44100) / 44100  # as Mixxx keeps them
    (entry,) = grid_from_beats.entries_of(rounded.tolist(), times[2::4], ())
    assert entry.bpm == pytest.approx(127.83, abs=0.001)


def test_beats_without_bars_keep_the_downbeat():
    times = even(0.25, 120.0, 100)
    (entry,) = grid_from_beats.entries_of(times, (), [0.5, 2.5])
    assert entry.downbeat == 0.25 or entry.downbeat == 0.75
    (entry,) = grid_from_beats.entries_of(times, (), [1.26])
    assert entry.downbeat == pytest.approx(1.25)


def test_a_jump_and_a_change_of_tempo_begin_new_pieces():
    times = even(0.5, 120.0, 40) + even(20.7, 120.0, 40) + even(41.0, 90.0, 40)
    found = grid_from_beats.entries_of(times, times[::4], ())
    assert [round(entry.bpm, 3) for entry in found] == [120.0, 120.0, 90.0]
    record = grid_corrections.lay_grid(steady(), found)
    inside = [b for b in record.beats if b < 60]
    assert np.abs(np.asarray(inside) - [t for t in times if t < 60]).max() < 1e-6
    assert DURATION > 60


def test_three_beats_a_bar_are_seen_and_few_beats_say_nothing():
    times = even(0.5, 90.0, 60)
    assert grid_from_beats.entries_of(times, times[1::3], ())[0].beats_per_bar == 3
    assert grid_from_beats.entries_of(times[:5], (), ()) == ()
    assert grid_from_beats.entries_of(even(0.0, 900.0, 50), (), ()) == ()
