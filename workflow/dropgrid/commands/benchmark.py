"""EDM-grids: a benchmark of electronic music with exact truth, made on this machine.

`make` composes and renders pieces of 15 styles with their truth (DIR/audio, DIR/truth) and, of
each, twins with one property changed; the same seed makes the same music everywhere. `score`
scores systems: their answers in any format of references, or command lines that it runs for every
piece. It breaks the scores down by cause. With --draw it first makes new music from a
new random seed. Uses and limits: docs/benchmark.md.

examples:
  dropgrid benchmark make grids --seed 1 --tracks 15
  dropgrid estimate --with librosa grids/audio/* --library grids/audio --output librosa.jams
  dropgrid benchmark score grids --estimates librosa=librosa.jams
  dropgrid benchmark score fresh --draw --tracks 15 --command 'mine=mine.py {audio} {output}'
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .arguments import add_force

HELP = "make a benchmark of electronic music with exact truth, or score systems on it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="make|score", required=True)
    make = actions.add_parser("make", help="compose and render the music and its truth")
    make.add_argument("folder", type=Path, metavar="DIR", help="the folder to make")
    make.add_argument("--seed", type=int, required=True, metavar="N", help="seed of the music")
    _add_size(make)
    score = actions.add_parser("score", help="score systems' answers")
    score.add_argument("folder", type=Path, metavar="DIR", help="a folder that `make` wrote")
    score.add_argument(
        "--estimates", nargs="+", default=[], metavar="NAME=PATH", type=_named,
        help="answers of a system: a file or folder in any format of references",
    )  # fmt: skip
    score.add_argument(
        "--command", dest="lines", nargs="+", default=[], metavar="NAME=LINE", type=_named,
        help="a system as a command line, run for each piece: {audio} is the file to read, "
        "{output} the JAMS file to write; nothing is run by a shell",
    )  # fmt: skip
    score.add_argument(
        "--time-limit", type=float, default=600.0, metavar="SECONDS",
        help="time limit of a command line per piece (default: 600)",
    )  # fmt: skip
    score.add_argument(
        "--draw", action="store_true",
        help="first make the benchmark in DIR with a new random seed (--tracks, --no-twins)",
    )  # fmt: skip
    score.add_argument("--output", type=Path, metavar="DIR", help="default: DIR/scores")
    _add_size(score)
    add_force(score)


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tracks",
        type=int,
        default=15,
        metavar="M",
        help="number of pieces, not counting twins (default: 15)",
    )
    parser.add_argument("--no-twins", action="store_true", help="make no twins")
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="processes (default: 1)"
    )


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value) or not set(name).isdisjoint("/\\\0") or name[0] == ".":
        raise argparse.ArgumentTypeError(f"{text}: not NAME=..., NAME the name of a folder")
    return name, value


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    return _make(arguments, arguments.seed) if arguments.action == "make" else _score(arguments)


def _make(arguments: argparse.Namespace, seed: int) -> int:
    from ..synthetic_benchmark.make import make

    values = make(
        arguments.folder, seed, arguments.tracks, not arguments.no_twins,
        max(1, arguments.threads), _tell,
    )  # fmt: skip
    print(f"{len(values['pieces'])} pieces, seed {seed}: {arguments.folder}")
    return 0


def _score(arguments: argparse.Namespace) -> int:
    import secrets

    from ..base.errors import ConfigError
    from ..evaluation.documents import json_bytes
    from ..results.output_guard import check_output, write_output
    from ..synthetic_benchmark import score, submissions

    names = [name for name, _ in (*arguments.estimates, *arguments.lines)]
    if not names:
        raise ConfigError("no system: name its answers, --estimates NAME=PATH, or --command")
    if len(set(names)) < len(names):
        raise ConfigError("a name is given twice")
    for _, line in arguments.lines:
        submissions.words(line)
    output = arguments.output or arguments.folder / "scores"
    files = {kind: output / f"scores.{kind}" for kind in ("json", "md")}
    for file in files.values():
        check_output(file, force=arguments.force)
    if arguments.draw:
        if (arguments.folder / score.AUDIO).exists():
            raise ConfigError(f"{arguments.folder}: --draw needs a folder of its own")
        _make(arguments, secrets.randbelow(2**31))
    estimates = dict(arguments.estimates)
    for name, line in arguments.lines:
        answers = submissions.answer(arguments.folder, name, line, arguments.time_limit, _tell)
        estimates[name] = str(answers)
    cases, left_out = score.gather(arguments.folder, estimates)
    values = score.document(arguments.folder, cases, list(estimates))
    write_output(files["json"], json_bytes(values))
    write_output(files["md"], score.markdown(values).encode())
    print(f"{len(estimates)} systems, {len(left_out)} answers of no piece: {files['md']}")
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
