"""Measure whether what is done to a file changes the reading of its rhythm.

Usage: .venv/bin/python benchmarks/rhythm_robustness.py [CHANGE ...] [--shared FOLDER]
       [--cache FOLDER]

Every song of FOLDER/music and FOLDER/music_more is analysed as it is and after each change: halves
apart, speed -6 % and +3 %, MP3 of 128 kbit/s, 22.05 kHz, 1.234 s of silence before, mono, -12 dB.
Listed are half beats, ones and octaves that are wrong where the song as it is was right, with the
confidence they were given. Half an hour the first time; features are kept in --cache.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from dropgrid import pipeline
from dropgrid.features import store
from dropgrid.features.extract import extract
from dropgrid.features.network import load
from rhythm_accuracy import DEFAULTS, Song, cells_of, print_cells, read_songs, verdict
from dropgrid.rhythm import analyse

SILENCE = 1.234  # seconds


@dataclass(frozen=True)
class Sound:
    """A song's samples (n, channels) and the truth that goes with them, in seconds."""

    samples: np.ndarray
    rate: int
    bpm: float
    beats: np.ndarray
    downbeats: np.ndarray

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def slower_or_faster(speed: float) -> Callable[[Sound], Sound]:
    """The change that plays a sound at another speed, as a record player would."""

    def change(sound: Sound) -> Sound:
        import soxr

        samples = soxr.resample(sound.samples, sound.rate * speed, sound.rate)
        return Sound(
            samples, sound.rate, sound.bpm * speed, sound.beats / speed, sound.downbeats / speed
        )

    return change


def part(first: float, last: float) -> Callable[[Sound], Sound]:
    """The change that keeps what lies between two shares of the length."""

    def change(sound: Sound) -> Sound:
        start, end = (round(share * len(sound.samples)) for share in (first, last))
        begin, stop = start / sound.rate, end / sound.rate
        return Sound(
            sound.samples[start:end], sound.rate, sound.bpm,
            *(times[(times >= begin) & (times < stop)] - begin
              for times in (sound.beats, sound.downbeats)),
        )  # fmt: skip

    return change


def after_silence(sound: Sound) -> Sound:
    """The sound with SILENCE before it."""
    nothing = np.zeros((round(SILENCE * sound.rate), sound.samples.shape[1]), np.float32)
    late = len(nothing) / sound.rate
    samples = np.concatenate([nothing, sound.samples])
    return replace(
        sound, samples=samples, beats=sound.beats + late, downbeats=sound.downbeats + late
    )


def at_half_rate(sound: Sound) -> Sound:
    """The sound at half its sample rate."""
    import soxr

    return replace(
        sound, samples=soxr.resample(sound.samples, sound.rate, sound.rate / 2),
        rate=sound.rate // 2,
    )  # fmt: skip


def same(sound: Sound) -> Sound:
    """No change."""
    return sound


def mono(sound: Sound) -> Sound:
    """The mean of the channels."""
    return replace(sound, samples=sound.samples.mean(axis=1, keepdims=True))


def quiet(sound: Sound) -> Sound:
    """12 dB less."""
    return replace(sound, samples=sound.samples * np.float32(10 ** (-12 / 20)))


CHANGES: dict[str, tuple[Callable[[Sound], Sound], str]] = {  # and the suffix of its file
    "first half": (part(0.0, 0.5), ".flac"),
    "second half": (part(0.5, 1.0), ".flac"),
    "-6 %": (slower_or_faster(0.94), ".flac"),
    "+3 %": (slower_or_faster(1.03), ".flac"),
    "MP3": (same, ".mp3"),
    "silence": (after_silence, ".flac"),
    "22 kHz": (at_half_rate, ".flac"),
    "mono": (mono, ".flac"),
    "-12 dB": (quiet, ".flac"),
}


def changed(song: Song, change: str, cache: Path, network: Path) -> Song:
    """The song after a change, its features from the cache if they are there."""
    alter, suffix = CHANGES[change]
    samples, rate = soundfile.read(song.file, dtype="float32", always_2d=True)
    sound = alter(Sound(samples, rate, song.bpm, song.beats, song.downbeats))
    kept = cache / f"{song.name} {change}.npz"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"changed{suffix}")
            write(file, sound)
            store.save(kept, extract(file, load(network)))
    features = store.load(kept)
    return replace(
        song, features=features, bpm=sound.bpm, beats=sound.beats, downbeats=sound.downbeats
    )


def write(file: Path, sound: Sound) -> None:
    """Write a sound; an MP3 at 128 kbit/s."""
    if file.suffix == ".mp3":
        with soundfile.SoundFile(
            file, "w", sound.rate, sound.samples.shape[1], format="MP3",
            subtype="MPEG_LAYER_III", bitrate_mode="CONSTANT", compression_level=0.66,
        ) as stream:  # fmt: skip
            for start in range(0, len(sound.samples), sound.rate):  # its encoder works on the stack
                stream.write(sound.samples[start : start + sound.rate])
    else:
        soundfile.write(file, np.clip(sound.samples, -1, 1), sound.rate)
