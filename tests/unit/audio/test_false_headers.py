"""A header that promises less than there is: all is analysed, or the record says what is not."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import misleading_headers as forge
import numpy as np
import pytest
import soundfile
from audio_containers import write_audio
from dropgrid.audio.reader import Reader
from dropgrid.base.errors import DecodeError
from misleading_headers import RATE, music

SECONDS = 12.0


def read(path: Path) -> tuple[float, dict[str, object]]:
    """How many seconds of a file are decoded, and by what."""
    reader = Reader(path)
    return sum(map(len, reader)) / RATE, reader.decoder


def encoded(kind: str, subtype: str | None = None) -> bytes:
    stream = io.BytesIO()
    rate = 48000 if subtype == "OPUS" else RATE
    samples = np.interp(
        np.arange(int(SECONDS * rate)) / rate,
        np.arange(int(SECONDS * RATE)) / RATE,
        music(SECONDS),
    )
    soundfile.write(stream, samples, rate, format=kind, subtype=subtype)
    return stream.getvalue()


@pytest.fixture(scope="module")
def mp3() -> bytes:
    return encoded("MP3")


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_an_mp3_whose_info_frame_counts_too_few_frames_is_read_to_its_end(
    tmp_path: Path, mp3: bytes, share: float, sealed: bool
) -> None:
    reported = int(share * forge.declared_frames(mp3))
    path = tmp_path / "a.mp3"
    path.write_bytes(forge.tell_frames(mp3, reported, sealed))
    seconds, decoder = read(path)
    assert seconds == pytest.approx(SECONDS, abs=0.1)
    assert ("problem" in decoder) == bool(reported)
    if reported:
        assert str(decoder["problem"]).startswith(f"its info frame promises {reported} frames of ")


def test_an_mp3_that_begins_loud_and_tells_no_length_is_read_to_its_end(tmp_path: Path) -> None:
    """libsndfile guesses the length of a file from its first frames and stops there."""
    loud = forge.bare_mp3(tmp_path / "loud.mp3", music(4.0), 320)
    quiet = forge.bare_mp3(tmp_path / "quiet.mp3", music(8.0), 48)
    path = tmp_path / "a.mp3"
    path.write_bytes(loud + quiet)
    assert soundfile.info(path).frames < 10 * RATE
    assert read(path)[0] == pytest.approx(12.0, abs=0.15)


@pytest.mark.parametrize("count", [10, 5000, 200])
def test_an_mp3_with_stray_bytes_within_is_read_to_its_end_and_reported_as_damaged(
    tmp_path: Path, mp3: bytes, count: int
) -> None:
    frames = forge.frames_of(forge.without_id3(mp3))
    middle = len(frames) // 2
    data = b"".join(frames[:middle]) + bytes(count) + b"".join(frames[middle:])
    (tmp_path / "a.mp3").write_bytes(data)
    seconds, decoder = read(tmp_path / "a.mp3")
    assert seconds == pytest.approx(SECONDS, abs=0.1)
    assert "bytes that are no music stand in one place" in str(decoder["problem"])


@pytest.mark.parametrize("how", ["gone", "zeros"])
def test_an_mp3_that_has_lost_a_frame_says_so(tmp_path: Path, mp3: bytes, how: str) -> None:
    frames = forge.frames_of(forge.without_id3(mp3))
    middle = len(frames) // 2
    frames[middle] = b"" if how == "gone" else bytes(len(frames[middle]))
    (tmp_path / "a.mp3").write_bytes(b"".join(frames))
    _, decoder = read(tmp_path / "a.mp3")
    assert f"of {len(frames) - 1} frames 1 are missing, 26 ms" in str(decoder["problem"])
    (tmp_path / "whole.mp3").write_bytes(mp3)
    assert "problem" not in read(tmp_path / "whole.mp3")[1]


def test_an_mp3_whose_last_frame_is_cut_has_lost_nothing_within(
    tmp_path: Path, mp3: bytes
) -> None:
    (tmp_path / "a.mp3").write_bytes(mp3[:-50])
    assert "problem" not in read(tmp_path / "a.mp3")[1]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.95])
def test_a_flac_that_promises_too_few_samples_is_read_to_its_end(
    tmp_path: Path, share: float
) -> None:
    whole = encoded("FLAC")
    reported = int(share * SECONDS * RATE)
    (tmp_path / "a.flac").write_bytes(forge.tell_flac_samples(whole, reported))
    (tmp_path / "whole.flac").write_bytes(whole)
    reader = Reader(tmp_path / "a.flac")
    samples = np.concatenate(list(reader))
    np.testing.assert_array_equal(samples, np.concatenate(list(Reader(tmp_path / "whole.flac"))))
    promised = (
        f"its header promises {reported / RATE:.2f} s, and there is more, which was analysed"
    )
    assert reader.decoder["problem"] == promised


def test_a_flac_that_was_written_to_a_pipe_is_read(tmp_path: Path) -> None:
    whole = encoded("FLAC")
    (tmp_path / "a.flac").write_bytes(forge.tell_flac_samples(whole, 0))
    seconds, decoder = read(tmp_path / "a.flac")
    assert seconds == SECONDS
    assert decoder["name"] == "ffmpeg"
    assert "problem" not in decoder


@pytest.mark.parametrize("reported", [None, 0])
@pytest.mark.parametrize("harm", ["cut", "hole", "gone"])
def test_a_flac_that_is_damaged_is_refused_whoever_decodes_it(
    tmp_path: Path, harm: str, reported: int | None
) -> None:
    whole = encoded("FLAC")
    data = whole if reported is None else forge.tell_flac_samples(whole, reported)
    middle = len(data) // 2
    harmed = {
        "cut": data[:middle],
        "hole": data[:middle] + bytes(50) + data[middle + 50 :],
        "gone": data[:middle] + data[middle + 20_000 :],
    }[harm]
    (tmp_path / "a.flac").write_bytes(harmed)
    with pytest.raises(DecodeError, match="damaged or cut short"):
        read(tmp_path / "a.flac")


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_whose_last_page_gives_too_little_is_read_to_its_end(
    tmp_path: Path, subtype: str
) -> None:
    data = forge.tell_positions(
        encoded("OGG", subtype), lambda old, page, count: old // 2 if page == count - 1 else old
    )
    (tmp_path / "a.ogg").write_bytes(data)
    seconds, decoder = read(tmp_path / "a.ogg")
    lost = 1.0 if subtype == "OPUS" else 0.05  # FFmpeg leaves out what is behind on that page
    assert seconds == pytest.approx(SECONDS, abs=lost)
    assert "and there is more, which was analysed" in str(decoder["problem"])


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_whose_pages_all_give_too_little_is_read_to_its_end(
    tmp_path: Path, subtype: str
) -> None:
    data = forge.tell_positions(encoded("OGG", subtype), lambda old, page, count: old // 2)
    (tmp_path / "a.ogg").write_bytes(data)
    lost = 1.0 if subtype == "OPUS" else 0.05
    assert read(tmp_path / "a.ogg")[0] == pytest.approx(SECONDS, abs=lost)


@pytest.mark.parametrize("samples", [300, 960, 3000])
def test_an_opus_file_with_a_gap_in_its_positions_is_read(tmp_path: Path, samples: int) -> None:
    data = forge.tell_positions(
        encoded("OGG", "OPUS"), lambda old, page, count: old + samples * (page > count // 2)
    )
    (tmp_path / "a.opus").write_bytes(data)
    seconds, decoder = read(tmp_path / "a.opus")
    assert seconds == pytest.approx(SECONDS, abs=0.1)
    assert "problem" not in decoder


def test_an_ogg_with_a_damaged_page_says_so(tmp_path: Path) -> None:
    data = encoded("OGG", "OPUS")
    middle = len(data) // 2
    (tmp_path / "a.opus").write_bytes(data[:middle] + bytes(50) + data[middle + 50 :])
    assert "of its pages" in str(read(tmp_path / "a.opus")[1]["problem"])


@pytest.mark.parametrize(
    ("kind", "chunk", "form", "extra"),
    [("WAV", b"data", "<I", 0), ("AIFF", b"SSND", ">I", 8), ("CAF", b"data", ">q", 4)],
)
def test_audio_behind_the_chunk_of_the_audio_is_reported(
    tmp_path: Path, kind: str, chunk: bytes, form: str, extra: int
) -> None:
    half = int(SECONDS * RATE)  # bytes: two a sample
    data = forge.tell_chunk_size(encoded(kind, "PCM_16"), chunk, half + extra, form)
    (tmp_path / "a.wav").write_bytes(data)
    seconds, decoder = read(tmp_path / "a.wav")
    assert seconds == SECONDS / 2
    assert "perhaps 6.0 s of music, which were not analysed" in str(decoder["problem"])


def test_an_rf64_whose_header_gives_too_little_is_reported(tmp_path: Path) -> None:
    data = bytearray(encoded("RF64", "PCM_16"))
    struct.pack_into("<Q", data, data.index(b"ds64") + 16, int(SECONDS * RATE))
    (tmp_path / "a.wav").write_bytes(data)
    seconds, decoder = read(tmp_path / "a.wav")
    assert seconds == SECONDS / 2
    assert "perhaps 6.0 s of music" in str(decoder["problem"])


def test_a_wav_beyond_4_gib_whose_size_has_wrapped_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sizes of 32 bits, made small: 2^18 bytes, so that no 4 GiB are decoded."""
    from dropgrid.audio import chunks

    monkeypatch.setattr(chunks, "WRAPPED", 2**18)
    whole = encoded("WAV", "PCM_16")
    size = int(2 * SECONDS * RATE)
    (tmp_path / "a.wav").write_bytes(
        forge.tell_chunk_size(whole, b"data", size % 2**18, "<I") + b"LIST\4\0\0\0INFO"
    )
    (tmp_path / "whole.wav").write_bytes(whole)
    reader = Reader(tmp_path / "a.wav")
    samples = np.concatenate(list(reader))
    np.testing.assert_array_equal(samples, np.concatenate(list(Reader(tmp_path / "whole.wav"))))
    assert "its header, in 32 bits, promises" in reader.decoder["problem"]


