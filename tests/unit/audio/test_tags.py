"""What files say of themselves is read in every container, and not believed blindly."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import mutagen
import pytest
from audio_containers import CONTAINERS, write_audio
from dropgrid.audio.tags import MAX_BYTES, MAX_TEXT, Tags, parse_bpm, read_tags
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TALB, TBPM, TCON, TDRC, TIT2, TPE1, TXXX
from mutagen.mp4 import MP4FreeForm

TEXTS = {"title": "Zürich & Söhne", "artist": "DJ ☃", "album": "#1 100%", "genre": "Techno"}


def write_tags(path: Path, bpm: str) -> None:
    """Tag a file the way each format does it, with bpm in the format's text field."""
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    title, artist, album, genre = TEXTS.values()
    if isinstance(file.tags, ID3):
        for frame, text in ((TIT2, title), (TPE1, artist), (TALB, album), (TCON, genre)):
            file.tags.add(frame(encoding=3, text=text))
        file.tags.add(TDRC(encoding=3, text="2019-04-01"))
        file.tags.add(TBPM(encoding=3, text=bpm))
    elif path.suffix == ".m4a":
        file.tags.update(
            {"©nam": title, "©ART": artist, "©alb": album, "©gen": genre, "©day": "2019"}
        )
        file.tags["----:com.apple.iTunes:BPM"] = [MP4FreeForm(bpm.encode())]
    elif path.suffix == ".wma":
        file.tags.update(
            {"Title": title, "Author": artist, "WM/AlbumTitle": album, "WM/Genre": genre}
        )
        file.tags.update({"WM/Year": "2019", "WM/BeatsPerMinute": bpm})
    else:
        file.tags.update({"TITLE": title, "ARTIST": artist, "ALBUM": album, "GENRE": genre})
        file.tags.update({"DATE": "2019-04-01", "BPM": bpm})
    file.save()


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_field_is_read_in_every_container(tmp_path: Path, container: str) -> None:
    path = write_audio(tmp_path / f"song.{container}")
    assert read_tags(path) == Tags()
    write_tags(path, "127.96")
    assert read_tags(path) == Tags(bpm=127.96, year="2019", **TEXTS)


@pytest.mark.parametrize(
    ("text", "bpm"),
    [("127.96", 127.96), ("128,0", 128.0), (" 128 BPM", 128.0), ("174bpm", 174.0), ("128.", 128)]
    + [(text, None) for text in ("0", "0.00", "-128", "nan", "inf", "1000", "9" * 400, "", "fast")]
    + [(text, None) for text in ("128-130", "12 8", "1e2", "0x80", "١٢٨", "128 BPM?", "\x00")],
)
def test_a_bpm_field_is_a_plausible_number_or_nothing(text: str, bpm: float | None) -> None:
    assert parse_bpm(text) == bpm


