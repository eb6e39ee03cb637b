"""Ownership of results folders: the only place that decides where dropgrid may write and delete.

A folder is dropgrid's if it contains the mark `.dropgrid`, which names the version and the library
it was made with. `claim` creates the folder with its mark, or refuses:

- a folder that contains anything but has no mark;
- the root of the file system, the home folder, the music folder or a folder that contains it. A
  separate folder below the library is allowed: it has the mark, so it is never scanned;
- links in place of dropgrid's folders: nothing below results is followed.

Deletion depends on `is_owned`, that is, on the content of a file, not on its name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import __version__
from ..base.errors import LibraryError
from ..base.files import write_atomically, write_if_changed
from ..base.json_documents import SCHEMA_VERSION, json_lines
from ..library import expanded
from .artefacts import ARTEFACTS, FORMATS, MARK, files, folders

SCHEMA = "dropgrid/results"
IGNORED = frozenset({".snakemake", ".DS_Store", "Thumbs.db", "desktop.ini"})
START = 64  # bytes of a file that are read
HALF_MARK = re.compile(rf"\.{re.escape(MARK)}\.\d+\.tmp")  # left by a claim that was interrupted


def place(results: str) -> Path:
    """The absolute path for results, `~` expanded. Raises LibraryError if it is not allowed."""
    if not results.strip() or "\0" in results:
        raise LibraryError(f"results: {results!r} names no folder")
    try:
        path = Path(os.path.abspath(Path(results).expanduser()))
        home = Path(os.path.realpath(Path.home()))
    except RuntimeError as error:  # ~nobody
        raise LibraryError(f"results: {results}: {error}") from error
    real = Path(os.path.realpath(path))
    if real == Path(real.anchor):
        raise LibraryError(f"results: {results}: is the root of the file system; name a folder")
    if real == home:
        raise LibraryError(f"results: {results}: is the home folder; name one below it")
    return path


def usual(results: str) -> str:
    """The folder of results as the workflow names it: a relative path stays relative.

    Raises LibraryError, see `place`.
    """
    absolute = place(results)
    expanded = str(Path(results).expanduser())
    return str(absolute) if os.path.isabs(expanded) else os.path.normpath(expanded)


def sources(library: str | Sequence[str]) -> list[str]:
    """The sources of a library as a list."""
    return [library] if isinstance(library, str | os.PathLike) else list(library)


def check_apart(results: Path, library: Iterable[str]) -> None:
    """Raise LibraryError if results are a source of the library or contain one."""
    real = Path(os.path.realpath(results))
    for source in library:
        music = Path(os.path.realpath(os.path.abspath(expanded(source, "library"))))
        if music == real:
            raise LibraryError(
                f"results: {results}: is the library itself; name another folder, or one below it"
            )
        if music.is_relative_to(real):
            raise LibraryError(
                f"results: {results}: holds the library {source}; name another folder"
            )


def claim(results: Path, library: Sequence[str]) -> None:
    """Create the folder and its mark, or check that it is dropgrid's.

    Raises LibraryError, OSError. library: the sources, as in the configuration.
    """
    check_claim(results, library)
    sources = [os.fsencode(os.path.abspath(Path(s).expanduser())).decode("utf-8", "replace")
               for s in library]  # fmt: skip
    before = _read_mark(results)
    if before.get("library") != sources:  # keep the version that made the folder
        values = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "version": __version__}
        write_atomically(results / MARK, json_lines({**values, **before, "library": sources}))


def claim_new(results: Path) -> None:
    """Create a results folder without a library, if the folder is missing or empty.

    Any other folder is left unchanged. Raises OSError.
    """
    if not os.path.lexists(results) or (results.is_dir() and not any(results.iterdir())):
        claim(results, [])


def last_library(results: Path) -> list[str]:
    """The sources of the library that the last run on results had. Raises LibraryError."""
    library = _read_mark(results).get("library")
    if not isinstance(library, list) or not library:
        raise LibraryError(
            f"which library? No run is recorded in {results}. Name a folder of music: "
            "dropgrid run ~/Music; or the results of an earlier run: --results DIR"
        )
    return [str(source) for source in library]


def made_by(results: Path) -> str | None:
    """The version of dropgrid that made a folder; None without a mark."""
    version = _read_mark(results).get("version")
    return version if isinstance(version, str) else None


def _read_mark(results: Path) -> dict[str, Any]:
    """The contents of dropgrid's mark; empty without one."""
    if not is_marked(results):
        return {}
    try:
        return dict(json.loads((results / MARK).read_bytes()))
    except (OSError, ValueError) as error:
        raise LibraryError(f"results: {results / MARK}: cannot be read ({error})") from error


