"""Frames, info frames and concatenated MP3s, of frames whose bytes are made here."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest
from dropgrid.audio import mp3, mp3_frames
from dropgrid.audio.mp3 import InfoFrame
from dropgrid.audio.mp3_frames import Frames
from mutagen.mp3 import MPEGFrame

HEAD = b"\xff\xfb\x90\x00"  # MPEG 1, layer III, 128 kbit/s, 44100 Hz: 417 bytes
LENGTH = 417
FRAME = HEAD + bytes(LENGTH - 4)
OTHER = b"\xff\xfb\x94\x00" + bytes(380)  # 48000 Hz


def written(folder: Path, data: bytes) -> Path:
    path = folder / "a.mp3"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("second", "third", "length"),
    [
        (0xFB, 0x90, 417), (0xFA, 0x90, 417), (0xFB, 0x92, 418), (0xFB, 0x94, 384),
        (0xFB, 0x98, 576), (0xFB, 0x10, 104), (0xFB, 0xE0, 1044), (0xFB, 0x50, 208),
        (0xF3, 0x90, 261), (0xF2, 0x90, 261), (0xF3, 0x10, 26), (0xF3, 0xE0, 522),
        (0xE3, 0x90, 522), (0xE3, 0x92, 523), (0xE2, 0x98, 720), (0xF3, 0x94, 240),
        (0xFB, 0x9C, None), (0xFB, 0x00, None), (0xFB, 0xF0, None), (0xEB, 0x90, None),
        (0xFD, 0x90, None), (0xFF, 0x90, None), (0xF9, 0x90, None), (0xDB, 0x90, None),
    ],
)  # fmt: skip
def test_a_frames_length_is_144_or_72_times_its_bitrate_over_its_rate(
    second: int, third: int, length: int | None
) -> None:
    assert mp3_frames.frame_length(bytes([0xFF, second, third, 0])) == length
    assert mp3_frames.frame_length(bytes([0xFE, second, third, 0])) is None
    assert mp3_frames.frame_length(bytes([0xFF, second, third])) is None


def test_rates_and_samples_are_those_of_the_three_versions() -> None:
    for second, rates, samples in (
        (0xFB, (44100, 48000, 32000), 1152),
        (0xF3, (22050, 24000, 16000), 576),
        (0xE3, (11025, 12000, 8000), 576),
    ):
        heads = [bytes([0xFF, second, 0x90 | step << 2, 0]) for step in range(3)]
        assert tuple(map(mp3_frames.rate_of, heads)) == rates
        assert {mp3_frames.samples_of(head) for head in heads} == {samples}
        kinds = {mp3_frames.kind_of(head) for head in heads}
        assert len(kinds) == 3
        padded = bytes([0xFF, second & 0xFE, 0xE2, 0x64])
        assert mp3_frames.kind_of(padded) == mp3_frames.kind_of(heads[0])


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"ID3\4\0\0\0\0\1\2", 140), (b"ID3\4\0\0\0\1\0\0", 10 + 128 * 128),
        (b"ID3\4\0\0\1\0\0\x83", 10 + 128**3 + 3), (b"ID3\4\0\0\0\0\1", 0),
        (b"ID4\4\0\0\0\0\1\2", 0), (b"", 0),
    ],
)  # fmt: skip
def test_a_tag_has_seven_bits_of_size_in_each_of_four_bytes(head: bytes, length: int) -> None:
    assert mp3_frames.end_of_id3(io.BytesIO(head)) == length


def test_the_frames_of_a_file_are_counted_with_gaps_and_a_cut_end(tmp_path: Path) -> None:
    whole = written(tmp_path, 6 * FRAME)
    end = 6 * LENGTH
    assert mp3_frames.survey(whole, 0, end) == Frames(6, False, 0, 1152, 44100)
    assert mp3_frames.survey(whole, LENGTH, end) == Frames(5, False, 0, 1152, 44100)
    assert mp3_frames.survey(whole, 0, end - 1) == Frames(5, True, 0, 1152, 44100)
    assert mp3_frames.survey(whole, 0, 5 * LENGTH + 4) == Frames(5, True, 0, 1152, 44100)
    assert mp3_frames.survey(whole, 0, 5 * LENGTH + 3) == Frames(5, False, 0, 1152, 44100)
    assert mp3_frames.survey(whole, 1, end) is None
    assert Frames(441, False, 0, 1152, 44100).seconds == pytest.approx(11.52)


@pytest.mark.parametrize("between", [b"\0", bytes(1000), b"\xff\xfb" * 40, OTHER])
def test_frames_go_on_behind_other_bytes_where_four_of_one_kind_follow(
    tmp_path: Path, between: bytes
) -> None:
    data = 3 * FRAME + between
    path = written(tmp_path, data + 4 * FRAME)
    size = len(data) + 4 * LENGTH
    assert mp3_frames.survey(path, 0, size) == Frames(7, False, 1, 1152, 44100)
    places = [i * LENGTH for i in range(3)] + [len(data) + i * LENGTH for i in range(4)]
    assert mp3_frames.spans(path, 0, size) == [(at, LENGTH) for at in places]
    assert list(mp3_frames.frames(path, 0, size)) == 7 * [FRAME]
    assert list(mp3_frames.frames(path, 0, size - 1)) == 6 * [FRAME]
    assert mp3_frames.spans(path, 0, size - 1) == [(at, LENGTH) for at in places[:-1]]
    short = written(tmp_path, data + 3 * FRAME)
    found = mp3_frames.survey(short, 0, len(data) + 3 * LENGTH)
    assert found is not None and (found.gaps, found.count) == (0, 3)


def test_frames_of_another_kind_are_no_music_of_this_one(tmp_path: Path) -> None:
    path = written(tmp_path, 4 * FRAME + 6 * OTHER + 4 * FRAME)
    size = 8 * LENGTH + 6 * 384
    assert mp3_frames.survey(path, 0, size) == Frames(8, False, 1, 1152, 44100)
    assert mp3_frames.survey(path, 4 * LENGTH, size) == Frames(6, False, 0, 1152, 48000)


@pytest.mark.parametrize("before", [0, 1, 4093, 4094, 4095, 4096, 4097, 9000, 2**20 - 1])
def test_the_first_frame_is_found_behind_a_megabyte_at_most(before: int) -> None:
    data = bytes(before) + 4 * FRAME
    stream = io.BytesIO(data)
    assert mp3_frames.find_frames(stream, 0, len(data)) == before
    assert mp3_frames.first_frame(stream, 0) == (before, data[before : before + 4096])
    assert mp3_frames.find_frames(stream, before, len(data)) == before
    assert mp3_frames.find_frames(stream, before + 1, len(data)) is None


def test_no_frame_is_looked_for_behind_more_than_a_megabyte() -> None:
    data = bytes(2**20 + 4096) + 4 * FRAME
    assert mp3_frames.find_frames(io.BytesIO(data), 0, len(data)) is None
    assert mp3_frames.find_frames(io.BytesIO(data), 4097, len(data)) == 2**20 + 4096
    tag = b"ID3\4\0\0\0\x40\0\0"  # of a megabyte, which does not count
    assert mp3_frames.find_frames(io.BytesIO(tag + data), 0, len(data) + 10) == 2**20 + 4106


def test_three_frames_are_enough_only_at_the_end_of_a_file() -> None:
    for count in (1, 2, 3):
        data = count * FRAME
        assert mp3_frames.find_frames(io.BytesIO(data), 0, len(data), first=True) == 0
        assert mp3_frames.find_frames(io.BytesIO(data), 0, len(data)) is None
        data += b"x"
        assert mp3_frames.find_frames(io.BytesIO(data), 0, len(data), first=True) is None
    assert mp3_frames.find_frames(io.BytesIO(4 * FRAME), 0, 4 * LENGTH) == 0


def test_a_tag_begins_an_mp3_and_is_skipped_where_frames_are_looked_for() -> None:
    tag = b"ID3\4\0\0\0\0\0\5" + bytes(5)
    data = b"abc" + tag + 4 * FRAME
    assert mp3_frames.find_frames(io.BytesIO(data), 0, len(data)) == 3
    assert mp3_frames.find_frames(io.BytesIO(data), 0, len(data), first=True) == 18
    assert mp3_frames.first_frame(io.BytesIO(data), 0, 68) == (18, data[18:68])
    nothing = tag + b"no frame"
    assert mp3_frames.first_frame(io.BytesIO(nothing), 0) == (15, b"no frame")
    assert mp3_frames.first_frame(io.BytesIO(nothing), 0, 10) == (15, b"")


def info(
    frames: int, size: int, *, flags: int = 3, name: bytes = b"Xing", encoder: bytes = b""
) -> bytes:
    """An info frame: behind 32 bytes of side information, what it counts, and the encoder's."""
    body = name + flags.to_bytes(4, "big") + frames.to_bytes(4, "big") + size.to_bytes(4, "big")
    return (HEAD + bytes(32) + body.ljust(120, b"\0") + encoder).ljust(LENGTH, b"\0")


