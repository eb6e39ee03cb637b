"""Identify a file independently of its name and place: digests of its bytes and of its audio.

`whole_digest` covers every byte: files with the same digest are identical. `audio_digest` covers
every byte except those of known tags, so it does not change when a title is edited:

    FLAC            but the blocks of comments, pictures and padding
    WAV, AIFF       but the chunks of tags, and the size of the whole, which counts them
    Ogg, MP4, WMA   of the packets with their times, and the decoder's headers before them
    MP3, AAC        but ID3v2 at the start and ID3v1, ID3v2, APEv2 and Lyrics3 at the end

Bytes that are not a known tag count as audio: at worst, an unusual file is analysed again.
`sample_digest` covers the size and four stretches. It distinguishes a file from another one with
the same path, size and time of modification, and collides if two files of the same size differ
only outside the stretches; the other two, BLAKE2b of 160 bits, do not collide.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from .mp3_frames import end_of_id3

BLOCK = 2**20  # bytes read at once
STRETCH = 2**16  # bytes of each of the samples
SAMPLES = 4
DIGEST = 20  # bytes
FLAC_TAGS = frozenset({1, 4, 6})  # blocks: padding, comment, picture
CHUNKS_OF_TAGS = frozenset(
    {b"id3 ", b"ID3 ", b"JUNK", b"junk", b"PAD ", b"NAME", b"AUTH", b"(c) ", b"ANNO"}
)
PACKETS = {b"OggS": "ogg", b"\x30\x26\xb2\x75": "asf"}  # by first bytes: hashed by packets
MAX_TAGS = 100  # at the end of a file
Part = bytes | tuple[int, int]  # bytes as they are, or [start, end) of the file


def whole_digest(path: Path) -> str:
    """The digest of every byte of a regular file, as hexadecimal digits. Raises OSError."""
    with _opened(path) as stream:
        return _digest(stream, [(0, os.fstat(stream.fileno()).st_size)])


def sample_digest(path: Path) -> str:
    """The digest of a file's size and of stretches from its start to its end. Raises OSError."""
    with _opened(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        last = max(0, size - STRETCH)
        starts = [last * i // (SAMPLES - 1) for i in range(SAMPLES)]
        stretches = [(start, min(size, start + STRETCH)) for start in starts]
        return _digest(stream, [b"%d" % size, *stretches])


def audio_digest(path: Path) -> str:
    """The digest of a file's audio without its tags; of the whole file if its format is not
    known. Raises OSError."""
    with _opened(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        start = end_of_id3(stream)
        stream.seek(start)
        head = stream.read(12)
        try:
            if head[:4] == b"fLaC":
                return _digest(stream, [b"flac", *_flac(stream, start + 4, size)])
            if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:] == b"WAVE":
                order = head[:4] == b"RIFX"
                return _digest(stream, [head[:4], *_chunks(stream, start + 12, size, order)])
            if head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
                return _digest(stream, [head[8:], *_chunks(stream, start + 12, size, True)])
            if head[:4] in PACKETS or head[4:8] == b"ftyp":
                return _packets_digest(path, stream, PACKETS.get(head[:4], "mov"))
        except _Unknown:
            return _digest(stream, [(0, size)])
        return _digest(stream, [(min(start, size), _end_of_audio(stream, start, size))])


class _Unknown(Exception):
    """The tags of a file cannot be located."""


def _opened(path: Path) -> IO[bytes]:
    """Open a regular file without waiting for a pipe. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    stream = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(f"{path}: not a regular file")
    return stream


def _digest(stream: IO[bytes], parts: list[Part]) -> str:
    digest = hashlib.blake2b(digest_size=DIGEST)
    for part in parts:
        if isinstance(part, bytes):
            digest.update(part)
            continue
        stream.seek(part[0])
        left = part[1] - part[0]
        while left > 0 and (block := stream.read(min(BLOCK, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def _flac(stream: IO[bytes], at: int, size: int) -> Iterator[Part]:
    """The blocks before the frames except tags, and the frames."""
    last = False
    while not last:
        stream.seek(at)
        head = stream.read(4)
        if len(head) < 4:
            raise _Unknown
        last, kind, end = bool(head[0] & 128), head[0] & 127, at + 4 + int.from_bytes(head[1:])
        if kind not in FLAC_TAGS:
            yield bytes([kind])
            yield at + 1, end
        at = end
    yield at, size


def _chunks(stream: IO[bytes], at: int, size: int, big: bool) -> Iterator[Part]:
    """The chunks except tags; from the first invalid or truncated chunk, the rest of the file."""
    while at + 8 <= size:
        stream.seek(at)
        head = stream.read(12)
        name, length = head[:4], int.from_bytes(head[4:8], "big" if big else "little")
        end = at + 8 + length + length % 2
        is_tag = name in CHUNKS_OF_TAGS or (name == b"LIST" and head[8:] == b"INFO")
        if end > size + 1 or not is_tag:
            yield at, min(end, size)
        at = end
    if at < size:
        yield at, size


def _end_of_audio(stream: IO[bytes], start: int, size: int) -> int:
    """The start of the tags at the end of an MP3 or AAC file."""
    end = size
    for _ in range(MAX_TAGS):
        before = end - _length_of_last_tag(stream, end)
        if before == end or before < start:
            break
        end = before
    return end


def _length_of_last_tag(stream: IO[bytes], end: int) -> int:
    """The length in bytes of the tag that ends at `end`, or 0. APEv2 includes header and
    footer."""
    at = max(0, end - 128)
    stream.seek(at)
    tail = stream.read(end - at)
    if len(tail) == 128 and tail[:3] == b"TAG":
        return 128
    if tail[-32:-24] == b"APETAGEX":
        length = int.from_bytes(tail[-20:-16], "little")
        return length + (32 if tail[-9] & 128 else 0)
    if tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    if tail[-10:-7] == b"3DI":
        size = 0
        for byte in tail[-4:]:
            size = size << 7 | byte & 127
        return size + 20
    return 0


def _packets_digest(path: Path, stream: IO[bytes], kind: str) -> str:
    """The digest for formats that mix tags with decoder data: of the headers and the packets."""
    import av

    from .ffmpeg import FFMPEG_ONLY
    from .headers import another_behind, asf_seconds
    from .ogg import links

    digest = hashlib.blake2b(digest_size=DIGEST)
    chain = links(path, 2) if kind == "ogg" else []
    if len(chain) > 1:
        raise _Unknown
    facts: list[Any] = [kind, [(link.ended, link.cut) for link in chain]]
    facts += [another_behind(path, kind), asf_seconds(path) if kind == "asf" else None]
    stream.seek(0)
    try:
        with av.open(stream, "r", options=FFMPEG_ONLY, metadata_errors="replace") as container:
            audio = container.streams.audio[0]
            codec = audio.codec_context
            facts += [codec.name, codec.sample_rate, codec.channels, audio.time_base]
            facts += [audio.start_time, audio.duration if kind == "mov" else None]
            facts += [container.metadata.get("iTunSMPB"), _without_comments(codec.extradata)]
            digest.update(repr(facts).encode())
            for packet in container.demux(audio):
                digest.update(b"%r %r " % (packet.pts, packet.size))
                digest.update(bytes(packet))
    except (av.FFmpegError, IndexError, ValueError, AttributeError) as error:
        raise _Unknown from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place before the file's start, where FFmpeg is misled
            raise
        raise _Unknown from error
    return digest.hexdigest()


def _without_comments(extradata: bytes | None) -> bytes:
    """A decoder's headers without Vorbis comments, which are the second of three laced headers."""
    data = extradata or b""
    if data[:1] != b"\2" or b"vorbis" not in data[:64]:
        return data
    lengths, at = [], 1
    for _ in range(2):
        length = 0
        while data[at : at + 1] == b"\xff":
            length, at = length + 255, at + 1
        length, at = length + int.from_bytes(data[at : at + 1]), at + 1
        lengths.append(length)
    first, second = lengths
    return data[at : at + first] + data[at + first + second :]
