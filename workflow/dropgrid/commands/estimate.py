"""Have another system estimate tempo, beats and key, to compare its scores with dropgrid's.

Writes OUTPUT/TRACK.jams for each track, which `dropgrid evaluate --estimates NAME=OUTPUT` reads.
The system runs in the environment in which it is installed (--python), apart from dropgrid. It
gets each track as WAV. Tracks without an answer are listed in OUTPUT/missing.log and do not stop
the others.

example:
  dropgrid estimate --with librosa --results results --output librosa.jams
  dropgrid evaluate --results results --references truth --estimates librosa=librosa.jams
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import add_force

if TYPE_CHECKING:
    from ..estimators.estimate import TrackToEstimate

HELP = "have another system estimate tracks, to compare it with dropgrid"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--with", dest="system", metavar="SYSTEM", help="for example librosa; see --list"
    )
    parser.add_argument("--list", action="store_true", help="list the systems")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("files", nargs="*", type=Path, default=[], metavar="FILE", help="audio")
    which.add_argument(
        "--results", type=Path, metavar="DIR", help="the tracks of a folder of results"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="where the answers go")
    parser.add_argument(
        "--library", type=Path, metavar="DIR",
        help="the folder that track ids and paths are relative to, as for analyze; with "
        "--results: the folder of the audio, if it has moved",
    )  # fmt: skip
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), metavar="PATH",
        help="the Python of the environment in which the system is installed (default: that "
        "of dropgrid)",
    )  # fmt: skip
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="trained weights, for a system that needs them",
    )
    parser.add_argument(
        "--time-limit", type=_seconds, default=1800.0, metavar="SECONDS",
        help="time limit per track (default: 1800)",
    )  # fmt: skip
    add_force(parser)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 1e6:
        raise argparse.ArgumentTypeError(f"{text}: not a time above 0")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    import tempfile

    from ..base.errors import ConfigError
    from ..estimators import system_of, systems
    from ..estimators.estimate import Interrupted, check, estimate
    from ..estimators.process import environment
    from ..results.output_guard import check_folder

    if arguments.list:
        for name, module in systems().items():
            print(f"{name:10} {module.HELP}")
        return 0
    for option, given in (("--with", arguments.system), ("--output", arguments.output)):
        if not given:
            raise ConfigError(f"{option}: not given")
    system = system_of(arguments.system)
    wanted = _wanted(arguments)
    check_folder(arguments.output)
    check(arguments.output, wanted, arguments.force)
    before = signal.signal(signal.SIGTERM, _end)
    try:
        with tempfile.TemporaryDirectory(prefix="dropgrid-estimate-") as folder:
            where = environment(system, arguments.python, arguments.weights, Path(folder))
        found = estimate(where, wanted, arguments.output, arguments.time_limit, _tell)
    except Interrupted as error:
        return 128 + int(error.args[0])
    finally:
        signal.signal(signal.SIGTERM, before)
    print(f"{found} of {len(wanted)} tracks answered by {where.tools}: {arguments.output}")
    return 0 if found else 1


def _wanted(arguments: argparse.Namespace) -> list[TrackToEstimate]:
    """The named files, or the tracks of a results folder."""
    from ..base.errors import ConfigError
    from ..estimators.estimate import TrackToEstimate
    from ..library import scan_files
    from ..results.library_reader import iterate_library

    if arguments.files:
        tickets = scan_files(arguments.files, arguments.library).tracks
        return [TrackToEstimate(t.track, t.path, Path(t.file)) for t in tickets]
    if arguments.results is None:
        raise ConfigError("no tracks: name audio files, or --results DIR")
    tracks = iterate_library(arguments.results, arguments.library, waiting=[])
    return [TrackToEstimate(track.track, track.record.path, track.file) for track in tracks]


def _end(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)  # runs the `finally` block that ends the system's process


def _tell(line: str) -> None:
    print(line, flush=True)