def file_of(frames: int, name: bytes = b"Xing") -> bytes:
    return info(frames, (frames + 1) * LENGTH, name=name) + frames * FRAME


def crc16(data: bytes) -> int:
    """By polynomial division of mirrored bits, as ARC's."""
    value = 0
    for byte in data:
        for i in range(8):
            low = (value ^ byte >> i) & 1
            value = value >> 1 ^ (0xA001 if low else 0)
    return value


def test_the_checksum_is_that_of_123456789() -> None:
    assert mp3._crc16(b"123456789") == 0xBB3D == crc16(b"123456789")


def sealed(frame: bytes) -> bytes:
    """With the encoder's delay, and the right checksum of all before it."""
    data = bytearray(frame)
    data[36 + 120 : 36 + 129] = b"LAME3.100"
    data[36 + 141 : 36 + 144] = b"\x24\0\0"
    data[36 + 154 : 36 + 156] = crc16(bytes(data[: 36 + 154])).to_bytes(2, "big")
    return bytes(data)


@pytest.mark.parametrize("name", [b"Xing", b"Info"])
def test_what_an_info_frame_says(tmp_path: Path, name: bytes) -> None:
    counted = info(7, 9, name=name) + 7 * FRAME
    expected = InfoFrame("counted", True, 7, begin=0, music=LENGTH)
    assert mp3.info_frame(written(tmp_path, counted)) == expected
    lame = sealed(counted)
    assert mp3.info_frame(written(tmp_path, lame)) == InfoFrame("lame", True, 7, False, 0, LENGTH)
    spoilt = lame[:60] + b"x" + lame[61:]
    assert mp3.info_frame(written(tmp_path, spoilt)).kind == "unchecked"
    for flags, counts in ((0, False), (1, True), (2, False), (3, True)):
        found = mp3.info_frame(written(tmp_path, info(7, 9, flags=flags, name=name) + 7 * FRAME))
        assert (found.counts, found.declared) == (counts, 7 if counts else 0)
    bare = mp3.info_frame(written(tmp_path, 7 * FRAME))
    assert bare == InfoFrame("bare", counts=False, begin=0, music=0)


