"""Measure beats and downbeats in DJ mixes and edits, by kind of transition.

Usage: .venv/bin/python benchmarks/mixes.py [--shared FOLDER] [--cache FOLDER] [--seeds 1 2]
       [--minutes 60]

Mixes of an hour are made from the shared songs (mixer.py), written as FLAC and analysed as any
file is. Songs that are found wrong when analysed alone, or whose truth is not exact, take no
part: what is measured is the transition. Kinds:

blend 16, 32   tempo-matched overlap of 16 or 32 bars, one upon one
blend apart    the same over 16 bars, the new record's one on the old one's second, third or
               fourth beat
cut on one     from a downbeat to a downbeat of the next record, which has its own tempo
cut anywhere   the next record begins between two beats
loop           a bar that is played nine times
edit           one, two or three beats of a record are missing; the beat goes on
backspin       the record is spun back, the next begins on its one
ramp           a record made 8 BPM faster over 64 bars

F-measures at 70 ms: of the whole mix, of 30 s on both sides of every transition by kind, and of
what lies further than that from any. `placed` says how far beats are from where they should be
when clicks are put through the mixer, in ms.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import mir_eval
import numpy as np
import soundfile
from command_line import parser_of
from dropgrid.audio.reader import SAMPLE_RATE
from dropgrid.features import Features
from dropgrid.rhythm import RhythmOptions, analyse
from dropgrid.stages.networks import prepare_network
from mixer import Clip, Set, Song, looped, played, read_song, spun_back
from structure_cases import cached_features

FLOORS = (  # records of neighbouring tempi, in the order a night has
    ("Jousboxx-BuzzerBeater", "Shovon-ProgressiveHousePluckDemo", "Popsip-Electric Dancer",
     "S3M-TRASH2-GMF", "S3M-TRASH3-TEKK"),
    ("Impulslogik-Zen", "Momo64-esp", "Oglsdl-PpTrip", "Saber-FinalStep", "TameAnderson-MakeMe",
     "Ashore", "Farbro-Tectonic", "OrtalDj-FirstProyect", "Root84-Initialize",
     "S3M-TRASH2-SPEECH", "TobyDox-TheFourthDimension"),
    ("CapDan-TwilightArea-OriginalByAlf42red", "BlueWolf-DreamTravel", "S3M-MICT-BRIDGE",
     "TobyDox-Confused", "DirtyLove", "Thaledric-Armageddon"),
)  # fmt: skip
KINDS = ("blend 16", "blend 32", "blend apart", "cut on one", "cut anywhere", "loop", "edit",
         "backspin", "ramp")  # fmt: skip
BARS = (56, 104)  # how long a record plays
AROUND = 30.0  # seconds on each side of a transition
PITCH = 0.07  # how far a record's speed may be changed to match another
RAMP, RAMP_BARS = 8.0, 64


@dataclass(frozen=True)
class Mix:
    """A mix's truth in seconds; joins: (seconds, kind)."""

    name: str
    features: Features
    beats: np.ndarray
    downbeats: np.ndarray
    joins: list[tuple[float, str]]


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--minutes", type=float, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        cache.mkdir(parents=True, exist_ok=True)
        print(f"placed: {placed():.3f} ms at most")
        for seed in arguments.seeds:
            report(read_mix(arguments.shared, cache, seed, arguments.minutes))


def read_mix(shared: Path, cache: Path, seed: int, minutes: float) -> Mix:
    """A mix of the cache, made where it is not there yet."""
    network = cache / "network.npz"
    if not network.exists():
        prepare_network(network, "madmom")
    name = f"mix-{seed}-{minutes:g}"
    audio, truth = cache / f"{name}.flac", cache / f"{name}.json"
    if not truth.exists():
        mix = mixed(shared, np.random.default_rng(seed), minutes)
        samples, beats, downbeats = mix.finished()
        samples = samples * (0.9 / np.abs(samples).max())
        soundfile.write(audio, samples, SAMPLE_RATE, subtype="PCM_16")
        held = {"beats": beats.tolist(), "downbeats": downbeats.tolist(), "joins": mix.joins}
        truth.write_text(json.dumps(held))
    held = json.loads(truth.read_text())
    features = cached_features(audio, cache, network)
    joins = [(float(at), str(kind)) for at, kind in held["joins"]]
    return Mix(name, features, np.array(held["beats"]), np.array(held["downbeats"]), joins)


