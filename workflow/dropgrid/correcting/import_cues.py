"""Turn cues that were set on a player into corrections of drops and sections.

A cue named after a drop is a drop; a cue named after another section begins this section. Other
cues, and loops, cannot be expressed as corrections.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..apply_corrections.model import SectionStart
from ..apply_corrections.section_corrections import bar_lines, nearest
from ..records.cue_points import MIX_OUT, cues, first_downbeat, loops, pads
from ..records.cue_template import PRESETS, template
from ..records.model import BpmRecord, Label, StructureRecord
from ..records.passages import passages
from ..records.track import Track
from ..references.annotation import CueOrLoop
from ..references.cues import label_of

SAME = 0.05  # seconds: a cue this close to one of dropgrid's cues was not moved

Moved = tuple[float | None, float]  # (current time or None for a new cue, time on the player)


@dataclass(frozen=True)
class CueChanges:
    """What the user changed on a player.

    drops; sections: (label, current time or None, time on the player); starts: all sections with
    the changes, () if there are none; left: those that cannot be expressed as a correction.
    """

    drops: tuple[Moved, ...] = ()
    sections: tuple[tuple[Label, float | None, float], ...] = ()
    starts: tuple[SectionStart, ...] = ()
    left: tuple[CueOrLoop, ...] = ()


NO_CHANGES = CueChanges()


def cue_changes(
    bpm: BpmRecord | None, structure: StructureRecord | None, cues_and_loops: Sequence[CueOrLoop]
) -> CueChanges:
    """The cues and loops of a player that differ from those that dropgrid would write."""
    if structure is None:
        return CueChanges(left=tuple(cues_and_loops))
    track = Track(None, bpm, structure)
    points = [cue for cue in cues_and_loops if cue.end is None]
    drops = moved_drops(track, _times(points, "drop"))
    sections, starts = _moved_sections(track, structure, points)
    used = {time for _, time in drops} | {time for _, _, time in sections}
    written = _cue_times(track)
    left = [
        cue for cue in cues_and_loops
        if not (cue.end is None and (cue.time in used or _is_near(cue.time, written)))
        and not _is_own_loop(cue, track)
    ]  # fmt: skip
    return CueChanges(drops, sections, starts, tuple(dict.fromkeys(left)))


def moved_drops(track: Track, found: Sequence[float]) -> tuple[Moved, ...]:
    """The cues named after drops that dropgrid did not set.

    A missing cue has no effect, because players keep fewer cues than there are drops.
    """
    assert track.structure is not None
    drops = track.structure.drops
    own = sorted({*drops, *(cue.time for cue in cues(track) if cue.label == "drop")})
    return _paired([t for t in found if not _is_near(t, own)], _without(drops, found))


def with_moved(drops: Sequence[float], moved: Sequence[Moved]) -> tuple[float, ...]:
    """The drops after moving and adding some."""
    old_times = {old for old, _ in moved}
    return tuple(sorted([*(t for t in drops if t not in old_times), *(new for _, new in moved)]))


def _moved_sections(
    track: Track, structure: StructureRecord, points: Sequence[CueOrLoop]
) -> tuple[tuple[tuple[Label, float | None, float], ...], tuple[SectionStart, ...]]:
    """The sections that were moved or added by cues, and all sections with these changes.

    The first section always begins at 0. A cue between bar lines has no effect, because sections
    begin on bar lines. No section moves past its neighbour.
    """
    lines = bar_lines(track.bpm, structure.duration or 0.0) if track.bpm else []
    first = structure.sections[0].start if structure.sections else 0.0
    starts = tuple(SectionStart(s.start, s.label) for s in structure.sections)
    moved: list[tuple[Label, float | None, float]] = []
    for label in sorted({passage.label for passage in passages(structure.sections)} - {"drop"}):
        own = [cue.time for cue in cues(track) if cue.label == label and cue.name != MIX_OUT]
        found = _times(points, label)
        new = [t for t in found if not _is_near(t, own) and not _is_near(nearest(lines, t), own)]
        missing = [time for time in _without(own, found) if _begins(starts, time, first)]
        for old, time in _paired(new, missing):
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
    """The sections after moving one from `old` or adding one; None if that is impossible."""
    if old is None:
        before = [start for start in starts if start.start < new.start]
        if not before or before[-1].label == new.label:
            return None
        return tuple(sorted((*starts, new), key=lambda start: start.start))
    low, high = min(old, new.start), max(old, new.start)
    kept = [start for start in starts if not low <= start.start <= high]
    passed = [start for start in starts if low <= start.start <= high and start.start != old]
    before = [start for start in kept if start.start < low]
    side = new.label if new.start > old else (before[-1].label if before else None)
    if not before or any(start.label != side for start in passed):
        return None
    return tuple(sorted((*kept, new), key=lambda start: start.start))


def _times(points: Iterable[CueOrLoop], label: str) -> list[float]:
    return sorted({cue.time for cue in points if label_of(cue.name) == label})


def _paired(new: Sequence[float], missing: Sequence[float]) -> tuple[Moved, ...]:
    """Each new time with the nearest missing time that it replaces, None when they are used up."""
    remaining = list(missing)
    found: list[Moved] = []
    for time in new:
        old = min(remaining, key=lambda other: abs(other - time), default=None)
        if old is not None:
            remaining.remove(old)
        found.append((old, time))
    return tuple(found)


def _is_near(time: float, times: Iterable[float]) -> bool:
    return any(abs(time - other) <= SAME for other in times)


def _without(times: Iterable[float], others: Sequence[float]) -> list[float]:
    return [time for time in times if not _is_near(time, others)]


def _cue_times(track: Track) -> set[float]:
    """The times of the cues that dropgrid writes, with any of its templates."""
    found = {cue.time for cue in cues(track)}
    for preset in PRESETS:
        found |= {cue.time for _, cue in pads(track, template(preset))}
    downbeat = first_downbeat(track)
    return found if downbeat is None else found | {downbeat}


def _is_own_loop(cue: CueOrLoop, track: Track) -> bool:
    return cue.end is not None and any(
        abs(cue.time - loop.start) <= SAME and abs(cue.end - loop.end) <= SAME
        for loop in loops(track)
    )


def described(cue: CueOrLoop) -> str:
    """A short description of a cue or a loop."""
    name = f' "{cue.name}"' if cue.name else ""
    if cue.end is not None:
        return f"loop{name} from {cue.time:.2f} to {cue.end:.2f} s"
    kind = "memory cue" if cue.pad is None else f"hot cue {chr(ord('A') + cue.pad)}"
    return f"{kind}{name} at {cue.time:.2f} s"
