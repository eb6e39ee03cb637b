"""The records: what dropgrid says about a track, and how that is kept as JSON.

A record is a small frozen dataclass. Times are seconds from the first decoded sample, tempo
is in BPM, bars count from 1 at the first downbeat. Records hold no time stamps and no timings:
the same input gives the same bytes. JSON Schemas of the files: workflow/schemas/*.schema.json.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from .errors import RecordError
from .files import write_atomically

SCHEMA_VERSION = 1  # of what is kept beside the records; a record has a VERSION of its own
DECIMALS = 6  # of every number in a record: microseconds, millionths of a BPM

Label = Literal["intro", "buildup", "drop", "breakdown", "outro"]
LABELS: tuple[Label, ...] = ("intro", "buildup", "drop", "breakdown", "outro")


@dataclass(frozen=True)
class TrackFailure:
    """Why a track could not be analysed."""

    stage: str
    type: str
    message: str


AlternativeKind = Literal["tempo", "octave", "phase", "downbeat"]


@dataclass(frozen=True)
class Alternative:
    """Another reading the evidence allows, and its probability (0..1).

    kind: the part of the answer that is another: the tempo itself, its octave, the phase of the
    beats, the place of the one. shift_beats: of phase and downbeat, how many beats later (less
    than 0: earlier) the whole grid, ones included, lies in that reading.
    """

    bpm: float
    confidence: float
    kind: AlternativeKind = "tempo"
    shift_beats: float | None = None


@dataclass(frozen=True)
class Confidences:
    """The parts of a confidence (0..1), each the probability that it is right if those before are.

    tempo: but for its octave; octave; phase: the beats, not the half beats between; downbeat: the
    place of the one, and how many beats a bar has. The first three multiplied are the confidence.
    """

    tempo: float
    octave: float
    phase: float
    downbeat: float


@dataclass(frozen=True)
class GridRegion:
    """A stretch of steady tempo.

    start: time of its first beat; bpm: its fitted tempo; beats: how many it has;
    first_downbeat: time of its first downbeat, None where it has none.
    """

    start: float
    bpm: float
    beats: int
    first_downbeat: float | None


@dataclass(frozen=True)
class BpmRecord:
    """Tempo, beats, downbeats and grid of a track: results/bpm/{track}.json."""

    track: str
    path: str
    status: Literal["ok", "error"]
    duration: float | None = None
    bpm: float | None = None
    bpm_fitted: float | None = None
    bpm_interval: tuple[float, float] | None = None
    confidence: float | None = None
    confidences: Confidences | None = None
    source: Literal["computed", "metadata"] = "computed"
    method: str = ""
    alternatives: tuple[Alternative, ...] = ()
    tag_bpm: float | None = None
    bpm_computed: float | None = None
    time_signature: str | None = None
    beats: tuple[float, ...] = ()
    downbeats: tuple[float, ...] = ()
    grid: tuple[GridRegion, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    decoder: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    error: TrackFailure | None = None

    SCHEMA = "dropgrid/bpm"
    VERSION = 2  # 1: confidence was that of tempo and octave alone, alternatives had no kind


@dataclass(frozen=True)
class Section:
    """One section. Bars count from 1, end_bar is exclusive; null without a usable grid."""

    start: float
    end: float
    label: Label
    start_bar: int | None
    end_bar: int | None
    bars: int | None
    confidence: float


@dataclass(frozen=True)
class Drop:
    """The moment a drop begins, and how sure that is (0..1)."""

    time: float
    confidence: float


@dataclass(frozen=True)
class StructureRecord:
    """Sections and drops of a track: results/structure/{track}.json."""

    track: str
    path: str
    status: Literal["ok", "error"]
    duration: float | None = None
    method: str = ""
    time_base: Literal["bars", "seconds"] = "bars"
    sections: tuple[Section, ...] = ()
    drops: tuple[float, ...] = ()
    drop_confidences: tuple[float, ...] = ()
    error: TrackFailure | None = None

    SCHEMA = "dropgrid/structure"
    VERSION = 1


Record = TypeVar("Record", BpmRecord, StructureRecord)


def to_json(record: BpmRecord | StructureRecord) -> bytes:
    """The bytes of a record: one key a line, numbers rounded to DECIMALS, ASCII only."""
    values: dict[str, Any] = {"schema": record.SCHEMA, "schema_version": record.VERSION}
    values |= _rounded(dataclasses.asdict(record))
    if values["error"] is None:
        del values["error"]
    return json_lines(values)


def json_lines(values: dict[str, Any]) -> bytes:
    """A JSON object with each of its keys on a line of its own, refusing NaN and infinity."""
    lines = (f"  {json.dumps(key)}: {json.dumps(_rounded(value), allow_nan=False)}"
             for key, value in values.items())  # fmt: skip
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0  # + 0.0: never write -0.0
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value


def encodable(text: str) -> str:
    """Text with the lone surrogates escaped that stand for undecodable bytes of a file name."""
    return text.encode("utf-8", "backslashreplace").decode()


def write_record(path: Path, record: BpmRecord | StructureRecord) -> None:
    """Write a record atomically. Raises OSError, and ValueError for a NaN in it."""
    write_atomically(path, to_json(record))


def read_bpm(path: Path) -> BpmRecord:
    """Read results/bpm/{track}.json. Raises RecordError if it is not such a record."""
    return _bpm_record(_parse(_read_bytes(path), BpmRecord, path), path)


@dataclass(frozen=True)
class Positions:
    """Of a list of positions: how many there are, and the first."""

    count: int
    first: float | None


def read_bpm_outline(path: Path) -> tuple[BpmRecord, Positions, Positions]:
    """A bpm record without its beats and downbeats, and these in short; much faster to read.

    For tables of whole libraries. Raises RecordError as read_bpm does.
    """
    data, beats = _cut_list(_read_bytes(path), b"beats")
    data, downbeats = _cut_list(data, b"downbeats")
    record = _bpm_record(_parse(data, BpmRecord, path), path)
    return record, _positions(beats, path), _positions(downbeats, path)


def _cut_list(data: bytes, key: bytes) -> tuple[bytes, bytes]:
    """A record with a list of numbers emptied, and what was between its brackets."""
    opening = b'\n  "' + key + b'": ['  # as json_lines writes it
    start = data.find(opening) + len(opening)
    end = data.find(b"]", start)
    if start < len(opening) or end < 0:
        return data, b""
    return data[:start] + data[end:], data[start:end].strip()


def _positions(numbers: bytes, path: Path) -> Positions:
    if not numbers:
        return Positions(0, None)
    try:
        return Positions(numbers.count(b",") + 1, float(numbers.partition(b",")[0]))
    except ValueError as error:
        raise RecordError(f"{path}: cannot be read as a record ({error})") from error


def as_written(record: BpmRecord) -> BpmRecord:
    """The record as a reader of its file gets it: with its numbers rounded."""
    path = Path(record.path)
    return _bpm_record(_parse(to_json(record), BpmRecord, path), path)


def _bpm_record(values: dict[str, Any], path: Path) -> BpmRecord:
    with _explained(path):
        values["alternatives"] = tuple(Alternative(**a) for a in values["alternatives"])
        values["grid"] = tuple(GridRegion(**region) for region in values["grid"])
        if values["confidences"] is not None:
            values["confidences"] = Confidences(**values["confidences"])
        return _build(BpmRecord, values)


def read_structure(path: Path) -> StructureRecord:
    """Read results/structure/{track}.json. Raises RecordError if it is not such a record."""
    values = _parse(_read_bytes(path), StructureRecord, path)
    with _explained(path):
        values["sections"] = tuple(Section(**section) for section in values["sections"])
        return _build(StructureRecord, values)


class _explained:
    """Turns a missing or surplus field into a RecordError that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None: ...

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, KeyError | TypeError):
            raise RecordError(f"{self.path}: not a complete record ({error})") from error


def _build(kind: type[Record], values: dict[str, Any]) -> Record:
    if values.get("error"):
        values["error"] = TrackFailure(**values["error"])
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    return kind(**values)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read as a record ({error})") from error


def _parse(data: bytes, kind: type[Record], path: Path) -> dict[str, Any]:
    try:
        values = json.loads(data)
    except ValueError as error:
        raise RecordError(f"{path}: cannot be read as a record ({error})") from error
    if not isinstance(values, dict) or values.pop("schema", None) != kind.SCHEMA:
        raise RecordError(f"{path}: not a {kind.SCHEMA} record")
    if values.pop("schema_version", None) != kind.VERSION:
        raise RecordError(f"{path}: written by another version of dropgrid; delete it to renew it")
    return values
