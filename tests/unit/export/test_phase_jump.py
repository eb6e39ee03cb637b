"""A pause, or a jump of the phase, moves no beat before it, in any program that stretches."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import engine_database
import numpy as np
import pytest
from defusedxml import ElementTree
from dropgrid.audio import serato
from dropgrid.audio.serato_track import grid_of
from dropgrid.export import engine, export, usb
from dropgrid.export.options import ExportOptions
from dropgrid.records.model import BpmRecord, GridRegion
from dropgrid.records.store import write_record
from dropgrid.records.track import Track
from library_of_records import bpm_record

BPM, BEATS, PAUSE = 128.0, 46, 0.3  # s more than a beat; 46 beats are no whole bars
PERIOD = 60 / BPM


@pytest.fixture
def record() -> BpmRecord:
    """Two stretches of one tempo, a pause between them, which begin on the third beat of a bar."""
    import dataclasses

    start = 0.25 + BEATS * PERIOD + PAUSE
    first = tuple(round(0.25 + i * PERIOD, 6) for i in range(BEATS))
    second = tuple(round(start + i * PERIOD, 6) for i in range(BEATS))
    grid = (
        GridRegion(first[0], BPM, BEATS, first[2]),
        GridRegion(second[0], BPM, BEATS, second[2]),
    )
    return dataclasses.replace(
        bpm_record("a.flac"), beats=first + second, downbeats=first[2::4] + second[2::4],
        grid=grid, duration=second[-1] + 0.2,
    )  # fmt: skip


def stretched(anchors: list[tuple[float, float]], end: float) -> np.ndarray:
    """The beats of a program that, between two markers, stretches the beats to fit."""
    beats: list[float] = []
    for (start, bpm), (following, _) in pairwise(anchors):
        count = max(1, round((following - start) * bpm / 60))
        beats += [start + (following - start) * i / count for i in range(count)]
    start, bpm = anchors[-1]
    before = int(anchors[0][0] * anchors[0][1] / 60)
    beats = [anchors[0][0] - i * 60 / anchors[0][1] for i in range(before, 0, -1)] + beats
    return np.array(
        beats + [start + i * 60 / bpm for i in range(int((end - start) * bpm / 60) + 1)]
    )


def check(found: np.ndarray, record: BpmRecord, slack: int) -> None:
    """All of the record's beats are there, but for so many at most on each side of the pause."""
    beats = np.array(record.beats)
    far = np.abs(found[None, :] - beats[:, None]).min(axis=1) > 2e-4
    around = range(BEATS - slack, BEATS + slack)
    assert set(np.flatnonzero(far)) <= set(around)


def test_serato_stretches_the_pause_alone(record: BpmRecord) -> None:
    grid = grid_of(record)
    assert grid is not None
    read = serato.unpack_grid(serato.pack_grid(grid))
    check(np.array(serato.beats_of(read, record.duration)), record, 0)


def exported(record: BpmRecord, folder: Path, name: str, **options: Any) -> Any:
    write_record(folder / "bpm" / f"{record.track}.json", record)
    export(name, folder, folder / "out.xml", ExportOptions(**options), Path("/music"))
    return ElementTree.parse(folder / "out.xml").getroot()


def test_traktor_4_keeps_the_stretch_before(record: BpmRecord, tmp_path: Path) -> None:
    root = exported(record, tmp_path, "traktor", nml_version=20)
    anchors = [
        (float(mark.get("START")) / 1000, float(mark.find("GRID").get("BPM")))
        for mark in root.iter("CUE_V2")
        if mark.get("TYPE") == "4"
    ]
    assert [time for time, _ in anchors] == pytest.approx(
        [record.beats[2], record.beats[42], record.beats[BEATS + 2]], abs=1e-5
    )
    check(stretched(anchors, record.duration), record, 3)


def test_virtualdj_keeps_the_stretch_before(record: BpmRecord, tmp_path: Path) -> None:
    root = exported(record, tmp_path, "virtualdj")
    points = [point for point in root.iter("Poi") if point.get("Type") == "beatgrid"]
    anchors = [(float(p.get("Pos")), float(p.get("Bpm"))) for p in points]
    check(stretched(anchors, record.duration), record, 3)


def test_engine_keeps_the_stretch_before_and_the_bars_behind(
    record: BpmRecord, tmp_path: Path
) -> None:
    song = tmp_path / "music" / record.path
    song.parent.mkdir()
    song.write_bytes(b"song")
    write_record(tmp_path / "bpm" / f"{record.track}.json", record)
    export("engine", tmp_path, tmp_path / "drive", library=tmp_path / "music")
    with closing(sqlite3.connect(tmp_path / "drive" / engine.DATABASE)) as database:
        (blob,) = database.execute("SELECT beatData FROM PerformanceData").fetchone()
    check(np.array(engine_database.beats(blob)), record, 0)
    ones = np.array(engine_database.downbeats(blob))
    assert np.abs(ones[:, None] - np.array(record.downbeats)).min(axis=0).max() < 1e-3


def test_a_stick_for_cdjs_holds_every_beat(record: BpmRecord) -> None:
    beats = usb.player_grid(Track(None, record, None))
    check(np.array([beat.time for beat in beats]), record, 0)
    ones = [beat.time for beat in beats if beat.number == 1]
    assert ones == pytest.approx(record.downbeats)


def test_rekordbox_has_a_tempo_of_its_own_behind_the_pause(
    record: BpmRecord, tmp_path: Path
) -> None:
    root = exported(record, tmp_path, "rekordbox")
    tempos = [
        (float(tempo.get("Inizio")), float(tempo.get("Bpm"))) for tempo in root.iter("TEMPO")
    ]
    beats: list[float] = []
    for (start, bpm), end in zip(tempos, [tempos[1][0], record.duration], strict=True):
        beats += [start + i * 60 / bpm for i in range(int((end - start - 1e-6) * bpm / 60) + 1)]
    check(np.array(beats), record, 0)
