"""Threads: none within arithmetic, so that results do not depend on how many there are; some
between the steps of long work, where cores are free.

A product of matrices that is shared out among threads is summed in another order, and differs in
its last digits. The commands set OMP_NUM_THREADS and the like before NumPy is there to read them;
any caller in Python has NumPy already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import wraps
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def on_one_thread(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The function, with all linear algebra in it on one thread, whatever the process has set."""

    @wraps(function)
    def run(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            return function(*arguments, **options)

    return run


Item = TypeVar("Item")
LOOK = 0.2  # seconds after which a thread with nowhere to put an item looks if anybody waits


def in_thread(items: Iterable[Item], most: int = 8) -> Iterator[Item]:
    """The same items, made by a thread that is ahead of who takes them by at most `most`.

    What is raised in making them is raised where they are taken, after those before it. The
    thread ends with the iterator, whether that is exhausted or closed.
    """
    ready: Queue[tuple[list[Item], BaseException | None]] = Queue(most)
    unwanted = Event()

    def put(some: list[Item], error: BaseException | None = None) -> bool:
        while not unwanted.is_set():
            with suppress(Full):
                ready.put((some, error), timeout=LOOK)
                return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not put([item]):
                    return
        except BaseException as error:  # MemoryError too: the consumer decides
            put([], error)
        else:
            put([])

    thread = Thread(target=make, name="dropgrid", daemon=True)
    thread.start()
    try:
        while True:
            some, error = ready.get()
            if error is not None:
                raise error
            if not some:
                return
            yield from some
    finally:
        unwanted.set()
        with suppress(Empty):
            while True:
                ready.get_nowait()
        thread.join()
