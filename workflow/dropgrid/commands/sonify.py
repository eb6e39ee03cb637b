"""Write a track with a click on every beat and a signal at every section, to check by ear.

  click       1 kHz on a beat, 2 kHz and a little louder on a downbeat
  intro       one note                    breakdown   three falling notes
  buildup     three rising notes          outro       two falling notes
  main        two falling notes, wider
  drop        a major chord, and a gong where a drop begins

example:
  dropgrid sonify "Night Swim.ogg" --bpm results/bpm/night-swim-1a2b3c4d.json \\
      --structure results/structure/night-swim-1a2b3c4d.json --output check.wav
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .arguments import add_force

HELP = "mix clicks and section signals over a track"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("audio", type=Path, help="the track that was analysed")
    parser.add_argument("--bpm", "--bpm-record", type=Path, required=True, metavar="JSON",
                        help="its record in results/bpm")  # fmt: skip
    parser.add_argument("--structure", type=Path, metavar="JSON",
                        help="its record in results/structure, for the signals")  # fmt: skip
    parser.add_argument("--output", type=Path, required=True, metavar="FILE",
                        help="what to write: .wav or .flac")  # fmt: skip

    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..base.errors import LibraryError
    from ..records.store import read_bpm, read_structure
    from ..results.output_guard import check_output
    from ..show.sonify import sonify

    read = (arguments.audio, arguments.bpm, *filter(None, [arguments.structure]))
    check_output(arguments.output, read, force=arguments.force, audio=True)
    structure = read_structure(arguments.structure) if arguments.structure else None
    try:
        sonify(arguments.audio, read_bpm(arguments.bpm), structure, arguments.output)
    except OSError as error:
        raise LibraryError(f"{arguments.output}: cannot be written ({error})") from error
    print(arguments.output)
    return 0
