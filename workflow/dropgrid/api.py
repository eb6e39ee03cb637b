"""dropgrid from Python: analyse a file, or read the results of the workflow.

    from dropgrid.api import analyze, load_library

    track = analyze("song.flac")
    print(track.bpm.bpm, track.structure.drops)
    track = analyze(samples, 44100)  # a NumPy array, of (samples,) or (samples, channels)

    for track in load_library("results"):
        if track.ok:
            print(track.path, track.bpm.bpm, [s.label for s in track.structure.sections])

    ready = [track for track in load_library("results") if track.ok]
    longest = max(ready, key=lambda track: mix_in_bars(track.structure))  # intro of beat alone
    print(bars_until_first_drop(longest.structure), breakdowns(longest.structure, min_bars=16))

    print(library_frame("results").groupby("genre")["bpm"].median())  # a table of pandas

Records are the dataclasses of dropgrid.records.model: times in seconds, tempo in BPM. A runnable
example: docs/examples/notebook.py.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .audio.reader import MAX_CHANNELS, RATES
from .records.passages import passages
from .records.track import Track
from .results.frames import beats_frame, library_frame, sections_frame
from .results.layout import Results
from .results.library_reader import iterate_library
from .structure.queries import (
    bars_until_first_drop,
    breakdowns,
    mix_in_bars,
    mix_out_bars,
    section_at_bar,
    section_at_time,
)

if TYPE_CHECKING:
    import numpy as np

WAV_BYTES = 2**32 - 2**16  # of samples; a WAV header cannot store a greater length

__all__ = [
    "analyze",
    "bars_until_first_drop",
    "beats_frame",
    "breakdowns",
    "library_frame",
    "load_library",
    "mix_in_bars",
    "mix_out_bars",
    "passages",
    "section_at_bar",
    "section_at_time",
    "sections_frame",
]


def analyze(
    source: str | Path | np.ndarray,
    rate: int | Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Track:
    """Analyse one audio file, or an array of samples, in this process; all records.

    As analyze(path), analyze(path, config), analyze(array, rate) or analyze(array, rate, config).
    source: the file's path; or an array (samples,) or (samples, channels) of floats, full scale
    1, at rate Hz (8000 to 192000), at most 8 channels. Samples that are no numbers count as
    silence. An array goes the way of a file, by a temporary WAV: its records are those of such a
    file called array.wav, and it has no `file`.
    config: options that differ from the defaults, as in config/config.yaml, for example
    {"bpm": {"min_bpm": 90}}. Audio that cannot be analysed gives records whose status is
    "error". Raises ConfigError; ValueError, TypeError for any other array or rate.
    """
    if isinstance(source, str | os.PathLike):
        if isinstance(rate, Mapping):  # analyze(path, config)
            rate, config = None, rate
        if rate is not None:
            raise TypeError("rate: a file has its own; it is given for an array alone")
        return _analyze_file(Path(source), config)
    with tempfile.TemporaryDirectory(prefix="dropgrid-array-") as folder:
        file = Path(folder, "array.wav")
        _write_array(file, source, rate)
        return replace(_analyze_file(file, config), file=None)


def _analyze_file(path: Path, config: Mapping[str, Any] | None) -> Track:
    from .library import scan_files
    from .settings.config import complete_config
    from .stages import analyse_track

    options = complete_config(config or {})
    (ticket,) = scan_files([path]).tracks
    networks = _networks(options["bpm"]["method"], options["key"]["method"])
    return Track(Path(ticket.file), *analyse_track(ticket, *networks, options))


def _write_array(file: Path, source: Any, rate: Any) -> None:
    """Write an array as WAV of 32-bit floats. Raises ValueError, TypeError."""
    import numpy as np
    import soundfile

    samples = np.asarray(source)
    if not np.issubdtype(samples.dtype, np.floating):
        raise TypeError(f"samples: floats with full scale 1 are needed, not {samples.dtype}")
    if samples.ndim not in (1, 2):
        raise ValueError(f"samples: shape {samples.shape}; (samples,) or (samples, channels)")
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    if not 1 <= channels <= MAX_CHANNELS:
        raise ValueError(
            f"samples: {channels} channels, at most {MAX_CHANNELS}; the shape is "
            "(samples, channels)"
        )
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer):
        raise TypeError(f"rate: a whole number of Hz is needed, not {rate!r}")
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"rate: {rate} Hz; from {RATES[0]} to {RATES[1]}")
    form = "WAV" if samples.size * 4 < WAV_BYTES else "RF64"
    soundfile.write(file, samples.astype(np.float32), int(rate), "FLOAT", format=form)


@cache
def _networks(method: str, key_method: str) -> tuple[Path, Path]:
    """The network files, created once per process and deleted when it ends."""
    from .stages.networks import prepare_key_network, prepare_network

    folder = tempfile.mkdtemp(prefix="dropgrid-")
    atexit.register(_remove, folder, os.getpid())
    files = Results(Path(folder))
    prepare_network(files.network, method)
    prepare_key_network(files.key_network, key_method)
    return files.network, files.key_network


def _remove(folder: str, pid: int) -> None:
    if pid == os.getpid():  # not in a process forked from this one
        shutil.rmtree(folder, ignore_errors=True)


def load_library(results: str | Path, library: str | Path | None = None) -> list[Track]:
    """All tracks in a results folder, including failed ones, in library order.

    library: the current folder of the audio, if it has moved since the analysis.
    Raises RecordError.
    """
    return list(iterate_library(results, library))
