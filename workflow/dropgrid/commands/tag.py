"""Write tempo, key and gain into the files' own tags, or take them back.

Nothing is written unless you ask for it with this command. Look first with --dry-run. Integer
fields get the rounded tempo, an exact field stands beside them; audio is never touched, which is
checked before a file takes the place of the old one. What the fields held before is kept in a
backup, from which `dropgrid tag restore` puts everything back.

examples:
  dropgrid tag write --results results --dry-run
  dropgrid tag write --results results --comment
  dropgrid tag write --results results --key camelot --gain
  dropgrid tag restore --results results
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ..key.notation import NOTATIONS

if TYPE_CHECKING:
    from ..tagging import Change

HELP = "write BPM, key, gain and drop times into the files' tags, or take them back"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="write|restore", required=True)
    write = actions.add_parser("write", help="write the answers into tags")
    write.add_argument("--dry-run", action="store_true", help="only say what would be written")
    write.add_argument(
        "--comment", action="store_true", help="add the drops' times to the comment"
    )
    write.add_argument(
        "--key", nargs="?", const="musical", choices=NOTATIONS, metavar="NOTATION",
        help="write the key too: musical (Am, the default), camelot (8A) or openkey (1m)",
    )  # fmt: skip
    write.add_argument(
        "--gain", action="store_true",
        help="write the gain to one loudness too: ReplayGain 2.0, in Opus R128_TRACK_GAIN",
    )  # fmt: skip
    write.add_argument(
        "--sound-check", action="store_true", help="with --gain: iTunes' own field in MP4, too"
    )
    write.add_argument("--min-confidence", type=float, default=0.9, metavar="X",
                       help="write nothing below this confidence (default: 0.9)")  # fmt: skip
    write.add_argument("--library", type=Path, metavar="DIR",
                       help="the audio's folder, if it has moved since the analysis")  # fmt: skip
    restore = actions.add_parser("restore", help="put back what the tags held before")
    for action in (write, restore):
        action.add_argument("--results", type=Path, default=Path("results"), metavar="DIR",
                            help="the folder of results (default: results)")  # fmt: skip
        action.add_argument("--backup", type=Path, metavar="JSON",
                            help="the backup (default: tag-backup.json in results)")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    backup = arguments.backup or arguments.results / "tag-backup.json"
    return (
        _write(arguments, backup) if arguments.action == "write" else _restore(arguments, backup)
    )


def _write(arguments: argparse.Namespace, backup: Path) -> int:
    from ..api import iterate_library
    from ..tagging import Change, TagOptions, merged, plan, read_backup, write_backup

    options = TagOptions(
        arguments.min_confidence,
        arguments.comment,
        arguments.key,
        arguments.gain,
        arguments.sound_check,
    )
    changes: list[Change] = []
    left_alone: Counter[str] = Counter()
    for track in iterate_library(arguments.results, arguments.library):
        change = plan(track, options)
        if isinstance(change, Change):
            changes.append(change)
            print(f"{track.path}: {_described(change)}")
        else:
            left_alone[change] += 1
    for reason, count in sorted(left_alone.items()):
        print(f"dropgrid tag: {count} tracks left alone: {reason}", file=sys.stderr)
    if arguments.dry_run:
        print(f"{len(changes)} files would be changed; nothing was written")
        return 0
    if changes:
        earlier = read_backup(backup) if backup.exists() else {}
        write_backup(backup, merged(earlier, changes).values())
    failed = [change for change in changes if not _applied(change, arguments.results)]
    print(f"{len(changes) - len(failed)} files changed; what they held before: {backup}")
    return 1 if failed else 0


def _restore(arguments: argparse.Namespace, backup: Path) -> int:
    from ..tagging import read_backup, reverse, write_backup

    changes = list(read_backup(backup).values())
    failed = [change for change in changes if not _applied(reverse(change), arguments.results)]
    write_backup(backup, failed)
    print(f"{len(changes) - len(failed)} files restored")
    return 1 if failed else 0


def _applied(change: Change, results: Path) -> bool:
    """Make a change unless it is made already; says on stderr why it could not be."""
    from ..tagging import TagError, apply, is_done

    try:
        if not is_done(change):
            apply(change, results)
    except (TagError, OSError) as error:
        print(f"dropgrid tag: {change.file}: {error}; left as it is", file=sys.stderr)
        return False
    return True


def _described(change: Change) -> str:
    parts = (
        f"{key} {_plain(change.old[key])} -> {_plain(value)}"
        for key, value in change.new.items()
        if value != change.old[key]
    )
    return ", ".join(parts)


def _plain(value: object) -> str:
    """The first text of a field's value."""
    while isinstance(value, list):
        value = value[-1] if value else None
    return "none" if value is None else repr(value) if isinstance(value, str) else str(value)
