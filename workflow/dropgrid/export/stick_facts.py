"""The facts about a song that the databases of all players contain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..audio.dj_tags import DjTags, read_dj_tags
from ..key import notation
from ..records.track import Track
from .comments import comment
from .cues import text_tag, title

NOT_PLAYED = "the players do not support the file format"
MISSING = "the song is no longer there"


@dataclass(frozen=True)
class SongFacts:
    """A missing text is "", a missing year 0. key: see dropgrid.key.notation. duration: seconds.
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
    """The facts of a song. size: bytes. template: for the comment. converted: the copy has another
    format, so its bit rate differs from that of the file."""
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
    """Add tracks to a stick; the number of tracks left out, by the reason that `add` returns."""
    return Counter(reason for track in tracks if (reason := add(track)) is not None)
