"""PIONEER/rekordbox/export.pdb: writes the complete database of a stick.

The file consists of pages of 4096 bytes. Page 0 lists the tables. Each table has an index page and
after it a chain of pages with rows; the row index of a page grows from its end. For an empty
library the file equals rekordbox's byte for byte, except for the date.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from . import device_sql as rows
from .device_sql import TrackRow

PAGE = 4096
HEAD = 40  # bytes of a page before its rows
GROUP = 16  # rows that share presence flags
TABLES = 20
TRACKS, GENRES, ARTISTS, ALBUMS, LABELS, KEYS, COLOURS = range(7)
TREE, ENTRIES, ARTWORK, COLUMNS, MENU, SORTS, HISTORY = 7, 8, 13, 16, 17, 18, 19
NO_PAGE = 0x03FFFFFF
UNUSED = 0x1FFFFFF8
DATA, INDEX = 0x24, 0x64

COLOUR_NAMES = ("Pink", "Red", "Orange", "Yellow", "Green", "Aqua", "Blue", "Purple")
COLUMN_NAMES = (
    (1, 0x80, "GENRE"), (2, 0x81, "ARTIST"), (3, 0x82, "ALBUM"), (4, 0x83, "TRACK"),
    (5, 0x85, "BPM"), (6, 0x86, "RATING"), (7, 0x87, "YEAR"), (8, 0x88, "REMIXER"),
    (9, 0x89, "LABEL"), (10, 0x8A, "ORIGINAL ARTIST"), (11, 0x8B, "KEY"), (12, 0x8D, "CUE"),
    (13, 0x8E, "COLOR"), (14, 0x92, "TIME"), (15, 0x93, "BITRATE"), (16, 0x94, "FILE NAME"),
    (17, 0x84, "PLAYLIST"), (18, 0x98, "HOT CUE BANK"), (19, 0x95, "HISTORY"),
    (20, 0x91, "SEARCH"), (21, 0x96, "COMMENTS"), (22, 0x8C, "DATE ADDED"),
    (23, 0x97, "DJ PLAY COUNT"), (24, 0x90, "FOLDER"), (25, 0xA1, "DEFAULT"),
    (26, 0xA2, "ALPHABET"), (27, 0xAA, "MATCHING"),
)  # fmt: skip
# The players' menus, four numbers per row: a column, a position, and flags.
MENU_ROWS = (
    (1, 1, 0x163, 0), (5, 6, 0x105, 0), (6, 7, 0x163, 0), (7, 8, 0x163, 0), (8, 9, 0x163, 0),
    (9, 10, 0x163, 0), (10, 11, 0x163, 0), (13, 15, 0x163, 0), (14, 19, 0x104, 0),
    (15, 20, 0x106, 0), (16, 21, 0x163, 0), (18, 23, 0x163, 0), (2, 2, 2, 1), (3, 3, 3, 2),
    (4, 4, 1, 3), (11, 12, 0x63, 4), (17, 5, 0x63, 5), (19, 22, 0x63, 6), (20, 18, 0x63, 7),
    (27, 26, 0x263, 8), (24, 17, 0x63, 9), (22, 27, 0x63, 10),
)  # fmt: skip
SORT_ROWS = (
    (1, 6, 1, 0), (21, 7, 1, 0), (14, 8, 1, 0), (8, 9, 1, 0), (9, 10, 1, 0), (10, 11, 1, 0),
    (15, 13, 1, 0), (13, 15, 1, 0), (23, 16, 1, 0), (22, 17, 1, 0), (25, 0, 0x100, 0),
    (26, 1, 0x200, 0), (2, 2, 0x300, 0), (3, 3, 0x400, 0), (5, 4, 0x500, 0), (6, 5, 0x600, 0),
    (11, 12, 0x700, 0),
)  # fmt: skip


@dataclass(frozen=True)
class Playlist:
    """A playlist, or a folder of playlists. parent: the number of a folder, 0 for the root."""

    number: int
    name: str
    parent: int = 0
    is_folder: bool = False
    tracks: tuple[int, ...] = ()


@dataclass
class Contents:
    """The contents of a stick. Names are numbered from 1 in the order of their lists.

    albums: (name, number of the artist or 0). artwork: (number, path). date: of the export,
    YYYY-MM-DD.
    """

    date: str
    tracks: Sequence[TrackRow] = ()
    artists: Sequence[str] = ()
    albums: Sequence[tuple[str, int]] = ()
    genres: Sequence[str] = ()
    labels: Sequence[str] = ()
    keys: Sequence[str] = ()
    playlists: Sequence[Playlist] = ()
    artwork: Sequence[tuple[int, str]] = ()


Row = Callable[[int], bytes]  # takes its shift: 32 for each row before it in its page


@dataclass
class _Table:
    """A table's pages: (number, data). candidate: the number of its next page."""

    kind: int
    pages: list[tuple[int, list[bytes]]] = field(default_factory=list)
    candidate: int = 0


def database(contents: Contents) -> bytes:
    """The bytes of export.pdb. Raises ValueError for a row that is longer than a page."""
    tables = [_Table(kind, candidate=2 * kind + 2) for kind in range(TABLES)]
    free = 2 * TABLES + 1  # the next unused page
    order = []  # pages with rows, in the order in which they were started
    for kind, of_kind in _rows(contents):
        table = tables[kind]
        for row in of_kind:
            if not table.pages or not _fits(table.pages[-1][1], row):
                table.pages.append((table.candidate, []))
                order.append(table.candidate)
                table.candidate, free = free, free + 1
            page = table.pages[-1][1]
            page.append(row(32 * len(page)))
    stored = max([2 * TABLES, *(number for table in tables for number, _ in table.pages)])
    data = bytearray((stored + 1) * PAGE)
    data[:PAGE] = _head(tables, free, len(order))
    for table in tables:
        first = table.pages[0][0] if table.pages else NO_PAGE
        _put(data, 2 * table.kind + 1, _index_page(table.kind, first))
        following = [*(number for number, _ in table.pages), table.candidate][1:]
        for (number, page), after in zip(table.pages, following, strict=True):
            sequence = order.index(number) + 1
            _put(data, number, _data_page(number, table.kind, after, sequence, page))
    return bytes(data)


