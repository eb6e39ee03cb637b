"""Numbers, times and names as people read them."""

from __future__ import annotations

import doctest

import pytest
from dropgrid.base import text


def test_the_examples_of_the_docstrings_hold() -> None:
    failed, tried = doctest.testmod(text)
    assert tried >= 6 and not failed


@pytest.mark.parametrize(
    ("seconds", "whole", "tenths"),
    [(0, "0:00", "0:00.0"), (59.96, "1:00", "1:00.0"), (61.5, "1:02", "1:01.5"),
     (3725.04, "62:05", "62:05.0"), (9.949, "0:10", "0:09.9")],
)  # fmt: skip
def test_a_clock_rounds_halves_up(seconds: float, whole: str, tenths: str) -> None:
    assert (text.clock(seconds), text.clock(seconds, tenths=True)) == (whole, tenths)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (99.4, "99 s"),
        (99.6, "2 min"),
        (5940, "99 min"),
        (6000, "1 h 40 min"),
        (7259, "2 h 01 min"),
    ],
)
def test_a_duration_has_the_unit_that_fits(seconds: float, expected: str) -> None:
    assert text.duration(seconds) == expected


def test_a_terminal_gives_wide_letters_two_columns_and_accents_none() -> None:
    assert [text.width(c) for c in ("abc", "日本", "e\u0301", "")] == [3, 4, 1, 0]


def test_short_texts_stay_whole() -> None:
    assert text.shortened("ten letters", 11) == "ten letters"
    assert text.shortened("ten letters", 10) == "ten le…ers"
    assert text.frequency(999) == "999 Hz" and text.frequency(1000) == "1 kHz"


@pytest.mark.parametrize(
    "name", ["a", "\udcff", "\\udcff", "\\\\udcff", "x\\\udc80y", "\\u", "\\ud8ff\udcff"]
)
def test_a_name_of_any_bytes_is_spelt_and_read_back(name: str) -> None:
    spelt = text.encodable(name)
    spelt.encode()
    assert text.decodable(spelt) == name
    assert text.encodable("plain\\name") == "plain\\name"


def test_what_steers_a_terminal_is_escaped() -> None:
    assert text.printable("a\x1b[31m\udcff\n") == "a\\x1b[31m\\udcff\\n"
    assert text.one_line("a\nb\x00c\u200dd") == "a\ufffdb\ufffdc\u200dd"


def test_an_error_of_the_system_names_file_and_reason() -> None:
    assert text.fault(OSError(2, "No such file", "a\nb")) == "a\\nb: No such file"
    assert text.fault(OSError("odd")) == "odd"
    assert text.fault(OSError()) == "OSError"
