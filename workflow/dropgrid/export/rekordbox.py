"""rekordbox XML: a collection with beat grids, cues and playlists.

In rekordbox: Preferences > Advanced > rekordbox xml > Imported Library, then drag the tracks
from the tree's "rekordbox xml" to the collection. Source: "rekordbox XML format list" (Pioneer
DJ, rekordbox for developers).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from .. import __version__
from ..audio.dj_tags import DjTags
from ..base.errors import ConfigError, InvalidReference
from ..base.files import WINDOWS
from ..key import notation
from ..records.cue_points import Cue, Loop, cues, loops, most_useful, pads
from ..records.model import GridRegion
from ..records.track import Track, beats_per_bar
from ..references.rekordbox import locations
from .comments import comment
from .cues import number, text_tag, title
from .pieces import piece, tags_of
from .playlists import Playlist, Playlists
from .spool import Spool
from .xml_lines import lines

if TYPE_CHECKING:
    from .options import ExportOptions

NAME = "rekordbox"
HELP = "rekordbox XML collection: beat grids, cues, playlists (one file)"
FILE = "rekordbox.xml"
KEYS = True
IN_PIECES = True
NEEDS = frozenset({"bpm", "file"})
PLAYER = "rekordbox"
OPTIONS = ("bpm_ranges", "by_key", "collection", "comment", "cues", "key_notation", "playlists")
RATING_PER_STAR = 51
REMOVE_FIRST = "Remove these first"
NO_NUMBER = b'TrackID="0"'  # a placeholder until the track's number is known
MAX_MEMORY = 10  # memory cues and loops that rekordbox stores per track
# rekordbox's names of the file types that it supports.
KINDS = {
    ".wav": "WAV File", ".aif": "AIFF File", ".aiff": "AIFF File", ".flac": "FLAC File",
    ".mp3": "MP3 File", ".m4a": "M4A File", ".mp4": "MP4 File",
}  # fmt: skip
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n<DJ_PLAYLISTS Version="1.0.0">\n'


def render(
    tracks: Iterable[Track], options: ExportOptions
) -> tuple[int, dict[str, Iterable[bytes]]]:
    """The collection of all tracks as one XML document. TrackIDs count from 1."""
    product = Element("PRODUCT", Name="dropgrid", Version=__version__, Company="dropgrid")
    entries = Spool()
    playlists = Playlists(options)
    existing = _existing_files(options.collection)
    outdated: list[int] = []
    for track in tracks:
        track_number = playlists.add(track)
        text = piece(track, partial(_lines, track, options))
        entries.add(text.replace(NO_NUMBER, b'TrackID="%d"' % track_number, 1))
        if existing and str(track.file).replace("\\", "/") in existing:
            outdated.append(track_number)
    lists = playlists.lists()
    if outdated:
        lists = (Playlist(REMOVE_FIRST, tuple(outdated)), *lists)
    head = [HEAD, lines(product, 1), f'  <COLLECTION Entries="{entries.added}">\n'.encode()]
    tail = [b"  </COLLECTION>\n", lines(_playlists(lists), 1), b"</DJ_PLAYLISTS>\n"]
    return entries.added, {"": chain(head, entries, tail)}


def _existing_files(collection: str | None) -> set[str]:
    """The files that rekordbox already has and would not update. Raises ConfigError."""
    try:
        return locations(Path(collection).expanduser()) if collection else set()
    except InvalidReference as error:
        raise ConfigError(f"--collection: {error}") from error


def location(file: Path) -> str:
    """The URI that rekordbox uses for a file; the name may contain any bytes."""
    if WINDOWS.match(str(file)):
        return "file://localhost/" + quote(os.fsencode(file), safe="/:")
    return "file://localhost" + quote(os.fsencode(file), safe="/")


def _lines(track: Track, options: ExportOptions) -> bytes:
    return lines(_track(track, options), 2)


def _track(track: Track, options: ExportOptions) -> Element:
    record = track.bpm
    assert record is not None and track.file is not None  # NEEDS says so
    file_tags = tags_of(track)
    element = Element("TRACK", TrackID="0", Name=title(track))
    for attribute, name in (("Artist", "artist"), ("Album", "album"), ("Genre", "genre")):
        element.set(attribute, text_tag(track, name))
    element.set("Composer", file_tags.composer)
    suffix = PurePosixPath(track.path).suffix.lower()
    element.set("Kind", KINDS.get(suffix, f"{suffix[1:].upper()} File"))
    _add_file(element, track.file, file_tags)
    element.set("TotalTime", str(round(record.duration or 0)))
    element.set("TrackNumber", str(file_tags.number))
    element.set("Year", text_tag(track, "year") or "0")
    element.set("AverageBpm", number(record.bpm or 0))
    element.set("Comments", comment(track, file_tags, options.comment))
    element.set("Rating", str(RATING_PER_STAR * file_tags.rating))
    element.set("Remixer", file_tags.remixer)
    element.set("Label", file_tags.label)
    if record.decoder.get("sample_rate"):
        element.set("SampleRate", str(record.decoder["sample_rate"]))
    key = notation.parse(track.key.key) if track.key and track.key.key else None
    if key is not None:
        element.set("Tonality", notation.written(key, options.key_notation))
    element.set("Location", location(track.file))
    length = beats_per_bar(record)
    for region in (*map(extended_to_start, record.grid[:1]), *record.grid[1:]):
        SubElement(
            element,
            "TEMPO",
            Inizio=number(region.start, 3),
            Bpm=number(region.bpm),
            Metro=record.time_signature or "4/4",
            Battito=str(beat_in_bar(region, length)),
        )
    saved_loops = loops(track)
    for cue in most_useful(
        cues(track), MAX_MEMORY - len(saved_loops)
    ):  # memory cues have no number
        element.append(_mark(cue, -1))
    for pad, cue in pads(track, options.template):
        element.append(_mark(cue, pad))
    for loop in saved_loops:
        element.append(_loop(loop))
    return element


def _add_file(element: Element, file: Path, file_tags: DjTags) -> None:
    """Add size, date and bit rate of a file, if it can be found."""
    try:
        status = file.stat()
    except OSError:
        return
    element.set("Size", str(status.st_size))
    element.set("DateAdded", date.fromtimestamp(status.st_mtime).isoformat())
    if file_tags.bitrate:
        element.set("BitRate", str(file_tags.bitrate))


def extended_to_start(region: GridRegion) -> GridRegion:
    """The first region, extended back to the start of the track: rekordbox has no beats before
    the first TEMPO, and loops that a user sets there would have no length."""
    before = int((region.start + 1e-9) * region.bpm / 60)
    start = max(0.0, region.start - before * 60 / region.bpm)
    return GridRegion(start, region.bpm, region.beats + before, region.first_downbeat)


def beat_in_bar(region: GridRegion, length: int) -> int:
    """The position in its bar (from 1) of a region's first beat."""
    if region.first_downbeat is None:
        return 1
    ahead = round((region.first_downbeat - region.start) * region.bpm / 60)
    return -ahead % length + 1


