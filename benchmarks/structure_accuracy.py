"""Measure sections and drops: on songs with exact truth, on synthesised tracks, and the priors.

Usage: .venv/bin/python benchmarks/structure_accuracy.py [songs] [synthetic] [priors] [parameters]
       [--shared FOLDER] [--results FOLDER] [--cache FOLDER] [--tracks 40]
       [--against FILE] [--save FILE]

songs       boundaries, drops and their moments on the three folders of songs, with the
            true and with the estimated grid, beside a boundary every 8 bars and the plain energy
            method; with --against, the songs mended and broken since a saved result
synthetic   the same on tracks made by dropgrid.demo, of many seeds, tempi and styles
priors      section lengths of FOLDER/reference/harmonix_electronic against the prior, and what
            the prior alone scores
parameters  how scores change when each parameter is made smaller and larger
What the labels and energies were fitted to, left out one song and one part at a time:
benchmarks/structure_fit.py.

Boundaries are those within the track: neither its start nor its end. Of songs, recall is over
the major boundaries and precision against major and minor ones; drops are judged by frames of
0.1 s, `peak` sections positive, `low` ones negative, `mid` ones not at all; the moments of drops
against the starts of peak sections, within a beat and within a bar.
"""

from __future__ import annotations

import json
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from command_line import chosen_parts, parser_of
from dropgrid import structure
from dropgrid.stages.networks import prepare_network
from dropgrid.structure import analysis, decoding, evidence, labels, levels, novelty, segment
from structure_cases import (
    LEAST,
    MEASURES,
    TOLERANCES,
    Case,
    boundary_scores,
    drop_frames,
    f_measures,
    hits,
    make_tracks,
    measures,
    precision_recall,
    read_songs,
    starts,
)

CHANGED = 0.05  # change of a song's score that counts as improved or worsened
PARTS = ("songs", "synthetic", "priors", "parameters")


def main() -> None:
    parser = parser_of(__doc__, PARTS)
    parser.add_argument("--results", type=Path, help="a results folder of the songs, to save time")
    parser.add_argument("--against", type=Path, help="an earlier result, to compare songs with")
    parser.add_argument("--save", type=Path, help="where this result goes, for later ones")
    parser.add_argument("--tracks", type=int, default=40, help="how many synthesised tracks")
    arguments = parser.parse_args()
    parts = chosen_parts(parser, arguments)
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        cache.mkdir(parents=True, exist_ok=True)
        network = cache / "network.npz"
        if not network.exists() and set(parts) - {"priors"}:
            prepare_network(network, "madmom")
        songs = made = ()
        if {"songs", "parameters"} & set(parts):
            songs = tuple(read_songs(arguments.shared, cache, network, arguments.results))
        if {"synthetic", "parameters"} & set(parts):
            made = tuple(make_tracks(arguments.tracks, cache, network))
    if "songs" in parts:
        report_songs(tuple(case for case in songs if case.judged))
        report_measures(songs, arguments.against, arguments.save)
    if "synthetic" in parts:
        report_synthetic(made)
    if "priors" in parts:
        report_priors(arguments.shared / "reference" / "harmonix_electronic")
    if "parameters" in parts:
        report_parameters(songs, made)


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
    peaked = [case for case in songs if case.peaks]
    for name, options, grid in (
        ("estimated grid", PRODUCT, "estimated"), ("true grid", PRODUCT, "true"),
        ("plain energy", energy, "estimated"),
    ):  # fmt: skip
        counts, spent = [], []
        for case in peaked:
            began = time.process_time()
            found = structure.analyse(case.features, getattr(case, grid), options)
            spent.append(time.process_time() - began)
            counts.append(drop_frames(case, found))
        each = np.array([precision_recall(count) for count in counts])
        if name == "estimated grid":
            for case, scores in zip(peaked, each, strict=True):
                print_row(f"  {case.name[:28]}", numbers(scores))
        print_row(name, numbers(each.mean(axis=0)), numbers(precision_recall(sum(counts))))
        print(f"    cpu for a track: {np.mean(spent):.3f} s, at most {max(spent):.3f} s")


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


