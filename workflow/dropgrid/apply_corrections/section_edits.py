"""Edits of sections and drops, which snap to bar lines; see edits.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..records.model import BpmRecord, KeyRecord, StructureRecord
from . import grid_corrections, model, section_corrections
from .model import Correction, GridEntry, SectionStart, refuse

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """A track's records with its correction; None for missing records."""

    bpm: BpmRecord | None
    structure: StructureRecord | None = None
    key: KeyRecord | None = None

    def grid(self, place: str) -> tuple[BpmRecord, tuple[GridEntry, ...]]:
        """The bpm record and its grid. Raises InvalidCorrection if there is none."""
        entries = () if self.bpm is None else grid_corrections.entries_of(self.bpm)
        if self.bpm is None or not entries:
            refuse(place, "the track has no beats; set a tempo first", None)
        return self.bpm, entries


def _structured(answer: Answer, place: str) -> tuple[list[SectionStart], list[float]]:
    """The current sections, and the bar lines. Raises InvalidCorrection."""
    record = answer.structure
    if record is None or answer.bpm is None or not record.sections:
        refuse(place, "the track has no sections", None)
    found = [SectionStart(s.start, s.label) for s in record.sections]
    duration = record.duration or 0.0
    return found, [
        t for t in section_corrections.bar_lines(answer.bpm, duration) if 0 < t < duration
    ]


def _with_sections(correction: Correction, found: Sequence[SectionStart]) -> Correction:
    ordered = {s.start: s for s in sorted(found, key=lambda s: s.start)}
    return replace(correction, sections=tuple(ordered.values()))


def sections(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    """Replace all sections."""
    starts = model.sections(fields.get("sections"), "sections")
    _, lines = _structured(answer, "sections")
    snapped = [replace(s, start=section_corrections.nearest(lines, s.start)) for s in starts[1:]]
    return _with_sections(correction, [starts[0], *snapped])


def boundary(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    """Move the boundary nearest to a time."""
    old, new = (model.time(fields.get(name), f"boundary: {name}") for name in ("from", "to"))
    found, lines = _structured(answer, "boundary")
    if len(found) < 2:
        refuse("boundary", "there is no boundary", None)
    at = min(range(1, len(found)), key=lambda i: abs(found[i].start - old))
    low = found[at - 1].start
    high = found[at + 1].start if at + 1 < len(found) else float("inf")
    between = [line for line in lines if low < line < high]
    if not lines:
        between = [min(max(new, low + 0.1), high - 0.1)]
    if not between:
        refuse("boundary", "there is no bar line between the neighbouring boundaries", None)
    found[at] = replace(found[at], start=section_corrections.nearest(between, new))
    return _with_sections(correction, found)


def _section_at(found: Sequence[SectionStart], moment: float) -> int:
    return max(i for i, section in enumerate(found) if section.start <= moment)


def label(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    """Change the label of the section at a time."""
    moment, name = (model.time(fields.get("at"), "label: at"),
                    model.label(fields.get("label"), "label"))  # fmt: skip
    found, _ = _structured(answer, "label")
    at = _section_at(found, moment)
    found[at] = replace(found[at], label=name)
    return _with_sections(correction, found)


def split(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    """Split the section at a time."""
    moment = model.time(fields.get("at"), "split: at")
    found, lines = _structured(answer, "split")
    start = section_corrections.nearest(lines, moment)
    if start in [section.start for section in found]:
        refuse("split: at", "a section already begins there", None)
    name = found[_section_at(found, start)].label
    if fields.get("label") is not None:
        name = model.label(fields["label"], "split: label")
    return _with_sections(correction, [*found, SectionStart(start, name)])


def join(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    """Remove the boundary nearest to a time and join its two sections."""
    moment = model.time(fields.get("at"), "join: at")
    found, _ = _structured(answer, "join")
    if len(found) < 2:
        refuse("join", "there is no boundary", None)
    at = min(range(1, len(found)), key=lambda i: abs(found[i].start - moment))
    return _with_sections(correction, [*found[:at], *found[at + 1 :]])


def drops(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    """Replace all drops."""
    times = model.drops(fields.get("drops"), "drops")
    _, lines = _structured(answer, "drops")
    return replace(
        correction, drops=tuple(sorted({section_corrections.nearest(lines, t) for t in times}))
    )
