"""MP4's atoms, Ogg's pages, FLAC's ends, Serato's tags and mixes of channels, byte by byte."""

from __future__ import annotations

import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dropgrid.audio import channels, dj_tags, flac, mp4, ogg, serato
from dropgrid.audio.ogg import Link
from mutagen.id3 import COMM, POPM


def written(folder: Path, data: bytes) -> Path:
    path = folder / "a"
    path.write_bytes(data)
    return path


def atom(name: bytes, data: bytes, wide: bool = False) -> bytes:
    if wide:
        return b"\0\0\0\1" + name + (len(data) + 16).to_bytes(8, "big") + data
    return (len(data) + 8).to_bytes(4, "big") + name + data


def clock(name: bytes, ticks: int, length: int, wide: bool = False) -> bytes:
    size = 8 if wide else 4
    data = bytes([wide, 0, 0, 0]) + bytes(2 * size) + ticks.to_bytes(4, "big")
    return atom(name, (data + length.to_bytes(size, "big")).ljust(60, b"\0"))


def edits(*entries: tuple[int, int], wide: bool = False) -> bytes:
    size = 8 if wide else 4
    data = bytes([wide, 0, 0, 0]) + len(entries).to_bytes(4, "big")
    for played, start in entries:
        data += (
            played.to_bytes(size, "big") + start.to_bytes(size, "big", signed=True) + b"\0\1\0\0"
        )
    return atom(b"elst", data)


def m4a(*parts: bytes, wide: bool = False) -> bytes:
    moov = atom(b"moov", b"".join(parts))
    return atom(b"ftyp", b"M4A ") + atom(b"mdat", bytes(50), wide) + moov


MVHD, MDHD = clock(b"mvhd", 1000, 12_000), clock(b"mdhd", 44100, 44100 * 10)


@pytest.mark.parametrize("wide", [False, True])
def test_an_edit_list_says_what_is_no_music(tmp_path: Path, wide: bool) -> None:
    movie, media = clock(b"mvhd", 1000, 12_000, wide), clock(b"mdhd", 44100, 441_000, wide)

    def found(*entries: tuple[int, int]) -> mp4.EditList | None:
        listed = edits(*entries, wide=wide)
        return mp4.edit_list(written(tmp_path, m4a(movie, listed, media, wide=wide)))

    # 10 s are coded, the first 2205 samples are none of the music, of which 9.5 s are played
    assert found((9500, 2205)) == mp4.EditList(True, pytest.approx(0.45))
    assert found((9500, 0)) == mp4.EditList(False, pytest.approx(0.5))
    assert found((500, -1), (9500, 2205)) == mp4.EditList(True, pytest.approx(0.45))
    assert found((4000, 2205), (5500, 88_200)) == mp4.EditList(True, pytest.approx(0.45))
    assert found((0, 2205)) == mp4.EditList(True, 0.0)
    assert found() == mp4.EditList(False, 0.0)


def test_without_clocks_an_edit_list_says_nothing(tmp_path: Path) -> None:
    listed = edits((9500, 2205))
    for parts in (
        (MVHD, MDHD), (listed, MDHD), (MVHD, listed), (MVHD, MDHD, listed), (),
        (clock(b"mvhd", 0, 12_000), listed, MDHD), (MVHD, listed, clock(b"mdhd", 0, 441_000)),
    ):  # fmt: skip
        assert mp4.edit_list(written(tmp_path, m4a(*parts))) is None
    assert mp4.edit_list(written(tmp_path, b"no atoms at all")) is None
    assert mp4.edit_list(written(tmp_path, m4a(MVHD, listed, MDHD)[:-1])) is not None
    whole = m4a(MVHD, listed, MDHD)
    assert mp4.edit_list(written(tmp_path, whole[: whole.find(b"mdhd") + 39])) is None
    assert mp4.edit_list(written(tmp_path, whole[: whole.find(b"mdhd") + 40])) is not None


