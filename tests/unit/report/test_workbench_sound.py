"""The sound of a track for the workbench: decoded once, at most so long, and only so many kept."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from dropgrid.report.workbench import audio, decode
from dropgrid.report.workbench.audio import (
    DESCRIPTOR,
    MAX_DECODED,
    NoSound,
    Sounds,
    peaks,
    waveform,
)


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that would decode; what they write is the name of the song."""
    calls: list[list[str]] = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        calls.append(command)
        assert options["timeout"] == audio.TIMEOUT and options["env"]["PYTHONPATH"]
        name = Path(command[-2]).name
        if name == "slow.wav":
            raise subprocess.TimeoutExpired(command, 1)
        Path(command[-1]).write_text(name)
        code, message = (1, b"first\nlonger than 20 minutes\n") if name == "long.wav" else (0, b"")
        code, message = (1, b"") if name == "mute.wav" else (code, message)
        return SimpleNamespace(returncode=code, stderr=message)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


@pytest.fixture
def sounds():
    made = Sounds()
    yield made
    made.close()


def song(folder: Path, name: str) -> Path:
    (folder / name).touch()
    return folder / name


def test_a_track_is_decoded_once_until_its_file_changes(tmp_path, sounds, decoder) -> None:
    path = song(tmp_path, "a.wav")
    first = sounds.decoded("a", path)
    assert first.read_text() == "a.wav" and sounds.decoded("a", path) == first
    assert len(decoder) == 1 and decoder[0][-2:] == [str(path), str(first)]
    os.utime(path, ns=(1, 1))
    assert sounds.decoded("a", path) != first and len(decoder) == 2
    folder = first.parent
    sounds.close()
    assert not folder.exists()


def test_those_asked_for_last_are_kept(tmp_path, sounds, decoder) -> None:
    paths = [song(tmp_path, f"{i}.wav") for i in range(MAX_DECODED + 1)]
    found = [sounds.decoded(path.stem, path) for path in paths[:MAX_DECODED]]
    sounds.decoded("0", paths[0])
    last = sounds.decoded(str(MAX_DECODED), paths[MAX_DECODED])
    assert [path.exists() for path in [*found, last]] == [True, False, *[True] * (MAX_DECODED - 1)]
    sounds.decoded("0", paths[0])
    assert len(decoder) == MAX_DECODED + 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [("slow.wav", "not decoded within 120 s"), ("long.wav", "^longer than 20 minutes$"),
     ("mute.wav", "cannot be decoded")],
)  # fmt: skip
def test_what_cannot_be_decoded_leaves_nothing(tmp_path, sounds, decoder, name, reason) -> None:
    path = song(tmp_path, name)
    for _ in range(2):
        with pytest.raises(NoSound, match=reason):
            sounds.decoded("a", path)
    assert len(decoder) == 2
    assert not list(Path(decoder[0][-1]).parent.iterdir())


def samples_of(path: Path) -> tuple[tuple[int, int, int], list[list[int]]]:
    with wave.open(str(path)) as file:
        about = file.getnchannels(), file.getsampwidth(), file.getframerate()
        data = np.frombuffer(file.readframes(-1), "<i2").reshape(-1, about[0])
    return about, data.tolist()


@pytest.mark.parametrize(("channels", "heard"), [(1, 1), (2, 2), (3, 2)])
def test_a_song_becomes_16_bits_of_its_first_two_channels(tmp_path, channels, heard) -> None:
    data = np.linspace(-1, 1, 9 * channels).reshape(9, channels)
    soundfile.write(tmp_path / "a.wav", data, 8000, "FLOAT")
    decode.decode(tmp_path / "a.wav", tmp_path / "b.wav")
    about, found = samples_of(tmp_path / "b.wav")
    assert about == (heard, 2, 8000)
    wanted = np.clip(np.rint(data[:, :heard].astype(np.float32) * 32768), -32768, 32767)
    assert found == wanted.astype(int).tolist()
    assert found[0][0] == -32768 and (channels != 1 or found[-1][0] == 32767)


def test_a_long_song_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((8000 * 6, 1)), 8000)
    monkeypatch.setattr(decode, "MAX_MINUTES", 0.1)
    decode.decode(tmp_path / "a.wav", tmp_path / "b.wav")
    monkeypatch.setattr(decode, "MAX_MINUTES", 0.099)
    with pytest.raises(ValueError, match=r"longer than 0\.099 minutes"):
        decode.decode(tmp_path / "a.wav", tmp_path / "b.wav")


def test_peaks_are_of_the_mean_of_both_channels_from_their_moment_on(tmp_path: Path) -> None:
    samples = np.array([[0, 0], [256, 768], [-512, -512], [1280, 1280]], "<i2")
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 2, 4, 4, "NONE", ""))
        file.writeframes(samples.tobytes())
    found = np.frombuffer(peaks(tmp_path / "a.wav", 0.25, 0.75, 2)[8:], np.int8).reshape(2, 2)
    assert found.tolist() == [[2, 2], [-2, 5]]
    found = np.frombuffer(peaks(tmp_path / "a.wav", 5.0, 6.0, 2)[8:], np.int8)
    assert not found.any()


def test_a_picture_may_have_more_columns_than_frames(tmp_path: Path) -> None:
    def picture(bands: np.ndarray, columns: int, duration: float) -> list[list[int]]:
        about = np.frombuffer(json.dumps({"duration": duration}).encode(), np.uint8)
        np.savez(tmp_path / "f.npz", **{"about": about, DESCRIPTOR + "bands": bands})
        data = waveform(tmp_path / "f.npz", columns)
        assert struct.unpack("<II", data[:8]) == (columns, 3)
        return np.frombuffer(data[8:], np.uint8).reshape(columns, 3).tolist()

    bands = np.full((2, 9), -np.inf, np.float16)
    bands[0, 2], bands[0, 5], bands[1, 3], bands[1, 6] = 0.0, -20.0, -20.0, 0.0
    assert picture(bands, 4, 0.02) == [[255, 26, 0], [255, 26, 0], [0, 26, 255], [0, 26, 255]]
    assert picture(bands, 2, 0.0) == [[255, 26, 0], [255, 26, 0]]
