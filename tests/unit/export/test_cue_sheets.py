"""A tracklist next to a mix becomes its cues; a broken one is refused with its line."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest
from defusedxml import ElementTree
from dropgrid.base.errors import InvalidReference
from dropgrid.commands.main import main
from dropgrid.export import export
from dropgrid.records.track import Moment
from dropgrid.references import cue_sheet
from library_of_records import PATHS, write_results

SHEET = """REM GENRE House
PERFORMER "DJ Zoë"
TITLE "Live"
FILE "a house.flac" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    PERFORMER "One"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Second"
    INDEX 00 00:11:00
    INDEX 01 00:12:37
"""
TEXT = "00:00 One - First\n[0:12] Two – Second\n\n0:00:21.  Third\n"


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    """The first song of a library, of 30.5 s, which is there."""
    for path in PATHS:
        (tmp_path / "music" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "music" / path).write_bytes(b"song")
    write_results(tmp_path / "results", tmp_path / "music")
    return tmp_path / "music" / PATHS[0]


def cues_of(mix: Path, results: Path, capsys=None) -> list[tuple[str, float]]:
    output = results / "out.xml"
    assert main(["export", "rekordbox", "--results", str(results), "--output", str(output)]) == 0
    track = ElementTree.parse(output).getroot().find("COLLECTION/TRACK")
    marks = [mark for mark in track.iter("POSITION_MARK") if mark.get("Num") not in ("-1",)]
    return [(mark.get("Name"), float(mark.get("Start"))) for mark in marks]


def test_a_cue_sheet_names_the_cues_of_a_mix(mix, tmp_path):
    mix.with_suffix(".cue").write_text(SHEET)
    assert cues_of(mix, tmp_path / "results") == [
        ("One - First", 0.0), ("DJ Zoë - Second", pytest.approx(12 + 37 / 75, abs=1e-6))
    ]  # fmt: skip
    export("audacity", tmp_path / "results", tmp_path / "labels")
    labels = next((tmp_path / "labels").glob("a-house*")).read_text()
    assert "12.493333\t30.500000\tDJ Zoë - Second" in labels and "breakdown" in labels


def test_a_text_of_times_does_so_too_and_other_texts_do_not(mix, tmp_path):
    mix.with_suffix(".txt").write_text(TEXT)
    assert cues_of(mix, tmp_path / "results") == [
        ("One - First", 0.0), ("Two – Second", 12.0), ("Third", 21.0)
    ]  # fmt: skip
    mix.with_suffix(".txt").write_text("Recorded in 1999.\n12:00 is when we began\n")
    assert ("Drop 1", 8.21875) in cues_of(mix, tmp_path / "results")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a house.cue", SHEET.replace("00:12:37", "00:12:75"), ":12: INDEX"),
        ("a house.cue", SHEET.replace("00:12:37", "99:12:37"), ":12: 5952.49 s is behind"),
        ("a house.cue", SHEET + 'FILE "b" WAVE\n', ":13: names a second file"),
        ("a house.cue", SHEET + "<html>\n", ":13: not a line"),
        ("a house.flac.cue", SHEET.replace("00:00:00", "00:20:00"), ":12: 12.4933 s is not later"),
        ("a house.cue", "TRACK 01 AUDIO\nTITLE x\n", "no track has an INDEX 01"),
        ("a house.txt", TEXT + "and more\n", ":5: begins with no time"),
        ("a house.cue", "".join(f"INDEX 01 00:00:{i % 75}\n" for i in range(2)) * 2, ":1: INDEX"),
    ],
)  # fmt: skip
def test_a_broken_one_is_refused_with_its_line(mix, tmp_path, capsys, name, text, reason):
    (mix.parent / name).write_text(text)
    assert ("Drop 1", 8.21875) in cues_of(mix, tmp_path / "results")
    assert reason in capsys.readouterr().err


def test_forged_sheets_end_in_an_answer_or_a_refusal(tmp_path):
    """Mutants, endless lines and entries, a pipe and a device: no hang, no other error."""
    chance, path = random.Random(8), tmp_path / "m.cue"
    refused = 0
    for _ in range(400):
        data = bytearray((SHEET if chance.random() < 0.5 else TEXT).encode())
        for _ in range(chance.randint(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        path.with_suffix(".txt").write_bytes(data)
        for read in (cue_sheet.read_cue_sheet, cue_sheet.read_tracklist):
            try:
                read(path)
            except InvalidReference:
                refused += 1
    assert refused > 80
    for text in ("TITLE " + "a " * 400_000 + "\n", "0:00 a\n" + "\t" * 900_000 + "0:01\n"):
        path.write_text(text)
        with suppress(InvalidReference):
            cue_sheet.read_cue_sheet(path)
        with suppress(InvalidReference):
            cue_sheet.read_tracklist(path)
    path.write_text("".join(f"INDEX 01 {i:02}:00:00\n" for i in range(1, 1300)))
    with pytest.raises(InvalidReference, match="1001: more than 1000"):
        cue_sheet.tracklist_of(tmp_path / "m.mp3", None)
    path.write_bytes(b"x" * (2**20 + 1))
    with pytest.raises(InvalidReference, match="cannot be read"):
        cue_sheet.read_cue_sheet(path)
    path.unlink()
    path.with_suffix(".txt").unlink()
    path.symlink_to("/dev/zero")
    assert cue_sheet.tracklist_of(tmp_path / "m.mp3", None) == ()


def test_names_in_windows_letters_are_read(tmp_path):
    (tmp_path / "m.cue").write_bytes(
        'TRACK 1 AUDIO\nTITLE "Zoë"\nINDEX 01 1:00:00\n'.encode("cp1252")
    )
    assert cue_sheet.tracklist_of(tmp_path / "m.wav", 70.0) == (Moment(60.0, "Zoë"),)
