"""Whole files are analysed whole, whatever stands behind the music; cut ones are refused.

Items E1, E2, E5 and F (a decoder's errors) of the table in README.md beside this file.
"""

from __future__ import annotations

import errno
import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audio_containers import RATE, tone, write_audio
from dropgrid.audio.reader import ANOTHER_BEHIND, NO_LAST_PAGE, Reader
from dropgrid.base.errors import DecodeError, InvalidReference
from dropgrid.jobs.policy import classify
from dropgrid.references.collect import read_sources

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 4.0
ID3V1 = b"TAG" + b"A title".ljust(90, b"\0") + b"2020" + bytes(30) + b"\xff"


def ape() -> bytes:
    """An APEv2 tag of one item, with header and footer."""
    item = struct.pack("<II", 3, 0) + b"BPM\0" + b"128"

    def end(flags: int) -> bytes:
        return b"APETAGEX" + struct.pack("<IIII", 2000, len(item) + 32, 1, flags) + bytes(8)

    return end(0xA0000000) + item + end(0x80000000)


TRAILERS = {
    "zero": b"\0",
    "zeros": bytes(5000),
    "id3v1": ID3V1,
    "ape": ape(),
    "lyrics3": b"LYRICSBEGININD0000200LYR00005Hello000032LYRICS200" + ID3V1,
    "text": b"Downloaded from somewhere.\n" * 5,
    "0xff": b"\xff" * 1000,
    "odd 0xff": b"\xff",
}


def seconds_of(path: Path) -> float:
    return sum(map(len, Reader(path))) / RATE


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    kinds = ("ogg", "opus", "wav", "aiff", "flac", "mp3", "m4a", "wma")
    return {k: write_audio(folder / f"a.{k}", SECONDS).read_bytes() for k in kinds}


@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize("kind", ["ogg", "opus", "wav", "aiff", "flac", "mp3", "m4a", "wma"])
def test_data_after_the_music_does_not_make_it_shorter(
    tmp_path: Path, whole: dict[str, bytes], kind: str, trailer: str
) -> None:
    path = tmp_path / f"song.{kind}"
    path.write_bytes(whole[kind] + TRAILERS[trailer])
    assert seconds_of(path) == pytest.approx(SECONDS, abs=0.07)


