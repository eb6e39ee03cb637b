"""Sections from cues that are named after them, and beats from grid markers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from . import checks
from .annotation import ReferenceSection
from .checks import Place

SLACK = 0.1  # beats: a beat this close to the next marker belongs to that marker


def sections(
    cues: Iterable[tuple[float, str, Place]], duration: float | None
) -> tuple[ReferenceSection, ...]:
    """Sections from (time, name, place) of cues that are named after a section.

    A number may follow, as in `Drop 2`; a section lasts to the next such cue.
    """
    named = {}
    for start, name, place in cues:
        label = label_of(name)
        if label is not None:
            named[start, label] = (start, label, place)
    found = sorted(named.values(), key=lambda cue: cue[0])
    if not found or duration is None:
        return ()
    ends = [start for start, _, _ in found[1:]] + [duration]
    return checks.sections(
        [
            (ReferenceSection(start, end, label), place)
            for (start, label, place), end in zip(found, ends, strict=True)
        ]
    )


def label_of(name: str) -> str | None:
    """The section that a cue is named after, for example `Drop 2`; None for any other name."""
    return checks.known_label(re.sub(r"[\s#]*\d*\s*$", "", name))


def count_of(start: float, end: float, interval: float) -> int:
    """How many beats a marker has from start on, to where the next one, or the track, begins."""
    return max(0, math.ceil((end - start) / interval - SLACK))
