"""Write tempo, key and gain into the files' own tags, or take them back.

Only this command writes tags into your files. Try it first with --dry-run. Integer fields get the
rounded tempo, and another field the exact tempo. The audio never changes; this is checked before a
new file replaces the old one. The previous values are kept in a backup, from which `dropgrid tag
restore` restores all values that were not changed since.

Only files in the library's folder change: the folder that was scanned, or --library. A file with
several names (hard links) is left alone, because a new file would separate the names. --in-place
writes into such a file, so that it changes under all its names.

examples:
  dropgrid tag write --results results --dry-run
  dropgrid tag write --results results --comment
  dropgrid tag write --results results --key camelot --gain
  dropgrid tag write --results results --serato --bpm-format decimal
  dropgrid tag restore --results results
  dropgrid tag restore --results results --forget "deleted song.mp3"
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.text import counted
from ..key.notation import IN_TAGS
from .arguments import add_cues, add_results

if TYPE_CHECKING:
    from ..tagging.backup import Entry
    from ..tagging.plan import Change

PADDED = (".flac", ".ogg", ".oga", ".opus", ".m4a", ".mp4")  # mutagen adds padding
LONGEST = 100  # characters shown of a value
HELP = "write BPM, key, gain and drop times into the files' tags, or take them back"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="write|restore", required=True)
    write = actions.add_parser("write", help="write the answers into tags")
    write.add_argument("--dry-run", action="store_true", help="only show what would be written")
    write.add_argument(
        "--comment", action="store_true", help="add the drops' times to the comment"
    )
    write.add_argument(
        "--key", nargs="?", const="musical", choices=IN_TAGS, metavar="NOTATION",
        help="also write the key: musical (Am, the default), camelot (8A) or openkey (1m)",
    )  # fmt: skip
    write.add_argument(
        "--gain", action="store_true",
        help="also write the gain to a common loudness: ReplayGain 2.0; in Opus R128_TRACK_GAIN",
    )  # fmt: skip
    write.add_argument(
        "--sound-check", action="store_true", help="with --gain: also iTunes' own field in MP4"
    )
    write.add_argument(
        "--serato", action="store_true",
        help="write grid, cues and loops as Serato keeps them: MP3, AIFF, WAV, FLAC, MP4",
    )  # fmt: skip
    write.add_argument(
        "--replace", action="store_true",
        help="with --serato: replace a grid and cues that are already in the file",
    )  # fmt: skip
    add_cues(write, "with --serato")
    write.add_argument(
        "--bpm-format", choices=("integer", "decimal"), default="integer",
        help="format of ID3's TBPM: whole (128, the default) or with decimals (127.96)",
    )  # fmt: skip
    write.add_argument(
        "--min-confidence", type=float, default=0.9, metavar="X",
        help="below this confidence, write no tempo, drops or grid (default: 0.9)",
    )  # fmt: skip
    restore = actions.add_parser("restore", help="restore the previous tags")
    restore.add_argument("--skip", action="append", default=[], metavar="NAME",
                         help="leave a file for another time: its track's id, its path, or the "
                         "end of its path")  # fmt: skip
    restore.add_argument("--forget", action="append", default=[], metavar="NAME",
                         help="leave a file as it is permanently, without a backup")  # fmt: skip
    for action in (write, restore):
        add_results(action)
        action.add_argument(
            "--library", type=Path, metavar="DIR",
            help="the folder of the audio, if it has moved since the analysis",
        )  # fmt: skip
        action.add_argument(
            "--backup", type=Path, metavar="JSON",
            help="the backup (default: tag-backup.json in results)",
        )  # fmt: skip
        action.add_argument(
            "--in-place", action="store_true",
            help="write into files that have several names (hard links)",
        )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..base.errors import RecordError
    from ..results.layout import Results
    from ..tagging.backup import sole_writer

    backup = Results(arguments.results).tag_backup
    if arguments.backup is not None:
        backup = Path(os.path.realpath(arguments.backup))  # links are followed when it is written
    if arguments.action == "restore":
        if not backup.exists():
            raise RecordError(f"{backup}: there is no such backup of tags")
        with sole_writer(backup):
            return _restore(arguments, backup)
    if arguments.dry_run:
        changes, unread = _planned(arguments)
        print(f"{counted(len(changes), 'file')} would be changed; nothing was written")
        return 1 if unread else 0
    backup.parent.mkdir(parents=True, exist_ok=True)
    with sole_writer(backup):
        return _write(arguments, backup)


def _write(arguments: argparse.Namespace, backup: Path) -> int:
    from ..tagging.backup import Backup
    from ..tagging.change import apply
    from ..tagging.in_place import HalfWrittenError
    from ..tagging.plan import TagError

    keep = Backup(backup)
    changes, unread = _planned(arguments, keep.entries.values())
    changed = 0
    for change in changes:
        try:
            note = apply(change, keep.add, arguments.results, arguments.in_place)
        except HalfWrittenError as error:
            note = str(error)
        except (TagError, OSError) as error:
            _say(change.file, f"{error}; left as it is")
            continue
        changed += 1
        if note:
            _say(change.file, note)
    print(f"{counted(changed, 'file')} changed" + (f"; previous values: {backup}" * bool(changed)))
    return 0 if changed == len(changes) and not unread else 1


def _planned(
    arguments: argparse.Namespace, entries: Collection[Entry] = ()
) -> tuple[list[Change], int]:
    """The changes to make, one per file even if it has several names, and the number of files that
    could not be read.

    Prints the changes, and which files are left alone or left out. entries: backup entries, to
    finish interrupted changes.
    """
    from ..base.text import printable
    from ..records.cue_template import template
    from ..results.library_reader import WAITING, iterate_library
    from ..tagging.plan import Fault, TagOptions, plan

    options = TagOptions(
        arguments.min_confidence,
        arguments.comment,
        arguments.in_place,
        arguments.key,
        arguments.gain,
        arguments.sound_check,
        arguments.serato,
        arguments.replace,
        arguments.bpm_format,
        template(arguments.cues),
    )
    root = _root(arguments)
    changes: list[Change] = []
    left_alone: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    seen: dict[tuple[int, int], str] = {}
    looked_into: set[Path] = set()
    waiting: list[str] = []
    missed: list[str] = []
    unread = 0
    for track in iterate_library(arguments.results, arguments.library, waiting):
        if not arguments.dry_run and track.file is not None:
            _finish_interrupted(track.file, root, looked_into, entries)
        reasons: list[str] = []
        change = plan(track, options, root, lambda text: kept.update([text]), reasons.append)
        missed += [f"{track.path}: {text}" for text in reasons]
        if isinstance(change, Fault):
            _say(track.path, f"{change}; left as it is")
            unread += 1
            continue
        if isinstance(change, str):
            left_alone[change] += 1
            continue
        status = Path(change.file).stat()
        if (status.st_dev, status.st_ino) in seen:
            left_alone["another name of a file that is changed"] += 1
            continue
        seen[status.st_dev, status.st_ino] = change.file
        changes.append(change)
        names = f" (all {status.st_nlink} names of the file)" if status.st_nlink > 1 else ""
        print(f"{track.path}: {_described(change)}{names}")
    left_alone[WAITING] = len(waiting)
    for reason, count in sorted((+left_alone).items()):
        print(f"dropgrid tag: {counted(count, 'track')} left alone: {reason}", file=sys.stderr)
    for reason, count in sorted(kept.items()):
        print(f"dropgrid tag: in {counted(count, 'file')}: {reason}", file=sys.stderr)
    for line in missed:
        print(f"dropgrid tag: {printable(line)}", file=sys.stderr)
    return changes, unread


def _restore(arguments: argparse.Namespace, backup: Path) -> int:
    from ..base.errors import RecordError
    from ..tagging.backup import Backup, write_backup
    from ..tagging.restore import is_named, restore

    keep = Backup(backup)
    entries = list(keep.entries.values())
    root = _root(arguments)
    if root is None:
        raise RecordError(f"{arguments.results}: where the library lies is not known; --library")
    for name in (*arguments.skip, *arguments.forget):
        if not any(is_named(entry, [name]) for entry in entries):
            raise RecordError(f"{backup}: holds no file named {name}")
    kept, changed, forgotten, failed, padded = [], 0, 0, False, 0
    looked_into: set[Path] = set()
    for entry in entries:
        if is_named(entry, arguments.forget):
            forgotten += 1
        elif is_named(entry, arguments.skip):
            kept.append(entry)
        else:
            _finish_interrupted(Path(entry.file), root, looked_into, entries)
            done = restore(entry, root, arguments.results, arguments.in_place, keep.add)
            changed += done.changed
            padded += done.changed and Path(entry.file).suffix.lower() in PADDED
            for reason in done.reasons:
                _say(entry.file, reason)
            failed = failed or done.kept is not None
            kept += [done.kept] if done.kept else []
    write_backup(backup, kept)
    parts = [f"{counted(changed, 'file')} restored"]
    if kept:
        parts.append(f"{len(kept)} still in {backup}")
    if forgotten:
        parts.append(f"{forgotten} forgotten")
    print("; ".join(parts))
    if padded:
        text = "the padding behind the tags may not be what it was at first"
        print(f"dropgrid tag: in {counted(padded, 'file')}: {text}", file=sys.stderr)
    return 1 if failed else 0


def _root(arguments: argparse.Namespace) -> Path | None:
    """The folder of the library: the given folder, otherwise the scanned folder."""
    from ..results.layout import Results
    from ..results.scan_store import read_scan

    if arguments.library is not None:
        return Path(arguments.library)
    if not Results(arguments.results).scan.exists():
        return None
    return Path(str(read_scan(arguments.results)["root"]))


def _finish_interrupted(
    file: Path, root: Path | None, looked_into: set[Path], entries: Collection[Entry]
) -> None:
    """Finish, once per folder, the changes that a killed process left incomplete."""
    from ..tagging.in_place import finish_interrupted

    folder = Path(os.path.realpath(file)).parent
    if root is None or folder in looked_into or not folder.is_relative_to(os.path.realpath(root)):
        return
    looked_into.add(folder)
    try:
        for path, text in finish_interrupted(folder, entries):
            _say(str(path), text)
    except OSError as error:
        _say(str(folder), f"what an interrupted writing left cannot be mended: {error}")


def _say(file: str, text: str) -> None:
    print(f"dropgrid tag: {file}: {text}", file=sys.stderr)


def _described(change: Change) -> str:
    parts = (
        f"{key} {_plain(change.old[key])} -> {_plain(value)}" for key, value in change.new.items()
    )
    return ", ".join(parts)


def _plain(value: object) -> str:
    """The last text of a field's value; for other data, its length."""
    while isinstance(value, list):
        value = value[-1] if value else None
    if isinstance(value, str) and len(value) > LONGEST:
        return f"({len(value)} characters)"
    return "none" if value is None else repr(value) if isinstance(value, str) else str(value)
