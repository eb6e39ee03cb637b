"""VirtualDJ's own database with dropgrid's grids and cues in it: a new document, theirs stays.

Of a song that is in theirs everything stays but the grid: tempo and phase, and the anchors. Cues
and loops of theirs stay, dropgrid's go onto pads that are free. Songs that are not in theirs are
added.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, fromstring

from ..base.errors import ConfigError, InvalidReference
from ..references import checks

ROOT = "VirtualDJ_Database"
MAX_SONGS = 300_000
DEEPEST = 8  # levels
GRID = ("Bpm", "Phase")  # attributes of Scan


def read_database(path: Path) -> Element:
    """VirtualDJ's database. A document type is refused, and with it every entity. Raises
    ConfigError."""
    try:
        text = checks.read_text(path)
    except InvalidReference as error:
        raise ConfigError(f"--merge: {error}") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ConfigError(f"--merge: {path}: a document type, which VirtualDJ does not write")
    try:
        root = fromstring(text.encode("utf-8"))  # noqa: S314 - without a document type
    except (ParseError, RecursionError, ValueError) as error:
        raise ConfigError(f"--merge: {path}: not XML ({error})") from error
    if root.tag != ROOT or len(root) > MAX_SONGS or _is_deep(root):
        raise ConfigError(f"--merge: {path}: not a database of VirtualDJ")
    return root


def _is_deep(root: Element) -> bool:
    """Whether elements lie inside each other deeper than any of VirtualDJ's."""
    level = [root]
    for _ in range(DEEPEST):
        level = [child for element in level for child in element]
    return bool(level)


class Merged:
    """A database of theirs, while our songs go into it."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self.songs = {_key(song.get("FilePath", "")): song for song in root.iter("Song")}

    def add(self, ours: Element) -> None:
        """Add a song that dropgrid exports."""
        theirs = self.songs.get(_key(ours.get("FilePath", "")))
        if theirs is None:
            self.root.append(ours)
            return
        _set_grid(theirs, ours)
        taken = {p.get("Num") for p in theirs.iter("Poi") if p.get("Num")}
        free = [str(pad) for pad in range(1, 9) if str(pad) not in taken]
        places = {p.get("Pos") for p in theirs.iter("Poi") if p.get("Type", "cue") == "cue"}
        for point in _of_kind(ours, "cue"):
            if point.get("Pos") not in places and free:
                wanted = point.get("Num")
                point.set("Num", wanted if wanted in free else free[0])
                free.remove(point.get("Num", ""))
                theirs.append(point)
        if not _of_kind(theirs, "loop"):
            theirs.extend(_of_kind(ours, "loop"))


def _set_grid(theirs: Element, ours: Element) -> None:
    """Put our tempo, phase and anchors in the place of theirs, where we have a tempo."""
    found = ours.find("Scan")
    if found is None:
        return
    scan = theirs.find("Scan")
    if scan is None:
        theirs.append(found)
    else:
        for name in GRID:
            scan.set(name, found.get(name, ""))
    points = [place for place, child in enumerate(theirs) if child.tag == "Poi"]
    before = _of_kind(theirs, "beatgrid")
    at = list(theirs).index(before[0]) if before else (points[0] if points else len(theirs))
    for point in before:
        theirs.remove(point)
    for point in reversed(_of_kind(ours, "beatgrid")):
        theirs.insert(at, point)


def _of_kind(song: Element, kind: str) -> list[Element]:
    return [point for point in song.findall("Poi") if point.get("Type") == kind]


def _key(path: str) -> str:
    """A path as VirtualDJ compares them: on Windows without regard to capitals."""
    return path.casefold() if "\\" in path else path
