"""Whatever happens to a folder of music in whatever order, nothing of its user's is lost.

`make test` tries a fixed number of worlds; `make simulate` as many as there is time for:
`make simulate STEPS=1000000`.
"""

from __future__ import annotations

import os

import pages
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test
from machine import FolderWorld
from planted import PLANTED, planted

LENGTH = 20  # steps of a world
STEPS = int(os.environ.get("STEPS", "0"))  # of all worlds, by chance; 0: the same few every time


def options(worlds: int) -> settings:
    return settings(
        max_examples=worlds, stateful_step_count=LENGTH, deadline=None, database=None,
        derandomize=not STEPS, suppress_health_check=list(HealthCheck), print_blob=bool(STEPS),
        report_multiple_bugs=False, phases=[Phase.generate],
    )  # fmt: skip


def test_nothing_is_lost_in_any_world() -> None:
    run_state_machine_as_test(FolderWorld, settings=options(max(STEPS // LENGTH, 20)))


class OldPage(FolderWorld):
    page = staticmethod(pages.confirm_as_before)


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_that_is_put_back_is_found(fault: str) -> None:
    """The first world in which it does harm ends the search.

    Flaky: harm was done, and not in just the same way when that world was lived through again.
    """
    world = OldPage if fault == "confirming deletes drops" else FolderWorld
    with planted(fault), pytest.raises((AssertionError, Flaky)):
        run_state_machine_as_test(world, settings=options(100))
