"""Reads `csv` references: a header, then one row per track or section."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from . import checks
from .annotation import Annotation, ReferenceSection
from .checks import Place
from .plain_json import SECTION_FIELDS, section_of

NAMES = {"track": "track", "track_id": "track", "path": "path", "file": "path", "filename": "path"}
TRACK_FIELDS = ("bpm", "genre", "first_downbeat", "time_signature", "duration", "key")
FIELDS = (*TRACK_FIELDS, *SECTION_FIELDS)
DATA = {"bpm", "genre", "start", "start_bar", "key"}

MAX_COLUMNS = 1000  # of a table
MAX_ROWS = 1_000_000

Row = dict[str, str]


def read(path: Path) -> list[Annotation]:
    """The annotations of a CSV or TSV file. Raises InvalidReference."""
    tracks: dict[str, list[tuple[Row, Place]]] = {}
    for row, place in _rows(path):
        name = next((row[name] for name in ("track", "path") if row.get(name)), None)
        if name is None:
            place.refuse("names no track: `track` or `path` is empty")
        tracks.setdefault(name, []).append((row, place))
    return [_track(key, rows) for key, rows in tracks.items()]


def _rows(path: Path) -> list[tuple[Row, Place]]:
    source = checks.read_text(path)
    header = source.partition("\n")[0]
    tabs = path.suffix.lower() == ".tsv" or header.count("\t") > header.count(",")
    semicolons = header.count(";") > header.count(",")
    reader = csv.reader(
        io.StringIO(source, newline=""),
        delimiter="\t" if tabs else ";" if semicolons else ",",
        strict=True,
    )
    columns: list[str] | None = None
    rows = []
    try:
        for cells in reader:
            place = Place(path, reader.line_num)
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _columns(cells, place)
                continue
            if len(cells) != len(columns):
                place.refuse(f"{len(cells)} columns where the header has {len(columns)}")
            row = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
            rows.append(({name: cell for name, cell in row.items() if cell}, place))
            if len(rows) > MAX_ROWS:
                place.refuse(f"more than {MAX_ROWS} rows")
    except csv.Error as error:
        Place(path, reader.line_num).refuse(f"not a table: {error}")
    if columns is None:
        Place(path).refuse("empty: no header")
    return rows


def _columns(cells: list[str], place: Place) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        place.refuse(f"{len(cells)} columns; at most {MAX_COLUMNS}")
    folded = [cell.strip().casefold().replace(" ", "_") for cell in cells]
    columns = [NAMES.get(name, name) for name in folded]
    checks.check_names(columns, (*NAMES, *FIELDS), place)
    for name in columns:
        if columns.count(name) > 1 and name in (*FIELDS, *NAMES):
            place.refuse(f"two columns {name!r}")
    if not {"track", "path"} & set(columns):
        place.refuse("no column `track` or `path`")
    if not DATA & set(columns):
        place.refuse(f"no column says anything about a track; known: {', '.join(FIELDS)}")
    return columns


def _track(key: str, rows: list[tuple[Row, Place]]) -> Annotation:
    whole, places = _whole(rows)
    bpm = whole.get("bpm")
    duration = whole.get("duration")
    found: list[tuple[ReferenceSection, Place]] = [
        (section_of(row, whole, place), place)
        for row, place in rows
        if any(row.get(name) for name in SECTION_FIELDS)
    ]
    return Annotation(
        key=key,
        source=str(rows[0][1].file),
        format="csv",
        bpm=checks.bpm(bpm, places["bpm"]) if bpm else None,
        sections=checks.sections(found) or None,
        duration=checks.time(duration, places["duration"]) if duration else None,
        genre=whole.get("genre"),
        tonality=checks.tonality(whole["key"], places["key"]) if "key" in whole else None,
    )


def _whole(rows: list[tuple[Row, Place]]) -> tuple[Row, dict[str, Place]]:
    """The values of the whole track from any row, and their places; values must agree."""
    whole: Row = {}
    places: dict[str, Place] = {}
    for row, place in rows:
        for name in TRACK_FIELDS:
            if name not in row:
                continue
            if whole.setdefault(name, row[name]) != row[name]:
                place.at(name).refuse(
                    f"{row[name]!r} differs from {whole[name]!r} on line {places[name].line}"
                )
            places.setdefault(name, place.at(name))
    return whole, places
