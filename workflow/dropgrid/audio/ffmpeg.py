"""Decoding by FFmpeg's libraries, through PyAV: whole files, and MP3s frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import DecodeError
from . import direct_ffmpeg
from .headers import another_behind, asf_seconds
from .mp4 import EditList, edit_list

BLOCK = 65536  # samples per channel passed on at once
# FFmpeg knows formats that are lists of addresses (SDP, HLS ...): it may open the containers
# that a music file has, and nothing else but the file it is given.
FFMPEG_ONLY = {
    "format_whitelist": "mp4,asf,aac,ac3,mp3,flac,ogg,wav,w64,aiff,caf,wv,matroska",
    "protocol_whitelist": "",
}
# Where the second decoder judges a file, a damaged packet is an error and no silence.
STRICT = {"err_detect": "crccheck+bitstream+buffer+explode"}
LOSSLESS = ("alac", "flac", "wavpack")
TELLING = ("opus", "vorbis")  # codecs whose streams declare how much of their start is padding
GUESSED = ("aac", "ac3", "mp3")  # codecs whose length FFmpeg estimates from the bit rate
LOOKED_AT = 2000  # packets of an Ogg file, to tell whether its pages tell too little


@dataclass
class Opened:
    """A file that FFmpeg has opened.

    decoder, positions: as in Reader. seconds: its length by the header, None if
    not given. another: a second recording follows it. start_known: the file declares how much
    of its start is no music. left_out: seconds that are coded, but are no part of it by its
    edit list.
    """

    decoder: dict[str, Any]
    positions: tuple[str, ...]
    seconds: float | None
    another: bool
    start_known: bool
    left_out: float
    blocks: Iterator[np.ndarray]


def opened(path: Path, strict: bool = False, stream: Any = None) -> Opened:
    """Open a file; decoding begins with the first block. Raises DecodeError.

    strict: damaged or missing data is an error. stream: to read instead of the file.
    """
    import av

    # Given an open file, not its name: a name such as "concat:x" would mean something.
    stream = stream or path.open("rb")
    try:
        container = av.open(stream, options=FFMPEG_ONLY, metadata_errors="replace")
        audio = container.streams.audio[0]
    except (av.FFmpegError, IndexError, ValueError) as error:
        stream.close()
        raise DecodeError(f"{path}: no audio in any known format ({_reason(error)})") from error
    codec = audio.codec_context
    if codec is None:
        container.close()
        stream.close()
        raise DecodeError(f"{path}: its audio is of a kind that cannot be decoded")
    codec.thread_count = 1
    if strict:
        codec.options = STRICT
    names = tuple(channel.name for channel in audio.layout.channels)
    kind = container.format.name
    seconds = None
    if kind == "asf":
        seconds = asf_seconds(path)
    elif kind.startswith("matroska"):
        if container.duration and len(container.streams) == 1:  # of the longest stream
            seconds = container.duration / av.time_base
    elif audio.duration and audio.time_base and kind not in GUESSED:
        seconds = float(audio.duration * audio.time_base)
    edits = edit_list(path) if kind.startswith("mov") else None
    return Opened(
        decoder=decoder(kind, codec.name, audio.rate or 0, audio.channels or 0),
        positions=names if "NONE" not in names else (),
        seconds=seconds,
        another=another_behind(path, kind),
        start_known=_start_known(edits, kind, codec.name, container.metadata),
        left_out=edits.left_out if edits else 0.0,
        blocks=_blocks(path, stream, container, audio, strict),
    )


def decoder(container: str, codec: str, rate: int, channels: int) -> dict[str, Any]:
    """A file's decoder, for its record."""
    lossless = _lossless(codec)
    return {
        "name": "ffmpeg",
        "version": direct_ffmpeg.codec_version() or _version_by_pyav(),
        "format": f"{container} {codec}",
        "sample_rate": rate,
        "channels": channels,
        "lag": 0.0 if lossless else None,
        "repaired_samples": 0,
    }


def _version_by_pyav() -> str:
    import av

    return ".".join(map(str, av.library_versions["libavcodec"]))


def _lossless(codec: str) -> bool:
    return codec in LOSSLESS or "pcm" in codec


def _start_known(
    edits: EditList | None, kind: str, codec: str, metadata: Mapping[str, str]
) -> bool:
    """Whether a file declares how much silence its encoder put before the music."""
    if kind.startswith("mov") and not _lossless(codec):
        return "iTunSMPB" in metadata or (edits is not None and edits.skips)
    return _lossless(codec) or codec in TELLING


def _blocks(
    path: Path, stream: Any, container: Any, audio: Any, strict: bool
) -> Iterator[np.ndarray]:
    import av

    channels = audio.channels
    with stream, container:
        convert = av.AudioResampler(format="flt")
        due = None  # when the next frame begins
        try:
            parts = []
            for frame in container.decode(audio):
                if strict and audio.codec_context.name in LOSSLESS and frame.pts is not None:
                    begin = frame.pts * frame.time_base * frame.sample_rate
                    if due is not None and begin > due:
                        raise DecodeError(f"{path}: damaged or cut short (a part is missing)")
                    due = begin + frame.samples
                for part in convert.resample(frame):
                    parts.append(part.to_ndarray().reshape(-1, channels))
                if sum(map(len, parts)) >= BLOCK:
                    yield np.concatenate(parts)
                    parts = []
        except (av.FFmpegError, ValueError) as error:
            raise DecodeError(f"{path}: damaged or cut short ({_reason(error)})") from error
        if parts:
            yield np.concatenate(parts)


