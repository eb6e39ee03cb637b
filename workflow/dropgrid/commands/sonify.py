"""Write a track with a click on every beat and a signal at every section, to check by ear.

  click       1 kHz on a beat, 2 kHz and a little louder on a downbeat
  intro       one note                    breakdown   three falling notes
  buildup     three rising notes          outro       two falling notes
  main        two falling notes, wider
  drop        a major chord, and a gong where a drop begins

example:
  dropgrid sonify "Night Swim.ogg" --bpm results/bpm/night-swim-1a2b3c4d.json \\
      --structure results/structure/night-swim-1a2b3c4d.json --output check.wav

With --transition: mix one track into another with aligned beats, as `dropgrid next` proposes:

  dropgrid sonify --transition "Night Swim.ogg" Overtaker.flac --results results --output mix.wav
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..base.errors import ConfigError, LibraryError
from .arguments import add_force, add_results

HELP = "mix clicks and section signals over a track, or one track into another"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("audio", type=Path, nargs="?", help="the track that was analysed")
    parser.add_argument("--bpm", "--bpm-record", type=Path, metavar="JSON",
                        help="the track's record in results/bpm")  # fmt: skip
    parser.add_argument("--structure", type=Path, metavar="JSON",
                        help="its record in results/structure, for the signals")  # fmt: skip
    parser.add_argument("--transition", nargs=2, metavar="TRACK",
                        help="instead: mix the first into the second; path or name")  # fmt: skip
    add_results(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE",
                        help="what to write: .wav or .flac")  # fmt: skip

    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    if (arguments.audio is None) == (arguments.transition is None):
        raise ConfigError("name one track with --bpm, or two with --transition")
    if arguments.audio is not None and arguments.bpm is None:
        raise ConfigError("--bpm JSON: the track's record in results/bpm is needed")
    try:
        if arguments.transition:
            _write_transition(arguments)
        else:
            _write_clicks(arguments)
    except OSError as error:
        raise LibraryError(f"{arguments.output}: cannot be written ({error})") from error
    print(arguments.output)
    return 0


def _write_clicks(arguments: argparse.Namespace) -> None:
    from ..pictures_and_sounds.sonify import sonify
    from ..records.store import read_bpm, read_structure
    from ..results.output_guard import check_output

    read = (arguments.audio, arguments.bpm, *filter(None, [arguments.structure]))
    check_output(arguments.output, read, force=arguments.force, audio=True)
    structure = read_structure(arguments.structure) if arguments.structure else None
    sonify(arguments.audio, read_bpm(arguments.bpm), structure, arguments.output)


def _write_transition(arguments: argparse.Namespace) -> None:
    from ..mixing.alignment import align
    from ..mixing.lists import read_tracks
    from ..mixing.requests import Mixer
    from ..pictures_and_sounds.sonify import check_format
    from ..pictures_and_sounds.transition_audio import Overlay, render
    from ..records.ticket import read_ticket
    from ..results.layout import Results
    from ..results.output_guard import check_output

    check_format(arguments.output)
    mixer = Mixer(arguments.results)
    ids = [mixer.named(name) for name in arguments.transition]
    files = [Path(read_ticket(Results(arguments.results).ticket(track)).file) for track in ids]
    check_output(arguments.output, files, force=arguments.force, audio=True)
    step, octave = mixer.step(*ids)
    before, after = read_tracks(arguments.results, ids)
    found = align(before, after, step, octave)
    overlay = Overlay(found.first, found.second, found.lead, found.end, found.swap, found.gains)
    render(files[0], files[1], overlay, arguments.output)
    print(f"leave at bar {step.leave}, enter at bar {step.enter}, {step.bars} bars: "
          f"{'; '.join(step.reasons)}")  # fmt: skip