def mixed(shared: Path, random: np.random.Generator, minutes: float) -> Set:
    """A set of so many minutes: floor by floor, every kind of transition in turn."""
    files = {p.stem: p for f in ("music", "music_more") for p in (shared / f).glob("*.json")}
    order = [
        random.permutation([*floor, *floor])[: 4 * len(floor) // 3 + 1] for floor in FLOORS
    ]  # fmt: skip
    names = [str(name) for floor in order for name in floor]
    kinds: list[str] = []
    mix, clip, position = Set(), None, 0
    while mix.length < minutes * 60 * SAMPLE_RATE:
        song = read_song(files[names[position % len(names)]])
        position += 1
        if not kinds:
            kinds = [str(kind) for kind in random.permutation(KINDS)]
        clip = _joined(mix, clip, song, kinds.pop(), random)
    return mix


def _joined(
    mix: Set, before: Clip | None, song: Song, kind: str, random: np.random.Generator
) -> Clip:
    """Add a song to a mix by a transition of one kind; the clip that plays last."""
    bars = min(int(random.integers(*BARS)), len(song.downbeats) - 6)
    first = int(random.integers(1, len(song.downbeats) - bars - 4))
    start, end = song.downbeats[first], song.downbeats[first + bars]
    if before is None:
        clip = played(song, start, end, song.bpm)
        mix.cut_to(clip, "")
        return clip
    if kind.startswith("blend"):
        overlap = int(kind.split()[1]) if kind != "blend apart" else 16
        if (
            abs(before.bpm / song.bpm - 1) > PITCH
            or before.seconds < 1.5 * overlap * 240 / song.bpm
        ):
            kind, overlap = "cut on one", 0
        bpm = before.bpm if overlap else song.bpm
        if kind == "blend apart":
            start += int(random.integers(1, 4)) * 60 / song.bpm
        clip = played(song, start, end, bpm)
        mix.cut_to(clip, kind, overlap * 240 / bpm)
        return clip
    if kind == "cut anywhere":
        start += random.uniform(0.15, 0.85) * 60 / song.bpm
        mix.cut_to(clip := played(song, start, end, song.bpm), kind)
        return clip
    if kind == "backspin":
        spun = spun_back(Clip(mix.tail, np.zeros(0), np.zeros(0), before.bpm))
        mix.tail = spun.samples
        mix.cut_to(clip := played(song, start, end, song.bpm), kind)
        return clip
    middle = song.downbeats[first + bars // 2]
    if kind == "loop":
        mix.cut_to(looped(played(song, start, middle, song.bpm), 4, 8), "cut on one")
        at = mix.length / SAMPLE_RATE + len(mix.tail) / SAMPLE_RATE
        mix.cut_to(clip := played(song, middle, end, song.bpm), "")
        mix.joins.append((at - 16 * 60 / song.bpm, kind))
        return clip
    if kind == "edit":
        mix.cut_to(played(song, start, middle, song.bpm), "cut on one")
        skipped = int(random.integers(1, 4)) * 60 / song.bpm
        mix.cut_to(clip := played(song, middle + skipped, end, song.bpm), kind)
        return clip
    if kind == "ramp" and bars > RAMP_BARS:
        last = song.bpm + RAMP
        middle = song.downbeats[first + RAMP_BARS]
        ramp = played(song, start, middle, song.bpm, last)
        mix.cut_to(ramp, "cut on one")
        mix.joins.append((mix.length / SAMPLE_RATE + ramp.seconds / 2, kind))
        mix.cut_to(clip := played(song, middle, end, last), "")
        return clip
    mix.cut_to(clip := played(song, start, end, song.bpm), "cut on one")
    return clip


def placed() -> float:
    """How far clicks lie from a clip's beats, in ms: at a speed, up a ramp, in a loop."""
    beats = np.arange(0.5, 60, 0.5)
    samples = np.zeros(60 * SAMPLE_RATE, np.float32)
    samples[np.round(beats * SAMPLE_RATE).astype(int)] = 1.0
    song = Song("clicks", samples, 120.0, beats, beats[::4])
    worst = 0.0
    straight = played(song, 2.5, 50.5, 127.3)
    for clip in (straight, played(song, 2.5, 50.5, 120.0, 128.0), looped(straight, 4, 8)):
        for beat in clip.beats[1:]:
            near = round(beat * SAMPLE_RATE) + np.arange(-200, 200)
            near = near[near < len(clip.samples)]
            weight = clip.samples[near] ** 2
            worst = max(worst, abs(float(weight @ near / weight.sum()) / SAMPLE_RATE - beat))
    return 1000 * worst


def report(mix: Mix) -> None:
    """Print a mix's scores."""
    began = time.process_time()
    found = analyse(mix.features, RhythmOptions())
    spent = time.process_time() - began
    beats, downbeats = np.array(found.beats), np.array(found.downbeats)
    print(
        f"{mix.name}: {mix.features.duration / 60:.1f} min, {len(mix.joins)} transitions,"
        f" {len(found.grid)} grid entries, {spent:.2f} s of cpu"
    )
    print(f"  {'':<16}{'number':>7}{'beats':>8}{'downbeats':>11}")
    whole = [(0.0, mix.features.duration)]
    print_scores("whole", "", mix, beats, downbeats, whole)
    for kind in KINDS:
        near = [(at - AROUND, at + AROUND) for at, own in mix.joins if own == kind]
        if near:
            print_scores(kind, len(near), mix, beats, downbeats, near)
    at = np.array([0.0, *sorted(at for at, _ in mix.joins), mix.features.duration])
    far = [(a + AROUND, b - AROUND) for a, b in pairwise(at)]
    print_scores("far from any", "", mix, beats, downbeats, [(a, b) for a, b in far if b > a])


def print_scores(
    name: str, number: object, mix: Mix, beats: np.ndarray, downbeats: np.ndarray,
    spans: list[tuple[float, float]],
) -> None:  # fmt: skip
    """Print F-measures within spans of time, all spans together."""
    scores = [
        mir_eval.beat.f_measure(within(truth, spans), within(own, spans))
        for truth, own in ((mix.beats, beats), (mix.downbeats, downbeats))
    ]
    print(f"  {name:<16}{number:>7}{scores[0]:>8.3f}{scores[1]:>11.3f}")


def within(times: np.ndarray, spans: list[tuple[float, float]]) -> np.ndarray:
    """The times that lie in any of the spans."""
    held = np.zeros(len(times), bool)
    for start, end in spans:
        held |= (times >= start) & (times < end)
    return times[held]


if __name__ == "__main__":
    main()
