"""A fast analysis for the simulated world that depends only on the audio of a file.

A recording is a number; a rip is one of its encodings, of which MP3s are slightly longer. A table
maps the digest of the audio to recording and rip, so the analysis recognises a file whatever its
name and tags; unknown audio counts as damaged. Everything around the analysis (scan, features,
records, corrections, tags) is the real code.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import soundfile
from dropgrid.audio.digests import audio_digest
from dropgrid.base.errors import DecodeError
from dropgrid.features import Features
from dropgrid.key.analysis import Key
from dropgrid.records.model import BpmRecord, Confidences, GridRegion, Section
from dropgrid.records.ticket import Ticket
from dropgrid.rhythm.analysis import Rhythm
from dropgrid.stages import make_features
from dropgrid.structure.analysis import SectionMeasures, Structure

RECORDINGS = 3
RIPS = ((".flac", 120.0), (".mp3", 120.026), (".wav", 120.0))  # suffix, seconds
KNOWN: dict[str, tuple[int, int]] = {}  # digest of audio -> recording, rip


@cache
def audio(recording: int, rip: int) -> bytes:
    """The bytes of a small real file."""
    noise = np.random.default_rng(10 * recording + rip).normal(size=4410) * 0.1
    stream = io.BytesIO()
    kind = {".flac": "FLAC", ".mp3": "MP3", ".wav": "WAV"}[RIPS[rip][0]]
    soundfile.write(stream, noise, 44100, format=kind)
    return stream.getvalue()


def write_audio(path: Path, recording: int, rip: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(audio(recording, rip))
    KNOWN[audio_digest(path)] = recording, rip


def _features(ticket: Ticket, *_: Any, **__: Any) -> Features:
    file = Path(ticket.file)
    try:
        known = KNOWN.get(audio_digest(file))
    except OSError as error:
        raise DecodeError(f"the file cannot be read ({error.strerror})") from error
    if known is None:
        raise DecodeError("damaged or cut short")
    recording, rip = known
    powers = 10 ** np.random.default_rng(recording).uniform(-3, 0, 40)
    descriptors = {
        "loudness": np.repeat(powers, 2).astype(np.float32),
        "peak": np.array([0.5, 0.5]),
        "pitches": np.zeros(1),
        "what": np.array([recording, rip]),
    }
    return Features(
        RIPS[rip][1], np.zeros((0, 2)), descriptors, method="stub",
        tags=make_features._tags(file),
    )  # fmt: skip


def _rhythm(features: Features, options: Any, tag: Any = None, known_bpm: Any = None) -> Rhythm:
    recording, rip = features.descriptors["what"]
    bpm = float(known_bpm or 120 + recording)
    first = 0.5 + 0.025 * int(rip)
    count = int((features.duration - first) * bpm / 60)
    beats = tuple(first + i * 60 / bpm for i in range(count))
    return Rhythm(
        bpm, bpm, (bpm - 0.1, bpm + 0.1), 0.99, Confidences(1.0, 1.0, 0.99, 0.99), (), "4/4",
        beats, beats[::4], (GridRegion(first, bpm, count, first),),
    )  # fmt: skip


def _structure(features: Features, rhythm: BpmRecord, options: Any) -> Structure:
    lines = rhythm.downbeats
    edges = (0.0, lines[8], lines[16], features.duration)
    sections = tuple(
        Section(edges[i], edges[i + 1], label, 1 + 8 * i, 9 + 8 * i, 8, 0.9)
        for i, label in enumerate(("intro", "drop", "outro"))
    )
    return Structure(sections, (lines[8],), (0.8,), (3.0,), None, None, "stub", "bars")


def _measured(
    features: Any, rhythm: Any, sections: Any, drops: Any, options: Any
) -> SectionMeasures:
    return SectionMeasures(tuple(sections), (0.0,) * len(drops), None, None, ())


def _key(features: Features, options: Any) -> Key:
    recording = int(features.descriptors["what"][0])
    return Key(recording, None, 0.95, (), (), 0.0, "stub", {})


@contextmanager
def stubbed() -> Iterator[None]:
    """Replace every analysis by the stub."""
    with (
        mock.patch("os.fsync", lambda descriptor: None),  # no power cuts are simulated
        mock.patch.object(make_features, "compute_features", _features),
        mock.patch("dropgrid.rhythm.analyse", _rhythm),
        mock.patch("dropgrid.structure.analyse", _structure),
        mock.patch("dropgrid.structure.measure_sections", _measured),
        mock.patch("dropgrid.key.analysis.analyse", _key),
    ):
        yield
