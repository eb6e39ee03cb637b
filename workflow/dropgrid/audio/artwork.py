"""The cover in a file's tags, as small JPEGs.

Only JPEG and PNG are looked at, decoded and scaled by FFmpeg. A picture may come from anyone: no
more than MAX_BYTES of it are read, and none of more than MAX_PIXELS is unpacked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from .tag_limits import TagLimit, import_mutagen, limits
from .tags import _BoundedFile

MAX_BYTES = 32 * 2**20  # of a picture
MAX_PIXELS = 50_000_000
DECODERS = {b"\xff\xd8\xff": "mjpeg", b"\x89PNG\r\n\x1a\n": "png"}
QUALITY = "3"  # of JPEG, 2 to 31, less is better


def read_cover(path: Path) -> bytes | None:
    """The first picture in the tags of a file; None where it has none. Never raises."""
    with suppress(Exception, TagLimit), limits(), path.open("rb") as stream:
        bounded: Any = _BoundedFile(stream, str(path))
        file = import_mutagen().File(bounded)
        if file is not None:
            return next((data for data in _pictures(file) if len(data) <= MAX_BYTES), None)
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
    except (av.FFmpegError, ValueError, MemoryError):
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
