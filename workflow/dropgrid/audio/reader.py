"""Reading audio: any file, in blocks, at one sample rate, in bounded memory.

libsndfile (through soundfile) reads WAV, AIFF, FLAC, OGG, Opus, MP3 and more; what it does not
know (M4A, AAC, ALAC, WMA ...) FFmpeg's libraries read through PyAV. A block is (samples, 2)
float32 at SAMPLE_RATE, full scale 1: the mean of all channels, and half the difference of the
first two (zeros for mono). Samples are rounded to 16 bits and their mean is cut to 16 bits, as
madmom's networks were trained: a rounding of less than one such step moves activations by up to
0.09 in quiet passages.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import DecodeError
from ..native import compiled
from .filepart import FilePart
from .headers import another_behind, asf_seconds, audio_chunk
from .mp3 import LAGS, info_frame, recordings
from .ogg import links

SAMPLE_RATE = 44100  # Hz
RATES = (8000, 192000)  # Hz, what a music file may have
MAX_CHANNELS = 8
MAX_RECORDINGS = 1000  # one behind the other in a file
BLOCK = 65536  # samples a channel decoded at once
STEPS = 32768  # 16-bit steps in full scale
# What libsndfile notes of a file that ends before its time, in formats that are not looked into.
CUT_SHORT = ("File ended unexpectedly", "> file length")
FFMPEG_NAMES = {"WAV": "wav", "WAVEX": "wav", "RF64": "wav", "AIFF": "aiff", "FLAC": "flac"}
CHUNKED = ("WAV", "WAVEX", "RF64", "AIFF")  # of which only the audio's chunk must be whole
# FFmpeg knows formats that are lists of addresses (SDP, HLS ...): it may open the containers
# that a music file has, and nothing else but the file it is given.
FFMPEG_ONLY = {
    "format_whitelist": "mp4,asf,aac,mp3,flac,ogg,wav,w64,aiff,caf",
    "protocol_whitelist": "",
}
ANOTHER_BEHIND = "another recording stands behind the one that was analysed"
NO_LAST_PAGE = "the page that should be the last is not marked so: the end may be missing"

# Where the channels of a file stand whose format does not say, by their number: the order of WAV
# and FLAC. libsndfile leaves those of Ogg in Vorbis' own order.
POSITIONS = {
    1: "FC",
    2: "FL FR",
    3: "FL FR FC",
    4: "FL FR BL BR",
    5: "FL FR FC BL BR",
    6: "FL FR FC LFE BL BR",
    7: "FL FR FC LFE BC SL SR",
    8: "FL FR FC LFE BL BR SL SR",
}
VORBIS_POSITIONS = {
    3: "FL FC FR",
    5: "FL FC FR BL BR",
    6: "FL FC FR BL BR LFE",
    7: "FL FC FR SL SR BC LFE",
    8: "FL FC FR SL SR BL BR LFE",
}


@dataclass
class _Recording:
    """What is decoded in one go. seconds: what its header promises, None if it says nothing."""

    rate: int
    seconds: float | None
    blocks: Iterator[np.ndarray]


class Reader:
    """Iterates over a file's blocks; tells how it is decoded.

    decoder: decoder, version, format, sample rate (Hz) and channels of the file;
        "lag": seconds by which the decoded music is late, where known, else None. Nothing is
        compensated: times count from the first decoded sample. "info_frame": of an MP3, see
        dropgrid.audio.mp3.
        "repaired_samples": how many samples so far were no numbers and became 0.
        "recordings": how many stand one behind the other in the file, where it is more than
        one; all are read. "problem": what may be wrong with a file that is read nevertheless.
    positions: where each channel of the file stands, as FFmpeg names it: FL, FR, FC, LFE ...
    tap: called with every block as decoded, (samples, channels) float32, full scale 1 and
        repaired, and its rate in Hz, before it is mixed; for what is measured on the channels.

    Raises DecodeError, on opening or while iterating: not audio, absurd header, cut short, empty.
    Raises OSError where the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.decoder: dict[str, Any] = {}
        self.positions: tuple[str, ...] = ()
        self.tap: Callable[[np.ndarray, int], None] | None = None
        self._later: list[tuple[int, int]] = []  # bytes of the recordings behind the first
        self._first = self._open()
        self._check_header(self.decoder["sample_rate"], self.decoder["channels"])
        if len(self.positions) != self.decoder["channels"]:
            self.positions = tuple(POSITIONS[self.decoder["channels"]].split())

    def __iter__(self) -> Iterator[np.ndarray]:
        samples = yield from self._decoded(self._first)
        for start, end in self._later:
            samples += yield from self._decoded(self._open_part(start, end))
        if not samples:
            raise DecodeError(f"{self.path}: holds no audio")

    def _decoded(self, recording: _Recording) -> Generator[np.ndarray, None, int]:
        """The blocks of a recording, mixed and at SAMPLE_RATE; returns its samples a channel."""
        rate = recording.rate
        resampler = None
        if rate != SAMPLE_RATE:
            import soxr

            resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 2, dtype="float32", quality="HQ")
        samples = 0
        for block in recording.blocks:
            samples += len(block)
            block = self._repaired(block)
            if self.tap is not None:
                self.tap(block, rate)
            mixed = mix(block)
            yield resampler.resample_chunk(mixed) if resampler else mixed
        if samples:
            self._check_length(samples / rate, recording.seconds)
            if resampler:
                yield resampler.resample_chunk(np.zeros((0, 2), np.float32), last=True)
        return samples

    def _check_header(self, rate: int, channels: int) -> None:
        if not RATES[0] <= rate <= RATES[1]:
            raise DecodeError(
                f"{self.path}: a sample rate of {rate} Hz is outside {RATES[0]}..{RATES[1]}"
            )
        if not 1 <= channels <= MAX_CHANNELS:
            raise DecodeError(f"{self.path}: {channels} channels; 1 to {MAX_CHANNELS} can be read")

    def _check_length(self, seconds: float, promised: float | None) -> None:
        if promised and seconds < 0.998 * promised - 0.2:
            raise DecodeError(
                f"{self.path}: cut short: {seconds:.2f} s "
                f"of the {promised:.2f} s its header promises"
            )

    def _repaired(self, block: np.ndarray) -> np.ndarray:
        finite = np.isfinite(block)
        if not finite.all():
            self.decoder["repaired_samples"] += int(block.size - np.count_nonzero(finite))
            block = np.where(finite, block, np.float32(0))
        return block

    def _open(self) -> _Recording:
        import soundfile

        status = self.path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device could take for ever
            raise DecodeError(f"{self.path}: not a file but a pipe, a device or the like")
        if status.st_size == 0:
            raise DecodeError(f"{self.path}: the file is empty")
        try:
            file = soundfile.SoundFile(os.fsencode(self.path))
        except (RuntimeError, TypeError, ValueError):
            return self._open_av()
        self.decoder = {
            "name": "libsndfile",
            "version": soundfile.__libsndfile_version__,
            "format": f"{file.format} {file.subtype}",
            "sample_rate": file.samplerate,
            "channels": file.channels,
            "lag": 0.0,
            "repaired_samples": 0,
        }
        if file.format == "OGG":
            self.positions = tuple(VORBIS_POSITIONS.get(file.channels, "").split())
        if len(parts := self._parts(file)) > 1:
            if len(parts) > MAX_RECORDINGS:
                raise DecodeError(
                    f"{self.path}: more than {MAX_RECORDINGS} recordings in one file"
                )
            self.decoder["recordings"] = len(parts)
            self._later = parts[1:]
            file.close()
            return self._open_part(*parts[0])
        seconds = file.frames / file.samplerate if file.samplerate > 0 else None
        if self.decoder.get("info_frame") and not info_frame(self.path).counts:
            seconds = None
        chunk = audio_chunk(self.path) if file.format in CHUNKED else None
        if chunk and chunk.promised == 0 and chunk.present:  # libsndfile reads nothing of it
            file.close()
            return self._open_av()
        if seconds and chunk and chunk.promised and chunk.present:
            self._check_length(seconds, seconds * chunk.promised / chunk.present)
        return _Recording(file.samplerate, seconds, self._soundfile_blocks(file))

    def _parts(self, file: Any) -> list[tuple[int, int]]:
        """Where recordings lie that stand one behind the other; notes what the file says.

        Raises DecodeError for a file that ends before its audio does.
        """
        if file.format == "MP3":
            kind = info_frame(self.path).kind
            self.decoder["info_frame"] = kind
            self.decoder["lag"] = LAGS["libsndfile"][kind] / max(file.samplerate, 1)
            return recordings(self.path, MAX_RECORDINGS + 1)
        if file.format == "OGG":
            chain = links(self.path, MAX_RECORDINGS + 1)
            if chain and chain[-1].cut:
                raise DecodeError(f"{self.path}: cut short: the file ends before its audio does")
            if chain and not chain[-1].ended:
                self.decoder["problem"] = NO_LAST_PAGE
            return [(link.start, link.end) for link in chain]
        if another_behind(self.path, FFMPEG_NAMES.get(file.format, "")):
            self.decoder["problem"] = ANOTHER_BEHIND
        if file.format not in CHUNKED and any(note in file.extra_info for note in CUT_SHORT):
            raise DecodeError(f"{self.path}: cut short: the file ends before its audio does")
        return []

    def _open_part(self, start: int, end: int) -> _Recording:
        """One of several recordings; one that cannot be opened is left out, which is noted."""
        import soundfile

        part = FilePart(self.path, start, end)
        try:
            file = soundfile.SoundFile(part)
        except (RuntimeError, TypeError, ValueError):
            part.close()
            if part.failed is not None:
                raise part.failed from None
            self.decoder["problem"] = f"the recording from byte {start} on cannot be read"
            return _Recording(SAMPLE_RATE, None, iter(()))
        self._check_header(file.samplerate, file.channels)
        counts = file.format != "MP3" or info_frame(self.path, start).counts
        seconds = file.frames / file.samplerate if counts else None
        return _Recording(file.samplerate, seconds, self._soundfile_blocks(file, part))

    def _soundfile_blocks(self, file: Any, part: FilePart | None = None) -> Iterator[np.ndarray]:
        with file, part or nullcontext():
            while True:
                try:
                    block = file.read(BLOCK, dtype="float32", always_2d=True)
                except RuntimeError as error:
                    raise DecodeError(f"{self.path}: damaged or cut short ({error})") from error
                if part is not None and part.failed is not None:
                    raise part.failed
                if not len(block):
                    return
                yield block

    def _open_av(self) -> _Recording:
        import av

        # Given an open file, not its name: a name such as "concat:x" would mean something.
        stream = self.path.open("rb")
        try:
            container = av.open(stream, options=FFMPEG_ONLY, metadata_errors="replace")
            audio = container.streams.audio[0]
        except (av.FFmpegError, IndexError, ValueError) as error:
            stream.close()
            raise DecodeError(
                f"{self.path}: no audio in any known format ({_reason(error)})"
            ) from error
        if audio.codec_context is None:
            container.close()
            stream.close()
            raise DecodeError(f"{self.path}: its audio is of a kind that cannot be decoded")
        audio.codec_context.thread_count = 1
        lossless = (
            audio.codec_context.name in ("alac", "flac") or "pcm" in audio.codec_context.name
        )
        self.decoder = {
            "name": "ffmpeg",
            "version": ".".join(map(str, av.library_versions["libavcodec"])),
            "format": f"{container.format.name} {audio.codec_context.name}",
            "sample_rate": audio.rate or 0,
            "channels": audio.channels or 0,
            "lag": 0.0 if lossless else None,
            "repaired_samples": 0,
        }
        names = tuple(channel.name for channel in audio.layout.channels)
        self.positions = names if "NONE" not in names else ()
        if another_behind(self.path, container.format.name):
            self.decoder["problem"] = ANOTHER_BEHIND
        seconds = None
        if container.format.name == "asf":
            seconds = asf_seconds(self.path)
        elif audio.duration and audio.time_base and container.format.name != "aac":
            seconds = float(audio.duration * audio.time_base)
        rate = self.decoder["sample_rate"]
        return _Recording(rate, seconds, self._av_blocks(stream, container, audio))

    def _av_blocks(self, stream: Any, container: Any, audio: Any) -> Iterator[np.ndarray]:
        import av

        with stream, container:
            convert = av.AudioResampler(format="flt")
            pending: list[np.ndarray] = []
            try:
                for frame in container.decode(audio):
                    for part in convert.resample(frame):
                        pending.append(part.to_ndarray().reshape(-1, self.decoder["channels"]))
                    if sum(map(len, pending)) >= BLOCK:
                        yield np.concatenate(pending)
                        pending = []
            except (av.FFmpegError, ValueError) as error:
                raise DecodeError(
                    f"{self.path}: damaged or cut short ({_reason(error)})"
                ) from error
            if pending:
                yield np.concatenate(pending)


