"""A song as AIFF, for players that do not play its own format. Sample 0 stays sample 0."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..base.errors import DecodeError
from .ffmpeg import FFMPEG_ONLY, LOSSLESS

DEPTHS = {"s16": "pcm_s16be", "s32": "pcm_s24be"}  # by the form of samples
WIDE = ("s32", "s32p")  # forms of samples of more than 16 bits, in lossless files


def to_aiff(source: Path, target: Path) -> None:
    """Write the audio of a file as AIFF: of 24 bits where a lossless file has more than 16, else
    of 16, at its own rate, in stereo where it has more channels. Raises DecodeError, OSError."""
    import av

    if not source.stat().st_size:
        raise DecodeError("cannot be converted (empty)")
    no_audio = (av.error.InvalidDataError, av.error.DecoderNotFoundError, IndexError, ValueError)
    try:
        with (
            source.open("rb") as file,
            av.open(file, options=FFMPEG_ONLY, metadata_errors="replace") as read,
            target.open("wb") as made,
            av.open(made, "w", format="aiff") as write,
        ):
            stream = read.streams.audio[0]
            codec = stream.codec_context
            wide = codec.name in LOSSLESS and codec.format and codec.format.name in WIDE
            form, layout = "s32" if wide else "s16", "mono" if codec.channels == 1 else "stereo"
            out: Any = write.add_stream(DEPTHS[form], rate=codec.sample_rate, layout=layout)
            resampler = av.AudioResampler(form, layout, codec.sample_rate)
            for frame in _frames(read, stream, resampler):
                frame.pts = None
                write.mux(out.encode(frame))
            write.mux(out.encode(None))
    except no_audio as error:
        raise DecodeError(f"cannot be converted ({error})") from error


def _frames(read: Any, stream: Any, resampler: Any) -> Iterator[Any]:
    for frame in read.decode(stream):
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
