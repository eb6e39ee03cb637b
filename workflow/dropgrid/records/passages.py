"""Passages and phrases: sections joined for display, or divided into their parts.

A passage is a run of neighbouring sections with one label, which a reader sees as one. Records
keep the boundaries inside it; lists, cues and pictures show `drop 72 bars (8 parts)`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from .model import Label, Phrase, Section, StructureRecord


@dataclass(frozen=True)
class Passage:
    """Neighbouring sections with one label. Seconds; bars is None without a usable grid."""

    sections: tuple[Section, ...]

    @property
    def label(self) -> Label:
        """The label of its sections."""
        return self.sections[0].label

    @property
    def start(self) -> float:
        """Seconds at which the first section begins."""
        return self.sections[0].start

    @property
    def end(self) -> float:
        """Seconds at which the last section ends."""
        return self.sections[-1].end

    @property
    def bars(self) -> int | None:
        """The number of bars of all its sections."""
        counts = [section.bars for section in self.sections]
        return None if None in counts else sum(count for count in counts if count is not None)

    @property
    def text(self) -> str:
        """The passage as text: `drop 72 bars (8 parts)`."""
        length = "" if self.bars is None else f" {self.bars} bar{'s' * (self.bars != 1)}"
        parts = f" ({len(self.sections)} parts)" if len(self.sections) > 1 else ""
        return f"{self.label}{length}{parts}"


def passages(sections: Sequence[Section]) -> tuple[Passage, ...]:
    """The passages that sections in the order of time make up."""
    groups = groupby(sections, key=lambda section: section.label)
    return tuple(Passage(tuple(group)) for _, group in groups)


def labelled_phrases(record: StructureRecord) -> tuple[tuple[Phrase, Label], ...]:
    """The phrases of a record, each with the label of the section that it lies in."""
    starts = [section.start for section in record.sections]
    return tuple(
        (phrase, record.sections[max(0, bisect_right(starts, phrase.start) - 1)].label)
        for phrase in record.phrases
    )
