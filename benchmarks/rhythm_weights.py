"""Choose the weights of rhythm/downbeat_decision.py, and measure them on unseen tracks.

Usage: .venv/bin/python benchmarks/rhythm_weights.py [--shared FOLDER] [--cache FOLDER]
       [--plot FILE.png]

Examples are the 32 songs, their halves, minutes and half minutes (a song counts twice, however
many examples it gives), and the tracks of the activation sets. Each is a row of half beats at the
true tempo; a conditional logistic regression (penalty PENALTY / 2 times the squared weights, none
below 0) finds the weights that make the true rows likely.

Printed are the weights, the loss without each kind of evidence, and the verdicts of the whole
analysis on every track with weights that were found without it: the song itself for songs, a
fifth of the tracks for sets. From these follow the calibration errors in ten bins by part, and
the plot of predicted against true shares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from command_line import parser_of
from dropgrid.features import FRAME_RATE, Features
from dropgrid.rhythm import analyse, downbeat_decision
from dropgrid.rhythm.evidence import EvidenceSource
from dropgrid.rhythm.fit import exact_tempo
from dropgrid.rhythm.region_fit import half_beats
from rhythm_accuracy import all_songs
from rhythm_material import (
    DEFAULTS,
    NEAR,
    OCTAVES,
    SONGS,
    Song,
    Tempo,
    Verdict,
    excerpts,
    judge,
    part,
    print_cells,
    read_giantsteps,
    read_sets,
    right,
)
from scipy.optimize import minimize

PENALTY = 1.0
FOLDS = 5  # of the sets
SHARES = {"hjdb": 0.5}  # weight of a set's tracks; the other sets, not dance music, have less
SHARE = 0.15
FIXED = {"beat": 0.3, "opening": 1.4}  # see docs/rhythm.md
LEAST = 32  # half beats of an example
ROWS = 8
PARTS = ("tempo", "octave", "phase", "downbeat")


@dataclass(frozen=True)
class Example:
    """A sequence of half beats: its song, its weight, and its true rows.

    by_row: name -> (ROWS,) as downbeat_decision.evidence_by_row; true, possible: (ROWS,) rows.
    """

    group: str
    name: str
    share: float
    by_row: dict[str, np.ndarray]
    true: np.ndarray
    possible: np.ndarray


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--plot", type=Path, help="where to draw the reliability of each part")
    arguments = parser.parse_args()
    songs = all_songs(arguments.shared, arguments.cache)
    tracks = tuple(read_sets(arguments.shared / "reference"))
    of_songs = [example for song in songs for example in song_examples(song)]
    of_sets = [e for track in tracks for e in examples(track, SHARES.get(track.group, SHARE))]
    whole = Choice(
        downbeat_decision.WEIGHTS, FIXED, of_songs, {song.name: song.name for song in songs}
    )
    folds = {track.name: str(i % FOLDS) for i, track in enumerate(tracks)}
    activation_only = Choice(
        downbeat_decision.ACTIVATION_ONLY_WEIGHTS,
        {"downbeat": downbeat_decision.ACTIVATION_ONLY_WEIGHTS["downbeat"]},
        of_sets,
        folds,
    )
    report_weights("songs", whole)
    report_weights("sets", activation_only)
    verdicts = unseen(songs, whole) | unseen(tracks, activation_only)
    for tempo in read_giantsteps(arguments.shared / "reference"):
        if tempo.v2 > 0:
            verdicts[f"giantsteps/{tempo.track}"] = judge_tempo(tempo)
    report_calibration(verdicts, arguments.plot)


@dataclass(frozen=True)
class Choice:
    """Weights to choose: those used now, those not to be chosen, examples, folds by name."""

    used: dict[str, float]
    fixed: dict[str, float]
    examples: list[Example]
    folds: dict[str, str]

    def without(self, name: str) -> Choice:
        """The same choice without a kind of evidence."""
        used = {other: weight for other, weight in self.used.items() if other != name}
        return replace(self, used=used)

    def weights(self, fold: str = "") -> dict[str, float]:
        """The weights that make the true rows of all examples but a fold's likeliest."""
        chosen = [e for e in self.examples if self.folds[e.name] != fold]
        free = [name for name in self.used if name not in self.fixed]
        fixed_weights = {name: weight for name, weight in self.fixed.items() if name in self.used}
        return fixed_weights | (fitted(free, fixed_weights, chosen) if free else {})


def song_examples(song: Song) -> Iterator[Example]:
    """A song, its halves, its minutes and half minutes."""
    half = int(song.features.duration / 2)
    parts = [
        song, part(song, 0, half), part(song, half, song.features.duration),
        *excerpts(song, 60, 45), *excerpts(song, 30, 60),
    ]  # fmt: skip
    found = [example for one in parts for example in examples(one, 1.0)]
    for example in found:
        yield Example(
            example.group, example.name, 2.0 / len(found), example.by_row, example.true,
            example.possible,
        )  # fmt: skip