def test_mp4_files_are_counted_by_their_first_atoms(tmp_path: Path) -> None:
    one = m4a(MVHD, MDHD)
    for count in (1, 2, 3):
        assert mp4.count_files(written(tmp_path, count * one)) == count
    assert mp4.count_files(written(tmp_path, m4a(MVHD, wide=True) + one)) == 2
    assert mp4.count_files(written(tmp_path, one + b"text between" + one)) == 2
    assert mp4.count_files(written(tmp_path, one + b"text behind")) == 1
    assert mp4.count_files(written(tmp_path, one + bytes(2**20 - 8) + one)) == 2
    assert mp4.count_files(written(tmp_path, one + bytes(2**20) + one)) == 1
    assert mp4.count_files(written(tmp_path, one[:-1])) == 1
    empty = atom(b"free", b"")
    assert mp4.count_files(written(tmp_path, one + empty + one)) == 2


def page(
    number: int, position: int | None, flags: int = 0, body: bytes = b"music", **more: Any
) -> bytes:
    place = 2**64 - 1 if position is None else position
    head = b"OggS\0" + bytes([flags]) + place.to_bytes(8, "little") + more.get("serial", b"abcd")
    head += number.to_bytes(4, "little") + bytes(4) + bytes([1, len(body)])
    data = head + body
    data = data[:22] + ogg._checksum(data).to_bytes(4, "little") + data[26:]
    return data[:-1] + b"?" if more.get("damaged") else data


def song(*, last: bool = True, serial: bytes = b"abcd") -> bytes:
    return (
        page(0, 0, 2, serial=serial)
        + page(1, 500, serial=serial)
        + page(2, 900, 4 * last, serial=serial)
    )


PAGE = 28 + 5


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (song(), [Link(0, 3 * PAGE, True)]),
        (song(last=False), [Link(0, 3 * PAGE, False)]),
        (song() + song(serial=b"xyzw"), [Link(0, 99, True), Link(99, 198, True)]),
        (song(last=False) + song(), [Link(0, 99, False), Link(99, 198, True)]),
        (song() + b"behind", [Link(0, 99, True)]),
        (song(last=False) + b"behind", [Link(0, 99, False, cut=True)]),
        (song(last=False) + page(3, 950)[:-1], [Link(0, 99, False, cut=True)]),
        (song() + b"text" + song(), [Link(0, 103, True), Link(103, 202, True)]),
        (page(0, 0, 2) + page(2, 500) + page(3, 900, 4), [Link(0, 99, True, lost=1)]),
        (page(0, 0, 2) + page(4, 900, 4), [Link(0, 66, True, lost=3)]),
        (page(0, 0, 2) + page(1, 500, damaged=True) + page(2, 900, 4),
         [Link(0, 99, True, lost=1)]),
        (page(0, 0, 2) + page(1, 500) + page(1, 500) + page(2, 900, 4), [Link(0, 132, True)]),
        (page(0, 0, 2) + page(1, 900) + page(2, 500, 4), [Link(0, 99, True, backward=True)]),
        (page(0, 0, 2) + page(1, 900) + page(2, 900, 4), [Link(0, 99, True)]),
        (page(0, 0, 2) + page(1, 900) + page(2, None, 4), [Link(0, 99, True)]),
        (page(0, 0, 2) + page(1, None, 1) + page(2, 900, 5), [Link(0, 99, True)]),
        (page(0, 0, 2) + page(1, 0x100) + page(2, 0x0F, 4), [Link(0, 99, True, backward=True)]),
        (page(0, 0, 2) + page(0, 0, 2, serial=b"xbcd") + page(1, 5, 4, serial=b"xbcd"),
         [Link(0, 99, False)]),
        (page(0, 0, 2) + page(0, 0, 2, serial=b"2222") + page(1, 500, 4), [Link(0, 99, False)]),
        (page(0, 0, 2) + page(0, 0, 2, serial=b"2222") + page(1, 5, 4, serial=b"2222")
         + page(1, 500, 4), [Link(0, 132, True)]),
        (b"nothing", []), (b"", []), (page(0, 0, 2)[:-1], []), (b"OggS\0" + bytes(21), []),
    ],
)  # fmt: skip
def test_the_recordings_of_an_ogg_file(tmp_path: Path, data: bytes, expected: list[Link]) -> None:
    path = written(tmp_path, data)
    assert ogg.links(path, 9) == expected
    assert ogg.links(path, 1) == expected[:1]


