"""Text for people: numbers, times and names as a terminal or a picture can show them."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable


def width(text: str) -> int:
    """Columns a terminal needs for the text."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def clock(seconds: float, tenths: bool = False) -> str:
    """Seconds as minutes:seconds, rounded to whole seconds or to tenths, halves up.

    >>> clock(75.25), clock(75.25, tenths=True)
    ('1:15', '1:15.3')
    """
    if tenths:
        whole, part = divmod(int(10 * seconds + 0.5), 10)
        return f"{whole // 60}:{whole % 60:02d}.{part}"
    whole = int(seconds + 0.5)
    return f"{whole // 60}:{whole % 60:02d}"


def frequency(hertz: float) -> str:
    """A frequency as people write it.

    >>> frequency(250), frequency(4000)
    ('250 Hz', '4 kHz')
    """
    return f"{hertz:g} Hz" if hertz < 1000 else f"{hertz / 1000:g} kHz"


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "track"), counted(2, "track")
    ('1 track', '2 tracks')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shortened(text: str, length: int) -> str:
    """The text with its middle left out where it is longer than length.

    >>> shortened("a very long title", 10)
    'a very…tle'
    """
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(45), duration(720), duration(11100)
    ('45 s', '12 min', '3 h 05 min')
    """
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def fault(error: OSError) -> str:
    """An error of the system in one line: the file, and the reason."""
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return printable(reason)
    return printable(f"{os.fsdecode(error.filename)}: {reason}")


def encodable(text: str) -> str:
    r"""Text with the lone surrogates spelt out that stand for undecodable bytes of a file name.

    A byte 0xff, U+DCFF in the text, becomes \udcff. Backslashes before that, or before what is
    spelt like it in the name itself, are doubled, so that `decodable` can tell them apart.
    """
    if not _SPELT.search(text):
        return text
    return _SPELT.sub(_spell, text)


def decodable(text: str) -> str:
    """The text of which encodable made this one."""
    if "\\" not in text:
        return text
    return _SPELLING.sub(_unspell, text)


_SPELT = re.compile(r"(\\*)(?:([\ud800-\udfff])|(?<=\\)(?=ud[89a-f][0-9a-f]{2}))")
_SPELLING = re.compile(r"(\\+)(ud[89a-f][0-9a-f]{2})")


def _spell(found: re.Match[str]) -> str:
    spelt = f"\\u{ord(found[2]):04x}" if found[2] else ""
    return found[1] * 2 + spelt


def _unspell(found: re.Match[str]) -> str:
    count, rest = len(found[1]), found[2]
    return "\\" * (count // 2) + (chr(int(rest[1:], 16)) if count % 2 else rest)


def printable(text: str) -> str:
    """Text from outside made safe for a terminal: control characters and broken bytes escaped."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode()
        for c in text
    )


def one_line(text: str) -> str:
    """Text in one line that every file format can store, with a mark for each other character.

    Control characters, line breaks and bytes that were no text; what joins letters, emoji and
    directions of writing stays, though no terminal shows it.
    """
    unfit = ("Cc", "Cs", "Cn", "Zl", "Zp")
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in unfit else char
        for char in text
    )


def suggestion(word: str, known: Iterable[str]) -> str:
    """A suggestion for an unknown word; empty if no known word is similar.

    >>> suggestion("bmp", ["bpm", "key"])
    ' (did you mean bpm?)'
    """
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
