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
from . import ffmpeg
from .channels import POSITIONS, VORBIS_POSITIONS, largest, mix
from .chunks import audio_chunk, unexplained, wrapped_end
from .filepart import FilePart
from .flac import declared_and_found
from .headers import another_behind
from .mp3 import (
    BY_FRAMES,
    LAGS,
    SLACK_SECONDS,
    SLACK_SHARE,
    InfoFrame,
    info_frame,
    oddity,
    recordings,
    wants_frames,
)
from .mp3_frames import Frames, frames, survey
from .ogg import links

SAMPLE_RATE = 44100  # Hz
RATES = (8000, 192000)  # Hz, what a music file may have
MAX_CHANNELS = 8
MAX_RECORDINGS = 1000  # one behind the other in a file
BLOCK = 65536  # samples a channel decoded at once
# What libsndfile notes of a file that ends before its time, in formats that are not looked into.
CUT_SHORT = ("File ended unexpectedly", "> file length")
FFMPEG_NAMES = {"WAV": "wav", "WAVEX": "wav", "RF64": "wav", "AIFF": "aiff", "FLAC": "flac"}
CHUNKED = ("WAV", "WAVEX", "RF64", "AIFF", "CAF", "W64")  # of which only the audio's must be whole
UNKNOWN_FRAMES = 2**60  # more than any file has: libsndfile's value for an unknown length
ANOTHER_BEHIND = "another recording stands behind the one that was analysed"
NO_LAST_PAGE = "the page that should be the last is not marked so: the end may be missing"


@dataclass
class _Recording:
    """A recording to decode. seconds: its length by the header; None if not given."""

    rate: int
    seconds: float | None
    blocks: Iterator[np.ndarray]  # each is valid until the next, which may overwrite it


