"""What the databases of all players say of a song, and which songs there are on a stick."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..audio.dj_tags import DjTags, read_dj_tags
from ..key import notation
from ..records.track import Track
from .comments import comment
from .cues import text_tag, title

NOT_PLAYED = "of a format that the players do not play"
GONE = "the song is no longer there"


@dataclass(frozen=True)
class SongFacts:
    """An absent text is "". year: 0 for none. key: see dropgrid.key.notation. duration: seconds.
    bitrate: kbit/s, 0 if unknown. tags: label, remixer, composer, number and rating."""

    title: str
    artist: str
    album: str
    genre: str
    comment: str
    year: int
    key: int | None
    duration: float
    bitrate: int
    tags: DjTags


def song_facts(track: Track, size: int, template: str, converted: bool = False) -> SongFacts:
    """The facts of a song of so many bytes; template: of the comment. converted: it is a copy in
    another format, whose bit rate is not that of the file."""
    assert track.bpm is not None and track.file is not None
    tags = read_dj_tags(track.file)
    duration, year = track.bpm.duration or 0.0, text_tag(track, "year")[:4]
    mean = round(8 * size / duration / 1000) if duration else 0
    return SongFacts(
        title(track), text_tag(track, "artist"), text_tag(track, "album"),
        text_tag(track, "genre"), comment(track, tags, template),
        int(year) if year.isascii() and year.isdigit() and len(year) == 4 else 0,
        notation.parse(track.key.key) if track.key and track.key.key else None,
        duration, mean if converted else tags.bitrate or mean, tags,
    )  # fmt: skip


def add_all(tracks: Iterable[Track], add: Callable[[Track], str | None]) -> Counter[str]:
    """Put tracks onto a stick; those that were left out by the reason that add gives."""
    return Counter(reason for track in tracks if (reason := add(track)) is not None)
