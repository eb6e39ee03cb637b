"""Reads the tracklist next to a mix: a cue sheet (`.cue`), or lines of times (`.txt`).

A cue sheet describes one file; its times are minutes, seconds and frames of 1/75 s. In a text each
line begins with a time, `1:02:03 Artist - Title` or `[62:03] ...`; if the first line does not, the
text is not a tracklist.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..base.errors import InvalidReference
from ..base.files import read_regular
from ..base.text import one_line
from ..records.track import Moment
from .checks import Place

MAX_BYTES = 2**20  # of a tracklist
MOST = 1000  # entries
MAX_NAME = 200  # characters of an entry
FRAMES = 75  # a second
SLACK = 1.0  # seconds; an entry may be this far after the end of its mix: times are rounded
INDEX = re.compile(r"(\d{1,2})\s+(\d{1,4}):([0-5]\d):([0-6]\d|7[0-4])")
TIME = re.compile(r"[\[(]?(?:(\d{1,2}):)?(\d{1,4}):([0-5]\d)[\])]?\s*[-–—.|]?\s*(.*)")


def tracklist_of(file: Path, duration: float | None) -> tuple[Moment, ...]:
    """The tracklist next to a file, `mix.cue`, `mix.mp3.cue` or `mix.txt`; () if there is
    none. Raises InvalidReference, which names the line."""
    for path in tracklist_paths(file):
        if path != file and os.path.isfile(path):  # a name may be too long for another suffix
            found = read_cue_sheet(path) if path.suffix == ".cue" else read_tracklist(path)
            if found:
                return tuple(_within(path, found, duration))
    return ()


def tracklist_paths(file: Path) -> tuple[Path, ...]:
    """The possible paths of a file's tracklist, the best first."""
    return file.with_suffix(".cue"), Path(f"{file}.cue"), file.with_suffix(".txt")


def read_cue_sheet(path: Path) -> list[tuple[Moment, int]]:
    """The entries of a cue sheet, each with its line. Raises InvalidReference."""
    files, performer = 0, ""
    title, artist, tracks = "", "", 0
    found: list[tuple[Moment, int]] = []
    for number, line in _lines(path):
        name, _, value = line.strip().partition(" ")
        name, value, place = name.upper(), value.strip().strip('"'), Place(path, number)
        if not (name.isascii() and name.isalpha()):
            place.refuse("not a line of a cue sheet")
        if name == "FILE":
            files += 1
            if files > 1:
                place.refuse("names a second file; a cue sheet of one mix is read")
        elif name == "TRACK":
            title, artist, tracks = "", performer, tracks + 1
        elif name == "TITLE":
            title = value
        elif name == "PERFORMER":
            artist = value
            performer = performer if tracks else value
        elif name == "INDEX":
            index = INDEX.fullmatch(value)
            if index is None:
                place.refuse(f"INDEX: not a number and minutes:seconds:frames: {value[:40]!r}")
            kind, minutes, seconds, frames = map(int, index.groups())
            if kind == 1:
                time = 60 * minutes + seconds + frames / FRAMES
                found.append((Moment(round(time, 6), _name(artist, title, tracks)), number))
    if not found and tracks:
        Place(path).refuse("no track has an INDEX 01")
    return found


def read_tracklist(path: Path) -> list[tuple[Moment, int]]:
    """The entries of a text, each with its line; [] if it is not a tracklist. Raises
    InvalidReference."""
    found: list[tuple[Moment, int]] = []
    for number, line in _lines(path):
        match = TIME.fullmatch(line.strip())
        if match is None:
            if not found:
                return []
            Place(path, number).refuse(f"begins with no time: {line.strip()[:40]!r}")
        hours, minutes, seconds, name = match.groups()
        time = 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
        found.append((Moment(float(time), _name("", name, len(found) + 1)), number))
    return found if len(found) > 1 else []


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Non-empty lines, numbered from 1; decoded as UTF-8, otherwise as a Windows code page."""
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise InvalidReference(f"{path}: cannot be read ({error.strerror})") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not re.match(r"\s*(REM\b|;|#|//)", line):
            yield number, line


def _name(artist: str, title: str, number: int) -> str:
    text = " - ".join(part for part in (artist, title) if part) or f"Track {number}"
    return one_line(text)[:MAX_NAME].strip()


def _within(
    path: Path, found: list[tuple[Moment, int]], duration: float | None
) -> Iterator[Moment]:
    """The entries, in order of time and inside the mix. Raises InvalidReference."""
    before = -1.0
    for count, (moment, line) in enumerate(found, 1):
        place = Place(path, line)
        if count > MOST:
            place.refuse(f"more than {MOST} entries")
        if moment.time <= before:
            place.refuse(f"{moment.time:g} s is not later than the {before:g} s before it")
        if duration is not None and moment.time > duration + SLACK:
            place.refuse(f"{moment.time:g} s is behind the end of the mix at {duration:g} s")
        before = moment.time
        yield moment