def _rows(contents: Contents) -> Iterable[tuple[int, list[Row]]]:
    """The rows of all tables that are not empty, in the order in which rekordbox starts them."""

    def fixed(data: bytes) -> Row:
        return lambda shift: data

    named = {GENRES: contents.genres, LABELS: contents.labels}
    lists = [entry for entry in contents.playlists if not entry.is_folder]
    yield HISTORY, [fixed(rows.history_row(contents.date))]
    yield COLOURS, [fixed(rows.colour_row(i, n)) for i, n in enumerate(COLOUR_NAMES, 1)]
    yield COLUMNS, [fixed(rows.column_row(*column)) for column in COLUMN_NAMES]
    yield MENU, [fixed(struct.pack("<4H", *menu)) for menu in MENU_ROWS]
    yield SORTS, [fixed(struct.pack("<4H", *sort)) for sort in SORT_ROWS]
    yield TREE, [fixed(_tree_row(entry, contents.playlists)) for entry in contents.playlists]
    for kind, names in named.items():
        yield kind, [fixed(rows.name_row(i, name)) for i, name in enumerate(names, 1)]
    yield KEYS, [fixed(rows.key_row(i, name)) for i, name in enumerate(contents.keys, 1)]
    yield ARTISTS, [_artist(i, name) for i, name in enumerate(contents.artists, 1)]
    yield ALBUMS, [_album(i, *album) for i, album in enumerate(contents.albums, 1)]
    yield ARTWORK, [fixed(rows.artwork_row(*picture)) for picture in contents.artwork]
    yield TRACKS, [_track(track) for track in contents.tracks]
    yield (
        ENTRIES,
        [
            fixed(rows.entry_row(place, track, entry.number))
            for entry in lists
            for place, track in enumerate(entry.tracks, 1)
        ],
    )


def _tree_row(entry: Playlist, playlists: Sequence[Playlist]) -> bytes:
    siblings = [other.number for other in playlists if other.parent == entry.parent]
    place = siblings.index(entry.number)
    return rows.playlist_row(entry.number, entry.name, entry.parent, place, entry.is_folder)


def _artist(number: int, name: str) -> Row:
    return lambda shift: rows.artist_row(number, name, shift)


def _album(number: int, name: str, artist: int) -> Row:
    return lambda shift: rows.album_row(number, name, artist, shift)


def _track(track: TrackRow) -> Row:
    return lambda shift: rows.track_row(track, shift)


def _fits(page: Sequence[bytes], row: Row) -> bool:
    """Whether a page has room for another row and its entry in the row index."""
    size = sum(map(len, page)) + len(row(0))
    if size + _index_bytes(1) > PAGE - HEAD and not page:
        raise ValueError("a row is longer than a page")
    return size + _index_bytes(len(page) + 1) <= PAGE - HEAD


def _index_bytes(count: int) -> int:
    """The size of the row index for `count` rows: two bytes each, and four for each group."""
    return 2 * count + 4 * -(-count // GROUP)


def _head(tables: Sequence[_Table], free: int, begun: int) -> bytes:
    """Page 0: the list of the tables."""
    head = struct.pack("<7I", 0, PAGE, TABLES, free, 5, begun + 4, 0)
    for table in tables:
        last = table.pages[-1][0] if table.pages else 2 * table.kind + 1
        head += struct.pack("<4I", table.kind, table.candidate, 2 * table.kind + 1, last)
    return head.ljust(PAGE, b"\0")


def _put(data: bytearray, number: int, page: bytes) -> None:
    data[number * PAGE : (number + 1) * PAGE] = page


def _index_page(kind: int, first: int) -> bytes:
    """The index page of a table, without changed pages."""
    number = 2 * kind + 1
    head = struct.pack("<6I", 0, number, kind, number + 1, 1, 0) + bytes((0, 0, 0, INDEX))
    head += struct.pack("<HHHHHH", 0, 0, 0x1FFF, 0x1FFF, 0x3EC, 0)
    head += struct.pack("<IIIIHH", number, first, NO_PAGE, 0, 0, 0x1FFF)
    filler = struct.pack("<I", UNUSED) * ((PAGE - len(head) - 20) // 4)
    return (head + filler).ljust(PAGE, b"\0")


def _data_page(number: int, kind: int, after: int, sequence: int, page: Sequence[bytes]) -> bytes:
    """A page of rows, all marked as present."""
    count, used = len(page), sum(map(len, page))
    free = PAGE - HEAD - used - _index_bytes(count)
    head = struct.pack("<6I", 0, number, kind, after, sequence, 0)
    head += (count | count << 13).to_bytes(3, "little") + bytes((DATA,))
    head += struct.pack("<6H", free, used, count, 0, 0, 0)
    data = bytearray((head + b"".join(page)).ljust(PAGE, b"\0"))
    at = 0
    for i, row in enumerate(page):
        base = PAGE - 36 * (i // GROUP)
        struct.pack_into("<H", data, base - 6 - 2 * (i % GROUP), at)
        at += len(row)
    for group in range(-(-count // GROUP)):
        flags = (1 << min(GROUP, count - GROUP * group)) - 1
        struct.pack_into("<HH", data, PAGE - 36 * group - 4, flags, flags)
    return bytes(data)
