"""What a person does to a track's answer, turned into absolute statements.

An edit is a JSON object: `op` and what it needs (EDITS). It is about the answer as it now is, with
all that was stated before; what comes out holds by itself. A grid of one piece is stated by its
tempo and a downbeat, each only where the edit is about it; one of several pieces as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..records.model import BpmRecord
from . import grid_corrections, model, section_corrections, section_edits
from .model import NOTHING, Correction, GridEntry, refuse
from .section_edits import Answer, Fields

RELATIVE: dict[str, Any] = dict.fromkeys(("octave", "shift_beats", "nudge_ms", "one_beats"))
GRID: dict[str, Any] = {**dict.fromkeys(("bpm", "one", "beats_per_bar")), "grid": (), **RELATIVE}
REFINED = 0.01  # share: a tempo set so near to the present one is the same, better known
CLICK = 0.010  # s: how exactly a person sets an anchor
FEWEST_TAPS = 4
OCTAVES = (1.0, 0.5, 2.0)
TAPPED = 0.04  # share: taps so near to an octave of the present tempo mean that
RESET = ("grid", "sections", "drops", "key", "confirmed", "note")


def edit(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    """The statements after an edit. Raises InvalidCorrection, naming what is wrong with it."""
    op = fields.get("op")
    if not isinstance(op, str) or op not in EDITS:
        refuse("op", f"none of {', '.join(EDITS)}", op if isinstance(op, str) else None)
    said = EDITS[op](correction, answer, fields)
    if op != "confirm" and replace(said, note=correction.note) != correction:
        return replace(said, confirmed=None)  # what was confirmed is no longer the answer
    return said


def absolute(
    correction: Correction, computed: BpmRecord, at_tempo: grid_corrections.AtTempo
) -> Correction:
    """A correction without relative statements, which are about the analysis' own answer."""
    if not correction.is_relative:
        return correction
    said = replace(correction, **RELATIVE)
    steps: list[Fields] = []
    if correction.octave is not None:
        steps.append({"op": correction.octave})
    if correction.shift_beats is not None:
        steps.append({"op": "shift", "beats": correction.shift_beats})
    if correction.nudge_ms is not None:
        steps.append({"op": "nudge", "ms": correction.nudge_ms})
    if correction.one_beats is not None:
        steps.append({"op": "one", "beats": correction.one_beats})
    for step in steps:
        said = edit(said, Answer(grid_corrections.apply(computed, said, at_tempo)), step)
    return said


def _stated(correction: Correction, entries: Sequence[GridEntry], *names: str) -> Correction:
    """A correction that states a grid; of one piece, only the named fields of it."""
    for entry in entries:
        model.tempo(entry.bpm, "bpm")
    if len(entries) > 1 or correction.grid:
        return replace(correction, **{**GRID, "grid": tuple(entries)})
    return replace(correction, **{name: getattr(entries[0], name) for name in names})


def _times(factor: float) -> Callable[[Correction, Answer, Fields], Correction]:
    def run(correction: Correction, answer: Answer, fields: Fields) -> Correction:
        _, entries = answer.grid("half" if factor < 1 else "double")
        entries = tuple(replace(entry, bpm=entry.bpm * factor) for entry in entries)
        return _stated(correction, entries, "bpm", "one")

    return run


