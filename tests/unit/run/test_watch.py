"""A watch runs when something has changed and settled, tries again what failed, and waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from dropgrid.base.errors import ConfigError
from dropgrid.commands.watch import read_words
from dropgrid.run.watch import LONGEST_COPY, LONGEST_PAUSE, PAUSE, FolderWatcher, Look, Watch, look

PATIENCE = 120  # seconds until the system tells of a change, where the machine is busy


class World:
    """A library in made-up time: what it looks like from a moment on, and what became of runs."""

    def __init__(
        self, states: dict[float, str | None], codes: tuple[int, ...] = (), end: float = 500
    ):
        self.states, self.codes, self.end = states, list(codes), end
        self.time = 0.0
        self.runs: list[tuple[float, str | None]] = []
        self.printed: list[str] = []

    def state(self) -> str | None:
        return [state for since, state in sorted(self.states.items()) if since <= self.time][-1]

    def look(self) -> Look | None:
        state = self.state()
        return None if state is None else frozenset((name, 1, 1) for name in state.split())

    def run(self) -> int:
        self.runs.append((self.time, self.state()))
        return self.codes.pop(0) if self.codes else 0

    def rest(self, seconds: float) -> None:
        self.time += seconds

    def wait(self, seconds: float) -> None:
        later = [since for since in self.states if since > self.time]
        self.time = min([self.time + seconds, *later])

    def watch(self, every: float = 300) -> World:
        Watch(self.look, self.run, self.wait, self.rest, lambda: self.time >= self.end,
              self.printed.append, settle=5, every=every)()  # fmt: skip
        return self


def test_what_is_there_at_the_start_is_run_once_and_what_is_added_then():
    world = World({0: "a", 100: "ab"}).watch()
    assert world.runs == [(5, "a"), (105, "ab")]


def test_a_file_that_is_being_copied_is_waited_for():
    copying = {float(t): f"a{t}" for t in range(100, 140, 2)}
    world = World({0: "a", **copying}).watch()
    assert world.runs[1:] == [(143, "a138")] or world.runs[1:] == [(145, "a138")]


def test_an_endless_copy_does_not_block_the_others():
    growing = {float(t): f"a{t}" for t in range(100, 2000)}
    world = World({0: "a", **growing}, end=1500).watch()
    assert len(world.runs) == 2 and world.runs[1][0] == pytest.approx(100 + LONGEST_COPY, abs=10)


def test_a_full_disk_is_tried_again_more_and_more_seldom_and_comes_right():
    world = World({0: "a"}, codes=(1, 1, 1, 0), end=2000).watch()
    times = [time for time, _ in world.runs]
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps == [PAUSE + 5, 2 * PAUSE + 5, 4 * PAUSE + 5]
    assert world.printed[0] == "the run ended with exit code 1; next attempt in 60 s"


def test_pauses_have_an_end_and_start_again_after_a_good_run():
    world = World({0: "a", 40_000: "b"}, codes=(1,) * 12 + (0, 1, 0), end=50_000).watch()
    assert f"next attempt in {LONGEST_PAUSE:.0f} s" in world.printed[-2]
    assert "next attempt in 60 s" in world.printed[-1]
    assert world.runs[-1][1] == "b"


@pytest.mark.parametrize("gone", [None, ""])
def test_a_removed_disk_is_awaited_and_not_analysed(gone):
    world = World({0: "a", 100: gone, 300: "a", 400: "ab"}, end=1000).watch()
    assert [state for _, state in world.runs] == ["a", "ab"]
    assert world.printed == ["library folder unavailable; waiting for it"]


def test_a_look_is_what_a_run_would_see(tmp_path):
    (tmp_path / "a.flac").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    first = look([str(tmp_path)], str(tmp_path / "results"))
    assert first is not None and [Path(path).name for path, _, _ in first] == ["a.flac"]
    (tmp_path / "a.flac").write_bytes(b"xy")
    assert look([str(tmp_path)], str(tmp_path / "results")) != first
    assert look([str(tmp_path / "nowhere")], str(tmp_path / "results")) is None


def test_a_look_leaves_out_what_a_run_excludes(tmp_path: Path) -> None:
    for name in ("a.flac", "Loops/b.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = look([str(tmp_path)], str(tmp_path / "results"), ["loops/"])
    assert found is not None
    assert [path for path, *_ in found] == [str(tmp_path / "a.flac")]


def seen(folder: Path, act: Callable[[], object], results: Path, within: float) -> bool:
    changed = threading.Event()
    eyes = FolderWatcher([str(folder)], str(results), changed)
    assert eyes.open() is None
    try:
        act()
        return changed.wait(within)
    finally:
        eyes.close()


def test_the_system_reports_music_and_no_other_files(tmp_path):
    folder, results = tmp_path / "music", tmp_path / "music" / "results"
    (results / "bpm").mkdir(parents=True)
    assert seen(folder, lambda: (folder / "a.flac").write_bytes(b"x"), results, PATIENCE)
    assert seen(folder, lambda: (folder / "a.flac").rename(folder / "b.flac"), results, PATIENCE)

    def others() -> None:
        (folder / "notes.txt").write_text("x")
        (folder / ".a.flac.part").write_text("x")
        (results / "bpm" / "a.wav").write_text("x")
        (folder / "b.flac").read_bytes()

    assert not seen(folder, others, results, 1)


def test_another_disk_in_the_folder_is_watched_again(tmp_path):
    folder, changed = tmp_path / "music", threading.Event()
    folder.mkdir()
    eyes = FolderWatcher([str(folder)], str(tmp_path / "results"), changed)
    eyes.open()
    folder.rename(tmp_path / "away")
    folder.mkdir()
    eyes.open()
    changed.clear()
    (folder / "a.flac").write_bytes(b"x")
    assert changed.wait(PATIENCE)
    eyes.close()


def test_arguments_of_run_are_passed_on_and_those_of_watch_are_not():
    words, numbers = read_words(
        ["~/Music", "--settle", "2", "--cores", "3", "--every=60", "report"]
    )
    assert words == ["~/Music", "--cores", "3", "report"]
    assert numbers == {"--settle": 2.0, "--every": 60.0}


@pytest.mark.parametrize(
    "words", [["--settle"], ["--settle", "x"], ["--every=0"], ["--every=nan"]]
)
def test_values_that_are_not_numbers_are_refused_by_name(words):
    with pytest.raises(ConfigError, match=r"--(settle|every): .* no number of seconds"):
        read_words(words)
