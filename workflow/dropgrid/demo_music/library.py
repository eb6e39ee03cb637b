"""The demonstration library: a small, typical music folder with exact references.

FOLDER/music/GENRE/...         tracks in several containers, two of the files broken
FOLDER/references/*.json       for each track: path, bpm, beats, downbeats, sections, genre
FOLDER/references/tempo.csv    columns path, bpm, genre
FOLDER/manifest.json           what was written, so that a second call has nothing to do
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ..base.files import write_atomically
from ..base.json_documents import json_lines
from .composition import Composition, compose
from .containers import encode, with_tags
from .rendering import render

MANIFEST = "manifest.json"
ARTIST = "The Dropgrids"


@dataclass(frozen=True)
class Track:
    """One file of the library: its path below music/, its music, and its file format."""

    path: str
    style: str
    bpm: float
    seed: int
    duration: float
    rate: int = 44100
    channels: int = 2
    coding: str | None = None
    tag_bpm: bool = False

    @property
    def composition(self) -> Composition:
        """What is played."""
        return compose(self.seed, self.bpm, self.style, self.duration)


TRACKS = (
    Track("house/Paper Lanterns.wav", "house", 124, 3, 90),
    Track("house/Glass Harbour.mp3", "house", 128, 5, 70, tag_bpm=True),
    # A name that a careless script would execute, split, expand or take for an option; and a
    # record played a little fast, so that its tempo is no round number.
    Track('house/-it\'s "late" $(date) {x} & naïve ☾ #1.flac', "house", 125.38, 8, 75),
    Track("techno/Concrete Garden.flac", "techno", 134, 2, 80, rate=48000, coding="PCM_24"),
    Track("techno/Signal Lost.aiff", "techno", 140.5, 4, 75, rate=22050, channels=1),
    Track("trance/Halcyon Field.m4a", "trance", 138, 6, 75),
    Track("breakbeat/Copper Wire.flac", "breakbeat", 130, 7, 65, channels=4),
    Track("drum and bass/Night Swim.ogg", "drum and bass", 174, 1, 100),
    Track("drum and bass/Overtaker.flac", "drum and bass", 176, 9, 62, rate=96000),
    Track("dubstep/Low Ceiling.opus", "dubstep", 140, 10, 75, rate=48000),
    Track("hip hop/Back Step.ogg", "hip hop", 87, 11, 115),
)
CUT_SHORT = "broken/Cut Short.flac"
NOT_MUSIC = "broken/Not Music.mp3"
BROKEN = (CUT_SHORT, NOT_MUSIC)


def write_library(folder: Path) -> bool:
    """Write the library below folder; True if anything had to be written.

    Files that an earlier call of the same version wrote are kept if they are unchanged. Files that
    only an earlier version wrote are removed; no other files are touched. Raises OSError.
    """
    version = _version()
    known = _read_manifest(folder / MANIFEST)
    current = known["files"] if known["version"] == version else {}
    makers = _makers()
    digests = {
        name: current[name]
        for name in makers
        if name in current and _digest(folder / name) == current[name]
    }
    if len(digests) == len(makers):
        return False
    for name in known["files"].keys() - makers.keys():
        with suppress(OSError):
            (folder / name).unlink()
    for name, make in makers.items():
        if name not in digests:
            write_atomically(folder / name, make())
            digests[name] = _digest(folder / name)
    manifest = {"schema": "dropgrid/demo", "version": version, "files": digests}
    write_atomically(folder / MANIFEST, json_lines(manifest))
    return True


def reference(track: Track) -> dict[str, Any]:
    """The truth about a track, as a reference annotation; times in seconds."""
    composition = track.composition
    return {
        "path": track.path,
        "bpm": composition.bpm,
        "time_signature": "4/4",
        "genre": track.style,
        "duration": composition.duration,
        "sections": [
            {"start": section.start, "end": section.end, "label": section.label}
            for section in composition.sections
        ],
        "beats": composition.beats.tolist(),
        "downbeats": composition.downbeats.tolist(),
    }


def audio(track: Track) -> bytes:
    """A track as the bytes of its file, tags included."""
    path = PurePosixPath(track.path)
    samples = with_channels(render(track.composition, track.rate), track.channels)
    tags = {"title": path.stem, "artist": ARTIST, "genre": track.style}
    if track.tag_bpm:
        tags["bpm"] = f"{track.bpm:g}"
    return with_tags(encode(samples, track.rate, path.suffix, track.coding), tags)


def with_channels(stereo: np.ndarray, channels: int) -> np.ndarray:
    """(n, 2) samples as mono, or as 2, 4, ... channels, each further pair half as loud."""
    if channels == 1:
        return stereo.mean(axis=1, keepdims=True)
    return np.concatenate([stereo * 0.5**pair for pair in range(channels // 2)], axis=1)


def cut_short() -> bytes:
    """A FLAC file whose second half is missing."""
    samples = render(compose(12, 126, "house", 40.0), 22050)
    data = encode(samples, 22050, ".flac")
    return data[: len(data) // 2]


def _makers() -> dict[str, Callable[[], bytes]]:
    """How to make each file, by its path below the folder."""
    makers: dict[str, Callable[[], bytes]] = {}
    for number, track in enumerate(TRACKS, 1):
        stem = f"{number:02d}-{track.style.replace(' ', '-')}-{track.bpm:g}"
        makers[f"music/{track.path}"] = lambda track=track: audio(track)  # type: ignore[misc]
        makers[f"references/{stem}.json"] = lambda track=track: json_lines(  # type: ignore[misc]
            reference(track)
        )
    makers["references/tempo.csv"] = _tempo_table
    makers[f"music/{CUT_SHORT}"] = cut_short
    makers[f"music/{NOT_MUSIC}"] = lambda: b"This text was given the name of a song.\n" * 50
    return makers


def _tempo_table() -> bytes:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["path", "bpm", "genre"])
    writer.writerows([track.path, f"{track.bpm:g}", track.style] for track in TRACKS)
    return table.getvalue().encode()


def _version() -> str:
    """A digest of this package's source: the music may change whenever the source does."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _read_manifest(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, KeyError, TypeError):
        values = json.loads(path.read_bytes())
        return {"version": str(values["version"]), "files": dict(values["files"])}
    return {"version": "", "files": {}}


def _digest(path: Path) -> str | None:
    """SHA-256 of a file, None where it cannot be read."""
    with suppress(OSError), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
    return None