def examples(song: Song, share: float) -> Iterator[Example]:
    """The example of a song or track; none if too short, or its beats do not keep a tempo."""
    if not DEFAULTS.min_bpm <= song.bpm <= DEFAULTS.max_bpm or len(song.beats) < LEAST // 2:
        return
    activations = song.features.activations
    if activations.shape[1] == 1:
        activations = np.hstack([activations, np.zeros_like(activations)])
    features = Features(song.features.duration, activations, song.features.descriptors)
    source = EvidenceSource(features)
    start, end = (round(t * FRAME_RATE) for t in source.sounding)
    sound = activations.sum(axis=1)
    tempo = exact_tempo(sound[start:end], song.bpm)
    _, halves = half_beats(sound, start, end, tempo)
    places = [places_of(song.beats, halves, 2), np.zeros(0)]
    length = 4
    if len(song.downbeats) > 2:
        counts = np.diff(np.searchsorted(song.beats, song.downbeats - NEAR))
        length = int(np.median(counts))
        places[1] = places_of(song.downbeats, halves, 2 * length)
    if len(halves) < LEAST or places[0].max() < 0.85 * len(song.beats) or length not in (3, 4):
        return
    possible = np.arange(ROWS) < 2 * length
    if len(places[1]) and places[1].max() > 0.8 * len(song.downbeats):
        true = np.arange(ROWS) == np.argmax(places[1])
    else:
        true = possible & (np.arange(ROWS) % 2 == np.argmax(places[0]))
    by_row = {
        name: np.pad(values, (0, ROWS - 2 * length))
        for name, values in downbeat_decision.evidence_by_row(
            source.at_half_beats(halves), length
        ).items()
    }
    yield Example(song.group, song.name, share, by_row, true, possible)


def places_of(times: np.ndarray, halves: np.ndarray, count: int) -> np.ndarray:
    """How many of the times lie near a half beat of each place in so many: (count,)."""
    nearest = np.abs(halves[:, None] - times).argmin(axis=0)
    near = np.abs(halves[nearest] - times) < NEAR
    return np.bincount(nearest[near] % count, minlength=count)


def fitted(
    free: Sequence[str], fixed_weights: dict[str, float], chosen: Sequence[Example]
) -> dict[str, float]:
    """The free weights that fit the examples best, given the fixed ones."""
    zero = np.zeros(ROWS)
    by_row = np.array([[e.by_row.get(name, zero) for name in free] for e in chosen])
    fixed = np.array([weighted(e, fixed_weights) for e in chosen])
    share = np.array([e.share for e in chosen])
    true = np.array([e.true for e in chosen])
    possible = np.array([e.possible for e in chosen])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        rows = posterior(np.einsum("enr,n->er", by_row, weights) + fixed, possible)
        right = (rows * true).sum(axis=1)
        slope = np.einsum("e,er,enr->n", share, rows - rows * true / right[:, None], by_row)
        value = -(share * np.log(right)).sum() + PENALTY / 2 * (weights**2).sum()
        return value, slope + PENALTY * weights

    found = minimize(loss, np.full(len(free), 0.5), jac=True, bounds=[(0, None)] * len(free)).x
    return dict(zip(free, found.tolist(), strict=True))


def weighted(example: Example, weights: dict[str, float]) -> np.ndarray:
    """The log odds of an example's rows."""
    return sum((w * example.by_row.get(n, 0.0) for n, w in weights.items()), np.zeros(ROWS))


