"""Reproduces published scores with dropgrid's own metrics, from published estimates.

    python benchmarks/published_numbers.py [FOLDER]

FOLDER (default: ../shared/reference beside the checkout) holds giantsteps_tempo.csv and
harmonix_electronic/. Prints each number beside the published one; exit code 1 where they differ.

GiantSteps tempo, 664 tracks: Accuracy1 and Accuracy2 of two systems (Böck, Davies & Knees,
"Multi-task learning of tempo and beat", ISMIR 2019) against both annotations, to 4 digits.
Harmonix Set, the 129 Dance/Electronic tracks: beat F-measure of madmom's DBNBeatTracker (Nieto
et al., "The Harmonix Set", ISMIR 2019), each to 1e-9.
"""

from __future__ import annotations

import csv
import io
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from dropgrid.evaluation import beats, tempo
from dropgrid.references.collect import read_sources

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "reference"
ACCURACIES = {
    # (system, annotation): (Accuracy1, Accuracy2)
    ("multi_task", "v1"): (0.6431, 0.8886),
    ("multi_task", "v2"): (0.7005, 0.9622),
    ("multi_task_hjdb", "v1"): (0.6913, 0.8931),
    ("multi_task_hjdb", "v2"): (0.7670, 0.9622),
}
BEAT_TOLERANCE = 1e-9


def accuracies(folder: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Accuracy1 and Accuracy2 of each system against each annotation, unrounded."""
    with (folder / "giantsteps_tempo.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = {}
    for system, annotation in ACCURACIES:
        reference = np.array([float(row[f"bpm_{annotation}"]) for row in rows])
        estimated = np.array([float(row[f"estimate_{system}"]) for row in rows])
        annotated = reference > 0  # v2 has no tempo for three tracks
        reference, estimated = reference[annotated], estimated[annotated]
        tempo.validate(reference, estimated)
        found[system, annotation] = (
            float(np.mean(tempo.accuracy1(reference, estimated))),
            float(np.mean(tempo.accuracy2(reference, estimated))),
        )
    return found


def beat_scores(folder: Path) -> dict[str, tuple[float, float]]:
    """For each of the 129 tracks, the F-measure found and the one published."""
    folder = folder / "harmonix_electronic"
    with (folder / "dbn_beats_scores_all.csv").open(newline="") as stream:
        published = {row["Track ID"]: float(row["F-Measure"]) for row in csv.DictReader(stream)}
    with tempfile.TemporaryDirectory() as unpacked:
        with zipfile.ZipFile(folder / "annotations.zip") as archive:
            archive.extractall(unpacked)
        annotated = _beats(Path(unpacked) / "beats")
        estimated = _beats(Path(unpacked) / "dbn_beats")
    return {
        track: (beats.f_measure(annotated[track], estimated[track]), published[track])
        for track in sorted(annotated)
    }


def _beats(folder: Path) -> dict[str, np.ndarray]:
    return {found.key: np.array(found.beats) for _, found in read_sources([str(folder)])}


def report(folder: Path) -> tuple[str, bool]:
    """The comparison as text, and whether every number agrees."""
    text, agree = io.StringIO(), True
    print("| GiantSteps | annotation | measure | found | published |", file=text)
    print("|---|---|---|---|---|", file=text)
    for (system, annotation), found in accuracies(folder).items():
        for i, value in enumerate(found):
            published = ACCURACIES[system, annotation][i]
            agree &= round(value, 4) == published
            print(f"| {system} | {annotation} | Accuracy{i + 1} | {value:.4f} | {published:.4f} |",
                  file=text)  # fmt: skip
    scores = beat_scores(folder)
    worst = max(abs(found - published) for found, published in scores.values())
    agree &= worst <= BEAT_TOLERANCE
    mean = np.mean([found for found, _ in scores.values()])
    print(f"\nHarmonix, beats: {len(scores)} tracks, mean F {mean:.4f}, "
          f"largest difference from the published values {worst:.1e}", file=text)  # fmt: skip
    return text.getvalue(), agree


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    if not folder.is_dir():
        print(f"{folder}: not there, so nothing can be compared", file=sys.stderr)
        return 0
    text, agree = report(folder)
    print(text, end="")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
