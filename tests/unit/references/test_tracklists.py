"""Tracklists next to a mix: lists of times, cue sheets, and what neither may hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.base.errors import InvalidReference
from dropgrid.references import cue_sheet
from dropgrid.references.cue_sheet import read_cue_sheet, read_tracklist, tracklist_of


def written(folder: Path, text: str | bytes, name: str = "mix.txt") -> Path:
    data = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(data)
    return folder / name


def entries(path: Path) -> list[tuple[float, str]]:
    return [(moment.time, moment.name) for moment in tracklist_of(path.with_suffix(".wav"), None)]


def test_times_of_a_list_are_hours_minutes_and_seconds(tmp_path: Path) -> None:
    text = "0:00 A - One\n[62:03] B\n\n(1:02:04) - C\n99:59 |\n"
    found = entries(written(tmp_path, text))
    assert found == [(0, "A - One"), (3723, "B"), (3724, "C"), (5999, "Track 4")]


def test_a_text_that_begins_otherwise_or_has_one_time_is_not_a_tracklist(tmp_path: Path) -> None:
    for text in ("Notes\n0:00 A\n1:00 B\n", "0:00 A\n", ""):
        assert read_tracklist(written(tmp_path, text)) == []
    with pytest.raises(InvalidReference, match=r"mix\.txt:3: begins with no time: 'then B'"):
        read_tracklist(written(tmp_path, "0:00 A\n1:00 B\nthen B\n"))


def test_comments_are_passed_over_and_old_letters_are_read(tmp_path: Path) -> None:
    text = "REM x\n; y\n# z\n// w\n0:00 Sigur R\xf3s\n0:05 REMix\n".encode("cp1252")
    assert entries(written(tmp_path, text)) == [(0, "Sigur Rós"), (5, "REMix")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0:00 A\n1:00 B\n1:00 C\n", ":3: 60 s is not later than the 60 s before it"),
        ("0:00 A\n1:41.5 B\n", None),
        ("0:00 A\n1:42 B\n", ":2: 102 s is behind the end of the mix at 100 s"),
    ],
)
def test_times_go_on_within_the_mix(tmp_path: Path, text: str, reason: str | None) -> None:
    written(tmp_path, text)
    if reason is None:
        assert len(tracklist_of(tmp_path / "mix.mp3", 100.0)) == 2
    else:
        with pytest.raises(InvalidReference, match=reason):
            tracklist_of(tmp_path / "mix.mp3", 100.0)


def test_entries_and_their_names_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = entries(written(tmp_path, "0:00 " + "x" * 300 + "\n0:01 y\n"))
    assert len(found[0][1]) == cue_sheet.MAX_NAME == 200
    monkeypatch.setattr(cue_sheet, "MOST", 2)
    assert len(found) == 2
    written(tmp_path, "0:00 a\n0:01 b\n0:02 c\n")
    with pytest.raises(InvalidReference, match=":3: more than 2 entries"):
        tracklist_of(tmp_path / "mix.wav", None)


def test_a_cue_sheet_is_preferred_and_a_text_is_not_its_own_tracklist(tmp_path: Path) -> None:
    text = written(tmp_path, "0:00 A\n1:00 B\n")
    assert tracklist_of(text, None) == ()
    sheet = 'TITLE "X"\n  track 01 AUDIO\n index 1 00:00:74\n'
    written(tmp_path, sheet, "mix.mp3.cue")
    (found,) = tracklist_of(tmp_path / "mix.mp3", None)
    assert (found.time, found.name) == (round(74 / 75, 6), "Track 1")
    written(tmp_path, sheet.replace("00:00:74", "02:03:00"), "mix.cue")
    assert tracklist_of(tmp_path / "mix.mp3", None)[0].time == 123


@pytest.mark.parametrize(
    ("sheet", "reason"),
    [
        ('FILE "a"\nTRACK 01 AUDIO\nINDEX 01 00:00:75\n', ":3: INDEX: not a number and minutes"),
        ("TRACK 01 AUDIO\nINDEX 00 00:00:00\n", r"mix\.cue: no track has an INDEX 01"),
        ("TRACK 01 AUDIO\n-1 x\n", ":2: not a line of a cue sheet"),
        ("TÄTEL x\n", ":1: not a line of a cue sheet"),
    ],
)
def test_a_broken_cue_sheet_is_refused(tmp_path: Path, sheet: str, reason: str) -> None:
    with pytest.raises(InvalidReference, match=reason):
        read_cue_sheet(written(tmp_path, sheet, "mix.cue"))


def test_a_sheet_of_no_tracks_is_empty_and_a_missing_one_is_named(tmp_path: Path) -> None:
    assert read_cue_sheet(written(tmp_path, 'TITLE "x"\n', "mix.cue")) == []
    with pytest.raises(InvalidReference, match="cannot be read"):
        read_cue_sheet(tmp_path / "none.cue")
