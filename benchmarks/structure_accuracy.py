"""Measure sections and drops: on songs with exact truth, on synthesised tracks, and the priors.

Usage: .venv/bin/python benchmarks/structure_accuracy.py [songs] [synthetic] [priors] [parameters]
       [--shared FOLDER] [--cache FOLDER] [--tracks 40]

songs       boundaries and drops on FOLDER/music, with the true and with the estimated grid,
            beside a boundary every 8 bars and the plain energy method
synthetic   the same on tracks made by dropgrid.demo, of many seeds, tempi and styles
priors      section lengths of FOLDER/reference/harmonix_electronic against the prior, and what
            the prior alone scores
parameters  how scores change when each parameter is made smaller and larger

Boundaries are those within the track: neither its start nor its end. Of songs, recall is over
the major boundaries and precision against major and minor ones; drops are judged by frames of
0.1 s, `peak` sections positive, `low` ones negative, `mid` ones not at all.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from dropgrid import demo, structure
from dropgrid import stages as pipeline
from dropgrid.features import Features, store
from dropgrid.records.model import BpmRecord
from dropgrid.records.ticket import Ticket
from dropgrid.structure import labels, novelty, segment

TOLERANCES = (0.5, 3.0)  # seconds
LEAST = 3  # boundaries a song must have for its sections to be judged
FRAME = 0.1  # seconds
PARTS = ("songs", "synthetic", "priors", "parameters")


@dataclass(frozen=True)
class Case:
    """A track with its truth. hints: (start, end, kind) with kind peak, low or mid."""

    name: str
    features: Features
    true: BpmRecord
    estimated: BpmRecord
    major: np.ndarray
    boundaries: np.ndarray
    hints: tuple[tuple[float, float, str], ...]
    drops: tuple[float, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--shared", type=Path, default=root.parent / "shared")
    parser.add_argument("--cache", type=Path, help="where features are kept from call to call")
    parser.add_argument("--tracks", type=int, default=40, help="how many synthesised tracks")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    parts = arguments.parts or PARTS
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        cache.mkdir(parents=True, exist_ok=True)
        network = cache / "network.onnx"
        if not network.exists() and set(parts) - {"priors"}:
            pipeline.prepare_network(network, "madmom")
        songs = made = ()
        if {"songs", "parameters"} & set(parts):
            songs = tuple(read_songs(arguments.shared / "music", cache, network))
        if {"synthetic", "parameters"} & set(parts):
            made = tuple(make_tracks(arguments.tracks, cache, network))
    if "songs" in parts:
        report_songs(songs)
    if "synthetic" in parts:
        report_synthetic(made)
    if "priors" in parts:
        report_priors(arguments.shared / "reference" / "harmonix_electronic")
    if "parameters" in parts:
        report_parameters(songs, made)


def read_songs(folder: Path, cache: Path, network: Path) -> Iterator[Case]:
    """The songs of a folder that have sections worth judging."""
    for path in sorted(folder.glob("*.json")):
        truth = json.loads(path.read_text())
        if len(truth["boundaries"]) < LEAST:
            continue
        features = cached_features(path.with_suffix(".ogg"), cache, network)
        downbeats = truth.get("downbeats_4", truth["downbeats"])
        yield Case(
            path.stem, features, true_grid(truth["beats"], downbeats, features.duration),
            estimate_grid(features),
            np.array(truth["boundaries"]),
            np.array([boundary["time"] for boundary in truth["boundaries_detail"]]),
            tuple((s["start"], s["end"], s["energy_hint"]) for s in truth["sections"]),
        )  # fmt: skip


def make_tracks(count: int, cache: Path, network: Path) -> Iterator[Case]:
    """Synthesised tracks: all styles in turn, two of three at a tempo of their own."""
    random = np.random.default_rng(0)
    styles = sorted(demo.STYLES)
    for seed in range(count):
        style = styles[seed % len(styles)]
        tempo = demo.STYLES[style].bpm * random.uniform(0.93, 1.07)
        track = demo.compose(
            1000 + seed, tempo if seed % 3 else None, style, random.uniform(80, 170)
        )
        path = cache / f"synthetic-{seed}.flac"
        if not path.exists():
            soundfile.write(path, demo.render(track), 44100)
        features = cached_features(path, cache, network)
        starts = np.array([section.start for section in track.sections[1:]])
        yield Case(
            f"{style} {track.bpm:.2f}", features,
            true_grid(track.beats, track.downbeats, features.duration), estimate_grid(features),
            starts, starts, (), track.drops,
        )  # fmt: skip


def cached_features(audio: Path, cache: Path, network: Path) -> Features:
    """The features of an audio file, computed once for each cache folder."""
    path = cache / f"{audio.stem}.npz"
    if not path.exists():
        ticket = Ticket(audio.stem, audio.name, str(audio), -1, -1)
        store.save(path, pipeline.compute_features(ticket, network))
    features = store.load(path)
    assert isinstance(features, Features), features
    return features


def true_grid(beats: Any, downbeats: Any, duration: float) -> BpmRecord:
    """A record of beats known beforehand."""
    times = tuple(map(float, beats)), tuple(map(float, downbeats))
    return BpmRecord(
        "true", "true", "ok", duration, beats=times[0], downbeats=times[1], time_signature="4/4"
    )


def estimate_grid(features: Features) -> BpmRecord:
    """The record the product itself makes."""
    ticket = Ticket("estimated", "estimated", "", -1, -1)
    return pipeline.make_bpm_record(ticket, features, {"ignore_metadata": True})


def hits(reference: np.ndarray, estimated: np.ndarray, tolerance: float) -> int:
    """How many pairs can be matched one to one within a tolerance; both ascending."""
    i = j = count = 0
    while i < len(reference) and j < len(estimated):
        if abs(reference[i] - estimated[j]) <= tolerance + 1e-9:
            i, j, count = i + 1, j + 1, count + 1
        elif reference[i] < estimated[j]:
            i += 1
        else:
            j += 1
    return count


def boundary_scores(case: Case, estimated: np.ndarray, tolerance: float) -> tuple[float, ...]:
    """Precision against all boundaries, recall of the major ones, and their F-measure."""
    return f_measures(case.boundaries, estimated, tolerance, case.major)


def f_measures(
    reference: np.ndarray, estimated: np.ndarray, tolerance: float, major: np.ndarray | None = None
) -> tuple[float, ...]:
    """Precision against the reference, recall of its major part or all of it, and F."""
    major = reference if major is None else major
    precision = hits(reference, estimated, tolerance) / max(1, len(estimated))
    recall = hits(major, estimated, tolerance) / max(1, len(major))
    return precision, recall, 2 * precision * recall / max(1e-12, precision + recall)


def drop_frames(case: Case, found: structure.Structure) -> np.ndarray:
    """Frames of peak called a drop, frames of low called a drop, frames of peak."""
    times = np.arange(0, case.features.duration, FRAME) + FRAME / 2

    def within(spans: list[tuple[float, float]]) -> np.ndarray:
        return np.any([(times >= a) & (times < b) for a, b in spans] or [times < 0], axis=0)

    peak, low = (
        within([(a, b) for a, b, k in case.hints if k == kind]) for kind in ("peak", "low")
    )
    drop = within([(s.start, s.end) for s in found.sections if s.label == "drop"])
    return np.array([(drop & peak).sum(), (drop & low).sum(), peak.sum()])


def starts(found: structure.Structure) -> np.ndarray:
    """Boundaries within the track, in seconds."""
    return np.array([section.start for section in found.sections[1:]])


Method = Callable[[Case], np.ndarray]
PRODUCT = structure.StructureOptions()


def report_songs(songs: tuple[Case, ...]) -> None:
    """Print boundaries and drops of every song and their means."""
    print(f"Songs with at least {LEAST} boundaries: precision, recall, F of boundaries")
    energy = replace(PRODUCT, method="energy")
    methods: dict[str, Method] = {
        "estimated grid": lambda c: starts(structure.analyse(c.features, c.estimated, PRODUCT)),
        "true grid": lambda c: starts(structure.analyse(c.features, c.true, PRODUCT)),
        "no grid": lambda c: starts(
            structure.analyse(c.features, replace(c.true, beats=(), downbeats=()), PRODUCT)
        ),
        "8 bars, true grid": lambda c: np.array(c.true.downbeats[8::8]),
        "8 bars, estimated": lambda c: np.array(c.estimated.downbeats[8::8]),
        "plain energy": lambda c: starts(structure.analyse(c.features, c.estimated, energy)),
    }
    print_row("", *(f"at {tolerance:g} s" for tolerance in TOLERANCES))
    for name, method in methods.items():
        table = np.array([
            [boundary_scores(case, method(case), t) for t in TOLERANCES] for case in songs
        ])  # fmt: skip
        if name == "estimated grid":
            for case, row in zip(songs, table, strict=True):
                print_row(f"  {case.name[:28]}", *(numbers(scores) for scores in row))
        print_row(name, *(numbers(scores) for scores in table.mean(axis=0)))
    print("\nDrops, frames of 0.1 s: precision, recall")
    print_row("", "mean of songs", "all frames")
    for name, options, grid in (
        ("estimated grid", PRODUCT, "estimated"), ("true grid", PRODUCT, "true"),
        ("plain energy", energy, "estimated"),
    ):  # fmt: skip
        counts, spent = [], []
        for case in songs:
            began = time.process_time()
            found = structure.analyse(case.features, getattr(case, grid), options)
            spent.append(time.process_time() - began)
            counts.append(drop_frames(case, found))
        each = np.array([precision_recall(count) for count in counts])
        if name == "estimated grid":
            for case, scores in zip(songs, each, strict=True):
                print_row(f"  {case.name[:28]}", numbers(scores))
        print_row(name, numbers(each.mean(axis=0)), numbers(precision_recall(sum(counts))))
        print(f"    cpu for a track: {np.mean(spent):.3f} s, at most {max(spent):.3f} s")


def precision_recall(count: np.ndarray) -> tuple[float, float]:
    """Precision and recall from the counts of drop_frames."""
    right, wrong, positive = count
    return right / max(1, right + wrong), right / max(1, positive)


def synthetic_scores(made: tuple[Case, ...], grid: str) -> tuple[np.ndarray, np.ndarray]:
    """(tracks, 3) precision, recall, F at 0.5 s, and (tracks, 3) drops hit, found and true."""
    scores, drops = [], []
    for case in made:
        found = structure.analyse(case.features, getattr(case, grid), PRODUCT)
        scores.append(boundary_scores(case, starts(found), TOLERANCES[0]))
        beat = float(np.median(np.diff(case.true.beats)))
        hit = hits(np.array(case.drops), np.array(found.drops), beat)
        drops.append((hit, len(found.drops), len(case.drops)))
    return np.array(scores), np.array(drops)


def report_synthetic(made: tuple[Case, ...]) -> None:
    """Print boundaries and drop onsets of the synthesised tracks by style."""
    print(f"\n{len(made)} synthesised tracks: boundaries at 0.5 s; drop onsets within one beat")
    print_row("", "precision recall F", "drops: hit/true, extra")
    names = np.array([case.name.rsplit(" ", 1)[0] for case in made])
    for grid in ("estimated", "true"):
        scores, drops = synthetic_scores(made, grid)
        rows = [(f"  {style}", names == style) for style in sorted(set(names))]
        for name, chosen in [*rows, (f"{grid} grid", names != "")]:
            if grid == "true" and name.startswith(" "):
                continue
            hit, found, true = drops[chosen].sum(axis=0)
            print_row(
                name, numbers(scores[chosen].mean(axis=0)),
                f"{hit}/{true} = {hit / true:.3f}, {found - hit}",
            )  # fmt: skip


def report_priors(folder: Path) -> None:
    """Print how section lengths of annotated tracks are spread, and what lengths alone score."""
    lengths: list[float] = []
    scores: dict[str, list[Any]] = {"every 8 bars": [], "drawn from the prior": []}
    scores["every 8 bars, ends counted"] = []
    random = np.random.default_rng(0)
    prior = segment.length_prior(128, 1)
    share = np.exp(prior) / np.exp(prior).sum()
    with zipfile.ZipFile(folder / "annotations.zip") as archive:
        names = [n for n in archive.namelist() if n.startswith("segments/") and n.endswith(".txt")]
        for name in names:
            bounds = np.array([float(line.split()[0]) for line in read_lines(archive, name)])
            beats = np.array([
                line.split()[:2]
                for line in read_lines(archive, name.replace("segments", "beats"))
            ], float)  # fmt: skip
            downbeats = beats[beats[:, 1] == 1, 0]
            nearest = np.abs(downbeats[:, None] - bounds[None]).argmin(axis=0)
            lengths.extend(np.diff(nearest))
            steps = np.cumsum(random.choice(len(share), size=len(downbeats), p=share))
            drawn = downbeats[steps[steps < len(downbeats)]]
            eight = downbeats[8::8]
            for kind, reference, estimated in (
                ("every 8 bars", bounds[1:-1], eight),
                ("drawn from the prior", bounds[1:-1], drawn),
                ("every 8 bars, ends counted", bounds, np.array([bounds[0], *eight, bounds[-1]])),
            ):
                scores[kind].append([f_measures(reference, estimated, t) for t in TOLERANCES])
    bars = np.array(lengths)
    print(f"\nPriors against {len(names)} annotated tracks, {len(bars)} sections")
    print_row("bars", "share", "prior")
    for n in (4, 8, 12, 16, 24, 32):
        print_row(f"  {n}", f"{np.mean(bars == n):.3f}", f"{share[n]:.3f}")
    multiple = np.arange(len(share)) % 4 == 0
    print_row("  multiple of 4", f"{np.mean(bars % 4 == 0):.3f}", f"{share[multiple].sum():.3f}")
    kept = bars[(bars > 0) & (bars < len(share))]
    print(
        f"  mean log2 probability of a length: {np.mean(prior[kept]) / np.log(2):.2f} bits; ",
        end="",
    )
    free = segment.length_prior(128, 1, phrases=False)
    print(f"without phrases: {np.mean(free[kept]) / np.log(2):.2f} bits")
    print_row("boundaries by lengths alone", *(f"at {tolerance:g} s" for tolerance in TOLERANCES))
    for name, values in scores.items():
        print_row(f"  {name}", *(numbers(row) for row in np.mean(values, axis=0)))


def read_lines(archive: zipfile.ZipFile, name: str) -> list[str]:
    """The lines of a text file in an archive that are not empty."""
    return [line for line in archive.read(name).decode().splitlines() if line.strip()]


PARAMETERS: dict[str, tuple[Any, tuple[float, ...]]] = {
    "WEIGHT": (segment, (5.0, 6.5, 10.0, 12.0)),
    "FREE": (segment, (0.1, 0.3)),
    "TOO_SHORT": (segment, (4.0, 8.0)),
    "SHIFT": (segment, (2.0, 3.0, 6.0)),
    "FLOOR": (novelty, (0.7, 2.5)),
    "RIVALRY": (novelty, (0.0, 0.5, 1.5)),
    "REACH": (novelty, (1, 4)),
    "INSIDE": (structure, (-9.0, 0.5, 1.0)),
    "ALIKE": (structure, (4.0, 8.0)),
    "DROP_ENERGY": (labels, (-7.0, -4.5)),
    "BUILDUP_ENERGY": (labels, (-3.0, -1.0)),
    "INTRO_ENERGY": (labels, (-3.0, -0.5)),
    "OUTRO_ENERGY": (labels, (-5.0, -2.0)),
    "RISE": (labels, (0.0, 2.0, 4.0)),
    "PULSE": (labels, (0.75, 2.5)),
    "BASS": (labels, (-20.0, -10.0)),
    "STEADINESS": (labels, (0.0, 1.0)),
}


def report_parameters(songs: tuple[Case, ...], made: tuple[Case, ...]) -> None:
    """Print the scores with each parameter at other values, the others as they are."""
    print("\nParameters, one at a time: songs F at 0.5 s and 3 s, drop precision and recall;")
    print("synthesised tracks F at 0.5 s, drops hit (estimated grids)")
    print_row("as it is", overall(songs, made))
    for name, (module, values) in PARAMETERS.items():
        usual = getattr(module, name)
        for value in values:
            setattr(module, name, value)
            print_row(f"{name} {usual:g} -> {value:g}", overall(songs, made))
        setattr(module, name, usual)


def overall(songs: tuple[Case, ...], made: tuple[Case, ...]) -> str:
    """The scores report_parameters prints, in one line."""
    table, drops = [], []
    for case in songs:
        found = structure.analyse(case.features, case.estimated, PRODUCT)
        table.append([boundary_scores(case, starts(found), t)[2] for t in TOLERANCES])
        drops.append(precision_recall(drop_frames(case, found)))
    scores, onsets = synthetic_scores(made, "estimated")
    hit = onsets[:, 0].sum() / onsets[:, 2].sum()
    means = [*np.mean(table, axis=0), *np.mean(drops, axis=0), scores[:, 2].mean(), hit]
    return numbers(means)


def numbers(values: Any) -> str:
    """Numbers to three decimals."""
    return "  ".join(f"{value:.3f}" for value in values)


def print_row(name: str, *cells: str) -> None:
    """Print a row of a table."""
    print(f"{name:<32}" + "".join(f"{cell:<28}" for cell in cells).rstrip())


if __name__ == "__main__":
    main()
