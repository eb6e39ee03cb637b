"""Parts of the workbench's answer about a track: tags, alternatives, reason for a missing row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...apply_corrections.section_edits import Answer
from ...audio.dj_tags import read_dj_tags
from ...base.text import fault
from ...records.model import TrackFailure
from .. import encode
from ..collect import TrackView

Row = dict[str, Any]


def file_tags(song: Path) -> Row:
    """The comment, the rating (stars) and whether there is a cover, from a file's tags."""
    tags = read_dj_tags(song)
    found = {"comment": tags.comment, "rating": tags.rating, "cover": tags.has_cover}
    return {name: value for name, value in found.items() if value}


def row_of_fault(track: str, error: Exception) -> Row:
    """The row of a track that cannot be shown, with the reason."""
    label = fault(error) if isinstance(error, OSError) else str(error)
    view = TrackView(track, track, failure=TrackFailure("scan", type(error).__name__, label))
    return {**encode.row(view, Path("/")), "state": {"job": "idle"}}


def alternatives(answer: Answer) -> list[dict[str, Any]]:
    """The alternatives for a track's rhythm, each with the edit that chooses it."""
    bpm = answer.bpm
    found: list[dict[str, Any]] = []
    if bpm is None or bpm.bpm is None or bpm.source == "corrected":
        return found
    for other in bpm.alternatives:
        edit: dict[str, Any] = {"op": "bpm", "bpm": other.bpm}
        label = f"{other.bpm:.2f} BPM"
        if other.kind == "octave" and bpm.bpm_fitted:
            for op, factor in (("half", 0.5), ("double", 2.0)):
                if abs(other.bpm / (bpm.bpm_fitted * factor) - 1) < 0.01:
                    edit, label = {"op": op}, f"{op} tempo, {other.bpm:.2f}"
        elif other.shift_beats is not None:
            edit = {"op": "shift", "beats": other.shift_beats}
            if other.kind == "downbeat":
                edit = {"op": "one", "beats": other.shift_beats}
            size = abs(other.shift_beats)
            count = {0.5: "half a beat", 1: "a beat"}.get(size, f"{size:g} beats")
            label = f"{count} {'later' if other.shift_beats > 0 else 'earlier'}"
            label = f"downbeat {label}" if other.kind == "downbeat" else label
        found.append(
            {"kind": other.kind, "confidence": other.confidence, "edit": edit, "label": label}
        )
    return found
