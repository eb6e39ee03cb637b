"""Grids, cues, keys and tempos of Traktor's collections, read as references."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropgrid.audio.mp3 import LAGS
from dropgrid.base.errors import InvalidReference
from dropgrid.references import traktor
from dropgrid.references.annotation import Annotation
from dropgrid.references.collect import Rank
from dropgrid.references.matching import Tracks, match
from traktor_collection import NML, nml


def test_traktors_grid_goes_back_from_its_first_marker_and_on_from_each(tmp_path: Path) -> None:
    (found,) = traktor.read(nml(tmp_path))
    assert found.key == "/Users/me/a.mp3" and found.locked and found.player == "traktor"
    assert found.beats == (
        0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.25, 4.75, 5.25, 6.25, 7.25,
    )  # fmt: skip
    assert found.downbeats == (1.25, 3.25, 5.25)
    assert [(s.start, s.end, s.label) for s in found.sections or ()] == [
        (0.0, 5.25, "intro"), (5.25, 8.0, "drop"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('START="5250.000000" HOTCUE="-1"', 'START="1.0" HOTCUE="-1"', r":6: .*not later than"),
        ('<GRID BPM="60.0">', '<GRID BPM="0">', r":6: .*not a tempo"),
        ('TYPE="0" START="0.000000"', 'TYPE="x" START="0"', r":7: .*TYPE: not a number"),
        ('PLAYTIME_FLOAT="8.0"', 'PLAYTIME_FLOAT="-1"', r":3: .*negative"),
    ],
)
def test_a_wrong_collection_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in NML
    with pytest.raises(InvalidReference, match=message):
        traktor.read(nml(tmp_path, NML.replace(old, new)))


def test_times_of_an_mp3_are_moved_from_the_program_to_the_analysis(tmp_path: Path) -> None:
    annotation = Annotation("a.mp3", "x", "traktor", beats=(0.01, 1.0), player="traktor")
    decoder = {"name": "libsndfile", "info_frame": "lame", "sample_rate": 44100}
    ranked = [(Rank.of(0, annotation), annotation)]
    references, _, _ = match(ranked, Tracks({"a": "a.mp3"}), lambda track: decoder)
    assert references["a"].beats == (pytest.approx(1.0 - LAGS["traktor"]["lame"] / 44100),)
    references, _, _ = match(ranked, Tracks({"a": "a.mp3"}), lambda track: {})
    assert references["a"].beats == (0.01, 1.0)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('PLAYTIME_FLOAT="8.0"', "", {"duration": 8.0}),
        ('PLAYTIME="8" PLAYTIME_FLOAT="8.0"', "", {"duration": None, "beats": None}),
        ('PLAYTIME="8" PLAYTIME_FLOAT="8.0"', 'PLAYTIME="0"', {"duration": None}),
        ('LOCK="1"', 'LOCK="0"', {"locked": False}),
        ('GENRE="House"', 'GENRE="" KEY="8A"', {"genre": None, "tonality": 21}),
        ("</INFO>", '</INFO><MUSICAL_KEY VALUE="23"/>', {"tonality": 23}),
        ("</INFO>", '</INFO><INFO GENRE="Pop"/>', {"genre": "House"}),
        ('<TEMPO BPM="120.000000"></TEMPO>', "", {"bpm": None}),
        ('<GRID BPM="120.0"></GRID>', "", {"bpm": 120.0, "downbeats": (1.25, 3.25, 5.25)}),
        ('TYPE="4" START="1250.0', 'TYPE="5" START="1250.0', {"downbeats": (1.25, 5.25)}),
        ('START="0.000000"', 'START="-20"', {"bpm": 120.0}),
    ],
)  # fmt: skip
def test_what_traktor_tells_in_other_ways(tmp_path: Path, old, new, expected) -> None:
    assert old in NML
    (found,) = traktor.read(nml(tmp_path, NML.replace(old, new)))
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.sections is None or found.sections[0].start == 0.0


@pytest.mark.parametrize("value", ["24", "-1", "1.5"])
def test_a_number_that_is_not_a_key_of_traktors_is_refused(tmp_path: Path, value: str) -> None:
    text = NML.replace("</INFO>", f'</INFO><MUSICAL_KEY VALUE="{value}"/>')
    with pytest.raises(InvalidReference, match="not a key, which are 0 to 23"):
        traktor.read(nml(tmp_path, text))


def test_a_marker_on_a_beat_of_its_own_grid_has_beats_back_to_0(tmp_path: Path) -> None:
    """1.2 s are three beats at 150 BPM, whatever is lost in dividing them."""
    text = NML.replace('START="1250.0', 'START="1200.0').replace('BPM="120.0"', 'BPM="150.0"')
    (found,) = traktor.read(nml(tmp_path, text))
    assert found.beats[:4] == pytest.approx((0.0, 0.4, 0.8, 1.2))


def test_an_entry_without_a_place_is_none(tmp_path: Path) -> None:
    assert traktor.read(nml(tmp_path, NML.replace("LOCATION", "PLACE"))) == []
