"""Measure the key: songs with known keys, music made in all 24, and changes of both.

Usage: .venv/bin/python benchmarks/key_accuracy.py [PART ...] [--shared FOLDER] [--cache FOLDER]

songs        FOLDER/music and music_more against FOLDER/music_keys.json: exact, and within the keys
             that are close (other interpretations of the same notes)
transposed   each song played 1, 5 semitones higher, 2 lower: the key must follow
treated      each song 12 dB lower, as MP3 of 128 kbit/s, at 22.05 kHz, after 10 s of silence, and
             either half alone: the key must stay
synthetic    the demo's composer in all 24 keys and four styles, at 0, +30 and -45 cents: exact,
             MIREX-weighted, and the difference of the confidence from the share that is right
cost         cpu seconds that key and loudness add for five minutes

Both methods are measured. "confident" counts results with a confidence above 0.7.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from command_line import chosen_parts, parser_of
from dropgrid.audio.reader import SAMPLE_RATE, Reader
from dropgrid.demo_music import compose, render
from dropgrid.evaluation import key as scores
from dropgrid.features import Features, pitch
from dropgrid.features.engines import key_network, key_weights
from dropgrid.features.loudness import Meter
from dropgrid.key import notation
from dropgrid.key.analysis import Key, analyse
from dropgrid.key.options import METHODS, KeyOptions

PARTS = ("songs", "transposed", "treated", "synthetic", "cost")
CONFIDENT = 0.7
SEMITONES = (1, -2, 5)
STYLES = ("house", "trance", "drum and bass", "techno")
CENTS = (0, 30, -45)
BINS = 10  # of confidence, for the calibration error

Found = dict[str, Key]  # by method


def main() -> None:
    parser = parser_of(__doc__, PARTS, cache=Path("key-cache"))
    arguments = parser.parse_args()
    parts = chosen_parts(parser, arguments)
    network_file = arguments.cache / "key.npz"
    if not network_file.exists():
        key_weights.prepare(network_file)
    network = key_network.load(network_file)
    songs = list(read_songs(arguments.shared)) if {*parts} & {*PARTS[:3]} else []
    if "songs" in parts:
        report_songs(songs, network, arguments.shared)
    if "transposed" in parts:
        report_changes(songs, network, {f"{n:+d}": (n, _transposed(n)) for n in SEMITONES})
    if "treated" in parts:
        report_changes(songs, network, {name: (0, change) for name, change in TREATMENTS.items()})
    if "synthetic" in parts:
        report_synthetic(network)
    if "cost" in parts:
        report_cost(network)


def read_songs(shared: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Name and mono samples of every song whose key is known."""
    known = json.loads((shared / "music_keys.json").read_text())
    for folder in ("music", "music_more"):
        for path in sorted((shared / folder).glob("*")):
            if path.stem in known and path.suffix in (".ogg", ".mp3"):
                yield path.stem, np.concatenate([block[:, 0] for block in Reader(path)])


def keys_of(sound: np.ndarray, network: key_network.Network) -> Found:
    """The key of a mono signal by both methods."""
    hearing = pitch.Pitch(network)
    for start in range(0, len(sound), 65536):
        hearing.add(np.ascontiguousarray(sound[start : start + 65536], np.float32))
    hearing.finish()
    features = Features(len(sound) / SAMPLE_RATE, np.zeros((0, 2)), hearing.arrays())
    return {method: analyse(features, KeyOptions(method)) for method in METHODS}


def report_songs(
    songs: list[tuple[str, np.ndarray]], network: key_network.Network, shared: Path
) -> None:
    known = json.loads((shared / "music_keys.json").read_text())
    counts = {
        method: dict.fromkeys(("sure", "probable", "rest", "close"), 0) for method in METHODS
    }
    of = dict.fromkeys(("sure", "probable", "rest", "close"), 0)
    for name, sound in songs:
        truth = known[name]
        group = "sure" if truth["sure"] else "probable" if truth["probable"] else "rest"
        of[group] += 1
        of["close"] += 1
        cells = []
        for method, found in keys_of(sound, network).items():
            found_key = "none" if found.key is None else notation.name(found.key)
            counts[method][group] += found_key == truth["key"]
            counts[method]["close"] += found_key in (truth["key"], *truth["close"])
            cells.append(f"{method} {found_key} {found.confidence:.2f}")
        print(f"{name:40} {truth['key']:9} {group:8} {', '.join(cells)}")
    for method in METHODS:
        shares = ", ".join(f"{name} {n}/{of[name]}" for name, n in counts[method].items())
        print(f"songs, {method}: {shares}")


def _transposed(semitones: int):  # type: ignore[no-untyped-def]
    def change(sound: np.ndarray) -> np.ndarray:
        return np.asarray(soxr.resample(sound, SAMPLE_RATE * 2 ** (semitones / 12), SAMPLE_RATE))

    return change


