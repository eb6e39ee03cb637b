"""export.pdb: byte for byte what rekordbox made, and read back as players read it."""

from __future__ import annotations

import struct
from pathlib import Path

import device_database as read
import pytest
from dropgrid.player_formats import device_sql as sql
from dropgrid.player_formats.database import (
    ALBUMS,
    ARTISTS,
    ENTRIES,
    GENRES,
    KEYS,
    PAGE,
    TRACKS,
    TREE,
    Contents,
    Playlist,
    database,
)
from dropgrid.player_formats.device_sql import TrackRow

PLAYERS = Path(__file__).resolve().parents[4] / "shared" / "players"
real = pytest.mark.skipif(not PLAYERS.exists(), reason="no players' exports beside the checkout")
UNKNOWN = slice(20, 28)  # bytes of a track's row whose meaning is not known


def row_of(number: int, title: str = "Song") -> TrackRow:
    return TrackRow(
        number, title, f"{title}.mp3", f"/Contents/A/{title}.mp3",
        f"/PIONEER/USBANLZ/P000/{number:08X}/ANLZ0000.DAT", 1_000_000 + number, 1, 127.5, 240,
        artist=1, album=1, genre=1, key=1, bitrate=320, added="2026-12-01",
    )  # fmt: skip


@real
def test_an_empty_stick_is_the_one_that_rekordbox_makes():
    made = (PLAYERS / "rekordbox-export-empty/PIONEER/rekordbox/export.pdb").read_bytes()
    assert database(Contents("2022-02-02")) == made


@real
@pytest.mark.parametrize(
    "file", ["rekordbox-pdb/two-demo-tracks.pdb", "rekordbox-export/PIONEER/rekordbox/export.pdb"]
)
def test_rows_of_tracks_are_those_that_rekordbox_writes(file):
    """But for eight bytes whose meaning is not known, and the bits that a deletion leaves."""
    data = (PLAYERS / file).read_bytes()
    found = list(read.rows(data, TRACKS))
    assert len(found) >= 2
    for row in found:
        facts = read.track(row)
        names = struct.unpack_from("<21H", row, 94)
        made = sql.track_row(
            TrackRow(
                **{k: facts[k] for k in TrackRow.__dataclass_fields__ if k in facts},
                label=struct.unpack_from("<I", row, 40)[0],
                depth=struct.unpack_from("<H", row, 82)[0],
                comment=read.text(row, names[16]),
            ),  # type: ignore[arg-type]
            struct.unpack_from("<H", row, 2)[0],
        )
        texts = read.text(row, names[2]), read.text(row, names[3])  # counters of changes
        assert (len(texts[0]), len(texts[1])) == (1, 1)
        mine, theirs = bytearray(made), bytearray(row[: names[20]])
        for image in (mine, theirs):
            image[UNKNOWN] = bytes(8)
            image[names[2] + 1] = image[names[3] + 1] = 0
        assert mine[: names[20]] == theirs
        assert made[names[20] :].startswith(sql.text(str(facts["file_path"])))


@real
def test_other_rows_are_those_that_rekordbox_writes():
    data = (PLAYERS / "rekordbox-export/PIONEER/rekordbox/export.pdb").read_bytes()
    (artist,) = read.rows(data, ARTISTS)
    assert artist.startswith(sql.artist_row(1, "Loopmasters", 0x20))
    (key,) = read.rows(data, KEYS)
    assert key.startswith(sql.key_row(1, "Fm"))
    (label,) = read.rows(data, 4)
    assert label.startswith(sql.name_row(1, "Loopmasters"))
    assert any(
        row.startswith(sql.playlist_row(2, "Sub Playlist", 1, 0, False))
        for row in read.rows(data, TREE)
    )
    assert any(row.startswith(sql.entry_row(2, 2, 3)) for row in read.rows(data, ENTRIES))


@pytest.mark.parametrize("count", [1, 15, 16, 17, 300, 2000])
def test_every_track_comes_back_from_any_number_of_pages(count):
    data = database(
        Contents("2026-12-01", [row_of(i) for i in range(1, count + 1)], ["A"], [("B", 1)],
                 ["house"], (), ["Am"], (Playlist(1, "All", tracks=tuple(range(1, count + 1))),))
    )  # fmt: skip
    assert len(data) % PAGE == 0
    found = [read.track(row) for row in read.rows(data, TRACKS)]
    assert [track["id"] for track in found] == list(range(1, count + 1))
    assert all(track["tempo"] == 127.5 and track["duration"] == 240 for track in found)
    assert found[-1]["file_size"] == 1_000_000 + count
    places = [struct.unpack_from("<III", row) for row in read.rows(data, ENTRIES)]
    assert places == [(i, i, 1) for i in range(1, count + 1)]


@pytest.mark.parametrize(
    "name", ["", "a", "x" * 126, "x" * 127, "Ünï", "日本語" * 40, "نص", "a\nb\0c", "😀" * 20]
)
def test_texts_of_every_script_come_back(name):
    shown = "".join(" " if ord(c) < 32 else c for c in name)
    data = database(Contents("2026-12-01", [row_of(1, name)], [name or "-"], [(name or "-", 1)]))
    (track,) = read.rows(data, TRACKS)
    assert read.track(track)["title"] == shown
    (artist,) = read.rows(data, ARTISTS)
    assert read.text(artist, 10) == (shown or "-")
    (album,) = read.rows(data, ALBUMS)
    assert read.text(album, 22) == (shown or "-")


def test_a_text_is_cut_before_it_fills_a_page():
    (row,) = read.rows(database(Contents("2026-12-01", [row_of(1, "y" * 5000)])), TRACKS)
    assert read.track(row)["title"] == "y" * sql.MAX_TEXT


def test_playlists_keep_their_places_below_their_folders():
    lists = (Playlist(1, "All"), Playlist(2, "Folders", is_folder=True),
             Playlist(3, "a", 2, tracks=(1,)), Playlist(4, "b", 2, tracks=(1,)))  # fmt: skip
    data = database(Contents("2026-12-01", [row_of(1)], genres=["x"], playlists=lists))
    found = [struct.unpack_from("<IIIII", row) for row in read.rows(data, TREE)]
    assert found == [(0, 0, 0, 1, 0), (0, 0, 1, 2, 1), (2, 0, 0, 3, 0), (2, 0, 1, 4, 0)]
    assert [read.text(row, 4) for row in read.rows(data, GENRES)] == ["x"]