def _moved(entries: Sequence[GridEntry], seconds: Callable[[GridEntry], float]) -> list[GridEntry]:
    """Entries, each later by so many seconds; none before the first sample."""
    moved = []
    for entry in entries:
        by = seconds(entry)
        one, bar = entry.one, 60 / entry.bpm * entry.beats_per_bar
        if one is not None:
            one += by
            if one < 0:  # a bar later is a downbeat too
                one += bar * -(one // bar)
        start, end = max(0.0, entry.start + by), entry.end and max(0.0, entry.end + by)
        moved.append(replace(entry, start=start, one=one, end=end))
    return moved


def _shift(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    by = model.half_beats(fields.get("beats"), "shift: beats")
    _, entries = answer.grid("shift")
    return _stated(correction, _moved(entries, lambda entry: by * 60 / entry.bpm), "one")


def _nudge(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    by = model.milliseconds(fields.get("ms"), "nudge: ms") / 1000
    _, entries = answer.grid("nudge")
    return _stated(correction, _moved(entries, lambda _: by), "one")


def _one(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    by = model.half_beats(fields.get("beats"), "one: beats")
    if by != int(by):
        refuse("one: beats", "not whole beats; half beats are a shift", by)
    _, entries = answer.grid("one")
    ones = [
        replace(entry, one=_from_start(entry, moved.one))
        for entry, moved in zip(
            entries, _moved(entries, lambda entry: by * 60 / entry.bpm), strict=True
        )
    ]
    return _stated(correction, ones, "one")


def _from_start(entry: GridEntry, one: float | None) -> float | None:
    """A downbeat at or after the start of an entry, that of a bar later if this one is before."""
    if one is not None and one < entry.start - grid_corrections.EDGE:
        return one + 60 / entry.bpm * entry.beats_per_bar
    return one


def _bpm(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    bpm = model.tempo(fields.get("bpm"), "bpm")
    present = answer.bpm
    entries = () if present is None else grid_corrections.entries_of(present)
    kept: dict[str, Any] = {**GRID, "bpm": bpm, "beats_per_bar": correction.beats_per_bar}
    if len(entries) == 1 and abs(bpm / entries[0].bpm - 1) <= REFINED:
        kept["one"] = entries[0].one if correction.grid else correction.one
    return replace(correction, **kept)


def _at(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    moment = model.time(fields.get("time"), "at: time")
    record, entries = answer.grid("at")
    if moment > (record.duration or 0):
        refuse("at: time", f"after the end of the music, {record.duration or 0:.3f} s", moment)
    at = grid_corrections.entry_at(entries, moment)
    start = min(entries[at].start, moment) if at == 0 else entries[at].start
    ruled = replace(entries[at], one=moment, start=start)
    return _stated(correction, (*entries[:at], ruled, *entries[at + 1 :]), "one")


def _beat_at(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    moment = model.time(fields.get("time"), "beat_at: time")
    record, entries = answer.grid("beat_at")
    by = moment - section_corrections.nearest(record.beats, moment)
    at = grid_corrections.entry_at(entries, moment)
    (moved,) = _moved(entries[at : at + 1], lambda _: by)
    return _stated(correction, (*entries[:at], moved, *entries[at + 1 :]), "one")


def _anchors(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    first, second = (model.time(fields.get(n), f"anchors: {n}") for n in ("first", "second"))
    first, second = min(first, second), max(first, second)
    record, entries = answer.grid("anchors")
    entry = entries[grid_corrections.entry_at(entries, first)]
    count = round((second - first) * entry.bpm / 60)
    if count < 1:
        refuse("anchors", "nearer to each other than a beat", None)
    bpm = 60 * count / (second - first)
    margin = bpm * CLICK / (second - first)
    for whole in (round(bpm), round(2 * bpm) / 2):
        if abs(bpm - whole) <= min(margin, 0.2):
            bpm = float(whole)
            break
    one = first
    if not fields.get("one"):
        old = section_corrections.nearest(record.downbeats, first)
        one = first + round((old - first) * bpm / 60) * 60 / bpm
    (pinned,) = _moved([replace(entry, bpm=bpm, one=one)], lambda _: 0.0)
    if len(entries) == 1:
        return _stated(correction, (pinned,), "bpm", "one")
    at = entries.index(entry)
    return _stated(correction, (*entries[:at], pinned, *entries[at + 1 :]))


def _tap(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    taps = fields.get("times")
    if not isinstance(taps, list) or not FEWEST_TAPS <= len(taps) <= 1000:
        refuse("tap: times", f"not a list of {FEWEST_TAPS} to 1000 times", None)
    times = sorted(model.time(tap, "tap: times") for tap in taps)
    if times[-1] - times[0] < 0.5:
        refuse("tap: times", "less than half a second of tapping", None)
    bpm = 60 * (len(times) - 1) / (times[-1] - times[0])
    entries = () if answer.bpm is None else grid_corrections.entries_of(answer.bpm)
    for factor in OCTAVES if len(entries) == 1 else ():
        if abs(bpm / (entries[0].bpm * factor) - 1) <= TAPPED:
            if factor == 1.0:
                return correction
            return _times(factor)(correction, answer, {})
    return _bpm(correction, answer, {"bpm": round(bpm)})


def _beats_per_bar(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    length = model.beats_per_bar(fields.get("beats"), "beats_per_bar")
    _, entries = answer.grid("beats_per_bar")
    entries = tuple(replace(entry, beats_per_bar=length) for entry in entries)
    return _stated(correction, entries, "beats_per_bar")


def _grid(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    stated = model.grid(fields.get("grid"), "grid")
    if not stated:
        refuse("grid", "empty", None)
    return replace(correction, **{**GRID, "grid": stated})


def _key(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    return replace(correction, key=model.key(fields.get("key"), "key"))


def _note(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    return replace(correction, note=model.text(fields.get("note"), "note") or None)


def _confirm(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    if answer.bpm is None or answer.bpm.status != "ok":
        refuse("confirm", "the track was not analysed", None)
    return replace(
        correction,
        confirmed=section_corrections.confirmed(answer.bpm, answer.structure, answer.key),
    )


def _unconfirm(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    return replace(correction, confirmed=None)


def _reset(correction: Correction, answer: Answer, fields: Fields) -> Correction:
    what = fields.get("what", list(RESET))
    if not isinstance(what, list) or not all(name in RESET for name in what):
        refuse("reset: what", f"not a list of {', '.join(RESET)}", None)
    gone: dict[str, Any] = {}
    for name in what:
        gone |= GRID if name == "grid" else {name: getattr(NOTHING, name)}
    return replace(correction, **gone)


EDITS: dict[str, Callable[[Correction, Answer, Fields], Correction]] = {
    "half": _times(0.5),
    "double": _times(2.0),
    "bpm": _bpm,
    "shift": _shift,
    "one": _one,
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
