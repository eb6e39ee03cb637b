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

SCHEMA_VERSION = 1
DECIMALS = 6  # of every number in a record: microseconds, millionths of a BPM

ANALYSES = ("bpm", "structure", "key")  # the records of a track: results/{analysis}/{track}.json
Label = Literal["intro", "buildup", "drop", "breakdown", "outro"]
LABELS: tuple[Label, ...] = ("intro", "buildup", "drop", "breakdown", "outro")


@dataclass(frozen=True)
class TrackFailure:
    """Why a track could not be analysed."""

    stage: str
    type: str
    message: str


@dataclass(frozen=True)
class Alternative:
    """Another tempo the evidence allows, with its share of the confidence (0..1)."""

    bpm: float
    confidence: float


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


REPLAYGAIN = -18.0  # LUFS that ReplayGain 2.0 plays music at
R128 = -23.0  # LUFS that EBU R 128 does


@dataclass(frozen=True)
class Loudness:
    """Loudness of a whole track by ITU-R BS.1770-4: LUFS, range in LU, peaks in dB of full scale.

    None: nothing was loud enough; true_peak: was not looked for (option loudness.true_peak).
    """

    integrated: float | None
    range: float | None
    momentary_max: float | None
    short_term_max: float | None
    sample_peak: float | None
    true_peak: float | None

    @property
    def replaygain_gain(self) -> float | None:
        """The gain of ReplayGain 2.0, dB."""
        return None if self.integrated is None else REPLAYGAIN - self.integrated

    @property
    def replaygain_peak(self) -> float | None:
        """The peak of ReplayGain, full scale 1: the true peak where it is known."""
        peak = self.sample_peak if self.true_peak is None else self.true_peak
        return None if peak is None else float(10 ** (peak / 20))

    @property
    def r128_gain(self) -> int | None:
        """The gain to -23 LUFS in Opus' R128_TRACK_GAIN, in 256ths of a dB."""
        if self.integrated is None:
            return None
        return max(-32768, min(32767, round(256 * (R128 - self.integrated))))


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
    loudness: Loudness | None = None
    error: TrackFailure | None = None

    SCHEMA = "dropgrid/bpm"


@dataclass(frozen=True)
class Section:
    """One section. Bars count from 1, end_bar is exclusive; null without a usable grid.

    loudness: of the section by itself, LUFS; None where it is silent or was not measured.
    """

    start: float
    end: float
    label: Label
    start_bar: int | None
    end_bar: int | None
    bars: int | None
    confidence: float
    loudness: float | None = None


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


@dataclass(frozen=True)
class KeyAlternative:
    """Another key the evidence allows, with its share of the confidence (0..1)."""

    key: str
    camelot: str
    confidence: float


@dataclass(frozen=True)
class KeySegment:
    """A stretch of one key, seconds; the first starts at 0, the last ends with the track."""

    start: float
    end: float
    key: str
    camelot: str
    confidence: float


@dataclass(frozen=True)
class KeyRecord:
    """The key of a track: results/key/{track}.json.

    key: "A minor"; camelot: "8A"; open_key: "1m"; None where the music has no key, and `reason`
    then says why. tuning_cents: how far the music is above A = 440 Hz. tag_key: the key that the
    file's tags state, in the same words. segments: between lasting changes of the key.
    """

    track: str
    path: str
    status: Literal["ok", "error"]
    duration: float | None = None
    key: str | None = None
    camelot: str | None = None
    open_key: str | None = None
    reason: str | None = None
    confidence: float | None = None
    alternatives: tuple[KeyAlternative, ...] = ()
    segments: tuple[KeySegment, ...] = ()
    tuning_cents: float | None = None
    tag_key: str | None = None
    method: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    error: TrackFailure | None = None

    SCHEMA = "dropgrid/key"


Record = TypeVar("Record", BpmRecord, StructureRecord, KeyRecord)

AnyRecord = BpmRecord | StructureRecord | KeyRecord


def to_json(record: AnyRecord) -> bytes:
    """The bytes of a record: one key a line, numbers rounded to DECIMALS, ASCII only."""
    values: dict[str, Any] = {"schema": record.SCHEMA, "schema_version": SCHEMA_VERSION}
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


def write_record(path: Path, record: AnyRecord) -> None:
    """Write a record atomically. Raises OSError, and ValueError for a NaN in it."""
    write_atomically(path, to_json(record))


def read_bpm(path: Path) -> BpmRecord:
    """Read results/bpm/{track}.json. Raises RecordError if it is not such a record."""
    return _bpm_record(_read(path, BpmRecord.SCHEMA), path)


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
    record = _bpm_record(_parse(data, BpmRecord.SCHEMA, path), path)
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
    return _bpm_record(_parse(to_json(record), BpmRecord.SCHEMA, path), path)


def _bpm_record(values: dict[str, Any], path: Path) -> BpmRecord:
    with _explained(path):
        values["alternatives"] = tuple(Alternative(**a) for a in values["alternatives"])
        values["grid"] = tuple(GridRegion(**region) for region in values["grid"])
        if values.get("loudness"):
            values["loudness"] = Loudness(**values["loudness"])
        return _build(BpmRecord, values)


def read_structure(path: Path) -> StructureRecord:
    """Read results/structure/{track}.json. Raises RecordError if it is not such a record."""
    values = _read(path, StructureRecord.SCHEMA)
    with _explained(path):
        values["sections"] = tuple(Section(**section) for section in values["sections"])
        return _build(StructureRecord, values)


def read_key(path: Path) -> KeyRecord:
    """Read results/key/{track}.json. Raises RecordError if it is not such a record."""
    values = _read(path, KeyRecord.SCHEMA)
    with _explained(path):
        values["alternatives"] = tuple(KeyAlternative(**a) for a in values["alternatives"])
        values["segments"] = tuple(KeySegment(**segment) for segment in values["segments"])
        return _build(KeyRecord, values)


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


def _read(path: Path, schema: str) -> dict[str, Any]:
    return _parse(_read_bytes(path), schema, path)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read as a record ({error})") from error


def _parse(data: bytes, schema: str, path: Path) -> dict[str, Any]:
    try:
        values = json.loads(data)
    except ValueError as error:
        raise RecordError(f"{path}: cannot be read as a record ({error})") from error
    if not isinstance(values, dict) or values.pop("schema", None) != schema:
        raise RecordError(f"{path}: not a {schema} record")
    if values.pop("schema_version", None) != SCHEMA_VERSION:
        raise RecordError(f"{path}: written by another version of dropgrid; delete it to renew it")
    return values
