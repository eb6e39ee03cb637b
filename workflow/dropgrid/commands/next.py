"""List the tracks that mix with this one, best first, each with a transition and the reasons.

    dropgrid next song.flac
    dropgrid next song.flac --energy up --tempo-limit 4
    dropgrid next --evaluate tracklist.csv     # compare the ranking with a set that was played

A transition says where to leave the track and where to enter the next one, in bars and seconds.
How the score is made: docs/mixing.md. Only records are read, no audio.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import ConfigError
from ..base.text import counted
from .arguments import add_results

if TYPE_CHECKING:
    from ..mixing.library import Library

HELP = "list the tracks that mix with this one, and how"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("track", nargs="?", metavar="TRACK", help="path or file name")
    add_results(parser)
    parser.add_argument(
        "--number", type=int, default=10, help="how many tracks to list (default: %(default)s)"
    )
    add_tempo_limit(parser)
    parser.add_argument(
        "--energy", choices=("steady", "up", "down"), default="steady",
        help="how the energy should change (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_true", help="print JSON, with every term of the score"
    )
    parser.add_argument(
        "--evaluate", type=Path, metavar="LIST",
        help="tracks in the order in which they were played (M3U8, or CSV with a column path): "
        "report how high the track that was played next ranks",
    )  # fmt: skip


def add_tempo_limit(parser: argparse.ArgumentParser) -> None:
    """The option --tempo-limit of the commands that mix."""
    parser.add_argument(
        "--tempo-limit", type=_per_cent, default=6.0, metavar="PERCENT",
        help="largest tempo change of a track (default: %(default)s)",
    )  # fmt: skip


def _per_cent(text: str) -> float:
    value = float(text)
    if not 0 < value <= 50:
        raise argparse.ArgumentTypeError(f"{text}: more than 0 and at most 50 per cent")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..mixing.library import read_library

    if (arguments.track is None) == (arguments.evaluate is None):
        raise ConfigError("name one TRACK, or a list with --evaluate")
    if arguments.number < 1:
        raise ConfigError(f"--number: {arguments.number}: at least 1")
    library = read_library(arguments.results)
    if arguments.evaluate:
        return _evaluate(library, arguments)
    return _next(library, arguments)


def _next(library: Library, arguments: argparse.Namespace) -> int:
    import json

    from ..mixing.lists import find, read_tracks
    from ..mixing.score import ranked, scores
    from ..mixing.transition import transition

    i = find(library, arguments.results, [arguments.track])[0]
    found = scores(library, i, arguments.energy, arguments.tempo_limit)
    best = [int(j) for j in ranked(library, i, found)[: arguments.number]]
    tracks = read_tracks(arguments.results, [library.ids[j] for j in (i, *best)])
    before, *after = tracks
    steps = [
        transition(library, i, j, found, before, track)
        for j, track in zip(best, after, strict=True)
    ]
    if arguments.json:
        print(json.dumps([step.as_json() for step in steps], indent=2))
        return 0
    print(_heading(library, i))
    for number, (j, step) in enumerate(zip(best, steps, strict=True), start=1):
        print(_shown(library, number, j, step))
    if not steps:
        print(f"nothing is within {arguments.tempo_limit:g} % of its tempo")
    return 0


def _heading(library: Library, i: int) -> str:
    from ..base.text import printable

    return f"after {printable(library.name(i))} ({library.bpm[i]:.2f} BPM):"


def _shown(library: Library, number: int, j: int, step: object) -> str:
    from ..base.text import clock, printable
    from ..mixing.transition import Transition

    assert isinstance(step, Transition)
    where = (
        f"leave at bar {step.leave} ({clock(step.leave_at, tenths=True)}), "
        f"enter at bar {step.enter} ({clock(step.enter_at, tenths=True)}), {step.bars} bars"
    )
    return (
        f"{number:3}. {step.score:.2f}  {printable(library.name(j))} ({library.bpm[j]:.2f} BPM)\n"
        f"           {where}\n           {'; '.join(step.reasons)}"
    )


def _evaluate(library: Library, arguments: argparse.Namespace) -> int:
    from ..mixing.lists import find
    from ..mixing.played import rankings
    from ..references.playlist_file import read_list

    played = find(library, arguments.results, read_list(arguments.evaluate))
    rows = rankings(library, played, arguments.tempo_limit)
    if not rows:
        raise ConfigError(f"{arguments.evaluate}: names fewer than two tracks of the library")
    print(
        f"{counted(len(played) - 1, 'transition')}, {rows[0].candidates:.0f} tracks to choose from"
    )
    print("ranking by      median rank  in the first ten")
    for row in rows:
        print(f"{row.name:14}  {row.median_rank:11.1f}  {row.in_first_ten:16.0%}")
    return 0