def test_a_sparse_wav_beyond_4_gib_is_seen_to_have_wrapped(tmp_path: Path) -> None:
    from dropgrid.audio.chunks import audio_chunk, wrapped_end

    whole = encoded("WAV", "PCM_16")
    path = tmp_path / "a.wav"
    reported = 100_000
    with path.open("wb") as stream:
        stream.write(forge.tell_chunk_size(whole, b"data", reported, "<I"))
        stream.truncate(44 + 2**32 + reported)
    chunk = audio_chunk(path)
    assert chunk is not None
    assert wrapped_end(path, chunk) == 44 + 2**32 + reported


@pytest.mark.parametrize("behind", [b"", bytes(200_000), b"\xff" * 200_000, b"words " * 40_000])
def test_data_other_than_audio_after_a_wav_is_not_reported(tmp_path: Path, behind: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAV", "PCM_16") + behind)
    assert "problem" not in read(tmp_path / "a.wav")[1]


@pytest.fixture(scope="module")
def m4a(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_audio(tmp_path_factory.mktemp("m4a") / "a.m4a", 4.0).read_bytes()


@pytest.mark.parametrize(
    ("atom", "at"), [(b"mdhd", 20), (b"mvhd", 20), (b"tkhd", 24), (b"stts", 12), (b"stts", 16)]
)
def test_an_m4a_that_tells_too_short_times_is_read_to_its_end(
    tmp_path: Path, m4a: bytes, atom: bytes, at: int
) -> None:
    data = bytearray(m4a)
    place = data.index(atom) + at
    struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] // 2)
    (tmp_path / "a.m4a").write_bytes(data)
    assert read(tmp_path / "a.m4a")[0] == pytest.approx(4.0, abs=0.05)


def test_an_m4a_whose_edit_list_ends_early_says_so(tmp_path: Path, m4a: bytes) -> None:
    data = bytearray(m4a)
    place = data.index(b"elst") + 12
    struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] // 2)
    (tmp_path / "a.m4a").write_bytes(data)
    seconds, decoder = read(tmp_path / "a.m4a")
    assert seconds == pytest.approx(2.0, abs=0.05)
    assert decoder["problem"] == "its edit list ends 2.0 s early; they were not analysed"
    (tmp_path / "whole.m4a").write_bytes(m4a)
    assert "problem" not in read(tmp_path / "whole.m4a")[1]
