"""Plan the changes when BPM, key, gain and drop times are written into tags, and open tags.

`plan` compares a track's answers with the tags of its file. It returns a Change, or the reason why
the file is not changed. Other modules apply changes and back up the old values.

Records, tickets and backups are untrusted: a file is changed only if its real path, with links
resolved, is below the library's root.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..audio.tag_process import TagLimit, open_first
from ..base.errors import DropgridError
from ..key import notation
from ..records.cue_template import Template
from ..records.track import Track
from . import serato
from .fields import Answers, Fields, Value, fields_of, plain_text, without_needless

TRACK = re.compile(r"[a-z0-9][a-z0-9-]*")  # a track's id


class TagError(DropgridError):
    """A file's tags cannot be changed; the file is unchanged."""


class UnreadableTags(TagError):
    """The tags cannot be read either, because of the file or its location."""


class Fault(str):
    """The reason why a file that could not be read is not changed."""


@dataclass(frozen=True)
class TagOptions:
    """What to write.

    min_confidence: a tempo with a lower confidence is not written. comment: add the times of
    drops. in_place: write into files with several names (hard links). key: the notation for keys,
    None for no keys. gain: write the gain with which players level tracks; sound_check: also write
    iTunes' gain. serato: write grid, cues and tempo in Serato's format; replace: overwrite data of
    Serato or its user; cues: the contents of its pads. bpm_format: of ID3's TBPM, which its
    standard defines as a whole number.
    """

    min_confidence: float = 0.9
    comment: bool = False
    in_place: bool = False
    key: notation.Notation | None = None
    gain: bool = False
    sound_check: bool = False
    serato: bool = False
    replace: bool = False
    bpm_format: Literal["integer", "decimal"] = "integer"
    cues: Template | None = None


@dataclass(frozen=True)
class InPlace:
    """The two copies of a file that is written in place: the new and the old contents, by name
    and SHA-256. An interrupted write is completed from them."""

    whole: str
    new_digest: str
    old: str
    old_digest: str


@dataclass(frozen=True)
class Change:
    """New and old values of a file's fields; None for an absent field.

    track: its id; file: its absolute path; had_tags: whether the file had any tags at all;
    in_place: set if the file is written in place.
    """

    track: str
    file: str
    had_tags: bool
    old: dict[str, Value | None]
    new: dict[str, Value | None]
    in_place: InPlace | None = None


def plan(
    track: Track,
    options: TagOptions,
    root: Path | None = None,
    tell: Callable[[str], None] = lambda text: None,
    missed: Callable[[str], None] = lambda text: None,
) -> Change | str:
    """The change that writing a track's answers would make, or the reason why its file is not
    changed: a Fault if the file could not be read.

    root: of the library; no file outside it is changed; None if it is unknown. tell: called with
    each field that is not changed and the reason; missed: called with each answer whose confidence
    is too low to be written.
    """
    failures = [r.error for r in (track.bpm, track.structure, track.key) if r and r.error]
    if failures:
        return f"not analysed: {failures[0].message}"
    reason = _why_no_tempo(track, options)
    if reason is not None and reason == _unsure(options):
        assert track.bpm is not None and track.bpm.bpm is not None
        missed(
            f"tempo left out, unsure: {track.bpm.bpm:.2f} BPM ({track.bpm.confidence or 0:.2f})"
        )
    loudness = track.bpm.loudness if track.bpm and options.gain else None
    answers = Answers(
        bpm=track.bpm.bpm if track.bpm and reason is None else None,
        decimals=options.bpm_format == "decimal",
        drops=_drops(track) if options.comment and reason is None else None,
        key=_key(track, options, missed),
        loudness=loudness if loudness and loudness.integrated is not None else None,
        sound_check=options.sound_check,
    )
    if reason is not None and answers.key is None and answers.loudness is None:
        return reason
    if track.file is None or root is None:
        return "where the file lies is not known; give --library"
    try:
        path = checked_path(track.file, root, options.in_place)
        _, had_tags, fields = open_tags(path)
    except UnreadableTags as error:
        return Fault(error)
    except TagError as error:
        return str(error)
    wanted = fields.wanted(answers)
    if options.serato and reason is None:
        wanted |= serato.wanted(fields.tags, track, options.replace, tell, options.cues)
    # Only fields whose text changes; a field that becomes empty is removed.
    new = {key: value if plain_text(value) else None for key, value in wanted.items()
           if plain_text(value) != plain_text(fields.get(key))}  # fmt: skip
    new = without_needless(new)
    if not new:
        return "already tagged so"
    old = {key: fields.get(key) for key in new}
    return Change(track.track, str(path), had_tags, old, new)


def _why_no_tempo(track: Track, options: TagOptions) -> str | None:
    record = track.bpm
    if record is None or record.status != "ok" or record.bpm is None:
        return "no tempo was found"
    if record.source == "metadata":
        return "the tempo comes from the tag"
    if (record.confidence or 0) < options.min_confidence:
        return _unsure(options)
    return None


def _unsure(options: TagOptions) -> str:
    return f"confidence below {options.min_confidence:g}"


def _drops(track: Track) -> tuple[float, ...]:
    return track.structure.drops if track.structure else ()


def _key(track: Track, options: TagOptions, missed: Callable[[str], None]) -> str | None:
    """The key to write; None if keys are not written, none was found, or its confidence is low."""
    record = track.key
    if options.key is None or record is None or record.key is None:
        return None
    if not record.has_confident_key:
        missed(f"key left out, unsure: {record.camelot}? ({record.confidence or 0:.2f})")
        return None
    key = notation.parse(record.key)
    return None if key is None else notation.written(key, options.key)


def checked_path(file: str | Path, root: Path, in_place: bool = False) -> Path:
    """The real path of a file that may be changed. Raises TagError if it must not be changed.

    in_place: allow several names (hard links), which replacing the file would separate.
    """
    path = Path(os.path.realpath(file))
    if not path.is_relative_to(os.path.realpath(root)):
        raise TagError("it lies outside the library, or is a link that leads out of it")
    if not os.access(path, os.R_OK | os.W_OK):
        raise UnreadableTags("the file is not there, or may not be written")
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise TagError("it is no file")
    if status.st_nlink > 1 and not in_place:
        raise TagError(
            f"it is one file with {status.st_nlink} names (hard links), which a new file in its "
            "place would part; --in-place writes into it"
        )
    return path


def open_tags(path: str | Path, like: str | Path | None = None) -> tuple[Any, bool, Fields]:
    """(mutagen's file, whether it has tags, its fields); adds tags if there are none.

    ID3 frames keep their version. like: a file of the same format whose name shows the format, if
    the name of path does not. Raises TagError.
    """
    import mutagen.id3

    try:
        open_first(Path(path if like is None else like))
        named = mutagen.File(path if like is None else like)
        if named is None:
            raise TagError("its format has no tags")
        options: dict[str, Any] = {}
        if isinstance(named.tags, mutagen.id3.ID3):
            kept = named.tags.version >= (2, 3)  # others become what all players read
            options = {"translate": False} if kept else {"v2_version": 3}
        file = named if like is None and not options else type(named)(path, **options)
        had_tags = file.tags is not None
        if not had_tags:
            file.add_tags()
    except TagError:
        raise
    except TagLimit as limit:
        raise UnreadableTags(f"its tags are not read: {limit}") from None
    except Exception as error:  # mutagen on a broken file
        raise UnreadableTags(
            f"its tags cannot be read ({type(error).__name__}: {error})"
        ) from error
    fields = fields_of(file)
    if fields is None:
        raise TagError("its format has no tags for a tempo")
    return file, had_tags, fields
