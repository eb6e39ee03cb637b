"""Measure tempo, octave, beats and downbeats: songs with exact truth, and GiantSteps.

Usage: .venv/bin/python benchmarks/rhythm_accuracy.py [songs] [excerpts] [giantsteps] [parameters]
       [--shared FOLDER] [--cache FOLDER]

songs       tempo, beats and downbeats of FOLDER/music from the audio
excerpts    the same on a minute of each song, from every 20 s: no start, no end, less evidence
giantsteps  tempo of FOLDER/reference/giantsteps_*, from beat activations alone
parameters  how scores change when each parameter is made smaller and larger

Beat and downbeat F-measures are mir_eval.beat.f_measure, 70 ms, nothing trimmed at the start.
A phase error is an estimated beat's distance to the nearest true one, where that is below 70 ms.
Accuracy1 is a tempo within 4 % of the reference, Accuracy2 also of 2, 3, 1/2 or 1/3 times it.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
from dropgrid import stages as pipeline
from dropgrid.features import ENVELOPE_RATE, FRAME_RATE, Features
from dropgrid.rhythm import (
    Rhythm,
    RhythmOptions,
    analyse,
    downbeats,
    drift,
    fit,
    octave,
    phase,
    regions,
    tempo,
)
from structure_accuracy import cached_features

PARTS = ("songs", "excerpts", "giantsteps", "parameters")
EXCERPT, EVERY = 60, 20  # seconds
NEAR = 0.07  # seconds
RATES = {"bands": FRAME_RATE, "attack": ENVELOPE_RATE, "chroma": 10}
OCTAVES = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)


@dataclass(frozen=True)
class Song:
    """A song, or an excerpt of it, with its truth in seconds."""

    name: str
    features: Features
    bpm: float
    beats: np.ndarray
    downbeats: np.ndarray


@dataclass(frozen=True)
class Tempo:
    """A GiantSteps track: features of activations only, and the two references (0: none)."""

    track: str
    genre: str
    features: Features
    v1: float
    v2: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--shared", type=Path, default=root.parent / "shared")
    parser.add_argument("--cache", type=Path, help="where features are kept from call to call")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    parts = set(arguments.parts or PARTS)
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        cache.mkdir(parents=True, exist_ok=True)
        songs = tuple(read_songs(arguments.shared / "music", cache)) if parts != {PARTS[2]} else ()
    excerpts = tuple(minute for song in songs for minute in minutes(song))
    tempi = tuple(read_giantsteps(arguments.shared / "reference"))
    if "songs" in parts:
        report_songs(songs)
    if "excerpts" in parts:
        report_excerpts(excerpts)
    if "giantsteps" in parts:
        report_giantsteps(tempi)
    if "parameters" in parts:
        report_parameters(songs, excerpts, tempi)


def read_songs(folder: Path, cache: Path) -> Iterator[Song]:
    """All songs of a folder. Meters of eight beats are counted as two bars of four."""
    network = cache / "network.onnx"
    if not network.exists():
        pipeline.prepare_network(network, "madmom")
    for path in sorted(folder.glob("*.json")):
        truth = json.loads(path.read_text())
        ones = truth.get("downbeats_4", truth["downbeats"])
        features = cached_features(path.with_suffix(".ogg"), cache, network)
        yield Song(path.stem, features, truth["bpm"], np.array(truth["beats"]), np.array(ones))


def minutes(song: Song) -> Iterator[Song]:
    """Excerpts of a song, none of which begins on a beat by intent."""
    whole = int(min(song.features.duration, song.beats[-1]))
    for start in range(3, max(4, whole - EXCERPT + 1), EVERY):
        end = min(start + EXCERPT, whole)
        kept = {
            name: song.features.descriptors[name][start * rate : end * rate]
            for name, rate in RATES.items()
        }
        activations = song.features.activations[start * FRAME_RATE : end * FRAME_RATE]
        yield Song(
            song.name, Features(end - start, activations, kept), song.bpm,
            *(times[(times >= start) & (times < end)] - start
              for times in (song.beats, song.downbeats)),
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
class Score:
    """How well a song's rhythm is found; phase in seconds, None where no beat is near."""

    octave: bool
    beats: float
    downbeats: float
    phase: float | None
    confidence: float
    regions: int


def score(song: Song, found: Rhythm) -> Score:
    """The scores of what was found."""
    beats = np.array(found.beats)
    errors = beats - song.beats[np.abs(beats[:, None] - song.beats).argmin(axis=1)]
    near = np.abs(errors) < NEAR
    return Score(
        right(found.bpm, song.bpm, (1.0,)),
        mir_eval.beat.f_measure(song.beats, beats),
        mir_eval.beat.f_measure(song.downbeats, np.array(found.downbeats)),
        float(np.median(errors[near])) if near.any() else None,
        found.confidence,
        len(found.grid),
    )


def right(bpm: float | None, reference: float, ratios: tuple[float, ...]) -> bool:
    """True if a tempo is within 4 % of the reference or of one of its multiples."""
    return bpm is not None and any(
        abs(bpm - reference * ratio) <= 0.04 * reference * ratio for ratio in ratios
    )


