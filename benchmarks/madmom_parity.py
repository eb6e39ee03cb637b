"""Measure how near our activations are to madmom's own, on whole songs.

Usage: .venv/bin/python benchmarks/madmom_parity.py [--shared FOLDER] [SONG ...]

Each song of FOLDER/music (or those named) goes as the same WAV through madmom's
RNNDownBeatProcessor and through ours. Asked for: a mean difference below 1e-5, a 99.9th percentile
below 2e-3, and the same beats and downbeats from madmom's own tracker. Minutes; needs madmom
compiled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from pathlib import Path

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
    print_cells("", "mean", "p99.9", "near", "beats", "moved")
    near = same = 0
    with tempfile.TemporaryDirectory() as folder:
        prepare_network(Path(folder, "network.npz"), "madmom")
        ensemble = networks.load(Path(folder, "network.npz"))
        for file in files:
            mean, p999, beats, moved = compare(file, ensemble, Path(folder, "song.wav"))
            near += (is_near := mean < MEAN and p999 < P999)
            same += not moved
            print_cells(
                f"  {file.stem[:28]}", f"{mean:.1e}", f"{p999:.1e}", "yes" if is_near else "no",
                str(beats), str(moved),
            )  # fmt: skip
    print(f"  near {near} of {len(files)}; beats and downbeats the same {same} of {len(files)}")


def compare(file: Path, ensemble: front_end.Ensemble, wav: Path) -> tuple[float, float, int, int]:
    """Mean and 99.9th percentile of the difference; how many beats, and how many differ."""
    samples, rate = soundfile.read(file)
    soundfile.write(wav, samples, rate, subtype="PCM_16")
    ours = extract(wav, ensemble).activations
    theirs = madmom_compat.load("madmom.features.downbeats").RNNDownBeatProcessor()(str(wav))
    difference = np.abs(ours - theirs)
    tracker = madmom_compat.downbeat_tracker((3, 4))
    beats, found = tracker(theirs), tracker(ours)
    moved = len(beats) if found.shape != beats.shape else (found != beats).any(axis=1).sum()
    return (
        float(difference.mean()),
        float(np.quantile(difference, 0.999)),
        len(beats),
        int(moved),
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
