"""Writing BPM, key, gain and drop times into files' tags, and taking them back.

A file is copied to a temporary one beside it, the copy's tags are changed, its audio is compared
with the original's, packet by packet, and only then it takes the original's place by a rename:
whenever the process ends, the file is the old or the new one, whole. Mode, owner and extended
attributes are kept; the time of modification is new, because the file is.

What the fields held before is written to a backup first, one JSON file for all tracks. Writing
again adds to the backup and keeps what was there before the first time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .api import Track
from .errors import DropgridError, RecordError
from .files import write_atomically
from .key import notation
from .library import read_ticket, ticket_json
from .tagfields import Answers, Fields, Value, fields_of

BACKUP_SCHEMA = "dropgrid/tag-backup"


class TagError(DropgridError):
    """A file's tags cannot be changed; the file is as it was."""


@dataclass(frozen=True)
class TagOptions:
    """What to write.

    min_confidence: a tempo or a key below it is not written. comment: add the drops' times.
    key: the notation to write keys in, None for no keys. gain: write the gain that players level
    tracks by; sound_check: iTunes' own, too.
    """

    min_confidence: float = 0.9
    comment: bool = False
    key: notation.Notation | None = None
    gain: bool = False
    sound_check: bool = False


@dataclass(frozen=True)
class Change:
    """New values of a file's fields beside the old ones; None where a field was absent.

    track: its id; file: its absolute path; had_tags: whether the file had any tags at all.
    """

    track: str
    file: str
    had_tags: bool
    old: dict[str, Value | None]
    new: dict[str, Value | None]


def plan(track: Track, options: TagOptions) -> Change | str:
    """What writing a track's answers would change; why it is left alone, if it is."""
    reason = _why_no_tempo(track, options)
    loudness = track.bpm.loudness if track.bpm and options.gain else None
    answers = Answers(
        bpm=track.bpm.bpm if track.bpm and reason is None else None,
        drops=_drops(track) if options.comment and reason is None else None,
        key=_key(track, options),
        loudness=loudness if loudness and loudness.integrated is not None else None,
        sound_check=options.sound_check,
    )
    if reason is not None and answers.key is None and answers.loudness is None:
        return reason
    if track.file is None:
        return "where the file lies is not known; give --library"
    path = os.path.realpath(track.file)
    if not os.access(path, os.R_OK | os.W_OK):
        return "the file is not there, or may not be written"
    try:
        _, had_tags, fields = open_tags(path)
    except TagError as error:
        return str(error)
    new = fields.wanted(answers)
    old = {key: fields.get(key) for key in new}
    if old == new:
        return "its tags say so already"
    return Change(track.track, path, had_tags, old, new)


def _why_no_tempo(track: Track, options: TagOptions) -> str | None:
    record = track.bpm
    if record is None or record.status != "ok" or record.bpm is None:
        return "no tempo was found"
    if record.source == "metadata":
        return "the tempo comes from the tag"
    if (record.confidence or 0) < options.min_confidence:
        return f"confidence below {options.min_confidence:g}"
    return None


def _drops(track: Track) -> tuple[float, ...]:
    return track.structure.drops if track.structure else ()


def _key(track: Track, options: TagOptions) -> str | None:
    """The key as it is to be written; None where none is wanted, found or sure enough."""
    record = track.key
    if options.key is None or record is None or record.key is None:
        return None
    if (record.confidence or 0) < options.min_confidence:
        return None
    key = notation.parse(record.key)
    return None if key is None else notation.written(key, options.key)


def apply(change: Change, results: Path | None = None) -> None:
    """Make a change to its file, atomically. Raises TagError, OSError; then nothing changed.

    The fields must hold the old values still. results: whose ticket of the track is to follow
    the file, because what was found in its audio stays true.
    """
    path = Path(change.file)
    before = path.stat()
    temporary = path.with_name(f".{path.name[:180]}.{os.getpid()}.tag")
    _remove_orphans(path)
    try:
        shutil.copyfile(path, temporary)
        _copy_attributes(path, temporary)
        audio = audio_digest(temporary)
        file, has_tags, fields = open_tags(temporary)
        if any(fields.get(key) != value for key, value in change.old.items()):
            raise TagError("its tags have changed since")
        for key, value in change.new.items():
            fields.put(key, value)
        _save(
            file, new_tags=not has_tags, remove=not change.had_tags and not list(file.tags.keys())
        )
        if audio_digest(temporary) != audio:
            raise TagError("its audio would not stay the same")
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()
    if results is not None:
        _refresh_ticket(results / "tracks" / f"{change.track}.json", path, before)


def reverse(change: Change) -> Change:
    """The change that undoes a change."""
    return dataclasses.replace(change, old=change.new, new=change.old)


