"""The sound of a track for the workbench, decoded once and cached; and its waveforms."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import wave
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ...base.arrays import opened_arrays
from ...features import FRAME_RATE
from ...features.store import DESCRIPTOR
from ...library import AUDIO_SUFFIXES

MAX_DECODED = 3  # tracks in the cache, about 50 MB each
TIMEOUT = 120.0  # s: of decoding
LOWS, MIDS = 3, 6  # indexes in the nine bands: below 250 Hz, below 2 kHz, above
MOST_COLUMNS = 40_000
MOST_PEAKS = 8_000
LONGEST_PEAKS = 120.0  # s


class NoSound(Exception):
    """A track's sound is not available; the message gives the reason."""


class Sounds:
    """Decoded tracks in a temporary folder, which is removed with the server."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dropgrid-workbench-")
        self._decoded: OrderedDict[str, Path] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Remove the decoded tracks."""
        self._folder.cleanup()

    def decoded(self, track: str, song: Path) -> Path:
        """A track as WAV; decoded again if the file has changed. Raises NoSound."""
        with self._lock:
            name = f"{track}-{song.stat().st_mtime_ns}.wav"
            if name in self._decoded:
                self._decoded.move_to_end(name)
                return self._decoded[name]
            output = Path(self._folder.name, name)
            command = [sys.executable, "-P", "-m", "dropgrid.report.workbench.decode"]
            try:
                done = subprocess.run(
                    [*command, os.fspath(song), os.fspath(output)], timeout=TIMEOUT,
                    capture_output=True, stdin=subprocess.DEVNULL, check=False,
                    env=_with_package(),
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise NoSound(f"not decoded within {TIMEOUT:g} s") from None
            if done.returncode:
                output.unlink(missing_ok=True)
                reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
                raise NoSound(reason or "cannot be decoded")
            self._decoded[name] = output
            while len(self._decoded) > MAX_DECODED:
                self._decoded.popitem(last=False)[1].unlink(missing_ok=True)
            return output


def _with_package() -> dict[str, str]:
    """The environment in which another Python process finds this package."""
    top = str(Path(__file__).resolve().parents[3])
    paths = [top, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def playable(file: str) -> Path:
    """The audio file that a ticket names. Raises NoSound.

    A results folder may come from someone else, so a file without the suffix of an audio file is
    never sent, nor is the target of a link without one.
    """
    real = Path(os.path.realpath(file))
    for path in (Path(file), real):
        if path.suffix.lower() not in AUDIO_SUFFIXES:
            raise NoSound("not an audio file")
    if not real.is_file():
        raise NoSound("the file is no longer there")
    return real


def peaks(decoded: Path, start: float, end: float, columns: int) -> bytes:
    """The lowest and highest sample of each column between two times (s). Raises ValueError."""
    if not (0 <= start < end <= start + LONGEST_PEAKS and 1 <= columns <= MOST_PEAKS):
        raise ValueError(f"columns: 1 to {MOST_PEAKS}; end - start: at most {LONGEST_PEAKS:g} s")
    with wave.open(str(decoded), "rb") as file:
        rate, channels = file.getframerate(), file.getnchannels()
        first = min(int(start * rate), file.getnframes())
        file.setpos(first)
        data = file.readframes(int((end - start) * rate) + 1)
    samples = np.frombuffer(data, "<i2").reshape(-1, channels).mean(axis=1)
    edges = np.linspace(0, (end - start) * rate, columns + 1).astype(int)
    extremes = np.zeros((columns, 2))
    inside = edges[:-1] < len(samples)  # columns after the end of the song are silent
    if inside.any():
        extremes[inside, 0] = np.minimum.reduceat(samples, edges[:-1][inside])
        extremes[inside, 1] = np.maximum.reduceat(samples, edges[:-1][inside])
    values = np.clip(np.rint(extremes / 256), -128, 127).astype(np.int8)
    return struct.pack("<II", columns, 2) + values.tobytes()


def waveform(features: Path, columns: int) -> bytes:
    """The low, middle and high band of each column of a whole track.

    Raises ValueError, OSError, KeyError.
    """
    if not 1 <= columns <= MOST_COLUMNS:
        raise ValueError(f"columns: 1 to {MOST_COLUMNS}")
    with opened_arrays(features) as arrays:
        duration = json.loads(arrays["about"].tobytes())["duration"]
        bands = arrays[DESCRIPTOR + "bands"].astype(np.float32)
    power = 10 ** (np.nan_to_num(bands, nan=-100.0, posinf=0.0, neginf=-100.0) / 10)
    parts = (power[:, :LOWS], power[:, LOWS:MIDS], power[:, MIDS:])
    three = np.sqrt(np.stack([part.sum(axis=1) for part in parts], axis=1))
    frames = max(1, min(len(three), round(duration * FRAME_RATE)))
    starts = np.minimum(np.arange(columns) * frames // columns, len(three) - 1)
    pooled = np.maximum.reduceat(three[:frames], np.minimum(starts, frames - 1), axis=0)
    scale = 255 / max(float(pooled.max(initial=0.0)), 1e-6)
    values = np.minimum(np.rint(pooled * scale), 255).astype(np.uint8)
    return struct.pack("<II", columns, 3) + values.tobytes()
