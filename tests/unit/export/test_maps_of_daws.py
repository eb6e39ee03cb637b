"""Tempo maps by hand: lead-ins, holes, upbeats; MIDI files and Reaper projects made of them."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import mido
import pytest
from dropgrid.base.colours import SECTION_COLOURS_ON_DARK
from dropgrid.export import midi, reaper
from dropgrid.export.tempo_map import Signature, TempoMap, tempo_map
from dropgrid.records.model import BpmRecord, GridRegion
from dropgrid.records.track import Track
from library_of_records import bpm_record, structure_record


def record(
    *regions: GridRegion, signature: str = "4/4", duration: float | None = 60.0
) -> BpmRecord:
    return BpmRecord(
        "t", "t.flac", "ok", duration=duration, bpm=regions[0].bpm, time_signature=signature,
        grid=regions,
    )  # fmt: skip


def made(*regions: GridRegion, signature: str = "4/4") -> TempoMap:
    found = tempo_map(record(*regions, signature=signature))
    assert found is not None
    return found


def test_a_grid_from_0_has_no_lead_in() -> None:
    for start in (0.0, 5e-7):
        found = made(GridRegion(start, 120.0, 9, start))
        assert found.anchors == ((0.0, 0.0), (start + 4.0, 8.0)) and found.bpm == 120.0
        assert found.signatures == (Signature(0.0, 4),)


@pytest.mark.parametrize(
    ("start", "lead", "signatures"),
    [
        (1.0, 2.0, (Signature(0.0, 2), Signature(2.0, 4))),
        (2.0, 4.0, (Signature(0.0, 4),)),
        (3.5, 7.0, (Signature(0.0, 3), Signature(3.0, 4))),
        (0.25, 1.0, (Signature(0.0, 1), Signature(1.0, 4))),
        (0.24, 0.5, (Signature(0.0, 1, 8), Signature(0.5, 4))),
        (0.0625, 0.5, (Signature(0.0, 1, 8), Signature(0.5, 4))),
        (0.062, 0.25, (Signature(0.0, 1, 16), Signature(0.25, 4))),
        (0.01, 0.0625, (Signature(0.0, 1, 64), Signature(0.0625, 4))),
    ],
)
def test_a_lead_in_is_whole_beats_or_one_short_note(
    start: float, lead: float, signatures: tuple[Signature, ...]
) -> None:
    """At most 480 quarter notes a minute: a shorter start has a shorter note."""
    found = made(GridRegion(start, 120.0, 9, start))
    assert found.anchors == ((0.0, 0.0), (start, lead), (start + 4.0, lead + 8))
    assert found.signatures == signatures
    assert found.bpm_after(0) == pytest.approx(60 * lead / start)
    assert found.bpm_after(1) == pytest.approx(120.0) and found.bpm_after(2) == 120.0


def test_upbeats_are_an_odd_bar_before_the_first_downbeat() -> None:
    found = made(GridRegion(2.0, 120.0, 9, 3.0))
    assert found.signatures == (Signature(0.0, 2), Signature(2.0, 4)), "six beats, then bars"
    three = made(GridRegion(0.0, 120.0, 9, 0.5), signature="3/4")
    assert three.signatures == (Signature(0.0, 1), Signature(1.0, 3))
    without = made(GridRegion(1.0, 120.0, 9, None))
    assert without.signatures == (Signature(0.0, 4),)


def test_a_hole_is_stretched_to_whole_beats_and_a_short_bar_ends_before_a_new_count() -> None:
    found = made(GridRegion(0.0, 120.0, 9, 0.0), GridRegion(5.7, 60.0, 5, 6.7))
    # The first region ends at 4 s, beat 8; 1.7 s are two beats of the second region.
    assert found.anchors == ((0.0, 0.0), (4.0, 8.0), (5.7, 10.0), (9.7, 14.0))
    assert found.bpm == 60.0
    assert found.signatures == (Signature(0.0, 4), Signature(8.0, 3), Signature(11.0, 4))
    assert found.beat_of(2.0) == 4.0 and found.beat_of(4.85) == pytest.approx(9.0)
    assert found.beat_of(10.7) == pytest.approx(15.0) and found.beat_of(-0.5) == -1.0
    near = made(GridRegion(0.0, 120.0, 9, 0.0), GridRegion(4.1, 60.0, 5, 4.1))
    assert near.anchors[2] == (4.1, 9.0), "at least one beat"


def test_a_region_of_one_beat_is_one_anchor() -> None:
    found = made(GridRegion(1.0, 120.0, 1, 1.0), GridRegion(2.0, 120.0, 3, 2.0))
    assert found.anchors == ((0.0, 0.0), (1.0, 2.0), (2.0, 4.0), (3.0, 6.0))


def messages(data: bytes) -> list[tuple[int, mido.MetaMessage]]:
    (track,) = mido.MidiFile(file=io.BytesIO(data)).tracks
    now, found = 0, []
    for message in track:
        now += message.time
        found.append((now, message))
    return found


def test_a_midi_file_has_ticks_tempi_signatures_and_an_end() -> None:
    steady = replace(record(GridRegion(1.0, 125.0, 122, 1.48)), tags={"title": "Zoë ☃"})
    data = midi.render_track(Track(None, steady, None))[".mid"]
    file = mido.MidiFile(file=io.BytesIO(data))
    assert (file.type, file.ticks_per_beat) == (0, 960)
    found = messages(data)
    names = [m.name.encode("latin-1").decode() for _, m in found if m.type == "track_name"]
    assert names == ["Zoë ☃"]
    assert [m.text for _, m in found if m.type == "text"] == ["written by dropgrid"]
    tempi = [(tick / 960, m.tempo) for tick, m in found if m.type == "set_tempo"]
    assert tempi[0] == (0.0, 500_000) and tempi[1] == (2.0, 480_000)
    assert all(b - a <= 100 for (a, _), (b, _) in pairwise(tempi))
    signatures = [(tick / 960, m.numerator, m.denominator) for tick, m in found
                  if m.type == "time_signature"]  # fmt: skip
    assert signatures == [(0.0, 3, 4), (3.0, 4, 4)]
    (end,) = (tick for tick, m in found if m.type == "end_of_track")
    assert end == round(960 * (2 + 59 * 125 / 60)) and found[-1][1].type == "end_of_track"


def test_a_midi_file_of_unknown_length_ends_with_its_grid() -> None:
    data = midi.render_track(
        Track(None, record(GridRegion(0.0, 120.0, 9, 0.0), duration=None), None)
    )
    assert messages(data[".mid"])[-1][0] == 8 * 960


def test_tempi_that_midi_cannot_have_are_the_nearest_that_it_can() -> None:
    slow = TempoMap(((0.0, 0.0), (40.0, 1.0)), 2.0, ())
    assert list(midi.tempi(slow)) == [(0.0, 2**24 - 1), (1.0, 2**24 - 1)]
    rounding = TempoMap(((0.0, 0.0), (1.00000149, 3.0), (2.0000029, 6.0)), 180.0, ())
    (_, first), (_, second), (_, last) = midi.tempi(rounding)
    assert (first, second, last) == (333_334, 333_334, 333_333)


def project(track: Track) -> list[str]:
    return reaper.render_track(track)[".RPP"].decode().splitlines()


def test_a_reaper_project_line_by_line() -> None:
    steady = replace(record(GridRegion(1.0, 120.0, 100, 1.0), GridRegion(51.0, 90.0, 9, 51.0)),
                     tags={"title": 'a "b"'})  # fmt: skip
    lines = project(Track(Path("/m/a.flac"), steady, None))
    assert lines[:6] == [
        '<REAPER_PROJECT 0.1 "6.0/dropgrid" 0', "  TEMPO 120 4 4", "  <TEMPOENVEX",
        "    ACT 1 -1", "    PT 0.000000000 120.000000000 1 262146",
        "    PT 1.000000000 120.000000000 1 262148",
    ]  # fmt: skip
    assert lines[-13:] == [
        "  <TRACK", "    NAME 'a \"b\"'", "    <ITEM", "      POSITION 0", "      LENGTH 60.000",
        "      LOOP 0", "      NAME 'a \"b\"'", "      <SOURCE FLAC", '        FILE "/m/a.flac"',
        "      >", "    >", "  >", ">",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "source"),
    [("a.MP3", "MP3"), ("a.ogg", "VORBIS"), ("a.opus", "OPUS"), ("a.wav", "WAVE"),
     ("a.aiff", "WAVE"), ("a.aif", "WAVE"), ("a.m4a", "VIDEO")],
)  # fmt: skip
def test_reaper_is_told_which_decoder_reads_the_song(name: str, source: str) -> None:
    steady = replace(record(GridRegion(0.0, 120.0, 9, 0.0), duration=None), path=name)
    lines = project(Track(Path("/m") / name, steady, None))
    assert f"      <SOURCE {source}" in lines and "      LENGTH 0.000" in lines


def test_reapers_markers_count_from_1_and_have_the_colour_of_their_section() -> None:
    track = Track(Path("/m/a.flac"), bpm_record("a.flac"), structure_record("a.flac"))
    lines = [line.split() for line in project(track) if line.startswith("  MARKER")]
    assert [line[1] for line in lines] == list("123456")
    assert lines[1][2:5] == ["4.46875", '"Buildup"', "0"]
    for line, label in zip(lines, ("intro", "buildup", "drop"), strict=False):
        colour = int(line[-1])
        assert colour & 0x1000000, "the bit that says that there is a colour"
        red, green, blue = colour & 0xFF, colour >> 8 & 0xFF, colour >> 16 & 0xFF
        assert f"#{red:02x}{green:02x}{blue:02x}" == SECTION_COLOURS_ON_DARK[label].lower()


@pytest.mark.parametrize(
    ("text", "word"),
    [("a", '"a"'), ('a"', "'a\"'"), ("a\"'", "`a\"'`"), ("\"'`", "`\"''`")],
)
def test_a_text_is_quoted_by_marks_that_it_lacks(text: str, word: str) -> None:
    assert reaper.quoted(text) == word
