"""The cover in a file's tags, as small JPEGs.

Only JPEG and PNG are looked at, decoded and scaled by FFmpeg. A picture may come from anyone: no
more than MAX_BYTES of it are read, none of more than MAX_PIXELS is unpacked, and all of it happens
in the tag process, under its caps.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from .tag_process import TagLimit, in_tag_process
from .tags import _BoundedFile

SIZES = (80, 240)  # pixels of a player's small and large picture
MAX_BYTES = 32 * 2**20  # of a picture
MAX_PIXELS = 50_000_000
DECODERS = {b"\xff\xd8\xff": "mjpeg", b"\x89PNG\r\n\x1a\n": "png"}
QUALITY = "3"  # of JPEG, 2 to 31, less is better


def cover_digest(path: Path) -> str:
    """Tells the cover of a file from others; "" where it has none. Never raises."""
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
    """The first picture in the tags of a file; None where it has none. Raises MemoryError."""
    import mutagen

    try:
        with path.open("rb") as stream:
            bounded: Any = _BoundedFile(stream, str(path))
            file = mutagen.File(bounded)
            found = () if file is None else _pictures(file)
            return next((data for data in found if len(data) <= MAX_BYTES), None)
    except MemoryError:
        raise
    except Exception:  # a tag reader meets every kind of broken file
        return None


def _pictures(file: Any) -> Iterator[bytes]:
    """The pictures of a file: FLAC's, ID3's, MP4's; the front cover (type 3) first."""
    tags = file.tags if file.tags is not None else {}
    held = [*getattr(file, "pictures", ())]
    held += [value for key, value in tags.items() if str(key).startswith("APIC")]
    for picture in sorted(held, key=lambda picture: getattr(picture, "type", 0) != 3):
        yield bytes(picture.data)
    for picture in tags.get("covr", ()) if "covr" in tags else ():
        yield bytes(picture)


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
