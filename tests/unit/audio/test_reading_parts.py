"""Edges of reading: lengths, notes, recordings one behind the other, tags and covers."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from dropgrid.audio import artwork, ffmpeg, serato, serato_file, serato_track, tags
from dropgrid.audio.mp4 import EditList
from dropgrid.audio.reader import Reader
from dropgrid.base.errors import DecodeError
from dropgrid.records.cue_points import loops, pads
from dropgrid.records.track import Track
from library_of_records import bpm_record, structure_record

RATE = 44100


def sound(seconds: float, seed: int = 0, channels: int = 1, rate: int = RATE) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (round(seconds * rate), channels))


@pytest.fixture
def wav(tmp_path: Path) -> Reader:
    soundfile.write(tmp_path / "a.wav", sound(0.5), RATE)
    return Reader(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("seconds", "promised", "whole"),
    [(99.61, 100.0, True), (99.59, 100.0, False), (0.8, 1.0, True), (0.79, 1.0, False),
     (1.0, None, True), (1.0, 0.0, True), (5.0, 1.0, True)],
)  # fmt: skip
def test_a_file_may_lack_a_fifth_of_a_second_and_two_thousandths(
    wav: Reader, seconds: float, promised: float | None, whole: bool
) -> None:
    if whole:
        wav._check_length(seconds, promised)
    else:
        with pytest.raises(DecodeError, match=f"{seconds:.2f} s of the {promised:.2f} s"):
            wav._check_length(seconds, promised)


@pytest.mark.parametrize(
    ("rate", "channels", "reason"),
    [(8000, 1, None), (192_000, 8, None), (7999, 1, "7999 Hz"), (192_001, 1, "192001 Hz"),
     (RATE, 0, "0 channels"), (RATE, 9, "9 channels")],
)  # fmt: skip
def test_the_edges_of_rates_and_channels(
    wav: Reader, rate: int, channels: int, reason: str | None
) -> None:
    if reason is None:
        wav._check_header(rate, channels)
    else:
        with pytest.raises(DecodeError, match=reason):
            wav._check_header(rate, channels)


def test_problems_are_noted_once_and_in_order(wav: Reader) -> None:
    for problem in ("one", "two", "one", "three"):
        wav.note(problem)
    assert wav.decoder["problem"] == "one; two; three"


def test_samples_that_are_no_numbers_are_counted_and_the_others_divided(wav: Reader) -> None:
    wav.divisor = 4.0
    block = np.array([[1.0, np.nan], [np.inf, -2.0], [0.5, 0.0]], np.float32)
    assert wav._repaired(block).tolist() == [[0.25, 0], [0, -0.5], [0.125, 0]]
    assert wav.decoder["repaired_samples"] == 2 and wav._values == 6
    assert wav._repaired(np.full((2, 2), 3e38, np.float32))[0, 0] == pytest.approx(7.5e37)
    assert wav.decoder["repaired_samples"] == 2 and wav._values == 10


def test_the_share_of_repaired_samples_is_said(tmp_path: Path) -> None:
    samples = sound(1.0).astype(np.float32)
    samples[100:541] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    reader = Reader(tmp_path / "a.wav")
    list(reader)
    assert reader.decoder["problem"] == "441 samples (1 %) are no numbers; they became silence"


@pytest.mark.parametrize("kinds", [("OGG", "OGG"), ("OGG", "OGG", "OGG", "OGG")])
def test_recordings_one_behind_the_other_are_all_read(tmp_path: Path, kinds: tuple[str]) -> None:
    data, lengths = b"", []
    for number, kind in enumerate(kinds):
        stream = io.BytesIO()
        seconds = 0.5 + 0.25 * number
        soundfile.write(stream, sound(seconds, number), RATE, format=kind)
        data += stream.getvalue()
        lengths.append(round(seconds * RATE))
    (tmp_path / "a.ogg").write_bytes(data)
    reader = Reader(tmp_path / "a.ogg")
    blocks: list[int] = []
    reader.tap = lambda block, rate: blocks.append(len(block))
    assert sum(map(len, reader)) == sum(lengths) == sum(blocks)
    assert reader.decoder["recordings"] == len(kinds)


def test_what_is_read_and_what_its_decoder_is_called(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sound(3.0, channels=2), RATE, subtype="PCM_24")
    reader = Reader(tmp_path / "a.wav")
    assert sum(map(len, reader)) == 3 * RATE
    assert reader.positions == ("FL", "FR")
    facts = {"name": "libsndfile", "format": "WAV PCM_24", "sample_rate": RATE, "channels": 2,
             "lag": 0.0, "repaired_samples": 0}  # fmt: skip
    assert {name: reader.decoder[name] for name in facts} == facts
    assert set(reader.decoder) == {*facts, "version"}


@pytest.mark.parametrize(
    ("kind", "codec", "edits", "metadata", "known"),
    [
        ("mov,mp4", "aac", None, {}, False), ("mov,mp4", "aac", EditList(True, 0.0), {}, True),
        ("mov,mp4", "aac", EditList(False, 0.0), {}, False),
        ("mov,mp4", "aac", None, {"iTunSMPB": "0"}, True), ("mov,mp4", "alac", None, {}, True),
        ("aac", "aac", EditList(True, 0.0), {"iTunSMPB": "0"}, False),
        ("ogg", "opus", None, {}, True),
        ("ogg", "vorbis", None, {}, True), ("asf", "wmav2", None, {}, False),
        ("wav", "pcm_s16le", None, {}, True), ("matroska", "flac", None, {}, True),
    ],
)  # fmt: skip
def test_whether_a_file_tells_where_its_music_begins(
    kind: str, codec: str, edits: EditList | None, metadata: dict[str, str], known: bool
) -> None:
    assert ffmpeg._start_known(edits, kind, codec, metadata) is known
    lag = ffmpeg.decoder(kind, codec, RATE, 2)["lag"]
    assert lag == (0.0 if codec in ("alac", "flac", "pcm_s16le") else None)


def test_a_frame_of_other_channels_becomes_their_mean() -> None:
    planes = np.array([[1.0, 2.0], [3.0, 6.0]])
    assert ffmpeg._as_channels(planes, 2).tolist() == [[1, 3], [2, 6]]
    assert ffmpeg._as_channels(planes, 1).tolist() == [[2], [4]]
    assert ffmpeg._as_channels(planes[:1], 2).tolist() == [[1, 1], [2, 2]]


def test_frames_that_cannot_be_decoded_are_silence() -> None:
    blocks = list(ffmpeg.mp3_blocks([b"no frame"] * 3, 1152, 2))
    assert [block.shape for block in blocks] == [(3456, 2)] and not blocks[0].any()
    many = list(ffmpeg.mp3_blocks([b"no frame"] * 60, 1152, 1))
    assert [len(block) for block in many] == [57 * 1152, 3 * 1152]  # 65,664 are enough
    assert list(ffmpeg.mp3_blocks([], 1152, 2)) == []


@pytest.mark.parametrize(
    ("text", "bpm"),
    [("999", 999.0), ("999.1", None), ("0", None), ("0.5", 0.5), ("12345", None), ("128,5", 128.5),
     ("128.", 128.0), (" 128 bpm ", 128.0), ("128 BPM", 128.0), ("-5", None), ("1e2", None),
     ("128" + " " * 497, 128.0), ("", None), ("128/64", None)],
)  # fmt: skip
def test_a_tempo_in_a_tag(text: str, bpm: float | None) -> None:
    assert tags.parse_bpm(text) == bpm


@pytest.mark.parametrize(
    ("fields", "bpm"),
    [
        ({"tbpm": ["128"], "txxx:bpm": ["128.9"]}, 128.9), ({"tbpm": ["128"]}, 128.0),
        ({"tbpm": ["128"], "txxx:bpm": ["129.0"]}, 129.0), ({"txxx:bpm": ["64.5"]}, 64.5),
        ({"tbpm": ["128"], "txxx:bpm": ["129.1"]}, 128.0), ({"tbpm": ["x"], "bpm": ["90"]}, 90.0),
        ({"tbpm": ["128"], "txxx:bpm": ["126.9"]}, 128.0), ({"tbpm": ["x", "91"]}, 91.0),
        ({}, None),
    ],
)  # fmt: skip
def test_the_exact_field_counts_within_one_of_the_standard_one(
    fields: dict[str, list[str]], bpm: float | None
) -> None:
    assert tags._bpm(fields) == bpm


def test_the_tempo_and_key_that_dropgrid_wrote_are_no_evidence() -> None:
    fields = {"txxx:dropgrid_bpm": ["127.5"], "txxx:dropgrid_key": ["8A"], "tbpm": ["128"],
              "txxx:bpm": ["127.5"], "tkey": ["8A"], "tit2": ["127.5"]}  # fmt: skip
    found = tags.without_own_fields(fields)
    assert (found["tbpm"], found["txxx:bpm"], found["tkey"]) == ([], [], [])
    assert found["tit2"] == ["127.5"]
    changed = fields | {"tbpm": ["127"], "txxx:bpm": ["64"], "tkey": ["9A"]}
    found = tags.without_own_fields(changed)
    assert (found["tbpm"], found["txxx:bpm"], found["tkey"]) == (["127"], ["64"], ["9A"])
    without = {name: texts for name, texts in fields.items() if "dropgrid" not in name}
    assert tags.without_own_fields(without) == without


def test_a_text_is_one_line_of_500_letters() -> None:
    assert tags._clean(" a\n\tb\0c  d ") == "a b c d"
    assert tags._clean("x" * 501) == "x" * 500
    assert tags._clean(" " * 2000 + "x") == "" and tags._clean(" " * 1999 + "x") == "x"
    assert tags._first_text({"a": [" "], "b": ["one", "two"]}, ("none", "a", "b")) == "one; two"


def test_a_file_gives_no_more_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    with (tmp_path / "a").open("rb") as stream:
        file = tags._BoundedFile(stream, str(tmp_path / "a"))
        assert (file.read(4), file.read(-1), file.read(5)) == (b"0123", b"456789", b"")
        assert tags.MAX_BYTES - file.bytes_left == 10 and tags.MAX_READS - file.reads_left == 3
        file.seek(0)
        file.bytes_left = 4
        assert file.read(4) == b"0123"
        with pytest.raises(OSError, match="larger than any honest"):
            file.read(1)
        file.bytes_left, file.reads_left = 100, 1
        assert file.read() == b"456789"
        with pytest.raises(OSError, match="larger than any honest"):
            file.read()


def chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def wav_with(*parts: bytes, kind: bytes = b"RIFF") -> io.BytesIO:
    return io.BytesIO(kind + bytes(4) + b"WAVE" + b"".join(parts))


def test_the_list_of_a_wav_is_found_behind_chunks_of_any_length() -> None:
    entries = (b"INAM", b"Title\0"), (b"IART", b"One"), (b"IXYZ", b"odd"), (b"IBPM", b"128\0rest")
    info = chunk(b"LIST", b"INFO" + b"".join(chunk(*e) for e in (*entries, (b"INAM", b"2nd"))))
    expected = {"title": ["Title"], "artist": ["One"], "bpm": ["128"]}
    for before in (
        b"",
        chunk(b"data", bytes(99)),
        chunk(b"LIST", b"adtlxyz"),
        chunk(b"a   ", bytes(4)),
    ):
        assert tags._info_fields(wav_with(before, info)) == expected
    assert tags._info_fields(wav_with(info, kind=b"RF64")) == expected
    assert tags._info_fields(wav_with(info, kind=b"RIFX")) == {}
    assert tags._info_fields(wav_with(chunk(b"data", bytes(8)))) == {}
    accents = chunk(b"LIST", b"INFO" + chunk(b"INAM", "é".encode("cp1252")))
    assert tags._info_fields(wav_with(accents)) == {"title": ["é"]}


def picture(kind: int, data: bytes) -> str:
    def text(value: bytes) -> bytes:
        return len(value).to_bytes(4, "big") + value

    block = (
        kind.to_bytes(4, "big") + text(b"image/png") + text(b"a cover") + bytes(16) + text(data)
    )
    return base64.b64encode(block + b"behind").decode()


PNG, JPEG = b"\x89PNG\r\n\x1a\nfirst", b"\xff\xd8\xffsecond"


def test_pictures_of_a_file_come_front_covers_first() -> None:
    assert artwork._of_block(picture(4, PNG)) == (4, PNG)
    flac = SimpleNamespace(
        pictures=[SimpleNamespace(type=4, data=PNG), SimpleNamespace(type=3, data=JPEG)], tags=None
    )
    assert artwork.pictures_in(flac) == [JPEG, PNG]
    back, front = SimpleNamespace(type=0, data=PNG), SimpleNamespace(type=3, data=JPEG)
    id3 = {"APIC:a": back, "APIC:b": front, "TIT2": "no picture"}
    assert artwork.pictures_in(SimpleNamespace(tags=id3)) == [JPEG, PNG]
    mp4 = {"covr": [JPEG, b"GIF89a", PNG]}
    assert artwork.pictures_in(SimpleNamespace(tags=mp4)) == [JPEG, PNG]
    ogg = {"metadata_block_picture": [picture(4, PNG), picture(3, JPEG)]}
    assert artwork.pictures_in(SimpleNamespace(tags=ogg)) == [JPEG, PNG]
    many: dict[str, Any] = {"covr": [PNG] * 30}
    assert len(artwork.pictures_in(SimpleNamespace(tags=many))) == 20
    assert artwork.pictures_in(SimpleNamespace(tags={"covr": [b"\x89PN"]})) == []


def png(width: int, height: int) -> bytes:
    import av

    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), "rgb24")
    encoder: Any = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "rgb24"
    encoder.time_base = artwork.Fraction(1, 1)
    return b"".join(bytes(p) for p in [*encoder.encode(frame), *encoder.encode(None)])


@pytest.mark.parametrize(
    ("width", "height", "shown"),
    [(30, 600, True), (30, 615, False), (615, 30, False), (7, 9, True)],
)
def test_a_cover_is_a_square_and_a_line_is_none(width: int, height: int, shown: bool) -> None:
    import av

    small = artwork.small_jpeg(png(width, height), 40)
    assert (small is not None) == shown
    if small is not None:
        decoder: Any = av.CodecContext.create("mjpeg", "r")
        (frame, *_) = [*decoder.decode(av.Packet(small)), *decoder.decode(None)]
        assert (frame.width, frame.height) == (40, 40)
        assert small[6:10] == b"JFIF"


def test_the_digest_and_the_pictures_of_a_files_cover(tmp_path: Path) -> None:
    import hashlib

    from mutagen.flac import FLAC, Picture

    path = tmp_path / "a.flac"
    soundfile.write(path, sound(0.2), RATE)
    assert (artwork.digest(path), artwork.pictures(path)) == ("", [])
    file, cover = FLAC(path), Picture()
    cover.type, cover.data = 3, png(50, 50)
    file.add_picture(cover)
    file.save()
    assert artwork.digest(path) == hashlib.sha256(cover.data).hexdigest()[:32]
    made = [base64.b64decode(text) for text in artwork.pictures(path)]
    assert [int.from_bytes(jpeg[jpeg.find(b"\xff\xc0") + 5 :][:2], "big") for jpeg in made] == [
        80,
        240,
    ]
    (tmp_path / "b.flac").write_bytes(b"fLaC but no file")
    assert artwork.digest(tmp_path / "b.flac") == ""


def test_seratos_tags_that_dropgrid_wrote_are_known_again() -> None:
    data = {serato.GRID: b"grid", serato.AUTOTAGS: b"tempo"}
    text = serato_file.stamp(data)
    assert (
        text.split()[0].startswith("Autotags:") and len(text.split()[1]) == len("BeatGrid:") + 16
    )
    assert serato_file.stamped(data, text) == set(data)
    assert serato_file.stamped(data | {serato.GRID: b"grid\0\0"}, text) == set(data)
    assert serato_file.stamped(data | {serato.GRID: b"other"}, text) == {serato.AUTOTAGS}
    assert serato_file.stamped(data, "") == frozenset()
    broken: list[str] = []
    assert serato_file._unpacked(serato.unpack_grid, None, broken) is None and broken == []
    assert serato_file._unpacked(serato.unpack_grid, b"x", broken) is None
    assert broken == ["not a beat grid of Serato's version 1.0"]


def test_pads_and_loops_of_a_track_in_milliseconds() -> None:
    track = Track(Path("a.flac"), bpm_record("a.flac"), structure_record("a.flac"))
    found = serato_track.cues_of(track)
    assert [(c.pad, c.time, c.name, c.end) for c in found] == [
        (pad, round(1000 * cue.time), cue.name, None) for pad, cue in pads(track)
    ] + [
        (i, round(1000 * loop.start), loop.name, round(1000 * loop.end))
        for i, loop in enumerate(loops(track))
    ]
    assert len(pads(track)) > 1 and len(loops(track)) > 0
    assert [c.rgb.hex() for c in found[: len(pads(track))]] == [
        cue.colour[1:] for _, cue in pads(track)
    ]
    assert set(serato_track.tags_of(track)) == {serato.GRID, serato.MARKERS2, serato.AUTOTAGS}
    unread = serato_track.tags_of(Track(Path("a.flac"), bpm_record("a.flac"), None))
    assert set(unread) == {serato.GRID, serato.AUTOTAGS}