def test_no_more_recordings_are_looked_for_than_asked(tmp_path: Path) -> None:
    path = written(tmp_path, 5 * song())
    for most in (1, 3, 5):
        assert len(ogg.links(path, most)) == most


def test_a_page_may_have_no_body_or_the_most(tmp_path: Path) -> None:
    full = b"OggS\0\2" + bytes(8) + b"abcd" + bytes(8) + bytes([255]) + bytes([255]) * 255
    data = full + bytes(255 * 255)
    assert [(link.start, link.end) for link in ogg.links(written(tmp_path, data), 9)] == [
        (0, 27 + 255 + 65025)
    ]
    assert ogg.links(written(tmp_path, data[:-1]), 9) == []
    bare = b"OggS\0\2" + bytes(8) + b"abcd" + bytes(8) + b"\0"
    assert [(link.start, link.end) for link in ogg.links(written(tmp_path, bare), 9)] == [(0, 27)]


def crc8(data: bytes) -> int:
    value = int.from_bytes(data, "big") << 8
    while value.bit_length() > 8:
        value ^= 0x107 << value.bit_length() - 9
    return value


def flac_frame(number: int, code: int = 12, more: bytes = b"") -> bytes:
    coded = bytes([number]) if number < 128 else chr(number).encode()
    head = bytes([0xFF, 0xF8, code << 4 | 9, 0x10]) + coded + more
    return (head + bytes([crc8(head)])).ljust(50, b"\0")


def flac_file(samples: int, *frames: bytes, block: int = 4096) -> bytes:
    info = (
        block.to_bytes(2, "big") * 2
        + bytes(6)
        + (44100 << 44 | 1 << 41 | 15 << 36 | samples).to_bytes(8, "big")
    )
    return b"fLaC\x80\0\0\x22" + info + bytes(16) + b"".join(frames)


@pytest.mark.parametrize(
    ("code", "size"),
    [(1, 192), (2, 576), (3, 1152), (4, 2304), (5, 4608), (8, 256), (9, 512), (12, 4096),
     (15, 32768), (0, None)],
)  # fmt: skip
def test_the_sizes_of_flac_blocks(code: int, size: int | None) -> None:
    found = flac._frame(flac_frame(2, code)[: flac.LONGEST], 1000)
    assert found == (None if size is None else (2000, 2000 + size))


def test_frames_that_follow_each_other_reach_the_end(tmp_path: Path) -> None:
    three = [flac_frame(i) for i in (4, 5, 6)]
    path = written(tmp_path, flac_file(123, *three))
    declared, found = flac.declared_and_found(path)
    assert (declared, found) == (123, 7 * 4096)
    alone = written(tmp_path, flac_file(123, flac_frame(4), flac_frame(9)))
    assert flac.declared_and_found(alone) == (123, None)
    tagged = written(tmp_path, b"ID3\4\0\0\0\0\0\5" + bytes(5) + flac_file(2**36 - 1, *three))
    assert flac.declared_and_found(tagged) == (2**36 - 1, 7 * 4096)
    assert flac.declared_and_found(written(tmp_path, b"fLaX" + bytes(60))) == (0, None)
    assert flac.declared_and_found(written(tmp_path, flac_file(123)[:41])) == (0, None)
    assert flac.declared_and_found(written(tmp_path, flac_file(123))) == (123, None)


def grid(*markers: tuple[float, int], last: tuple[float, float] = (10.0, 120.0)) -> bytes:
    return serato.pack_grid(serato.Grid(markers, last))


