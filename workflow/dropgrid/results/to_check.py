"""Decide which tracks a person should check, and why; used by page, workbench and terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..base.csv_tables import read_csv
from ..base.errors import RecordError
from ..base.files import read_regular
from ..records.model import BpmRecord, KeyRecord, problem_of
from .artefacts import ARTEFACTS
from .duplicates_file import read_duplicates
from .layout import Results
from .table import current_table

UNSURE = 0.8  # confidence below which one tempo in five or more is wrong
DOWNBEAT_UNSURE = 0.6
AGREED = 0.5  # BPM: further apart, two tempos disagree
PARTS = ("tempo", "octave", "phase")
DOUBTS = (
    "The tempo is unsure",
    "It may be half or twice the tempo",
    "The beats may lie half a beat off",
)
MOST_BYTES = 2**20  # of the corrections of a track

Reason = tuple[str, str]  # (subject: file, grid, key or copies; text)


def reasons(
    row: Mapping[str, Any],
    reference_bpm: float | None = None,
    copies: Sequence[str] = (),
    confirmed: bool = False,
) -> list[Reason]:
    """Reasons to check a track, the most important first; [] without any.

    row: of the library table, or `row_of` its records. copies: paths of its duplicates. confirmed:
    a person checked the track. A failed track has no reasons: there is nothing to check.
    """
    if confirmed or row.get("status", "ok") != "ok":
        return []
    found: list[Reason] = []
    if row.get("problem"):
        found.append(("file", f"The file: {row['problem']}"))
    found += [("grid", text) for text in _about_the_grid(row, reference_bpm)]
    key, tag = row.get("key"), row.get("tag_key")
    confidence = _number(row.get("key_confidence"))
    sure = str(row.get("key_sure")).lower() != "false"
    # 1: a key that was corrected.
    if key and tag and key != tag and sure and confidence is not None and UNSURE <= confidence < 1:
        found.append(("key", f"The file's tag says {tag}, the audio {key}"))
    if copies:
        found.append(("copies", f"There more than once: {', '.join(copies)}"))
    return found


def _about_the_grid(row: Mapping[str, Any], reference_bpm: float | None) -> list[str]:
    found = []
    bpm, confidence = _number(row.get("bpm")), _number(row.get("confidence"))
    if bpm is not None and confidence is not None and confidence < UNSURE:
        found.append(f"{_doubt(row)} (confidence {confidence:.2f})")
    downbeat = _number(row.get("confidence_downbeat"))
    if downbeat is not None and downbeat < DOWNBEAT_UNSURE:
        found.append(f"The downbeat may be on another beat (confidence {downbeat:.2f})")
    if bpm is not None and reference_bpm is not None and abs(bpm - reference_bpm) > AGREED:
        found.append(f"The reference says {reference_bpm:.2f}")
    tag = _number(row.get("tag_bpm"))
    computed = row.get("source") == "computed"
    if computed and bpm is not None and tag is not None and abs(tag - bpm) > AGREED:
        found.append(f"The file's tag says {tag:.2f}, the audio {bpm:.2f}")
    regions = _number(row.get("tempo_regions")) or 0
    if regions > 1 and row.get("source") != "corrected":
        found.append(f"The tempo changes ({regions:.0f} grid regions)")
    return found


def _doubt(row: Mapping[str, Any]) -> str:
    """The text for a low confidence, by the part with the lowest confidence."""
    parts = [_number(row.get(f"confidence_{part}")) for part in PARTS]
    known = [part for part in parts if part is not None]
    return DOUBTS[parts.index(min(known))] if known else DOUBTS[0]


def row_of(bpm: BpmRecord | None, key: KeyRecord | None) -> dict[str, Any]:
    """The columns of the library table that `reasons` uses, from the records of a track."""
    row: dict[str, Any] = {"status": "ok"}
    if bpm is not None:
        row |= {
            "bpm": bpm.bpm, "confidence": bpm.confidence, "source": bpm.source,
            "tag_bpm": bpm.tag_bpm, "tempo_regions": len(bpm.grid), "problem": problem_of(bpm),
        }  # fmt: skip
        if bpm.confidences:
            parts = (*PARTS, "downbeat")
            row |= {f"confidence_{part}": getattr(bpm.confidences, part) for part in parts}
    if key is not None:
        row |= {"key": key.key, "tag_key": key.tag_key, "key_confidence": key.confidence,
                "key_sure": key.has_confident_key if key.key else None}  # fmt: skip
    return row


def tracks_to_check(results: Path) -> int:
    """The number of tracks to check in a folder of results; 0 if it cannot be read."""
    try:
        rows = current_table(results, [])
    except RecordError:
        return 0
    tempos, copies = reference_tempos(results), read_duplicates(results)
    confirmed = confirmed_tracks(results)
    return sum(
        bool(reasons(row, tempos.get(track), copies.get(track, ()), track in confirmed))
        for row in rows
        for track in [row["track"]]
    )


def reference_tempos(results: Path) -> dict[str, float]:
    """The reference tempos of the last evaluation, by track."""
    with suppress(OSError, ValueError):
        rows = read_csv(Results(results).evaluation / "bpm.csv")
        return {row["track"]: float(row["reference_bpm"]) for row in rows
                if row.get("track") and row.get("reference_bpm")}  # fmt: skip
    return {}


def confirmed_tracks(results: Path) -> set[str]:
    """The tracks that a person confirmed, as the last run or edit published them."""
    found = set()
    kind = ARTEFACTS["correction"]
    for file in (results / kind.folder).glob("*.json"):
        with suppress(OSError, ValueError, KeyError, AttributeError):
            values = json.loads(read_regular(file, MOST_BYTES))
            if values.get("schema") == kind.schema and values["statements"].get("confirmed"):
                found.add(file.stem)
    return found


def _number(value: Any) -> float | None:
    return None if value in (None, "") else float(value)
