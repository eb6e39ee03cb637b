"""A cache of each track's part of a file of all tracks, so that later exports are fast.

A format with IN_PIECES makes its text of a track with `piece`. Outside of it, the format may only
use what a cached track has: id, path, file, tempo (bpm.bpm) and key (key.camelot). A cached piece
is valid as long as the options are the same and these files have not changed: the track's records
and ticket, its audio file, and the tracklists next to that (dropgrid.results.reading_cache). The
cache is in results/cache/{format}.cache.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..audio.dj_tags import DjTags, read_dj_tags
from ..records.model import BpmRecord, KeyRecord
from ..records.track import Track
from ..references.cue_sheet import tracklist_paths
from ..results.layout import Results
from ..results.reading_cache import Look, ReadingCache, signature


@dataclass
class Piece:
    """A format's text of a track. complete: all inputs of the text could be read."""

    text: bytes | None = None
    complete: bool = True


@dataclass(frozen=True)
class TrackInPieces(Track):
    """A track with a format's text of it; `piece` makes the text if it is missing."""

    piece: Piece = field(default_factory=Piece)


def piece(track: Track, make: Callable[[], bytes]) -> bytes:
    """The text of a track, from the cache or made now."""
    if not isinstance(track, TrackInPieces):
        return make()
    if track.piece.text is None:
        track.piece.text = make()
    return track.piece.text


def tags_of(track: Track) -> DjTags:
    """The further tags of a track's file. If there are none at all, reading may have failed; then
    the text is not cached."""
    assert track.file is not None
    tags = read_dj_tags(track.file)
    if isinstance(track, TrackInPieces) and tags == DjTags():
        track.piece.complete = not os.path.lexists(track.file)
    return tags


@dataclass(frozen=True)
class CachedTrack:
    """A cached track. notes: the lines that were reported about it; unknown_start: its file does
    not declare where its music begins."""

    track: TrackInPieces
    notes: tuple[str, ...]
    unknown_start: bool


def with_piece(track: Track) -> TrackInPieces:
    """A track whose piece is not made yet."""
    return TrackInPieces(**{item.name: getattr(track, item.name) for item in fields(Track)})


class Pieces:
    """The cached pieces of one format for the tracks of a folder of results."""

    def __init__(self, results: Path, name: str, about: Sequence[object]) -> None:
        self._results, self._kinds = results, Results(results).kinds()
        zone = [*time.tzname, time.timezone, os.path.realpath("/etc/localtime")]
        self._cache = ReadingCache(
            results,
            name,
            [self._kinds, repr(about), zone, os.environ.get("TZ"), version("mutagen")],
        )

    def look(self, track: str) -> Look:
        """The state of a track's records and ticket, taken before they are read."""
        records = (f"{self._results}/{kind}/{track}.json" for kind in self._kinds)
        return self._cache.look(track, [*records, f"{self._results}/tracks/{track}.json"])

    def cached(self, look: Look) -> CachedTrack | None:
        """The cached track; None if there is none or a file has changed."""
        if look.parts is None:
            return None
        path, file, bpm, camelot, notes, unknown_start, text = json.loads(look.parts[1])
        if look.parts[0] != signature(_audio_and_tracklists(file))[0]:
            return None
        track = TrackInPieces(
            Path(file), BpmRecord(look.track, path, "ok", bpm=bpm), None,
            KeyRecord(look.track, path, "ok", camelot=camelot), piece=Piece(text.encode()),
        )  # fmt: skip
        return CachedTrack(track, tuple(notes), unknown_start)

    def files_of(self, track: Track) -> tuple[bytes, bool]:
        """The signature of a track's file and the tracklists next to it, before they are read,
        and whether the files are old enough to be cached."""
        return signature(_audio_and_tracklists(str(track.file)))

    def store(
        self,
        look: Look,
        track: TrackInPieces,
        before: tuple[bytes, bool],
        notes: Sequence[str],
        unknown_start: bool,
    ) -> None:
        """Cache the piece of a track. before: the result of `files_of`; for the other arguments
        see `CachedTrack`."""
        files, unchanged = before
        made = track.piece
        if made.text is None or not (made.complete and unchanged):
            return
        bpm, camelot = track.bpm and track.bpm.bpm, track.key and track.key.camelot
        values: list[Any] = [track.path, str(track.file), bpm, camelot, notes, unknown_start]
        text = json.dumps([*values, made.text.decode()])
        self._cache.keep(look, [files, text.encode()])

    def save(self, tracks: Iterable[str]) -> None:
        """Write the cache for these tracks."""
        self._cache.save(tracks)


def _audio_and_tracklists(file: str) -> list[str]:
    """An audio file and the paths next to it where a tracklist may be."""
    return [file, *map(str, tracklist_paths(Path(file)))]
