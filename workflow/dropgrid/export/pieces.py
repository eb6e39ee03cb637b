"""What a file of all tracks holds of each, kept from export to export.

A format that says IN_PIECES makes its text of a track by `piece`. It may use of a track elsewhere
only what a kept one has: id, path, file, tempo (bpm.bpm) and key (key.camelot). A piece counts as
long as the track's records and ticket, its audio file, and the tracklists that may lie beside that
are the very files they were (dropgrid.results.reading_cache), and the options are the same. It is
in results/cache/{format}.cache.
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
from ..references.cue_sheet import places_beside
from ..results.layout import Results
from ..results.reading_cache import Look, ReadingCache, signature


@dataclass
class Piece:
    """A format's text of a track. certain: all that it was made of could be read."""

    text: bytes | None = None
    certain: bool = True


@dataclass(frozen=True)
class TrackInPieces(Track):
    """A track with a format's text of it, which is made where there is none."""

    piece: Piece = field(default_factory=Piece)


def piece(track: Track, make: Callable[[], bytes]) -> bytes:
    """The text of a track, as it was kept or as it is made now."""
    if not isinstance(track, TrackInPieces):
        return make()
    if track.piece.text is None:
        track.piece.text = make()
    return track.piece.text


def tags_of(track: Track) -> DjTags:
    """The further tags of a track's file. Where there are none at all, they may not have been
    read: a text with them is not kept."""
    assert track.file is not None
    tags = read_dj_tags(track.file)
    if isinstance(track, TrackInPieces) and tags == DjTags():
        track.piece.certain = not os.path.lexists(track.file)
    return tags


@dataclass(frozen=True)
class Kept:
    """A track as it was kept. told: what was reported of it; unknown: its file does not
    declare where its music begins."""

    track: TrackInPieces
    told: tuple[str, ...]
    unknown: bool


def with_piece(track: Track) -> TrackInPieces:
    """A track whose piece is to be made."""
    return TrackInPieces(**{item.name: getattr(track, item.name) for item in fields(Track)})


class Pieces:
    """The pieces of one format, of the tracks of a folder of results."""

    def __init__(self, results: Path, name: str, about: Sequence[object]) -> None:
        self._results, self._kinds = results, Results(results).kinds()
        zone = [*time.tzname, time.timezone, os.path.realpath("/etc/localtime")]
        self._cache = ReadingCache(
            results,
            name,
            [self._kinds, repr(about), zone, os.environ.get("TZ"), version("mutagen")],
        )

    def look(self, track: str) -> Look:
        """Look at the records and the ticket of a track, before they are read."""
        records = (f"{self._results}/{kind}/{track}.json" for kind in self._kinds)
        return self._cache.look(track, [*records, f"{self._results}/tracks/{track}.json"])

    def kept(self, look: Look) -> Kept | None:
        """The track as it was kept; None where a file is another now."""
        if look.parts is None:
            return None
        path, file, bpm, camelot, told, unknown, text = json.loads(look.parts[1])
        if look.parts[0] != signature(_beside(file))[0]:
            return None
        track = TrackInPieces(
            Path(file), BpmRecord(look.track, path, "ok", bpm=bpm), None,
            KeyRecord(look.track, path, "ok", camelot=camelot), piece=Piece(text.encode()),
        )  # fmt: skip
        return Kept(track, tuple(told), unknown)

    def files_of(self, track: Track) -> tuple[bytes, bool]:
        """How a track's file and what may lie beside it look, before they are read."""
        return signature(_beside(str(track.file)))

    def keep(
        self,
        look: Look,
        track: TrackInPieces,
        before: tuple[bytes, bool],
        told: Sequence[str],
        unknown: bool,
    ) -> None:
        """Keep what was made of a track; the rest as in `Kept`."""
        files, settled = before
        made = track.piece
        if made.text is None or not (made.certain and settled):
            return
        bpm, camelot = track.bpm and track.bpm.bpm, track.key and track.key.camelot
        values: list[Any] = [track.path, str(track.file), bpm, camelot, told, unknown]
        text = json.dumps([*values, made.text.decode()])
        self._cache.keep(look, [files, text.encode()])

    def save(self, tracks: Iterable[str]) -> None:
        """Write what is kept of these tracks."""
        self._cache.save(tracks)


def _beside(file: str) -> list[str]:
    """An audio file and the tracklists that may lie beside it."""
    return [file, *map(str, places_beside(Path(file)))]
