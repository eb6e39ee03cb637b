"""Stating what is right about the tracks of a results folder: edits, undo, and records renewed.

`dropgrid correct` and the workbench stand on this. Every change goes into the user's file, under
its lock; what a track's statements were before is kept, so that it can be undone without end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..base.errors import RecordError
from ..base.files import read_regular, sync_folder, write_atomically
from ..base.json_documents import MAX_BYTES, SCHEMA_VERSION, json_lines
from ..corrections import apply, document, fingerprints, grid_corrections, section_corrections
from ..corrections.document import Document
from ..corrections.edits import edit
from ..corrections.model import NOTHING, Correction, InvalidCorrection, from_json, to_json
from ..corrections.per_track import slice_bytes, slice_path
from ..corrections.section_edits import Answer
from ..features import Features
from ..library import track_id
from ..records.model import BpmRecord, KeyRecord, StructureRecord
from ..records.store import (
    as_computed,
    as_written,
    read_bpm,
    read_key,
    read_structure,
    write_record,
)
from ..records.ticket import Ticket, read_ticket
from ..results.layout import Results
from ..results.ownership import write_owned
from ..stages.make_records import make_bpm_record, make_key_record, make_structure_record
from .publish import read_fingerprint, recording_is_gone

UNDO_SCHEMA = "dropgrid/corrections-undo"
MOST_STEPS = 1000


class NothingToUndo(InvalidCorrection):
    """There is no step to take back, or to take again."""


@dataclass(frozen=True)
class TrackState:
    """A track with what is written of it; None for a record that there is not."""

    ticket: Ticket
    bpm: BpmRecord | None
    structure: StructureRecord | None
    key: KeyRecord | None
    fingerprint: str | None

    @property
    def computed(self) -> BpmRecord:
        """The analysis' own bpm record. Raises InvalidCorrection without one."""
        if self.bpm is None:
            raise InvalidCorrection(f"{self.ticket.path}: not analysed; run the workflow first")
        if self.bpm.error is not None:
            raise InvalidCorrection(
                f"{self.ticket.path}: could not be analysed: {self.bpm.error.message}"
            )
        return as_computed(self.bpm)


