"""Chunks, tags and beginnings of files that are made byte by byte."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from dropgrid.audio import chunks, digests, headers
from dropgrid.audio.chunks import AudioChunk
from dropgrid.audio.filepart import FilePart

SOUND = bytes(range(1, 101))


def chunk(name: bytes, data: bytes, order: str = "little", size: int | None = None) -> bytes:
    length = len(data) if size is None else size
    return name + length.to_bytes(4, order) + data + bytes(len(data) % 2)  # type: ignore[arg-type]


def riff(*parts: bytes, kind: bytes = b"RIFF") -> bytes:
    return kind + bytes(4) + b"WAVE" + b"".join(parts)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "a"
    path.write_bytes(data)
    return path


def found(folder: Path, data: bytes) -> AudioChunk | None:
    return chunks.audio_chunk(written(folder, data))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (riff(chunk(b"fmt ", bytes(16)), chunk(b"data", SOUND)), AudioChunk(44, 100, 100)),
        (riff(chunk(b"odd ", b"xyz"), chunk(b"data", SOUND)), AudioChunk(32, 100, 100)),
        (riff(chunk(b"data", SOUND, size=101)), AudioChunk(20, 101, 100)),
        (riff(chunk(b"data", SOUND, size=99)), AudioChunk(20, 99, 99)),
        (riff(chunk(b"data", SOUND, size=0)), AudioChunk(20, 0, 100)),
        (riff(chunk(b"data", SOUND, "big"), kind=b"RIFX"), AudioChunk(20, 100, 100, big=True)),
        (b"FORM\0\0\0\0AIFF" + chunk(b"SSND", SOUND, "big"), AudioChunk(20, 100, 100, big=True)),
        (b"FORM\0\0\0\0AIFC" + chunk(b"SSND", SOUND, "big"), AudioChunk(20, 100, 100, big=True)),
        (b"FORM\0\0\0\0AIFX" + chunk(b"SSND", SOUND, "big"), None),
        (b"RIFF\0\0\0\0WAVX" + chunk(b"data", SOUND), None),
        (riff(chunk(b"fmt ", bytes(16))), None),
        (riff(chunk(b"fmt ", bytes(16), size=17)), None),
        (riff(chunk(b"fmt ", bytes(16), size=16) + b"data"), None),
        (b"ID3\4\0\0\0\0\0\5" + bytes(5) + riff(chunk(b"data", SOUND)), AudioChunk(35, 100, 100)),
        # Sizes of pipes: the last 65536 of 32 bits, and SoX's if there is less.
        (riff(chunk(b"data", SOUND, size=2**32 - 1)), AudioChunk(20, None, 100)),
        (riff(chunk(b"data", SOUND, size=2**32 - 2**16)), AudioChunk(20, None, 100)),
        (riff(chunk(b"data", SOUND, size=2**32 - 2**16 - 1)),
         AudioChunk(20, 2**32 - 2**16 - 1, 100)),
        (riff(chunk(b"data", SOUND, size=0x7FFF0000)), AudioChunk(20, None, 100)),
        (riff(chunk(b"data", SOUND, size=0x7FFFFFFF)), AudioChunk(20, None, 100)),
        (riff(chunk(b"data", SOUND, size=0x80000000)), AudioChunk(20, 0x80000000, 100)),
        (riff(chunk(b"data", SOUND, size=0x7FFEFFFF)), AudioChunk(20, 0x7FFEFFFF, 100)),
        # RF64: the size stands before, in 64 bits.
        (riff(chunk(b"ds64", bytes(8) + (90).to_bytes(8, "little") + bytes(8)),
              chunk(b"data", SOUND, size=2**32 - 1), kind=b"RF64"), AudioChunk(52, 90, 90)),
        (riff(chunk(b"ds64", bytes(8) + (90).to_bytes(8, "little") + bytes(8)),
              chunk(b"data", SOUND, size=80), kind=b"RF64"), AudioChunk(52, 80, 80)),
    ],
)  # fmt: skip
def test_the_audio_of_a_file_of_chunks(
    tmp_path: Path, data: bytes, expected: AudioChunk | None
) -> None:
    assert found(tmp_path, data) == expected


def caf(size: int, *before: bytes) -> bytes:
    return b"caff\0\1\0\0" + b"".join(before) + b"data" + size.to_bytes(8, "big") + SOUND


def test_the_audio_of_core_audio_with_sizes_of_64_bits(tmp_path: Path) -> None:
    long = AudioChunk(20, 100, 100, big=True, long=True)
    assert found(tmp_path, caf(100)) == long
    assert found(tmp_path, caf(150)) == AudioChunk(20, 150, 100, True, True)
    assert found(tmp_path, caf(2**64 - 1)) == AudioChunk(20, None, 100, True, True)
    before = b"desc" + (3).to_bytes(8, "big") + b"xyz"  # not padded
    assert found(tmp_path, caf(100, before)) == AudioChunk(35, 100, 100, True, True)
    assert found(tmp_path, b"caff\0\1\0\0data\0\0\0") is None


def wave64(*parts: tuple[bytes, int, bytes]) -> bytes:
    data = b"riff".ljust(40, b"\1")
    for name, size, body in parts:
        data += name.ljust(16, b"\2") + size.to_bytes(8, "little") + body
    return data


def test_the_audio_of_wave64_with_sizes_that_include_the_head(tmp_path: Path) -> None:
    data = wave64((b"fmt ", 27, bytes(8)), (b"data", 124, SOUND))  # 27: padded to 32
    assert found(tmp_path, data) == AudioChunk(96, 100, 100, wave64=True)
    data = wave64((b"fmt ", 32, bytes(8)), (b"data", 130, SOUND))
    assert found(tmp_path, data) == AudioChunk(96, 106, 100, wave64=True)
    assert found(tmp_path, wave64((b"data", 24, b""))) == AudioChunk(64, 0, 0, wave64=True)
    assert found(tmp_path, wave64((b"data", 23, SOUND))) is None
    assert found(tmp_path, wave64((b"fmt ", 23, SOUND), (b"data", 124, SOUND))) is None
    assert found(tmp_path, wave64((b"fmt ", 400, SOUND))) is None
    assert found(tmp_path, wave64((b"data", 124, b""))[:-1]) is None


def behind(folder: Path, data: bytes, more: bytes) -> int:
    path = written(folder, data + more)
    there = chunks.audio_chunk(path)
    assert there is not None
    return chunks.unexplained(path, there)


@pytest.mark.parametrize(
    ("more", "count"),
    [
        (b"", 0), (bytes(50), 0), (b"\xff" * 50, 0), (b"\x80\x01" * 25, 50),
        (chunk(b"LIST", b"abc"), 0), (chunk(b"LIST", b"abc") + b"\x80\x01" * 25, 50),
        (chunk(b"LIST", b"abcd")[:-1], 0), (chunk(b"LI\x01T", b"\x80\x01" * 20), 48),
        (b"TAG\x80\x01" * 20, 0), (b"APETAGEX\x80\x01", 0), (b"LYRICSBEGIN\x80", 0),
        (b"ID3\x80\x01", 0), (b"IDX\x80\x01", 5), (b"A text\tof\r\nlines.", 0),
        (b"A text\x7f", 7), (chunk(b"LIST", b"abc", size=60) + b"\x80", 13),
        (bytes(70_000) + b"\x80", 70_001), (b"\xff" * 70_000 + b"\x80", 70_001),
        (bytes(70_000), 0),
        (b"\xff" * 70_000, 0),
    ],
)  # fmt: skip
def test_what_is_behind_the_audio_and_may_be_sound(
    tmp_path: Path, more: bytes, count: int
) -> None:
    assert behind(tmp_path, riff(chunk(b"data", SOUND)), more) == count
    odd = riff(b"data" + (99).to_bytes(4, "little") + SOUND[:99] + b"\0")
    assert behind(tmp_path, odd, more) == count


def test_what_is_behind_audio_of_unknown_size_is_audio(tmp_path: Path) -> None:
    more = b"\x80\x01" * 25
    assert behind(tmp_path, riff(chunk(b"data", SOUND, size=2**32 - 1)), more) == 0
    assert behind(tmp_path, wave64((b"data", 124, SOUND)), more) == 0
    assert behind(tmp_path, caf(100), more) == 50
    text = b"text" + (3).to_bytes(8, "big") + b"abc"  # CAF pads nothing
    assert behind(tmp_path, caf(99)[:-1], text + more) == 50


def test_a_size_that_wrapped_around_at_4_gib(tmp_path: Path) -> None:
    path = written(tmp_path, riff(chunk(b"data", SOUND)))
    there = chunks.audio_chunk(path)
    assert there is not None
    with path.open("r+b") as stream:  # sparse: 8 GiB and some
        stream.seek(120)
        stream.write(b"\x80\x01" * 500)
    for size, end in (
        (120 + 2**32 - 1, None), (120 + 2**32, 120 + 2**32), (120 + 2**33, 120 + 2**33),
        (119 + 2**33, 120 + 2**32),
    ):  # fmt: skip
        with path.open("r+b") as stream:
            stream.truncate(size)
        assert chunks.wrapped_end(path, there) == end
    assert chunks.wrapped_end(path, AudioChunk(20, None, 100)) is None
    assert chunks.wrapped_end(path, AudioChunk(20, 100, 100, long=True)) is None


def tag_at_end(kind: str) -> bytes:
    if kind == "id3v1":
        return b"TAG".ljust(128, b"x")
    if kind in ("ape", "ape with a head"):
        size, flags = (
            (60 + 32).to_bytes(4, "little"),
            b"\0\0\0" + (b"\x80" if "head" in kind else b"\0"),
        )
        foot = b"APETAGEX" + b"\xd0\7\0\0" + size + bytes(4) + flags + bytes(8)
        return (foot if "head" in kind else b"") + bytes(60) + foot
    if kind == "lyrics":
        return b"LYRICSBEGIN".ljust(300, b"y") + b"000300LYRICS200"
    return b"ID3\4\0\0\0\0\1\2" + bytes(130) + b"3DI\4\0\0\0\0\1\2"


KINDS = ("id3v1", "ape", "ape with a head", "lyrics", "id3v2")


@pytest.mark.parametrize("kind", KINDS)
def test_tags_at_the_end_have_their_lengths(kind: str) -> None:
    tag = tag_at_end(kind)
    data = SOUND * 5 + tag
    stream = io.BytesIO(data)
    assert digests._length_of_last_tag(stream, len(data)) == len(tag)
    assert digests._length_of_last_tag(stream, len(data) - 1) == 0
    assert digests._end_of_audio(stream, 0, len(data)) == 500
    assert digests._end_of_audio(stream, 500, len(data)) == 500
    assert digests._end_of_audio(stream, 501, len(data)) == len(data)
    assert digests._end_of_audio(io.BytesIO(tag), 0, len(tag)) == 0


def test_tags_follow_each_other_at_the_end(tmp_path: Path) -> None:
    data = SOUND * 5 + b"".join(map(tag_at_end, KINDS))
    assert digests._end_of_audio(io.BytesIO(data), 0, len(data)) == 500
    path = written(tmp_path, data)
    assert digests.audio_digest(path) == hashlib.blake2b(SOUND * 5, digest_size=20).hexdigest()
    tagged = written(tmp_path, b"ID3\4\0\0\0\0\0\5" + bytes(5) + data)
    assert digests.audio_digest(tagged) == hashlib.blake2b(SOUND * 5, digest_size=20).hexdigest()


def of(*parts: bytes) -> str:
    return hashlib.blake2b(b"".join(parts), digest_size=20).hexdigest()


def test_the_samples_of_a_file_lie_at_thirds(tmp_path: Path) -> None:
    data = hashlib.shake_128(b"x").digest(2**19)
    last = 2**19 - 2**16
    places = (0, last // 3, last * 2 // 3, last)
    assert digests.sample_digest(written(tmp_path, data)) == of(
        b"524288", *(data[at : at + 2**16] for at in places)
    )
    assert digests.sample_digest(written(tmp_path, b"abc")) == of(b"3", 4 * b"abc")
    assert digests.whole_digest(written(tmp_path, data)) == of(data)


def block(kind: int, data: bytes, last: bool = False) -> bytes:
    return bytes([kind | 128 * last]) + len(data).to_bytes(3, "big") + data


def test_the_audio_of_a_flac_is_its_blocks_without_comments_pictures_and_padding(
    tmp_path: Path,
) -> None:
    kept = block(0, b"info" * 8), block(3, b"seek"), block(2, b"app")
    data = b"fLaC" + kept[0] + block(4, b"title") + kept[1] + block(1, bytes(9)) + kept[2]
    data += block(6, b"cover", last=True) + SOUND
    expected = of(b"flac", *(part[:1] + part[1:] for part in kept), SOUND)
    assert digests.audio_digest(written(tmp_path, data)) == expected
    lastly = b"fLaC" + kept[0] + kept[1] + block(2, b"app", last=True) + SOUND
    assert digests.audio_digest(written(tmp_path, lastly)) == expected
    cut = b"fLaC" + kept[0] + b"\0\0\0"
    assert digests.audio_digest(written(tmp_path, cut)) == of(cut)


def test_the_audio_of_a_wav_is_its_chunks_without_those_of_tags(tmp_path: Path) -> None:
    kept = chunk(b"fmt ", bytes(16)), chunk(b"data", SOUND[:99])
    tags = [chunk(name, b"title") for name in (b"id3 ", b"ID3 ", b"JUNK", b"PAD ", b"NAME")]
    info, other = chunk(b"LIST", b"INFOxyz"), chunk(b"LIST", b"adtlxyz")
    data = riff(kept[0], tags[0], tags[1], kept[1], info, other, *tags[2:])
    assert digests.audio_digest(written(tmp_path, data)) == of(b"RIFF", *kept, other)
    assert digests.audio_digest(written(tmp_path, data + b"rest")) == of(
        b"RIFF", *kept, other, b"rest"
    )
    cut = riff(kept[0], chunk(b"data", SOUND, size=500))
    assert digests.audio_digest(written(tmp_path, cut)) == of(
        b"RIFF", kept[0], chunk(b"data", SOUND, size=500)
    )
    cut = riff(kept[0], chunk(b"id3 ", SOUND, size=102))
    assert digests.audio_digest(written(tmp_path, cut)) == of(
        b"RIFF", kept[0], chunk(b"id3 ", SOUND, size=102)
    )
    lacking = riff(kept[0], chunk(b"id3 ", b"abc")[:-1])  # its padding is missing
    assert digests.audio_digest(written(tmp_path, lacking)) == of(b"RIFF", kept[0])
    big = b"FORM\0\0\0\0AIFC" + chunk(b"ANNO", b"text", "big") + chunk(b"SSND", SOUND, "big")
    assert digests.audio_digest(written(tmp_path, big)) == of(
        b"AIFC", chunk(b"SSND", SOUND, "big")
    )
    rifx = riff(chunk(b"data", SOUND, "big"), kind=b"RIFX")
    assert digests.audio_digest(written(tmp_path, rifx)) == of(
        b"RIFX", chunk(b"data", SOUND, "big")
    )


def test_vorbis_headers_are_compared_without_the_comments() -> None:
    first, second, third = (
        b"\1vorbis" + bytes(23),
        b"\3vorbis" + bytes(600),
        b"\5vorbis" + b"z" * 90,
    )
    laced = b"\2" + bytes([30]) + b"\xff\xff" + bytes([607 - 510]) + first + second + third
    assert digests._without_comments(laced) == first + third
    short = b"\2" + bytes([30, 10]) + first + b"\3vorbis\0\0\0" + third
    assert digests._without_comments(short) == first + third
    for other in (b"\1" + laced[1:], b"\2no such thing", b"", None):
        assert digests._without_comments(other) == (other or b"")


def wma(play: int, preroll: int, flags: int = 0, length: int = 28) -> bytes:
    fields = play.to_bytes(8, "little") + bytes(8) + preroll.to_bytes(8, "little")
    fields += flags.to_bytes(4, "little")
    return bytes(30) + headers.ASF_PROPERTIES + bytes(48) + fields[:length]


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (wma(125_000_000, 3000), 9.5), (wma(125_000_000, 3000, flags=1), None),
        (wma(125_000_000, 3000, flags=2), 9.5), (wma(125_000_000, 3000, length=27), None),
        (wma(30_000_000, 3000), None), (bytes(200), None), (b"", None),
    ],
)  # fmt: skip
def test_the_length_of_a_wma_is_what_plays_less_its_preroll(
    tmp_path: Path, data: bytes, seconds: float | None
) -> None:
    assert headers.asf_seconds(written(tmp_path, data)) == seconds


FLAC = b"fLaC\0\0\0\x22" + bytes(60)


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("flac", FLAC, False), ("flac", FLAC + FLAC, True), ("flac", FLAC[:16] + FLAC, True),
        ("flac", FLAC[:15] + FLAC, False), ("mp3", FLAC + FLAC, False),
        ("wav", riff(chunk(b"data", SOUND)), False),
        ("wav", 2 * riff(chunk(b"data", SOUND)), True),
        ("wav", riff(chunk(b"data", 2 * riff())), False),  # inside of the audio
        ("wav", riff(chunk(b"data", SOUND)) + bytes(2**20 - 12) + riff(), True),
        ("wav", riff(chunk(b"data", SOUND)) + bytes(2**20 - 11) + riff(), False),
        ("aiff", 2 * (b"FORM\0\0\0\0AIFC" + chunk(b"SSND", SOUND, "big")), True),
        ("wav", riff(chunk(b"data", SOUND, size=2**32 - 1)) + riff(), False),
        ("wav", b"no chunks", False),
    ],
)  # fmt: skip
def test_another_recording_behind_the_first(
    tmp_path: Path, kind: str, data: bytes, expected: bool
) -> None:
    assert headers.another_behind(written(tmp_path, data), kind) is expected


def test_a_part_of_a_file_is_read_and_sought_as_a_file(tmp_path: Path) -> None:
    part = FilePart(written(tmp_path, SOUND), 10, 60, {20: b"\xaa\xbb", 48: b"\xcc"})
    expected = bytearray(SOUND[10:60])
    expected[20:22], expected[48:49] = b"\xaa\xbb", b"\xcc"
    assert part.read(1000) == bytes(expected)
    assert part.read(1) == b""
    for at, size in ((0, 21), (21, 5), (22, 40), (19, 2), (47, 3), (49, 1)):
        part.seek(at)
        assert part.read(size) == bytes(expected[at : at + size])
        assert part.tell() == min(at + size, 50)
    assert part.seek(-3, 2) == 47
    assert part.seek(1, 1) == 48
    assert part.read(-1) == bytes(expected[48:])
    assert part.readable() and part.seekable() and not part.writable()
    part.close()
    assert part.closed
    with pytest.raises(ValueError, match="closed"):
        part.read(1)


def mp4(*atoms: bytes) -> bytes:
    return b"".join((len(atom) + 4).to_bytes(4, "big") + atom for atom in atoms)


def test_another_mp4_behind_the_first(tmp_path: Path) -> None:
    one = mp4(b"ftypM4A ", b"mdat" + SOUND)
    assert not headers.another_behind(written(tmp_path, one), "mov,mp4,m4a")
    assert headers.another_behind(written(tmp_path, one + one), "mov,mp4,m4a")


def test_a_beginning_that_is_cut_in_two_by_the_parts_is_found() -> None:
    pattern = headers.BEGINNINGS["asf"]
    whole = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
    for before in (2**20 - 15, 2**20 - 16, 2**20 - 1, 2**20):
        assert headers._holds(io.BytesIO(bytes(before) + whole), pattern, 2**22)
        assert not headers._holds(io.BytesIO(bytes(before) + whole), pattern, before + 15)
        assert headers._holds(io.BytesIO(bytes(before) + whole), pattern, before + 16)
