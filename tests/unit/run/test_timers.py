"""What is left of a run when it ends (dropgrid.run.interrupts); signals: tests/end_to_end."""

import threading

import pytest
from dropgrid.run.interrupts import cancel_timers

pytestmark = pytest.mark.alone


def test_timers_of_an_ended_run_do_not_hold_up_its_exit():
    fired = []
    timer = threading.Timer(3600, fired.append, [True])
    timer.start()
    cancel_timers()
    timer.join(30)
    assert not timer.is_alive()
    assert not fired
