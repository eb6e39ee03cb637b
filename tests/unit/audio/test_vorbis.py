"""Ogg Vorbis by FFmpeg: libsndfile's samples at libsndfile's places; from C as through PyAV."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid import native
from dropgrid.audio import direct_ffmpeg, ffmpeg
from dropgrid.audio.reader import Reader
from dropgrid.base.errors import DecodeError

STEP = 1 / 32768  # of 16 bits
from_c = pytest.mark.skipif(
    direct_ffmpeg.libraries() is None, reason="no compiled loops, or PyAV with other libraries"
)


def song(path: Path, rate: int = 44100, channels: int = 2, seconds: float = 3.7) -> Path:
    random = np.random.default_rng(rate + channels)
    time = np.arange(int(rate * seconds)) / rate
    tone = 0.4 * np.sin(2 * np.pi * 220 * time) * (time % 0.5 < 0.2)
    noise = random.normal(0, 0.05, (len(time), channels))
    soundfile.write(path, tone[:, None] + noise, rate, format="OGG", subtype="VORBIS")
    return path


def decoded(path: Path) -> tuple[np.ndarray, Reader]:
    reader, parts = Reader(path), []
    reader.tap = lambda block, rate: parts.append(block.copy())
    for _ in reader:
        pass
    return np.concatenate(parts), reader


@pytest.mark.parametrize("rate", [8000, 22050, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.02, 0.5, 3.7])
def test_its_samples_are_libsndfiles(
    tmp_path: Path, rate: int, channels: int, seconds: float
) -> None:
    path = song(tmp_path / "song.ogg", rate, channels, seconds)
    samples, reader = decoded(path)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert reader.decoder["name"] == "ffmpeg"
    assert "continued" not in reader.decoder or seconds < 0.1  # one packet, of which FFmpeg is shy
    assert samples.shape == expected.shape
    assert np.abs(samples - expected).max() < 0.05 * STEP


@pytest.mark.parametrize("first", [0, 1])
def test_libsndfile_goes_on_at_the_sample_where_ffmpeg_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    path = song(tmp_path / "song.ogg")
    real = ffmpeg.vorbis_blocks

    def failing(path: Path, channels: int) -> Iterator[np.ndarray]:
        for _, block in zip(range(first), real(path, channels), strict=False):
            yield block
        raise DecodeError(f"{path}: a packet that FFmpeg does not like")

    monkeypatch.setattr(ffmpeg, "vorbis_blocks", failing)
    samples, reader = decoded(path)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert samples.shape == expected.shape
    assert np.abs(samples - expected).max() < 0.05 * STEP
    assert reader.decoder["continued"].startswith("libsndfile")


def test_damaged_pages_and_surround_are_left_to_libsndfile(tmp_path: Path) -> None:
    path = song(tmp_path / "song.ogg")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    damaged = tmp_path / "damaged.ogg"
    damaged.write_bytes(data)
    surround = song(tmp_path / "surround.ogg", channels=6)
    assert Reader(damaged).decoder["name"] == Reader(surround).decoder["name"] == "libsndfile"


def found_in(path: Path, channels: int) -> tuple[bytes, list[int], bool, tuple[int, int]]:
    """All that is asked of FFmpeg: samples, lengths of blocks, whether the end is damaged, and
    how long the packets are."""
    blocks, whole = [], True
    try:
        for block in ffmpeg.vorbis_blocks(path, channels):
            blocks.append(block.copy())
    except DecodeError:
        whole = False
    samples = b"".join(block.tobytes() for block in blocks)
    return samples, [len(block) for block in blocks], whole, ffmpeg._packet_lengths(path)


@from_c
@pytest.mark.parametrize("channels", [1, 2])
def test_what_c_reads_is_what_pyav_reads_of_damaged_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: int
) -> None:
    """Whole, cut anywhere, and with bytes changed, many of them among the headers."""
    data = song(tmp_path / "song.ogg", channels=channels).read_bytes()
    random = np.random.default_rng(channels)
    paths = [tmp_path / "song.ogg"]
    for case in range(24):
        damaged = bytearray(data[: random.integers(1, len(data))] if case % 2 else data)
        for place in random.integers(0, len(damaged) if case % 3 else 5000, size=case % 7):
            damaged[place % len(damaged)] ^= 1 + case
        paths.append(tmp_path / f"{case}.ogg")
        paths[-1].write_bytes(damaged)
    direct = [found_in(path, channels) for path in paths]
    monkeypatch.setattr(direct_ffmpeg, "libraries", lambda: None)
    assert direct == [found_in(path, channels) for path in paths]
    assert direct[0][2] and len(direct[0][1]) == 3 and any(not found[2] for found in direct)


@from_c
def test_versions_are_the_same_as_in_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = ffmpeg.decoder("ogg", "vorbis", 44100, 2)
    monkeypatch.setattr(direct_ffmpeg, "libraries", lambda: None)
    assert reported == ffmpeg.decoder("ogg", "vorbis", 44100, 2)


@from_c
def test_libraries_of_other_versions_are_left_to_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their structures may be others."""
    monkeypatch.setattr(direct_ffmpeg, "MAJOR_VERSIONS", (60,))
    assert direct_ffmpeg.libraries.__wrapped__() is None


@from_c
def test_a_disk_that_fails_is_not_a_damaged_file(tmp_path: Path) -> None:
    known = direct_ffmpeg.libraries()
    assert known is not None
    folder = os.open(tmp_path, os.O_RDONLY)  # which cannot be read: EISDIR
    with pytest.raises(IsADirectoryError):
        native.compiled().ffmpeg_open(folder, native.address(known[1]))
    with pytest.raises(OSError):  # it was closed
        os.fstat(folder)


@from_c
def test_more_channels_than_there_is_room_for_are_refused(tmp_path: Path) -> None:
    path = song(tmp_path / "song.ogg", channels=1)
    with pytest.raises(ValueError, match="3 channels"):
        next(direct_ffmpeg.samples(direct_ffmpeg.opened(path), np.empty((3, 9), np.float32), 1))
    room = np.empty((1, 100), np.float32)  # less than a frame
    with pytest.raises(ValueError, match="FFmpeg"):
        list(direct_ffmpeg.samples(direct_ffmpeg.opened(path), room, 50))
    with pytest.raises(DecodeError):  # it has one
        list(ffmpeg.vorbis_blocks(path, 2))
