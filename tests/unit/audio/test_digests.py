"""A file is recognised by its bytes, its audio by what is left without the tags."""

from __future__ import annotations

import os
import random
from pathlib import Path

import mutagen
import pytest
from audio_containers import CONTAINERS, write_audio
from dropgrid.audio.digests import audio_digest, sample_digest, whole_digest
from mutagen.apev2 import APEv2
from mutagen.flac import Picture
from mutagen.id3 import APIC, ID3, TIT2

ALL = (audio_digest, sample_digest, whole_digest)


@pytest.fixture(params=CONTAINERS)
def song(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_audio(tmp_path / f"song.{request.param}")


def retitle(path: Path, title: str) -> None:
    """Give a file a title and, where it may have one, a cover as large as the title is long."""
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, ID3):
        file.tags.add(TIT2(encoding=3, text=title))
        file.tags.add(APIC(encoding=0, mime="image/png", data=b"cover" * len(title)))
    elif path.suffix == ".m4a":
        file.tags["\xa9nam"] = title
    elif path.suffix == ".wma":
        file.tags["Title"] = title
    else:
        file.tags["TITLE"] = title
    if path.suffix == ".flac":
        picture = Picture()
        picture.data = b"cover" * len(title)
        file.add_picture(picture)
    file.save()


@pytest.mark.parametrize("title", ["A", "A much longer title " * 500])
def test_the_audio_of_a_file_whose_tags_are_edited_stays_the_same(song: Path, title: str) -> None:
    before, whole = audio_digest(song), whole_digest(song)
    retitle(song, title)
    assert audio_digest(song) == before
    assert whole_digest(song) != whole
    retitle(song, "B")
    assert audio_digest(song) == before


def test_tags_at_the_end_of_an_mp3_are_not_audio(tmp_path: Path) -> None:
    song = write_audio(tmp_path / "song.mp3")
    before = audio_digest(song)
    tags = APEv2()
    tags["Title"] = "A"
    tags.save(song)
    with song.open("ab") as stream:
        stream.write(b"TAG" + b"A title".ljust(125, b"\0"))
    retitle(song, "A")
    assert audio_digest(song) == before


def test_one_byte_of_the_music_makes_another_file(song: Path) -> None:
    """In the middle, where neither the ends nor the size tell: the attack on a quick look."""
    before = audio_digest(song), whole_digest(song)
    data = bytearray(song.read_bytes())
    data[len(data) // 2] ^= 1
    song.write_bytes(data)
    assert audio_digest(song) != before[0] and whole_digest(song) != before[1]


def test_two_files_of_one_size_with_the_same_ends_are_distinguished(tmp_path: Path) -> None:
    """Megabytes of the same at both ends; the samples find what is changed where they look."""
    data = bytearray(random.Random(1).randbytes(5 * 2**20))
    one, other = tmp_path / "one.wav", tmp_path / "other.wav"
    one.write_bytes(data)
    data[len(data) // 3] ^= 1
    other.write_bytes(data)
    assert all(digest(one) != digest(other) for digest in ALL)


def test_a_byte_between_the_samples_is_what_they_do_not_see(tmp_path: Path) -> None:
    """As documented in the module: only for a file whose path, size and age agree already."""
    data = bytearray(random.Random(1).randbytes(5 * 2**20))
    one, other = tmp_path / "one.wav", tmp_path / "other.wav"
    one.write_bytes(data)
    data[2**20] ^= 1
    other.write_bytes(data)
    assert sample_digest(one) == sample_digest(other)
    assert whole_digest(one) != whole_digest(other)


def test_what_the_lame_frame_or_the_opus_head_says_is_part_of_the_audio(tmp_path: Path) -> None:
    """It decides where the music begins, how loud it is: not the packets, but the sound."""
    mp3, opus = write_audio(tmp_path / "song.mp3"), write_audio(tmp_path / "song.opus")
    for song, word, offset in ((mp3, b"Info", 141), (opus, b"OpusHead", 16)):
        before = audio_digest(song)
        data = bytearray(song.read_bytes())
        at = data.find(word) if word in data else data.find(b"Xing")
        data[at + offset] ^= 1
        if song is opus:  # the page's checksum, so that it is read at all
            data[22:26] = bytes(4)
            data[22:26] = ogg_checksum(bytes(data[: 27 + data[26] + data[27]])).to_bytes(
                4, "little"
            )
        song.write_bytes(data)
        assert audio_digest(song) != before


def ogg_checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 1 << 31 else 0)) & 0xFFFFFFFF
    return value


def test_no_name_makes_a_pipe_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    for digest in ALL:
        with pytest.raises(OSError, match="not a regular file"):
            digest(tmp_path / "pipe.wav")


@pytest.mark.parametrize("seed", range(30))
def test_odd_files_have_digests_too(song: Path, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(song.read_bytes())
    for _ in range(10):
        data[chance.randrange(min(len(data), 400))] = chance.randrange(256)
    song.write_bytes(data[: chance.randrange(len(data))])
    for digest in ALL:
        assert len(digest(song)) == 40
