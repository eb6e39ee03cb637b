"""The steps of the simulated world, which Hypothesis runs in any order."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pages
from dropgrid.base.errors import DropgridError
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from others import PROGRAMS
from stub_analysis import RECORDINGS, RIPS, stubbed
from world import Song, World

PLACES = ("a", "b", "c", "d", "sub/a", "sub/e")
MOST = 5  # songs
STEPS: tuple[dict[str, Any], ...] = (
    {"op": "half"}, {"op": "double"}, {"op": "shift", "beats": 0.5}, {"op": "one", "beats": 1},
    {"op": "nudge", "ms": -8}, {"op": "key", "key": "Am"}, {"op": "split", "at": 70},
    {"op": "label", "at": 40, "label": "breakdown"}, {"op": "confirm"}, {"op": "reset"},
    {"op": "bpm", "bpm": 100.0}, {"op": "note", "note": "by ear"},
)  # fmt: skip
WHICH = st.integers(0, MOST - 1)
PLACE = st.sampled_from(PLACES)


class FolderWorld(RuleBasedStateMachine):
    """page: writes the file that a page without a server downloads when a track is confirmed."""

    page: Callable[[World, Song], None] = staticmethod(pages.confirm)
    fresh = True  # whether each run is compared with a run in an empty folder

    def __init__(self) -> None:
        super().__init__()
        self.top = Path(tempfile.mkdtemp(prefix="world-"))
        self.stub = stubbed()
        self.stub.__enter__()
        self.world = World(self.top / "world")

    def teardown(self) -> None:
        self.stub.__exit__(None, None, None)
        shutil.rmtree(self.top)

    @initialize(recording=st.integers(0, RECORDINGS - 1), rip=st.integers(0, len(RIPS) - 1))
    def begins(self, recording: int, rip: int) -> None:
        song = self.world.add("a", recording, rip)
        self.world.copy(song, "b")
        self.world.add("c", (recording + 1) % RECORDINGS, rip)
        self.world.run()

    def song(self, which: int) -> Song:
        return self.world.songs[which % len(self.world.songs)]

    def free(self, place: str, suffix: str) -> bool:
        """Whether a path has neither a file nor a correction."""
        from dropgrid.apply_corrections import document

        path = place + suffix
        corrected = document.read(self.world.link).tracks
        return path not in corrected and all(song.path != path for song in self.world.songs)

    def is_settled(self, song: Song) -> bool:
        """Whether no other song of this recording was removed together with its correction."""
        moved = [s for path, s in self.world.seen.items() if s.path != path]
        gone = [recording for recording, _ in self.world.lost]
        return song.recording not in [*gone, *(s.recording for s in moved)]

    # Files

    @rule(place=PLACE, recording=st.integers(0, RECORDINGS - 1), rip=st.integers(0, 2))
    def add(self, place: str, recording: int, rip: int) -> None:
        if len(self.world.songs) < MOST and self.free(place, RIPS[rip][0]):
            self.world.add(place, recording, rip)

    @rule(which=WHICH, place=PLACE)
    def copy(self, which: int, place: str) -> None:
        song = self.song(which)
        if len(self.world.songs) < MOST and song.whole and self.free(place, _suffix(song)):
            self.world.copy(song, place)

    @rule(which=WHICH, place=PLACE)
    def rename(self, which: int, place: str) -> None:
        song = self.song(which)
        if self.free(place, _suffix(song)) and self.is_settled(song):
            self.world.rename(song, place)

    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        song = self.song(which)
        if len(self.world.songs) > 2 and self.is_settled(song):
            self.world.delete(song)

    @rule(which=WHICH, title=st.sampled_from(["One", "Another", "A longer title " * 20]))
    def retag(self, which: int, title: str) -> None:
        if self.song(which).whole:
            self.world.retag(self.song(which), title)

    @rule(which=WHICH)
    def better_rip(self, which: int) -> None:
        """The same recording from another source, under the name of the old file."""
        song = self.song(which)
        if song.rip != 0 and song.path.endswith(".flac"):
            return
        self.world.happens()
        from stub_analysis import write_audio

        if song.rip == 0:
            write_audio(self.world.file(song), song.recording, 0)
            song.title, song.tagged, song.whole = "", None, True

    @rule(which=WHICH)
    def truncate(self, which: int) -> None:
        song = self.song(which)
        if song.whole and sum(s.whole for s in self.world.songs) > 2:
            self.world.truncate(song)

    @rule()
    def unmount(self) -> None:
        """A run without the disk changes nothing; then the disk is there again."""
        away = self.world.music.rename(self.top / "away")
        self.world.music.mkdir()
        try:
            self.world.run()
            raise AssertionError("an empty library was taken as it is")
        except DropgridError:
            pass
        finally:
            self.world.music.rmdir()
            away.rename(self.world.music)

    # The user

    @rule(which=WHICH, step=st.sampled_from(STEPS))
    def correct(self, which: int, step: dict[str, Any]) -> None:
        found = self.world.analysed()
        if found:
            self.world.correct(found[which % len(found)], step)

    @rule(which=WHICH, step=st.sampled_from(STEPS), at=st.integers(0, 8))
    def killed_correct(self, which: int, step: dict[str, Any], at: int) -> None:
        found = self.world.analysed()
        if found:
            self.world.killed_correct(found[which % len(found)], step, at)

    @rule(
        which=st.sets(WHICH, min_size=1), program=st.sampled_from(sorted(PROGRAMS)),
        bpm=st.sampled_from([90.0, 121.0, 124.0]),
    )  # fmt: skip
    def import_grids(self, which: set[int], program: str, bpm: float) -> None:
        """Import the grids of another program for some of the songs."""
        found = self.world.analysed()
        songs = {found[number % len(found)].path: found[number % len(found)] for number in which
                 if found}  # fmt: skip
        self.world.import_grids([*songs.values()], program, bpm)

    @rule(which=WHICH)
    def undo(self, which: int) -> None:
        found = self.world.analysed()
        if found:
            self.world.undo(found[which % len(found)])

    @rule(which=WHICH)
    def confirm_on_a_page(self, which: int) -> None:
        found = [song for song in self.world.songs if song.whole]
        self.world.confirm_on_a_page(found[which % len(found)], type(self).page)

    # dropgrid

    @rule()
    def run(self) -> None:
        self.world.run()
        if self.fresh:
            self.world.records_are_those_of_a_fresh_run()

    @rule()
    def dry_run(self) -> None:
        self.world.dry_run()

    @rule(which=WHICH, step=st.sampled_from(STEPS))
    def two_actors(self, which: int, step: dict[str, Any]) -> None:
        """A user corrects a track during a run."""
        found = self.world.analysed()
        waiting = [found[which % len(found)]] if found else []

        def between() -> None:
            if waiting and waiting[0] in self.world.analysed():
                self.world.correct(waiting.pop(), step)

        self.world.run(between)
        self.world.run()

    @rule(at=st.integers(0, 12))
    def killed_run(self, at: int) -> None:
        self.world.killed_run(at)

    @rule()
    def prune(self) -> None:
        self.world.prune()

    @rule()
    def write_tags(self) -> None:
        self.world.write_tags()

    @precondition(lambda self: self.world.clean)
    @rule(which=WHICH, after=st.sampled_from([0, 100, 5000]))
    def killed_in_place(self, which: int, after: int) -> None:
        """Writing into a file with two names stops in the middle; the next command finishes it."""
        song = self.song(which)
        if not song.whole:
            return
        other = self.top / f"other-{self.world.count}{_suffix(song)}"
        self.world.count += 1
        other.hardlink_to(self.world.file(song))
        self.world.killed_write(after)
        self.world.write_tags()
        other.unlink()

    @rule(which=WHICH)
    def stray_copy(self, which: int) -> None:
        """A file that has the name of an unfinished copy of dropgrid, but is not one."""
        song = self.song(which)
        path = self.world.file(song)
        stray = path.with_name(f".{path.name}.999999999.dropgrid-whole")
        if not stray.exists():
            stray.write_bytes(b"evil")
            self.world.write_tags()
            self.world.no_file_changed()
            stray.unlink(missing_ok=True)

    @rule()
    def restore_tags(self) -> None:
        self.world.restore_tags()

    @invariant()
    def all_holds(self) -> None:
        self.world.check()


def _suffix(song: Song) -> str:
    return Path(song.path).suffix
