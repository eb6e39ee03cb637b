"""A copy of VirtualDJ's database with dropgrid's grids and cues; the original is not changed.

For a song that the database contains, only the grid is replaced: tempo, phase and anchors. Its
cues and loops stay, and dropgrid's cues go onto free pads. Other songs are added.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, fromstring

from ..base.errors import ConfigError, InvalidReference
from ..references import checks

ROOT = "VirtualDJ_Database"
MAX_SONGS = 300_000
MAX_DEPTH = 8  # levels of elements
GRID = ("Bpm", "Phase")  # attributes of Scan


def read_database(path: Path) -> Element:
    """VirtualDJ's database. A document type, and so every entity, is refused. Raises
    ConfigError."""
    try:
        text = checks.read_text(path)
    except InvalidReference as error:
        raise ConfigError(f"--merge: {error}") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ConfigError(
            f"--merge: {path}: contains a document type, which VirtualDJ does not write"
        )
    try:
        root = fromstring(text.encode("utf-8"))  # noqa: S314 - without a document type
    except (ParseError, RecursionError, ValueError) as error:
        raise ConfigError(f"--merge: {path}: not XML ({error})") from error
    if root.tag != ROOT or len(root) > MAX_SONGS or _is_deep(root):
        raise ConfigError(f"--merge: {path}: not a database of VirtualDJ")
    return root


def _is_deep(root: Element) -> bool:
    """Whether elements are nested more deeply than in any database of VirtualDJ."""
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
    return bool(level)


class MergedDatabase:
    """VirtualDJ's database, into which the exported songs are merged."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self.songs = {_key(song.get("FilePath", "")): song for song in root.iter("Song")}

    def add(self, exported: Element) -> None:
        """Add a song that dropgrid exports."""
        existing = self.songs.get(_key(exported.get("FilePath", "")))
        if existing is None:
            self.root.append(exported)
            return
        _set_grid(existing, exported)
        used = {p.get("Num") for p in existing.iter("Poi") if p.get("Num")}
        free = [str(pad) for pad in range(1, 9) if str(pad) not in used]
        places = {p.get("Pos") for p in existing.iter("Poi") if p.get("Type", "cue") == "cue"}
        for point in _of_kind(exported, "cue"):
            if point.get("Pos") not in places and free:
                preferred = point.get("Num")
                point.set("Num", preferred if preferred in free else free[0])
                free.remove(point.get("Num", ""))
                existing.append(point)
        if not _of_kind(existing, "loop"):
            existing.extend(_of_kind(exported, "loop"))


def _set_grid(existing: Element, exported: Element) -> None:
    """Replace tempo, phase and anchors of a song, if the exported song has a tempo."""
    found = exported.find("Scan")
    if found is None:
        return
    scan = existing.find("Scan")
    if scan is None:
        existing.append(found)
    else:
        for name in GRID:
            scan.set(name, found.get(name, ""))
    points = [place for place, child in enumerate(existing) if child.tag == "Poi"]
    before = _of_kind(existing, "beatgrid")
    at = list(existing).index(before[0]) if before else (points[0] if points else len(existing))
    for point in before:
        existing.remove(point)
    for point in reversed(_of_kind(exported, "beatgrid")):
        existing.insert(at, point)


def _of_kind(song: Element, kind: str) -> list[Element]:
    return [point for point in song.findall("Poi") if point.get("Type") == kind]


def _key(path: str) -> str:
    """A path in the form that VirtualDJ compares: on Windows, case does not matter."""
    return path.casefold() if "\\" in path else path
