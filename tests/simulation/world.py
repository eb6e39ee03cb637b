"""A folder of music, its results and its user, and what must be true of them in every situation.

The world knows what the user did to each file: the recording, the title and the corrections. After
each step `check` compares this with the disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import mutagen
from adapter import begin, bring_up_to_date, look
from dropgrid.apply_corrections import document
from dropgrid.apply_corrections.edits import GRID, edit
from dropgrid.apply_corrections.model import (
    NOTHING,
    Correction,
    InvalidCorrection,
    from_json,
    to_json,
)
from dropgrid.audio.digests import audio_digest
from dropgrid.base.errors import DropgridError
from dropgrid.commands.main import main
from dropgrid.correcting.session import CorrectionSession
from dropgrid.library import track_id
from dropgrid.records.model import ANALYSES
from dropgrid.results.layout import Results
from dropgrid.settings.config import load_config
from dropgrid.tagging import in_place
from killed import die, in_a_child, killed_at
from mutagen.id3 import ID3, TIT2
from others import PROGRAMS
from stub_analysis import KNOWN, RIPS, write_audio

TICK = 0.005  # s: file systems date files no finer


@dataclasses.dataclass(eq=False)
class Song:
    """A file of the user: its path, its recording and its correction."""

    path: str
    recording: int
    rip: int
    title: str = ""
    correction: Correction | None = None
    tagged: str | None = None  # its path when dropgrid wrote tags into it
    whole: bool = True


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def plain(correction: Correction | None) -> Correction:
    """A correction rounded as in the file, without its fingerprint."""
    return from_json(to_json(dataclasses.replace(correction or NOTHING, fingerprint=None)), "")


class World:
    """Songs in music/, a results folder, and a corrections file that is a link."""

    def __init__(self, top: Path) -> None:
        self.top, self.music, self.results = top, top / "music", top / "results"
        self.music.mkdir(parents=True)
        begin(self.results)
        self.kept = top / "kept" / "mine.json"
        self.kept.parent.mkdir()
        self.kept.write_bytes(document.to_bytes(document.Document()))
        self.kept.chmod(0o600)
        self.link = top / "corrections.json"
        self.link.symlink_to(self.kept)
        self.config = load_config() | {
            "library": str(self.music), "corrections": str(self.link),
        }  # fmt: skip
        self.songs: list[Song] = []
        self.seen: dict[str, Song] = {}  # by path, at the last run
        self.lost: list[tuple[int, Correction]] = []  # corrections of songs that were deleted
        self.clean = False  # whether nothing happened since the last run
        self.count = 0

    # State

    def session(self) -> CorrectionSession:
        return CorrectionSession(Results(self.results), self.link)

    def file(self, song: Song) -> Path:
        return self.music / song.path

    def applied(self, path: str) -> Correction | None:
        """The correction of a track that all commands apply; None without a record."""
        try:
            state = self.session().read_state(track_id(path))
        except DropgridError:
            return None
        return plain(self.session().correction_of(state)[1])

    def analysed(self) -> list[Song]:
        """The songs that can be corrected: analysed, and where the last run found them."""
        return [s for p, s in self.seen.items() if s.path == p and s in self.songs and s.whole]

    # Changes of files

    def happens(self) -> None:
        self.clean = False
        time.sleep(TICK)

    def add(self, path: str, recording: int, rip: int) -> Song:
        self.happens()
        song = Song(path + RIPS[rip][0], recording, rip)
        write_audio(self.file(song), recording, rip)
        self.songs.append(song)
        return song

    def copy(self, song: Song, path: str) -> None:
        self.happens()
        made = dataclasses.replace(song, path=path + Path(song.path).suffix, correction=None)
        self.file(made).parent.mkdir(exist_ok=True)
        shutil.copy(self.file(song), self.file(made))
        if song.tagged:  # the copy has dropgrid's tags, but no backup
            made.tagged = "elsewhere"
        self.songs.append(made)

    def rename(self, song: Song, path: str) -> None:
        self.happens()
        before = self.file(song)
        song.path = path + Path(song.path).suffix
        self.file(song).parent.mkdir(exist_ok=True)
        os.replace(before, self.file(song))
        if song.tagged:
            song.tagged = "elsewhere"

    def delete(self, song: Song) -> None:
        self.happens()
        self.file(song).unlink()
        self.songs.remove(song)
        if song.correction is not None:
            self.lost.append((song.recording, song.correction))

    def retag(self, song: Song, title: str) -> None:
        self.happens()
        file = mutagen.File(self.file(song))
        if file.tags is None:
            file.add_tags()
        if isinstance(file.tags, ID3):
            file.tags.setall("TIT2", [TIT2(encoding=3, text=[title])])
        else:
            file.tags["TITLE"] = [title]
        file.save()
        song.title = title

    def truncate(self, song: Song) -> None:
        self.happens()
        size = self.file(song).stat().st_size
        os.truncate(self.file(song), size // 2)
        song.whole = False

    # The user

    def correct(self, song: Song, step: dict[str, Any]) -> None:
        """Make an edit, which may change no other track."""
        self.happens()
        before = {s.path: self.applied(s.path) for s in self.analysed()}
        with contextlib.suppress(InvalidCorrection):  # then there is no correction
            self._now(song, self.session().edit(track_id(song.path), [step]))
        after = {s.path: self.applied(s.path) for s in self.analysed()}
        del before[song.path], after[song.path]
        assert after == before, f"correcting {song.path} changed the correction of another"

    def killed_correct(self, song: Song, step: dict[str, Any], at: int) -> None:
        """The process that makes an edit is killed before a rename or while it saves."""
        self.happens()
        track, before = track_id(song.path), self.applied(song.path)
        others = {s.path: self.applied(s.path) for s in self.analysed() if s is not song}
        state = self.session().read_state(track)
        try:
            correction = edit(
                *self.session().answer(state, self.session().correction_of(state)[1]), step
            )
        except InvalidCorrection:
            return
        ended = killed_at(at, lambda: self.session().edit(track, [step]), "fsync", "replace")
        now = self.applied(song.path)
        assert now == plain(correction) or (now == before and not ended), (
            f"{song.path}: half saved"
        )
        assert others == {path: self.applied(path) for path in others}
        if now != before:
            self._now(song, now)

    def import_grids(self, songs: list[Song], program: str, bpm: float) -> None:
        """`correct --from` a file of another program, in which these songs have a grid."""
        self.happens()
        source = self.top / program
        source.write_text(PROGRAMS[program]([self.file(song) for song in songs], bpm))
        before = {s.path: self.applied(s.path) or NOTHING for s in self.analysed()}
        kept = self.kept.read_bytes()
        words = ["correct", "--results", str(self.results), "--corrections", str(self.link)]
        with self.silent():
            assert main([*words, "--from", str(source), "--dry-run"]) == 0
            assert self.kept.read_bytes() == kept, "a dry run changed the file"
            assert main([*words, "--from", str(source)]) == 0
        source.unlink()
        for song in self.analysed():
            was, now = before[song.path], self.applied(song.path) or NOTHING
            if song not in songs or was.corrects_grid:
                assert now == was, f"{song.path}: an import changed its correction"
            elif now != was:
                assert now.bpm == bpm, f"{song.path}: imported {now}"
                others = {**GRID, "confirmed": None}
                assert dataclasses.replace(now, **others) == dataclasses.replace(was, **others), (
                    f"{song.path}: an import changed its correction"
                )
                self._now(song, now)

    def undo(self, song: Song) -> None:
        """Undo and redo restore the earlier corrections."""
        self.happens()
        track, before = track_id(song.path), self.applied(song.path)
        undo, _ = self.session().steps(track, self.session().read_state(track).fingerprint)
        if not [step for step in undo if plain(step) != before]:
            return
        assert plain(self.session().undo(track)) != before
        assert plain(self.session().undo(track, again=True)) == before
        self._now(song, self.session().correction_of(self.session().read_state(track))[1])

    def _now(self, song: Song, correction: Correction) -> None:
        """Note the correction of a song; it may come from a deleted copy."""
        song.correction = None if plain(correction).is_empty else plain(correction)
        there = [plain(correction) for correction in document.read(self.link).tracks.values()]
        self.lost = [
            (recording, correction)
            for recording, correction in self.lost
            if recording != song.recording or correction in there
        ]

    def confirm_on_a_page(self, song: Song, page: Callable[[World, Song], None]) -> None:
        """Confirm on a page, download, put the file in place, run: the answer does not change."""
        self.run()
        before = self.answer(song)
        self.happens()
        page(self, song)
        self.run()
        assert self.answer(song) == before, f"confirming {song.path} changed its answer"
        state = self.session().read_state(track_id(song.path))
        correction = self.session().correction_of(state)[1]
        assert correction.confirmed is not None
        self._now(song, correction)

    def answer(self, song: Song) -> list[Any]:
        kinds = {
            "bpm": ("beats", "downbeats"),
            "structure": ("sections", "drops"),
            "key": ("key",),
        }
        found = []
        for kind, names in kinds.items():
            path = Results(self.results).record(kind, track_id(song.path))
            values = json.loads(path.read_bytes())
            found += [values[name] for name in names]
        return found

    # dropgrid

    def run(self, between: Callable[[], None] = lambda: None) -> None:
        time.sleep(TICK)
        with self.silent():
            bring_up_to_date(self.config, self.results, between)
            for _ in range(3):  # a run may find out about a recording what another track needs
                time.sleep(TICK)
                if not bring_up_to_date(self.config, self.results):
                    break
            else:
                raise AssertionError("runs do not come to an end")
        self.seen = {song.path: song for song in self.songs}
        self.clean = True

    def killed_run(self, at: int) -> None:
        """A run that is killed before its rename number `at`."""
        self.happens()
        with self.silent():
            killed_at(at, lambda: bring_up_to_date(self.config, self.results), "replace")

    def dry_run(self) -> None:
        """A dry run changes nothing."""
        before = self.contents()
        with self.silent():
            look(self.config, self.results)
        after = self.contents()
        changed = {str(path) for path, _ in dict(before.items() ^ after.items()).items()}
        assert not changed, f"a dry run changed {sorted(changed)}"

    def contents(self) -> dict[Path, tuple[int, bytes]]:
        """The modification time and the bytes of every file of the user and of dropgrid."""
        files = [path for path in self.top.rglob("*") if path.is_file()]
        return {path: (path.lstat().st_mtime_ns, path.read_bytes()) for path in files}

    def prune(self) -> None:
        self.happens()
        with self.silent():
            main(["prune", "--results", str(self.results)])

    def tag(self, action: str, *more: str) -> int:
        self.happens()
        with self.silent():
            return main(["tag", action, "--results", str(self.results), "--in-place", *more])

    def write_tags(self) -> None:
        self.tag("write")
        for song in self.songs:
            if song.whole and self.is_tagged(song):
                song.tagged = song.tagged or song.path

    def killed_write(self, after: int) -> None:
        """Write tags in a process that ends while it writes into a file in place."""
        copy = shutil.copyfileobj

        def dies(source: Any, target: Any) -> None:
            if target.mode != "rb+":
                return copy(source, target)
            target.write(source.read(after))
            target.flush()
            die()

        with mock.patch.object(in_place.shutil, "copyfileobj", dies):
            in_a_child(lambda: self.tag("write"))

    def restore_tags(self) -> None:
        """Restore tags: dropgrid's tags are gone from every file that was not moved."""
        self.tag("restore")
        for song in self.songs:
            if song.tagged == song.path and song.whole:
                assert not self.is_tagged(song), f"{song.path}: not restored"
                song.tagged = None

    def is_tagged(self, song: Song) -> bool:
        return any("DROPGRID" in str(key).upper() for key in self.tags(song))

    def tags(self, song: Song) -> dict[str, str]:
        try:
            file = mutagen.File(self.file(song))
        except mutagen.MutagenError as error:
            raise AssertionError(f"{song.path}: cannot be read any more: {error}") from error
        keys = [] if file.tags is None else list(file.tags.keys())
        return {key.upper(): _text(file.tags[key]) for key in keys}

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield

    # Checks

    def check(self) -> None:
        self.no_file_changed()
        self.no_correction_is_lost()
        assert self.link.is_symlink(), "the corrections file is not a link any more"
        mode = self.kept.stat().st_mode & 0o777
        assert mode == 0o600, f"the corrections file has the mode {mode:o}"
        if self.clean:
            self.corrections_are_applied()

    def no_file_changed(self) -> None:
        for song in self.songs:
            if song.whole:
                found = KNOWN.get(audio_digest(self.file(song)))
                assert found == (song.recording, song.rip), f"{song.path}: its audio changed"
                assert song.title in ("", self.title(song)), f"{song.path}: its title is lost"

    def title(self, song: Song) -> str:
        tags = self.tags(song)
        return tags.get("TITLE") or tags.get("TIT2") or ""

    def no_correction_is_lost(self) -> None:
        there = [plain(correction) for correction in document.read(self.link).tracks.values()]
        expected = [song.correction for song in self.songs if song.correction is not None]
        for correction in [*expected, *(correction for _, correction in self.lost)]:
            assert correction in there, f"lost: {correction}"

    def corrections_are_applied(self) -> None:
        for path, song in self.seen.items():
            if (
                song.correction is not None
                and song.path == path
                and song.whole
                and song in self.songs
            ):
                assert self.applied(path) == song.correction, (
                    f"{path}: not applied: {song.correction}"
                )

    def records_are_those_of_a_fresh_run(self) -> None:
        fresh = self.top / f"fresh-{self.count}"
        self.count += 1
        file = self.top / "fresh.json"
        shutil.copy(self.kept, file)
        begin(fresh)
        config = self.config | {"corrections": str(file)}
        with self.silent():
            while bring_up_to_date(config, fresh):
                time.sleep(TICK)
        for song in self.songs:
            for kind in ANALYSES:
                track = track_id(song.path)
                one, other = (Results(r).record(kind, track) for r in (self.results, fresh))
                assert one.read_bytes() == other.read_bytes(), f"{song.path}: {kind} is stale"
        shutil.rmtree(fresh)
