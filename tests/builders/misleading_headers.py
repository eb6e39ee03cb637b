"""Files with headers that do not agree with their content."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from dropgrid.audio.mp3 import _crc16
from dropgrid.audio.mp3_frames import frame_length
from dropgrid.audio.ogg import _checksum

RATE = 44100


def music(seconds: float = 12.0) -> np.ndarray:
    """Noise with a constantly changing level, float32 mono, without repetition."""
    samples = np.random.default_rng(5).normal(0, 0.1, int(seconds * RATE))
    swell = 1 + np.sin(np.arange(len(samples)) / 5000)
    return (samples * swell).astype(np.float32)


def bare_mp3(path: Path, samples: np.ndarray, kilobits: int = 192) -> bytes:
    """An MP3 without an info frame, of mono samples."""
    import av

    with av.open(str(path), "w", options={"write_xing": "0"}) as output:
        stream: Any = output.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = 1000 * kilobits
        for start in range(0, len(samples), 1152):
            block = samples[None, start : start + 1152]
            frame = av.AudioFrame.from_ndarray(block, "fltp", "mono")
            frame.sample_rate, frame.pts = RATE, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return without_id3(path.read_bytes())


def without_id3(mp3: bytes) -> bytes:
    """An MP3 without the ID3v2 tag before it."""
    if mp3[:3] != b"ID3":
        return mp3
    return mp3[
        10 + sum(byte << shift for byte, shift in zip(mp3[6:10], (21, 14, 7, 0), strict=True)) :
    ]


def id3(content: bytes) -> bytes:
    """An ID3v2.3 tag."""
    return b"ID3\3\0\0" + bytes(len(content) >> n & 127 for n in (21, 14, 7, 0)) + content


def picture() -> bytes:
    """A frame of an ID3 tag with a cover that contains many sync words of frames."""
    data = b"\0image/jpeg\0\3\0\xff\xd8\xff\xe0" + bytes((i * 37 + 11) % 255 for i in range(60000))
    data += b"\xff\xfb\x90\x64" * 500
    return b"APIC" + struct.pack(">I", len(data)) + b"\0\0" + data


def frames_of(mp3: bytes) -> list[bytes]:
    """The frames of an MP3 that begins with one."""
    found = []
    at = 0
    while (length := frame_length(mp3[at : at + 4])) is not None:
        found.append(mp3[at : at + length])
        at += length
    return found


def tell_frames(mp3: bytes, count: int, sealed: bool = True) -> bytes:
    """The MP3 with `count` frames in its info frame. sealed: the checksum is right."""
    data = bytearray(mp3)
    at = max(data.find(b"Xing"), data.find(b"Info"))
    struct.pack_into(">I", data, at + 8, count)
    if sealed:
        struct.pack_into(">H", data, at + 154, _crc16(bytes(data[: at + 154])))
    return bytes(data)


def declared_frames(mp3: bytes) -> int:
    at = max(mp3.find(b"Xing"), mp3.find(b"Info"))
    return int.from_bytes(mp3[at + 8 : at + 12], "big")


def vbri(bare: bytes, reported: int | None = None) -> bytes:
    """An MP3 with Fraunhofer's info frame before the frames of one that has none."""
    first = frames_of(bare[:8000])[0]
    count = len(frames_of(bare)) if reported is None else reported
    fields = struct.pack(">HHHIIHHHH", 1, 1105, 75, len(bare) + len(first), count, 0, 1, 2, 1)
    frame = bytearray(first[:4] + bytes(len(first) - 4))
    frame[36:62] = b"VBRI" + fields[:22]
    return bytes(frame) + bare


def tell_flac_samples(flac: bytes, count: int) -> bytes:
    """The FLAC file with `count` samples in its STREAMINFO; 0: unknown."""
    data = bytearray(flac)
    data[21] = data[21] & 0xF0 | count >> 32
    struct.pack_into(">I", data, 22, count & 0xFFFFFFFF)
    return bytes(data)


def pages(ogg: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(ogg):
        segments = ogg[at + 26]
        end = at + 27 + segments + sum(ogg[at + 27 : at + 27 + segments])
        yield ogg[at:end]
        at = end


def tell_positions(ogg: bytes, change: Callable[[int, int, int], int]) -> bytes:
    """An Ogg file with other positions: change(the old one, the page's number, how many)."""
    found = list(pages(ogg))
    changed = []
    for number, page in enumerate(found):
        data = bytearray(page)
        (position,) = struct.unpack_from("<q", data, 6)
        if position > 0:
            struct.pack_into("<q", data, 6, change(position, number, len(found)))
        struct.pack_into("<I", data, 22, _checksum(bytes(data)))
        changed.append(bytes(data))
    return b"".join(changed)


def tell_chunk_size(data: bytes, name: bytes, size: int, form: str) -> bytes:
    """A file of chunks with another size in one of them. form: its format for struct."""
    changed = bytearray(data)
    struct.pack_into(form, changed, data.index(name) + 4, size)
    return bytes(changed)


def click(seconds: float = 2.0) -> np.ndarray:
    """Silence with a burst of 1 kHz at 1 s; float32 mono."""
    samples = np.random.default_rng(0).normal(0, 1e-4, int(seconds * RATE))
    time = np.arange(2000)
    samples[RATE : RATE + 2000] += 0.8 * np.sin(2 * np.pi * 1000 * time / RATE) * np.hanning(2000)
    return samples.astype(np.float32)


def lag(decoded: np.ndarray) -> int:
    """The delay of decoded audio against the click in samples, by cross-correlation."""
    size = 2**18
    spectrum = np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(click(), size))
    place = int(np.argmax(np.fft.irfft(spectrum, size)))
    return place if place < size // 2 else place - size
