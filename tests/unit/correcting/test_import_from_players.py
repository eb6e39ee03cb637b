"""What was set on a player comes back: grids and drops of sticks, Engine's database, rekordbox."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from dropgrid.apply_corrections import document
from dropgrid.commands.main import main
from dropgrid.export import engine, export, usb
from dropgrid.library import track_id
from dropgrid.player_formats import analysis_file as anlz
from dropgrid.player_formats import engine_blobs, engine_grid
from dropgrid.player_formats.analysis_reader import cues, grid
from dropgrid.records.store import write_record
from dropgrid.references import engine_database, player_stick
from dropgrid.results.layout import Results
from tracks_to_correct import steady, structured, write_steady

PATHS = ("a.flac", "sub/b c?.flac")  # the second has another name on a stick
RATE = 44100


@pytest.fixture
def results(tmp_path) -> Results:
    """Two tracks at 120 BPM, the downbeat at 0.5 s, with a drop at 16.5 s; the songs are there."""
    files = write_steady(tmp_path / "results", PATHS, str(tmp_path / "music"))
    for path in PATHS:
        song = tmp_path / "music" / path
        song.parent.mkdir(parents=True, exist_ok=True)
        song.write_bytes(path.encode() * 99)
        record = replace(structured(), track=track_id(path), path=path)
        write_record(files.record("structure", record.track), record)
    return files


def correct(results: Results, *more: str) -> int:
    return main(["correct", "--results", str(results.folder), *more])


def corrections_of(results: Results) -> dict:
    return document.read(results.corrections_file).tracks


@pytest.mark.parametrize("kind", ["usb", "engine"])
def test_dropgrids_own_exports_are_not_imported(results, tmp_path, kind, capsys):
    export(kind, results.folder, tmp_path / "stick")
    assert correct(results, "--from", str(tmp_path / "stick")) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"0 different grids imported: {results.corrections_file}", "grids that agree already: 2"
    ]  # fmt: skip
    assert not results.corrections_file.exists() or not corrections_of(results)


def set_on_cdj(stick: Path) -> None:
    """Move the grid of the second song by half a beat, and its drop by four bars."""
    (dat,) = [
        file for file in stick.rglob("ANLZ0000.DAT")
        if "b c".encode("utf-16-be") in file.read_bytes()
    ]  # fmt: skip
    beats = [replace(beat, time=beat.time + 0.25) for beat in grid(dat.read_bytes())]
    data = dat.read_bytes()
    at = data.index(b"PQTZ")
    tag = anlz.grid_tag(beats)
    dat.write_bytes(data[:at] + tag + data[at + len(tag) :])
    ext = dat.with_suffix(".EXT")
    data = ext.read_bytes()
    for kind in (anlz.HOT, anlz.MEMORY):
        marks = [
            replace(cue, time=24.5) if cue.name == "Drop" else cue
            for cue in cues(data) if (cue.pad is None) == (kind == anlz.MEMORY)
        ]  # fmt: skip
        tag = anlz.named_cues_tag(marks, kind)
        at = data.index(tag[:16])
        data = data[:at] + tag + data[at + len(tag) :]
    ext.write_bytes(data)


def set_on_engine(stick: Path) -> None:
    """The same in Engine's database."""
    with closing(sqlite3.connect(stick / engine.DATABASE)) as database:
        query = "SELECT beatData, quickCues FROM PerformanceData WHERE trackId = 2"
        blob, pads = database.execute(query).fetchone()
        rate, marks = engine_blobs.unpack_grid(blob)
        marks = [replace(mark, sample=mark.sample + 0.25 * rate) for mark in marks]
        moved = [
            replace(cue, sample=24.5 * rate) if cue.name == "Drop" else cue
            for cue in engine_blobs.unpack_cues(pads)
        ]
        database.execute(
            "UPDATE PerformanceData SET beatData = ?, quickCues = ? WHERE trackId = 2",
            (engine_blobs.pack_grid(rate, 120 * RATE, marks), engine_blobs.pack_cues(moved, 0.0)),
        )
        database.commit()


@pytest.mark.parametrize(
    ("kind", "change", "name"),
    [("usb", set_on_cdj, "export.pdb"), ("engine", set_on_engine, "m.db")],
)
def test_cues_set_on_a_player_are_listed_and_then_imported(
    results, tmp_path, kind, change, name, capsys
):
    stick = tmp_path / "stick"
    export(kind, results.folder, stick)
    change(stick)
    lines = [
        f"sub/b c?.flac: other beats ({name})",
        f"sub/b c?.flac: a drop at 24.50 s, not 16.50 s ({name})",
        f"1 different grid would be imported: {results.corrections_file}",
        "1 drop would be imported",
        "grids that agree already: 1",
    ]
    assert correct(results, "--from", str(stick), "--dry-run") == 0
    assert capsys.readouterr().out.splitlines() == lines
    assert not results.corrections_file.exists()
    assert correct(results, "--from", str(stick)) == 0
    assert capsys.readouterr().out.splitlines() == [
        line.replace("would be ", "") for line in lines
    ]
    (path,) = corrections_of(results)
    correction = corrections_of(results)[path]
    assert path == PATHS[1] and correction.drops == (24.5,) and correction.bpm == 120.0
    assert (correction.downbeat - 0.75) % 2 == pytest.approx(0, abs=1e-3)


