"""Damaged, strange and badly named files, made from scratch or from a short real track."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import soundfile

RATE = 44100


def flac(samples: np.ndarray, rate: int = RATE) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format="FLAC")
    return stream.getvalue()


def float_wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples.astype(np.float32), rate, format="WAV", subtype="FLOAT")
    return stream.getvalue()


def wav_header(*, rate: int, channels: int, size: int, bits: int = 16) -> bytes:
    """The 44 bytes of a PCM WAV file's header, with any values, true or not."""
    block = channels * bits // 8
    return (
        b"RIFF" + struct.pack("<I", (size + 36) & 0xFFFFFFFF) + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, channels, rate, (rate * block) & 0xFFFFFFFF,
                      block & 0xFFFF, bits)
        + b"data" + struct.pack("<I", size & 0xFFFFFFFF)
    )  # fmt: skip


def unusable(song: np.ndarray) -> dict[str, bytes]:
    """Name -> bytes of files that cannot be analysed. song: mono samples of a real track."""
    whole = flac(song)
    pcm = (song * 32767).astype("<i2").tobytes()
    header = wav_header(rate=RATE, channels=1, size=len(pcm))
    longest = bytearray(whole)
    longest[21:26] = bytes([longest[21] | 0x0F, 0xFF, 0xFF, 0xFF, 0xFF])  # STREAMINFO: 2^36 - 1
    return {
        "empty.wav": b"",
        "one-byte.mp3": b"\xff",
        "letter.mp3": b"Dear DJ, this is not music. " * 200,
        "zeros.mp3": bytes(100_000),
        "page.flac": b"<!DOCTYPE html><html>404</html>",
        "header-only.wav": wav_header(rate=RATE, channels=2, size=0),
        "cut-in-header.flac": whole[:30],
        "cut.flac": whole[: len(whole) // 3],
        "no-codec.wav": header[:20] + b"\0\0" + header[22:] + pcm,
        "no-rate.wav": wav_header(rate=0, channels=1, size=len(pcm)) + pcm,
        "no-channels.wav": wav_header(rate=RATE, channels=0, size=len(pcm)) + pcm,
        "claims-2-to-the-36-samples.flac": bytes(longest),
        "tenth-of-a-second.wav": float_wav(song[: RATE // 10]),
        "silence.flac": flac(np.zeros(8 * RATE)),
        "all-nan.wav": float_wav(np.full(8 * RATE, np.nan)),
    }


def odd(song: np.ndarray) -> dict[str, bytes]:
    """Name -> bytes of strange files, which may be analysed or refused."""
    pcm = (song * 32767).astype("<i2").tobytes()
    click = np.zeros(8 * RATE)
    click[4 * RATE] = 1.0
    spoilt = song.copy()
    spoilt[1000:1100] = np.nan
    spoilt[50_000] = np.inf
    return {
        "claims-4-gb.wav": wav_header(rate=RATE, channels=1, size=0xFFFFFFFE) + pcm,
        "claims-4-ghz.wav": wav_header(rate=4_000_000_000, channels=1, size=len(pcm)) + pcm,
        "one-hertz.wav": wav_header(rate=1, channels=1, size=len(pcm)) + pcm,
        "255-channels.wav": wav_header(rate=RATE, channels=255, size=len(pcm)) + pcm,
        "one-click.flac": flac(click),
        "constant.wav": float_wav(np.full(8 * RATE, 0.5)),
        "denormal.wav": float_wav(song * 1e-40),
        "huge.wav": float_wav(song * 1e30),
        "clipped.wav": float_wav(np.clip(song * 100, -1, 1)),
        "some-nan.wav": float_wav(spoilt),
        "half-a-second.wav": float_wav(song[: RATE // 2]),
        "two-seconds.wav": float_wav(song[: 2 * RATE]),
    }


def hostile_names() -> list[bytes]:
    """File names, as bytes, that break tools which insert names into shells or patterns."""
    return [
        b"with space.flac", b" leading and trailing .flac", b"-rf.flac", b"--help.flac",
        b"quote's.flac", b'double".flac', b"back\\slash.flac", b"back`tick`.flac",
        b"{track}.flac", b"{{x}}.flac", b"%s%n.flac", b"$(touch pwned).flac", b"$HOME.flac",
        b"a;touch pwned;.flac", b"a&b|c<d>e.flac", b"star*[a-z]?.flac", b"#hash!.flac",
        b"~.flac", b"new\nline.flac", b"tab\there.flac", b"\x1b[2Jclear.flac", b"comma,.flac",
        "Übermut ♫ 東京.flac".encode(), "e\u0301.flac".encode(), "\u00e9.flac".encode(),
        "\u202eright-to-left.flac".encode(), b"broken-\xff\xfe.flac", b"CASE.flac", b"case.flac",
        b"x" * 250 + b".flac", "\U0001f3b5".encode() * 62 + b".flac", b"con.flac",
    ]  # fmt: skip


def write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def write_names(folder: Path, data: bytes) -> list[bytes]:
    """Write one file under each hostile name; return the names that the file system accepted."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in hostile_names():
        try:
            with open(os.path.join(os.fsencode(folder), name), "xb") as stream:
                stream.write(data)
        except OSError:  # some file systems refuse such bytes, or ignore case
            continue
        written.append(name)
    return written