def test_a_grid_of_seratos_byte_by_byte() -> None:
    data = grid((0.5, 4), last=(2.5, 120.0))
    assert data == (b"\1\0\0\0\0\2" + struct.pack(">fIff", 0.5, 4, 2.5, 120.0) + b"\0")
    for whole in (data, data + b"x"):
        assert serato.unpack_grid(whole) == serato.Grid(((0.5, 4),), (2.5, 120.0))
    with pytest.raises(ValueError, match="of 2 markers has not 22 bytes"):
        serato.unpack_grid(data[:-1])
    with pytest.raises(ValueError, match="of 2 markers has not 25 bytes"):
        serato.unpack_grid(data + b"xy")
    assert serato.unpack_grid(grid(last=(2.5, 120.0))) == serato.Grid((), (2.5, 120.0))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (grid()[:14], "not a beat grid"), (b"\1\1" + grid()[2:], "not a beat grid"),
        (b"\1\0\0\0\0\0" + bytes(9), "of 0 markers"),
        (grid((10.0, 4)), "do not ascend"), (grid((11.0, 4)), "do not ascend"),
        (grid((-90_000.0, 4)), "outside any music"), (grid(last=(90_000.0, 120.0)), "outside"),
        (grid(last=(1.0, 0.5)), "no tempo"), (grid(last=(1.0, 1001.0)), "no tempo"),
        (grid((0.0, 167)), "no tempo"), (grid((-1000.0, 1)), "no tempo"),
        (grid(last=(float("nan"), 120.0)), "outside"),
    ],
)  # fmt: skip
def test_a_grid_that_is_none_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        serato.unpack_grid(data)


@pytest.mark.parametrize(
    "data",
    [grid(last=(1.0, 1.0)), grid(last=(1.0, 1000.0)), grid(last=(86_400.0, 120.0)),
     grid((-86_400.0, 144_002), last=(0.0, 120.0)), grid((0.0, 166))],
)  # fmt: skip
def test_a_grid_on_the_edge_is_one(data: bytes) -> None:
    assert serato.pack_grid(serato.unpack_grid(data)) == data


def test_marks_of_seratos_byte_by_byte() -> None:
    cue, loop = serato.Cue(2, 1500, "A", b"\1\2\3"), serato.Cue(1, 500, "B", end=900)
    data = serato.pack_markers2([cue, loop], locked=True)
    assert len(data) == 470 and data.startswith(b"\1\1") and data.endswith(b"\0")
    body = serato._bytes_of(data[2:].rstrip(b"\0"))
    expected = b"\1\1COLOR\0\0\0\0\4\0\xff\xff\xff"
    expected += b"CUE\0\0\0\0\x0e\0\2\0\0\5\xdc\0\1\2\3\0\0A\0"
    expected += b"LOOP\0\0\0\0\x16\0\1\0\0\1\xf4\0\0\3\x84\xff\xff\xff\xff\0\x27\xaa\xe1\0\0B\0"
    expected += b"BPMLOCK\0\0\0\0\1\1"
    assert body == expected + b"\0"
    cues, locked = serato.unpack_markers2(data)
    assert cues == [cue, serato.Cue(1, 500, "B", b"\x27\xaa\xe1", end=900)] and locked
    many = serato.pack_markers2([serato.Cue(i % 8, 1000 * i, "name" * 9) for i in range(20)])
    assert len(many) > 470 and many[-1] == 0 and many[-2] != 0
    assert len(serato.unpack_markers2(many)[0]) == 20
    (named,), locked = serato.unpack_markers2(serato.pack_markers2([serato.Cue(0, 1, "n" * 60)]))
    assert named.name == "n" * 51 and not locked
    lines = many[2:-1].split(b"\n")
    assert {len(line) for line in lines[:-1]} == {72} and 0 < len(lines[-1]) <= 72


@pytest.mark.parametrize("data", [b"", b"\1\2" + bytes(40), b"\1\1" + serato._lines(b"\1\2CUE\0")])
def test_marks_of_another_version_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"version 1\.1"):
        serato.unpack_markers2(data)


def entry(name: bytes, data: bytes) -> bytes:
    return name + b"\0" + len(data).to_bytes(4, "big") + data


def test_marks_that_are_too_short_are_passed_over() -> None:
    def unpacked(*entries: bytes) -> tuple[list[serato.Cue], bool]:
        return serato.unpack_markers2(b"\1\1" + serato._lines(b"\1\1" + b"".join(entries)))

    cue = b"\0\1\0\0\3\xe8\0\1\2\3\0\0"
    assert unpacked(entry(b"CUE", cue), entry(b"BPMLOCK", b"\0\1")) == ([], True)
    assert unpacked(entry(b"CUE", cue + b"\0")) == ([serato.Cue(1, 1000, "", b"\1\2\3")], False)
    loop = b"\0\1\0\0\3\xe8\0\0\7\xd0\xff\xff\xff\xff\0\4\5\6\0\0"
    assert unpacked(entry(b"LOOP", loop)) == ([], False)
    assert unpacked(entry(b"LOOP", loop + b"\0")) == (
        [serato.Cue(1, 1000, "", b"\4\5\6", 2000)], False,
    )  # fmt: skip
    assert unpacked(entry(b"BPMLOCK", b"\0")) == ([], False)
    assert unpacked(entry(b"FLIP", b"xyz"), b"\0", entry(b"CUE", cue + b"\0")) == ([], False)


