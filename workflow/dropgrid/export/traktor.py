"""Traktor's collection (NML): grids, hot cues, loops, key, playlists by BPM range.

To be imported beside one's own: Traktor's Import Collection / Import another Collection. Version
19 (Traktor 2 and 3) has one grid marker a track, in the stretch that carries the record's tempo;
version 20 (Traktor 4) has two for each stretch of one tempo, on its first and last downbeat
(anchors.py). A marker stands on a downbeat, and the grid goes on in both directions. Source: NML
as Traktor writes it, traktor-nml-utils. What Traktor's LOUDNESS counts from is not known, so
that it is left to Traktor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement
from xml.sax.saxutils import quoteattr

from ..key import notation
from ..records.cue_points import SAME_MOMENT, cues, loops, pads
from ..records.track import Track
from .anchors import anchors, main_region
from .cues import text_tag, title
from .places import volume_and_folders
from .spool import Spool
from .xml_lines import lines

if TYPE_CHECKING:
    from .options import ExportOptions

NAME = "traktor"
HELP = "Traktor NML collection: beat grids, cues, playlists (one file)"
FILE = "traktor.nml"
KEYS = True
NEEDS = frozenset({"bpm", "file"})
PLAYER = "traktor"
OPTIONS = ("bpm_ranges", "cues", "key_notation", "nml_version")
MARK = b'<HEAD COMPANY="dropgrid"'
CUE, GRID, LOOP = 0, 4, 5  # the TYPE of a CUE_V2
NO_PAD = -1
TAIL = b"</NML>\n"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n<NML VERSION="{version}">\n'


def render(
    tracks: Iterable[Track], options: ExportOptions
) -> tuple[int, dict[str, Iterable[bytes]]]:
    """The collection of all tracks, with a playlist for every BPM range."""
    entries = Spool()
    ranges = options.ranges()
    lists = {name: Spool() for name in ranges}
    for track in tracks:
        assert track.bpm is not None and track.file is not None  # NEEDS says so
        entries.add(lines(_entry(track, options), 2))
        for name, (low, high) in ranges.items():
            if track.bpm.bpm is not None and low <= track.bpm.bpm < high:
                lists[name].add(_in_list(track))
    head = HEAD.format(version=options.nml_version) + (
        '  <HEAD COMPANY="dropgrid" PROGRAM="dropgrid"></HEAD>\n'
        f'  <COLLECTION ENTRIES="{entries.added}">\n'
    )
    return entries.added, {
        "": chain([head.encode()], entries, [b"  </COLLECTION>\n"], _playlists(lists), [TAIL])
    }


def _entry(track: Track, options: ExportOptions) -> Element:
    record = track.bpm
    assert record is not None and track.file is not None  # NEEDS says so
    entry = Element("ENTRY", TITLE=title(track), ARTIST=text_tag(track, "artist"))
    volume, folders, name = volume_and_folders(track.file)
    folder = "".join(f"/:{part}" for part in folders) + "/:"
    SubElement(entry, "LOCATION", DIR=folder, FILE=name, VOLUME=volume, VOLUMEID=volume)
    if album := text_tag(track, "album"):
        SubElement(entry, "ALBUM", TITLE=album)
    duration = record.duration or 0.0
    info = SubElement(entry, "INFO", PLAYTIME=str(round(duration)))
    info.set("PLAYTIME_FLOAT", f"{duration:.6f}")
    if genre := text_tag(track, "genre"):
        info.set("GENRE", genre)
    key = notation.parse(track.key.key) if track.key and track.key.key else None
    if key is not None:
        info.set("KEY", notation.written(key, options.key_notation))
    main = main_region(record)
    bpm = main.bpm if main and (options.nml_version < 20 or len(record.grid) == 1) else record.bpm
    if bpm is not None:
        SubElement(entry, "TEMPO", BPM=f"{bpm:.6f}", BPM_QUALITY="100.000000")
    if key is not None:
        SubElement(entry, "MUSICAL_KEY", VALUE=str(key))
    for anchor in anchors(record, None if options.nml_version >= 20 else main):
        marker = _mark("AutoGrid", GRID, anchor.time)
        SubElement(marker, "GRID", BPM=f"{anchor.bpm:.6f}")
        entry.append(marker)
    on_pads = pads(track, options.template)
    marks = [(cue, pad) for pad, cue in on_pads]
    marks += [
        (cue, NO_PAD)
        for cue in cues(track)
        if not any(abs(cue.time - other.time) < SAME_MOMENT for _, other in on_pads)
    ]
    for cue, pad in sorted(marks, key=lambda mark: mark[0].time):
        entry.append(_mark(cue.name, CUE, cue.time, pad=pad))
    for loop in loops(track):
        entry.append(_mark(loop.name, LOOP, loop.start, loop.end - loop.start))
    return entry


def _mark(name: str, kind: int, time: float, length: float = 0.0, pad: int = NO_PAD) -> Element:
    """A CUE_V2; times are milliseconds there."""
    return Element(
        "CUE_V2", NAME=name, DISPL_ORDER="0", TYPE=str(kind), START=f"{1000 * time:.6f}",
        LEN=f"{1000 * length:.6f}", REPEATS="-1", HOTCUE=str(pad),
    )  # fmt: skip


def _in_list(track: Track) -> bytes:
    """A track as playlists name it."""
    assert track.file is not None
    volume, folders, name = volume_and_folders(track.file)
    key = volume + "".join(f"/:{part}" for part in [*folders, name])
    entry = Element("ENTRY")
    SubElement(entry, "PRIMARYKEY", TYPE="TRACK", KEY=key)
    return lines(entry, 6)


def _playlists(lists: dict[str, Spool]) -> Iterable[bytes]:
    """The tree of playlists."""
    yield (
        b'  <PLAYLISTS>\n    <NODE TYPE="FOLDER" NAME="$ROOT">\n'
        + f'      <SUBNODES COUNT="{len(lists)}">\n'.encode()
    )
    for name, entries in lists.items():
        identity = hashlib.md5(f"dropgrid {name}".encode(), usedforsecurity=False).hexdigest()
        yield (
            f'        <NODE TYPE="PLAYLIST" NAME={quoteattr(f"{name} BPM")}>\n'
            f'          <PLAYLIST ENTRIES="{entries.added}" TYPE="LIST" UUID="{identity}">\n'
        ).encode()
        yield from entries
        yield b"          </PLAYLIST>\n        </NODE>\n"
    yield b"      </SUBNODES>\n    </NODE>\n  </PLAYLISTS>\n"
