"""Measure how well the confidence of rhythms is calibrated, on songs left out.

Usage: .venv/bin/python benchmarks/rhythm_calibration.py [--shared FOLDER] [--cache FOLDER]
       [--methods METHOD ...] [--plot FILE.png]

A sample is a song, or a minute of it, by a method; it is right if its beat F-measure is at
least RIGHT. The parameters of the confidence (CALIBRATION and UNDIVIDED_LOG_ODDS of
rhythm/confidence.py) are fitted for each song to all other songs, their minutes and all methods;
a song counts once for each method, however many minutes it has. HALF_TEMPO_SHARE is the share of
GiantSteps tracks, found at FAST and more, that are half as fast, drum and bass left out.

Printed are the parameters that all songs together give, next to those in use, the calibration
error in ten bins of whole songs and of minutes, what lies in each bin (samples, mean confidence,
share that is right), and the wrong samples above LISTED.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from command_line import parser_of
from dropgrid.rhythm import analyse, confidence
from dropgrid.rhythm.evidence import EvidenceSource, with_halves
from rhythm_accuracy import all_songs
from rhythm_material import (
    DEFAULTS,
    Song,
    Verdict,
    excerpts,
    judge,
    print_cells,
    read_giantsteps,
    right,
)
from rhythm_weights import bins, draw
from scipy.optimize import minimize

RIGHT = 0.9  # beat F of a sample that is right
LISTED = 0.9  # confidence above which a wrong sample is listed
MINUTE, EVERY = 60, 60  # seconds
PARTS = (("tempo", 0, "tempo"), ("phase", 2, "phase"), ("downbeat", 3, "downbeat"))
DOUBTFUL = "drum-and-bass"  # whose 174 many people call 87
PENALTY = 1.0  # half of it times the squared distance from the plain log odds
PLAIN = np.array([0.0, 1.0])


@dataclass(frozen=True)
class Sample:
    """A song (whole) or one of its minutes, and the verdict on a method's result."""

    method: str
    song: Song
    whole: bool
    share: float
    verdict: Verdict

    @property
    def is_right(self) -> bool:
        return self.verdict.beats >= RIGHT


@dataclass(frozen=True)
class Parameters:
    """CALIBRATION and UNDIVIDED_LOG_ODDS of rhythm/confidence.py."""

    calibration: dict[str, tuple[float, float]]
    undivided: tuple[float, float]

    def use(self) -> None:
        """Set them in the package."""
        confidence.CALIBRATION.update(self.calibration)
        confidence.UNDIVIDED_LOG_ODDS = self.undivided


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--methods", nargs="+", default=["madmom", "open"])
    parser.add_argument("--plot", type=Path, help="where to draw the reliability")
    arguments = parser.parse_args()
    used = Parameters(dict(confidence.CALIBRATION), confidence.UNDIVIDED_LOG_ODDS)
    songs = {m: all_songs(arguments.shared, arguments.cache, m) for m in arguments.methods}
    divisions = known_divisions(songs[arguments.methods[0]])
    Parameters(dict.fromkeys(used.calibration, tuple(PLAIN.tolist())), used.undivided).use()
    plain = [sample for m, own in songs.items() for sample in samples(m, own)]
    report_parameters(used, fitted(plain, divisions, ""))
    report_halved(arguments.shared / "reference")
    unseen: list[Sample] = []
    for name in dict.fromkeys(sample.song.name for sample in plain):
        fitted(plain, divisions, name).use()
        for method, own in songs.items():
            unseen += samples(method, [song for song in own if song.name == name])
    used.use()
    report(unseen, arguments.plot)


def samples(method: str, songs: Sequence[Song]) -> Iterator[Sample]:
    """All samples of songs."""
    for song in songs:
        parts = [song, *excerpts(song, MINUTE, EVERY)]
        for part in parts:
            verdict = judge(part, analyse(part.features, DEFAULTS))
            yield Sample(method, song, part is song, 1 / len(parts), verdict)


def known_divisions(songs: Sequence[Song]) -> list[tuple[str, float, bool]]:
    """Name, division and False of each song's true beats; the same and True of its half beats."""
    found = []
    for song in songs:
        source = EvidenceSource(song.features)
        start, end = source.sounding
        beats = song.beats[(song.beats >= start) & (song.beats <= end)]
        for halved, times in ((False, beats), (True, with_halves(beats))):
            division = source.division(times)
            if division is not None:
                found.append((song.name, division, halved))
    return found