def posterior(odds: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """The softmax of each example's possible rows."""
    odds = np.where(possible, odds, -np.inf)
    raw = np.exp(odds - odds.max(axis=1, keepdims=True))
    return raw / raw.sum(axis=1, keepdims=True)


def losses(choice: Choice) -> np.ndarray:
    """Of each example, with weights found without its fold: loss, half beat wrong, row wrong."""
    rows = np.zeros((len(choice.examples), 3))
    weights = {fold: choice.weights(fold) for fold in dict.fromkeys(choice.folds.values())}
    for row, e in zip(rows, choice.examples, strict=True):
        odds = weighted(e, weights[choice.folds[e.name]])
        share = posterior(odds[None], e.possible[None])[0]
        odd = np.flatnonzero(e.true)[0] % 2
        right = -np.log(share[e.true].sum())
        row[:] = right, share[odd::2].sum() < 0.5, not e.true[share.argmax()]
    return rows


def report_weights(title: str, choice: Choice) -> None:
    """Print the weights found and used, and the loss without each kind of evidence."""
    share = np.array([e.share for e in choice.examples])
    found = choice.weights()
    print(f"{title}: {len(choice.examples)} examples, each scored with weights found without it")
    print_cells("", "found", "used", "loss", "half beat", "row: wrong")
    for name in ["", *choice.used]:
        rows = losses(choice.without(name))
        weights = (f"{found[name]:.2f}", f"{choice.used[name]:.2f}") if name else ("", "")
        print_cells(
            f"  without {name}" if name else "  all", *weights, f"{share @ rows[:, 0]:.2f}",
            str(int(rows[:, 1].sum())), str(int(rows[:, 2].sum())),
        )  # fmt: skip
    print()


def unseen(songs: Sequence[Song], choice: Choice) -> dict[str, Verdict]:
    """Verdicts of the whole analysis, weights of each fold found without it."""
    kept, verdicts = dict(choice.used), {}
    for fold in dict.fromkeys(choice.folds.values()):
        choice.used.update(choice.weights(fold))  # the very weights that downbeat_decision.py uses
        for song in songs:
            if choice.folds[song.name] == fold:
                name = f"{song.group}/{song.name}"
                verdicts[name] = judge(song, analyse(song.features, DEFAULTS))
    choice.used.update(kept)
    return verdicts


def judge_tempo(track: Tempo) -> Verdict:
    """The verdict on a tempo whose beats are not known."""
    found = analyse(track.features, DEFAULTS)
    tempo = right(found.bpm, track.v2, OCTAVES)
    octave = right(found.bpm, track.v2, (1.0,)) if tempo else None
    parts = found.confidences
    confidences = (parts.tempo, parts.octave) if parts else ()
    return Verdict(found.bpm, tempo, octave, None, None, 0, 0, None, 0, confidences, 0)


def report_calibration(verdicts: dict[str, Verdict], plot: Path | None) -> None:
    """Print what is wrong in each group, and the calibration error of each part."""
    groups = list(dict.fromkeys(name.split("/")[0] for name in verdicts))
    print("Unseen: decisions wrong; of the songs by name")
    for group in groups:
        own = {name: v for name, v in verdicts.items() if name.startswith(f"{group}/")}
        wrong = [v.wrong for v in own.values() if v.wrong]
        counts = [f"{kind} {wrong.count(kind)}" for kind in dict.fromkeys(wrong)]
        print_cells(f"  {group}", str(len(own)), ", ".join(counts) or "none")
        if group in SONGS:
            for name, v in own.items():
                if v.wrong:
                    print(f"    {name}: {v.wrong}, confidence {v.confidence:.2f}")
    print("Calibration error in ten bins, all groups")
    curves = {}
    for part_name, (predicted, true) in predictions(list(verdicts.values())).items():
        curves[part_name] = bins(predicted, true)
        error = sum(n * abs(p - t) for n, p, t in curves[part_name]) / len(predicted)
        print_cells(f"  {part_name}", f"{error:.4f}", f"of {len(predicted)}")
    if plot:
        draw(curves, plot)


def predictions(verdicts: list[Verdict]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Part -> (probabilities, whether right), where the parts before are right."""
    found = {}
    for index, (name, what) in enumerate(
        zip(PARTS, ("tempo", "octave", "phase", "downbeat"), strict=True)
    ):
        usable = [v for v in verdicts if v.confidences and getattr(v, what) is not None]
        found[name] = (
            np.array([v.confidences[index] for v in usable]),
            np.array([getattr(v, what) for v in usable], float),
        )
    usable = [v for v in verdicts if len(v.confidences) == len(PARTS)]
    found["confidence"] = (
        np.array([v.confidence for v in usable]),
        np.array([v.tempo and bool(v.octave) and bool(v.phase) for v in usable], float),
    )
    return found


def bins(predicted: np.ndarray, true: np.ndarray) -> list[tuple[int, float, float]]:
    """For each tenth with predictions: their number, mean probability and share that is right."""
    tenth = np.minimum((predicted * 10).astype(int), 9)
    return [
        (int(in_bin.sum()), float(predicted[in_bin].mean()), float(true[in_bin].mean()))
        for in_bin in (tenth == k for k in range(10))
        if in_bin.any()
    ]


def draw(curves: dict[str, list[tuple[int, float, float]]], path: Path) -> None:
    """Draw the share that is right against the probability, a panel for each part."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(curves), figsize=(3 * len(curves), 3.2), sharey=True)
    for panel, (name, curve) in zip(panels, curves.items(), strict=True):
        counts, promised, kept = (np.array(values) for values in zip(*curve, strict=True))
        panel.plot([0, 1], [0, 1], color="0.8")
        panel.scatter(promised, kept, s=10 + 4 * np.sqrt(counts))
        panel.set(title=name, xlabel="probability", xlim=(0, 1), ylim=(0, 1.02))
    panels[0].set_ylabel("share right")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
