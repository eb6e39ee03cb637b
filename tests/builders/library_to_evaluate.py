"""A small library to evaluate, with references for some tracks, and the command for it."""

from __future__ import annotations

import json
from pathlib import Path

from dropgrid.commands.main import main
from dropgrid.library import track_id
from dropgrid.records.model import BpmRecord, Section, StructureRecord, TrackFailure
from dropgrid.records.store import write_record

SAME_NAME = ("x/same.flac", "y/same.flac")
EDGES = (0.0, 16.0, 32.0, 64.0)
LABELS = ("intro", "drop", "outro")


def write_track(results: Path, path: str, bpm: float, shift: float = 0.0, **fields: object) -> str:
    """Records of a 64 s track with beats at bpm, drop from 16 s; sections later by shift."""
    track = track_id(path)
    beats = tuple(60 / bpm * i for i in range(int(64 * bpm / 60)))
    values = {"bpm": bpm, "beats": beats, "downbeats": beats[::4]} | fields
    write_record(
        results / "bpm" / f"{track}.json",
        BpmRecord(track, path, "ok", duration=max([64.0, *values.get("beats", ())]), **values),  # type: ignore[arg-type]
    )
    edges = (0.0, EDGES[1] + shift, EDGES[2] + shift, 64.0)
    sections = tuple(
        Section(start, end, label, None, None, None, 1.0)  # type: ignore[arg-type]
        for start, end, label in zip(edges, edges[1:], LABELS, strict=False)
    )
    write_record(
        results / "structure" / f"{track}.json",
        StructureRecord(track, path, "ok", duration=64.0, sections=sections, drops=(edges[1],)),
    )
    return track


def write_library(folder: Path) -> Path:
    """Six tracks: right, an octave low, off by 1 BPM and 2 s, two of the same name, failed."""
    write_track(folder, "a.flac", 120.0, tag_bpm=121.0)
    write_track(folder, "b.flac", 60.0)
    write_track(folder, "c.flac", 121.0, shift=2.0, tags={"genre": "Trance"})
    write_track(folder, "x/same.flac", 120.0)
    write_track(folder, "y/same.flac", 120.0)
    failed = track_id("z.flac")
    failure = TrackFailure("decode", "DecodeError", "cut short")
    write_record(
        folder / "bpm" / f"{failed}.json", BpmRecord(failed, "z.flac", "error", error=failure)
    )
    return folder


REFERENCES = (
    "path,bpm,genre,start,end,label\n"
    + "".join(
        f"{name},120,{genre},{start},{end},{label}\n"
        for name, genre in (("a.flac", "House"), ("b.flac", "House"), ("c.flac", ""))
        for start, end, label in zip(EDGES, EDGES[1:], LABELS, strict=False)
    )
    + "same,120,,,,\nunknown.flac,120,,,,\nz.flac,120,,,,\n"
)


def evaluate(results: Path, *arguments: str | Path) -> int:
    return main(["evaluate", "--results", str(results), *map(str, arguments)])


def document(results: Path, task: str) -> dict:  # type: ignore[type-arg]
    return dict(json.loads((results / "evaluation" / f"{task}.json").read_text()))