def fitted(
    plain: Sequence[Sample], divisions: Sequence[tuple[str, float, bool]], left_out: str
) -> Parameters:
    """The parameters that all songs but one give; plain: samples with unchanged log odds."""
    calibration = {}
    for name, place, decision in PARTS:
        rows = [
            (r.verdict.confidences[place], bool(getattr(r.verdict, decision)), r.share)
            for r in plain
            if r.song.name != left_out and r.verdict.confidences
            if getattr(r.verdict, decision) is not None
        ]
        promised, true, share = (np.array(values, float) for values in zip(*rows, strict=True))
        promised = np.clip(promised, 1e-4, 1 - 1e-4)
        calibration[name] = logistic(
            np.log(promised / (1 - promised)), true, share, PLAIN, PENALTY
        )
    pairs = [(division, halved) for name, division, halved in divisions if name != left_out]
    division, halved = (np.array(values, float) for values in zip(*pairs, strict=True))
    return Parameters(calibration, logistic(division, halved, np.ones(len(halved)), PLAIN, 0.0))


def logistic(
    values: np.ndarray, true: np.ndarray, share: np.ndarray, usual: np.ndarray, penalty: float
) -> tuple[float, float]:
    """Constant and slope of the log odds of true, by penalised maximum likelihood."""
    signs = np.where(true > 0, 1.0, -1.0)

    def loss(line: np.ndarray) -> float:
        odds = signs * (line[0] + line[1] * values)
        away = line - usual
        return float(share @ np.logaddexp(0, -odds) + penalty / 2 * away @ away)

    constant, slope = minimize(loss, usual).x
    return float(constant), float(slope)


def report_parameters(used: Parameters, found: Parameters) -> None:
    """Print constants and slopes."""
    print_cells("log odds: constant, slope", "in use", "", "all songs", "")
    pairs = {name: (used.calibration[name], found.calibration[name]) for name in used.calibration}
    for name, (own, new) in {**pairs, "undivided": (used.undivided, found.undivided)}.items():
        print_cells(f"  {name}", *(f"{value:.2f}" for value in (*own, *new)))


def report_halved(folder: Path) -> None:
    """Print the counts behind HALF_TEMPO_SHARE."""
    fast, halved = 0, []
    for track in read_giantsteps(folder):
        bpm = analyse(track.features, DEFAULTS).bpm
        if track.v2 and bpm and bpm >= confidence.FAST:
            fast += 1
            halved += [track.genre] if right(bpm, track.v2, (2.0,)) else []
    print(
        f"GiantSteps: {len(halved)} of {fast} found at {confidence.FAST:g} BPM and more are half"
        f" as fast, {halved.count(DOUBTFUL)} of them {DOUBTFUL}"
    )


def report(unseen: Sequence[Sample], plot: Path | None) -> None:
    """Print the reliability of samples with parameters found without their song."""
    curves = {}
    for method in dict.fromkeys(sample.method for sample in unseen):
        for whole, kind in ((True, "songs"), (False, "minutes")):
            own = [r for r in unseen if r.method == method and r.whole == whole]
            promised = np.array([r.verdict.confidence for r in own])
            true = np.array([r.is_right for r in own], float)
            curve = curves[f"{method}, {kind}"] = bins(promised, true)
            error = sum(n * abs(p - t) for n, p, t in curve) / len(own)
            print(
                f"{method}, {len(own)} {kind}: calibration error {error:.3f},"
                f" mean confidence {promised.mean():.3f}, right {true.mean():.3f}"
            )
            for count, promised, kept in curve:
                print_cells("", str(count), f"{promised:.3f}", f"{kept:.3f}")
    wrong = [r for r in unseen if r.verdict.confidence > LISTED and not r.is_right]
    print(f"wrong with more than {LISTED:g}: {len(wrong)}")
    for (name, method), count in Counter((r.song.name, r.method) for r in wrong).items():
        whole = any(r.whole for r in wrong if (r.song.name, r.method) == (name, method))
        print(f"  {name}, {method}: {count} samples{', the song among them' if whole else ''}")
    if plot:
        draw(curves, plot)


if __name__ == "__main__":
    main()
