"""The table in the terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dropgrid.library import scan, track_id
from dropgrid.records.model import ANALYSES, BpmRecord, Section, StructureRecord, TrackFailure
from dropgrid.records.store import read_key, write_record
from dropgrid.results.frames import library_frame
from dropgrid.results.scan_store import write_tickets
from dropgrid.results.table import read_table, write_table
from dropgrid.results.terminal_table import listing
from library_of_records import PATHS, write_results


def make_results(folder: Path) -> Path:
    """Results of a good track with a nasty name, and of one that is not music."""
    a, b = "a\n\x1b[31m.wav", "b.mp3"
    for name in (a, b):
        (folder / "m").mkdir(exist_ok=True)
        (folder / "m" / name).write_bytes(b"")
    good, bad = write_tickets(scan(str(folder / "m")), folder)
    drop = Section(60.06, 80.0, "drop", 5, 13, 8, 0.9)
    intro = Section(0.0, 60.06, "intro", 1, 5, 4, 0.9)
    write_record(folder / f"bpm/{good}.json", BpmRecord(good, a, "ok", bpm=128, confidence=0.9))
    write_record(
        folder / f"structure/{good}.json",
        StructureRecord(good, a, "ok", duration=80, sections=(intro, drop, drop), drops=(60.06,)),
    )
    why = TrackFailure("decode", "DecodeError", "not audio")
    write_record(folder / f"bpm/{bad}.json", BpmRecord(bad, b, "error", error=why))
    write_record(folder / f"structure/{bad}.json", StructureRecord(bad, b, "error", error=why))
    assert write_table(folder, ["bpm", "structure"]) == (2, 1)
    (folder / "evaluation").mkdir()
    (folder / "evaluation" / "bpm.csv").write_text(f"track,reference_bpm\n{good},127.5\n")
    return folder


def test_a_track_is_a_line_with_its_reference_sections_and_drops(tmp_path):
    lines = listing(make_results(tmp_path)).splitlines()
    assert lines[2].split("  ")[-1] == "1:00.1"
    for cell in ("128.00", "127.50", "0.90", "intro 4, drop 16"):
        assert cell in lines[2]
    assert lines[0].index("sections") == lines[2].index("intro")


def test_there_is_no_column_of_references_where_there_are_none(tmp_path):
    results = make_results(tmp_path)
    assert "reference" in listing(results)
    (results / "evaluation" / "bpm.csv").unlink()
    lines = listing(results).splitlines()
    assert "reference" not in lines[0] and "127.50" not in lines[2]
    assert lines[0].index("sections") == lines[2].index("intro")


def test_a_name_cannot_colour_the_screen_or_break_the_line(tmp_path):
    text = listing(make_results(tmp_path))
    assert "\x1b" not in text
    assert r"a\n\x1b[31m.wav" in text


def test_a_failed_track_is_reported_with_its_reason(tmp_path):
    assert listing(make_results(tmp_path)).endswith("not analysed:\n  b.mp3: decode: not audio")


def test_an_unsure_key_has_a_question_mark_in_list_and_table(tmp_path):
    results = write_results(tmp_path)
    house, half, _, hostile = (track_id(path) for path in PATHS)
    for track, changes in (
        (house, {"sure": False}), (half, {"confidence": 0.3}), (hostile, {"confidence": 0.7}),
    ):  # fmt: skip
        path = results / "key" / f"{track}.json"
        write_record(path, replace(read_key(path), **changes))
    write_table(results, ANALYSES)
    rows = {row["track"]: row for row in read_table(results)}
    assert [rows[t]["key_sure"] for t in (house, half, hostile)] == ["False", "False", "True"]
    shown = listing(results)
    assert shown.count("8A? A minor") == 2 and shown.count("8A A minor") == 1
    assert list(library_frame(results)["key_sure"].fillna(value=False)) == [
        False, False, False, True,
    ]  # fmt: skip
