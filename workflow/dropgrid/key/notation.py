"""Keys and their notations.

A key is a number: its tonic in semitones above C, plus 12 if it is minor. That is also the order
of Traktor's MUSICAL_KEY.
"""

from __future__ import annotations

import re
from typing import Literal

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
Notation = Literal["musical", "camelot", "openkey", "full"]
NOTATIONS: tuple[Notation, ...] = ("musical", "camelot", "openkey", "full")
IN_TAGS = NOTATIONS[:3]  # they fit into the three letters of ID3's TKEY
KEYS = 24

_NOTES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_MAJOR = ("major", "maj", "ionian", "dur")
_MINOR = ("minor", "min", "m", "aeolian", "moll")
_MUSICAL = re.compile(r"([A-Ga-g])\s*([#♯b♭]|sharp|flat|-sharp|-flat)?\s*[:/_-]?\s*([A-Za-z]*)\.?")
_WHEEL = re.compile(r"(0?[1-9]|1[0-2])\s*([ABDMabdm])")


def name(key: int) -> str:
    """The full name.

    >>> name(21), name(0)
    ('A minor', 'C major')
    """
    return f"{TONICS[key % 12]} {'minor' if key >= 12 else 'major'}"


def short(key: int) -> str:
    """The short name, as in DJ software and ID3's TKEY.

    >>> short(21), short(3)
    ('Am', 'Eb')
    """
    return TONICS[key % 12] + ("m" if key >= 12 else "")


def camelot(key: int) -> str:
    """The number on Camelot's wheel, A for minor, B for major.

    >>> camelot(21), camelot(0)
    ('8A', '8B')
    """
    return f"{(_fifths(key) + 7) % 12 + 1}{'A' if key >= 12 else 'B'}"


def open_key(key: int) -> str:
    """The number on the Open Key wheel, m for minor, d for major.

    >>> open_key(21), open_key(0)
    ('1m', '1d')
    """
    return f"{_fifths(key) + 1}{'m' if key >= 12 else 'd'}"


def written(key: int, notation: Notation) -> str:
    """A key in a notation; "musical" is the short name, "full" the full one."""
    forms = {"musical": short, "camelot": camelot, "openkey": open_key, "full": name}
    return forms[notation](key)


def parse(text: str) -> int | None:
    """The key that a text names in any of these notations; None for any other text.

    >>> [parse(text) for text in ("A minor", "Am", "a:min", "8A", "1m")]
    [21, 21, 21, 21, 21]
    >>> parse("F♯ min"), parse("C"), parse("no key")
    (18, 0, None)
    """
    text = text.strip()
    if match := _WHEEL.fullmatch(text):
        number, letter = int(match.group(1)), match.group(2).lower()
        # Fifths above C: Camelot's 8 and Open Key's 1 are C and A minor.
        fifths = number - 8 if letter in "ab" else number - 1
        minor = letter in "am"
        return (7 * fifths - (3 if minor else 0)) % 12 + 12 * minor
    match = _MUSICAL.fullmatch(text)
    if match is None:
        return None
    note, accidental, mode = match.group(1).lower(), match.group(2) or "", match.group(3)
    if mode == "M" or mode.lower() in ("", *_MAJOR):
        minor = False
    elif mode.lower() in _MINOR:
        minor = True
    else:
        return None
    shift = 0
    if accidental:
        shift = 1 if accidental.strip("-")[0] in "#♯s" else -1
    return (_NOTES[note] + shift) % 12 + 12 * minor


def compatible(key: int) -> tuple[int, ...]:
    """The keys that mix well: itself, its neighbours on the wheel, and the other mode there.

    >>> [camelot(key) for key in compatible(21)]
    ['8A', '9A', '7A', '8B']
    """
    mode = key // 12 * 12
    relative = (key - 3) % 12 if key < 12 else (key + 3) % 12
    return (key, (key + 7) % 12 + mode, (key + 5) % 12 + mode, relative + 12 - mode)


def _fifths(key: int) -> int:
    """How many fifths a key's signature is above C major, 0 to 11."""
    tonic = key % 12 + (3 if key >= 12 else 0)
    return 7 * tonic % 12
