"""Passages and phrases: sections as a reader wants them, joined or in their parts.

Passages are neighbouring sections of one label, which are one to a reader. Records keep the
boundaries inside; lines, cues and pictures say `drop 72 bars (8 parts)`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from .model import Label, Phrase, Section, StructureRecord


@dataclass(frozen=True)
class Passage:
    """Neighbouring sections of one label. Seconds; bars is None without a usable grid."""

    sections: tuple[Section, ...]

    @property
    def label(self) -> Label:
        """The label they share."""
        return self.sections[0].label

    @property
    def start(self) -> float:
        """When the first begins."""
        return self.sections[0].start

    @property
    def end(self) -> float:
        """When the last ends."""
        return self.sections[-1].end

    @property
    def bars(self) -> int | None:
        """How many bars they last together."""
        counts = [section.bars for section in self.sections]
        return None if None in counts else sum(count for count in counts if count is not None)

    @property
    def text(self) -> str:
        """The passage in words: `drop 72 bars (8 parts)`."""
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
