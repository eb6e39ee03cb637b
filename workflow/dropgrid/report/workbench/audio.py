"""The sound of a track for the workbench: decoded once, kept for a while; pictures of it."""

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

KEPT = 3  # decoded tracks, some 50 MB each
SECONDS = 120.0  # that decoding may take
LOWS, MIDS = 3, 6  # of the nine bands: below 250 Hz, below 2 kHz, and the rest
MOST_COLUMNS = 40_000
MOST_PEAKS = 8_000
LONGEST_PEAKS = 120.0  # s


class NoSound(Exception):
    """There is no sound to be had of a track; the message says why."""


class Sounds:
    """Decoded tracks in a folder of our own that goes with the server."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dropgrid-workbench-")
        self._kept: OrderedDict[str, Path] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def close(self) -> None:
        """Remove what was decoded."""
        self._folder.cleanup()

    def decoded(self, track: str, song: Path) -> Path:
        """A track as WAV; decoded anew where the song has changed. Raises NoSound."""
        with self._one_at_a_time:
            name = f"{track}-{song.stat().st_mtime_ns}.wav"
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
            output = Path(self._folder.name, name)
            command = [sys.executable, "-P", "-m", "dropgrid.report.workbench.decode"]
            try:
                done = subprocess.run(
                    [*command, os.fspath(song), os.fspath(output)], timeout=SECONDS,
                    capture_output=True, stdin=subprocess.DEVNULL, check=False,
                    env=_with_package(),
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise NoSound(f"not decoded within {SECONDS:g} s") from None
            if done.returncode:
                output.unlink(missing_ok=True)
                reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
                raise NoSound(reason or "cannot be decoded")
            self._kept[name] = output
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)[1].unlink(missing_ok=True)
            return output


def _with_package() -> dict[str, str]:
    """The environment in which another Python finds this package too."""
    top = str(Path(__file__).resolve().parents[3])
    paths = [top, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def playable(file: str) -> Path:
    """The song that a ticket names, if it is one. Raises NoSound.

    A results folder may be somebody else's: what is no music by its name, also where a link
    leads to, is never sent.
    """
    real = Path(os.path.realpath(file))
    for path in (Path(file), real):
        if path.suffix.lower() not in AUDIO_SUFFIXES:
            raise NoSound("not a file of music")
    if not real.is_file():
        raise NoSound("the file is no longer there")
    return real


def peaks(decoded: Path, start: float, end: float, columns: int) -> bytes:
    """Lowest and highest sample of each column between two moments, as a picture. ValueError."""
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
    there = edges[:-1] < len(samples)  # columns after the end of the song are silent
    if there.any():
        extremes[there, 0] = np.minimum.reduceat(samples, edges[:-1][there])
        extremes[there, 1] = np.maximum.reduceat(samples, edges[:-1][there])
    values = np.clip(np.rint(extremes / 256), -128, 127).astype(np.int8)
    return struct.pack("<II", columns, 2) + values.tobytes()


def waveform(features: Path, columns: int) -> bytes:
    """Low, middle and high band over a whole track, as a picture.

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