def mix(block: np.ndarray) -> np.ndarray:
    """Mean and half the difference of channels: (samples, channels) -> (samples, 2) float32.

    Samples are rounded and clipped to 16 bits; their mean is cut to 16 bits towards zero, the
    same as madmom.audio.signal.remix makes of 16-bit samples.
    """
    if block.shape[1] == 2 and block.flags.c_contiguous and (loops := compiled()):
        mixed = np.empty_like(block)
        loops.mix(block.ctypes.data, len(block), mixed.ctypes.data)
        return mixed
    steps = np.rint(block * np.float32(STEPS))
    np.clip(steps, -STEPS, STEPS - 1, out=steps)
    mixed = np.zeros((len(block), 2), np.float32)
    channels = block.shape[1]
    if channels == 1:
        mixed[:, 0] = steps[:, 0]
    else:
        mean = steps[:, 0] + steps[:, 1]
        np.subtract(steps[:, 0], steps[:, 1], out=mixed[:, 1])
        mixed[:, 1] *= np.float32(0.5)
        for channel in range(2, channels):
            mean += steps[:, channel]
        np.trunc(mean / np.float32(channels), out=mixed[:, 0])
    mixed *= np.float32(1 / STEPS)
    return mixed


def _reason(error: Exception) -> str:
    """What a decoder says is wrong, without its error number and the file's name."""
    if type(error).__name__ == "ArgumentError":  # FFmpeg's word for what FFMPEG_ONLY leaves out
        return "what FFmpeg takes it for is no container of music"
    return str(getattr(error, "strerror", None) or error)
