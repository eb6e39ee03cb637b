"""Beats, sections, keys and cue sheets as text, to the last line and column."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.references.checks import Place, _short, tonality
from dropgrid.references.cue_sheet import read_cue_sheet, tracklist_of
from dropgrid.references.textual import read, read_key


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("name", ["a.beats", "a.txt"])
def test_positions_in_the_bar_make_downbeats(tmp_path: Path, name: str) -> None:
    [found] = read(written(tmp_path, name, "# beats\n0.5 4\n1.0 1\n1.5 2\n"))
    assert (found.beats, found.downbeats) == ((0.5, 1.0, 1.5), (1.0,))


def test_a_text_that_begins_with_a_label_holds_sections(tmp_path: Path) -> None:
    [found] = read(written(tmp_path, "a.txt", "0.0 intro\n10.0 drop\n20.0 end\n"))
    assert found.beats is None
    assert [(s.start, s.end, s.label) for s in found.sections] == [
        (0.0, 10.0, "intro"), (10.0, 20.0, "drop"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "reason"),
    [("1.0 0", "not a position in the bar: '0'"), ("1.0 100", "not a position"),
     ("1.0 1.5", "not a position"), ("1.0 -1", "-1"), ("1.0 1 1 1", "4 columns where"),
     ("1.0", "1 columns where the first line has 2")],
)  # fmt: skip
def test_a_line_that_is_none_of_beats_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = written(tmp_path, "a.beats", f"0.5 99\n{line}\n")
    with pytest.raises(InvalidReference, match=reason) as raised:
        read(path)
    assert "2" in str(raised.value)


def test_four_columns_are_none_of_beats(tmp_path: Path) -> None:
    with pytest.raises(InvalidReference, match="expected time, position and bar"):
        read(written(tmp_path, "a.beats", "0.5 1 1 1\n"))


def test_a_key_file_holds_one_line(tmp_path: Path) -> None:
    [found] = read_key(written(tmp_path, "a.key", "A minor\n"))
    assert found.tonality == tonality("8A", Place(tmp_path))
    for text, count in (("", 0), ("A\nB\n", 2)):
        with pytest.raises(InvalidReference, match=f"{count} lines of data"):
            read_key(written(tmp_path, "a.key", text))


def test_a_long_value_is_shown_by_its_beginning() -> None:
    assert _short("x" * 38) == repr("x" * 38)
    assert _short("x" * 39) == repr("x" * 39)[:37] + "..."


SHEET = """PERFORMER "DJ"
TITLE "Mix"
FILE "mix.wav" WAVE
  TRACK 01 AUDIO
    TITLE "One"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Two"
    PERFORMER "B"
    INDEX 00 01:00:00
    INDEX 01 01:30:37
  TRACK 03 AUDIO
    INDEX 01 02:00:00
"""


def test_a_cue_sheet_names_its_tracks_in_order(tmp_path: Path) -> None:
    found = read_cue_sheet(written(tmp_path, "mix.cue", SHEET))
    assert [round(moment.time, 4) for moment, _ in found] == [0.0, 90.4933, 120.0]
    names = [moment.name for moment, _ in found]
    assert "One" in names[0] and "DJ" in names[0] and "B" in names[1] and "Two" in names[1]
    assert "DJ" in names[2] and "Two" not in names[2]
    assert len(tracklist_of(tmp_path / "mix.mp3", None)) == 3
    assert tracklist_of(tmp_path / "other.mp3", None) == ()


def test_a_cue_sheet_of_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidReference, match="names a second file"):
        read_cue_sheet(written(tmp_path, "mix.cue", SHEET + 'FILE "b.wav" WAVE\n'))
