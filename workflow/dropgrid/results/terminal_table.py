"""The library as a table in a terminal: results beside references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from ..base.text import clock, printable, width
from .duplicates_file import read_duplicates
from .table import current_table
from .to_check import confirmed_tracks, reasons, reference_tempos

HEADINGS = ("track", "BPM", "reference", "confidence", "key", "LUFS", "sections (bars)", "drops")
NUMBERS = {"BPM", "reference", "confidence", "LUFS"}
LONGEST = 56  # characters of a name or of the sections


def listing(results: Path) -> str:
    """The library table, with a column of references if an evaluation has some.

    Failed tracks with their reasons and tracks to check are listed below it; tracks without
    records are counted. Raises RecordError.
    """
    references = reference_tempos(results)
    waiting: list[str] = []
    rows = current_table(results, waiting)
    lines = [_line(row, references) for row in rows if row["status"] == "ok"]
    text = _aligned(_without_empty("reference", [HEADINGS, *lines]))
    failed = [f"{row['path']}: {row['error_stage']}: {row['error']}"
              for row in rows if row["status"] != "ok"]  # fmt: skip
    if failed:
        text += "\n\nnot analysed:\n" + "\n".join(f"  {printable(line)}" for line in failed)
    copies, confirmed = read_duplicates(results), confirmed_tracks(results)
    doubtful = []
    for row in rows:
        track = row["track"]
        found = reasons(row, references.get(track), copies.get(track, ()), track in confirmed)
        doubtful += [f"{row['path']}: {why}" for _, why in found[:1]]
    if doubtful:
        text += "\n\nto check:\n" + "\n".join(f"  {printable(line)}" for line in doubtful)
    if waiting:
        text += f"\n\nwaiting to be analysed by the next run: {len(waiting)}"
    return text


def _without_empty(heading: str, lines: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The lines, headings first, without empty columns."""
    place = lines[0].index(heading)
    if any(line[place] for line in lines[1:]):
        return list(lines)
    return [line[:place] + line[place + 1 :] for line in lines]


def _line(row: Mapping[str, str], references: Mapping[str, float]) -> tuple[str, ...]:
    reference = references.get(row["track"])
    return (
        _short(printable(row["path"])),
        f"{float(row['bpm']):.2f}" if row["bpm"] else "none",
        f"{reference:.2f}" if reference else "",
        f"{float(row['confidence']):.2f}" if row["confidence"] else "",
        _key(row),
        f"{float(row['loudness']):.1f}" if row.get("loudness") else "",
        _short(_sections(row["sections"])),
        " ".join(clock(float(time), tenths=True) for time in row["drops"].split()),
    )


def _key(row: Mapping[str, str]) -> str:
    """`8A A minor`, or `8A? A minor` if the key is uncertain."""
    if not row.get("key"):
        return ""
    mark = "?" if row.get("key_sure") == "False" else ""
    return f"{row['camelot']}{mark} {row['key']}"


def _sections(text: str) -> str:
    """`intro:8 drop:16 drop:8` as `intro 8, drop 24`: joins adjacent sections of one label."""
    parts = [part.split(":") for part in text.split()]
    together = [
        (label, [bars for _, bars in group]) for label, group in groupby(parts, key=lambda p: p[0])
    ]
    return ", ".join(
        label if "?" in bars else f"{label} {sum(map(int, bars))}" for label, bars in together
    )


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = [_cells(rows[0], row, widths) for row in rows]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])


def _cells(headings: Sequence[str], row: Sequence[str], widths: Sequence[int]) -> str:
    cells = []
    for heading, cell, wide in zip(headings, row, widths, strict=True):
        space = " " * (wide - width(cell))
        cells.append(space + cell if heading in NUMBERS else cell + space)
    return "  ".join(cells).rstrip()


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