DEFAULTS = RhythmOptions()


def report_songs(songs: tuple[Song, ...]) -> None:
    """Print every song's scores and their means."""
    print("Songs: tempo, beat and downbeat F at 70 ms, phase in ms")
    heads = ("truth", "bpm", "fitted", "beats", "downbeats", "phase", "confidence", "cpu s")
    print_cells("", *heads)
    scores, spent = [], []
    for song in songs:
        began = time.process_time()
        found = analyse(song.features, DEFAULTS)
        spent.append(time.process_time() - began)
        scores.append(score(song, found))
        print_cells(
            f"  {song.name[:28]}", f"{song.bpm:g}", f"{found.bpm:g}", f"{found.bpm_fitted:.4f}",
            *score_cells(scores[-1]), f"{spent[-1]:.3f}",
        )  # fmt: skip
    phases = [abs(s.phase) * 1000 for s in scores if s.phase is not None]
    print(
        f"  octave right {sum(s.octave for s in scores)} of {len(scores)};"
        f" mean beat F {np.mean([s.beats for s in scores]):.4f},"
        f" downbeat F {np.mean([s.downbeats for s in scores]):.4f};"
        f" median absolute phase error {np.median(phases):.2f} ms\n"
    )


def score_cells(one: Score) -> list[str]:
    """Cells of beats, downbeats, phase and confidence."""
    shift = "" if one.phase is None else f"{1000 * one.phase:+.1f}"
    return [f"{one.beats:.3f}", f"{one.downbeats:.3f}", shift, f"{one.confidence:.2f}"]


def report_excerpts(excerpts: tuple[Song, ...]) -> None:
    """Print the mean scores of every song's excerpts."""
    print(f"Excerpts of {EXCERPT} s: means by song")
    print_cells("", "excerpts", "octave", "beats", "downbeats", "confidence", "regions")
    scores = [score(song, analyse(song.features, DEFAULTS)) for song in excerpts]
    names = np.array([song.name for song in excerpts])
    table = np.array([
        (s.octave, s.beats, s.downbeats, s.confidence, s.regions) for s in scores
    ])  # fmt: skip
    for name in dict.fromkeys(names):
        own = table[names == name]
        print_cells(f"  {name[:28]}", str(len(own)), *(f"{x:.3f}" for x in own.mean(axis=0)))
    print_cells("all", str(len(table)), *(f"{x:.3f}" for x in table.mean(axis=0)))
    print()


@dataclass(frozen=True)
class Accuracy:
    """Tempo scores of tracks: see report_giantsteps."""

    one: float
    two: float
    in_octave: int
    exact: float
    median: float
    median_fitted: float
    several: int


def accuracy(tempi: tuple[Tempo, ...], found: list[Rhythm]) -> Accuracy:
    """Accuracy1 and 2 on v2; of tracks in v1's octave, how near v1; tracks of several regions."""
    judged = [(t, f) for t, f in zip(tempi, found, strict=True) if t.v2 > 0]
    near = [(t, f) for t, f in zip(tempi, found, strict=True) if right(f.bpm, t.v1, (1.0,))]
    errors = np.array([abs((f.bpm or 0) - t.v1) for t, f in near])
    fitted = np.array([abs((f.bpm_fitted or 0) - t.v1) for t, f in near])
    return Accuracy(
        float(np.mean([right(f.bpm, t.v2, (1.0,)) for t, f in judged])),
        float(np.mean([right(f.bpm, t.v2, OCTAVES) for t, f in judged])),
        len(near),
        float(np.mean(errors <= 0.05)),
        float(np.median(errors)),
        float(np.median(fitted)),
        sum(len(f.grid) > 1 for f in found),
    )


def report_giantsteps(tempi: tuple[Tempo, ...]) -> None:
    """Print accuracies, calibration, accuracies by genre and what is still wrong."""
    began = time.process_time()
    found = [analyse(track.features, DEFAULTS) for track in tempi]
    spent = (time.process_time() - began) / len(tempi)
    total = accuracy(tempi, found)
    print(f"GiantSteps, {len(tempi)} tracks, {spent:.3f} s of cpu each")
    print(f"  Accuracy1 {total.one:.4f}, Accuracy2 {total.two:.4f} (v2)")
    print(
        f"  {total.in_octave} in the octave of v1: {total.exact:.3f} within 0.05 BPM,"
        f" median error {total.median:.4f}, of the unsnapped fit {total.median_fitted:.4f}"
    )
    print(f"  {total.several} tracks of more than one region")
    confidence = np.array([f.confidence for f in found])
    held = np.array([t.v2 > 0 for t in tempi])
    is_right = np.array([right(f.bpm, t.v2, (1.0,)) for t, f in zip(tempi, found, strict=True)])
    print_cells("  confidence", "tracks", "mean", "right")
    for low, high in ((0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 0.97), (0.97, 1.01)):
        some = held & (confidence >= low) & (confidence < high)
        print_cells(
            f"  {low:.2f} to {min(high, 1):.2f}", str(some.sum()),
            f"{confidence[some].mean():.3f}", f"{is_right[some].mean():.3f}",
        )  # fmt: skip
    above = held & (confidence > 0.9)
    print(f"  above 0.9: {is_right[above].mean():.3f} of {above.sum()} right")
    print_cells("  genre", "tracks", "Accuracy1", "Accuracy2", "wrong: found for v2")
    for genre in sorted({t.genre for t in tempi}):
        own = [(t, f) for t, f in zip(tempi, found, strict=True) if t.genre == genre and t.v2 > 0]
        scores = [
            np.mean([right(f.bpm, t.v2, ratios) for t, f in own]) for ratios in ((1.0,), OCTAVES)
        ]
        wrong = [f"{f.bpm:.0f}/{t.v2:.0f}" for t, f in own if not right(f.bpm, t.v2, (1.0,))]
        print_cells(f"  {genre}", str(len(own)), *(f"{x:.3f}" for x in scores), " ".join(wrong))
    print()


