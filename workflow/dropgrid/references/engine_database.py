"""Reads `engine` references: the library of Engine DJ, `Engine Library/Database2/m.db`.

For each track: BPM, beats and downbeats of the adjusted grid, and cues named after a section.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from ..player_formats import engine_blobs as blobs
from ..player_formats import engine_grid
from . import checks, cues, stick_sources
from .annotation import Annotation, CueOrLoop
from .checks import Place
from .sqlite_source import Source, opened

PROGRAM = "Engine DJ"
MOST_BEATS = 200_000  # of a track
OLD = "select path, length, bpmAnalyzed, bpm, beatData, quickCues, loops, genre from Track"
NEW = (
    "select path, length, bpmAnalyzed, bpm, beatData, quickCues, loops, genre"
    " from Track join PerformanceData on Track.id = PerformanceData.trackId"
)


def read(path: Path) -> list[Annotation]:
    """The annotations of an Engine library, in the order of the paths. Raises InvalidReference."""
    with opened(path, PROGRAM) as source:
        sources = stick_sources.read(path.parent.parent / "dropgrid.json")
        rows = source.rows(_query(source))
        found = checks.within_bounds(
            (_annotation(path, row, sources) for row in rows if row[0] is not None), path
        )
        return sorted(found, key=lambda annotation: annotation.key)


def _query(source: Source) -> str:
    """The SQL query: until version 2.21 the performance data are columns of the tracks table."""
    columns = source.connection.execute("pragma table_info(Track)").fetchall()
    old = any(name == "beatData" for _, name, *_ in columns)
    source.check_tables(("Track",) if old else ("Track", "PerformanceData"))
    return OLD if old else NEW


def _annotation(file: Path, row: tuple[Any, ...], sources: dict[str, str]) -> Annotation:
    path, length, analysed, bpm, grid, pads, saved, genre = row
    place = Place(file).at(str(path))
    if not isinstance(path, str):
        place.refuse("not a path")
    duration = checks.time(length, place.at("length")) if length else None
    tempo = analysed or bpm
    beats: list[float] = []
    downbeats: list[float] = []
    named: list[tuple[float, str, Place]] = []
    found_cues: list[CueOrLoop] = []
    try:
        rate, markers = blobs.unpack_grid(_blob(grid))
        if markers and duration is not None:
            first = markers[0].beat
            beats = engine_grid.beats(markers, rate, duration + 1, MOST_BEATS, before_0=True)
            downbeats = [t for i, t in enumerate(beats, first) if i % engine_grid.BAR == 0]
        if rate:
            found_cues = [
                CueOrLoop(checks.time(cue.sample / rate, place.at("cue")), cue.name, cue.pad)
                for cue in blobs.unpack_cues(_blob(pads))
            ]
            named = [(cue.time, cue.name, place) for cue in found_cues]
            for loop in blobs.unpack_loops(_blob(saved)):
                start = checks.time(loop.start / rate, place.at("loop"))
                end = checks.time(loop.end / rate, place.at("loop"))
                found_cues.append(CueOrLoop(start, loop.name, None, end))
    except ValueError as error:
        place.refuse(f"grid or cues cannot be read ({error})")
    end = duration or 0.0
    return Annotation(
        key=sources.get(path) or str(PurePosixPath(path)),
        source=str(file),
        format="engine",
        bpm=checks.bpm(tempo, place.at("bpm")) if tempo else None,
        beats=tuple(t for t in beats if 0 <= t <= end) or None,
        downbeats=tuple(t for t in downbeats if 0 <= t <= end) or None,
        sections=cues.sections(named, duration) or None,
        cues_and_loops=tuple(found_cues) or None,
        duration=duration,
        genre=str(genre) if genre else None,
    )


def _blob(value: Any) -> bytes:
    if value is not None and not isinstance(value, bytes):
        raise ValueError("no binary field")
    return value or b""
