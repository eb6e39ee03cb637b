"""The library in the workbench: a row for each track, edits, and the jobs that update records.

The workbench notices changes of records and of corrections.json by the modification times of the
files, whoever makes them (this page, another page, a run, an editor), and updates the rows.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...apply_corrections import document
from ...apply_corrections.document import Document
from ...apply_corrections.model import Correction, InvalidCorrection, to_json
from ...apply_corrections.section_corrections import confirmed_answer, is_confirmed
from ...apply_corrections.section_edits import Answer
from ...base.errors import DropgridError, RecordError
from ...base.text import fault
from ...correcting.page_edits import apply_page_edits
from ...correcting.session import CorrectionSession, TrackState
from ...features.waveform import read_loudness
from ...records.model import ANALYSES
from ...records.store import to_json as record_json
from ...records.ticket import is_track_id
from ...references.matching import Reference
from ...results.duplicates_file import read_duplicates
from ...results.saved_lists import SavedList, delete_list, keep_list
from ...results.scan_store import read_scan
from ...results.to_check import reference_tempos
from ...stages import preload
from .. import encode
from ..collect import TrackView, known_tempo
from .audio import playable
from .track_answers import Row, alternatives, file_tags, row_of_fault

POLL = 0.5  # s between two checks of the files, at least
WAIT = 20.0  # s: longest time that a request waits for changes
PUBLISH_INTERVAL = 0.4  # s of reading, after which the rows that were read are published
COLUMNS = 400  # of the waveform from which a row's miniature is made


class NoSuchTrack(DropgridError):
    """The library has no such track."""


class Changed(DropgridError):
    """The track has changed since the page read it."""


class Workbench:
    """Rows and edits of a library.

    session: its results and corrections; library: where the audio is now, if it has moved since
    the scan.
    """

    def __init__(self, session: CorrectionSession, library: Path | None = None) -> None:
        self.session, self.library = session, library
        self.tracks: list[str] = [*read_scan(session.results.folder)["tracks"]]
        self.revision = 0
        self._track_ids = set(self.tracks)
        self._rows: dict[str, tuple[int, Row]] = {}
        self._unread = len(self.tracks)
        self._outdated: set[str] = set()  # tracks whose records lack their corrections
        self._jobs: dict[str, str | None] = {}  # None: running; text: why it failed
        self._updates: Counter[str] = Counter()  # queued or running, of each track
        self._duplicates_read: tuple[int, dict[str, list[str]]] = (0, {})
        self._file_tags: dict[str, tuple[tuple[int, int], Row]] = {}
        self._tempos: tuple[int, dict[str, float]] = (0, {})
        self._lock = threading.RLock()  # for all attributes
        self._changed = threading.Condition(self._lock)
        self._record_times: dict[str, tuple[int, ...]] = {}
        self._corrections: tuple[tuple[int, ...], Document] = ((), Document())
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._work, self._follow)
        ]

    def start(self) -> None:
        """Start reading the library, and then following changes.

        Rows that were not read yet are empty, so that a page of thousands of tracks opens at once.
        """
        # Imported here, because a thread might see a partly imported module.
        preload.prepare(ANALYSES)
        self._record_times = self._read_record_times()
        for track in self.tracks:
            self._rows[track] = (0, encode.row(TrackView(track, track), Path("/")))
        for thread in self._threads:
            thread.start()

    def _follow(self) -> None:
        self._read()
        self._watch()

    def _read(self) -> None:
        """Make the rows of all tracks, and publish them in batches."""
        read: dict[str, Row] = {}
        published = time.monotonic()
        for track in self.tracks:
            read[track] = self._row_or_fault(track)
            if self._closed.is_set():
                return
            if time.monotonic() - published > PUBLISH_INTERVAL:
                self._publish(read)
                read, published = {}, time.monotonic()
        self._publish(read)
        # A crash while saving leaves a correction that the records do not have.
        for track in sorted(self._outdated):
            self._update_if_outdated(track)

    def _publish(self, read: Mapping[str, Row]) -> None:
        """Replace rows that are still empty."""
        with self._changed:
            self.revision += 1
            self._unread -= len(read)
            for track, row in read.items():
                if self._rows[track][0] == 0:  # not made meanwhile
                    self._rows[track] = (self.revision, row)
            self._changed.notify_all()

    @property
    def unread(self) -> int:
        """The number of tracks whose records were not read yet."""
        return self._unread

    def dismiss(self) -> None:
        """Answer all waiting requests, and stop following changes."""
        self._closed.set()
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Finish the current job and stop following changes."""
        self.dismiss()
        self._queue.put(None)
        self._threads[0].join(timeout=10)

    def rows(self, since: int = -1) -> tuple[int, list[Row]]:
        """The current revision, and the rows that changed after revision `since`."""
        with self._lock:
            rows = [row for track in self.tracks
                    for age, row in [self._rows[track]] if age > since]  # fmt: skip
            return self.revision, rows

    def changes(self, since: int) -> tuple[int, list[Row]]:
        """The same, after waiting up to WAIT for a change."""
        with self._changed:
            self._changed.wait_for(lambda: self.revision > since or self._closed.is_set(), WAIT)
            return self.rows(since)

    def read_state(self, track: str) -> TrackState:
        """A track's ticket and records. Raises NoSuchTrack."""
        if not is_track_id(track) or track not in self._track_ids:
            raise NoSuchTrack("there is no such track")
        try:
            return self.session.read_state(track)
        except RecordError as error:
            raise NoSuchTrack(str(error)) from error

    def audio(self, track: str) -> str:
        """The path of a track's file. Raises NoSuchTrack."""
        return self._audio(self.read_state(track))

    def track(self, track: str) -> dict[str, Any]:
        """All data of an opened track. Raises NoSuchTrack."""
        with self._lock:  # so that no edit comes between reading and the revision sent with it
            return self._track(track)

    def _track(self, track: str) -> dict[str, Any]:
        state = self.read_state(track)
        correction = self.session.correction_of(state, self._document())[1]
        answer = Answer(state.bpm, state.structure, state.key)
        if not self.session.is_current(state, correction):
            answer = self.session.accepted_answer(state, correction)
        records = {
            kind: None if record is None else json.loads(record_json(record))
            for kind, record in zip(
                ANALYSES, (answer.bpm, answer.structure, answer.key), strict=True
            )
        }
        return {
            "row": self._row(track, state, answer), "revision": self.revision, **records,
            "correction": None if correction.is_empty else to_json(correction),
            "alternatives": alternatives(answer),
        }  # fmt: skip

    def edit(
        self, track: str, steps: Sequence[Mapping[str, Any]], revision: int | None = None
    ) -> dict[str, Any]:
        """Make edits as one undo step; returns the track after them.

        Raises Changed, and whatever CorrectionSession.edit raises.
        """
        self.read_state(track)
        with self._lock:
            if revision is not None and self._rows[track][0] > revision:
                raise Changed("the track was changed meanwhile")
            self.session.edit(track, steps)
            self._start_update(track)
        return self.track(track)

    def undo(self, track: str, again: bool = False) -> dict[str, Any]:
        """Undo a step, or with `again` redo it. Raises NothingToUndo."""
        self.read_state(track)
        with self._lock:
            self.session.undo(track, again)
            self._start_update(track)
        return self.track(track)

    def keep_list(self, kept: SavedList, instead_of: str | None) -> list[SavedList]:
        """Save a list of tracks; returns all lists. Raises ConfigError, RecordError, OSError."""
        with self._lock:
            return keep_list(self.session.results.folder, kept, instead_of)

    def delete_list(self, name: str) -> list[SavedList]:
        """Delete a list of tracks; returns the others. Raises RecordError, OSError."""
        with self._lock:
            return delete_list(self.session.results.folder, name)

    def _start_update(self, track: str) -> None:
        """Queue an update of a track's records, and show that it is running."""
        self._jobs[track] = None
        self._updates[track] += 1
        self._queue.put(track)
        self._update_rows(track)

    def _update_rows(self, *tracks: str) -> None:
        """Make rows again, and answer the requests that wait for changes."""
        for track in tracks:
            with self._lock:  # so that no edit comes between reading and publishing
                row = self._row_or_fault(track)
                self.revision += 1
                self._rows[track] = (self.revision, row)
        with self._changed:
            self._changed.notify_all()

    def _work(self) -> None:
        """Update the records of one queued track after another, until closed."""
        while (track := self._queue.get()) is not None:
            failed = None
            try:
                self.session.update_records(track)
            except DropgridError as error:
                failed = str(error)
            except OSError as error:
                failed = fault(error)
            except Exception as error:  # a bug must not end the thread that all edits depend on
                failed = f"{type(error).__name__}: {error}"
            with self._lock:
                self._updates[track] -= 1
                if not self._updates[track]:  # else a later edit is still to be done
                    self._jobs.pop(track)
                    if failed is not None:
                        self._jobs[track] = failed
            self._update_rows(track)

    def _watch(self) -> None:
        """Check for changes by others, until closed."""
        pause = POLL
        while not self._closed.wait(pause):
            began = time.monotonic()
            with suppress(OSError, DropgridError):
                self._check_files()
            pause = max(POLL, 20 * (time.monotonic() - began))

    def _check_files(self) -> None:
        """Show what others changed; update records that lack their corrections."""
        times = self._read_record_times()
        changed = {
            track for track in self._track_ids if times.get(track) != self._record_times.get(track)
        }
        before = self._corrections[1].tracks
        now = self._document().tracks
        if now is not before and any(correction.edits for correction in now.values()):
            apply_page_edits(self.session)  # the user has installed a page's file
            now = self._document().tracks
        if now is not before:
            paths = {p for p in now.keys() | before.keys() if now.get(p) != before.get(p)}
            if paths:
                changed |= {t for t in self.tracks if self._rows[t][1]["path"] in paths}
                changed |= {t for t in self._track_ids if paths - self._paths()}
        self._record_times = times
        if changed:
            self._update_rows(*sorted(changed))
        for track in sorted(changed):
            self._update_if_outdated(track)

    def _update_if_outdated(self, track: str) -> None:
        """Update a track's records if they lack its corrections."""
        with self._lock, suppress(DropgridError):
            state = self.session.read_state(track)
            correction = self.session.correction_of(state, self._document())[1]
            analysed = state.bpm is not None and state.bpm.status == "ok"
            if analysed and track not in self._jobs and not self._is_current(state, correction):
                self._start_update(track)

    def _is_current(self, state: TrackState, correction: Correction) -> bool:
        """Whether the records of a track have exactly its current corrections."""
        records = (state.bpm, state.structure, state.key)
        is_corrected = any(record and record.computed for record in records)
        return self.session.is_current(state, correction) and not (
            is_corrected and correction.is_empty
        )

    def _paths(self) -> set[str]:
        return {row["path"] for _, row in self._rows.values()}

    def _read_record_times(self) -> dict[str, tuple[int, ...]]:
        """The modification times of each track's records."""
        found: dict[str, tuple[int, ...]] = {}
        for kind in ANALYSES:
            with suppress(OSError), os.scandir(self.session.results.folder / kind) as listing:
                for entry in listing:
                    if entry.name.endswith(".json"):
                        age = entry.stat().st_mtime_ns
                        found[entry.name[:-5]] = (*found.get(entry.name[:-5], ()), age)
        return found

    def _document(self) -> Document:
        """The current corrections.json; its last version while it cannot be read."""
        with self._lock:
            age: tuple[int, ...] = ()
            with suppress(OSError):
                status = self.session.file.stat()
                age = (status.st_mtime_ns, status.st_size, status.st_ino)
            if age != self._corrections[0] or not age:
                with suppress(InvalidCorrection, OSError):
                    found = document.read(self.session.file) if age else Document()
                    same = found.tracks == self._corrections[1].tracks
                    self._corrections = (age, self._corrections[1] if same else found)
            return self._corrections[1]

    def _row_or_fault(self, track: str) -> Row:
        """The row of a track; if it cannot be made, a row with the reason, so that the others are
        still read and shown."""
        try:
            row = self._row(track)
            json.dumps(row, allow_nan=False)
        except Exception as error:
            return row_of_fault(track, error)
        return row

    def _row(
        self, track: str, state: TrackState | None = None, answer: Answer | None = None
    ) -> Row:
        """The row of a track as the page needs it, with its state."""
        try:
            state = state or self.session.read_state(
                track, with_fingerprint=bool(self._document().tracks)
            )
        except RecordError as error:
            return row_of_fault(track, error)
        bpm, structure, key = state.bpm, state.structure, state.key
        correction = self.session.correction_of(state, self._document())[1]
        current = self._is_current(state, correction)
        (self._outdated.discard if current else self._outdated.add)(track)
        if answer is None and bpm and bpm.status == "ok" and not current:
            with suppress(InvalidCorrection):
                answer = self.session.answer(state, correction)[1]
        if answer is not None:
            bpm, structure, key = answer.bpm, answer.structure, answer.key
        confirmed = correction.confirmed
        now = (
            confirmed_answer(bpm, structure, key)
            if confirmed and bpm and bpm.status == "ok"
            else None
        )
        records = [record for record in (bpm, structure, key) if record is not None]
        view = TrackView(
            track, state.ticket.path,
            bpm=bpm if bpm and bpm.status == "ok" else None,
            structure=structure if structure and structure.status == "ok" else None,
            key=key if key and key.status == "ok" else None,
            failure=next((record.error for record in records if record.error), None),
            waveform=read_loudness(self.session.results.features(track), COLUMNS),
            duplicates=tuple(self._duplicates().get(track, ())),
            confirmed=bool(confirmed and now and is_confirmed(confirmed, now)),
            reference=self._reference(track), added=state.ticket.mtime_ns,
        )  # fmt: skip
        row = encode.row(view, Path("/"))
        audio = self._audio(state)
        if os.path.isfile(audio):
            row |= self._tags_of_file(track, audio)
            row["audio"] = f"api/tracks/{track}/audio"
            with suppress(UnicodeEncodeError):  # bytes that are no text
                audio.encode()
                row["file"] = os.path.abspath(audio)  # for playlists
        undo, redo = self.session.steps(track, state.fingerprint)
        job, failed = "idle", self._jobs.get(track, "")
        if failed != "":
            job = "running" if failed is None else "failed"
        row["state"] = {
            "corrected": list(correction.parts),
            "confirmed": view.confirmed,
            "job": job, "undo": len(undo), "redo": len(redo),
            **({"note": correction.note} if correction.note else {}),
            **({"message": failed} if job == "failed" else {}),
        }  # fmt: skip
        return row

    def _duplicates(self) -> dict[str, list[str]]:
        """The paths of each track's duplicates, read again after each change of duplicates.csv."""
        with self._lock:
            age = 0
            with suppress(OSError):
                age = self.session.results.duplicates.stat().st_mtime_ns
            if age != self._duplicates_read[0]:
                self._duplicates_read = (age, read_duplicates(self.session.results.folder))
            return self._duplicates_read[1]

    def _tags_of_file(self, track: str, audio: str) -> Row:
        """The tags of a file that no record contains, read again when the file has changed."""
        with suppress(DropgridError, OSError):
            status = os.stat(audio)
            age = (status.st_mtime_ns, status.st_size)
            if self._file_tags.get(track, (None, {}))[0] != age:
                self._file_tags[track] = (age, file_tags(playable(audio)))
            return self._file_tags[track][1]
        return {}

    def _reference(self, track: str) -> Reference | None:
        """The reference tempo of a track in the last evaluation."""
        with self._lock:
            age = 0
            with suppress(OSError):
                age = (self.session.results.evaluation / "bpm.csv").stat().st_mtime_ns
            if age != self._tempos[0]:
                self._tempos = (age, reference_tempos(self.session.results.folder))
            return known_tempo(track, self._tempos[1].get(track))

    def _audio(self, state: TrackState) -> str:
        """The path of a track's file."""
        if self.library is not None:
            return os.path.join(self.library.absolute(), state.ticket.path)
        return state.ticket.file
