"""Correct the tracks of a results folder: edits, undo, and updated records.

`dropgrid correct` and the workbench use this. Every change is written into corrections.json, under
its lock. The earlier corrections of each track are kept for unlimited undo.
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

from ..apply_corrections import (
    apply,
    document,
    fingerprints,
    grid_corrections,
    section_corrections,
)
from ..apply_corrections.document import Document
from ..apply_corrections.edits import edit
from ..apply_corrections.model import NOTHING, Correction, InvalidCorrection, from_json, to_json
from ..apply_corrections.per_track import slice_bytes, slice_path
from ..apply_corrections.section_edits import Answer
from ..base.errors import RecordError
from ..base.files import read_regular, sync_folder, write_atomically
from ..base.json_documents import MAX_BYTES, SCHEMA_VERSION, json_lines
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
MAX_STEPS = 1000


class NothingToUndo(InvalidCorrection):
    """There is no step to undo or redo."""


@dataclass(frozen=True)
class TrackState:
    """A track's ticket and records; None for a missing record.

    made_with: the file in results/corrections that the records were made with (b"": there was
    none); None if it was newer than the records, or changed while they were read.
    """

    ticket: Ticket
    bpm: BpmRecord | None
    structure: StructureRecord | None
    key: KeyRecord | None
    fingerprint: str | None
    made_with: bytes | None

    @property
    def computed(self) -> BpmRecord:
        """The bpm record without corrections. Raises InvalidCorrection if there is none."""
        if self.bpm is None:
            raise InvalidCorrection(f"{self.ticket.path}: not analysed; run the workflow first")
        if self.bpm.error is not None:
            raise InvalidCorrection(
                f"{self.ticket.path}: could not be analysed: {self.bpm.error.message}"
            )
        return as_computed(self.bpm)


@dataclass(frozen=True)
class CorrectionSession:
    """A results folder and its corrections file (corrections.json)."""

    results: Results
    file: Path

    def read_state(self, track: str, with_fingerprint: bool = True) -> TrackState:
        """A track's ticket and records. Raises RecordError, or MissingRecord without a ticket.

        with_fingerprint: compute the fingerprint from the features if the record has none.
        """
        ticket = read_ticket(self.results.ticket(track))
        made_with = self._made_with(track)
        found: list[Any] = []
        for kind, read in (("bpm", read_bpm), ("structure", read_structure), ("key", read_key)):
            record = None
            with suppress(RecordError):
                record = read(self.results.record(kind, track), track)
            found.append(record)
        if self._made_with(track) != made_with:
            made_with = None
        bpm, structure, key = found
        fingerprint = None if bpm is None else bpm.fingerprint
        if fingerprint is None and with_fingerprint:  # no bpm record, or one of an old version
            with suppress(RecordError):
                fingerprint = fingerprints.fingerprint(self.features(track))
        return TrackState(ticket, bpm, structure, key, fingerprint, made_with)

    def _made_with(self, track: str) -> bytes | None:
        """What TrackState.made_with says, by the times of the files."""
        path = slice_path(self.results.corrections, track)
        written = []
        try:
            corrected = path.stat().st_mtime_ns
            written.append(self.results.record("bpm", track).stat().st_mtime_ns)
            correction = path.read_bytes()
        except OSError:  # never corrected, or no record
            return b""
        for kind in ("structure", "key"):
            with suppress(OSError):
                written.append(self.results.record(kind, track).stat().st_mtime_ns)
        return correction if min(written) >= corrected else None

    def features(self, track: str) -> Features:
        """The features of a track. Raises RecordError if they were deleted."""
        from ..features import store

        features = store.load(self.results.features(track))
        if not isinstance(features, Features):
            raise RecordError(f"{track}: could not be analysed: {features.message}")
        return features

    def decoder(self, track: str) -> dict[str, Any]:
        """How a track was decoded, which affects the times of other programs."""
        with suppress(RecordError):
            return dict(read_bpm(self.results.record("bpm", track), track).decoder)
        return {}

    def options(self, stage: str) -> dict[str, Any]:
        """The options of a stage in the last run; the defaults before the first run."""
        try:
            return dict(json.loads(read_regular(self.results.options(stage), MAX_BYTES)))
        except (OSError, ValueError, TypeError):
            from ..settings.config import load_config
            from ..stages import stage_options

            return dict(stage_options(load_config())[stage])

    def at_tempo(self, track: str) -> grid_corrections.AtTempo:
        """The function that analyses a track at a given tempo. It raises InvalidCorrection without
        features."""

        def analyse(bpm: float) -> BpmRecord:
            try:
                features = self.features(track)
            except RecordError as error:
                raise InvalidCorrection(
                    f"cannot search for beats at {bpm:g} BPM: {error}"
                ) from error
            ticket = read_ticket(self.results.ticket(track))
            only_tempo = replace(NOTHING, bpm=bpm)
            return as_written(make_bpm_record(ticket, features, self.options("bpm"), only_tempo))

        return analyse

    def correction_of(
        self, state: TrackState, corrections: Document | None = None
    ) -> tuple[str | None, Correction]:
        """The correction of a track, and its path in the corrections file (None: it has none)."""
        corrections = document.read(self.file) if corrections is None else corrections
        name = corrections.find(
            state.ticket.path, state.fingerprint, partial(recording_is_gone, self.results)
        )
        return name, NOTHING if name is None else corrections.tracks[name]

    def answer(self, state: TrackState, correction: Correction) -> tuple[Correction, Answer]:
        """The effective correction of a track, and the answer with it.

        Sections that are not corrected are those of the current record, whatever its bars.
        """
        at_tempo = self.at_tempo(state.ticket.track)
        computed = state.computed
        effective = apply.effective(correction, computed, at_tempo, state.structure, state.key)
        bpm = as_written(grid_corrections.apply(computed, effective, at_tempo))
        structure, key = state.structure, state.key
        if structure is not None and structure.status == "ok":
            if structure.computed is not None:
                found = structure.computed
                structure = replace(
                    structure, sections=found.sections, drops=found.drops,
                    drop_confidences=found.drop_confidences, source="computed", computed=None,
                )  # fmt: skip
            structure = section_corrections.apply_sections(structure, effective, bpm)
        if key is not None and key.status == "ok":
            key = section_corrections.apply_key(as_computed(key), effective)
        return effective, Answer(bpm, structure, key)

    def accepted_answer(self, state: TrackState, correction: Correction) -> Answer:
        """The answer that the user accepts; as last written if it needs features that were
        deleted."""
        try:
            return self.answer(state, correction)[1]
        except InvalidCorrection:
            return Answer(state.bpm, state.structure, state.key)

    def is_current(self, state: TrackState, correction: Correction) -> bool:
        """Whether the records of a state were made with this correction."""
        if state.made_with == b"":
            return correction.is_empty
        return state.made_with == slice_bytes(state.ticket.track, correction)

    def edit(self, track: str, steps: Sequence[Mapping[str, Any]]) -> Correction:
        """Make edits (apply_corrections/edits.py) as one undo step; returns the new correction.

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
        """Replace the correction of a track. Raises what edit raises."""
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
        """Replace a track's correction, which was saved under `name`; it can be undone.

        between: corrections between the old and the new one, each of them an undo step.
        """
        correction = replace(correction, fingerprint=state.fingerprint or correction.fingerprint)
        if replace(before, fingerprint=correction.fingerprint) == correction:
            return correction
        undo, _ = self.steps(state.ticket.track, state.fingerprint)
        self._save_steps(state, [*undo, before, *between], [])
        self._save(corrections, state, name, correction)
        return correction

    def _save(
        self, corrections: Document, state: TrackState, name: str | None, correction: Correction
    ) -> None:
        """Save the correction of a track, saved under `name` before; no other correction is lost.

        Other tracks that share the correction, because they are the same recording, get their own
        copy. The correction of a recording that had the track's path before gets another name.
        """
        path = state.ticket.path
        if name is not None and name != path:
            for other, fingerprint in self.tracks_sharing(corrections, name, path):
                corrections.put(other, replace(corrections.tracks[name], fingerprint=fingerprint))
        earlier = corrections.tracks.get(path)
        if earlier is not None and name != path:
            corrections.put(self._free_name(corrections, path), earlier, path)
        corrections.put(path, correction, name)
        if correction.is_empty and corrections.find(
            path, state.fingerprint, partial(recording_is_gone, self.results)
        ):
            corrections.tracks[path] = Correction(fingerprint=state.fingerprint)

    def tracks_sharing(self, corrections: Document, name: str, path: str) -> list[tuple[str, str]]:
        """The path and fingerprint of each other track that uses the correction under a name."""
        found = []
        with suppress(OSError):
            for ticket in sorted(os.listdir(self.results.ticket("x").parent)):
                track = ticket.removesuffix(".json")
                fingerprint = read_fingerprint(self.results.record("bpm", track))
                if not fingerprints.same(corrections.tracks[name].fingerprint, fingerprint):
                    continue
                with suppress(RecordError):
                    other = read_ticket(self.results.ticket(track)).path
                    is_gone = partial(recording_is_gone, self.results)
                    if not fingerprint or other == path:
                        continue
                    if corrections.find(other, fingerprint, is_gone) == name:
                        found.append((other, fingerprint))
        return found

    def _free_name(self, corrections: Document, path: str) -> str:
        """A path without a file and without corrections."""
        names = (f"{path} (earlier recording{number})" for number in ("", *range(2, MAX_STEPS)))
        return next(
            name for name in names
            if name not in corrections.tracks and not self.results.ticket(track_id(name)).exists()
        )  # fmt: skip

    def undo(self, track: str, again: bool = False) -> Correction:
        """Undo the last step, or with `again` redo it. Raises NothingToUndo, OSError."""
        state = self.read_state(track)
        with document.changing(self.file) as corrections:
            name, now = self.correction_of(state, corrections)
            undo, redo = self.steps(track, state.fingerprint)
            source, target = (redo, undo) if again else (undo, redo)
            plain = replace(now, fingerprint=None)
            while source and replace(source[-1], fingerprint=None) == plain:
                source.pop()  # the correction of this step was never saved
            if not source:
                what = "redo" if again else "undo"
                raise NothingToUndo(f"{state.ticket.path}: there is nothing to {what}")
            correction = replace(source[-1], fingerprint=state.fingerprint)
            target.append(now)
            self._save_steps(state, undo, redo)  # with both, until the correction is saved
            self._save(corrections, state, name, correction)
        source.pop()
        self._save_steps(state, undo, redo)
        return correction

    def steps(
        self, track: str, fingerprint: str | None = None
    ) -> tuple[list[Correction], list[Correction]]:
        """The earlier corrections for undo, and those for redo; the most recent one is last.

        fingerprint: of the track's recording; steps of another recording are ignored.
        """
        path = self._undo_path(track)
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, InvalidCorrection):
            values = json.loads(read_regular(path, MAX_BYTES))
            is_own = values["schema"] == UNDO_SCHEMA and values["file"] == str(self.file)
            if is_own and fingerprints.same(values.get("fingerprint"), fingerprint) is not False:
                found = [
                    [from_json(item, str(path)) for item in values[name]]
                    for name in ("undo", "redo")
                ]
                return found[0], found[1]
        return [], []

    def _save_steps(
        self, state: TrackState, undo: Iterable[Correction], redo: Iterable[Correction]
    ) -> None:
        values = {"schema": UNDO_SCHEMA, "schema_version": SCHEMA_VERSION, "file": str(self.file)}
        if state.fingerprint is not None:
            values["fingerprint"] = state.fingerprint
        steps = {"undo": [*undo][-MAX_STEPS:], "redo": [*redo][-MAX_STEPS:]}
        plain = {name: [to_json(item) for item in items] for name, items in steps.items()}
        path = self._undo_path(state.ticket.track)
        write_atomically(path, json_lines({**values, **plain}))
        sync_folder(path.parent)

    def _undo_path(self, track: str) -> Path:
        return self.results.corrections / "undo" / f"{track}.json"

    def update_records(self, track: str) -> None:
        """Update the records of a track to its current correction, as a run would.

        If its features were deleted, the old records stay, and the next run makes new ones.
        Raises RecordError, InvalidCorrection, OSError.
        """
        state = self.read_state(track)
        folder = self.results.corrections
        while True:
            correction = self.correction_of(state)[1]
            write_owned(slice_path(folder, track), slice_bytes(track, correction))
            features = self.features(track)
            bpm = make_bpm_record(state.ticket, features, self.options("bpm"), correction)
            records = self._records(state, features, as_written(bpm), correction)
            for kind, record in records:
                write_record(self.results.record(kind, track), record)
            if self.correction_of(state)[1] == correction:
                return

    def _records(
        self, state: TrackState, features: Features, bpm: BpmRecord, correction: Correction
    ) -> list[tuple[str, Any]]:
        """The records of a track, of the kinds that the results have."""
        records: list[tuple[str, Any]] = [("bpm", bpm)]
        if "structure" in self.results.kinds():
            options = self.options("structure")
            record = make_structure_record(state.ticket, features, bpm, options, correction)
            records.append(("structure", record))
        if "key" in self.results.kinds():
            options = self.options("key")
            key = make_key_record(state.ticket, features, options, correction)
            records.append(("key", key))
        return records
