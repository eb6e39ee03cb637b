"""Correct a track's grid, sections or key; every later run uses the correction.

Corrections are kept in your own file, and every new analysis keeps to them. PATH is the path of a
track within the library, or an unambiguous end of it. A change relative to the current result
(--half, --shift 0.5) is saved as an absolute value ("a downbeat is at 0.412 s"). The next run
updates the records of these tracks, without analysing their audio again.

examples:
  dropgrid correct song.flac --half
  dropgrid correct a.mp3 b.mp3 --one 1 --nudge -5
  dropgrid correct song.flac --bpm 174 --at 12.345
  dropgrid correct --list
  dropgrid correct --from rekordbox.xml --dry-run
  dropgrid correct --from /media/STICK --dry-run
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..base.errors import ConfigError
from ..base.text import counted, printable
from .arguments import add_corrections, add_results

if TYPE_CHECKING:
    from ..correcting.session import CorrectionSession

HELP = "correct a track's grid, sections or key"
# In order of execution: option, its edit, the name of the value in the edit, the type of the
# option, its name in --help, and its help text.
EDITS: tuple[tuple[str, str, str | None, Any, str | None, str], ...] = (
    ("half", "half", None, None, None, "halve the tempo"),
    ("double", "double", None, None, None, "double the tempo"),
    ("bpm", "bpm", "bpm", float, "B", "the tempo; dropgrid finds the beats"),
    ("at", "at", "time", float, "SECONDS", "a downbeat is at this time"),
    ("shift", "shift", "beats", float, "BEATS", "move the grid later by BEATS; may be 0.5"),
    ("one", "one", "beats", float, "BEATS", "move the downbeat later by BEATS; the beats stay"),
    ("nudge", "nudge", "ms", float, "MS", "move the grid later by MS"),
    ("beats-per-bar", "beats_per_bar", "beats", int, "N", "3, 4, 5 or 7 beats per bar"),
    ("key", "key", "key", str, "KEY", "the key: Am, 8A, 1m, ..."),
    ("note", "note", "note", str, "TEXT", "a note; an empty one removes it"),
    ("confirm", "confirm", None, None, None, "confirm that the results are right"),
    ("reset", "reset", None, None, None, "remove all corrections of a track"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="a track: its path in the library, or the end of it",
    )
    add_results(parser)
    add_corrections(parser)
    for option, _, value, kind, metavar, help_text in EDITS:
        given = {"action": "store_true"} if value is None else {"type": kind, "metavar": metavar}
        parser.add_argument(f"--{option}", help=help_text, **given)
    parser.add_argument("--undo", action="store_true", help="undo the last correction")
    parser.add_argument("--redo", action="store_true", help="redo what was undone")
    parser.add_argument(
        "--list",
        action="store_true",
        help="list the corrections, and where the analysis differs from them",
    )
    parser.add_argument(
        "--from", dest="sources", nargs="+", metavar="FILE",
        help="import grids and drops that differ, from a player's stick (its folder, export.pdb "
        "or m.db), rekordbox.xml, collection.nml, mixxxdb.sqlite, or the word serato for what "
        "Serato wrote into the files",
    )  # fmt: skip
    parser.add_argument(
        "--dry-run", action="store_true", help="with --from: only list what differs"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..correcting.page_edits import apply_page_edits
    from ..correcting.publish import corrections_file
    from ..correcting.session import CorrectionSession
    from ..results.layout import Results
    from ..results.ownership import check_claim

    steps = _steps(arguments)
    ways = [bool(steps), arguments.undo, arguments.redo, arguments.list, bool(arguments.sources)]
    if sum(ways) != 1:
        raise ConfigError("say one thing: edits such as --half, or --undo, --redo, --list, --from")
    if not arguments.paths and not (arguments.list or arguments.sources):
        raise ConfigError("PATH: name at least one track")
    check_claim(arguments.results, [])
    session = CorrectionSession(
        Results(arguments.results), corrections_file(arguments.results, arguments.corrections)
    )
    if arguments.list:
        from .correct_list import list_corrections

        return list_corrections(session, _named(session, arguments.paths))
    if arguments.sources:
        from .correct_import import import_grids

        tracks = _named(session, arguments.paths)
        return import_grids(session, arguments.sources, tracks, arguments.dry_run)
    tracks = _named(session, arguments.paths)
    for line in apply_page_edits(session):
        print(f"dropgrid correct: {line}", file=sys.stderr)
    for track in tracks:
        if steps:
            session.edit(track, steps)
        else:
            session.undo(track, again=arguments.redo)
        print(_described(session, track), flush=True)
    print(f"{session.file}: the next run renews the records of {counted(len(tracks), 'track')}")
    return 0


def _steps(arguments: argparse.Namespace) -> list[Mapping[str, Any]]:
    """The edits that the options request, in the order of EDITS."""
    steps: list[Mapping[str, Any]] = []
    for option, op, value, *_ in EDITS:
        given = getattr(arguments, option.replace("-", "_"))
        if given is not None and given is not False:
            steps.append({"op": op} if value is None else {"op": op, value: given})
    return steps


def _named(session: CorrectionSession, paths: list[str]) -> list[str]:
    """The named tracks, each once. Raises ConfigError for an unknown track."""
    from ..references.matching import Tracks
    from ..results.scan_store import read_scan
    from .correct_list import paths_of

    if not paths:
        return []
    scan = read_scan(session.results.folder)
    state = Tracks(paths_of(session, scan["tracks"]), scan["root"])
    found = []
    for path in paths:
        track, why = state.find(path)
        if track is None:
            raise ConfigError(f"{printable(path)}: {why}")
        found.append(track)
    return list(dict.fromkeys(found))


def _described(session: CorrectionSession, track: str) -> str:
    """The current results of a track, in one line."""
    state = session.read_state(track)
    correction = session.correction_of(state)[1]
    bpm = session.answer(state, correction)[1].bpm
    path = printable(state.ticket.path)
    if correction.is_empty or bpm is None:
        return f"{path}: as analysed"
    parts = [" and ".join(correction.parts) + " corrected"] if correction.parts else []
    if correction.confirmed:
        parts.append("confirmed")
    if correction.note:
        parts.append("with a note")
    one = f", downbeat at {bpm.downbeats[0]:.3f} s" if bpm.downbeats else ""
    tempo = "no tempo" if bpm.bpm is None else f"{bpm.bpm:.2f} BPM{one}"
    return f"{path}: {tempo} ({', '.join(parts)})"
