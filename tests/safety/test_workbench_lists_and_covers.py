"""Attacks on what the served page keeps and shows of its own: lists, sets as files, covers."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.audio.artwork import small_covers
from dropgrid.audio.dj_tags import read_dj_tags
from dropgrid.records.ticket import Ticket, ticket_json
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from mutagen.flac import FLAC, Picture
from open_workbench import Workbench, opened
from synthetic_library import write_library

SECRET = b"nobody else's business"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


def png(width: int, height: int, colour: bytes = b"\xff\0\0") -> bytes:
    """A picture of one colour: red, green and blue."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    rows = (b"\0" + colour * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))  # fmt: skip


def song(path: Path, *pictures: tuple[int, bytes], **tags: str) -> Path:
    """A short FLAC with pictures, each (type, bytes), and tags."""
    soundfile.write(path, np.zeros(4410, np.float32), 44100)
    file = FLAC(path)
    for kind, data in pictures:
        picture = Picture()
        picture.type, picture.data, picture.mime = kind, data, "text/html"
        file.add_picture(picture)
    for name, value in tags.items():
        file[name] = value
    file.save()
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of three tracks: a song with a cover, one without, and one that is no music."""
    made = tmp_path_factory.mktemp("lists")
    results, music = made / "results", made / "music"
    claim(results, [str(music)])
    music.mkdir()
    (made / "secret.txt").write_bytes(SECRET)
    song(music / "cover.flac", (3, png(9, 9)), comment="late", rating="4")
    song(music / "bare.flac")
    (music / "link.flac").symlink_to(made / "secret.txt")
    names = ("cover.flac", "bare.flac", "link.flac")
    for track, name in zip(write_library(results, 3, music, failing=0), names, strict=True):
        ticket = Ticket(track, name, str(music / name), 1, 1)
        Results(results).ticket(track).write_bytes(ticket_json(ticket))
    return made


@pytest.fixture(scope="module")
def workbench(folder: Path) -> Iterator[Workbench]:
    with opened(folder / "results") as running:
        yield running


@pytest.fixture(scope="module")
def tracks(workbench: Workbench) -> list[str]:
    return [row["id"] for row in workbench.json("api/library")["tracks"]]


FORGED = [
    {}, {"name": "x"}, {"name": 1, "tracks": []}, {"name": "x", "tracks": {}},
    {"name": "x\n", "tracks": [7]}, {"name": "a\nb", "tracks": []},
    {"name": "x", "tracks": ["../../../etc/passwd"]},
    {"name": "x", "tracks": [], "instead_of": 5}, {"name": "x" * 101, "tracks": []},
]  # fmt: skip


@pytest.mark.parametrize("body", FORGED)
def test_a_forged_list_is_refused_and_nothing_is_kept(workbench, folder, body):
    status, _, data = workbench.ask("api/lists/keep", body)
    assert status == 400 and b"error" in data
    assert not (folder / "results" / "lists.json").exists()


@pytest.mark.parametrize("at", ["api/lists/keep", "api/lists/delete", "api/set/file"])
def test_what_changes_or_costs_is_asked_by_the_page_alone(workbench, folder, at):
    body = {"name": "x", "tracks": [], "kind": ".m3u8"}
    for headers in (
        {"Origin": "http://elsewhere.example"}, {"Sec_Fetch_Site": "cross-site"},
        {"Host": "elsewhere.example"},
    ):  # fmt: skip
        assert workbench.ask(at, body, **headers)[0] == 403, headers
    assert workbench.ask(at, body, Content_Type="text/plain")[0] == 415
    assert workbench.ask(at, b"[", Content_Length=str(2**20 + 1))[0] == 413
    assert workbench.ask(at, b"[" * 1000)[0] == 400
    assert workbench.ask(at, b"[]")[0] == 400
    assert workbench.ask(at)[0] == 405  # GET
    assert workbench.ask(f"/{'x' * 32}/{at}", body)[0] == 404
    assert not (folder / "results" / "lists.json").exists()


@pytest.mark.parametrize("at", ["api/lists", "api/tracks/{track}/cover"])
def test_lists_and_covers_are_shown_to_the_page_alone(workbench, tracks, at):
    at = at.format(track=tracks[0])
    assert workbench.ask(at)[0] == 200
    assert workbench.ask(at, Origin="http://elsewhere.example")[0] == 403
    assert workbench.ask(at, Sec_Fetch_Site="same-site", Sec_Fetch_Dest="image")[0] == 403


def test_a_set_is_written_of_tracks_of_the_library_only(workbench, tracks):
    for body, why in (
        ({"tracks": tracks, "kind": ".exe"}, b"kind"), ({"tracks": [], "kind": ".cue"}, b"from 1"),
        ({"tracks": ["../x"], "kind": ".cue"}, b"no tempo"),
        ({"tracks": 1, "kind": ".cue"}, b"tracks"),
        ({"tracks": ["x"] * 501, "kind": ".cue"}, b"from 1 to 500"), ({"tracks": tracks}, b"kind"),
    ):  # fmt: skip
        status, _, data = workbench.ask("api/set/file", body)
        assert status == 400 and why in data, (body, data)
    status, headers, data = workbench.ask("api/set/file", {"tracks": tracks, "kind": ".cue"})
    assert status == 200 and data.startswith(b"REM dropgrid set\n")
    assert headers["content-type"] == "application/octet-stream"


def test_a_cover_is_a_picture_of_a_song_and_nothing_else(workbench, tracks):
    status, headers, data = workbench.ask(f"api/tracks/{tracks[0]}/cover")
    assert status == 200, data
    assert data.startswith(b"\xff\xd8\xff")  # a small copy, not the bytes of the tag
    assert headers["content-type"] == "image/jpeg"
    assert headers["x-content-type-options"] == "nosniff"
    assert workbench.ask(f"api/tracks/{tracks[1]}/cover")[0] == 404
    status, _, data = workbench.ask(f"api/tracks/{tracks[2]}/cover")
    assert status == 415 and SECRET not in data
    assert workbench.ask("api/tracks/..%2f..%2fsecret/cover")[0] == 404
    rows = workbench.json("api/library")["tracks"]
    assert (rows[0]["comment"], rows[0]["rating"], rows[0]["cover"]) == ("late", 4, True)
    assert not {"comment", "rating", "cover"} & (rows[1].keys() | rows[2].keys())


@pytest.mark.parametrize(
    "pictures",
    [
        [(3, b"<html><script>alert(1)</script>")],
        [(3, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")],
        [(3, b"")],
    ],
)
def test_files_other_than_jpeg_and_png_are_not_covers(tmp_path, pictures):
    file = song(tmp_path / "a.flac", *pictures)
    assert small_covers(file) == () and not read_dj_tags(file).has_cover


def test_a_picture_that_cannot_be_decoded_is_not_sent(tmp_path):
    file = song(tmp_path / "a.flac", (3, PNG + bytes(999)))
    assert small_covers(file) == () and read_dj_tags(file).has_cover


def test_the_front_cover_comes_first(tmp_path):
    both = song(tmp_path / "both.flac", (0, png(200, 100, b"\0\0\xff")), (3, png(9, 9)))
    front = song(tmp_path / "front.flac", (3, png(9, 9)))
    other = song(tmp_path / "other.flac", (0, png(200, 100, b"\0\0\xff")))
    assert small_covers(both) == small_covers(front) != small_covers(other) != ()


def test_a_block_of_ogg_is_a_cover(tmp_path):
    picture = Picture()
    picture.type, picture.data, picture.mime, picture.desc = 3, png(9, 9), "image/png", "front"
    block = base64.b64encode(picture.write()).decode()
    ogg = song(tmp_path / "a.flac", metadata_block_picture=block)
    flac = song(tmp_path / "b.flac", (3, png(9, 9)))
    assert small_covers(ogg) == small_covers(flac) != ()


@pytest.mark.parametrize(
    "block", ["", "AAAA", "not base64!", base64.b64encode(b"\xff" * 64).decode()]
)
def test_a_broken_block_of_ogg_is_not_a_cover(tmp_path, block):
    file = song(tmp_path / "a.flac", metadata_block_picture=block)
    assert small_covers(file) == ()


def test_files_without_readable_covers_give_none(tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"APIC" * 1000)
    for path in (tmp_path / "a.mp3", tmp_path / "gone.mp3", tmp_path):
        assert small_covers(path) == ()


def test_a_list_of_another_program_is_not_overwritten(workbench, folder):
    file = folder / "results" / "lists.json"
    file.write_text("mine")
    try:
        status, _, data = workbench.ask("api/lists/keep", {"name": "x", "tracks": []})
        assert status in (400, 507) and b"lists.json" in data
        assert file.read_text() == "mine"
    finally:
        file.unlink()
    assert workbench.json("api/lists") == {"lists": []}