def report_measures(songs: tuple[Case, ...], against: Path | None, save: Path | None) -> None:
    """Print all measures of all songs, and what changed since an earlier result."""
    found = {
        case.name: measures(case, structure.analyse(case.features, case.estimated, PRODUCT))
        for case in songs
    }
    earlier = json.loads(against.read_text()) if against else {}
    groups = {
        "all songs": {case.name for case in songs},
        "with 3 boundaries": {case.name for case in songs if case.judged},
        "the same, music_third": {
            case.name for case in songs if case.judged and case.folder == "music_third"
        },
    }
    print_row("\nMeans of songs", *groups, "mended, broken")
    for name in MEASURES:
        cells = []
        for chosen in groups.values():
            now = [
                values[name]
                for song, values in found.items()
                if song in chosen & scored(found, name)
            ]
            then = [earlier[song][name] for song in chosen & scored(earlier, name)]
            before = f" (was {np.mean(then):.3f})" if then else ""
            cells.append(f"{np.mean(now):.3f}{before}, {len(now)}")
        moved = {
            song: found[song][name] - earlier[song][name]
            for song in scored(found, name) & scored(earlier, name)
        }
        mended = sorted(song for song, gain in moved.items() if gain > CHANGED)
        broken = sorted(song for song, gain in moved.items() if gain < -CHANGED)
        print_row(f"  {name}", *cells, f"{len(mended)}, {len(broken)}")
        for word, names in (("mended", mended), ("broken", broken)):
            for song in names:
                print(f"      {word}: {song} {earlier[song][name]:.2f} -> {found[song][name]:.2f}")
    if save:
        save.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def scored(result: dict[str, dict[str, float]], name: str) -> set[str]:
    """The songs of a result that a measure was taken of."""
    return {song for song, values in result.items() if name in values}


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
    ends = [structure.analyse(c.features, c.estimated, PRODUCT).sections[-1].label for c in made]
    print(f"of their outros {ends.count('drop')} are called a drop")


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
    "LIFT": (novelty, (0.0, 0.2)),
    "STEPS": (novelty, (0.0, 1.0, 4.0)),
    "LABELS_COUNT": (decoding, (1.5, 2.5)),
    "SAME": (labels, (1.0, 5.0)),
    "SAME_DROP": (labels, (0.0, 0.5, 1.5)),
    "STEP": (labels, (1.5, 3.5)),
    "STEP_SPREAD": (labels, (0.6, 2.4)),
    "STEP_COUNTS": (labels, (0.0, 0.75, 1.75)),
    "SPLIT_EVIDENCE": (decoding, (-9.0, 0.5, 0.6, 0.8, 1.0)),
    "OFFSET": (evidence, (-0.8, -0.7, -0.5)),
    "KICK": (levels, (-20.0, -10.0)),
    "SECOND_DROP_RISE": (analysis, (0.4, 1.2, 99.0)),
    "CALM": (labels, (-9.0, -6.7)),
    "PEAK": (labels, (-5.0, -4.25, -3.75)),
    "SPREAD": (labels, (0.9, 2.0)),
    "CALM_SHARE": (labels, (0.05, 0.15)),
    "RISE": (labels, (0.0, 2.0, 4.0)),
    "PULSE": (labels, (0.75, 2.5)),
    "BASS": (labels, (-20.0, -10.0)),
}


def report_parameters(songs: tuple[Case, ...], made: tuple[Case, ...]) -> None:
    """Print the scores with each parameter at other values, the others as they are."""
    print("\nParameters, one at a time: songs F at 0.5 s and 3 s, neighbours of one label, drop")
    print("precision and recall; synthesised tracks F at 0.5 s, drops hit (estimated grids)")
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
        if not (case.judged and case.peaks):
            continue
        found = structure.analyse(case.features, case.estimated, PRODUCT)
        alike = sum(one.label == other.label for one, other in pairwise(found.sections))
        table.append([*(boundary_scores(case, starts(found), t)[2] for t in TOLERANCES), alike])
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
