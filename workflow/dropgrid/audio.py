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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .errors import DecodeError
from .mp3 import LAGS, info_frame

SAMPLE_RATE = 44100  # Hz
RATES = (8000, 192000)  # Hz, what a music file may have
MAX_CHANNELS = 8
BLOCK = 65536  # samples a channel decoded at once
STEPS = 32768  # 16-bit steps in full scale
# libsndfile's notes on a file that ends before its time. "Last page lacks" alone is said of
# whole files, too.
CUT_SHORT = ("Junk after the last page", "File ended unexpectedly", "> file length")
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


class Reader:
    """Iterates over a file's blocks; tells how it is decoded.

    decoder: decoder, version, format, sample rate (Hz) and channels of the file;
        "lag": seconds by which the decoded music is late, where known, else None. Nothing is
        compensated: times count from the first decoded sample. "info_frame": of an MP3, see
        dropgrid.mp3.
        "repaired_samples": how many samples so far were no numbers and became 0.
    positions: where each channel of the file stands, as FFmpeg names it: FL, FR, FC, LFE ...
    tap: called with every block as decoded, (samples, channels) float32 at the file's own rate,
        full scale 1 and repaired, before it is mixed; for what is measured on the channels.

    Raises DecodeError, on opening or while iterating: not audio, absurd header, cut short, empty.
    Raises OSError where the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.decoder: dict[str, Any] = {}
        self.positions: tuple[str, ...] = ()
        self.tap: Callable[[np.ndarray], None] | None = None
        self._expected: float | None = None  # seconds the header promises, if it can be believed
        self._blocks = self._open()
        rate, channels = self.decoder["sample_rate"], self.decoder["channels"]
        if not RATES[0] <= rate <= RATES[1]:
            raise DecodeError(
                f"{path}: a sample rate of {rate} Hz is outside {RATES[0]}..{RATES[1]}"
            )
        if not 1 <= channels <= MAX_CHANNELS:
            raise DecodeError(f"{path}: {channels} channels; 1 to {MAX_CHANNELS} can be read")
        if len(self.positions) != channels:
            self.positions = tuple(POSITIONS[channels].split())

    def __iter__(self) -> Iterator[np.ndarray]:
        rate = self.decoder["sample_rate"]
        resampler = None
        if rate != SAMPLE_RATE:
            import soxr

            resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 2, dtype="float32", quality="HQ")
        samples = 0
        for block in self._blocks:
            samples += len(block)
            block = self._repaired(block)
            if self.tap is not None:
                self.tap(block)
            mixed = mix(block)
            yield resampler.resample_chunk(mixed) if resampler else mixed
        if not samples:
            raise DecodeError(f"{self.path}: holds no audio")
        if self._expected and samples / rate < 0.998 * self._expected - 0.2:
            raise DecodeError(
                f"{self.path}: cut short: {samples / rate:.2f} s "
                f"of the {self._expected:.2f} s its header promises"
            )
        if resampler:
            yield resampler.resample_chunk(np.zeros((0, 2), np.float32), last=True)

    def _repaired(self, block: np.ndarray) -> np.ndarray:
        finite = np.isfinite(block)
        if not finite.all():
            self.decoder["repaired_samples"] += int(block.size - np.count_nonzero(finite))
            block = np.where(finite, block, np.float32(0))
        return block

    def _open(self) -> Iterator[np.ndarray]:
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
        self._expected = file.frames / file.samplerate if file.samplerate > 0 else None
        if file.format == "MP3":
            frame = info_frame(self.path)
            self.decoder["info_frame"] = frame.kind
            self.decoder["lag"] = LAGS["libsndfile"][frame.kind] / max(file.samplerate, 1)
            self._expected = self._expected if frame.counts else None
        if any(note in file.extra_info for note in CUT_SHORT) or _wav_cut(file.extra_info):
            raise DecodeError(f"{self.path}: cut short: the file ends before its audio does")
        return self._soundfile_blocks(file)

    def _soundfile_blocks(self, file: Any) -> Iterator[np.ndarray]:
        with file:
            while True:
                try:
                    block = file.read(BLOCK, dtype="float32", always_2d=True)
                except RuntimeError as error:
                    raise DecodeError(f"{self.path}: damaged or cut short ({error})") from error
                if not len(block):
                    return
                yield block

    def _open_av(self) -> Iterator[np.ndarray]:
        import av

        # Given an open file, not its name: a name such as "concat:x" would mean something.
        stream = self.path.open("rb")
        try:
            container = av.open(stream)
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
        if audio.duration and audio.time_base and container.format.name != "aac":
            self._expected = float(audio.duration * audio.time_base)
        return self._av_blocks(stream, container, audio)

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
    return str(getattr(error, "strerror", None) or error)


def _wav_cut(log: str) -> bool:
    """Whether libsndfile's log says that a WAV's samples end early.

    A size of 0 or next to 2^32 says only that the file was written to a pipe.
    """
    for line in log.splitlines():
        name, _, rest = line.partition(":")
        promised, _, real = rest.partition("(should be ")
        if name.strip() == "data" and real.rstrip(" )").isdigit() and promised.strip().isdigit():
            return int(real.rstrip(" )")) < int(promised) < 2**32 - 2**16
    return False
