"""Put a list of tracks in the order with the best transitions.

    dropgrid set --tracks crate.m3u8 --output set.m3u8
    dropgrid set --tracks crate.m3u8 --energy peak --start opener.flac --output set.csv

The output is an M3U8 playlist, a cue sheet of the set as one recording, or CSV or JSON with every
transition: where to leave and where to enter, in bars and seconds, and why. How it is made:
docs/mixing.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..base.errors import ConfigError
from ..base.text import counted
from .arguments import add_force, add_results
from .next import add_tempo_limit

HELP = "put a list of tracks in the order that mixes best"
MOST = 1000  # tracks: the search compares all pairs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_results(parser)
    parser.add_argument(
        "--tracks", type=Path, metavar="LIST",
        help=f"the tracks: M3U8, or CSV with a column path (default: the library, up to {MOST})",
    )  # fmt: skip
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="FILE.m3u8, .cue, .csv or .json (may be given more than once)",
        action="append",
    )
    add_tempo_limit(parser)
    parser.add_argument(
        "--energy", choices=("free", "rising", "wave", "peak"), default="free",
        help="how the energy develops; peak: highest at 60 %% (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--start", metavar="TRACK", help="the first track")
    parser.add_argument("--end", metavar="TRACK", help="the last track")
    parser.add_argument(
        "--pair", nargs=2, action="append", default=[], metavar="TRACK",
        help="play the second right after the first; may be given more than once",
    )  # fmt: skip
    parser.add_argument("--minutes", type=float, metavar="N", help="longest duration of the set")
    parser.add_argument(
        "--keep-order", action="store_true",
        help="keep the order of LIST and find only the transitions",
    )  # fmt: skip
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..mixing.library import read_library
    from ..mixing.lists import chosen, find, transitions
    from ..mixing.set_files import WRITERS, PlayedSet, starts
    from ..references.playlist_file import read_list
    from ..results.output_guard import check_output, write_output

    _check(arguments, tuple(WRITERS))
    library = read_library(arguments.results)
    for output in arguments.output:
        read = [arguments.tracks] if arguments.tracks else []
        check_output(output, read, force=arguments.force)
    names = read_list(arguments.tracks) if arguments.tracks else list(library.paths)
    if len(names) > MOST:
        raise ConfigError(f"{len(names)} tracks: at most {MOST}; name them with --tracks LIST")
    if arguments.keep_order:
        order = find(library, arguments.results, names)
    else:
        order = chosen(library, arguments, names)
    steps = transitions(library, arguments.results, order, arguments.tempo_limit)
    played = PlayedSet(library, arguments.results, order, steps)
    files = [(output, WRITERS[output.suffix.lower()](played, output.name))
             for output in arguments.output]  # fmt: skip
    for output, data in files:
        write_output(output, data)
    minutes = starts(steps, played.durations)[-1] / 60
    written = ", ".join(map(str, arguments.output))
    print(f"{written}: {counted(len(order), 'track')}, {minutes:.0f} minutes")
    far = sum(step.transition.score < 0 for step in steps)
    if far:
        steep = counted(far, "transition")
        print(f"dropgrid set: {steep} beyond {arguments.tempo_limit:g} % of tempo")
    return 0


def _check(arguments: argparse.Namespace, kinds: Sequence[str]) -> None:
    """Raise ConfigError if options are wrong or conflict."""
    for output in arguments.output:
        if output.suffix.lower() not in kinds:
            raise ConfigError(f"--output: {output}: ends with none of {', '.join(kinds)}")
    if arguments.minutes is not None and not arguments.minutes > 0:
        raise ConfigError(f"--minutes: {arguments.minutes:g}: more than 0")
    if not arguments.keep_order:
        return
    if not arguments.tracks:
        raise ConfigError("--keep-order: the order of what? Name a list with --tracks LIST")
    for name in ("start", "end", "pair", "minutes"):
        if getattr(arguments, name):
            raise ConfigError(f"--keep-order and --{name}: one of them")