def vorbis_blocks(path: Path, channels: int) -> Iterator[np.ndarray]:
    """Blocks of an Ogg Vorbis file of whole pages. Raises DecodeError where its samples do not
    begin at 0, or one of its packets cannot be decoded. A block lasts until the next."""
    room = np.empty((channels, 2 * BLOCK), np.float32)
    try:
        source = direct_ffmpeg.opened(path)
        if source is None:
            yield from _vorbis_blocks_by_pyav(path, room)
            return
        for count in direct_ffmpeg.samples(source, room, BLOCK):
            yield room[:, :count].T
    except ValueError as error:
        raise DecodeError(f"{path}: damaged or cut short ({error})") from error


def _vorbis_blocks_by_pyav(path: Path, room: np.ndarray) -> Iterator[np.ndarray]:
    import av

    count = 0
    with path.open("rb") as stream:
        try:
            with av.open(stream, options=FFMPEG_ONLY, metadata_errors="replace") as container:
                audio = container.streams.audio[0]
                audio.codec_context.thread_count = 1
                audio.codec_context.options = STRICT
                if audio.start_time or audio.codec_context.format.name != "fltp":
                    raise DecodeError(f"{path}: its samples do not begin at 0")
                frames: Any = container.decode(audio)  # type: ignore[union-attr]
                for frame in frames:
                    end = count + frame.samples
                    for channel, plane in enumerate(frame.planes):
                        samples = np.frombuffer(plane, np.float32, frame.samples)
                        room[channel, count:end] = samples
                    count = end
                    if count >= BLOCK:
                        yield room[:, :count].T
                        count = 0
        except (av.FFmpegError, IndexError, ValueError) as error:
            if count:
                yield room[:, :count].T
            raise DecodeError(f"{path}: damaged or cut short ({_reason(error)})") from error
    if count:
        yield room[:, :count].T


def declares_too_little(path: Path) -> bool:
    """Whether the pages of an Ogg file tell positions that its packets are beyond already."""
    together, declared = _packet_lengths(path)
    return together > 1.02 * declared


def _packet_lengths(path: Path) -> tuple[int, int]:
    """Of the first packets of an Ogg file: how long all but the last are, and what the pages say;
    zeros where there is no sound."""
    with suppress(ValueError):
        if (source := direct_ffmpeg.opened(path)) is not None:
            return direct_ffmpeg.lengths(source, LOOKED_AT)
        return _packet_lengths_by_pyav(path)
    return 0, 0


def _packet_lengths_by_pyav(path: Path) -> tuple[int, int]:
    import av

    places: list[tuple[int, int]] = []  # where each packet begins, how long it is
    with (
        path.open("rb") as stream,
        suppress(av.FFmpegError, IndexError, ValueError),
        av.open(stream, "r", options=FFMPEG_ONLY, metadata_errors="replace") as container,
    ):
        for packet in islice(container.demux(audio=0), LOOKED_AT):
            if packet.pts is not None and packet.duration:
                places.append((packet.pts, packet.duration))
    if not places:
        return 0, 0
    return sum(duration for _, duration in places[:-1]), places[-1][0] - places[0][0]


def mp3_blocks(frames: Iterable[bytes], samples: int, channels: int) -> Iterator[np.ndarray]:
    """Blocks of an MP3, each frame decoded; those that cannot be are silence.

    frames: each frame's bytes. samples: of a frame a channel.
    """
    import av

    context: Any = av.CodecContext.create("mp3float", "r")
    context.thread_count = 1
    silence = np.zeros((samples, channels), np.float32)
    parts: list[np.ndarray] = []
    for data in frames:
        try:
            decoded = [_as_channels(f.to_ndarray(), channels) for f in _decode(context, data)]
        except (av.FFmpegError, ValueError):
            decoded = []
        parts += decoded or [silence]
        if sum(map(len, parts)) >= BLOCK:
            yield np.concatenate(parts)
            parts = []
    if parts:
        yield np.concatenate(parts)


def _decode(context: Any, data: bytes) -> Any:
    import av

    return context.decode(av.Packet(data))


def _as_channels(planes: np.ndarray, channels: int) -> np.ndarray:
    """(channels there, samples) -> (samples, channels) float32."""
    if len(planes) != channels:
        planes = np.repeat(planes.mean(axis=0, keepdims=True), channels, axis=0)
    return np.ascontiguousarray(planes.T, np.float32)


def _reason(error: Exception) -> str:
    """A decoder's error message, without its error number and the file's name."""
    if type(error).__name__ == "ArgumentError":  # FFmpeg's word for what FFMPEG_ONLY leaves out
        return "FFmpeg recognises a format that contains no music"
    return str(getattr(error, "strerror", None) or error)
