"""A list of tracks in the order with the best transitions.

    dropgrid set --tracks crate.m3u8 --output set.m3u8
    dropgrid set --tracks crate.m3u8 --energy peak --start opener.flac --output set.csv

The output is an M3U8 playlist, or CSV or JSON with every transition: where to leave and where to
enter, in bars and seconds, and why. How it is made: docs/mixing.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..base.errors import ConfigError
from ..base.text import counted
from .arguments import add_force, add_results
from .next import add_tempo_limit

HELP = "put a list of tracks in the order that mixes best"
MOST = 1000  # tracks: the order is found among all pairs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_results(parser)
    parser.add_argument(
        "--tracks", type=Path, metavar="LIST",
        help=f"the tracks: M3U8, or CSV with a column path (default: the library, up to {MOST})",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="FILE.m3u8, .csv or .json"
    )
    add_tempo_limit(parser)
    parser.add_argument(
        "--energy", choices=("free", "rising", "wave", "peak"), default="free",
        help="the course of the energy; peak: highest at 60 %% (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--start", metavar="TRACK", help="the first track")
    parser.add_argument("--end", metavar="TRACK", help="the last track")
    parser.add_argument(
        "--pair", nargs=2, action="append", default=[], metavar="TRACK",
        help="the second right after the first; may be given more than once",
    )  # fmt: skip
    parser.add_argument("--minutes", type=float, metavar="N", help="how long the set may be")
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..base.files import write_atomically
    from ..mixing.library import read_library
    from ..mixing.lists import WRITERS, chosen, transitions
    from ..references.playlist_file import read_list
    from ..results.output_guard import check_output

    kind = arguments.output.suffix.lower()
    if kind not in WRITERS:
        raise ConfigError(f"--output: {arguments.output}: ends with none of {', '.join(WRITERS)}")
    if arguments.minutes is not None and not arguments.minutes > 0:
        raise ConfigError(f"--minutes: {arguments.minutes:g}: more than 0")
    library = read_library(arguments.results)
    read = [arguments.tracks] if arguments.tracks else []
    check_output(arguments.output, read, force=arguments.force)
    names = read_list(arguments.tracks) if arguments.tracks else list(library.paths)
    if len(names) > MOST:
        raise ConfigError(f"{len(names)} tracks: at most {MOST}; name them with --tracks LIST")
    order = chosen(library, arguments, names)
    steps = transitions(library, arguments.results, order, arguments.tempo_limit)
    write_atomically(arguments.output, WRITERS[kind](library, arguments.results, order, steps))
    seconds = sum(float(library.duration[i]) for i in order) - sum(s.seconds for s in steps)
    far = sum(step.transition.score < 0 for step in steps)
    print(f"{arguments.output}: {counted(len(order), 'track')}, {seconds / 60:.0f} minutes")
    if far:
        steep = counted(far, "transition")
        print(f"dropgrid set: {steep} beyond {arguments.tempo_limit:g} % of tempo")
    return 0
