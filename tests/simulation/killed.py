"""Run work in a child process that is killed in the middle of it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NoReturn
from unittest import mock


def die() -> NoReturn:
    """Kill this process, so that none of its `finally` blocks runs."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("outlived SIGKILL")


def in_a_child(work: Callable[[], Any]) -> bool:
    """Do work in a child process; return whether it ended without being killed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the threads belong to libraries
        child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            try:
                work()
                code = 0
            except BaseException:
                traceback.print_exc(file=sys.__stderr__)
        os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), f"a process ended with {status}"
    return status == 0


def killed_at(at: int, work: Callable[[], Any], *names: str) -> bool:
    """Do work in a process that is killed before call number `at`, from 0, of one of the named
    functions of `os`; return whether the work ended before that."""
    left = iter(range(at))

    def counted(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*arguments: Any, **more: Any) -> Any:
            if next(left, None) is None:
                die()
            return real(*arguments, **more)

        return call

    def dies() -> None:
        with contextlib.ExitStack() as stack:
            for name in names:
                stack.enter_context(mock.patch(f"os.{name}", counted(name)))
            work()

    return in_a_child(dies)
