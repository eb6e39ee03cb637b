"""Making a library small enough to travel inside one page.

The table needs little of every track and gets it as JSON; beats and waveform are needed only
when a track is opened and travel as one deflated, base64-coded line a track (`detail`).
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from ..features.waveform import miniature, quantise
from ..key import notation
from ..records.model import (
    LABELS,
    BpmRecord,
    KeyRecord,
    Loudness,
    StructureRecord,
    problem_of,
)
from ..references.matching import Reference
from ..results.to_check import reasons, row_of
from ..structure import queries

if TYPE_CHECKING:
    from .collect import TrackView

TAGS = (
    "title",
    "artist",
    "album",
    "genre",
    "year",
)  # of a file's tags, those that a person looks for
TICK = 1e-4  # seconds: the resolution of beats on the page
SKIP = 0xFFFF  # in a list of differences: add this much and read on


@dataclass(frozen=True)
class Short:
    """What the page's table shows of a track's records and features.

    facts: keys of `row`; question: what results.to_check asks of a row; corrected: the parts that
    a person corrected.
    """

    facts: dict[str, Any]
    question: dict[str, Any]
    corrected: list[str]


def script_json(value: Any) -> str:
    """JSON that is safe inside <script>: ASCII, no <, > or &, whatever the strings hold."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def audio_href(audio: str | None, page: Path) -> str | None:
    """The percent-encoded path of an audio file relative to the folder of the page."""
    if audio is None:
        return None
    relative = os.path.relpath(audio, page.absolute().parent)
    return quote(os.fsencode(relative).replace(os.fsencode(os.sep), b"/"))


def differences(times: Sequence[float]) -> np.ndarray:
    """Ascending times (s) as uint16 differences in TICKs; a gap too long is spelt with SKIPs.

    Rounding does not accumulate: the differences are those of the rounded times.
    """
    ticks = np.round(np.asarray(times, dtype=float) / TICK).astype(np.int64)
    skips, rests = np.divmod(np.maximum(np.diff(ticks, prepend=0), 0), SKIP)
    words = np.full(int((skips + 1).sum()), SKIP, dtype="<u2")
    words[np.cumsum(skips + 1) - 1] = rests
    return words


def detail(view: TrackView) -> str:
    """What only an opened track shows, as a line of base64; as it was kept, where it was.

    Deflated: four uint32 counts (words of beats, of downbeats, of reference beats, columns of
    the waveform), those words as uint16, a byte a column for the loudness, another for the kick,
    a third for the middle (its upper half) and the high. All little-endian.
    """
    if view.line is not None:
        return view.line
    beats, downbeats = (view.bpm.beats, view.bpm.downbeats) if view.bpm else ((), ())
    annotated = (view.reference.beats if view.reference else None) or ()
    lists = [differences(times) for times in (beats, downbeats, annotated)]
    waveform = np.zeros((0, 4)) if view.waveform is None else view.waveform
    counts = np.array([*map(len, lists), len(waveform)], dtype="<u4")
    loudness, kick, middle, high = waveform.T
    columns = [quantise(loudness), quantise(kick), quantise(middle, 15) << 4 | quantise(high, 15)]
    data = b"".join(part.tobytes() for part in [counts, *lists, *columns])
    return _base64(zlib.compress(data, 9))


def row(view: TrackView, page: Path) -> dict[str, Any]:
    """What the table, the search and a track's facts need, without the keys that are empty."""
    short = view.short or shorten(view)
    values = {
        "id": view.track,
        "path": view.path,
        "title": PurePosixPath(view.path).stem,
        "audio": audio_href(view.audio, page),
        **short.facts,
        **(_reference(view.reference, _duration(view)) if view.reference else {}),
        "twins": list(view.twins) or None,
        "added": _date(view.added),
        "corrected": short.corrected or None,
        "confirmed": view.confirmed or None,
        "check": _to_check(view, short) or None,
    }
    if view.failure:
        values["failure"] = [view.failure.stage, view.failure.type, view.failure.message]
    return {key: value for key, value in values.items() if value not in (None, "")}


def shorten(view: TrackView) -> Short:
    """The records and features of a track in short."""
    facts = {
        "mini": None
        if view.waveform is None
        else _base64(quantise(miniature(view.waveform[:, 0])).tobytes()),
        **(_tempo(view.bpm) if view.bpm else {}),
        **(_sections(view.structure) if view.structure else {}),
        **(_key(view.key) if view.key else {}),
    }
    told = {key: value for key, value in facts.items() if value not in (None, "")}
    return Short(told, row_of(view.bpm, view.key), _corrected(view))


def keys() -> dict[str, str]:
    """The names of all keys, and where each stands on Camelot's wheel."""
    return {notation.name(key): notation.camelot(key) for key in range(notation.KEYS)}


def _parts(record: BpmRecord) -> list[float] | None:
    """Confidences in tempo, octave, phase and downbeat, in that order."""
    if record.confidences is None:
        return None
    return [round(part, 3) for part in astuple(record.confidences)]