class Reader:
    """Iterates over a file's blocks; knows how it is decoded.

    decoder: decoder, version, format, sample rate (Hz) and channels of the file;
        "lag": seconds by which the decoded music is late, where known, else None. Nothing is
        compensated: times count from the first decoded sample. "info_frame": of an MP3, see
        dropgrid.audio.mp3.
        "repaired_samples": how many samples so far were no numbers and became 0.
        "info_frame_hidden": bytes that are no tag stand before it.
        "recordings": how many stand one behind the other in the file, where it is more than
        one; all are read. "problem": what may be wrong with a file that is read nevertheless.
        "continued": which decoder went on where the first gave up. "start_known": False where
        the file does not tell how much of its start is no music (AAC, WMA).
    positions: the position of each channel of the file, by FFmpeg's name: FL, FR, FC, LFE ...
    tap: called with every block as decoded, (samples, channels) float32, full scale 1 and
        repaired, and its rate in Hz, before it is mixed; for what is measured on the channels.
    divisor: what samples are divided by, where full scale is not 1.

    Raises DecodeError, on opening or while iterating: not audio, absurd header, cut short, empty.
    Raises OSError where the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.decoder: dict[str, Any] = {}
        self.positions: tuple[str, ...] = ()
        self.tap: Callable[[np.ndarray, int], None] | None = None
        self.divisor = 1.0
        self._values = 0  # samples of all channels so far
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
        if repaired := self.decoder["repaired_samples"]:
            share = 100 * repaired / self._values
            self.note(f"{repaired} samples ({share:.2g} %) are no numbers; they became silence")

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
            yield resampler.resample_chunk(np.ascontiguousarray(mixed)) if resampler else mixed
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
        if promised and seconds < (1 - SLACK_SHARE) * promised - SLACK_SECONDS:
            raise DecodeError(
                f"{self.path}: cut short: {seconds:.2f} s "
                f"of the {promised:.2f} s its header promises"
            )

    def _repaired(self, block: np.ndarray) -> np.ndarray:
        if largest(block) > np.finfo(np.float32).max:
            finite = np.isfinite(block)
            self.decoder["repaired_samples"] += int(block.size - np.count_nonzero(finite))
            block = np.where(finite, block, np.float32(0))
        self._values += block.size
        return block if self.divisor == 1 else block / np.float32(self.divisor)

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
            return self._open_ffmpeg()
        self.decoder = {
            "name": "libsndfile",
            "version": soundfile.__libsndfile_version__,
            "format": f"{file.format} {file.subtype}",
            "sample_rate": file.samplerate,
            "channels": file.channels,
            "lag": 0.0,
            "repaired_samples": 0,
        }
        if file.format == "MP3" and file.subtype == "MPEG_LAYER_III":
            return self._open_mp3(file)
        if file.format == "MP3":  # layers I and II, whose length libsndfile guesses
            file.close()
            return self._open_ffmpeg()
        if file.format == "OGG":
            return self._open_ogg(file)
        another = another_behind(self.path, FFMPEG_NAMES.get(file.format, ""))
        if another:
            self.note(ANOTHER_BEHIND)
        if file.format in CHUNKED:
            return self._open_chunked(file, another)
        if any(note in file.extra_info for note in CUT_SHORT):
            raise DecodeError(f"{self.path}: cut short: the file ends before its audio does")
        if file.format == "FLAC":
            return self._open_flac(file, another)
        return self._recording(file)

    def _recording(self, file: Any, part: FilePart | None = None) -> _Recording:
        """All that libsndfile reads of a file, by the length that it declares."""
        seconds = file.frames / file.samplerate if file.samplerate > 0 else None
        return _Recording(file.samplerate, seconds, self._soundfile_blocks(file, part))

    def _open_mp3(self, file: Any) -> _Recording:
        info = info_frame(self.path)
        self._note_info_frame(info)
        self.decoder["lag"] = LAGS["libsndfile"][info.kind] / max(file.samplerate, 1)
        parts = recordings(self.path, MAX_RECORDINGS + 1)
        if len(parts) > 1:
            return self._open_chain(file, parts)
        return self._mp3(file, info, self.path.stat().st_size)

    def _note_info_frame(self, info: InfoFrame) -> None:
        self.decoder["info_frame"] = info.kind
        if info.hidden and info.kind != "bare":
            self.decoder["info_frame_hidden"] = True

    def _mp3(
        self, file: Any, info: InfoFrame, end: int, part: FilePart | None = None
    ) -> _Recording:
        """An MP3 up to byte `end`: by libsndfile, or by its frames where that would lose some."""
        found = survey(self.path, info.music, end)
        recording = self._recording(file, part)
        if found is not None and found.count:
            if problem := oddity(info, found):
                self.note(problem)
            if wants_frames(info, found, recording.seconds or 0.0):
                channels = file.channels
                file.close()
                return self._by_frames(info, found, end, channels)
        if not info.counts:
            recording.seconds = None
        return recording

    def _by_frames(self, info: InfoFrame, found: Frames, end: int, channels: int) -> _Recording:
        """An MP3 decoded frame by frame: all its frames except the info frame."""
        if not self._later:
            facts = ffmpeg.decoder("mp3", "mp3float", found.rate, channels)
            self.decoder |= facts | {"lag": BY_FRAMES / found.rate}
        seconds = info.declared * found.samples / found.rate if info.declared else None
        blocks = ffmpeg.mp3_blocks(frames(self.path, info.music, end), found.samples, channels)
        return _Recording(found.rate, seconds, blocks)

    def _open_ogg(self, file: Any) -> _Recording:
        self.positions = tuple(VORBIS_POSITIONS.get(file.channels, "").split())
        chain = links(self.path, MAX_RECORDINGS + 1)
        if chain and chain[-1].cut:
            raise DecodeError(f"{self.path}: cut short: the file ends before its audio does")
        if chain and not chain[-1].ended:
            self.note(NO_LAST_PAGE)
        if lost := sum(link.lost for link in chain):
            self.note(f"{lost} of its pages are damaged or missing; beats behind may be early")
        if len(chain) > 1:
            return self._open_chain(file, [(link.start, link.end) for link in chain])
        if chain and (chain[0].backward or ffmpeg.declares_too_little(self.path)):
            return self._by_ffmpeg(file, "its pages promise")
        whole = len(chain) == 1 and chain[0].ended and not lost
        if whole and file.subtype == "VORBIS" and file.channels <= 2:
            return self._vorbis(file)
        return self._recording(file)

    def _vorbis(self, file: Any) -> _Recording:
        """A whole file, by FFmpeg, which takes half of libsndfile's time for the same samples,
        but for the last bits of their 24."""
        recording = self._recording(file)
        facts = ffmpeg.decoder("ogg", "vorbis", file.samplerate, file.channels)
        self.decoder = facts | {"lag": 0.0}
        recording.blocks = self._vorbis_blocks(file)
        return recording

    def _vorbis_blocks(self, file: Any) -> Iterator[np.ndarray]:
        """What FFmpeg decodes; where it gives up, libsndfile goes on at the same sample."""
        samples = 0
        try:
            for block in ffmpeg.vorbis_blocks(self.path, file.channels):
                block = block[: file.frames - samples]
                samples += len(block)
                yield block
        except DecodeError:
            pass
        if samples < file.frames:
            import soundfile

            version = soundfile.__libsndfile_version__
            seconds = samples / file.samplerate
            self.decoder["continued"] = f"libsndfile {version} from {seconds:.2f} s on"
            file.seek(samples)
            yield from self._soundfile_blocks(file)
        file.close()

    def _open_flac(self, file: Any, another: bool) -> _Recording:
        declared, found = declared_and_found(self.path)
        if file.frames > UNKNOWN_FRAMES:
            return self._by_ffmpeg(file)
        if found and not another and found - declared > SLACK_SECONDS * file.samplerate:
            return self._by_ffmpeg(file, "its header promises")
        return self._recording(file)

    def _open_chunked(self, file: Any, another: bool) -> _Recording:
        """WAV, Wave64, AIFF or CAF: only the chunk of its audio must be whole."""
        chunk = audio_chunk(self.path)
        if chunk and chunk.promised == 0 and chunk.present:  # libsndfile reads nothing of it
            file.close()
            return self._open_ffmpeg()
        recording = self._recording(file)
        if not chunk or not chunk.promised or not chunk.present or not recording.seconds:
            return recording
        self._check_length(recording.seconds, recording.seconds * chunk.promised / chunk.present)
        if end := wrapped_end(self.path, chunk):
            part = FilePart(self.path, 0, end, {chunk.start - 4: bytes(4)})  # 0: not known
            return self._by_ffmpeg(file, "its header, in 32 bits, promises", part)
        behind = 0 if another else unexplained(self.path, chunk)
        seconds = recording.seconds * behind / chunk.present
        if seconds > SLACK_SECONDS + SLACK_SHARE * recording.seconds:
            self.note(
                f"{behind} bytes behind the audio that its header promises are neither tags nor "
                f"silence: perhaps {seconds:.1f} s of music, which were not analysed"
            )
        return recording

    def _open_chain(self, file: Any, parts: list[tuple[int, int]]) -> _Recording:
        """The first of several recordings; the others follow it."""
        file.close()
        if len(parts) > MAX_RECORDINGS:
            raise DecodeError(f"{self.path}: more than {MAX_RECORDINGS} recordings in one file")
        self.decoder["recordings"] = len(parts)
        self._later = parts[1:]
        return self._open_part(*parts[0])

    def _open_part(self, start: int, end: int) -> _Recording:
        """One of several recordings; if it cannot be opened it is left out, with a note."""
        import soundfile

        part = FilePart(self.path, start, end)
        try:
            file = soundfile.SoundFile(part)
        except (RuntimeError, TypeError, ValueError):
            part.close()
            if part.failed is not None:
                raise part.failed from None
            self.note(f"the recording from byte {start} on cannot be read")
            return _Recording(SAMPLE_RATE, None, iter(()))
        self._check_header(file.samplerate, file.channels)
        if file.format == "MP3":
            return self._mp3(file, info_frame(self.path, start), end, part)
        return self._recording(file, part)

    def _soundfile_blocks(self, file: Any, part: FilePart | None = None) -> Iterator[np.ndarray]:
        samples = 0
        room = np.empty((BLOCK, file.channels), np.float32)
        with file, part or nullcontext():
            while True:
                # Into a room of its own it would read on, past the samples that it declares.
                left = file.frames - file.tell() if file.seekable() else BLOCK
                wanted = min(BLOCK, max(0, left))
                try:
                    block = file.read(wanted, dtype="float32", always_2d=True, out=room)
                except RuntimeError as error:
                    if part is not None:
                        raise self._damaged(error) from error
                    yield from self._continued(samples, error)
                    return
                if part is not None and part.failed is not None:
                    raise part.failed
                if not len(block):
                    return
                samples += len(block)
                yield block

    def _continued(self, samples: int, error: RuntimeError) -> Iterator[np.ndarray]:
        """What FFmpeg decodes behind so many samples, where libsndfile gives up.

        Raises DecodeError where it finds something damaged or missing, too.
        """
        if self.decoder["channels"] > 2:  # whose order is another
            raise self._damaged(error) from error
        try:
            file = ffmpeg.opened(self.path, strict=True)
            left = samples
            for block in file.blocks:
                if len(block) > left:
                    yield block[left:]
                left = max(0, left - len(block))
        except DecodeError:
            raise self._damaged(error) from error
        if left:
            raise self._damaged(error) from error
        seconds = samples / self.decoder["sample_rate"]
        version = file.decoder["version"]
        self.decoder["continued"] = f"ffmpeg {version} from {seconds:.2f} s on"

    def _damaged(self, error: RuntimeError) -> DecodeError:
        return DecodeError(f"{self.path}: damaged or cut short ({error})")

    def _by_ffmpeg(
        self, file: Any, source: str | None = None, part: FilePart | None = None
    ) -> _Recording:
        """A file that libsndfile can read only in part, decoded by FFmpeg to its end.

        source: of a promise of less than there is.
        """
        promised = file.frames / file.samplerate
        file.close()
        second = ffmpeg.opened(self.path, strict=True, stream=part)
        self.decoder, self.positions = second.decoder | {"lag": 0.0}, second.positions
        if source:
            self.note(f"{source} {promised:.2f} s, and there is more, which was analysed")
        return _Recording(second.decoder["sample_rate"], None, second.blocks)

    def _open_ffmpeg(self) -> _Recording:
        file = ffmpeg.opened(self.path)
        self.decoder, self.positions = file.decoder, file.positions
        if file.another:
            self.note(ANOTHER_BEHIND)
        rate, channels = self.decoder["sample_rate"], self.decoder["channels"]
        if self.decoder["format"].startswith("mp3 "):
            size = self.path.stat().st_size
            info = info_frame(self.path)
            found = survey(self.path, info.music, size)
            if found is not None and found.count:
                self._note_info_frame(info)
                if problem := oddity(info, found):
                    self.note(problem)
                return self._by_frames(info, found, size, channels)
        if file.left_out > SLACK_SECONDS + SLACK_SHARE * (file.seconds or 0.0):
            self.note(f"its edit list ends {file.left_out:.1f} s early; they were not analysed")
        if not file.start_known:
            self.decoder["start_known"] = False
        chunk = audio_chunk(self.path)
        if chunk and chunk.promised and file.seconds:  # FFmpeg gives the length present
            promised = file.seconds * chunk.promised / max(chunk.present, 1)
            self._check_length(file.seconds, promised)
        return _Recording(rate, file.seconds, file.blocks)

    def note(self, problem: str) -> None:
        """Add a possible problem of the file, once."""
        problems = self.decoder.get("problem")
        if problems is None:
            self.decoder["problem"] = problem
        elif problem not in problems:
            self.decoder["problem"] = f"{problems}; {problem}"