@dataclass(frozen=True)
class CorrectionSession:
    """A folder of results, and the user's file of corrections for it."""

    results: Results
    file: Path

    def read_state(self, track: str, with_fingerprint: bool = True) -> TrackState:
        """What is written of a track. Raises RecordError, MissingRecord included for no ticket.

        with_fingerprint: find out its fingerprint from the features, where the record has none.
        """
        ticket = read_ticket(self.results.ticket(track))
        found: list[Any] = []
        for kind, read in (("bpm", read_bpm), ("structure", read_structure), ("key", read_key)):
            record = None
            with suppress(RecordError):
                record = read(self.results.record(kind, track), track)
            found.append(record)
        bpm, structure, key = found
        mine = None if bpm is None else bpm.fingerprint
        if mine is None and with_fingerprint:  # a record of a version without, or none of beats
            with suppress(RecordError):
                mine = fingerprints.fingerprint(self.features(track))
        return TrackState(ticket, bpm, structure, key, mine)

    def features(self, track: str) -> Features:
        """The features of a track. Raises RecordError where they are gone."""
        from ..features import store

        features = store.load(self.results.features(track))
        if not isinstance(features, Features):
            raise RecordError(f"{track}: could not be analysed: {features.message}")
        return features

    def decoder(self, track: str) -> dict[str, Any]:
        """How a track was decoded: what the times of other programs depend on."""
        with suppress(RecordError):
            return dict(read_bpm(self.results.record("bpm", track), track).decoder)
        return {}

    def options(self, stage: str) -> dict[str, Any]:
        """The options of a stage as the last run had them; the defaults where there was none."""
        try:
            return dict(json.loads(read_regular(self.results.options(stage), MAX_BYTES)))
        except (OSError, ValueError, TypeError):
            from ..settings.config import load_config
            from ..stages import stage_options

            return dict(stage_options(load_config())[stage])

    def at_tempo(self, track: str) -> grid_corrections.AtTempo:
        """The analysis of a track whose tempo is given. It raises InvalidCorrection without
        features."""

        def analyse(bpm: float) -> BpmRecord:
            try:
                features = self.features(track)
            except RecordError as error:
                raise InvalidCorrection(
                    f"cannot search for beats at {bpm:g} BPM: {error}"
                ) from error
            ticket = read_ticket(self.results.ticket(track))
            tempo_alone = replace(NOTHING, bpm=bpm)
            return as_written(make_bpm_record(ticket, features, self.options("bpm"), tempo_alone))

        return analyse

    def correction_of(
        self, state: TrackState, corrections: Document | None = None
    ) -> tuple[str | None, Correction]:
        """Under which path of the file statements about a track stand, and what they are."""
        corrections = document.read(self.file) if corrections is None else corrections
        name = corrections.find(
            state.ticket.path, state.fingerprint, partial(recording_is_gone, self.results)
        )
        return name, NOTHING if name is None else corrections.tracks[name]

    def answer(self, state: TrackState, correction: Correction) -> tuple[Correction, Answer]:
        """All that holds of a track with these statements, and the answer that they make.

        Sections that are not corrected are those of the present record, whatever its bars.
        """
        at_tempo = self.at_tempo(state.ticket.track)
        computed = state.computed
        effective = apply.effective(correction, computed, at_tempo, state.structure, state.key)
        bpm = as_written(grid_corrections.apply(computed, effective, at_tempo))
        structure, key = state.structure, state.key
        if structure is not None and structure.status == "ok":
            if structure.computed is not None:
                own = structure.computed
                structure = replace(
                    structure, sections=own.sections, drops=own.drops,
                    drop_confidences=own.drop_confidences, source="computed", computed=None,
                )  # fmt: skip
            structure = section_corrections.apply_sections(structure, effective, bpm)
        if key is not None and key.status == "ok":
            key = section_corrections.apply_key(as_computed(key), effective)
        return effective, Answer(bpm, structure, key)

    def accepted_answer(self, state: TrackState, correction: Correction) -> Answer:
        """The answer that a person holds to be right; as last written where it takes features
        that are gone."""
        try:
            return self.answer(state, correction)[1]
        except InvalidCorrection:
            return Answer(state.bpm, state.structure, state.key)

    def is_current(self, state: TrackState, correction: Correction) -> bool:
        """Whether the records of a track are made with these statements, as their times say."""
        track = state.ticket.track
        path = slice_path(self.results.corrections, track)
        try:
            stated = path.stat().st_mtime_ns
            written = min(
                self.results.record(kind, track).stat().st_mtime_ns for kind in self._kinds(state)
            )
            return path.read_bytes() == slice_bytes(track, correction) and written >= stated
        except OSError:  # nothing was ever stated, or there is no record
            return correction.is_empty

    def _kinds(self, state: TrackState) -> list[str]:
        """The kinds of records that there are of a track; the bpm record in any case."""
        others = {"structure": state.structure, "key": state.key}
        return ["bpm", *(kind for kind, record in others.items() if record is not None)]

    def edit(self, track: str, steps: Sequence[Mapping[str, Any]]) -> Correction:
        """Make edits (dropgrid.corrections.edits) as one step; the track's corrections now.

        Raises InvalidCorrection, RecordError, OSError.
        """
        state = self.read_state(track)
        with document.changing(self.file) as corrections:
            name, before = self.correction_of(state, corrections)
            correction, answer = self.answer(state, before)
            for i, step in enumerate(steps):
                correction = edit(correction, answer, step)
                if i + 1 < len(steps):
                    correction, answer = self.answer(state, correction)
            return self.put(corrections, state, name, before, correction)

    def set_correction(self, track: str, correction: Correction) -> Correction:
        """State this of a track, in place of all that was. Raises as edit does."""
        state = self.read_state(track)
        with document.changing(self.file) as corrections:
            name, before = self.correction_of(state, corrections)
            return self.put(corrections, state, name, before, correction)

    def put(
        self,
        corrections: Document,
        state: TrackState,
        name: str | None,
        before: Correction,
        correction: Correction,
        between: Sequence[Correction] = (),
    ) -> Correction:
        """Correct a track so in place of earlier corrections under a name; it can be undone,
        by way of those between."""
        correction = replace(correction, fingerprint=state.fingerprint or correction.fingerprint)
        if replace(before, fingerprint=correction.fingerprint) == correction:
            return correction
        undo, _ = self.steps(state.ticket.track, state.fingerprint)
        self._keep(state, [*undo, before, *between], [])
        self._place(corrections, state, name, correction)
        return correction

    def _place(
        self, corrections: Document, state: TrackState, name: str | None, correction: Correction
    ) -> None:
        """State this of a track, of which statements stood under a name; nobody else's go.

        Other tracks that go by the same statements, being the same recording, get their own; what
        is stated of the recording that lay under the track's path before is set aside.
        """
        path = state.ticket.path
        if name is not None and name != path:
            for other, mine in self.tracks_sharing(corrections, name, path):
                corrections.put(other, replace(corrections.tracks[name], fingerprint=mine))
        earlier = corrections.tracks.get(path)
        if earlier is not None and name != path:
            corrections.put(self._free_name(corrections, path), earlier, path)
        corrections.put(path, correction, name)
        if correction.is_empty and corrections.find(
            path, state.fingerprint, partial(recording_is_gone, self.results)
        ):
            corrections.tracks[path] = Correction(fingerprint=state.fingerprint)

    def tracks_sharing(self, corrections: Document, name: str, path: str) -> list[tuple[str, str]]:
        """Path and fingerprint of each other track that goes by the statements under a name."""
        found = []
        with suppress(OSError):
            for ticket in sorted(os.listdir(self.results.ticket("x").parent)):
                track = ticket.removesuffix(".json")
                mine = read_fingerprint(self.results.record("bpm", track))
                if not fingerprints.same(corrections.tracks[name].fingerprint, mine):
                    continue
                with suppress(RecordError):
                    other = read_ticket(self.results.ticket(track)).path
                    gone = partial(recording_is_gone, self.results)
                    if mine and other != path and corrections.find(other, mine, gone) == name:
                        found.append((other, mine))
        return found

    def _free_name(self, corrections: Document, path: str) -> str:
        """A path without a file and without corrections."""
        names = (f"{path} (earlier recording{number})" for number in ("", *range(2, MOST_STEPS)))
        return next(
            name for name in names
            if name not in corrections.tracks and not self.results.ticket(track_id(name)).exists()
        )  # fmt: skip

    def undo(self, track: str, again: bool = False) -> Correction:
        """Take back the last step, or again: take it again. Raises NothingToUndo, OSError."""
        state = self.read_state(track)
        with document.changing(self.file) as corrections:
            name, now = self.correction_of(state, corrections)
            undo, redo = self.steps(track, state.fingerprint)
            here, there = (redo, undo) if again else (undo, redo)
            plain = replace(now, fingerprint=None)
            while here and replace(here[-1], fingerprint=None) == plain:
                here.pop()  # of a step that was kept, but never saved
            if not here:
                what = "take again" if again else "undo"
                raise NothingToUndo(f"{state.ticket.path}: there is nothing to {what}")
            correction = replace(here[-1], fingerprint=state.fingerprint)
            there.append(now)
            self._keep(state, undo, redo)  # both, until the statement is saved
            self._place(corrections, state, name, correction)
        here.pop()
        self._keep(state, undo, redo)
        return correction

    def steps(
        self, track: str, fingerprint: str | None = None
    ) -> tuple[list[Correction], list[Correction]]:
        """Earlier corrections, and undone ones, the last one last.

        fingerprint: of the track's recording; steps of another one are none of its own.
        """
        path = self._undo_path(track)
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, InvalidCorrection):
            values = json.loads(read_regular(path, MAX_BYTES))
            mine = values["schema"] == UNDO_SCHEMA and values["file"] == str(self.file)
            if mine and fingerprints.same(values.get("fingerprint"), fingerprint) is not False:
                found = [
                    [from_json(item, str(path)) for item in values[name]]
                    for name in ("undo", "redo")
                ]
                return found[0], found[1]
        return [], []

    def _keep(
        self, state: TrackState, undo: Iterable[Correction], redo: Iterable[Correction]
    ) -> None:
        values = {"schema": UNDO_SCHEMA, "schema_version": SCHEMA_VERSION, "file": str(self.file)}
        if state.fingerprint is not None:
            values["fingerprint"] = state.fingerprint
        steps = {"undo": [*undo][-MOST_STEPS:], "redo": [*redo][-MOST_STEPS:]}
        plain = {name: [to_json(item) for item in items] for name, items in steps.items()}
        path = self._undo_path(state.ticket.track)
        write_atomically(path, json_lines({**values, **plain}))
        sync_folder(path.parent)

    def _undo_path(self, track: str) -> Path:
        return self.results.corrections / "undo" / f"{track}.json"

    def update_records(self, track: str) -> None:
        """Update the records of a track to its corrections now, as a run does.

        What was written before stays where its features are gone: then the next run makes them.
        Raises RecordError, InvalidCorrection, OSError.
        """
        state = self.read_state(track)
        folder = self.results.corrections
        while True:
            correction = self.correction_of(state)[1]
            write_owned(slice_path(folder, track), slice_bytes(track, correction))
            features = self.features(track)
            bpm = make_bpm_record(state.ticket, features, self.options("bpm"), correction)
            made = self._records(state, features, as_written(bpm), correction)
            for kind, record in made:
                write_record(self.results.record(kind, track), record)
            if self.correction_of(state)[1] == correction:
                return

    def _records(
        self, state: TrackState, features: Features, bpm: BpmRecord, correction: Correction
    ) -> list[tuple[str, Any]]:
        """The records of a track, of the analyses that the results have."""
        made: list[tuple[str, Any]] = [("bpm", bpm)]
        if "structure" in self.results.kinds():
            options = self.options("structure")
            made.append(
                (
                    "structure",
                    make_structure_record(state.ticket, features, bpm, options, correction),
                )
            )
        if "key" in self.results.kinds():
            options = self.options("key")
            made.append(("key", make_key_record(state.ticket, features, options, correction)))
        return made
