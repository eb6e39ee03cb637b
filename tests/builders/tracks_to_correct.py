"""Bpm records with one or two steady regions, to be corrected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dropgrid.library import Scan, track_id
from dropgrid.records.model import (
    BpmRecord,
    Confidences,
    GridRegion,
    KeyRecord,
    Section,
    StructureRecord,
)
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket
from dropgrid.results.layout import Results
from dropgrid.results.ownership import claim
from dropgrid.results.scan_store import write_tickets

TRACK, PATH = "song-0123abcd", "sub/song.flac"
DURATION = 120.0
SURE = Confidences(0.9, 0.8, 0.7, 0.6)


def steady(bpm: float = 120.0, first: float = 0.5, one: int = 0) -> BpmRecord:
    """Beats at bpm from first to the end, the beat number `one` being the first downbeat."""
    count = int((DURATION - first) * bpm / 60)
    beats = tuple(first + i * 60 / bpm for i in range(count))
    return BpmRecord(
        TRACK, PATH, "ok", duration=DURATION, bpm=bpm, bpm_fitted=bpm,
        bpm_interval=(bpm - 0.1, bpm + 0.1), confidence=0.504, confidences=SURE,
        bpm_computed=bpm, time_signature="4/4", beats=beats, downbeats=beats[one::4],
        grid=(GridRegion(first, bpm, count, beats[one]),),
    )  # fmt: skip


def two_pieces(gap: float = 0.0) -> BpmRecord:
    """60 s at 120 BPM, then, after a gap, beats at 140 BPM to the end."""
    start = 60.0 + gap
    early = tuple(0.5 + i * 0.5 for i in range(119))
    late = tuple(start + i * 60 / 140 for i in range(int((DURATION - start) * 140 / 60)))
    return replace(
        steady(), beats=early + late, downbeats=early[::4] + late[1::4],
        grid=(GridRegion(0.5, 120.0, len(early), 0.5),
              GridRegion(start, 140.0, len(late), late[1])),
    )  # fmt: skip


def structured() -> StructureRecord:
    """Intro, drop and outro on the bars of steady()."""
    edges, labels = (0.0, 16.5, 64.5, DURATION), ("intro", "drop", "outro")
    sections = tuple(
        Section(edges[i], edges[i + 1], label, 1 + 8 * i, 9 + 8 * i, 8, 0.9)
        for i, label in enumerate(labels)
    )
    return StructureRecord(
        TRACK, PATH, "ok", duration=DURATION, method="phrases", sections=sections,
        drops=(16.5,), drop_confidences=(0.8,),
    )  # fmt: skip


def keyed() -> KeyRecord:
    """A minor."""
    return KeyRecord(
        TRACK, PATH, "ok", duration=DURATION, key="A minor", camelot="8A", open_key="1m",
        confidence=0.9,
    )  # fmt: skip


def unasked(bpm: float) -> BpmRecord:
    """An analysis at a given tempo, for tests that must not need one."""
    raise AssertionError(f"the analysis was asked for beats at {bpm} BPM")


def write_steady(folder: Path, paths: Iterable[str], music: str = "/music") -> Results:
    """Results of tracks with the record of steady(), without their features."""
    files = Results(folder)
    claim(folder, [music])
    tickets = [Ticket(track_id(path), path, f"{music}/{path}", 1, 1) for path in paths]
    for ticket in tickets:
        record = replace(steady(), track=ticket.track, path=ticket.path)
        write_record(files.record("bpm", ticket.track), record)
    write_tickets(Scan(music, tuple(tickets), ()), folder)
    return files