def _mp3(sound: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    soundfile.write(
        stream, np.clip(sound, -1, 1), SAMPLE_RATE, format="MP3",
        bitrate_mode="CONSTANT", compression_level=0.75,
    )  # fmt: skip
    stream.seek(0)
    return np.asarray(soundfile.read(stream, dtype="float32")[0])


def _half_rate(sound: np.ndarray) -> np.ndarray:
    half = soxr.resample(sound, SAMPLE_RATE, SAMPLE_RATE / 2)
    return np.asarray(soxr.resample(half, SAMPLE_RATE / 2, SAMPLE_RATE))


TREATMENTS = {
    "-12 dB": lambda sound: sound * np.float32(0.25),
    "MP3 128": _mp3,
    "22.05 kHz": _half_rate,
    "10 s of silence before": lambda sound: np.concatenate(
        [np.zeros(10 * SAMPLE_RATE, np.float32), sound]
    ),
    "first half": lambda sound: sound[: len(sound) // 2],
    "second half": lambda sound: sound[len(sound) // 2 :],
}


def report_changes(  # type: ignore[no-untyped-def]
    songs: list[tuple[str, np.ndarray]], network: key_network.Network, changes
) -> None:
    """How many keys follow a change by so many semitones, of all and of the confident ones."""
    same = {(name, method): [] for name in changes for method in METHODS}  # type: ignore[var-annotated]
    for song, sound in songs:
        before = keys_of(sound, network)
        for name, (semitones, change) in changes.items():
            after = keys_of(change(sound), network)
            for method in METHODS:
                was, now = before[method], after[method]
                expected = (
                    None if was.key is None
                    else (was.key + semitones) % 12 + was.key // 12 * 12
                )  # fmt: skip
                confident = was.confidence > CONFIDENT
                same[name, method].append((expected == now.key, confident))
                if confident and expected != now.key:
                    found_key = "none" if now.key is None else notation.name(now.key)
                    print(
                        f"  {song}, {name}, {method}: {found_key} {now.confidence:.2f},"
                        " was confident"
                    )
    for (name, method), results in same.items():
        kept, confident = np.array(results).T
        print(
            f"{name}, {method}: {kept.sum()}/{len(kept)},"
            f" confident {(kept & confident).sum()}/{confident.sum()}"
        )


def report_synthetic(network: key_network.Network) -> None:
    right = {method: [] for method in METHODS}  # type: ignore[var-annotated]
    for number, (key, style) in enumerate((key, style) for key in range(24) for style in STYLES):
        for cents in CENTS:
            composition = compose(1000 + number, None, style, 60.0, key=key, tuning=cents)
            half = render(composition, SAMPLE_RATE // 2).mean(axis=1)
            sound = np.asarray(soxr.resample(half, SAMPLE_RATE / 2, SAMPLE_RATE))
            for method, found in keys_of(sound, network).items():
                right[method].append(
                    (found.key == key, scores.mirex_score(key, found.key), found.confidence, cents)
                )
    for method, results in right.items():
        exact, mirex, confidence, cents = np.array(results).T
        by_cents = ", ".join(f"{c:+d} cents {exact[cents == c].mean():.3f}" for c in CENTS)
        print(
            f"synthetic, {method}: {len(exact)} tracks, exact {exact.mean():.3f},"
            f" MIREX {mirex.mean():.3f}, calibration error {_calibration(confidence, exact):.3f}"
            f" ({by_cents})"
        )


def _calibration(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error: mean distance of confidence and share right, in BINS bins."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return float(sum(
        (bins == b).mean() * abs(confidence[bins == b].mean() - right[bins == b].mean())
        for b in np.unique(bins)
    ))  # fmt: skip


def report_cost(network: key_network.Network) -> None:
    composition = compose(7, None, "house", 100.0, key=17)
    stereo = np.resize(render(composition), (300 * SAMPLE_RATE, 2)).astype(np.float32)
    mono = np.ascontiguousarray(stereo.mean(axis=1))
    blocks = range(0, len(mono), 65536)
    for name, net in (("with the network", network), ("without", None)):
        hearing = pitch.Pitch(net)
        start = time.process_time()
        for first in blocks:
            hearing.add(mono[first : first + 65536])
        hearing.finish()
        arrays = hearing.arrays()
        print(f"cost, key's features {name}: {time.process_time() - start:.2f} s")
    start = time.process_time()
    analyse(Features(300.0, np.zeros((0, 2)), arrays), KeyOptions("profiles"))
    print(f"cost, key from the features: {time.process_time() - start:.3f} s")
    for true_peak in (False, True):
        meter = Meter(SAMPLE_RATE, ("FL", "FR"), true_peak)
        start = time.process_time()
        for first in blocks:
            meter.add(stereo[first : first + 65536])
        meter.arrays()
        peaks = "with true peak" if true_peak else "with sample peak"
        print(f"cost, loudness {peaks}: {time.process_time() - start:.2f} s")


if __name__ == "__main__":
    main()