def test_a_frame_of_fraunhofers_counts_and_other_bytes_hide_it(tmp_path: Path) -> None:
    vbri = bytearray(FRAME)
    vbri[36:40], vbri[50:54] = b"VBRI", (300).to_bytes(4, "big")
    data = bytes(vbri) + 5 * FRAME
    assert mp3.info_frame(written(tmp_path, data)) == InfoFrame(
        "vbri", True, 300, False, 0, LENGTH
    )
    hidden = mp3.info_frame(written(tmp_path, b"xyz" + data))
    assert (hidden.hidden, hidden.begin, hidden.music) == (True, 3, 3 + LENGTH)
    tag = b"ID3\4\0\0\0\0\0\5" + bytes(5)
    shown = mp3.info_frame(written(tmp_path, tag + tag + data))
    assert (shown.hidden, shown.begin, shown.music) == (False, 30, 30 + LENGTH)
    later = mp3.info_frame(written(tmp_path, b"xyz" + data), 3)
    assert (later.hidden, later.begin) == (False, 3)
    vbri[50:54] = bytes(4)
    assert not mp3.info_frame(written(tmp_path, bytes(vbri) + 5 * FRAME)).counts


def test_each_of_concatenated_mp3s_has_its_bytes(tmp_path: Path) -> None:
    one, two = file_of(5), file_of(6, b"Info")
    path = written(tmp_path, one + two + one)
    ends = [len(one), len(one + two), len(one + two + one)]
    parts = list(zip([0, *ends[:-1]], ends, strict=True))
    assert [mp3.recordings(path, most) for most in (1, 2, 3, 9)] == [
        parts[:1], parts[:2], parts, parts,
    ]  # fmt: skip
    assert mp3.recordings(written(tmp_path, one), 9) == [(0, len(one))]
    assert mp3.recordings(written(tmp_path, 9 * FRAME), 9) == [(0, 9 * LENGTH)]
    junk = written(tmp_path, one + bytes(50) + two)
    assert mp3.recordings(junk, 9) == [(0, len(one) + 50), (len(one) + 50, len(one + two) + 50)]


