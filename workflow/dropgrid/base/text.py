"""Text for people: numbers, times and names as a terminal or a picture can show them."""

from __future__ import annotations

import os
import unicodedata


def width(text: str) -> int:
    """Columns a terminal needs for the text."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def clock(seconds: float, tenths: bool = False) -> str:
    """Seconds as minutes:seconds, of whole seconds or of tenths."""
    if tenths:
        whole, part = divmod(round(10 * seconds), 10)
        return f"{whole // 60}:{whole % 60:02d}.{part}"
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def frequency(hertz: float) -> str:
    """A frequency as people write it: 250 Hz, 4 kHz."""
    return f"{hertz:g} Hz" if hertz < 1000 else f"{hertz / 1000:g} kHz"


def shortened(text: str, length: int) -> str:
    """The text with its middle left out where it is longer than length."""
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def duration(seconds: float) -> str:
    """Seconds for people: 45 s, 12 min, 3 h 05 min."""
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
    """Text with the lone surrogates escaped that stand for undecodable bytes of a file name."""
    return text.encode("utf-8", "backslashreplace").decode()


def printable(text: str) -> str:
    """Text from outside made safe for a terminal: control characters and broken bytes escaped."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode()
        for c in text
    )