@pytest.mark.parametrize("trailer", [b"", *TRAILERS.values()])
@pytest.mark.parametrize("kind", ["ogg", "opus", "wav", "aiff", "flac", "mp3", "m4a", "wma"])
def test_a_truncated_file_is_refused_whatever_follows_it(
    tmp_path: Path, whole: dict[str, bytes], kind: str, trailer: bytes
) -> None:
    path = tmp_path / f"song.{kind}"
    path.write_bytes(whole[kind][: len(whole[kind]) * 6 // 10] + trailer)
    with pytest.raises(DecodeError, match=r"cut short|no audio"):
        seconds_of(path)


@pytest.mark.parametrize(
    ("riff", "data"), [(0, None), (0, 0), (None, 0), (1, None), (None, 1), (1, 1), (-9, None)]
)
def test_a_wav_is_whole_if_its_audio_is(
    tmp_path: Path, whole: dict[str, bytes], riff: int | None, data: int | None
) -> None:
    """Sizes: 0 is written to a pipe; other numbers are added to the right one."""
    wav = bytearray(whole["wav"])
    for at, change in ((4, riff), (wav.index(b"data") + 4, data)):
        if change is not None:
            (right,) = struct.unpack_from("<I", wav, at)
            struct.pack_into("<I", wav, at, right + change if change else 0)
    path = tmp_path / "song.wav"
    path.write_bytes(wav)
    assert seconds_of(path) == pytest.approx(SECONDS, abs=0.001)


def test_a_wav_whose_header_gives_too_much_is_cut_short(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    wav = bytearray(whole["wav"])
    at = wav.index(b"data") + 4
    struct.pack_into("<I", wav, at, struct.unpack_from("<I", wav, at)[0] + 2 * RATE)
    (tmp_path / "song.wav").write_bytes(wav)
    with pytest.raises(DecodeError, match=r"cut short: 4\.00 s of the 5\.00 s its header"):
        Reader(tmp_path / "song.wav")


def test_an_ogg_without_its_last_page_is_read_and_reported(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    data = whole["ogg"]
    (tmp_path / "song.ogg").write_bytes(data[: data.rindex(b"OggS")])
    reader = Reader(tmp_path / "song.ogg")
    assert sum(map(len, reader)) > RATE
    assert reader.decoder["problem"] == NO_LAST_PAGE
    (tmp_path / "whole.ogg").write_bytes(data)
    assert "problem" not in Reader(tmp_path / "whole.ogg").decoder


@pytest.mark.parametrize("between", [b"", ID3V1, bytes(3000)], ids=["", "a tag", "zeros"])
@pytest.mark.parametrize("kind", ["ogg", "opus", "mp3"])
def test_two_recordings_in_one_file_are_both_analysed(
    tmp_path: Path, whole: dict[str, bytes], kind: str, between: bytes
) -> None:
    path = tmp_path / f"twice.{kind}"
    path.write_bytes(whole[kind] + between + whole[kind])
    reader = Reader(path)
    samples = np.concatenate(list(reader))[:, 0]
    assert len(samples) / RATE == pytest.approx(2 * SECONDS, abs=0.02)
    assert reader.decoder["recordings"] == 2
    (tmp_path / f"once.{kind}").write_bytes(whole[kind])
    once = np.concatenate(list(Reader(tmp_path / f"once.{kind}")))[:, 0]
    step = 1 / 32768 if kind == "ogg" else 0  # one Vorbis file is FFmpeg's, a chain libsndfile's
    np.testing.assert_allclose(samples, np.concatenate([once, once]), rtol=0, atol=step)


@pytest.mark.parametrize("between", [b"", ID3V1], ids=["", "a tag"])
@pytest.mark.parametrize("kind", ["wav", "aiff", "flac", "m4a", "wma"])
def test_where_a_decoder_stops_after_the_first_recording_this_is_reported(
    tmp_path: Path, whole: dict[str, bytes], kind: str, between: bytes
) -> None:
    path = tmp_path / f"twice.{kind}"
    path.write_bytes(whole[kind] + between + whole[kind])
    reader = Reader(path)
    assert sum(map(len, reader)) / RATE == pytest.approx(SECONDS, abs=0.07)
    assert reader.decoder["problem"] == ANOTHER_BEHIND


@pytest.mark.parametrize("kind", ["ogg", "opus", "mp3"])
def test_the_second_of_two_recordings_may_be_cut_short(
    tmp_path: Path, whole: dict[str, bytes], kind: str
) -> None:
    data = whole[kind]
    (tmp_path / f"twice.{kind}").write_bytes(data + data[: len(data) * 6 // 10])
    with pytest.raises(DecodeError, match="cut short"):
        seconds_of(tmp_path / f"twice.{kind}")


def test_recordings_of_other_rates_follow_each_other_in_time(tmp_path: Path) -> None:
    data = b""
    for rate, channels in ((44100, 1), (22050, 2)):
        stream = io.BytesIO()
        samples = np.tile(tone(2.0, rate)[:, None], (1, channels))
        soundfile.write(stream, samples, rate, format="OGG")
        data += stream.getvalue()
    (tmp_path / "chain.ogg").write_bytes(data)
    assert seconds_of(tmp_path / "chain.ogg") == pytest.approx(4.0, abs=0.01)


def test_a_second_mp3_with_a_large_tag_of_its_own_is_found(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    from mutagen.id3 import APIC, ID3

    path = tmp_path / "second.mp3"
    path.write_bytes(whole["mp3"])
    tags = ID3()
    tags.add(APIC(encoding=0, mime="image/png", type=3, desc="", data=b"\xff\xfb\x90" * 10**6))
    tags.save(path)
    (tmp_path / "twice.mp3").write_bytes(whole["mp3"] + path.read_bytes())
    assert seconds_of(tmp_path / "twice.mp3") == pytest.approx(2 * SECONDS, abs=0.02)


@pytest.mark.parametrize("reported", [0, 1000, 20_000, 2**31])
@pytest.mark.parametrize("copies", [1, 2])
def test_an_mp3_with_wrong_sizes_is_read_as_far_as_its_frames_go(
    tmp_path: Path, whole: dict[str, bytes], reported: int, copies: int
) -> None:
    data = bytearray(whole["mp3"])
    at = max(data.find(b"Xing"), data.find(b"Info"))
    struct.pack_into(">I", data, at + 12, reported)
    (tmp_path / "song.mp3").write_bytes(bytes(data) * copies)
    assert seconds_of(tmp_path / "song.mp3") == pytest.approx(copies * SECONDS, abs=0.02)


def test_a_record_of_an_ordinary_file_says_nothing_new(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    for kind, data in whole.items():
        (tmp_path / f"a.{kind}").write_bytes(data)
        assert not {"problem", "recordings"} & set(Reader(tmp_path / f"a.{kind}").decoder)


def test_what_may_be_wrong_with_a_file_is_seen_where_people_look(
    tmp_path: Path, whole: dict[str, bytes]
) -> None:
    import jsonschema
    from dropgrid.api import analyze
    from dropgrid.library import scan
    from dropgrid.records.model import problem_of
    from dropgrid.records.store import to_json, write_record
    from dropgrid.report.collect import collect
    from dropgrid.report.encode import row
    from dropgrid.results.scan_store import write_tickets
    from dropgrid.results.table import read_table, write_table
    from dropgrid.results.terminal_table import listing

    music, results = tmp_path / "music", tmp_path / "results"
    music.mkdir()
    data = whole["ogg"]
    (music / "lost.ogg").write_bytes(data[: data.rindex(b"OggS")])
    (music / "twice.mp3").write_bytes(whole["mp3"] * 2)
    write_tickets(scan(str(music)), results)
    schema = json.loads((ROOT / "workflow/schemas/bpm.schema.json").read_text())
    for path in sorted(music.iterdir()):
        bpm = analyze(path).bpm
        assert bpm is not None
        jsonschema.validate(json.loads(to_json(bpm)), schema)
        write_record(results / "bpm" / f"{bpm.track}.json", bpm)
        assert problem_of(bpm) == (f"audio: {NO_LAST_PAGE}" if path.suffix == ".ogg" else None)
    write_table(results, ["bpm"])
    assert [r["problem"] for r in read_table(results)] == [f"audio: {NO_LAST_PAGE}", ""]
    to_check = listing(results).partition("\n\nto check:\n")[2]
    assert f"  lost.ogg: The file: audio: {NO_LAST_PAGE}" in to_check.splitlines()
    assert "The file" not in to_check.partition("twice.mp3")[2]
    shown = [row(view, tmp_path / "page.html") for view in collect(results).tracks]
    of_files = [[text for part, text in v["check"] or () if part == "file"] for v in shown]
    assert of_files == [[f"The file: audio: {NO_LAST_PAGE}"], []]


REFERENCES = {
    "twice.json": '{"track": "a",\n "bpm": 128,\n "bpm": 140}',
    "nested.json": '[{"track": "a", "sections":\n [{"start": 0, "end": 9, "label": "drop",'
    ' "end": 8}]}]',
    "keyed.json": '{"a": {"bpm": 128},\n "a": {"bpm": 140}}',
    "twice.jams": '{"file_metadata": {"duration": 1}, "annotations": [], "annotations": []}',
}


@pytest.mark.parametrize(
    ("name", "line", "key"),
    [("twice.json", 1, "bpm"), ("nested.json", 2, "end"), ("keyed.json", 1, "a"),
     ("twice.jams", 1, "annotations")],
)  # fmt: skip
def test_a_key_that_a_reference_has_twice_is_refused(
    tmp_path: Path, name: str, line: int, key: str
) -> None:
    path = tmp_path / name
    path.write_text(REFERENCES[name])
    json.loads(REFERENCES[name])  # to others it is JSON
    with pytest.raises(InvalidReference) as caught:
        read_sources([str(path)])
    assert str(caught.value) == f"{path}:{line}: the key '{key}' stands there twice"


def test_what_a_decoder_calls_a_timeout_is_the_files_fault_and_what_the_disk_does_is_not() -> None:
    from av.error import FFmpegError, err_check

    for number in (errno.ETIMEDOUT, errno.EIO, errno.EAGAIN, errno.ECONNRESET, errno.ENODEV):
        with pytest.raises(FFmpegError) as decoders:
            err_check(-number)
        for cause, fault in ((decoders.value, "track"), (OSError(number, "said"), "machine")):
            error = DecodeError("a.mp3: damaged")
            error.__cause__ = cause
            assert classify(error, "features")[0] == fault, cause
    with pytest.raises(FFmpegError) as decoders:
        err_check(-errno.ENOMEM)
    assert classify(decoders.value, "features")[0] == "machine"


def test_a_disk_that_fails_within_a_chain_of_recordings_is_not_the_files_fault(
    tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dropgrid.audio import reader as audio

    path = tmp_path / "twice.ogg"
    path.write_bytes(whole["ogg"] + whole["ogg"])

    class Failing(io.FileIO):
        def readinto(self, buffer: object) -> int:
            raise OSError(errno.EIO, "Input/output error")

    def fail(self: audio.FilePart, path: Path, start: int, end: int) -> None:
        original(self, path, start, end)
        self._stream = Failing(path)

    original = audio.FilePart.__init__
    blocks = iter(Reader(path))
    next(blocks)
    monkeypatch.setattr(audio.FilePart, "__init__", fail)
    with pytest.raises(OSError, match="Input/output error") as caught:
        list(blocks)
    assert classify(caught.value, "features")[0] == "machine"
