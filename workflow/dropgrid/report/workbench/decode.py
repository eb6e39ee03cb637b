"""Decode a file to WAV in a separate process, so that no file can crash the server.

python -m dropgrid.report.workbench.decode SONG OUTPUT.wav: 16 bit, one or two channels; time 0 is
that of the records. On failure, it exits with 1 and prints the reason.
"""

from __future__ import annotations

import sys
import wave
from pathlib import Path

import numpy as np

from ...audio.reader import Reader
from ...base.errors import TrackError

MAX_MINUTES = 20.0  # the browser plays longer files itself


def decode(song: Path, output: Path) -> None:
    """Write a song's first two channels as WAV. Raises DecodeError, OSError, ValueError."""
    reader = Reader(song)
    rates: set[int] = set()
    written = 0
    channels = min(2, int(reader.decoder["channels"]))
    with output.open("wb") as stream, wave.open(stream, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(int(reader.decoder["sample_rate"]))

        def write(block: np.ndarray, rate: int) -> None:
            nonlocal written
            rates.add(rate)
            written += len(block)
            if len(rates) > 1:
                raise ValueError("recordings of several sample rates in one file")
            if written > MAX_MINUTES * 60 * rate:
                raise ValueError(f"longer than {MAX_MINUTES:g} minutes")
            steps = np.clip(np.rint(block[:, :channels] * 32768.0), -32768, 32767)
            file.writeframesraw(np.ascontiguousarray(steps.astype("<i2")).tobytes())

        reader.tap = write
        for _ in reader:
            pass


if __name__ == "__main__":
    try:
        decode(Path(sys.argv[1]), Path(sys.argv[2]))
    except (TrackError, OSError, ValueError) as error:
        print(str(error).replace(sys.argv[1], "the file"), file=sys.stderr)
        sys.exit(1)
