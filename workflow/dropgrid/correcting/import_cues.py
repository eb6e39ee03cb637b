"""Cues and loops that were set on a player: what of them a correction can hold, and what not.

A cue named after a drop is a drop, and one named after another section begins that section. All
others (cues of other names, loops, the first cue) have no counterpart in a correction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..corrections.model import SectionStart
from ..corrections.section_corrections import bar_lines, nearest
from ..records.cue_points import MIX_OUT, cues, first_downbeat, loops, pads
from ..records.cue_template import PRESETS, template
from ..records.model import BpmRecord, Label, StructureRecord
from ..records.passages import passages
from ..records.track import Track
from ..references.annotation import Mark
from ..references.cues import label_of

SAME = 0.05  # seconds: a cue as near as this to one of dropgrid's was not moved

Moved = tuple[float | None, float]  # (present time, time there); None for a new one


@dataclass(frozen=True)
class CueChanges:
    """What was changed on a player: drops, sections with their labels, and marks that no
    correction holds. starts: all sections with the changes; () where none was changed."""

    drops: tuple[Moved, ...] = ()
    sections: tuple[tuple[Label, float | None, float], ...] = ()
    starts: tuple[SectionStart, ...] = ()
    left: tuple[Mark, ...] = ()


NO_CHANGES = CueChanges()


def cue_changes(
    bpm: BpmRecord | None, structure: StructureRecord | None, marks: Sequence[Mark]
) -> CueChanges:
    """What of a player's cues and loops is not what dropgrid would write there."""
    if structure is None:
        return CueChanges(left=tuple(marks))
    track = Track(None, bpm, structure)
    points = [mark for mark in marks if mark.end is None]
    drops = moved_drops(track, _times(points, "drop"))
    sections, starts = _moved_sections(track, structure, points)
    used = {time for _, time in drops} | {time for _, _, time in sections}
    known = _our_times(track)
    left = [
        mark for mark in marks
        if not (mark.end is None and (mark.time in used or _among(mark.time, known)))
        and not _is_our_loop(mark, track)
    ]  # fmt: skip
    return CueChanges(drops, sections, starts, tuple(dict.fromkeys(left)))


def moved_drops(track: Track, found: Sequence[float]) -> tuple[Moved, ...]:
    """The cues at drops that dropgrid did not set.

    A cue that is missing says nothing: players keep fewer cues than there are drops.
    """
    assert track.structure is not None
    drops = track.structure.drops
    ours = sorted({*drops, *(cue.time for cue in cues(track) if cue.label == "drop")})
    return _paired([t for t in found if not _among(t, ours)], _not_among(drops, found))


def with_moved(drops: Sequence[float], moved: Sequence[Moved]) -> tuple[float, ...]:
    """Drops with those that were moved in their new places, and the new ones."""
    gone = {old for old, _ in moved}
    return tuple(sorted([*(t for t in drops if t not in gone), *(new for _, new in moved)]))


def _moved_sections(
    track: Track, structure: StructureRecord, points: Sequence[Mark]
) -> tuple[tuple[tuple[Label, float | None, float], ...], tuple[SectionStart, ...]]:
    """Sections whose cues were moved or are new, and all sections with them.

    The first section begins at 0 whatever its cue; a cue between bar lines moves nothing, as
    sections lie on those; and none passes its neighbour.
    """
    lines = bar_lines(track.bpm, structure.duration or 0.0) if track.bpm else []
    first = structure.sections[0].start if structure.sections else 0.0
    starts = tuple(SectionStart(s.start, s.label) for s in structure.sections)
    moved: list[tuple[Label, float | None, float]] = []
    for label in sorted({passage.label for passage in passages(structure.sections)} - {"drop"}):
        ours = [cue.time for cue in cues(track) if cue.label == label and cue.name != MIX_OUT]
        found = _times(points, label)
        new = [t for t in found if not _among(t, ours) and not _among(nearest(lines, t), ours)]
        left = [time for time in _not_among(ours, found) if _begins(starts, time, first)]
        for old, time in _paired(new, left):
            changed = _with_start(starts, old, SectionStart(time, label))
            if changed is not None:
                starts = changed
                moved.append((label, old, time))
    return tuple(moved), starts if moved else ()


def _begins(starts: Sequence[SectionStart], time: float, first: float) -> bool:
    """Whether a section other than the first begins at a time."""
    return any(start.start == time > first for start in starts)


def _with_start(
    starts: Sequence[SectionStart], old: float | None, new: SectionStart
) -> tuple[SectionStart, ...] | None:
    """Sections with one that begins elsewhere now, or a new one; None where that cannot be."""
    if old is None:
        before = [start for start in starts if start.start < new.start]
        if not before or before[-1].label == new.label:
            return None
        return tuple(sorted((*starts, new), key=lambda start: start.start))
    low, high = min(old, new.start), max(old, new.start)
    kept = [start for start in starts if not low <= start.start <= high]
    gone = [start for start in starts if low <= start.start <= high and start.start != old]
    before = [start for start in kept if start.start < low]
    side = new.label if new.start > old else (before[-1].label if before else None)
    if not before or any(start.label != side for start in gone):
        return None
    return tuple(sorted((*kept, new), key=lambda start: start.start))


def _times(points: Iterable[Mark], label: str) -> list[float]:
    return sorted({mark.time for mark in points if label_of(mark.name) == label})


def _paired(new: Sequence[float], left: Sequence[float]) -> tuple[Moved, ...]:
    """Each new time with the nearest of those that are left, which it takes the place of."""
    remaining = list(left)
    found: list[Moved] = []
    for time in new:
        old = min(remaining, key=lambda other: abs(other - time), default=None)
        if old is not None:
            remaining.remove(old)
        found.append((old, time))
    return tuple(found)


def _among(time: float, times: Iterable[float]) -> bool:
    return any(abs(time - other) <= SAME for other in times)


def _not_among(times: Iterable[float], others: Sequence[float]) -> list[float]:
    return [time for time in times if not _among(time, others)]


def _our_times(track: Track) -> set[float]:
    """Where dropgrid itself puts cues, with any of its templates."""
    found = {cue.time for cue in cues(track)}
    for preset in PRESETS:
        found |= {cue.time for _, cue in pads(track, template(preset))}
    downbeat = first_downbeat(track)
    return found if downbeat is None else found | {downbeat}


def _is_our_loop(mark: Mark, track: Track) -> bool:
    return mark.end is not None and any(
        abs(mark.time - loop.start) <= SAME and abs(mark.end - loop.end) <= SAME
        for loop in loops(track)
    )


def described(mark: Mark) -> str:
    """A cue or a loop in words."""
    name = f' "{mark.name}"' if mark.name else ""
    if mark.end is not None:
        return f"loop{name} from {mark.time:.2f} to {mark.end:.2f} s"
    kind = "memory cue" if mark.pad is None else f"hot cue {chr(ord('A') + mark.pad)}"
    return f"{kind}{name} at {mark.time:.2f} s"