def _corrected(view: TrackView) -> list[str]:
    """Which parts of a track a person corrected, as the records say."""
    parts = (("grid", view.bpm), ("sections", view.structure), ("key", view.key))
    return [name for name, record in parts if record and record.source == "corrected"]


def _date(nanoseconds: int) -> str | None:
    """The day of a time since 1970, as ISO has it."""
    if nanoseconds < 0:
        return None
    with suppress(OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC).date().isoformat()
    return None


def _to_check(view: TrackView, short: Short) -> list[list[str]]:
    """Why a track is to be checked: what it is about, and in words."""
    if view.failure:
        return []
    reference = view.reference.bpm if view.reference else None
    return [
        list(found) for found in reasons(short.question, reference, view.twins, view.confirmed)
    ]


def _duration(view: TrackView) -> float:
    records = (record for record in (view.bpm, view.structure, view.key) if record)
    return next((record.duration for record in records if record.duration), 0.0)


def _tempo(record: BpmRecord) -> dict[str, Any]:
    return {
        "duration": _round(record.duration, 3),
        "bpm": record.bpm,
        "fitted": record.bpm_fitted,
        "interval": record.bpm_interval,
        "confidence": _round(record.confidence, 3),
        "source": record.source,
        "method": record.method,
        "fingerprint": record.fingerprint,
        "problem": problem_of(record),
        "confidences": _parts(record),
        "alternatives": [
            [a.bpm, round(a.confidence, 3)]
            for a in record.alternatives
            if a.kind in ("tempo", "octave")
        ],
        "moved": [
            [a.shift_beats, round(a.confidence, 3), a.kind]
            for a in record.alternatives
            if a.shift_beats is not None
        ],
        "tag": record.tag_bpm,
        "computed": record.bpm_computed,
        "signature": record.time_signature,
        "grid": [[g.start, g.bpm, g.beats, g.first_downbeat] for g in record.grid],
        **(_loudness(record.loudness) if record.loudness else {}),
        **{name: str(value) for name in TAGS if (value := record.tags.get(name))},
    }


def _loudness(loudness: Loudness) -> dict[str, Any]:
    peak = loudness.sample_peak if loudness.true_peak is None else loudness.true_peak
    values = {"lufs": loudness.integrated, "range": loudness.range, "peak": peak}
    return {name: round(value, 2) for name, value in values.items() if value is not None}


def _key(record: KeyRecord) -> dict[str, Any]:
    changes = [[round(s.start, 1), s.key] for s in record.segments]
    return {
        "duration": _round(record.duration, 3),
        "key": record.key,
        "camelot": record.camelot,
        "keyConfidence": _round(record.confidence, 3) if record.key else None,
        "keyUnsure": True if record.key and not record.is_sure else None,
        "noKey": record.reason,
        "otherKeys": [[a.key, round(a.confidence, 3)] for a in record.alternatives],
        "keyChanges": changes if len(changes) > 1 else None,
        "tagKey": record.tag_key,
        "tuning": _round(record.tuning_cents, 1),
    }


def _sections(record: StructureRecord) -> dict[str, Any]:
    sections = [
        [round(s.start, 3), round(s.end, 3), LABELS.index(s.label), s.start_bar, s.bars,
         round(s.confidence, 3)]
        for s in record.sections
    ]  # fmt: skip
    return {
        "duration": _round(record.duration, 3),
        "sections": sections,
        "drops": [round(time, 3) for time in record.drops],
        "sureness": [round(c, 3) for c in record.drop_confidences],
        "structure": record.method,
        "phrases": [round(phrase.start, 2) for phrase in record.phrases] or None,
        **_energies(record),
        **_questions(record),
    }


def _energies(record: StructureRecord) -> dict[str, Any]:
    """The energy of each section, and their mean by length; nothing of an older record."""
    energies = [s.energy for s in record.sections if s.energy is not None]
    lengths = [s.end - s.start for s in record.sections]
    if not sum(lengths) or len(energies) < len(lengths):
        return {}
    mean = float(np.average(energies, weights=lengths))
    return {"energies": [round(e, 2) for e in energies], "energy": round(mean, 3)}


def _questions(record: StructureRecord) -> dict[str, Any]:
    """What is asked of many tracks at once, in bars; `impact` in dB."""
    breaks = [passage.bars or 0 for passage in queries.breakdowns(record)]
    return {
        "mixIn": queries.mix_in_bars(record),
        "mixOut": queries.mix_out_bars(record),
        "firstDrop": queries.bars_until_first_drop(record),
        "breakdown": max(breaks, default=0),
        "impact": _round(max(record.drop_impacts, default=None), 1),
    }


def _reference(reference: Reference, duration: float) -> dict[str, Any]:
    sections = [(s.start, s.end, s.label) for s in reference.sections or ()]
    if not sections and reference.structure:
        boundaries, end = reference.structure
        edges = [0.0, *boundaries, end or max([duration, *boundaries])]
        sections = [(start, end, None) for start, end in pairwise(edges)]
    return {
        "refBpm": reference.bpm,
        "refSections": [[round(start, 3), round(end, 3), label] for start, end, label in sections]
        or None,
        "refFrom": sorted({PurePosixPath(o).name for o in reference.origins.values()}),
    }


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
