"""Covers on sticks: two small JPEGs each, read by Pillow; numbers stay; hostile pictures."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
from pathlib import Path

import device_database
import mutagen
import numpy as np
import pytest
import soundfile
from dropgrid.audio.artwork import cover_digest, small_covers, small_jpeg
from dropgrid.export import export, usb
from dropgrid.player_formats import device_sql
from dropgrid.player_formats.database import ARTWORK, TRACKS
from library_of_records import PATHS, write_results
from mutagen.flac import Picture
from mutagen.id3 import APIC

Image = pytest.importorskip("PIL.Image")
RED, BLUE = (200, 30, 60), (20, 40, 220)
PLAYERS = Path(__file__).resolve().parents[4] / "shared" / "players"


def picture(colour: tuple[int, ...], kind: str = "JPEG", size=(320, 300), mode="RGB") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, colour).save(stream, kind)
    return stream.getvalue()


def put(path: Path, data: bytes) -> None:
    """Write a cover into a FLAC or a WAV."""
    file = mutagen.File(path)
    if path.suffix == ".flac":
        cover = Picture()
        cover.data, cover.type = data, 3
        file.clear_pictures()
        file.add_picture(cover)
    else:
        if file.tags is None:
            file.add_tags()
        file.tags.delall("APIC")
        file.tags.add(APIC(3, "image/jpeg", 3, "", data))
    file.save()


@pytest.fixture
def library(tmp_path: Path) -> tuple[Path, Path]:
    music = tmp_path / "music"
    for path in PATHS:
        (music / path).parent.mkdir(parents=True, exist_ok=True)
        kind = {".flac": "FLAC", ".wav": "WAV", ".mp3": "MP3"}[Path(path).suffix]
        soundfile.write(music / path, np.zeros(44100), 44100, format=kind)
    put(music / PATHS[0], picture(RED))
    put(music / PATHS[1], picture(BLUE, "PNG"))
    put(music / PATHS[3], picture(RED))
    return write_results(tmp_path / "results", music), music


def on(stick: Path) -> tuple[list[int], dict[int, tuple[int, ...]]]:
    """The numbers of the tracks' artwork, and the colour of each number's picture."""
    data = (stick / usb.DATABASE).read_bytes()
    tracks = [int.from_bytes(row[28:32], "little") for row in device_database.rows(data, TRACKS)]
    colours = {}
    for row in device_database.rows(data, ARTWORK):
        path = stick / device_database.text(row, 4)[1:]
        for name, size in ((path, 80), (path.with_stem(f"{path.stem}_m"), 240)):
            with Image.open(name) as image:
                assert image.format == "JPEG" and image.size == (size, size)
                assert not image.info.get("progressive")
                colour = image.getpixel((size // 2, size // 2))
        colours[int.from_bytes(row[:4], "little")] = colour
    return tracks, colours


def near(colour: tuple[int, ...], true: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(colour, true, strict=True)) < 12


def test_songs_of_one_cover_share_two_small_pictures(library, tmp_path):
    export("usb", library[0], tmp_path / "stick")
    tracks, colours = on(tmp_path / "stick")
    assert tracks == [1, 2, 1] and near(colours[1], RED) and near(colours[2], BLUE)
    assert len(list((tmp_path / "stick/PIONEER/Artwork/00001").iterdir())) == 4
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "stick").rglob("*") if p.is_file()}
    export("usb", library[0], tmp_path / "stick")
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_a_number_stays_with_its_picture_and_an_old_one_goes(library, tmp_path):
    results, music = library
    stick = tmp_path / "stick"
    export("usb", results, stick)
    for path in (PATHS[0], PATHS[3]):
        put(music / path, picture((10, 200, 10)))
    export("usb", results, stick)
    tracks, colours = on(stick)
    assert tracks == [3, 2, 3] and near(colours[2], BLUE) and near(colours[3], (10, 200, 10))
    assert not (stick / "PIONEER/Artwork/00001/a1.jpg").exists()


def test_a_picture_of_others_is_not_overwritten_and_a_forged_mark_removes_nothing(
    library, tmp_path
):
    stick = tmp_path / "stick"
    export("usb", library[0], stick)
    theirs = stick / "PIONEER/Artwork/00001/a3.jpg"
    theirs.write_bytes(b"theirs")
    mark = json.loads((stick / usb.MARK).read_bytes())
    mark["artwork"] = {"x": "../../a", "y": -1, "z": True, "w": 10**9}
    (stick / usb.MARK).write_text(json.dumps(mark))
    export("usb", library[0], stick)
    assert theirs.read_bytes() == b"theirs" and set(on(stick)[0]) == {4, 5}


@pytest.mark.parametrize(
    ("kind", "mode", "colour"),
    [("JPEG", "CMYK", (0, 0, 0, 0)), ("JPEG", "L", 90), ("PNG", "RGBA", (1, 2, 3, 128)),
     ("PNG", "P", 3)],
)  # fmt: skip
def test_pictures_of_all_kinds_are_read(kind, mode, colour):
    data = small_jpeg(picture(colour, kind, mode=mode), 80)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (80, 80)


@pytest.mark.slow
@pytest.mark.smoke
def test_hostile_pictures_are_left_out():
    """A bomb, a line, what is cut short or changed: no error, little memory."""
    assert small_jpeg(picture(0, "PNG", (20_000, 20_000), "L"), 80) is None
    assert small_jpeg(picture(0, "PNG", (30_000, 1), "L"), 80) is None
    assert small_jpeg(b"GIF89a" + bytes(99), 80) is None
    chance = random.Random(3)
    tracemalloc.start()
    for data in (picture(RED), picture(BLUE, "PNG")):
        for _ in range(200):
            forged = bytearray(data)
            for _ in range(chance.randint(1, 8)):
                forged[chance.randrange(len(forged))] = chance.randrange(256)
            small_jpeg(bytes(forged[: chance.randrange(9, len(forged))]), 80)
    assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    tracemalloc.stop()


def test_no_cover_is_none(tmp_path):
    assert cover_digest(tmp_path / "gone.mp3") == ""
    (tmp_path / "a.mp3").write_bytes(b"ID3\4\0\0\x7f\x7f\x7f\x7f")
    assert cover_digest(tmp_path / "a.mp3") == "" and small_covers(tmp_path / "a.mp3") == ()


@pytest.mark.skipif(not PLAYERS.exists(), reason="no players' exports beside the checkout")
def test_rows_and_folders_are_those_of_rekordbox():
    from dropgrid.export.stick_artwork import _names

    data = (PLAYERS / "rekordbox-pdb" / "many-rows.pdb").read_bytes()
    found = list(device_database.rows(data, ARTWORK))
    assert len(found) > 2000
    for row in found:
        number, path = int.from_bytes(row[:4], "little"), device_database.text(row, 4)
        assert f"/{next(_names(number))}" == path
        made = device_sql.artwork_row(number, path)
        assert row[: len(made)] == made
