"""The cover in a file's tags, as small JPEGs.

Only JPEG and PNG are looked at, decoded and scaled by FFmpeg. A picture may come from anyone: no
more than MAX_BYTES of it are read, none of more than MAX_PIXELS is unpacked, and all of it happens
in the tag process, under its caps.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from .tag_process import TagLimit, in_tag_process
from .tags import _BoundedFile

SIZES = (80, 240)  # pixels of a player's small and large picture
MAX_BYTES = 32 * 2**20  # of a picture
MOST = 20  # pictures of a file that are looked at
FRONT = 3  # the type of a front cover
MAX_PIXELS = 50_000_000
DECODERS = {b"\xff\xd8\xff": "mjpeg", b"\x89PNG\r\n\x1a\n": "png"}
QUALITY = "3"  # of JPEG, 2 to 31, less is better


def cover_digest(path: Path) -> str:
    """A digest of the cover of a file; "" if it has none. Never raises."""
    with suppress(TagLimit, OSError):
        return str(in_tag_process(digest, path))
    return ""


def small_covers(path: Path) -> tuple[bytes, ...]:
    """The cover of a file as JPEGs of SIZES; () where there is none that can be read. Never
    raises."""
    with suppress(TagLimit, OSError):
        return tuple(b64decode(picture) for picture in in_tag_process(pictures, path))
    return ()


def digest(path: Path) -> str:
    """The digest of a file's cover. For the tag process: raises MemoryError."""
    data = _cover(path)
    return "" if data is None else hashlib.sha256(data).hexdigest()[:32]


def pictures(path: Path) -> list[str]:
    """The small JPEGs of a file's cover in base64. For the tag process: raises MemoryError."""
    data = _cover(path)
    made = [] if data is None else [small_jpeg(data, size) for size in SIZES]
    return [b64encode(picture).decode() for picture in made if picture is not None]


def _cover(path: Path) -> bytes | None:
    """The unchanged bytes of a file's cover; None if it has none. Raises MemoryError."""
    import mutagen

    try:
        with path.open("rb") as stream:
            bounded: Any = _BoundedFile(stream, str(path))
            file = mutagen.File(bounded)
            return None if file is None else next(iter(pictures_in(file)), None)
    except MemoryError:
        raise
    except Exception:  # a tag reader meets every kind of broken file
        return None


def pictures_in(file: Any) -> list[bytes]:
    """The JPEGs and PNGs in the tags of a mutagen file, front covers first."""
    found = [(picture.type, bytes(picture.data)) for picture in getattr(file, "pictures", ())]
    tags = file.tags if file.tags is not None else {}
    for name in list(tags.keys()):
        low = str(name).lower()
        if low.startswith("apic"):  # ID3
            found.append((int(tags[name].type), bytes(tags[name].data)))
        elif low == "covr":  # MP4
            found += [(FRONT, bytes(picture)) for picture in tags[name][:MOST]]
        elif low == "metadata_block_picture":  # Ogg: a block of FLAC in base64
            found += [_of_block(text) for text in tags[name][:MOST]]
    found.sort(key=lambda picture: picture[0] != FRONT)
    known = tuple(DECODERS)
    return [data for _, data in found[:MOST] if data.startswith(known) and len(data) <= MAX_BYTES]


def _of_block(text: str) -> tuple[int, bytes]:
    """Type and bytes of the picture in a block of FLAC: two texts and four numbers lie between."""
    block = b64decode(str(text)[: 2 * MAX_BYTES])
    at = 8 + int.from_bytes(block[4:8], "big")
    at += 4 + int.from_bytes(block[at : at + 4], "big") + 16
    length = int.from_bytes(block[at : at + 4], "big")
    return int.from_bytes(block[:4], "big"), block[at + 4 : at + 4 + length]


def small_jpeg(data: bytes, size: int) -> bytes | None:
    """A picture as a square JPEG of size x size, its middle where it is no square; None where it
    cannot be read."""
    import av

    name = next((n for start, n in DECODERS.items() if data.startswith(start)), None)
    if name is None:
        return None
    try:
        decoder: Any = av.CodecContext.create(name, "r")
        decoder.options = {"max_pixels": str(MAX_PIXELS)}
        decoder.thread_count = 1
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
        if not frames:
            return None
        frame = frames[0]
        scale = size / min(frame.width, frame.height)
        width, height = (max(size, round(scale * side)) for side in (frame.width, frame.height))
        if max(width, height) > 20 * size:  # a line, not a picture
            return None
        pixels = frame.reformat(width, height, "rgb24").to_ndarray()
        left, top = (width - size) // 2, (height - size) // 2
        square = np.ascontiguousarray(pixels[top : top + size, left : left + size])
        return _encoded(square)
    except (av.FFmpegError, ValueError):
        return None


def _encoded(pixels: np.ndarray) -> bytes:
    """(n, n, 3) bytes of red, green and blue as a baseline JPEG."""
    import av

    frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="yuvj420p")
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = frame.width, frame.height
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 1)
    encoder.sample_aspect_ratio = Fraction(1, 1)  # with it there is a JFIF head
    encoder.options = {"qmin": QUALITY, "qmax": QUALITY}
    frame.pts = 0
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
