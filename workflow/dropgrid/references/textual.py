"""Reads `beats` (`.beats`, `.txt`) and `lab` references: one event or section per line; and `key`:
a key in one line, `D minor` (GiantSteps) or tonic, tab, mode (MIREX)."""

from __future__ import annotations

import io
import re
from pathlib import Path

from . import checks
from .annotation import Annotation, ReferenceSection
from .checks import Place

NUMBER = re.compile(r"[-+]?(nan|inf(inity)?|(\d+\.?\d*|\.\d+)(e[-+]?\d+)?)$", re.IGNORECASE)

MAX_LINES = 1_000_000  # of data: eight hours have 130,000 beats at 270 BPM

Line = tuple[list[str], Place]


def read(path: Path) -> list[Annotation]:
    """The annotation of a text file, as a list of one. Raises InvalidReference.

    In a `.txt`, lines of numbers are beats and lines with a label are sections, because the
    Harmonix Set has both.
    """
    lines = _lines(path)
    if not lines:
        Place(path).refuse("holds no line of data")
    suffix = path.suffix.lower()
    if suffix == ".beats" or (suffix == ".txt" and NUMBER.match(lines[0][0][-1])):
        return [_beats(path, lines)]
    return [_sections(path, lines)]


def read_key(path: Path) -> list[Annotation]:
    """The annotation of a `.key` file, as a list of one. Raises InvalidReference."""
    lines = _lines(path)
    if len(lines) != 1:
        Place(path).refuse(f"{len(lines)} lines of data where one key is expected")
    cells, place = lines[0]
    tonality = checks.tonality(" ".join(cells), place)
    return [Annotation(key=path.stem, source=str(path), format="key", tonality=tonality)]


def _lines(path: Path) -> list[Line]:
    found = []
    for number, line in enumerate(io.StringIO(checks.read_text(path), newline=None), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            cells = [cell for cell in re.split(r"[\s,;]+", line.strip()) if cell]
            found.append((cells, Place(path, number)))
            if len(found) > MAX_LINES:
                Place(path, number).refuse(f"more than {MAX_LINES} lines of data")
    return found


def _beats(path: Path, lines: list[Line]) -> Annotation:
    """Beats: time, position in the bar, bar; the last two may be missing in all lines."""
    width = len(lines[0][0])
    if width > 3:
        lines[0][1].refuse("expected time, position and bar")
    for cells, place in lines:
        if len(cells) != width:
            place.refuse(f"{len(cells)} columns where the first line has {width}")
    times = checks.times((cells[0], place.at("time")) for cells, place in lines)
    downbeats = None
    if width > 1:
        positions = [_position(cells[1], place.at("position")) for cells, place in lines]
        downbeats = tuple(t for t, position in zip(times, positions, strict=True) if position == 1)
    return Annotation(
        key=path.stem, source=str(path), format="beats", beats=times, downbeats=downbeats or None
    )


def _position(value: str, place: Place) -> int:
    position = checks.number(value, place)
    if position != int(position) or not 0 < position < 100:
        place.refuse(f"not a position in the bar: {value!r}")
    return int(position)


def _sections(path: Path, lines: list[Line]) -> Annotation:
    """Sections: start, end, label; or start, label; the last line is then the end."""
    first = lines[0][0]
    with_end = len(first) > 2 and bool(NUMBER.match(first[1]))
    read_line = _with_end if with_end else _with_start
    parsed = [(*read_line(cells, place), place) for cells, place in lines]
    if not with_end:
        starts = checks.times((start, place.at("start")) for start, _, _, place in parsed)
        if len(parsed) < 2:
            lines[-1][1].refuse("one line only: the last line says where the last section ends")
        ends = starts[1:]
        parsed = [
            (start, end, label, place)
            for (start, _, label, place), end in zip(parsed, ends, strict=False)
        ]
    found = [
        (ReferenceSection(start, end, checks.open_label(label, place.at("label"))), place)
        for start, end, label, place in parsed
    ]
    return Annotation(
        key=path.stem, source=str(path), format="lab", sections=checks.sections(found)
    )


def _with_end(cells: list[str], place: Place) -> tuple[float, float, str]:
    if len(cells) < 3:
        place.refuse("expected start, end and label")
    start = checks.time(cells[0], place.at("start"))
    return start, checks.time(cells[1], place.at("end")), " ".join(cells[2:])


def _with_start(cells: list[str], place: Place) -> tuple[float, float, str]:
    if len(cells) < 2:
        place.refuse("expected start and label")
    start = checks.time(cells[0], place.at("start"))
    return start, start, " ".join(cells[1:])