def test_a_count_that_is_wrong_makes_no_second_mp3(tmp_path: Path) -> None:
    data = info(5, 6 * LENGTH) + 12 * FRAME  # bytes and frames agree: another without a tag
    assert mp3.recordings(written(tmp_path, data), 9) == [(0, 6 * LENGTH), (6 * LENGTH, len(data))]
    data = info(5, 7 * LENGTH) + 12 * FRAME  # they do not: its own frames go on
    assert mp3.recordings(written(tmp_path, data), 9) == [(0, len(data))]
    data = info(5, 7 * LENGTH) + 5 * FRAME + file_of(6)
    assert mp3.recordings(written(tmp_path, data), 9) == [(0, 6 * LENGTH), (6 * LENGTH, len(data))]
    data = info(5, 99 * LENGTH) + 5 * FRAME + file_of(6)  # beyond the file
    assert mp3.recordings(written(tmp_path, data), 9) == [(0, 6 * LENGTH), (6 * LENGTH, len(data))]
    for flags in (1, 2):
        data = info(5, 6 * LENGTH, flags=flags) + 5 * FRAME + file_of(6)
        assert mp3.recordings(written(tmp_path, data), 9) == [(0, len(data))]


def decoder(kind: str | None, **facts: object) -> dict[str, object]:
    return {"info_frame": kind, "sample_rate": 44100, "name": "libsndfile", "lag": None} | facts


@pytest.mark.parametrize(
    ("facts", "player", "samples"),
    [
        (decoder("lame"), "serato", 2257), (decoder("counted"), "serato", 2257 - 576),
        (decoder("lame"), None, 0), (decoder(None), "serato", 0),
        (decoder("bare"), "mixxx", -1152),
        (decoder("lame", lag=1105 / 44100), "rekordbox", 1152),
        (decoder("lame", lag=0.0), "rekordbox", 2257),
        (decoder("counted", info_frame_hidden=True), "ffmpeg", 2257 - 576),
        (decoder("counted", info_frame_hidden=True), "rekordbox", 1105 - 576),
        (decoder("counted"), "ffmpeg", 1105 - 576),
    ],
)  # fmt: skip
def test_a_player_is_ahead_by_its_lag_less_that_of_the_analysis(
    facts: dict[str, object], player: str | None, samples: int
) -> None:
    assert mp3.lead(facts, player) == pytest.approx(samples / 44100, abs=1e-9)


