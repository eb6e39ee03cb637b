"""Formats byte by byte: FLAC's frames, Ogg's checksums, Serato's tags, covers, lists of chunks."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from dropgrid.audio import artwork, flac, ogg, serato, serato_track, tags

CRC8 = 0x107  # FLAC's polynomial: x^8 + x^2 + x + 1


def crc8(data: bytes) -> int:
    """By long division of the bits."""
    value = int.from_bytes(data, "big") << 8
    while value.bit_length() > 8:
        value ^= CRC8 << value.bit_length() - 9
    return value


def flac_frame(
    number: int, *, placed: bool = False, block: int = 12, rate: int = 9, more: bytes = b""
) -> bytes:
    """The head of a FLAC frame (RFC 9639, 9.1), then filling."""
    coded = bytes([number]) if number < 128 else chr(number).encode()
    head = bytes([0xFF, 0xF8 | placed, block << 4 | rate, 0x10]) + coded + more
    return (head + bytes([crc8(head)])).ljust(32, b"\0")


@pytest.mark.parametrize(
    ("frame", "samples"),
    [
        (flac_frame(0), (0, 4096)),
        (flac_frame(3), (3 * 4096, 4 * 4096)),
        (flac_frame(200), (200 * 4096, 201 * 4096)),
        (flac_frame(70_000), (70_000 * 4096, 70_001 * 4096)),
        (flac_frame(70_000, placed=True), (70_000, 74_096)),
        (flac_frame(2, block=6, more=b"\x63"), (8192, 8192 + 100)),
        (flac_frame(2, block=7, more=b"\x01\x00"), (8192, 8192 + 257)),
        (flac_frame(1, rate=12, more=b"\x30"), (4096, 8192)),
        (flac_frame(1, rate=13, more=b"\x30\x00"), (4096, 8192)),
        (flac_frame(1, rate=14, more=b"\x30\x00"), (4096, 8192)),
        (flac_frame(1, block=6, rate=13, more=b"\x09\x30\x00"), (4096, 4106)),
        (flac_frame(1, rate=15), None),
        (flac_frame(1, block=0), None),
        (flac_frame(1)[:5] + b"\1" + flac_frame(1)[6:], None),
        (b"\xff\xf8\xc9\x10\x80".ljust(32, b"\0"), None),
        (b"\xff\xf8\xc9\x10\xff".ljust(32, b"\0"), None),
    ],
)
def test_a_flac_frames_head_says_which_samples_it_has(
    frame: bytes, samples: tuple[int, int] | None
) -> None:
    assert flac._frame(frame[: flac.LONGEST], 4096) == samples


@pytest.mark.parametrize("samples", [100_000, 20_000])
def test_a_flac_file_declares_what_its_frames_reach(samples: int, tmp_path: Path) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, samples)
    soundfile.write(tmp_path / "a.flac", sound, 44100)
    assert flac.declared_and_found(tmp_path / "a.flac") == (samples, samples)
    data = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[: len(data) * 3 // 4])
    declared, found = flac.declared_and_found(tmp_path / "cut.flac")
    assert declared == samples and (found is None or 0 < found < samples)


def test_a_page_of_ogg_has_the_checksum_that_its_encoder_wrote(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.ogg", np.random.default_rng(0).uniform(-0.5, 0.5, 30_000), 44100)
    data = (tmp_path / "a.ogg").read_bytes()
    at, pages = 0, 0
    while at < len(data):
        segments = data[at + 26]
        table = data[at + 27 : at + 27 + segments]
        end = at + 27 + segments + sum(table)
        page = data[at:end]
        assert ogg._checksum(page) == int.from_bytes(page[22:26], "little")
        assert ogg._checksum(page[:-1] + bytes([page[-1] ^ 1])) != ogg._checksum(page)
        at, pages = end, pages + 1
    assert pages > 2


@pytest.mark.parametrize("before", [0, 1, ogg.SEARCHED - 3, ogg.SEARCHED, 2 * ogg.SEARCHED - 1])
def test_the_next_page_is_found_wherever_it_begins(before: int) -> None:
    data = bytes(before) + b"OggS\0" + bytes(50)
    assert ogg._next_capture(io.BytesIO(data), 0, len(data)) == before
    assert ogg._next_capture(io.BytesIO(data), before + 1, len(data)) == len(data)


def test_seratos_beats_go_from_marker_to_marker_and_then_to_the_end() -> None:
    grid = serato.Grid(((-0.5, 2), (0.5, 4)), (2.5, 120.0))
    assert serato.beats_of(grid, 4.2) == pytest.approx([0.0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4])
    assert serato.beats_of(serato.Grid((), (1.0, 60.0)), 3.5) == [1, 2, 3]
    assert serato.beats_of(serato.Grid((), (1.0, 60.0)), 0.5) == [1]
    assert serato.unpack_grid(serato.pack_grid(grid)) == grid


def test_seratos_cues_are_read_back_and_cut_ones_refused() -> None:
    cues = [
        serato.Cue(0, 1000, "Intro", b"\1\2\3"),
        serato.Cue(7, 2**31, "é" * 60),
        serato.Cue(1, 500, "Loop", bytes.fromhex("27aae1"), end=900),
    ]
    for locked in (False, True):
        found, is_locked = serato.unpack_markers2(serato.pack_markers2(cues, locked))
        assert is_locked is locked
        assert [(c.pad, c.time, c.end) for c in found] == [(c.pad, c.time, c.end) for c in cues]
        assert found[0] == cues[0] and found[2].name == "Loop"
        assert len(found[1].name.encode()) <= serato.MAX_NAME and set(found[1].name) == {"é"}
    body = b"\1\1CUE\0" + (30).to_bytes(4, "big") + bytes(13)
    with pytest.raises(ValueError, match="cut short"):
        serato.unpack_markers2(b"\1\1" + serato._lines(body))


def test_seratos_grid_has_markers_where_stretches_begin_count_and_end() -> None:
    def region(start: float, bpm: float, beats: int, downbeat: float | None) -> Any:
        return SimpleNamespace(start=start, bpm=bpm, beats=beats, first_downbeat=downbeat)

    record: Any = SimpleNamespace(
        grid=(region(0.5, 120.0, 9, 1.0), region(6.5, 60.0, 3, None), region(20.0, 60.0, 1, 20.0))
    )
    grid = serato_track.grid_of(record)
    assert grid is not None
    # 0.5 and 1.0 (the downbeat) to 4.5; a pause of two beats of the next stretch; 6.5 to 8.5.
    assert grid.markers == ((0.5, 1), (1.0, 7), (4.5, 2), (6.5, 2), (8.5, 12))
    assert grid.last == (20.0, 60.0)
    assert serato_track.grid_of(SimpleNamespace(grid=(region(1.0, 120.0, 1, None),))) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(60, 120), (120, 60)])
def test_the_middle_of_a_cover_is_kept(shape: tuple[int, int]) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    pixels[..., 2] = 255  # blue, with a red square in its middle
    top, left = (shape[0] - 60) // 2, (shape[1] - 60) // 2
    pixels[top : top + 60, left : left + 60] = (255, 0, 0)
    import av

    frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="rgb24")
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = shape[1], shape[0], "rgb24"
    from fractions import Fraction

    encoder.time_base = Fraction(1, 1)
    png = b"".join(bytes(p) for p in [*encoder.encode(frame), *encoder.encode(None)])
    small = artwork.small_jpeg(png, 40)
    assert small is not None
    decoder = av.CodecContext.create("mjpeg", "r")
    (shown, *_) = [*decoder.decode(av.Packet(small)), *decoder.decode(None)]
    square = shown.to_ndarray(format="rgb24").astype(int)
    assert square.shape == (40, 40, 3)
    inner = square[3:-3, 3:-3].reshape(-1, 3).mean(axis=0)
    assert inner[0] > 200 and inner[2] < 40
    assert artwork.small_jpeg(b"no picture", 40) is None


def test_a_list_of_a_wav_that_ends_with_an_empty_entry_is_read_to_its_end() -> None:
    entries = b"IART\5\0\0\0Someo\0" + b"INAM\0\0\0\0" + b"IGNR\0\0\0\0"
    body = b"INFO" + entries
    data = b"WAVE" + b"LIST" + len(body).to_bytes(4, "little") + body
    stream = io.BytesIO(b"RIFF" + len(data).to_bytes(4, "little") + data)
    assert tags._info_fields(stream) == {"artist": ["Someo"]}
