"""Items made ahead by a thread: in order, with their errors, and none left over."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from dropgrid.base.threads import in_thread


def left() -> int:
    return sum(thread.name == "dropgrid" for thread in threading.enumerate())


def test_items_come_in_order_and_the_thread_ends() -> None:
    assert list(in_thread(range(1000), most=3)) == list(range(1000))
    assert list(in_thread([])) == []
    assert left() == 0


def test_the_thread_is_ahead_by_no_more_than_asked() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    taken = 0
    for _ in in_thread(numbers(), most=4):
        taken += 1
        assert len(made) <= taken + 4 + 1  # what waits, and the one in the thread's hand
    assert taken == 100


def test_an_error_comes_after_the_items_before_it() -> None:
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise MemoryError("no more")

    items = in_thread(failing())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(MemoryError, match="no more"):
        next(items)
    assert left() == 0


def test_a_thread_that_no_one_takes_from_any_more_ends() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 0

    items = in_thread(endless(), most=2)
    next(items)
    assert left() == 1
    items.close()  # type: ignore[attr-defined]
    assert left() == 0
