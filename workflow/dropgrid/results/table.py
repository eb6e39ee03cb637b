"""The library table: one row per track, in the order of the library's paths."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..base.csv_tables import csv_bytes, parse_csv, read_csv
from ..base.errors import MissingRecord, RecordError
from ..base.files import write_atomically
from ..base.optional_packages import has, lacking
from ..base.text import encodable
from ..records.bpm_outline import Positions, read_bpm_outline
from ..records.model import BpmRecord, KeyRecord, StructureRecord, TrackFailure, problem_of
from .layout import Results
from .library_reader import BROKEN, broken, path_of, record_or_failure
from .ownership import looks_owned
from .reading_cache import Look, ReadingCache
from .scan_store import read_scan

# Column -> type in the Parquet file.
COLUMNS = {
    "track": "string",
    "path": "string",
    "status": "string",
    "title": "string",
    "artist": "string",
    "genre": "string",
    "duration": "double",
    "bpm": "double",
    "bpm_fitted": "double",
    "confidence": "double",
    "confidence_tempo": "double",
    "confidence_octave": "double",
    "confidence_phase": "double",
    "confidence_downbeat": "double",
    "source": "string",
    "method": "string",
    "tag_bpm": "double",
    "time_signature": "string",
    "key": "string",
    "camelot": "string",
    "open_key": "string",
    "key_confidence": "double",
    "key_sure": "bool",
    "tag_key": "string",
    "tuning_cents": "double",
    "loudness": "double",
    "loudness_range": "double",
    "sample_peak": "double",
    "true_peak": "double",
    "beats": "int64",
    "downbeats": "int64",
    "first_beat": "double",
    "first_downbeat": "double",
    "tempo_regions": "int64",
    "sections": "string",
    "drops": "string",
    "energy": "double",
    "mix_in_bars": "int64",
    "mix_out_bars": "int64",
    "error_stage": "string",
    "error": "string",
    "problem": "string",
}
NO_PARQUET = lacking("library.parquet", "pyarrow")
FILES = ("library.csv", "library.parquet", "failures.csv")
FAILURE_COLUMNS = ("track", "path", "stage", "type", "message")

Row = dict[str, Any]


class RowReader:
    """Reads rows of the table; rows of unchanged records come from a cache."""

    def __init__(self, results: Path, analyses: Sequence[str]) -> None:
        self._results, self.analyses = results, tuple(analyses)
        self._cache = ReadingCache(results, "rows", [self.analyses, *COLUMNS])

    def read(self, track: str) -> tuple[Row, list[TrackFailure]]:
        """The row and the failures of a track. A forged or damaged record is a failure.

        Raises MissingRecord.
        """
        look = self._look(track)
        if look.parts is not None:
            failures, values = map(json.loads, look.parts)
            row = dict(zip(COLUMNS, values, strict=True))
            return row, [TrackFailure(*failure) for failure in failures]
        row, found = _read_row(self._results, track, self.analyses)
        self._keep(look, row, found)
        return row, found

    def failures(self, track: str) -> list[TrackFailure]:
        """The failures of a track; does not build a row that is in the cache. See read."""
        if not self.analyses:
            return []
        look = self._look(track)
        if look.parts is None:
            return self.read(track)[1]
        return [TrackFailure(*failure) for failure in json.loads(look.parts[0])]

    def save(self) -> None:
        """Save the rows for the next reader. Raises RecordError."""
        self._cache.save(read_scan(self._results)["tracks"])

    def _look(self, track: str) -> Look:
        files = (f"{self._results}/{kind}/{track}.json" for kind in self.analyses)
        return self._cache.look(track, files)

    def _keep(self, look: Look, row: Row, failures: Sequence[TrackFailure]) -> None:
        if any(failure.type == BROKEN for failure in failures):
            return
        listed = [[failure.stage, failure.type, failure.message] for failure in failures]
        parts = listed, [row[name] for name in COLUMNS]
        self._cache.keep(look, [json.dumps(part).encode() for part in parts])


def read_rows(results: Path, analyses: Sequence[str]) -> Iterator[tuple[Row, list[TrackFailure]]]:
    """The table's rows, and the failures of each track, in the order of results/scan.json.

    A forged or damaged record is a failure of its track. Raises MissingRecord.
    """
    return map(RowReader(results, analyses).read, read_scan(results)["tracks"])


def _read_row(
    results: Path, track: str, analyses: Collection[str]
) -> tuple[Row, list[TrackFailure]]:
    bpm = _outline(results, track) if "bpm" in analyses else None
    structure, key = (
        record_or_failure(results, name, track) if name in analyses else None
        for name in ("structure", "key")
    )
    records = [record for record in (bpm and bpm[0], structure, key) if record]
    failures = [record.error for record in records if record.error]
    row = _row(track, records[0].path, bpm, structure, failures)
    return row | _key_columns(key), failures


def _outline(results: Path, track: str) -> tuple[BpmRecord, Positions, Positions]:
    try:
        return read_bpm_outline(Results(results).record("bpm", track), track)
    except MissingRecord:
        raise
    except RecordError as error:
        failed = BpmRecord(track, path_of(results, track), "error", error=broken(error, "bpm"))
        return failed, Positions(0, None), Positions(0, None)


def write_table(results: Path, analyses: Sequence[str]) -> tuple[int, int]:
    """Write results/library.csv, library.parquet and failures.csv; (tracks, failed tracks).

    Paths that the scan could not read are also listed in failures.csv, without a track id. Without
    pyarrow no library.parquet is written, and an outdated one of an earlier run is removed.
    Raises RecordError, OSError.
    """
    rows: list[Row] = []
    failed: list[Row] = [
        {"path": problem["path"], "stage": "scan", "type": "Unreadable",
         "message": problem["reason"]}
        for problem in read_scan(results)["problems"]
    ]  # fmt: skip
    count = 0
    reader = RowReader(results, analyses)
    for row, failures in map(reader.read, read_scan(results)["tracks"]):
        rows.append(row)
        count += bool(failures)
        for failure in dict.fromkeys(failures):  # list once a failure that bpm and structure share
            failed.append(
                {"track": row["track"], "path": row["path"], "stage": failure.stage,
                 "type": failure.type, "message": failure.message}
            )  # fmt: skip
    reader.save()
    parquet = Results(results).parquet
    if has_parquet():
        write_atomically(parquet, parquet_bytes(rows))
    elif parquet.exists() and looks_owned(str(parquet)):
        parquet.unlink()
    write_atomically(Results(results).failures, _csv(failed, FAILURE_COLUMNS))
    write_atomically(Results(results).table, _csv(rows, tuple(COLUMNS)))
    return len(rows), count


def has_parquet() -> bool:
    """Whether pyarrow is installed; only Parquet needs it."""
    return has("pyarrow")


def read_table(results: Path) -> list[dict[str, str]]:
    """The rows of results/library.csv as text by column. Raises RecordError."""
    path = Results(results).table
    try:
        return read_csv(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecordError(f"{path}: cannot be read; run the workflow first ({error})") from error


def waiting_tracks(results: Path) -> list[str]:
    """The ids of the tracks of the last scan that have no record yet. Raises RecordError."""
    files = Results(results)
    kinds = files.kinds()
    return [
        track
        for track in read_scan(results)["tracks"]
        if not any(files.record(kind, track).exists() for kind in kinds)
    ]


def current_table(results: Path, waiting: list[str]) -> list[dict[str, str]]:
    """The rows of results/library.csv as text, of the tracks that have records.

    If the table is missing or older than the scan, as after an interrupted run, its rows are built
    from the existing records. waiting: receives the ids of the other tracks. Raises RecordError.
    """
    if not Results(results).scan.exists():
        return read_table(results)
    waiting += waiting_tracks(results)
    if is_current(results):
        return [row for row in read_table(results) if row["track"] not in set(waiting)]
    return parse_csv(_csv(rows_of_records(results, waiting), tuple(COLUMNS)))


def is_current(results: Path) -> bool:
    """Whether the library table exists and is no older than the last scan."""
    files = Results(results)
    try:
        return files.table.stat().st_mtime_ns >= files.scan.stat().st_mtime_ns
    except OSError:
        return False


def rows_of_records(results: Path, waiting: Collection[str]) -> list[Row]:
    """The table's rows, built from the existing records; tracks without records are left out.

    Raises RecordError.
    """
    files, without = Results(results), set(waiting)
    kinds = files.kinds()
    reader = RowReader(results, kinds)
    rows: list[Row] = []
    for track in read_scan(results)["tracks"]:
        there = [kind for kind in kinds if files.record(kind, track).exists()]
        if track not in without and there:
            whole = there == kinds
            rows.append((reader.read(track) if whole else _read_row(results, track, there))[0])
    return rows


def _row(
    track: str,
    path: str,
    outline: tuple[BpmRecord, Positions, Positions] | None,
    structure: StructureRecord | None,
    failures: Sequence[TrackFailure],
) -> Row:
    row: Row = dict.fromkeys(COLUMNS)
    row |= {"track": track, "path": path, "status": "error" if failures else "ok"}
    if failures:
        row |= {"error_stage": failures[0].stage, "error": failures[0].message}
    if outline:
        bpm, beats, downbeats = outline
        names = ("duration", "bpm", "bpm_fitted", "confidence", "tag_bpm", "time_signature")
        row |= {name: getattr(bpm, name) for name in names}
        if bpm.confidences:
            row |= {f"confidence_{part}": p for part, p in asdict(bpm.confidences).items()}
        row |= {name: bpm.tags.get(name) for name in ("title", "artist", "genre")}
        if bpm.status == "ok":
            row |= {
                "source": bpm.source,
                "method": bpm.method,
                "beats": beats.count,
                "downbeats": downbeats.count,
                "first_beat": beats.first,
                "first_downbeat": downbeats.first,
                "tempo_regions": len(bpm.grid),
                "problem": problem_of(bpm),
            }
        if bpm.loudness:
            row |= {
                "loudness": bpm.loudness.integrated,
                "loudness_range": bpm.loudness.range,
                "sample_peak": bpm.loudness.sample_peak,
                "true_peak": bpm.loudness.true_peak,
            }
    if structure and structure.status == "ok":
        from ..structure.queries import mix_in_bars, mix_out_bars  # a list needs no NumPy

        row["duration"] = structure.duration
        row["sections"] = " ".join(
            f"{section.label}:{section.bars if section.bars is not None else '?'}"
            for section in structure.sections
        )
        row["drops"] = " ".join(f"{time:.3f}" for time in structure.drops)
        row |= {
            "energy": max((s.energy for s in structure.sections if s.energy is not None),
                          default=None),
            "mix_in_bars": mix_in_bars(structure),
            "mix_out_bars": mix_out_bars(structure),
        }  # fmt: skip
    return row


def _key_columns(key: KeyRecord | None) -> Row:
    if key is None or key.status != "ok":
        return {}
    names = ("duration", "key", "camelot", "open_key", "tag_key", "tuning_cents")
    confidence = {
        "key_confidence": key.confidence,
        "key_sure": key.has_confident_key if key.key else None,
    }
    return {name: getattr(key, name) for name in names} | confidence


def _csv(rows: Iterable[Row], columns: Sequence[str]) -> bytes:
    return csv_bytes(columns, ([row.get(name) for name in columns] for row in rows))


def parquet_bytes(rows: Sequence[Row]) -> bytes:
    """The rows as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, getattr(pa, _ARROW[kind])()) for name, kind in COLUMNS.items()])
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    for name in (name for name, kind in COLUMNS.items() if kind == "string"):
        columns[name] = [text and encodable(text) for text in columns[name]]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=schema), sink)
    return bytes(sink.getvalue())


_ARROW = {"string": "string", "double": "float64", "int64": "int64", "bool": "bool_"}
