"""Encode a library compactly enough for a single page.

The table needs a few facts of every track, as JSON (`row`). Beats and waveform are needed only for
an opened track: one deflated, base64-encoded line per track (`detail`).
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
)
from ..references.matching import Reference
from ..results.to_check import reasons, row_of
from ..structure import queries

if TYPE_CHECKING:
    from .collect import TrackView

TAGS = ("title", "artist", "album", "genre", "year")  # the tags of a file that the page shows
TICK = 1e-4  # seconds: the resolution of beats on the page
SKIP = 0xFFFF  # in a list of differences: add this and continue with the next word


@dataclass(frozen=True)
class Short:
    """What the page's table shows of a track's records and features.

    facts: keys of `row`; table_row: the row for results.to_check; corrected: the parts that the
    user corrected.
    """

    facts: dict[str, Any]
    table_row: dict[str, Any]
    corrected: list[str]


def script_json(value: Any) -> str:
    """JSON that is safe inside <script>: ASCII without <, > and &, for any strings."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def audio_href(audio: str | None, page: Path) -> str | None:
    """The percent-encoded path of an audio file relative to the folder of the page."""
    if audio is None:
        return None
    relative = os.path.relpath(audio, page.absolute().parent)
    return quote(os.fsencode(relative).replace(os.fsencode(os.sep), b"/"))


def differences(times: Sequence[float]) -> np.ndarray:
    """Ascending times (s) as uint16 differences in TICKs; a gap that is too long becomes SKIPs.

    Rounding errors do not accumulate: the differences are those of the rounded times.
    """
    ticks = np.round(np.asarray(times, dtype=float) / TICK).astype(np.int64)
    skips, rests = np.divmod(np.maximum(np.diff(ticks, prepend=0), 0), SKIP)
    words = np.full(int((skips + 1).sum()), SKIP, dtype="<u2")
    words[np.cumsum(skips + 1) - 1] = rests
    return words


def detail(view: TrackView) -> str:
    """The data that only an opened track shows, as a line of base64; `view.line` if it is there.

    Deflated: four uint32 counts (words of beats, of downbeats, of reference beats, columns of
    the waveform), those words as uint16, one byte per column for the loudness, one for the kick,
    one for the middle (upper four bits) and the high band. All little-endian.
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
    """The data for the table, the search and the facts of a track, without empty values."""
    short = view.short or shorten(view)
    values = {
        "id": view.track,
        "path": view.path,
        "title": PurePosixPath(view.path).stem,
        "audio": audio_href(view.audio, page),
        **short.facts,
        **(_reference(view.reference, _duration(view)) if view.reference else {}),
        "added": _date(view.added),
        "corrected": short.corrected or None,
        "confirmed": view.confirmed or None,
        "check": _to_check(view, short) or None,
    }
    if view.failure:
        values["failure"] = [view.failure.stage, view.failure.type, view.failure.message]
    return {key: value for key, value in values.items() if value not in (None, "")}


def shorten(view: TrackView) -> Short:
    """The facts of a track, from its records and features."""
    facts = {
        "mini": None
        if view.waveform is None
        else _base64(quantise(miniature(view.waveform[:, 0])).tobytes()),
        **(_tempo(view.bpm) if view.bpm else {}),
        **(_sections(view.structure) if view.structure else {}),
        **(_key(view.key) if view.key else {}),
    }
    present = {key: value for key, value in facts.items() if value not in (None, "")}
    return Short(present, row_of(view.bpm, view.key), _corrected(view))


def keys() -> dict[str, str]:
    """The name of each key, and its position on the Camelot wheel."""
    return {notation.name(key): notation.camelot(key) for key in range(notation.KEYS)}


def _parts(record: BpmRecord) -> list[float] | None:
    """The confidences of tempo, octave, phase and downbeat, in this order."""
    if record.confidences is None:
        return None
    return [round(part, 3) for part in astuple(record.confidences)]


def _corrected(view: TrackView) -> list[str]:
    """The parts of a track that the user corrected, according to its records."""
    parts = (("grid", view.bpm), ("sections", view.structure), ("key", view.key))
    return [name for name, record in parts if record and record.source == "corrected"]


def _date(nanoseconds: int) -> str | None:
    """The ISO date of a time in nanoseconds since 1970; None if it is unknown."""
    if nanoseconds < 0:
        return None
    with suppress(OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC).date().isoformat()
    return None


def _to_check(view: TrackView, short: Short) -> list[list[str]]:
    """The reasons to check a track, as [part, text]."""
    if view.failure:
        return []
    reference = view.reference.bpm if view.reference else None
    found = reasons(short.table_row, reference, view.duplicates, view.confirmed)
    return [list(reason) for reason in found]


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
        "fingerprint": record.fingerprint,
        "confidences": _parts(record),
        "alternatives": [
            [a.bpm, round(a.confidence, 3)]
            for a in record.alternatives
            if a.kind in ("tempo", "octave")
        ],
        "shifts": [
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
        "keyUnsure": True if record.key and not record.has_confident_key else None,
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
        "phrases": [round(phrase.start, 2) for phrase in record.phrases] or None,
        **_energies(record),
        **_mixing(record),
    }


def _energies(record: StructureRecord) -> dict[str, Any]:
    """The energy of each section, and the mean weighted by length; {} for an older record."""
    energies = [s.energy for s in record.sections if s.energy is not None]
    lengths = [s.end - s.start for s in record.sections]
    if not sum(lengths) or len(energies) < len(lengths):
        return {}
    mean = float(np.average(energies, weights=lengths))
    return {"energies": [round(e, 2) for e in energies], "energy": round(mean, 3)}


def _mixing(record: StructureRecord) -> dict[str, Any]:
    """Lengths for mixing, in bars, and the impact of the strongest drop in dB."""
    breakdowns = [passage.bars or 0 for passage in queries.breakdowns(record)]
    return {
        "mixIn": queries.mix_in_bars(record),
        "mixOut": queries.mix_out_bars(record),
        "firstDrop": queries.bars_until_first_drop(record),
        "breakdown": max(breakdowns, default=0),
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
    }


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
