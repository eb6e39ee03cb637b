"""EDM-grids from Python, as mirdata does it: a data set of tracks whose annotations are arrays.

from dropgrid.synthetic_benchmark.loader import Dataset

data = Dataset("edm-grids")
for track in data.load_tracks().values():
    samples, rate = track.audio
    print(track.track_id, track.tempo, track.beats.times[:4], track.beats.positions[:4])
missing, changed = data.validate()
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..base.strict_json import loads
from .make import AUDIO, TRUTH, levels, read, same_audio

Floats = npt.NDArray[np.float64]
LOSSLESS = ".flac"


@dataclass(frozen=True)
class Beats:
    """times: seconds; positions: in the bar, 1 is the downbeat."""

    times: Floats
    positions: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Intervals:
    """intervals: (n, 2) seconds; labels: what each is."""

    intervals: Floats
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Track:
    """A piece. twin: what was changed in it, "" for the piece itself; twin_of: the original
    piece."""

    track_id: str
    audio_path: Path
    jams_path: Path
    style: str
    traits: tuple[str, ...]
    twin: str
    twin_of: str

    @cached_property
    def audio(self) -> tuple[npt.NDArray[np.float32], int]:
        """(samples, 2) and the rate in Hz."""
        import soundfile

        samples, rate = soundfile.read(self.audio_path, dtype="float32", always_2d=True)
        return samples, int(rate)

    @cached_property
    def jams(self) -> dict[str, Any]:
        """The truth, as in its file."""
        return dict(loads(self.jams_path.read_bytes()))

    @property
    def tempo(self) -> float:
        """The tempo in BPM; where the tempo moves, the tempo of the median beat."""
        return float(self._data("tempo")[0]["value"])

    @property
    def tempo_curve(self) -> tuple[Floats, Floats]:
        """(bars,) seconds at which each bar begins, and its tempo in BPM."""
        data = self._data("tempo", curve="tempo of each bar")
        return np.array([o["time"] for o in data]), np.array([o["value"] for o in data], float)

    @property
    def time_signature(self) -> str:
        """For example 4/4."""
        return str(self.jams["sandbox"]["dropgrid"]["time_signature"])

    @property
    def beats(self) -> Beats:
        """Every beat, including those of a pickup."""
        data = self._data("beat")
        return Beats(np.array([o["time"] for o in data]), np.array([o["value"] for o in data]))

    @property
    def downbeats(self) -> Floats:
        """(bars,) seconds."""
        return self.beats.times[self.beats.positions == 1]

    @property
    def sections(self) -> Intervals:
        """The sections, from 0 to the end of the audio."""
        return _intervals(self._data("segment_open"))

    @property
    def keys(self) -> Intervals:
        """The keys, such as A:minor, and how long each lasts."""
        return _intervals(self._data("key_mode"))

    @property
    def drops(self) -> Floats:
        """The moments at which a drop begins, in seconds."""
        return np.array([o["time"] for o in self._data("tag_open", what="drops")], float)

    @property
    def entries(self) -> Intervals:
        """Where each instrument plays."""
        return _intervals(self._data("tag_open", what="where each instrument plays"))

    def onsets(self, instrument: str) -> Floats:
        """Every stroke of kick, snare, clap or bass, in seconds; empty where it never plays."""
        return np.array([o["time"] for o in self._data("onset", instrument=instrument)], float)

    def _data(self, namespace: str, **sandbox: str) -> list[Any]:
        for annotation in self.jams["annotations"]:
            if annotation["namespace"] == namespace and annotation["sandbox"] == sandbox:
                return list(annotation["data"])
        return []


def _intervals(data: list[Any]) -> Intervals:
    spans = [(o["time"], o["time"] + o["duration"]) for o in data]
    return Intervals(np.array(spans, float).reshape(-1, 2), tuple(str(o["value"]) for o in data))


class Dataset:
    """A folder that `dropgrid benchmark make` wrote."""

    def __init__(self, data_home: str | Path) -> None:
        """Raises ConfigError where there is no benchmark."""
        self.data_home = Path(data_home)
        self._pieces = {piece["name"]: piece for piece in read(self.data_home)["pieces"]}

    @property
    def track_ids(self) -> list[str]:
        """The names of all pieces, twins among them."""
        return list(self._pieces)

    def track(self, track_id: str) -> Track:
        """A piece. Raises KeyError."""
        piece = self._pieces[track_id]
        return Track(
            track_id,
            self.data_home / AUDIO / piece["file"],
            self.data_home / TRUTH / f"{track_id}.jams",
            piece["style"],
            tuple(piece["traits"]),
            piece["twin"],
            piece["twin_of"],
        )

    def load_tracks(self) -> dict[str, Track]:
        """All pieces by name."""
        return {name: self.track(name) for name in self._pieces}

    def validate(self) -> tuple[list[str], list[str]]:
        """(names whose files are missing, names whose audio is not what the manifest says).

        Lossless audio must match the digest of the samples, or the levels within the tolerance.
        Lossy audio is compared only by level, within 1 dB, because its codec changed the samples.
        """
        missing, changed = [], []
        for name, track in self.load_tracks().items():
            if not (track.audio_path.exists() and track.jams_path.exists()):
                missing.append(name)
            elif not _unchanged(track, self._pieces[name]):
                changed.append(name)
        return missing, changed

    def __iter__(self) -> Iterator[Track]:
        return iter(self.load_tracks().values())


LOSSY_TOLERANCE = 1.0  # dB
AUDIBLE = -50.0  # dB: quieter seconds of lossy audio are not compared


def _unchanged(track: Track, piece: dict[str, Any]) -> bool:
    import hashlib

    import soundfile

    samples, _ = soundfile.read(track.audio_path, dtype="int16", always_2d=True)
    found = levels(samples)
    if track.audio_path.suffix == LOSSLESS:
        digest = hashlib.sha256(samples.tobytes()).hexdigest()
        return same_audio({"digest": digest, "levels": list(found)}, piece)
    pairs = list(zip(found, piece["levels"], strict=False))[:-1]
    return bool(pairs) and all(
        abs(a - b) <= LOSSY_TOLERANCE for a, b in pairs if max(a, b) > AUDIBLE
    )