def _mark(cue: Cue, pad: int) -> Element:
    colour = bytes.fromhex(cue.colour[1:])
    mark = Element("POSITION_MARK", Name=cue.name, Type="0", Start=number(cue.time, 3))
    mark.set("Num", str(pad))
    for name, value in zip(("Red", "Green", "Blue"), colour, strict=True):
        mark.set(name, str(value))
    return mark


def _loop(loop: Loop) -> Element:
    """A memory loop; type 4 means loop (in Traktor's files it means grid)."""
    mark = Element("POSITION_MARK", Name=loop.name, Type="4", Start=number(loop.start, 3))
    mark.set("End", number(loop.end, 3))
    mark.set("Num", "-1")
    return mark


def _playlists(lists: Sequence[Playlist]) -> Element:
    playlists = Element("PLAYLISTS")
    _add_folder(playlists, "ROOT", lists)
    return playlists


def _add_folder(parent: Element, name: str, lists: Sequence[Playlist]) -> None:
    """A folder; an entry that is both list and folder contains a list of the same name."""
    entries = [part for entry in lists for part in _parts(entry)]
    folder = SubElement(parent, "NODE", Type="0", Name=name, Count=str(len(entries)))
    for entry in entries:
        if entry.inside:
            _add_folder(folder, entry.name, entry.inside)
            continue
        node = SubElement(folder, "NODE", Name=entry.name, Type="1", KeyType="0")
        node.set("Entries", str(len(entry.tracks)))
        for key in entry.tracks:
            SubElement(node, "TRACK", Key=str(key))


def _parts(entry: Playlist) -> list[Playlist]:
    """A playlist in rekordbox's form: each contains either tracks or playlists."""
    if not (entry.inside and entry.tracks):
        return [entry]
    return [Playlist(entry.name, entry.tracks), Playlist(entry.name, (), entry.inside)]
