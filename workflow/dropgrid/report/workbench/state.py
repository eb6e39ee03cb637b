"""The library as the workbench sees it: a row a track, edits, and the jobs that renew records.

Whatever changes records or the user's file (this page, another, a run of the workflow, an editor)
is noticed by the times of the files, and the rows that it is about are made anew.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...base.errors import DropgridError, RecordError
from ...base.text import fault
from ...correcting.page_edits import apply_page_edits
from ...correcting.session import CorrectionSession, TrackState
from ...corrections import document
from ...corrections.document import Document
from ...corrections.model import Correction, InvalidCorrection, to_json
from ...corrections.section_corrections import confirmed_answer, is_confirmed
from ...corrections.section_edits import Answer
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

POLL = 0.5  # s between two looks at the files, at least
WAIT = 20.0  # s that a page waits for changes
TOGETHER = 0.4  # s of reading after which the rows that were read are sent
COLUMNS = 400  # of the waveform that a row's miniature is made of


class NoSuchTrack(DropgridError):
    """The library has no such track."""


class Changed(DropgridError):
    """The track was changed since it was looked at."""


class Bench:
    """Rows and edits of a library. session: its results and corrections; library: where the audio
    lies now, if not where the tickets say."""

    def __init__(self, session: CorrectionSession, library: Path | None = None) -> None:
        self.session, self.library = session, library
        self.tracks: list[str] = [*read_scan(session.results.folder)["tracks"]]
        self.revision = 0
        self._known = set(self.tracks)
        self._rows: dict[str, tuple[int, Row]] = {}
        self._unread = len(self.tracks)
        self._behind: set[str] = set()  # whose records lack the corrections
        self._jobs: dict[str, str | None] = {}  # None: running; a text: why it failed
        self._duplicates_read: tuple[int, dict[str, list[str]]] = (0, {})
        self._file_tags: dict[str, tuple[tuple[int, int], Row]] = {}
        self._tempos: tuple[int, dict[str, float]] = (0, {})
        self._lock = threading.RLock()  # of all that is above and below
        self._news = threading.Condition(self._lock)
        self._seen: dict[str, tuple[int, ...]] = {}
        self._corrections: tuple[tuple[int, ...], Document] = ((), Document())
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._work, self._follow)
        ]

    def start(self) -> None:
        """Begin to read the library, and then to follow what changes.

        A row that was not read yet is empty: a page of thousands of tracks is there at once.
        """
        # Here, and not by several threads at once, of which one might meet half a module.
        preload.prepare(ANALYSES)
        self._seen = self._ages()
        for track in self.tracks:
            self._rows[track] = (0, encode.row(TrackView(track, track), Path("/")))
        for thread in self._threads:
            thread.start()

    def _follow(self) -> None:
        self._read()
        self._watch()

    def _read(self) -> None:
        """Make the row of every track, and tell of some at a time."""
        read: dict[str, Row] = {}
        told = time.monotonic()
        for track in self.tracks:
            read[track] = self._row_or_why(track)
            if self._closed.is_set():
                return
            if time.monotonic() - told > TOGETHER:
                self._tell(read)
                read, told = {}, time.monotonic()
        self._tell(read)
        # An end in the midst of saving leaves a statement that the records do not have.
        for track in sorted(self._behind):
            self._renew_if_stale(track)

    def _tell(self, read: Mapping[str, Row]) -> None:
        """Put rows in the place of those that are empty still."""
        with self._news:
            self.revision += 1
            self._unread -= len(read)
            for track, row in read.items():
                if self._rows[track][0] == 0:  # nobody made it meanwhile
                    self._rows[track] = (self.revision, row)
            self._news.notify_all()

    @property
    def unread(self) -> int:
        """How many tracks' records have not been looked at yet."""
        return self._unread

    def dismiss(self) -> None:
        """Let nobody wait for changes any more, and follow none."""
        self._closed.set()
        with self._news:
            self._news.notify_all()

    def close(self) -> None:
        """Finish the job at hand and stop following."""
        self.dismiss()
        self._queue.put(None)
        self._threads[0].join(timeout=10)

    def rows(self, since: int = -1) -> tuple[int, list[Row]]:
        """The revision, and the rows that are younger than another one."""
        with self._lock:
            rows = [row for track in self.tracks
                    for age, row in [self._rows[track]] if age > since]  # fmt: skip
            return self.revision, rows

    def changes(self, since: int) -> tuple[int, list[Row]]:
        """The same, waiting until there is one, but no longer than WAIT."""
        with self._news:
            self._news.wait_for(lambda: self.revision > since or self._closed.is_set(), WAIT)
            return self.rows(since)

    def read_state(self, track: str) -> TrackState:
        """What is written of a track. Raises NoSuchTrack."""
        if not is_track_id(track) or track not in self._known:
            raise NoSuchTrack("there is no such track")
        try:
            return self.session.read_state(track)
        except RecordError as error:
            raise NoSuchTrack(str(error)) from error

    def audio(self, track: str) -> str:
        """Where the file of a track lies. Raises NoSuchTrack."""
        return self._audio(self.read_state(track))

    def track(self, track: str) -> dict[str, Any]:
        """All that the page shows of an opened track. Raises NoSuchTrack."""
        with self._lock:  # no edit comes between what is read and the revision it is sent with
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
        """Make edits as one step; the track as it then is.

        Raises what CorrectionSession.edit does, and Changed.
        """
        self.read_state(track)
        with self._lock:
            if revision is not None and self._rows[track][0] > revision:
                raise Changed("the track was changed meanwhile")
            self.session.edit(track, steps)
            self._renew(track)
        return self.track(track)

    def undo(self, track: str, again: bool = False) -> dict[str, Any]:
        """Take back a step, or take it again. Raises NothingToUndo."""
        self.read_state(track)
        with self._lock:
            self.session.undo(track, again)
            self._renew(track)
        return self.track(track)

    def keep_list(self, kept: SavedList, instead_of: str | None) -> list[SavedList]:
        """Keep a list of tracks; all lists then. Raises ConfigError, RecordError, OSError."""
        with self._lock:
            return keep_list(self.session.results.folder, kept, instead_of)

    def delete_list(self, name: str) -> list[SavedList]:
        """Delete a list of tracks; those that are left. Raises RecordError, OSError."""
        with self._lock:
            return delete_list(self.session.results.folder, name)

    def _renew(self, track: str) -> None:
        """Have the records of a track made anew, and say so."""
        self._jobs[track] = None
        self._queue.put(track)
        self._note(track)

    def _note(self, *tracks: str) -> None:
        """Make rows anew, and tell those who wait for changes."""
        for track in tracks:
            with self._lock:  # no edit comes between what is read and what is sent
                row = self._row_or_why(track)
                self.revision += 1
                self._rows[track] = (self.revision, row)
        with self._news:
            self._news.notify_all()

    def _work(self) -> None:
        """Renew the records of one track after the other, until closed."""
        while (track := self._queue.get()) is not None:
            failed = None
            try:
                self.session.update_records(track)
            except DropgridError as error:
                failed = str(error)
            except OSError as error:
                failed = fault(error)
            except Exception as error:  # a bug must not end the thread that all edits need
                failed = f"{type(error).__name__}: {error}"
            with self._lock:
                if failed is None:
                    self._jobs.pop(track, None)
                else:
                    self._jobs[track] = failed
            self._note(track)

    def _watch(self) -> None:
        """Follow what others change, until closed."""
        pause = POLL
        while not self._closed.wait(pause):
            began = time.monotonic()
            with suppress(OSError, DropgridError):
                self._look()
            pause = max(POLL, 20 * (time.monotonic() - began))

    def _look(self) -> None:
        """Report what others changed; update records that lack the corrections."""
        ages = self._ages()
        changed = {track for track in self._known if ages.get(track) != self._seen.get(track)}
        before = self._corrections[1].tracks
        now = self._document().tracks
        if now is not before and any(correction.edits for correction in now.values()):
            apply_page_edits(self.session)  # a page's file was put in place
            now = self._document().tracks
        if now is not before:
            paths = {p for p in now.keys() | before.keys() if now.get(p) != before.get(p)}
            if paths:
                changed |= {t for t in self.tracks if self._rows[t][1]["path"] in paths}
                changed |= {t for t in self._known if paths - self._paths()}
        self._seen = ages
        if changed:
            self._note(*sorted(changed))
        for track in sorted(changed):
            self._renew_if_stale(track)

    def _renew_if_stale(self, track: str) -> None:
        """Update records that lack the corrections."""
        with self._lock, suppress(DropgridError):
            state = self.session.read_state(track)
            correction = self.session.correction_of(state, self._document())[1]
            analysed = state.bpm is not None and state.bpm.status == "ok"
            if analysed and track not in self._jobs and not self._is_current(state, correction):
                self._renew(track)

    def _is_current(self, state: TrackState, correction: Correction) -> bool:
        """Whether the records of a track have its corrections, and none that were removed."""
        records = (state.bpm, state.structure, state.key)
        mended = any(record and record.computed for record in records)
        return self.session.is_current(state, correction) and not (mended and correction.is_empty)

    def _paths(self) -> set[str]:
        return {row["path"] for _, row in self._rows.values()}

    def _ages(self) -> dict[str, tuple[int, ...]]:
        """When the records of each track were written."""
        found: dict[str, tuple[int, ...]] = {}
        for kind in ANALYSES:
            with suppress(OSError), os.scandir(self.session.results.folder / kind) as listing:
                for entry in listing:
                    if entry.name.endswith(".json"):
                        age = entry.stat().st_mtime_ns
                        found[entry.name[:-5]] = (*found.get(entry.name[:-5], ()), age)
        return found

    def _document(self) -> Document:
        """The user's file as it now is; what it last was, while it cannot be read."""
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

    def _row_or_why(self, track: str) -> Row:
        """The row of a track, or one that says why there is none: it must not keep others from
        being read or shown."""
        try:
            row = self._row(track)
            json.dumps(row, allow_nan=False)
        except Exception as error:
            return row_of_fault(track, error)
        return row

    def _row(
        self, track: str, state: TrackState | None = None, answer: Answer | None = None
    ) -> Row:
        """The row of a track, as on the page, and its state."""
        try:
            state = state or self.session.read_state(
                track, with_fingerprint=bool(self._document().tracks)
            )
        except RecordError as error:
            return row_of_fault(track, error)
        bpm, structure, key = state.bpm, state.structure, state.key
        correction = self.session.correction_of(state, self._document())[1]
        current = self._is_current(state, correction)
        (self._behind.discard if current else self._behind.add)(track)
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
        """The paths of each track's duplicates, read again when they were looked for again."""
        with self._lock:
            age = 0
            with suppress(OSError):
                age = self.session.results.duplicates.stat().st_mtime_ns
            if age != self._duplicates_read[0]:
                self._duplicates_read = (age, read_duplicates(self.session.results.folder))
            return self._duplicates_read[1]

    def _tags_of_file(self, track: str, audio: str) -> Row:
        """What a file says that no record holds, read again when it has changed."""
        with suppress(DropgridError, OSError):
            status = os.stat(audio)
            age = (status.st_mtime_ns, status.st_size)
            if self._file_tags.get(track, (None, {}))[0] != age:
                self._file_tags[track] = (age, file_tags(playable(audio)))
            return self._file_tags[track][1]
        return {}

    def _reference(self, track: str) -> Reference | None:
        """The tempo that the last evaluation knew of a track."""
        with self._lock:
            age = 0
            with suppress(OSError):
                age = (self.session.results.evaluation / "bpm.csv").stat().st_mtime_ns
            if age != self._tempos[0]:
                self._tempos = (age, reference_tempos(self.session.results.folder))
            return known_tempo(track, self._tempos[1].get(track))

    def _audio(self, state: TrackState) -> str:
        """Where the file of a track lies."""
        if self.library is not None:
            return os.path.join(self.library.absolute(), state.ticket.path)
        return state.ticket.file