def found(count: int, gaps: int = 0, *, cut: bool = False) -> Frames:
    return Frames(count, cut, gaps, 1152, 44100)


@pytest.mark.parametrize(
    ("kind", "declared", "frames", "promised", "wanted"),
    [
        ("lame", 100, found(100), 2.6, False), ("lame", 100, found(100, 1), 2.6, True),
        ("lame", 0, found(100), 2.6, True), ("bare", 0, found(100), 2.6, False),
        ("vbri", 100, found(100), 2.6, True), ("lame", 100, None, 2.6, False),
        ("lame", 0, found(0), 0.0, False),
        # 100 frames are 2.6122 s; less than 2.6122 * 0.998 - 0.2 = 2.4070 is too little
        ("bare", 0, found(100), 2.4071, False), ("bare", 0, found(100), 2.4069, True),
    ],
)  # fmt: skip
def test_frames_are_decoded_one_by_one_where_libsndfile_would_lose_some(
    kind: mp3.Kind, declared: int, frames: Frames | None, promised: float, wanted: bool
) -> None:
    assert mp3.wants_frames(InfoFrame(kind, bool(declared), declared), frames, promised) is wanted


@pytest.mark.parametrize(
    ("kind", "declared", "frames", "note"),
    [
        ("lame", 100, found(100), None),
        ("lame", 100, found(99, cut=True), None),
        ("lame", 100, found(98, cut=True), "of 100 frames 1 are missing, 26 ms;"),
        ("counted", 100, found(90), None),
        ("unchecked", 100, found(90), "of 100 frames 10 are missing, 261 ms;"),
        ("bare", 0, found(90, 1), "bytes that are no music stand in one place;"),
        ("lame", 100, found(99, 3), "bytes that are no music stand in 3 places, "
         "and of 100 frames 1 are missing, 26 ms;"),
        ("lame", 100, found(108), "its info frame promises 100 frames of 108; all were analysed"),
        ("lame", 100, found(107), None),  # 183 ms more
        ("counted", 10_000, found(10_027), None),  # 705 ms more of 262 s: 724 are allowed
        ("counted", 10_000, found(10_028), "its info frame promises 10000 frames of 10028;"),
    ],
)  # fmt: skip
def test_irregular_frames_are_noted(
    kind: mp3.Kind, declared: int, frames: Frames, note: str | None
) -> None:
    said = mp3.oddity(InfoFrame(kind, bool(declared), declared), frames)
    if note is None:
        assert said is None
    else:
        assert str(said).removeprefix("the MP3 is damaged: ").startswith(note)


def test_every_header_of_layer_iii_is_read_as_mutagen_reads_it() -> None:
    for second, third in itertools.product((0xFB, 0xF3, 0xE3), range(0x10, 0xF0)):
        if third & 0x0C == 0x0C:
            continue
        head = bytes([0xFF, second, third, 0])
        theirs = MPEGFrame(io.BytesIO(head + bytes(5000)))
        assert mp3_frames.rate_of(head) == theirs.sample_rate
        whole = (144 if second == 0xFB else 72) * theirs.bitrate // theirs.sample_rate
        assert mp3_frames.frame_length(head) == whole + (third >> 1 & 1)


def test_every_lag_is_a_sum_of_the_delays_of_encoder_decoder_and_frames() -> None:
    encoder, decoder, frame = 576, 529, 1152
    both = encoder + decoder
    values = {lag for kinds in mp3.LAGS.values() for lag in kinds.values()}
    assert values == {0, encoder, both, both - frame, both + frame}


def test_an_info_frame_that_is_not_there_declares_nothing() -> None:
    none = InfoFrame("bare", counts=False)
    assert (none.declared, none.hidden, none.begin, none.music) == (0, False, 0, 0)
