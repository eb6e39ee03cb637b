"""The material of the rhythm benchmarks, and the scores of a result."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mir_eval
import numpy as np
from dropgrid.features import ENVELOPE_RATE, FRAME_RATE, Features
from dropgrid.rhythm import Rhythm, RhythmOptions
from dropgrid.stages.networks import prepare_network
from structure_cases import cached_features

DEFAULTS = RhythmOptions()
METHODS = ("madmom", "open", "librosa")  # beat detectors: bpm.method
SONGS = ("music", "music_more")  # folders of songs with exact truth
SETS = ("hjdb", "ballroom", "gtzan", "hainsworth", "smc")  # sets of activations
RATES = {"bands": FRAME_RATE, "attack": ENVELOPE_RATE, "chroma": 10}
OCTAVES = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)
NEAR = 0.07  # seconds
EIGHT_BARS = 32  # beats


@dataclass(frozen=True)
class Song:
    """A song, or part of one, or a track of a set, with its truth in seconds.

    bpm: of a set's track, that of its median beat. downbeats: empty where they are not annotated.
    """

    group: str
    name: str
    features: Features
    bpm: float
    beats: np.ndarray
    downbeats: np.ndarray
    file: Path | None = None


@dataclass(frozen=True)
class Tempo:
    """A GiantSteps track: features of activations only, and the two references (0: none)."""

    track: str
    genre: str
    features: Features
    v1: float
    v2: float


def read_songs(folder: Path, cache: Path, method: str = "madmom") -> Iterator[Song]:
    """All songs of a folder. Meters of eight beats are counted as two bars of four."""
    network = cache / "network.npz"
    if not network.exists():
        prepare_network(network, method)
    for path in sorted(folder.glob("*.json")):
        truth = json.loads(path.read_text())
        downbeats = truth.get("downbeats_4", truth["downbeats"])
        (file,) = (f for f in folder.glob("*") if f.stem == path.stem and f.suffix != ".json")
        yield Song(
            folder.name, path.stem, cached_features(file, cache, network), truth["bpm"],
            np.array(truth["beats"], float), np.array(downbeats, float), file,
        )  # fmt: skip


def cache_of(cache: Path, method: str) -> Path:
    """The folder for features by a method: the cache itself for the networks."""
    return cache if method == "madmom" else cache / method


def part(song: Song, start: float, end: float) -> Song:
    """What lies between two whole seconds of a song, as a song of its own."""
    kept = {
        name: song.features.descriptors[name][round(start * rate) : round(end * rate)]
        for name, rate in RATES.items()
    }
    frames = slice(round(start * FRAME_RATE), round(end * FRAME_RATE))
    features = Features(end - start, song.features.activations[frames], kept)
    times = (
        times[(times >= start) & (times < end)] - start for times in (song.beats, song.downbeats)
    )
    return Song(song.group, song.name, features, song.bpm, *times)


def without(song: Song, start: float, seconds: float) -> Song:
    """A song with a moment cut out of its features, to a frame."""
    gone = round(seconds * FRAME_RATE) / FRAME_RATE

    def cut(values: np.ndarray, rate: float) -> np.ndarray:
        first = round(start * rate)
        return np.concatenate([values[:first], values[first + round(gone * rate) :]])

    features = Features(
        song.features.duration - gone, cut(song.features.activations, FRAME_RATE),
        {name: cut(song.features.descriptors[name], rate) for name, rate in RATES.items()},
    )  # fmt: skip
    times = (
        np.concatenate([times[times < start], times[times >= start + gone] - gone])
        for times in (song.beats, song.downbeats)
    )
    return Song(song.group, song.name, features, song.bpm, *times)


def excerpts(song: Song, length: int, every: int) -> Iterator[Song]:
    """Parts of a song, so many seconds long, none of which begins on a beat by intent."""
    whole = int(min(song.features.duration, song.beats[-1]))
    for start in range(3, max(4, whole - length + 1), every):
        yield part(song, start, min(start + length, whole))


def read_sets(folder: Path) -> Iterator[Song]:
    """The tracks of SETS, with at least four beats."""
    with np.load(folder / "beat_activations_dev.npz") as archive:
        for key in archive.files:
            group, name, what = key.split("/")
            if what != "activation":
                continue
            activation = archive[key].astype(np.float32)[:, None] / 10000
            times, places = archive[f"{group}/{name}/beats"].T[:2]
            if len(times) > 3:
                yield Song(
                    group, name, Features(len(activation) / FRAME_RATE, activation),
                    float(60 / np.median(np.diff(times))), times, times[places == 1],
                )  # fmt: skip


def read_giantsteps(folder: Path) -> Iterator[Tempo]:
    """The tracks whose activations are kept."""
    with (folder / "giantsteps_tempo.csv").open() as stream:
        rows = {row["track"]: row for row in csv.DictReader(stream)}
    with np.load(folder / "giantsteps_activations_dev.npz") as archive:
        for track in archive.files:
            beats = archive[track].astype(np.float32)[:, None]
            row = rows[track]
            yield Tempo(
                track, row["genre"], Features(len(beats) / FRAME_RATE, beats),
                float(row["bpm_v1"]), float(row["bpm_v2"]),
            )  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """The scores of a rhythm. A decision is None if the decision before it is wrong.

    tempo: right apart from its octave; phase: the beats are nearer to the true beats than the half
    beats are; downbeat: the right beats have the right downbeats (None, too, without annotation).
    shift: median distance in seconds of the estimated beats near a true one; None without any.
    confidences: tempo, octave, phase, downbeat, or none. regions: entries of the grid, each a
    marker of an export; long: those of eight bars and more. farthest: seconds from a true beat to
    the nearest one found, at most.
    """

    bpm: float | None
    tempo: bool
    octave: bool | None
    phase: bool | None
    downbeat: bool | None
    beats: float
    downbeats: float
    shift: float | None
    confidence: float
    confidences: tuple[float, ...]
    regions: int
    long: int = 0
    farthest: float = 0.0

    @property
    def wrong(self) -> str:
        """The first decision that is wrong, or nothing."""
        decisions = (
            ("tempo", self.tempo), ("octave", self.octave), ("half beat", self.phase),
            ("downbeat", self.downbeat),
        )  # fmt: skip
        return next((name for name, right in decisions if right is False), "")


def judge(song: Song, found: Rhythm) -> Verdict:
    """The verdict on a result."""
    beats = np.array(found.beats)
    between = (beats[1:] + beats[:-1]) / 2
    near, farthest = np.zeros(0), np.inf
    if len(beats):
        farthest = float(np.abs(song.beats[:, None] - beats).min(axis=1).max())
        errors = beats - song.beats[np.abs(beats[:, None] - song.beats).argmin(axis=1)]
        near = errors[np.abs(errors) < NEAR]
    beat_f = mir_eval.beat.f_measure(song.beats, beats)
    downbeat_f = mir_eval.beat.f_measure(song.downbeats, np.array(found.downbeats))
    tempo = right(found.bpm, song.bpm, OCTAVES)
    octave = right(found.bpm, song.bpm, (1.0,)) if tempo else None
    phase = bool(beat_f > mir_eval.beat.f_measure(song.beats, between)) if octave else None
    downbeat = bool(downbeat_f > beat_f / 2) if phase and len(song.downbeats) > 2 else None
    parts = getattr(found, "confidences", None)
    return Verdict(
        found.bpm, tempo, octave, phase, downbeat, beat_f, downbeat_f,
        float(np.median(near)) if len(near) else None, found.confidence,
        (parts.tempo, parts.octave, parts.phase, parts.downbeat) if parts else (),
        len(found.grid), sum(region.beats >= EIGHT_BARS for region in found.grid), farthest,
    )  # fmt: skip


def right(bpm: float | None, reference: float, ratios: tuple[float, ...]) -> bool:
    """True if a tempo is within 4 % of the reference or of one of its multiples."""
    return bpm is not None and any(
        abs(bpm - reference * ratio) <= 0.04 * reference * ratio for ratio in ratios
    )


def print_cells(name: str, *cells: str) -> None:
    """Print a row of a table of narrow columns."""
    print(f"{name:<34}" + "".join(f"{cell:<11}" for cell in cells).rstrip(), flush=True)
