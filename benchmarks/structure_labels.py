"""Measure labels: which of a track's sections are called intro, buildup, drop and so on.

Usage: .venv/bin/python benchmarks/structure_labels.py [songs] [demo] [pieces]
       [--shared FOLDER] [--cache FOLDER] [--tracks 40] [--pieces 45] [--against FILE]
       [--save FILE]

songs   real songs: the labels that follow from their arrangement (structure_cases.arranged_names),
        which are not all: what has none, and what has none for sure, is left out
demo    tracks made by dropgrid.demo_music, of many seeds, tempi and styles, with exact labels
pieces  pieces of `dropgrid benchmark make`, with exact labels

Of each: a table of confusion, the share of a label's time that was given each label; frames of
0.1 s on the estimated grid. `right` counts the time with the label, or one of the two that are
possible. `peak in intro or outro`: tracks of which 8 s and more of a drop lie there. With
--against, the tracks mended and broken by more than .05 of their time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from command_line import ROOT, chosen_parts, parser_of
from dropgrid import structure
from dropgrid.records.model import LABELS
from dropgrid.stages.networks import prepare_network
from structure_cases import FRAME, Case, make_pieces, make_tracks, read_songs

HIDDEN = 8.0  # seconds of a drop that must not lie in an intro or outro
CHANGED = 0.05
PRODUCT = structure.StructureOptions()


def confusion(case: Case, found: structure.Structure) -> dict[tuple[str, ...], np.ndarray]:
    """Seconds of each label found, in the order of LABELS, by what the label should be."""
    ends = np.array([section.end for section in found.sections])
    labels = np.array([LABELS.index(section.label) for section in found.sections])
    table: dict[tuple[str, ...], np.ndarray] = {}
    for start, end, names in case.names:
        times = np.arange(start + FRAME / 2, min(end, float(ends[-1])), FRAME)
        given = labels[np.searchsorted(ends, times, side="right").clip(max=len(ends) - 1)]
        seconds = np.bincount(given, minlength=len(LABELS)) * FRAME
        table[names] = table.get(names, np.zeros(len(LABELS))) + seconds
    return table


def share_right(table: dict[tuple[str, ...], np.ndarray]) -> float:
    """Share of the time that has the label it should have, or one of the two possible ones."""
    total = sum(row.sum() for row in table.values())
    right = sum(row[[LABELS.index(name) for name in names]].sum() for names, row in table.items())
    return float(right / max(total, FRAME))


def report(title: str, cases: Sequence[Case]) -> dict[str, float]:
    """Print the confusion of all tracks together; the share that is right, by track."""
    tables = {
        case.name: confusion(case, structure.analyse(case.features, case.estimated, PRODUCT))
        for case in cases
    }
    total: dict[tuple[str, ...], np.ndarray] = {}
    for table in tables.values():
        for names, row in table.items():
            total[names] = total.get(names, np.zeros(len(LABELS))) + row
    print(f"\n{title}: {len(cases)} tracks\n{'label':<22}{'seconds':>8}", end="")
    print("".join(f"{label:>10}" for label in LABELS) + f"{'right':>9}")
    for names, row in sorted(total.items(), key=lambda pair: order(pair[0])):
        shares = "".join(f"{value:>10.3f}" for value in row / max(row.sum(), FRAME))
        print(
            f"{' or '.join(names):<22}{row.sum():>8.0f}{shares}{share_right({names: row}):>9.3f}"
        )
    found = np.sum([row for names, row in total.items() if len(names) == 1], axis=0)
    precision = [
        total[(label,)][place] / max(found[place], FRAME) if (label,) in total else np.nan
        for place, label in enumerate(LABELS)
    ]
    print(f"{'precision':<30}" + "".join(f"{value:>10.3f}" for value in precision))
    hidden = [
        name for name, table in tables.items()
        if table.get(("drop",), np.zeros(len(LABELS)))[[0, -1]].sum() >= HIDDEN
    ]  # fmt: skip
    right = {name: round(share_right(table), 4) for name, table in tables.items()}
    print(f"right: {share_right(total):.3f} of the time; mean of tracks "
          f"{np.mean(list(right.values())):.3f}; peak in intro or outro: "
          f"{len(hidden)} ({', '.join(hidden)})")  # fmt: skip
    return right


def order(names: tuple[str, ...]) -> tuple[int, ...]:
    """Where a row stands: labels that are certain first, in the order of LABELS."""
    return len(names), *(LABELS.index(name) for name in names)  # type: ignore[arg-type]


def compare(now: dict[str, float], before: dict[str, float]) -> None:
    """Print the tracks whose share moved."""
    for word, sign in (("mended", 1), ("broken", -1)):
        moved = {k: v for k, v in now.items() if sign * (v - before.get(k, v)) > CHANGED}
        print(f"  {word} {len(moved)}: " + ", ".join(
            f"{name} {before[name]:.2f} -> {value:.2f}" for name, value in sorted(moved.items())
        ))  # fmt: skip


def main() -> None:
    parser = parser_of(__doc__, ("songs", "demo", "pieces"), cache=ROOT / ".structure-cache")
    parser.add_argument("--tracks", type=int, default=40, help="how many tracks of the demo")
    parser.add_argument("--pieces", type=int, default=45, help="how many pieces of the benchmark")
    parser.add_argument("--against", type=Path, help="an earlier result, to compare tracks with")
    parser.add_argument("--save", type=Path, help="where this result goes, for later ones")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    network = arguments.cache / "network.npz"
    if not network.exists():
        prepare_network(network, "madmom")
    cache = arguments.cache
    known: dict[str, Callable[[], Iterator[Case]]] = {
        "songs": lambda: (c for c in read_songs(arguments.shared, cache, network) if c.judged),
        "demo": lambda: make_tracks(arguments.tracks, cache, network),
        "pieces": lambda: make_pieces(arguments.pieces, cache, network),
    }
    before = json.loads(arguments.against.read_text()) if arguments.against else {}
    result = {}
    for part in chosen_parts(parser, arguments):
        result[part] = report(part, [case for case in known[part]() if case.names])
        if part in before:
            compare(result[part], before[part])
    if arguments.save:
        arguments.save.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
