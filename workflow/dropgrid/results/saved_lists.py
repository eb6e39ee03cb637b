"""The lists of tracks that a user saves on the page: results/lists.json."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import ConfigError, MissingRecord, RecordError
from ..base.json_documents import SCHEMA_VERSION, json_lines, parse_document, read_bytes
from ..records.ticket import is_track_id
from .artefacts import ARTEFACTS
from .ownership import write_owned

MOST_LISTS = 500
MOST_TRACKS = 50_000  # of a list
LONGEST_NAME = 100


@dataclass(frozen=True)
class SavedList:
    """A list: its name, and the ids of its tracks in order, each once."""

    name: str
    tracks: tuple[str, ...]


def read_lists(results: Path) -> list[SavedList]:
    """The lists in the order of creation; empty if none are saved. Raises RecordError."""
    kind = ARTEFACTS["lists"]
    path = kind.at(results)
    try:
        values = parse_document(read_bytes(path), str(kind.schema), path)
    except MissingRecord:
        return []
    found = values.get("lists")
    try:
        if not isinstance(found, list) or len(found) > MOST_LISTS:
            raise ConfigError(f"lists: not a list of at most {MOST_LISTS}")
        lists = [checked(item["name"], item["tracks"]) for item in found]
    except (ConfigError, KeyError, TypeError) as error:
        raise RecordError(f"{path}: {error}") from error
    if len({item.name for item in lists}) < len(lists):
        raise RecordError(f"{path}: a name is there twice")
    return lists


def keep_list(results: Path, kept: SavedList, instead_of: str | None = None) -> list[SavedList]:
    """Save a list over the list of the same name, or of another name; return all lists.

    Raises ConfigError if there are too many or the name is in use, RecordError, OSError.
    """
    lists = read_lists(results)
    names = [item.name for item in lists]
    place = names.index(instead_of or kept.name) if (instead_of or kept.name) in names else None
    if kept.name in names and place != names.index(kept.name):
        raise ConfigError(f"there is already a list named {kept.name}")
    if place is None and len(lists) == MOST_LISTS:
        raise ConfigError(f"there are {MOST_LISTS} lists, and no more are kept")
    if place is None:
        lists.append(kept)
    else:
        lists[place] = kept
    _write(results, lists)
    return lists


def delete_list(results: Path, name: str) -> list[SavedList]:
    """Delete a list; return the remaining lists. Raises RecordError, OSError."""
    lists = [item for item in read_lists(results) if item.name != name]
    _write(results, lists)
    return lists


def checked(name: object, tracks: object) -> SavedList:
    """A list from untrusted data. Raises ConfigError that explains what is wrong."""
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
        raise ConfigError(f"name: not a text of 1 to {LONGEST_NAME} characters")
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in name):
        raise ConfigError("name: not one line of text")
    if not isinstance(tracks, list) or len(tracks) > MOST_TRACKS:
        raise ConfigError(f"tracks: not a list of at most {MOST_TRACKS}")
    if not all(isinstance(track, str) and is_track_id(track) for track in tracks):
        raise ConfigError("tracks: not a list of tracks' ids")
    return SavedList(name.strip(), tuple(dict.fromkeys(tracks)))


def _write(results: Path, lists: Sequence[SavedList]) -> None:
    kind = ARTEFACTS["lists"]
    values = [{"name": item.name, "tracks": list(item.tracks)} for item in lists]
    head = {"schema": kind.schema, "schema_version": SCHEMA_VERSION}
    write_owned(kind.at(results), json_lines({**head, "lists": values}))
