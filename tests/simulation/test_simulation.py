"""Random events in a folder of music: no data of its user is lost.

`make test` tries a fixed number of worlds; `make simulate STEPS=1000000` tries that many steps.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pages
import pytest
from dropgrid.base.errors import DropgridError
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test
from machine import FolderWorld
from others import PROGRAMS
from planted import HARM, PLANTED, planted
from stub_analysis import stubbed
from world import World

LENGTH = 20  # steps of a world
STEPS = int(os.environ.get("STEPS", "0"))  # of all worlds, random; 0: the same few each time


def options(worlds: int) -> settings:
    return settings(
        max_examples=worlds, stateful_step_count=LENGTH, deadline=None, database=None,
        derandomize=not STEPS, suppress_health_check=list(HealthCheck), print_blob=bool(STEPS),
        report_multiple_bugs=False, phases=[Phase.generate],
    )  # fmt: skip


def test_nothing_is_lost_in_any_world() -> None:
    run_state_machine_as_test(FolderWorld, settings=options(max(STEPS // LENGTH, 20)))


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_world_takes_grids_over_from_other_programs(program: str, tmp_path: Path) -> None:
    """The step has an effect: the imported grid is read, and differs from the computed one."""
    with stubbed():
        world = World(tmp_path / "world")
        songs = [world.add("a", 0, 0), world.add("sub/b", 1, 1)]
        world.run()
        world.import_grids(songs, program, 90.0)
        assert [song.correction and song.correction.bpm for song in songs] == [90.0, 90.0]
        world.check()


class FaultyWorld(FolderWorld):
    fresh = False  # this comparison finds none of these faults, and takes the most time


class OldPage(FaultyWorld):
    page = staticmethod(pages.confirm_as_before)


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_that_is_put_back_is_found(fault: str) -> None:
    """The search ends at the first world that fails, and the failure is that of the fault.

    FlakyFailure: Hypothesis repeated that world and the failure was slightly different; its
    exceptions contain the first one.
    """
    world = OldPage if fault == "confirming deletes drops" else FaultyWorld
    with planted(fault), pytest.raises((AssertionError, DropgridError, FlakyFailure)) as found:
        run_state_machine_as_test(world, settings=options(100))
    error = found.value
    errors = error.exceptions if isinstance(error, FlakyFailure) else (error,)
    assert any(re.search(HARM[fault], str(error)) for error in errors), errors