PARAMETERS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "WINDOW": (tempo, (600, 2000)),
    "WEIGHTS": (tempo, ((0.0, 5.4, 4.9, 10.7), (2.0, 5.4, 4.9, 8.0), (4.0, 5.4, 4.9, 10.7))),
    "OCTAVE_COST": (tempo, (1.5, 4.0)),
    "BAR_WEIGHT": (octave, (0.0, 8.0, 24.0)),
    "JITTER": (fit, (0.0025, 0.01)),
    "PEAK_FLOOR": (fit, (0.02, 0.1)),
    "JUMP_COST": (regions, (15.0, 60.0)),
    "SLIDE_COST": (regions, (0.3, 3.0)),
    "PIECE_COST": (regions, (8.0, 32.0)),
    "PHASE_SLACK": (regions, (0.03, 0.08)),
    "DRIFT": (drift, (0.002, 0.006)),
    "PULSE": (drift, (0.1, 0.25)),
    "ACTIVATION_WEIGHT": (phase, (1.5, 6.0)),
    "DRUM_WEIGHT": (phase, (1.0, 4.0)),
    "FOOT": (phase, (0.1, 0.3)),
    "SHARP": (phase, (0.005, 0.02)),
    "THREE_NEEDS": (downbeats, (0.05, 0.3)),
    "OPENING_ODDS": (downbeats, (1.0, 4.0)),
    "QUIET": (downbeats, (-80.0, -60.0)),
}
OPTIONS = {"preferred_bpm": (130.0, 170.0), "min_bpm": (45.0, 70.0), "max_bpm": (190.0, 240.0)}


def report_parameters(
    songs: tuple[Song, ...], excerpts: tuple[Song, ...], tempi: tuple[Tempo, ...]
) -> None:
    """Print the scores with each parameter at other values, the others as they are."""
    excerpts = excerpts[::3]
    print("Parameters, one at a time; every third excerpt; GiantSteps where it has a part")
    heads = ("octave", "beats", "downbeats", "phase ms", "octave", "beats", "downbeats")
    print_cells("", *heads, "Acc1", "Acc2", "exact", "several")
    print_cells("", "songs", "", "", "", "excerpts", "", "", "GiantSteps")
    print_cells("as it is", *overall(DEFAULTS, songs, excerpts, tempi))
    for name, values in OPTIONS.items():
        for value in values:
            options = RhythmOptions(**{name: value})
            print_cells(f"{name} {value:g}", *overall(options, songs, excerpts, tempi))
    for name, (module, values) in PARAMETERS.items():
        usual = getattr(module, name)
        for value in values:
            setattr(module, name, value)
            tracks = tempi if module in (tempo, fit, regions, drift) else ()
            print_cells(f"{name} {value}", *overall(DEFAULTS, songs, excerpts, tracks))
        setattr(module, name, usual)
    usual = dict(downbeats.WEIGHTS)
    for name in usual:
        downbeats.WEIGHTS[name] = 0.0
        print_cells(f"without {name}", *overall(DEFAULTS, songs, excerpts, ()))
        downbeats.WEIGHTS[name] = usual[name]


def overall(
    options: RhythmOptions,
    songs: tuple[Song, ...],
    excerpts: tuple[Song, ...],
    tempi: tuple[Tempo, ...],
) -> list[str]:
    """The cells report_parameters prints."""
    cells = []
    for cases in (songs, excerpts):
        scores = [score(song, analyse(song.features, options)) for song in cases]
        cells += [
            f"{np.mean([getattr(s, what) for s in scores]):.3f}"
            for what in ("octave", "beats", "downbeats")
        ]
        if cases is songs:
            phases = [abs(s.phase) * 1000 for s in scores if s.phase is not None]
            cells.append(f"{np.median(phases):.2f}")
    if not tempi:
        return cells
    total = accuracy(tempi, [analyse(track.features, options) for track in tempi])
    return [
        *cells, f"{total.one:.4f}", f"{total.two:.4f}", f"{total.exact:.3f}", str(total.several),
    ]  # fmt: skip


def print_cells(name: str, *cells: str) -> None:
    """Print a row of a table of narrow columns."""
    print(f"{name:<34}" + "".join(f"{cell:<11}" for cell in cells).rstrip(), flush=True)


if __name__ == "__main__":
    main()
