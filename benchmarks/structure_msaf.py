"""Boundaries by MSAF's algorithms, on beats that are given. Runs in an environment with MSAF.

Usage: PYTHON benchmarks/structure_msaf.py SONGS.json ANSWERS.json

SONGS.json: {name: {"audio": path, "beats": [seconds], "duration": seconds}}. ANSWERS.json gets
{name: {algorithm: [seconds]}}, a song at a time; what is there already is kept. benchmarks/
structure_rivals.py writes the one and reads the other.

The algorithms, their settings and OLDA's transform are MSAF's own. They are given the means
between beats of librosa's MFCC and chroma (STFT); MSAF itself would separate harmonic from
percussive sound first, which takes minutes. MSAF 0.1.80 needs older libraries than a plain
installation brings: `pip install msaf "scipy==1.11.4" "numpy<2" "pandas<2.3"` (Python 3.11).
"""

from __future__ import annotations

import importlib
import json
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import librosa
import numpy as np

RATE, HOP = 22050, 1024  # as MSAF has them
METHODS = {
    "Foote, chroma": ("foote", "pcp"),
    "Foote, MFCC": ("foote", "mfcc"),
    "SF, chroma": ("sf", "pcp"),
    "SF, MFCC": ("sf", "mfcc"),
    "SCluster, both": ("scluster", "pcp"),
    "OLDA, both": ("olda", "pcp"),
}


@dataclass(frozen=True)
class Given:
    """Features as MSAF's algorithms ask for them. features: (beats, values)."""

    features: np.ndarray
    frame_times: np.ndarray
    dur: float


def described(song: dict[str, Any]) -> dict[str, Given]:
    """MFCC and chroma of a song between its beats."""
    audio, _ = librosa.load(song["audio"], sr=RATE)
    power = np.abs(librosa.stft(audio, n_fft=2048, hop_length=HOP)) ** 2
    mel = librosa.power_to_db(librosa.feature.melspectrogram(S=power, sr=RATE), ref=np.max)
    pitches = librosa.feature.chroma_stft(S=power, sr=RATE)
    frames = librosa.time_to_frames(np.array(song["beats"]), sr=RATE, hop_length=HOP)
    frames = np.unique(np.clip(frames, 0, power.shape[1]))
    times = librosa.frames_to_time(frames, sr=RATE, hop_length=HOP)
    if frames[0] > 0:
        times = np.append(0.0, times)

    def by_beat(values: np.ndarray) -> Given:
        means = librosa.util.sync(values, frames, pad=True).T
        return Given(means, times[: len(means)], song["duration"])

    return {
        "pcp": by_beat(pitches),
        "mfcc": by_beat(librosa.feature.mfcc(S=mel, n_mfcc=14)),
    }


def boundaries(algorithm: str, feature: str, given: dict[str, Given]) -> list[float]:
    """Seconds at which an algorithm begins a section, without the track's own ends."""
    module = importlib.import_module(f"msaf.algorithms.{algorithm}")
    if algorithm in ("olda", "scluster"):  # which ask for both features themselves
        module.segmenter.Features = SimpleNamespace(select_features=lambda name, *_: given[name])
    segmenter = module.Segmenter(
        SimpleNamespace(audio_file=""), features=given[feature], feature=feature,
        annot_beats=True, framesync=False, **module.config,
    )  # fmt: skip
    places, _ = segmenter.processFlat()
    times = given[feature].frame_times
    return [float(times[place]) for place in places[1:-1] if place < len(times)]


def main() -> None:
    songs = json.loads(Path(sys.argv[1]).read_text())
    output = Path(sys.argv[2])
    found = json.loads(output.read_text()) if output.exists() else {}
    for name, song in songs.items():
        if name in found:
            continue
        given = described(song)
        found[name] = {}
        for method, (algorithm, feature) in METHODS.items():
            # A copy each: some write into what they are given.
            found[name][method] = boundaries(algorithm, feature, deepcopy(given))
        output.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{name}: {', '.join(str(len(one)) for one in found[name].values())}", flush=True)


if __name__ == "__main__":
    main()
