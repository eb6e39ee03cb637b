"""Turn a user's edits of a track's answer into absolute corrections.

An edit is a JSON object: `op` and its values (EDITS). It applies to the current answer, with all
earlier corrections; the result does not depend on them. For a grid with a single entry, an edit
corrects tempo and downbeat separately; otherwise it corrects the whole grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..records.model import BpmRecord
from . import grid_corrections, model, section_corrections, section_edits
from .model import NOTHING, Correction, GridEntry, refuse
from .section_edits import Answer, Fields

RELATIVE: dict[str, Any] = dict.fromkeys(("octave", "shift_beats", "nudge_ms", "downbeat_beats"))
GRID: dict[str, Any] = {
    **dict.fromkeys(("bpm", "downbeat", "beats_per_bar")),
    "grid": (),
    **RELATIVE,
}
REFINED = 0.01  # relative: a tempo this close to the current one refines it and keeps the downbeat
ANCHOR_ERROR = 0.010  # s: how exactly a user sets an anchor
MIN_TAPS = 4
OCTAVES = (1.0, 0.5, 2.0)
TAP_TOLERANCE = 0.04  # relative: taps this close to an octave of the tempo mean that octave
RESET = ("grid", "sections", "drops", "key", "confirmed", "note")


def edit(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    """The correction after an edit. Raises InvalidCorrection with the reason."""
    op = fields.get("op")
    if not isinstance(op, str) or op not in EDITS:
        refuse("op", f"none of {', '.join(EDITS)}", op if isinstance(op, str) else None)
    edited = EDITS[op](correction, answer, fields)
    if op != "confirm" and replace(edited, note=correction.note) != correction:
        return replace(edited, confirmed=None)  # the confirmed answer has changed
    return edited


def absolute(
    correction: Correction, computed: BpmRecord, at_tempo: grid_corrections.AtTempo
) -> Correction:
    """A correction whose fields relative to the analysis are replaced by absolute ones."""
    if not correction.is_relative:
        return correction
    result = replace(correction, **RELATIVE)
    steps: list[Fields] = []
    if correction.octave is not None:
        steps.append({"op": correction.octave})
    if correction.shift_beats is not None:
        steps.append({"op": "shift", "beats": correction.shift_beats})
    if correction.nudge_ms is not None:
        steps.append({"op": "nudge", "ms": correction.nudge_ms})
    if correction.downbeat_beats is not None:
        steps.append({"op": "one", "beats": correction.downbeat_beats})
    for step in steps:
        result = edit(result, Answer(grid_corrections.apply(computed, result, at_tempo)), step)
    return result


def _with_grid(correction: Correction, entries: Sequence[GridEntry], *names: str) -> Correction:
    """Correct a grid; of a grid with a single entry, only the named fields."""
    for entry in entries:
        model.tempo(entry.bpm, "bpm")
    if len(entries) > 1 or correction.grid:
        return replace(correction, **{**GRID, "grid": tuple(entries)})
    return replace(correction, **{name: getattr(entries[0], name) for name in names})


def _times_tempo(factor: float) -> Callable[[Correction, Answer, Fields], Correction]:
    def run(correction: Correction, answer: Answer, fields: Fields) -> Correction:
        _, entries = answer.grid("half" if factor < 1 else "double")
        entries = tuple(replace(entry, bpm=entry.bpm * factor) for entry in entries)
        return _with_grid(correction, entries, "bpm", "downbeat")

    return run


def _moved_entries(
    entries: Sequence[GridEntry], seconds: Callable[[GridEntry], float]
) -> list[GridEntry]:
    """Entries moved later by seconds(entry); none before the first sample."""
    moved = []
    for entry in entries:
        offset = seconds(entry)
        downbeat, bar = entry.downbeat, 60 / entry.bpm * entry.beats_per_bar
        if downbeat is not None:
            downbeat += offset
            if downbeat < 0:  # another downbeat is a bar later
                downbeat += bar * -(downbeat // bar)
        start = max(0.0, entry.start + offset)
        end = entry.end and max(0.0, entry.end + offset)
        moved.append(replace(entry, start=start, downbeat=downbeat, end=end))
    return moved


def _shift(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    by = model.half_beats(fields.get("beats"), "shift: beats")
    _, entries = answer.grid("shift")
    return _with_grid(
        correction, _moved_entries(entries, lambda entry: by * 60 / entry.bpm), "downbeat"
    )


def _nudge(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    by = model.milliseconds(fields.get("ms"), "nudge: ms") / 1000
    _, entries = answer.grid("nudge")
    return _with_grid(correction, _moved_entries(entries, lambda _: by), "downbeat")


def _move_downbeat(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    by = model.half_beats(fields.get("beats"), "one: beats")
    if by != int(by):
        refuse("one: beats", "not whole beats; half beats are a shift", by)
    _, entries = answer.grid("one")
    moved = [
        replace(entry, downbeat=_from_start(entry, moved.downbeat))
        for entry, moved in zip(
            entries, _moved_entries(entries, lambda entry: by * 60 / entry.bpm), strict=True
        )
    ]
    return _with_grid(correction, moved, "downbeat")


def _from_start(entry: GridEntry, downbeat: float | None) -> float | None:
    """A downbeat at or after the start of an entry; a bar later if this one is before it."""
    if downbeat is not None and downbeat < entry.start - grid_corrections.EDGE:
        return downbeat + 60 / entry.bpm * entry.beats_per_bar
    return downbeat


def _bpm(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    bpm = model.tempo(fields.get("bpm"), "bpm")
    entries = () if answer.bpm is None else grid_corrections.entries_of(answer.bpm)
    values: dict[str, Any] = {**GRID, "bpm": bpm, "beats_per_bar": correction.beats_per_bar}
    if len(entries) == 1 and abs(bpm / entries[0].bpm - 1) <= REFINED:
        values["downbeat"] = entries[0].downbeat if correction.grid else correction.downbeat
    return replace(correction, **values)


def _at(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    moment = model.time(fields.get("time"), "at: time")
    record, entries = answer.grid("at")
    if moment > (record.duration or 0):
        refuse("at: time", f"after the end of the music, {record.duration or 0:.3f} s", moment)
    at = grid_corrections.entry_at(entries, moment)
    start = min(entries[at].start, moment) if at == 0 else entries[at].start
    moved = replace(entries[at], downbeat=moment, start=start)
    return _with_grid(correction, (*entries[:at], moved, *entries[at + 1 :]), "downbeat")


def _beat_at(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    moment = model.time(fields.get("time"), "beat_at: time")
    record, entries = answer.grid("beat_at")
    by = moment - section_corrections.nearest(record.beats, moment)
    at = grid_corrections.entry_at(entries, moment)
    (moved,) = _moved_entries(entries[at : at + 1], lambda _: by)
    return _with_grid(correction, (*entries[:at], moved, *entries[at + 1 :]), "downbeat")


def _anchors(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    first, second = (model.time(fields.get(n), f"anchors: {n}") for n in ("first", "second"))
    first, second = min(first, second), max(first, second)
    record, entries = answer.grid("anchors")
    entry = entries[grid_corrections.entry_at(entries, first)]
    count = round((second - first) * entry.bpm / 60)
    if count < 1:
        refuse("anchors", "less than a beat apart", None)
    bpm = 60 * count / (second - first)
    margin = bpm * ANCHOR_ERROR / (second - first)
    for whole in (round(bpm), round(2 * bpm) / 2):
        if abs(bpm - whole) <= min(margin, 0.2):
            bpm = float(whole)
            break
    downbeat = first
    if not fields.get("one"):
        old = section_corrections.nearest(record.downbeats, first)
        downbeat = first + round((old - first) * bpm / 60) * 60 / bpm
    (pinned,) = _moved_entries([replace(entry, bpm=bpm, downbeat=downbeat)], lambda _: 0.0)
    if len(entries) == 1:
        return _with_grid(correction, (pinned,), "bpm", "downbeat")
    at = entries.index(entry)
    return _with_grid(correction, (*entries[:at], pinned, *entries[at + 1 :]))


def _tap(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    taps = fields.get("times")
    if not isinstance(taps, list) or not MIN_TAPS <= len(taps) <= 1000:
        refuse("tap: times", f"not a list of {MIN_TAPS} to 1000 times", None)
    times = sorted(model.time(tap, "tap: times") for tap in taps)
    if times[-1] - times[0] < 0.5:
        refuse("tap: times", "less than half a second of tapping", None)
    bpm = 60 * (len(times) - 1) / (times[-1] - times[0])
    entries = () if answer.bpm is None else grid_corrections.entries_of(answer.bpm)
    for factor in OCTAVES if len(entries) == 1 else ():
        if abs(bpm / (entries[0].bpm * factor) - 1) <= TAP_TOLERANCE:
            if factor == 1.0:
                return correction
            return _times_tempo(factor)(correction, answer, {})
    return _bpm(correction, answer, {"bpm": round(bpm)})


def _beats_per_bar(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    length = model.beats_per_bar(fields.get("beats"), "beats_per_bar")
    _, entries = answer.grid("beats_per_bar")
    entries = tuple(replace(entry, beats_per_bar=length) for entry in entries)
    return _with_grid(correction, entries, "beats_per_bar")


def _grid(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    entries = model.grid(fields.get("grid"), "grid")
    if not entries:
        refuse("grid", "empty", None)
    return replace(correction, **{**GRID, "grid": entries})


def _key(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    return replace(correction, key=model.key(fields.get("key"), "key"))


def _note(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    return replace(correction, note=model.text(fields.get("note"), "note") or None)


def _confirm(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    if answer.bpm is None or answer.bpm.status != "ok":
        refuse("confirm", "the track was not analysed", None)
    return replace(
        correction,
        confirmed=section_corrections.confirmed_answer(answer.bpm, answer.structure, answer.key),
    )


def _unconfirm(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    return replace(correction, confirmed=None)


def _reset(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    what = fields.get("what", list(RESET))
    if not isinstance(what, list) or not all(name in RESET for name in what):
        refuse("reset: what", f"not a list of {', '.join(RESET)}", None)
    reset: dict[str, Any] = {}
    for name in what:
        reset |= GRID if name == "grid" else {name: getattr(NOTHING, name)}
    return replace(correction, **reset)


EDITS: dict[str, Callable[[Correction, Answer, Fields], Correction]] = {
    "half": _times_tempo(0.5),
    "double": _times_tempo(2.0),
    "bpm": _bpm,
    "shift": _shift,
    "one": _move_downbeat,
    "nudge": _nudge,
    "at": _at,
    "beat_at": _beat_at,
    "anchors": _anchors,
    "tap": _tap,
    "beats_per_bar": _beats_per_bar,
    "grid": _grid,
    "sections": section_edits.sections,
    "boundary": section_edits.boundary,
    "label": section_edits.label,
    "split": section_edits.split,
    "join": section_edits.join,
    "drops": section_edits.drops,
    "key": _key,
    "note": _note,
    "confirm": _confirm,
    "unconfirm": _unconfirm,
    "reset": _reset,
}
