"""Measure how near our activations are to madmom's own, on whole songs.

Usage: .venv/bin/python benchmarks/madmom_parity.py [--shared FOLDER] [SONG ...]

Each song of FOLDER/music (or those named) goes as the same WAV through madmom's
RNNDownBeatProcessor and through ours. Asked for: a mean difference below 1e-5, a 99.9th percentile
below 2e-3, and the same beats and downbeats from madmom's own tracker. Where one of these fails,
madmom's networks run again on madmom's own inputs, each moved to the next number up or down of its
float32: "itself" is how far madmom then is from madmom, and as near is near enough. Minutes; needs
madmom compiled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from dropgrid.features.engines import beat_ensemble as networks
from dropgrid.features.engines import front_end
from dropgrid.features.extract import extract
from dropgrid.stages.networks import prepare_network
from rhythm_material import print_cells

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "builders"))

import madmom_compat

MEAN, P999 = 1e-5, 2e-3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("songs", nargs="*", metavar="SONG", help="names without their suffix")
    parser.add_argument("--shared", type=Path, default=root.parent / "shared")
    arguments = parser.parse_args()
    files = sorted((arguments.shared / "music").glob("*.ogg"))
    files = [file for file in files if not arguments.songs or file.stem in arguments.songs]
    print_cells("", "mean", "p99.9", "near", "beats", "moved", "itself")
    near = same = 0
    with tempfile.TemporaryDirectory() as folder:
        prepare_network(Path(folder, "network.npz"), "madmom")
        ensemble = networks.load(Path(folder, "network.npz"))
        for file in files:
            found = compare(file, ensemble, Path(folder, "song.wav"))
            near += found.near
            same += not found.moved
            itself = ""
            if found.itself is not None:
                mean, p999, count = found.itself
                itself = f"{mean:.1e} {p999:.1e}, {count} moved"
            print_cells(
                f"  {file.stem[:28]}", f"{found.mean:.1e}", f"{found.p999:.1e}",
                "yes" if found.near else "no", str(found.beats), str(found.moved), itself,
            )  # fmt: skip
    print(f"  near {near} of {len(files)}; beats and downbeats the same {same} of {len(files)}")


@dataclass(frozen=True)
class Comparison:
    """Mean and 99.9th percentile of the difference; how many beats, and how many differ. itself:
    mean, percentile and beats of madmom on inputs moved by their last bit, where it was asked."""

    mean: float
    p999: float
    beats: int
    moved: int
    itself: tuple[float, float, int] | None = None

    @property
    def near(self) -> bool:
        mean, p999, _ = self.itself or (0.0, 0.0, 0)
        return self.mean < max(MEAN, 1.5 * mean) and self.p999 < max(P999, 1.5 * p999)


def compare(file: Path, ensemble: front_end.Ensemble, wav: Path) -> Comparison:
    """Compare activations; if they differ or move a beat, also madmom's with changed inputs."""
    samples, rate = soundfile.read(file)
    soundfile.write(wav, samples, rate, subtype="PCM_16")
    ours = extract(wav, ensemble).activations
    spectra, *networks = madmom_compat.load("madmom.features.downbeats").RNNDownBeatProcessor()
    inputs = np.asarray(spectra(str(wav)))
    theirs = through(networks, inputs)
    beats = madmom_compat.downbeat_tracker((3, 4))(theirs)
    found = Comparison(*difference(ours, theirs), len(beats), moved(ours, beats))
    if found.near and not found.moved:
        return found
    up = np.random.default_rng(1).random(inputs.shape) < 0.5
    beside = np.nextafter(inputs, np.where(up, np.inf, -np.inf).astype(np.float32))
    other = through(networks, np.where(inputs == 0, inputs, beside))
    return replace(found, itself=(*difference(other, theirs), moved(other, beats)))


def through(networks: list[Any], inputs: np.ndarray) -> np.ndarray:
    """Activations (frames, 2) of madmom's processors behind the spectra."""
    for processor in networks:
        inputs = processor(inputs)
    return np.asarray(inputs)


def difference(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Mean and 99.9th percentile."""
    apart = np.abs(one - other)
    return float(apart.mean()), float(np.quantile(apart, 0.999))


def moved(activations: np.ndarray, beats: np.ndarray) -> int:
    """How many of madmom's beats its tracker finds elsewhere, or as another count."""
    found = madmom_compat.downbeat_tracker((3, 4))(activations)
    if found.shape != beats.shape:
        return len(beats)
    return int((found != beats).any(axis=1).sum())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
