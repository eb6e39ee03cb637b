"""Ogg Vorbis by FFmpeg: libsndfile's samples at libsndfile's places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.audio import ffmpeg
from dropgrid.audio.reader import Reader
from dropgrid.base.errors import DecodeError

STEP = 1 / 32768  # of 16 bits


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