def is_done(change: Change) -> bool:
    """Whether a file's fields hold the new values already. Raises TagError."""
    _, _, fields = open_tags(change.file)
    return all(fields.get(key) == value for key, value in change.new.items())


def read_backup(path: Path) -> dict[str, Change]:
    """The changes kept in a backup, by file. Raises RecordError."""
    try:
        values = json.loads(path.read_bytes())
        if values["schema"] != BACKUP_SCHEMA or values["schema_version"] != 1:
            raise RecordError(f"{path}: not a {BACKUP_SCHEMA} of this version")
        return {entry["file"]: Change(**entry) for entry in values["files"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{path}: cannot be read as a backup of tags ({error})") from error


def write_backup(path: Path, changes: Iterable[Change]) -> None:
    """Write changes to a backup, in the order of their files; none at all remove it."""
    entries = [vars(change) for change in sorted(changes, key=lambda change: change.file)]
    if not entries:
        path.unlink(missing_ok=True)
        return
    values = {"schema": BACKUP_SCHEMA, "schema_version": 1, "files": entries}
    write_atomically(path, json.dumps(values, indent=1).encode() + b"\n")


def merged(earlier: Mapping[str, Change], changes: Iterable[Change]) -> dict[str, Change]:
    """Earlier changes with later ones behind them, each file's from its first old values."""
    result = dict(earlier)
    for change in changes:
        first = earlier.get(change.file)
        if first is not None:
            # What we wrote ourselves is no value of the user's to go back to.
            ours = {
                k: v for k, v in first.old.items() if change.old.get(k) in (None, first.new[k])
            }
            change = dataclasses.replace(
                first, old={**change.old, **ours}, new={**first.new, **change.new}
            )
        result[change.file] = change
    return result


def open_tags(path: str | Path) -> tuple[Any, bool, Fields]:
    """(mutagen's file, whether it has tags, its fields), tags added if there are none.

    ID3 frames are kept in the version they are in. Raises TagError.
    """
    from .tags import import_mutagen

    mutagen = import_mutagen()
    try:
        file = mutagen.File(path)
        if file is None:
            raise TagError("its format has no tags")
        if isinstance(file.tags, mutagen.id3.ID3):
            kept = file.tags.version >= (2, 3)  # others become the version all players read
            file = type(file)(path, **({"translate": False} if kept else {"v2_version": 3}))
        had_tags = file.tags is not None
        if not had_tags:
            file.add_tags()
    except TagError:
        raise
    except Exception as error:  # mutagen on a broken file
        raise TagError(f"its tags cannot be read ({type(error).__name__}: {error})") from error
    fields = fields_of(file)
    if fields is None:
        raise TagError("its format has no tags for a tempo")
    return file, had_tags, fields


def audio_digest(path: Path) -> str:
    """Digest of a file's compressed audio, without what surrounds it. Raises TagError."""
    import av

    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream, av.open(stream, mode="r") as container:
            for packet in container.demux(audio=0):
                digest.update(bytes(packet))
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise TagError(f"its audio cannot be checked ({error})") from error
    return digest.hexdigest()


def _save(file: Any, new_tags: bool, remove: bool) -> None:
    from mutagen.id3 import ID3

    try:
        if remove:
            file.delete()
        elif isinstance(file.tags, ID3):
            is_v24 = file.tags.version[:2] == (2, 4) and not new_tags
            file.save(v2_version=4 if is_v24 else 3, v23_sep=None)
        else:
            file.save()
    except Exception as error:  # mutagen on a broken file
        raise TagError(f"its tags cannot be written ({type(error).__name__}: {error})") from error


def _copy_attributes(source: Path, target: Path) -> None:
    status = source.stat()
    with suppress(PermissionError):
        os.chown(target, status.st_uid, status.st_gid)
    shutil.copystat(source, target)  # after chown, which clears some mode bits
    os.utime(target)


def _remove_orphans(path: Path) -> None:
    """Remove temporary files of processes that were killed while they wrote to path."""
    pattern = re.compile(re.escape(f".{path.name[:180]}.") + r"(\d+)\.tag")
    for name in os.listdir(path.parent):
        match = pattern.fullmatch(name)
        if match and not _is_running(int(match.group(1))):
            path.with_name(name).unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _refresh_ticket(ticket: Path, file: Path, before: os.stat_result) -> None:
    """Let a ticket that was true of the file before be true of it now, and no younger."""
    if not ticket.exists():
        return
    track, now, age = read_ticket(ticket), file.stat(), ticket.stat()
    if (track.size, track.mtime_ns) == (before.st_size, before.st_mtime_ns):
        track = dataclasses.replace(track, size=now.st_size, mtime_ns=now.st_mtime_ns)
        write_atomically(ticket, ticket_json(track))
        os.utime(ticket, ns=(age.st_atime_ns, age.st_mtime_ns))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