def test_old_cues_are_those_that_are_set() -> None:
    unset, mp4_unset = b"\x7f" + bytes(21), b"\x7f" * 4 + bytes(15)
    for one, other in ((unset, bytes(22)), (mp4_unset, bytes(19))):
        for place in range(14):
            entries = [one] * 14
            whole = b"\2\5\0\0\0\x0e" + b"".join(entries) + bytes(4)
            assert not serato.has_old_cues(whole)
            entries[place] = other
            assert serato.has_old_cues(whole[:6] + b"".join(entries) + whole[-4:])
    assert not serato.has_old_cues(bytes(6) + b"\xff" * 14 * 19 + bytes(5))
    late = bytes(6) + b"\xff" * 13 * 19 + bytes(19) + b"\xff" * 5
    assert serato.has_old_cues(late) and serato.has_old_cues(late[:-1])
    assert not serato.has_old_cues(b"")
    assert serato.has_old_cues(b"unknown")


def test_tempo_and_envelope_of_seratos() -> None:
    assert serato.pack_autotags(127.996) == b"\1\x01128.00\0000.000\0000.000\0"
    assert serato.pack_autotags(90.5, -3.25) == b"\1\x0190.50\0-3.250\0000.000\0"
    for count in range(100, 104):
        data = bytes(range(count))
        text = serato.wrap("Serato Autotags", data)
        assert {len(line) for line in text.split("\n")[:-1]} == {72}
        name, found = serato.unwrap(text)
        assert name == "Serato Autotags" and found[: len(data)] == data and len(found) <= count + 1
    with pytest.raises(ValueError, match="not an envelope"):
        serato.unwrap(serato._lines(b"text/plain\0\0Serato X\0abc").decode())
    with pytest.raises(ValueError, match="not an envelope"):
        serato.unwrap(serato._lines(serato.MIME + b"\0\0Serato X").decode())


def test_a_grids_beats_begin_in_the_music() -> None:
    found = serato.beats_of(serato.Grid(((-1.0, 3),), (2.0, 60.0)), 4.0)
    assert found == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.0])
    assert serato.beats_of(serato.Grid((), (0.0, 120.0)), 0.99) == [0.0, 0.5]
    assert serato.beats_of(serato.Grid((), (5.0, 120.0)), 1.0) == [5.0]


STEP = 1 / 32768


@pytest.mark.parametrize("layout", ["C", "F"])
def test_a_mix_is_the_mean_cut_towards_zero_and_half_the_difference(layout: Any) -> None:
    block = np.array([[3, 4], [-3, -4], [1.4, 1.6], [40_000, 0], [-40_000, 0]]) * STEP
    block = np.asarray(block, np.float32, order=layout)
    mixed = channels.mix(block) / STEP
    assert mixed[:, 0].tolist() == [3, -3, 1, 16383, -16384]
    assert mixed[:, 1].tolist() == [-0.5, 0.5, -0.5, 16383.5, -16384]