def test_the_integer_field_of_an_mp4_is_read(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.m4a")
    file = mutagen.File(path)
    file.tags["tmpo"] = [140]
    file.save()
    assert read_tags(path).bpm == 140.0


def test_vorbis_tempo_stands_in_for_bpm(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.ogg")
    file = mutagen.File(path)
    file.tags["tempo"] = "174"
    file.save()
    assert read_tags(path).bpm == 174.0


@pytest.mark.parametrize(("standard", "expected"), [("128", 127.96), ("140", 140.0)])
def test_an_exact_field_counts_while_it_agrees_with_the_standard_one(
    tmp_path: Path, standard: str, expected: float
) -> None:
    path = write_audio(tmp_path / "song.mp3")
    tags = ID3()
    tags.add(TBPM(encoding=3, text=standard))
    tags.add(TXXX(encoding=3, desc="BPM", text="127.96"))
    tags.save(path)
    assert read_tags(path).bpm == expected


def test_an_apev2_tag_behind_an_mp3_is_read(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.mp3")
    tags = APEv2()
    tags["BPM"], tags["Title"] = "150,5", "Ape"
    tags.save(path)
    assert read_tags(path) == Tags(bpm=150.5, title="Ape")


def test_texts_are_one_line_of_bounded_length(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.flac")
    file = mutagen.File(path)
    file.tags.update(
        {"title": "a\nb\x00\x1b[31mc\t", "artist": ["A", "B"], "album": "x" * 100_000}
    )
    file.save()
    tags = read_tags(path)
    assert (tags.title, tags.artist, tags.album) == ("a b [31mc", "A; B", "x" * MAX_TEXT)


def test_a_tag_before_something_that_is_not_audio_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(b"")
    tags = ID3()
    tags.add(TBPM(encoding=3, text="128"))
    tags.save(path)
    with path.open("ab") as stream:
        stream.write(b"no audio " * 1000)
    assert read_tags(path).bpm == 128.0
    assert "HeaderNotFoundError" in str(read_tags(path).problem)


def test_files_that_are_none_say_so(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "text.txt").write_text("hello")
    os.mkfifo(tmp_path / "pipe.mp3")
    for name, problem in [
        ("empty.mp3", "HeaderNotFoundError: can't sync to MPEG frame"),
        ("text.txt", "no known container of tags"),
        ("pipe.mp3", "OSError: not a regular file"),
        ("absent.mp3", "FileNotFoundError: No such file or directory"),
    ]:
        assert read_tags(tmp_path / name) == Tags(problem=problem)


@pytest.mark.parametrize("container", CONTAINERS)
def test_damaged_files_never_raise(
    tmp_path_factory: pytest.TempPathFactory, container: str
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = write_audio(folder / f"song.{container}", seconds=0.2)
    write_tags(path, "128")
    whole = path.read_bytes()
    head = min(len(whole), 4096)  # where most containers keep their tags

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(
        st.lists(st.tuples(st.integers(0, head - 1), st.integers(0, 255)), max_size=12),
        st.integers(0, len(whole)),
        st.booleans(),
    )
    def survives(changes: list[tuple[int, int]], cut: int, at_end: bool) -> None:
        data = bytearray(whole)
        for place, value in changes:
            data[-place - 1 if at_end else place] = value
        path.write_bytes(data[:cut] if cut % 2 else data)
        tags = read_tags(path)
        assert tags.bpm is None or 0 < tags.bpm <= 999

    survives()


def syncsafe(size: int) -> bytes:
    return bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))


@pytest.mark.slow
@pytest.mark.smoke
def test_a_compressed_frame_cannot_fill_the_memory(tmp_path: Path) -> None:
    bomb = zlib.compress(b"\x03" + b"1" * (4 * MAX_BYTES), 9)
    frame = b"TBPM" + syncsafe(len(bomb) + 4) + b"\x00\x09" + syncsafe(0) + bomb
    path = tmp_path / "bomb.mp3"
    path.write_bytes(b"ID3\x04\x00\x00" + syncsafe(len(frame)) + frame)
    tracemalloc.start()
    tags = read_tags(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tags.bpm is None
    assert peak < 2.5 * MAX_BYTES


def test_a_size_in_a_hostile_file_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "sparse.flac"
    comment = struct.pack("<I", 0) + struct.pack("<I", 1) + struct.pack("<I", 2**31)
    info = bytes.fromhex("1000100000000000000000ac44f000000000") + bytes(16)
    head = b"fLaC\x00\x00\x00\x22" + info + b"\x84\xff\xff\xff" + comment
    with path.open("wb") as stream:
        stream.write(head)
        stream.truncate(2**32)  # takes no room on the disk
    tracemalloc.start()
    tags = read_tags(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tags.problem is not None
    assert peak < 2 * MAX_BYTES


INFO = {b"INAM": "A title", b"IART": "Künstler", b"IPRD": "An album", b"IGNR": "House",
        b"ICRD": "2019-05-01", b"IBPM": "127.5"}  # fmt: skip


def info_list(encoding: str = "utf-8") -> bytes:
    """A chunk LIST of a WAV file, of type INFO."""
    entries = b""
    for name, text in INFO.items():
        data = text.encode(encoding) + b"\0"
        entries += name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)
    return b"LIST" + (len(entries) + 4).to_bytes(4, "little") + b"INFO" + entries


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("before", [True, False])
def test_the_list_info_of_a_wav_is_read(tmp_path: Path, before: bool, encoding: str) -> None:
    path = write_audio(tmp_path / "a.wav")
    data = path.read_bytes()
    at = data.index(b"data") if before else len(data)
    path.write_bytes(data[:at] + info_list(encoding) + data[at:])
    expected = Tags(127.5, "A title", "Künstler", "An album", "House", "2019")
    assert read_tags(path) == expected


def test_a_wavs_id3_tag_goes_before_its_list_info(tmp_path: Path) -> None:
    from mutagen.id3 import TBPM, TIT2
    from mutagen.wave import WAVE

    path = write_audio(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes() + info_list())
    file = WAVE(path)
    file.add_tags()
    file.tags.add(TIT2(encoding=3, text="Another"))
    file.tags.add(TBPM(encoding=3, text="140"))
    file.save()
    found = read_tags(path)
    assert (found.bpm, found.title, found.artist) == (140, "Another", "Künstler")


def test_a_list_info_with_false_sizes_is_read_as_far_as_possible(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav")
    liar = b"LIST\xff\xff\xff\x7fINFOINAM\xff\xff\xff\xffTitle"
    path.write_bytes(path.read_bytes() + liar)
    assert read_tags(path).title == "Title"


@pytest.mark.parametrize("suffix", ["mka", "webm", "caf", "w64"])
def test_containers_without_tags_of_a_known_kind_have_no_problem(
    tmp_path: Path, suffix: str
) -> None:
    assert read_tags(write_audio(tmp_path / f"a.{suffix}")) == Tags()
