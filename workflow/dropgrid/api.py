"""dropgrid from Python: analyse a file, or read what the workflow has written.

    from dropgrid.api import analyze, load_library

    track = analyze("song.flac")
    print(track.bpm.bpm, track.structure.drops)

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
from functools import cache
from pathlib import Path
from typing import Any

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


def analyze(path: str | Path, config: Mapping[str, Any] | None = None) -> Track:
    """Analyse one audio file in this process; all records.

    config: options that differ from the defaults, as in config/config.yaml, for example
    {"bpm": {"min_bpm": 90}}. A file that cannot be analysed gives records whose status is
    "error". Raises ConfigError.
    """
    from .library import scan_files
    from .settings.config import complete_config
    from .stages import analyse_track

    options = complete_config(config or {})
    (ticket,) = scan_files([path]).tracks
    networks = _networks(options["bpm"]["method"], options["key"]["method"])
    return Track(Path(ticket.file), *analyse_track(ticket, *networks, options))


@cache
def _networks(method: str, key_method: str) -> tuple[Path, Path]:
    """The networks' files, made once and kept as long as this process lives."""
    from .stages.networks import prepare_key_network, prepare_network

    folder = tempfile.mkdtemp(prefix="dropgrid-")
    atexit.register(_remove, folder, os.getpid())
    files = Results(Path(folder))
    prepare_network(files.network, method)
    prepare_key_network(files.key_network, key_method)
    return files.network, files.key_network


def _remove(folder: str, pid: int) -> None:
    if pid == os.getpid():  # not in a process that was forked from it
        shutil.rmtree(folder, ignore_errors=True)


def load_library(results: str | Path, library: str | Path | None = None) -> list[Track]:
    """All tracks of a folder of results, in the library's order, the failed ones too.

    library: the folder the audio lies in now, if it has moved since the analysis.
    Raises RecordError.
    """
    return list(iterate_library(results, library))