def test_your_corrections_stay_and_are_shown(results, tmp_path, capsys):
    stick = tmp_path / "stick"
    export("usb", results.folder, stick)
    set_on_cdj(stick)
    assert correct(results, "b c?.flac", "--half") == 0
    before = corrections_of(results)
    capsys.readouterr()
    assert correct(results, "--from", str(stick)) == 0
    out = capsys.readouterr().out
    assert "120.00 BPM, not 60.00 BPM (export.pdb); your corrections stay" in out
    assert "a drop at 24.50 s, not 16.50 s (export.pdb)\n" in out
    after = corrections_of(results)[PATHS[1]]
    assert replace(after, drops=None) == before[PATHS[1]] and after.drops == (24.5,)
    assert correct(results, "--from", str(stick)) == 0
    assert "your corrections stay" in capsys.readouterr().out


def test_a_drop_cue_of_rekordbox_moves_the_drop(results, tmp_path, capsys):
    export("rekordbox", results.folder, tmp_path / "c.xml")
    text = (tmp_path / "c.xml").read_text()
    at = 'Name="Drop" Type="0" Start="16.500"'
    (tmp_path / "c.xml").write_text(text.replace(at, at.replace("16.500", "20.500")))
    assert correct(results, "--from", str(tmp_path / "c.xml")) == 0
    assert "2 drops imported" in capsys.readouterr().out
    assert {c.drops for c in corrections_of(results).values()} == {(20.5,)}


def edit_cues(stick: Path, edit) -> None:
    """Change the named cues of the second song, as a player does: edit gets and gives a list."""
    (dat,) = [
        file for file in stick.rglob("ANLZ0000.DAT")
        if "b c".encode("utf-16-be") in file.read_bytes()
    ]  # fmt: skip
    ext = dat.with_suffix(".EXT")
    data = ext.read_bytes()
    marks = edit(cues(data))
    start = data.index(b"PCO2")
    end = start
    while data[end : end + 4] == b"PCO2":
        end += int.from_bytes(data[end + 8 : end + 12])
    named = (anlz.named_cues_tag(marks, kind) for kind in (anlz.HOT, anlz.MEMORY))
    data = data[:start] + b"".join(named) + data[end:]
    ext.write_bytes(data)


def test_a_sections_cue_moves_the_section_and_other_cues_are_listed_and_left(
    results, tmp_path, capsys
):
    stick = tmp_path / "stick"
    export("usb", results.folder, stick)

    def edit(found):
        kept = [replace(c, time=72.5) if c.name == "Outro" else c for c in found]
        return [
            *kept, anlz.PlayerCue(30.0, "Vocal", (9, 9, 9), 6),
            anlz.PlayerCue(40.5, "", (9, 9, 9), end=44.5),
        ]  # fmt: skip

    edit_cues(stick, edit)
    lines = [
        "sub/b c?.flac: an outro at 72.50 s, not 64.50 s (export.pdb)",
        'sub/b c?.flac: hot cue G "Vocal" at 30.00 s (export.pdb): not imported',
        "sub/b c?.flac: loop from 40.50 to 44.50 s (export.pdb): not imported",
        f"0 different grids imported: {results.corrections_file}",
        "1 section imported",
        "cues and loops not imported, because corrections cannot express them: 2",
        "grids that agree already: 2",
    ]
    assert correct(results, "--from", str(stick)) == 0
    assert capsys.readouterr().out.splitlines() == lines
    (correction,) = corrections_of(results).values()
    assert [(s.start, s.label) for s in correction.sections] == [
        (0.0, "intro"), (16.5, "drop"), (72.5, "outro")
    ]  # fmt: skip
    assert correction.drops == (16.5,) and not correction.corrects_grid


def test_a_new_sections_cue_begins_a_section_and_one_past_its_neighbour_does_not(
    results, tmp_path, capsys
):
    stick = tmp_path / "stick"
    export("usb", results.folder, stick)
    edit_cues(stick, lambda found: [
        *[replace(c, time=8.5) if c.name == "Outro" else c for c in found],
        anlz.PlayerCue(32.5, "Outro 2", (9, 9, 9), 6),
    ])  # fmt: skip
    assert correct(results, "--from", str(stick)) == 0
    out = capsys.readouterr().out
    assert "an outro at 32.50 s" in out and "hot cue" in out and "at 8.50 s" in out
    (correction,) = corrections_of(results).values()
    assert correction.sections[0].start == 0 and correction.sections[-1].start >= 32.5


def test_a_stick_without_a_mark_is_matched_by_names(results, tmp_path):
    export("usb", results.folder, tmp_path / "stick")
    (tmp_path / "stick" / usb.MARK).unlink()
    found = player_stick.read(tmp_path / "stick" / usb.DATABASE)
    assert [annotation.key for annotation in found] == [
        "/Contents/Unknown/a.flac", "/Contents/Unknown/b c_.flac",
    ]  # fmt: skip
    assert len(found[0].beats) == len(steady().beats) and found[0].downbeats[0] == 0.5


def test_songs_that_lie_on_the_drive_are_known_too(results, tmp_path):
    export("engine", results.folder, tmp_path / "music")
    found = engine_database.read(tmp_path / "music" / engine.DATABASE)
    assert [annotation.key for annotation in found] == list(PATHS)
    beats = found[0].beats
    assert len(beats) == pytest.approx(len(steady().beats), abs=2)
    assert engine_grid.BAR == 4 and found[0].downbeats[0] == pytest.approx(0.5)
