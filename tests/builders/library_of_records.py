"""A folder of finished records to export, with names that are difficult for file formats."""

from __future__ import annotations

import json
from pathlib import Path

from dropgrid.library import track_id
from dropgrid.records.model import (
    ANALYSES,
    BpmRecord,
    GridRegion,
    KeyAlternative,
    KeyRecord,
    KeySegment,
    Loudness,
    Section,
    StructureRecord,
    TrackFailure,
)
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket, ticket_json
from dropgrid.results.table import write_table

HOSTILE = 'Ünï & co/100% #1 <drop>;"it\'s" + a=b?.mp3'
PATHS = ("a house.flac", "half time.wav", "undecodable.flac", HOSTILE)
PERIOD = 60 / 128


def bpm_record(path: str, first: float = 0.25, bpm: float = 128.0) -> BpmRecord:
    """64 beats of 4/4 at bpm from first on, the first downbeat on the second beat."""
    beats = tuple(round(first + i * 60 / bpm, 6) for i in range(64))
    return BpmRecord(
        track_id(path),
        path,
        "ok",
        duration=30.5,
        bpm=bpm,
        bpm_fitted=bpm,
        bpm_interval=(bpm - 0.01, bpm + 0.01),
        confidence=0.97,
        method="madmom",
        time_signature="4/4",
        beats=beats,
        downbeats=beats[1::4],
        grid=(
            GridRegion(beats[0], bpm, 32, beats[1]),
            GridRegion(beats[32], bpm + 0.5, 32, beats[33]),
        ),
        decoder={"name": "libsndfile", "format": "FLAC PCM_16", "sample_rate": 44100},
        tags={"title": "Rock & <Roll>", "artist": "Zoë", "album": "", "genre": "", "year": "2020"},
        loudness=Loudness(-8.75, 4.5, -6.0, -7.25, -0.2, None),
    )


def key_record(path: str) -> KeyRecord:
    """A minor, and C major in the last third."""
    return KeyRecord(
        track_id(path),
        path,
        "ok",
        duration=30.5,
        key="A minor",
        camelot="8A",
        open_key="1m",
        confidence=0.95,
        alternatives=(KeyAlternative("C major", "8B", 0.04),),
        segments=(
            KeySegment(0.0, 20.8, "A minor", "8A", 0.97),
            KeySegment(20.8, 30.5, "C major", "8B", 0.8),
        ),
        tuning_cents=4.0,
        tag_key="C major",
        method="madmom",
    )


def structure_record(path: str) -> StructureRecord:
    """Intro, buildup, drop, breakdown, drop, outro over 30.5 s."""
    edges = (0.0, 4.46875, 8.21875, 15.71875, 19.46875, 26.96875, 30.5)
    labels = ("intro", "buildup", "drop", "breakdown", "drop", "outro")
    return StructureRecord(
        track_id(path),
        path,
        "ok",
        duration=30.5,
        method="phrases",
        sections=tuple(
            Section(start, end, label, 2 * i + 1, 2 * i + 3, 2, 0.9)
            for i, (start, end, label) in enumerate(
                zip(edges[:-1], edges[1:], labels, strict=True)
            )
        ),
        drops=(8.21875, 19.46875),
        drop_confidences=(0.9, 0.8),
    )


def write_results(folder: Path, music: Path = Path("/music")) -> Path:
    """Results of the four PATHS, the third failed, the second at 87.5 BPM, with its table."""
    for number, path in enumerate(PATHS):
        track = track_id(path)
        bpm, structure, key = (
            bpm_record(path, bpm=87.5 if number == 1 else 128.0),
            structure_record(path),
            key_record(path),
        )
        if number == 2:
            failure = TrackFailure("decode", "DecodeError", "cut short")
            bpm = BpmRecord(track, path, "error", error=failure)
            structure = StructureRecord(track, path, "error", error=failure)
            key = KeyRecord(track, path, "error", error=failure)
        write_record(folder / "bpm" / f"{track}.json", bpm)
        write_record(folder / "structure" / f"{track}.json", structure)
        write_record(folder / "key" / f"{track}.json", key)
        ticket = folder / "tracks" / f"{track}.json"
        ticket.parent.mkdir(exist_ok=True)
        ticket.write_bytes(ticket_json(Ticket(track, path, str(music / path), 1, 1)))
    scan = {"schema": "dropgrid/scan", "root": str(music), "problems": []}
    scan["tracks"] = [track_id(path) for path in PATHS]
    (folder / "scan.json").write_text(json.dumps(scan))
    write_table(folder, ANALYSES)
    return folder
