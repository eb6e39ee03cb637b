"""What dropgrid reads of players' files, and the reasons why damaged ones are refused."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from dropgrid.player_formats import (
    analysis_file,
    analysis_reader,
    device_reader,
    device_sql,
    engine_grid,
)
from dropgrid.player_formats import engine_blobs as blobs
from dropgrid.player_formats.analysis_file import Beat, PlayerCue
from dropgrid.player_formats.database import PAGE, Contents, database
from dropgrid.player_formats.device_reader import DeviceTrack
from dropgrid.player_formats.device_sql import TrackRow
from dropgrid.player_formats.waveform import waveforms

WHITE = (255, 255, 255)


def row_of(number: int) -> TrackRow:
    return TrackRow(
        number, "Song", "a.mp3", f"/Contents/{number}.mp3", f"/PIONEER/{number}.DAT", 1000, 1,
        0.0 if number == 3 else 120.25 + number, 200 + number % 50,
    )  # fmt: skip


def expected(number: int) -> DeviceTrack:
    bpm = None if number == 3 else 120.25 + number
    return DeviceTrack(
        f"/Contents/{number}.mp3", f"/PIONEER/{number}.DAT", bpm, 200.0 + number % 50
    )


def stick(count: int) -> bytearray:
    return bytearray(database(Contents("2026-12-01", [row_of(i + 1) for i in range(count)])))


def page_of_rows(data: bytes) -> int:
    """Where the first page of the table of tracks that has rows begins."""
    for at in range(PAGE, len(data), PAGE):
        if struct.unpack_from("<I", data, at + 8)[0] == 0 and not data[at + 0x1B] & 0x40:
            return at
    raise AssertionError("no track in the database")


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 33, 200])
def test_all_tracks_of_a_stick_are_read(count: int) -> None:
    assert device_reader.tracks(bytes(stick(count))) == [expected(i + 1) for i in range(count)]


@pytest.mark.parametrize("gone", [0, 1, 7, 8, 15, 16, 19])
def test_a_deleted_track_is_not_read(gone: int) -> None:
    """A page with 20 rows, as one has after many changes: all of them but one were deleted."""
    data = stick(1)
    at = page_of_rows(data)
    data[at + 0x18 : at + 0x1B] = (1 << 13 | 20).to_bytes(3, "little")
    for row in range(20):
        group = at + PAGE - 36 * (row // 16)
        struct.pack_into("<H", data, group - 6 - 2 * (row % 16), 0 if row == gone else 60_000)
        struct.pack_into("<H", data, group - 4, 1 << gone % 16 if row // 16 == gone // 16 else 0)
    assert device_reader.tracks(bytes(data)) == [expected(1)]


def test_a_damaged_database_is_refused_with_the_reason() -> None:
    at = page_of_rows(stick(3))

    def refused(place: int, form: str, *values: int) -> str:
        data = stick(3)
        struct.pack_into(form, data, place, *values)
        with pytest.raises(ValueError) as raised:
            device_reader.tracks(bytes(data))
        return str(raised.value)

    for size in (0, 511, 65_537):
        assert refused(4, "<I", size) == "not the database of a stick"
    assert refused(8, "<I", 101) == "not the database of a stick"
    assert refused(28, "<I", 77) == "has no table of tracks"
    assert "does not belong to the table of tracks" in refused(at + 8, "<I", 5)
    assert "does not belong to the table of tracks" in refused(at + 4, "<I", 99)
    full = (PAGE - 40) // 2
    assert refused(at + 0x18, "<H", full + 1) == "more rows than its length allows"
    with pytest.raises(ValueError, match="cut short"):
        device_reader.tracks(bytes(stick(3)[:30]))
    with pytest.raises(ValueError, match="cut short"):
        device_reader.tracks(b"")


def test_pages_in_a_cycle_are_read_once() -> None:
    data = stick(3)
    at = page_of_rows(data)
    tables = struct.unpack_from("<I", data, 8)[0]
    heads = [28 + 16 * i for i in range(tables)]
    (head,) = [h for h in heads if struct.unpack_from("<I", data, h)[0] == 0]
    struct.pack_into("<I", data, head + 12, 0xFFFF)  # a last page that never comes
    struct.pack_into("<I", data, at + 12, at // PAGE)
    with pytest.raises(ValueError, match="cycle"):
        device_reader.tracks(bytes(data))


def test_a_text_beyond_its_page_is_refused() -> None:
    data = stick(1)
    row = page_of_rows(data) + 40
    struct.pack_into("<H", data, row + 94 + 2 * 20, PAGE - 40)
    with pytest.raises(ValueError, match="beyond its page"):
        device_reader.tracks(bytes(data))


def test_types_of_files_are_those_of_rekordbox() -> None:
    assert device_sql.FILE_TYPES == {
        ".mp3": 1, ".m4a": 4, ".flac": 5, ".wav": 11, ".aif": 12, ".aiff": 12,
    }  # fmt: skip


# A cue of an .EXT file, put together here from the published format.
def cue(name: bytes, colour: bytes = b"", magic: bytes = b"PCP2", pad: int = 3, kind: int = 1,
        more: int = 0, length: int | None = None) -> bytes:  # fmt: skip
    whole = 44 + len(name) + len(colour)
    head = struct.pack(">4sIIIB3xII", magic, 16, whole + more, pad, kind, 1500, 2500)
    size = struct.pack(">I", len(name) if length is None else length)
    return head + bytes(12) + size + name + colour


def file_of(*cues: bytes, count: int | None = None, tag: bytes = b"PCO2") -> bytes:
    body = b"".join(cues)
    number = len(cues) if count is None else count
    head = struct.pack(">4sIIIHH", tag, 20, 20 + len(body), 1, number, 0)
    return struct.pack(">4sI", b"PMAI", 28) + bytes(20) + head + body


NAME = "Drop ☾".encode("utf-16-be") + b"\0\0"


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (cue(NAME, b"\x05\1\2\3"), PlayerCue(1.5, "Drop ☾", (1, 2, 3), 2)),
        (cue(NAME, b"\x05\1\2\3", pad=1), PlayerCue(1.5, "Drop ☾", (1, 2, 3), 0)),
        (cue(NAME, b"\x05\1\2\3", pad=0), PlayerCue(1.5, "Drop ☾", (1, 2, 3))),
        (cue(NAME, b"\x05\1\2\3", kind=2), PlayerCue(1.5, "Drop ☾", (1, 2, 3), 2, 2.5)),
        (cue(NAME), PlayerCue(1.5, "Drop ☾", WHITE, 2)),
        (cue(b""), PlayerCue(1.5, "", WHITE, 2)),
        (cue(b"", b"\0\7\0\0" + bytes(9)), PlayerCue(1.5, "", (7, 0, 0), 2)),
    ],
)
def test_a_cue_is_read_with_name_colour_and_end(data: bytes, read: PlayerCue) -> None:
    assert analysis_reader.cues(file_of(data)) == [read]
    assert analysis_reader.cues(file_of(cue(NAME), data, cue(b"")))[1] == read
    assert analysis_reader.cues(file_of(data, tag=b"PCOX")) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (file_of(cue(NAME, magic=b"PCPT")), "a cue extends beyond its end"),
        (file_of(cue(NAME, more=1)), "a cue extends beyond its end"),
        (file_of(cue(NAME, more=-44 - len(NAME) + 43)), "a cue extends beyond its end"),
        (file_of(cue(NAME, length=len(NAME) + 1)), "a name extends beyond its cue"),
        (file_of(cue(NAME), count=2), "cut short"),
        (file_of(*[cue(b"")] * 1001), "more than 1000 cues"),
        (file_of(cue(NAME))[:-1], "a tag extends beyond its end"),
        (b"PMAX" + file_of()[4:], "not an analysis file of a player"),
    ],
)
def test_a_damaged_file_of_cues_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        analysis_reader.cues(data)


def test_the_largest_number_of_cues_is_read() -> None:
    assert len(analysis_reader.cues(file_of(*[cue(b"")] * 1000))) == 1000


def test_written_cues_come_back() -> None:
    cues = [
        PlayerCue(0.025, "Intro", (255, 0, 0), 0), PlayerCue(15.025, "Drop 1 ☾", (0, 255, 16), 3),
        PlayerCue(0.5, "", (1, 2, 3)), PlayerCue(7.5, "Loop", (9, 9, 9), end=15.0),
    ]  # fmt: skip
    beats = [Beat(1 + i % 4, 120.0, 0.5 * i) for i in range(8)]
    ext = analysis_file.ext_file("/a.mp3", beats, cues, waveforms(None, 4.0), [])
    assert analysis_reader.cues(ext) == cues
    assert analysis_reader.grid(ext) == []


def grid_file(entries: list[tuple[int, int, int]], count: int | None = None) -> bytes:
    body = b"".join(struct.pack(">HHI", *entry) for entry in entries)
    number = len(entries) if count is None else count
    head = struct.pack(">4sIIIII", b"PQTZ", 24, 24 + len(body), 0, 0x80000, number)
    return struct.pack(">4sI", b"PMAI", 28) + bytes(20) + head + body


def test_a_grid_is_read_to_its_count_and_no_further() -> None:
    entries = [(1, 12850, 20), (2, 12850, 487)]
    beats = [Beat(1, 128.5, 0.02), Beat(2, 128.5, 0.487)]
    assert analysis_reader.grid(grid_file(entries)) == beats
    assert analysis_reader.grid(grid_file(entries, 1)) == beats[:1]
    assert analysis_reader.grid(grid_file([])) == []
    with pytest.raises(ValueError, match="more beats than its length allows"):
        analysis_reader.grid(grid_file(entries, 3))
    entries = [(1, 12000, i) for i in range(200_001)]
    assert len(analysis_reader.grid(grid_file(entries[:-1]))) == 200_000
    with pytest.raises(ValueError, match="more beats"):
        analysis_reader.grid(grid_file(entries))


# Engine's fields, put together here where a writer of dropgrid's would not write them.
def test_an_engine_track_without_grid_cues_or_loops_is_read() -> None:
    assert blobs.unpack_grid(b"") == (0.0, [])
    assert blobs.unpack_grid(blobs.pack_grid(44100.0, 100, [])) == (44100.0, [])
    assert blobs.unpack_cues(b"") == blobs.unpack_cues(blobs.pack_cues([], 0.0)) == []
    assert blobs.unpack_loops(b"") == blobs.unpack_loops(blobs.pack_loops([])) == []
    assert blobs.unpack_loops(struct.pack("<q", 0)) == []
    assert blobs.unpack_cues(blobs._deflated(struct.pack(">q", 0))) == []


def engine_grid_field(rate: float, is_set: int, sample: float = 0.5) -> bytes:
    """A field with one marker as analysed and another as set."""
    body = b"".join(
        struct.pack(">q", 1) + struct.pack("<dqii", at, beat, 0, 0)
        for at, beat in ((9.5, -8), (sample, -4))
    )
    return blobs._deflated(struct.pack(">ddB", rate, 1000.0, is_set) + body)


def test_the_engine_grid_that_counts_is_the_one_that_is_set() -> None:
    assert blobs.unpack_grid(engine_grid_field(48000.0, 1)) == (48000.0, [blobs.Marker(0.5, -4)])
    assert blobs.unpack_grid(engine_grid_field(48000.0, 0)) == (48000.0, [])
    for rate in (0.0, -1.0, 1e7, math.nan, math.inf):
        with pytest.raises(ValueError, match="samples per second"):
            blobs.unpack_grid(engine_grid_field(rate, 1))
    with pytest.raises(ValueError, match="not a number"):
        blobs.unpack_grid(engine_grid_field(48000.0, 1, math.nan))


def loop(start: float, end: float, has_start: int = 1, has_end: int = 1) -> bytes:
    return b"\1x" + struct.pack("<ddBB4B", start, end, has_start, has_end, 255, 1, 2, 3)


def test_only_loops_with_a_start_and_a_later_end_are_read() -> None:
    wrong = [loop(1, 2, 0), loop(1, 2, 1, 0), loop(2, 2), loop(-1, 2), loop(1, math.inf),
             loop(math.nan, 2)]  # fmt: skip
    whole = struct.pack("<q", 8) + b"".join([*wrong, loop(0, 2), loop(3, 4.5)])
    assert blobs.unpack_loops(whole) == [
        blobs.EngineLoop(0, 2, "x", (1, 2, 3)), blobs.EngineLoop(3, 4.5, "x", (1, 2, 3)),
    ]  # fmt: skip


def test_only_cues_at_a_time_of_the_track_are_read() -> None:
    times = (-1.0, 0.0, math.nan, math.inf, 7.5)
    body = b"".join(b"\1x" + struct.pack(">d4B", time, 255, 1, 2, 3) for time in times)
    found = blobs.unpack_cues(blobs._deflated(struct.pack(">q", len(times)) + body))
    assert [(cue.pad, cue.sample, cue.name, cue.colour) for cue in found] == [
        (1, 0.0, "x", (1, 2, 3)), (4, 7.5, "x", (1, 2, 3)),
    ]  # fmt: skip


def test_no_more_than_eight_loops_are_written() -> None:
    loops = [blobs.EngineLoop(i, i + 0.5, str(i), (0, 0, 0)) for i in range(10)]
    assert blobs.unpack_loops(blobs.pack_loops(loops)) == loops[:8]


def test_a_field_may_have_four_megabytes_and_no_more() -> None:
    most = 4 * 2**20
    field = blobs._deflated(struct.pack(">q", 0) + bytes(most - 8))
    assert blobs.unpack_cues(field) == []
    with pytest.raises(ValueError, match=f"{most + 1} bytes in a field"):
        blobs.unpack_cues(blobs._deflated(struct.pack(">q", 0) + bytes(most - 7)))


def test_rate_length_and_key_of_a_track() -> None:
    for key, number in ((None, 0), (5, 5)):
        data = blobs._inflated(blobs.pack_track(44100.0, 12345, key))
        assert struct.unpack_from(">dqi", data) == (44100.0, 12345, number) and len(data) == 44


@pytest.mark.parametrize("bends", [[], [1], [98], [1, 98], [40], [40, 41], [3, 30, 60, 97]])
def test_a_line_is_kept_by_its_bends(bends: list[int]) -> None:
    """Also where the bend is the last point but one: a last beat that comes early."""
    x = np.arange(100)
    slopes = np.array([1.0 + 0.5 * sum(bend <= i for bend in bends) for i in range(99)])
    y = np.concatenate([[3.0], 3.0 + np.cumsum(slopes)])
    assert engine_grid.kept_points(x, y, 0.01) == [0, *bends, 99]


def test_points_that_lie_beside_the_line_by_no_more_than_allowed_are_left_out() -> None:
    x, y = np.arange(3), np.array([0.0, 0.25, 0.0])
    assert engine_grid.kept_points(x, y, 0.25) == [0, 2]
    assert engine_grid.kept_points(x, y, 0.24) == [0, 1, 2]
    assert engine_grid.kept_points(x[:2], y[:2], 0.1) == [0, 1]


@pytest.mark.parametrize(
    ("number", "before", "nearest"),
    [(9, 0, 8), (11, 0, 12), (9, 8, 12), (9, 7, 8), (5, 12, 16), (5, 13, 16), (5, 15, 16)],
)
def test_a_downbeat_has_the_nearest_free_multiple_of_four(
    number: int, before: int, nearest: int
) -> None:
    assert engine_grid._nearest_multiple(number, before) == nearest


def test_beats_between_markers_are_equally_long() -> None:
    marks = [blobs.Marker(-100.0, -4), blobs.Marker(300.0, 0), blobs.Marker(500.0, 4)]
    inside = [0.0, 1.0, 2.0, 3.0, 3.5, 4.0, 4.5]
    assert engine_grid.beats(marks, 100.0, 9.0, 8) == inside
    assert engine_grid.beats(marks, 100.0, 4.0, 8) == inside[:6]
    assert engine_grid.beats(marks, 100.0, 9.0, 8, before_0=True) == [-1.0, *inside]
    with pytest.raises(ValueError, match="more than 7 beats"):
        engine_grid.beats(marks, 100.0, 9.0, 7)
    for wrong in (blobs.Marker(300.0, 4), blobs.Marker(400.0, 0)):
        with pytest.raises(ValueError, match="out of order"):
            engine_grid.beats([marks[1], wrong], 100.0, 9.0, 8)


def test_a_waveform_has_the_heights_and_colours_of_its_bands() -> None:
    """Two stretches: loud bass, then half as loud treble; heights are amplitudes to 0.6."""
    bands = np.zeros((300, 4), np.float32)
    bands[:150, [0, 1]] = 0.8
    bands[150:, 0], bands[150:, 3] = 0.4, 0.2
    bands[:10, 3] = 0.1  # half of the treble
    waves = waveforms(bands, 2.0)
    half = 0.5**0.6
    assert waves.detail[[100, 250]].tolist() == [31, 7 << 5 | round(31 * half)]
    assert waves.detail[5] == round(7 * half) << 5 | 31
    assert waves.tiny[[20, 80]].tolist() == [15, round(15 * half)]
    assert waves.preview[[100, 300]].tolist() == [31, 7 << 5 | round(31 * half)]
    loud = round(127 * half)
    assert waves.colour_preview[900].tolist() == [loud, 255 - loud, loud, 0, 0, 127]
    assert waves.colour_preview[300].tolist() == [127, 128, 127, 127, 0, 0]
    packed = [int.from_bytes(bytes(waves.colour_detail[at]), "big") for at in (100, 250)]
    assert packed == [7 << 13 | 31 << 2, 7 << 7 | round(31 * half) << 2]
    assert waves.band_preview[900].tolist() == [0, 0, 42]
    assert waves.band_detail[5].tolist() == [127, 0, 64] and len(waves.band_detail) == 300