def test_mono_has_no_difference_and_surround_the_mean_of_all() -> None:
    mono = channels.mix(np.array([[3.0], [-2.6]], np.float32) * np.float32(STEP)) / STEP
    assert mono.tolist() == [[3, 0], [-3, 0]]
    three = channels.mix(np.array([[3, 4, 10], [-3, -4, 0]], np.float32) * np.float32(STEP)) / STEP
    assert three.tolist() == [[5, -0.5], [-2, 0.5]]
    six = channels.mix(np.full((4, 6), 6 * STEP, np.float32)) / STEP
    assert six.tolist() == [[6, 0]] * 4
    loud = np.array([[40_000, 0, 0], [40_000, 2, 0], [-40_000, -1, 0]]) * STEP
    assert (channels.mix(loud)[:, 0] / STEP).tolist() == [10922, 10923, -10923]
    double = np.array([[3.0, 4.0], [40_000.0, 0.0]]) * STEP
    assert (channels.mix(double) / STEP).tolist() == [[3, -0.5], [16383, 16383.5]]
    strided = np.zeros((4, 4), np.float32)
    strided[:, 0], strided[:, 2] = 5 * STEP, 7 * STEP
    assert (channels.mix(strided[:, ::2]) / STEP).tolist() == [[6, -1]] * 4


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_largest_magnitude_is_infinite_where_one_is_no_number(kind: Any) -> None:
    block = np.array([[0.25, -0.75], [0.5, 0.0]], kind)
    assert channels.largest(block) == 0.75
    assert channels.largest(-block) == 0.75
    assert channels.largest(block[:, :1]) == 0.5
    assert channels.largest(block[:0]) == 0
    for odd in (np.nan, np.inf, -np.inf):
        block[1, 1] = odd
        assert channels.largest(block) == np.inf


def test_every_number_of_channels_has_its_positions() -> None:
    for table in (channels.POSITIONS, channels.VORBIS_POSITIONS):
        for count, names in table.items():
            assert channels.mix(np.zeros((3, count), np.float32)).tolist() == [[0, 0]] * 3
            assert len(set(names.split())) == count
    for count, names in channels.VORBIS_POSITIONS.items():
        assert set(names.split()) == set(channels.POSITIONS[count].split())
    assert sorted(channels.POSITIONS) == list(range(1, 9))
    assert sorted(channels.VORBIS_POSITIONS) == [3, 5, 6, 7, 8]


def rated(**fields: Any) -> int:
    return dj_tags._rating(fields)


@pytest.mark.parametrize(
    ("byte", "stars"),
    [(0, 0), (1, 1), (31, 1), (32, 2), (95, 2), (96, 3), (159, 3), (160, 4), (223, 4), (224, 5),
     (255, 5)],
)  # fmt: skip
def test_stars_of_id3(byte: int, stars: int) -> None:
    assert dj_tags._rating({"popm:someone": POPM(email="someone", rating=byte)}) == stars


@pytest.mark.parametrize(
    ("name", "value", "stars"),
    [
        ("fmps_rating", "0.5", 2), ("fmps_rating", "0.7", 4), ("fmps_rating", "1.0", 5),
        ("fmps_rating", "7", 5), ("fmps_rating", "-1", 0), ("fmps_rating", "nan", 0),
        ("rating", "100", 5), ("rating", "60", 3), ("rating", "5", 5), ("rating", "1", 1),
        ("rating", "0", 0), ("rating", "6", 0), ("rating", "200", 5), ("rating", "nan", 0),
        ("rating", "good", 0), ("rate", "80", 4), ("wm/shareduserrating", "99", 5),
        ("rating", [], 0), ("rating", ["40", "100"], 2), ("title", "5", 0),
    ],
)  # fmt: skip
def test_stars_of_other_formats(name: str, value: Any, stars: int) -> None:
    assert dj_tags._rating({name: value}) == stars


def test_further_tags_of_a_file() -> None:
    tags: dict[str, Any] = {
        "TPUB": SimpleNamespace(text=["A label"]), "TRCK": SimpleNamespace(text=["(07/12"]),
        "COMM:iTunNORM:eng": COMM(text=["no comment"]), "COMM::eng": COMM(text=["bare"]),
        "composer": ["One", "Two"], "REMIXER": "",
    }  # fmt: skip
    file = SimpleNamespace(tags=tags, info=SimpleNamespace(bitrate=319_600), pictures=())
    assert dj_tags._of(file) == dj_tags.DjTags(
        comment="bare", label="A label", composer="One; Two", number=7, bitrate=320
    )
    assert dj_tags.DjTags() == dj_tags.DjTags("", "", "", "", 0, 0, 0, False)
    empty = SimpleNamespace(tags=None, info=SimpleNamespace(bitrate=None), pictures=())
    assert dj_tags._of(empty) == dj_tags.DjTags("", "", "", "", 0, 0, 0, False)
    many = SimpleNamespace(tags={"composer": [str(i) for i in range(30)]}, info=None, pictures=())
    assert dj_tags._of(many).composer == "; ".join(map(str, range(20)))
