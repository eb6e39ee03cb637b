"""Reading audio of every container, and refusing what is none."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audio_containers import CONTAINERS, MORE_CONTAINERS, RATE, write_audio, write_samples
from dropgrid.audio.channels import mix
from dropgrid.audio.reader import SAMPLE_RATE, Reader
from dropgrid.base.errors import DecodeError
from misleading_headers import click, lag


def read(path: Path) -> np.ndarray:
    return np.concatenate(list(Reader(path)))


def clicks(rate: int, seconds: float = 2.0, at: float = 1.0) -> np.ndarray:
    signal = np.zeros(int(rate * seconds), np.float32)
    signal[int(rate * at)] = 0.9
    return signal


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_decodes_to_its_length_and_names_its_decoder(
    tmp_path: Path, container: str
) -> None:
    reader = Reader(write_audio(tmp_path / f"tone.{container}", seconds=2.0))
    samples = np.concatenate(list(reader))
    assert samples.dtype == np.float32
    # Encoders that work in frames lose or add less than 0.07 s.
    assert len(samples) == pytest.approx(2.0 * RATE, abs=3000)
    assert np.sqrt(np.mean(samples[:, 0] ** 2)) == pytest.approx(0.218, abs=0.02)
    expected = "ffmpeg" if container in ("m4a", "wma", "ogg") else "libsndfile"
    assert reader.decoder["name"] == expected
    assert reader.decoder["version"]


@pytest.mark.parametrize("container", MORE_CONTAINERS)
def test_containers_that_few_have_are_read_whole_and_refused_where_they_are_cut(
    tmp_path: Path, container: str
) -> None:
    path = write_audio(tmp_path / f"tone.{container}", seconds=4.0)
    reader = Reader(path)
    samples = np.concatenate(list(reader))[:, 0]
    assert len(samples) == pytest.approx(4.0 * RATE, abs=4000)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.218, abs=0.03)
    assert "problem" not in reader.decoder
    assert "info_frame" not in reader.decoder
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    if container not in ("mp2", "ac3"):  # which tell no length
        with pytest.raises(DecodeError, match="cut short"):
            read(path)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 48000, 96000, 192000])
def test_other_rates_are_resampled_without_moving_anything(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "click.wav", clicks(rate), rate, subtype="FLOAT")
    samples = read(tmp_path / "click.wav")[:, 0]
    assert len(samples) == pytest.approx(2 * SAMPLE_RATE, abs=2)
    assert np.argmax(samples) == pytest.approx(SAMPLE_RATE, abs=1 + SAMPLE_RATE / rate)


@pytest.mark.parametrize("channels", range(1, 9))
def test_channels_become_their_mean_and_the_first_twos_half_difference(
    tmp_path: Path, channels: int
) -> None:
    values = np.arange(1, channels + 1) / 64
    signal = np.tile(values, (RATE, 1))
    path = tmp_path / "channels.wav"
    soundfile.write(path, signal, RATE, format="WAVEX", subtype="PCM_16")
    samples = read(path)
    assert samples[0, 0] == pytest.approx(values.mean(), abs=1 / 32768)
    assert samples[0, 1] == pytest.approx(0 if channels == 1 else -1 / 128)


def test_the_mean_is_cut_to_16_bits_towards_zero_as_madmom_cuts_it() -> None:
    steps = np.array([[1, 2], [-1, -2], [3, 4], [32767, 32767], [-32768, -32768]])
    mixed = mix((steps / 32768).astype(np.float32))
    expected = np.mean(steps, axis=1).astype(np.int16)
    np.testing.assert_array_equal(mixed[:, 0] * 32768, expected)


def test_samples_that_are_not_numbers_become_silence_and_are_counted(tmp_path: Path) -> None:
    signal = np.full(RATE, 0.25, np.float32)
    signal[100:103] = [np.nan, np.inf, -np.inf]
    signal[200] = 1e30
    soundfile.write(tmp_path / "odd.wav", signal, RATE, subtype="FLOAT")
    reader = Reader(tmp_path / "odd.wav")
    samples = np.concatenate(list(reader))[:, 0]
    np.testing.assert_array_equal(samples[100:103], 0)
    assert samples[200] == pytest.approx(1, abs=1e-4)
    assert reader.decoder["repaired_samples"] == 3


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_file_cut_short_is_reported(tmp_path: Path, container: str) -> None:
    path = write_audio(tmp_path / f"cut.{container}", seconds=4.0)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(DecodeError, match=r"cut short|no audio"):
        read(path)


def test_a_wav_written_to_a_pipe_has_no_length_and_is_read(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "pipe.wav", seconds=1.0)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(data)
    assert len(read(path)) == RATE


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"This is not audio.\n" * 500, "no audio"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "no audio|cut short|holds no audio"),
        (np.random.default_rng(1).bytes(50_000), "no audio|damaged|holds no audio"),
    ],
)
def test_what_is_not_audio_is_refused_with_a_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=reason) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("offset", "field", "reason"),
    [
        (24, struct.pack("<I", 0), "no audio|sample rate"),
        (24, struct.pack("<I", 4_000_000_000), "no audio|sample rate"),
        (24, struct.pack("<I", 100), "sample rate of 100 Hz"),
        (22, struct.pack("<H", 255), "no audio|255 channels"),
        (22, struct.pack("<H", 0), "no audio|channels"),
    ],
)
def test_absurd_headers_are_refused(
    tmp_path: Path, offset: int, field: bytes, reason: str
) -> None:
    path = write_audio(tmp_path / "absurd.wav")
    data = bytearray(path.read_bytes())
    data[offset : offset + len(field)] = field
    path.write_bytes(data)
    with pytest.raises(DecodeError, match=reason):
        read(path)


def test_names_that_ffmpeg_would_take_for_commands_are_only_names(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "concat:x|y %d.m4a")
    assert len(read(path)) > 0.9 * RATE


@pytest.mark.parametrize(
    ("name", "options", "late", "known"),
    [
        ("a.m4a", {}, 0, True),
        ("a.m4a", {"use_editlist": "0"}, 1024, False),
        ("a.m4a", {"movflags": "+faststart"}, 0, True),
        ("a.aac", {}, 1024, False),
        ("a.wma", {}, -2048, False),
        ("a.mp2", {}, 481, False),
        ("a.ac3", {}, 256, False),
        ("a.mka", {}, 0, True),
        ("a.wv", {}, 0, True),
    ],
)
def test_the_start_of_the_music_is_measured_and_an_unknown_start_is_noted(
    tmp_path: Path, name: str, options: dict[str, str], late: int, known: bool
) -> None:
    """docs/dj.md has the same numbers."""
    write_samples(tmp_path / name, click(), options)
    reader = Reader(tmp_path / name)
    assert lag(np.concatenate(list(reader))[:, 0]) == late
    assert reader.decoder.get("start_known", True) == known
