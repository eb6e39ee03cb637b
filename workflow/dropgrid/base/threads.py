"""Keeping arithmetic on one thread, so that results do not depend on how many there are.

A product of matrices that is shared out among threads is summed in another order, and differs in
its last digits. The commands set OMP_NUM_THREADS and the like before NumPy is there to read them;
whoever calls from Python has NumPy already.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")


def on_one_thread(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """The function, with all linear algebra in it on one thread, whatever the process has set."""

    @wraps(function)
    def run(*arguments: Given.args, **options: Given.kwargs) -> Made:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            return function(*arguments, **options)

    return run