def check_claim(results: Path, library: Sequence[str]) -> None:
    """Check what `claim` checks, without writing anything. Raises LibraryError."""
    check_apart(results, library)
    if not os.path.lexists(results):
        return
    if not os.path.isdir(results):  # or a link into itself
        raise LibraryError(f"results: {results}: is no folder")
    try:
        entries = {name for name in os.listdir(results) if not _is_unimportant(results, name)}
    except OSError as error:
        raise LibraryError(f"results: {results}: {error.strerror}") from error
    link = _link_below(results)
    if link is not None:
        raise LibraryError(f"results: {link}: is a link; nothing is written through one")
    if entries and not is_marked(results):
        raise LibraryError(
            f"results: {results}: holds other things and was not made by dropgrid (it has no "
            f"{MARK}); name an empty or a new folder"
        )
    for artefact in ARTEFACTS.values():
        if artefact.renewed:
            check_owned(artefact.at(results))


def _is_unimportant(results: Path, name: str) -> bool:
    """Whether a file does not count as content: one of the system, or a half-written mark."""
    if HALF_MARK.fullmatch(name):
        return looks_owned(str(results / name), MARK)
    return name in IGNORED


def is_marked(results: Path) -> bool:
    """Whether the folder has dropgrid's mark."""
    return _schema_of(results / MARK) == SCHEMA


def is_owned(path: str | Path, schema: str) -> bool:
    """Whether a file is a JSON document of dropgrid with this schema, and not a link."""
    return not os.path.islink(path) and _schema_of(Path(path)) == schema


def remove_owned(path: Path, schema: str) -> bool:
    """Delete a file if it is dropgrid's JSON document of this schema; return whether it was."""
    owned = is_owned(path, schema)
    if owned:
        path.unlink(missing_ok=True)
    return owned


def check_owned(path: Path) -> None:
    """Raise LibraryError if dropgrid did not write the file at the path of one of its own."""
    if os.path.lexists(path) and not path.is_symlink() and not looks_owned(str(path)):
        raise LibraryError(
            f"results: {path}: was not written by dropgrid; nothing is written over it"
        )


def write_owned(path: Path, data: bytes, durable: bool = True) -> None:
    """Write a file of the results if it changed; a link in its place is replaced, not followed.

    Raises LibraryError if a file there was not written by dropgrid, and OSError.
    """
    check_owned(path)
    write_if_changed(path, data, durable)


def looks_owned(path: str, name: str = "") -> bool:
    """Whether a file begins like dropgrid's files of its suffix, or is empty or zeros (a crash).

    name: its final name, if it still has a temporary one.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            start = os.pread(descriptor, START, 0)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    named = os.path.basename(name or path)
    form = FORMATS.get(".json" if named == MARK else os.path.splitext(named)[1])
    expected = form.start if form else b""
    known = start[: len(expected)]
    return not start.strip(b"\0") or (bool(expected) and known == expected[: len(known)])


def _link_below(results: Path) -> Path | None:
    """A link through which dropgrid would write; None if there is none.

    In other places files are renamed into place, which replaces a link but not its target.
    """
    for name in (*folders(), *files()):
        if (results / name).is_symlink():
            return results / name
    in_place = {a.path.partition("/")[0] for a in ARTEFACTS.values() if a.in_place}
    waiting = [results / name for name in sorted(in_place)]
    while waiting:
        with (
            suppress(FileNotFoundError, NotADirectoryError, PermissionError),
            os.scandir(waiting.pop()) as listing,
        ):
            for entry in listing:
                if entry.is_symlink():
                    return Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
    return None


def _schema_of(path: Path) -> str | None:
    """The schema that a JSON document names; None for other files."""
    head = FORMATS[".json"].start
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as stream:
            start = stream.read(len(head) + START)
    except OSError:
        return None
    if not start.startswith(head):
        return None
    try:
        return str(json.loads(b"{" + start[2:].split(b"\n", 1)[0].rstrip(b",") + b"}")["schema"])
    except (ValueError, KeyError):
        return None
