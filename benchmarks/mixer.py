"""A small mixer: records played at other speeds and joined as in a set, with exact truth.

Speed is that of a pitch fader without key lock: resampling, so that a beat at t seconds of a
song lies at a time known exactly. Beats of a Clip are those of the song, at clip time; a Set is
clips joined one after another, and knows its joins.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from dropgrid.audio.reader import SAMPLE_RATE, Reader

TAPS = np.arange(-15, 17)  # samples around a place that a windowed sinc looks at
STEPS = 1024  # positions between two samples that are distinguished: 0.02 microseconds
BLOCK = 1 << 17
SPIN = 1.4  # s of a backspin
SPIN_SPEED = 6.0  # how much faster than played it begins; it slows down to nothing


@dataclass(frozen=True)
class Song:
    """A song's samples (n,), its tempo and its true beats and downbeats in seconds."""

    name: str
    samples: np.ndarray
    bpm: float
    beats: np.ndarray
    downbeats: np.ndarray


@dataclass(frozen=True)
class Clip:
    """Part of a song as it is played: samples, and its beats in seconds of the clip.

    bpm: the tempo it ends with.
    """

    samples: np.ndarray
    beats: np.ndarray
    downbeats: np.ndarray
    bpm: float

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


@dataclass
class Set:
    """What is mixed so far. joins: (seconds, kind) of every transition."""

    parts: list[np.ndarray] = field(default_factory=list)
    beats: list[np.ndarray] = field(default_factory=list)
    downbeats: list[np.ndarray] = field(default_factory=list)
    joins: list[tuple[float, str]] = field(default_factory=list)
    tail: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    length: int = 0  # samples before the tail

    def cut_to(self, clip: Clip, kind: str, overlap: float = 0.0) -> None:
        """Add a clip, whose first `overlap` seconds play with the last ones of what is there.

        Levels cross with equal power; the truth changes in the middle of the overlap.
        """
        shared = round(overlap * SAMPLE_RATE)
        head = clip.samples[:shared]
        if shared:
            turn = np.linspace(0, np.pi / 2, shared, dtype=np.float32)
            held = self.tail[len(self.tail) - shared :]
            head = held * np.cos(turn) + head * np.sin(turn)
            self.tail = self.tail[: len(self.tail) - shared]
        self._keep(self.tail)
        start = self.length / SAMPLE_RATE
        change = start + overlap / 2
        for known, own in ((self.beats, clip.beats), (self.downbeats, clip.downbeats)):
            known[:] = [times[times < change - 1e-4] for times in known]
            known.append((own + start)[own + start >= change - 1e-4])
        if kind:
            self.joins.append((change, kind))
        self.tail = np.concatenate([head, clip.samples[shared:]])

    def _keep(self, samples: np.ndarray) -> None:
        self.parts.append(samples)
        self.length += len(samples)

    def finished(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Samples, beats and downbeats of the whole."""
        self._keep(self.tail)
        self.tail = self.tail[:0]
        return (
            np.concatenate(self.parts), np.concatenate(self.beats), np.concatenate(self.downbeats)
        )  # fmt: skip


def read_song(path: Path) -> Song:
    """The song of a truth file NAME.json, whose audio is in the same folder."""
    truth = json.loads(path.read_text())
    audio = next(p for p in (path.with_suffix(".ogg"), path.with_suffix(".mp3")) if p.exists())
    samples = np.concatenate([block[:, 0] for block in Reader(audio)])
    loudness = float(np.sqrt(np.mean(samples**2)))
    ones = truth.get("downbeats_4", truth["downbeats"])
    return Song(
        path.stem, samples * (0.12 / loudness), truth["bpm"],
        np.array(truth["beats"]), np.array(ones),
    )  # fmt: skip


def played(song: Song, start: float, end: float, bpm: float, last_bpm: float = 0.0) -> Clip:
    """Seconds start..end of a song at a tempo, or from it to last_bpm in a straight line."""
    first, last = bpm / song.bpm, (last_bpm or bpm) / song.bpm
    seconds = 2 * (end - start) / (first + last)
    bend = (last - first) / seconds / 2  # place = start + first t + bend t^2
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    samples = resampled(song.samples, (start + first * t + bend * t**2) * SAMPLE_RATE)

    def moved(times: np.ndarray) -> np.ndarray:
        place = times[(times >= start - 1e-6) & (times < end - 1e-6)] - start
        return 2 * place / (first + np.sqrt(np.maximum(first**2 + 4 * bend * place, 0)))

    return Clip(samples, moved(song.beats), moved(song.downbeats), last * song.bpm)


def looped(clip: Clip, beats: int, times: int) -> Clip:
    """A clip that repeats its last `beats` beats so many times more.

    It has to end on a beat; a loop of whole bars has its ones where they were.
    """
    period = 60 / clip.bpm
    length = beats * period
    loop = clip.samples[len(clip.samples) - round(length * SAMPLE_RATE) :]
    begin = clip.seconds - length

    def repeated(own: np.ndarray) -> np.ndarray:
        inside = own[own >= begin - 1e-3]
        return np.concatenate([own, *(inside + length * (i + 1) for i in range(times))])

    samples = np.concatenate([clip.samples, *[loop] * times])
    return Clip(samples, repeated(clip.beats), repeated(clip.downbeats), clip.bpm)


def spun_back(clip: Clip) -> Clip:
    """A clip at whose end the record is spun backwards; the spin has no beats."""
    t = np.arange(int(SPIN * SAMPLE_RATE)) / SAMPLE_RATE
    back = SPIN_SPEED * (t - t**2 / (2 * SPIN))
    spin = resampled(clip.samples, (clip.seconds - back) * SAMPLE_RATE)
    fade = np.linspace(1, 0, len(spin), dtype=np.float32)
    return Clip(
        np.concatenate([clip.samples, spin * fade]), clip.beats, clip.downbeats, clip.bpm
    )  # fmt: skip


def resampled(samples: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The signal at places (n,) in samples, whole or not: windowed sinc; zero outside."""
    fraction = np.arange(STEPS + 1)[:, None] / STEPS
    distance = TAPS - fraction
    table = np.sinc(distance) * np.cos(np.pi * distance / (2 * len(TAPS) / 2 + 2)) ** 2
    table = (table / table.sum(axis=1, keepdims=True)).astype(np.float32)
    result = np.zeros(len(places), np.float32)
    for first in range(0, len(places), BLOCK):
        part = places[first : first + BLOCK]
        whole = np.floor(part).astype(np.int64)
        low = int(whole.min()) + int(TAPS[0])
        high = int(whole.max()) + int(TAPS[-1]) + 1
        near = np.zeros(high - low, np.float32)
        held = slice(max(low, 0), max(min(high, len(samples)), max(low, 0)))
        near[held.start - low : held.stop - low] = samples[held]
        windows = np.lib.stride_tricks.sliding_window_view(near, len(TAPS))
        weights = table[np.round((part - whole) * STEPS).astype(int)]
        rows = windows[whole + int(TAPS[0]) - low]
        result[first : first + BLOCK] = np.einsum("ij,ij->i", rows, weights)
    return result
