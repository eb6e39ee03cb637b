"""The file corrections.json: a user's own, to be read, kept and compared by people.

A statement is a line, an entry of a list too, tracks are in the order of their paths: a change
of one statement is a change of one line. Fields that this version does not know are kept. What
was there before the last change stays beside it, corrections.previous.json. Whoever changes the
file holds a lock, reads it anew and writes it whole, so that nobody's edit is lost, and half of it
is never seen.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..base import claims, strict_json
from ..base.files import read_regular, sync_folder, write_atomically
from ..base.json_documents import MAX_BYTES, SCHEMA_VERSION
from . import fingerprints
from .model import Correction, InvalidCorrection, from_json, refuse, to_json

SCHEMA = "dropgrid/corrections"
PATIENCE = 10.0  # s that another writer is waited for


@dataclass
class Document:
    """The statements of a file by path within the library; unknown: fields beside them."""

    tracks: dict[str, Correction] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)

    def find(
        self,
        path: str,
        fingerprint: str | None = None,
        recording_is_gone: Callable[[str, Correction], bool] = lambda name, correction: True,
    ) -> str | None:
        """The path under which statements about a recording stand; None if there are none.

        Those of its own path, unless they are about another recording; else those about the same
        recording under a path where it is no more, as `is_gone` tells of a path and its
        statements: a copy that is in the library keeps its own. Of several such paths, the one
        with the very fingerprint counts, then the one that ends most like this path; None where
        two fit equally well.
        """
        own = self.tracks.get(path)
        mine = own is not None and fingerprints.same(own.fingerprint, fingerprint) is not False
        if own is not None and mine and not own.has_only_page_edits:
            return path
        if fingerprint is None:
            return path if mine else None
        fits = sorted(
            ((correction.fingerprint == fingerprint, _common_end(name, path)), name)
            for name, correction in self.tracks.items()
            if name != path
            and fingerprints.same(correction.fingerprint, fingerprint)
            and recording_is_gone(name, correction)
        )
        if not fits or (len(fits) > 1 and fits[-1][0] == fits[-2][0]):
            return path if mine else None
        return fits[-1][1]

    def put(self, path: str, correction: Correction, before: str | None = None) -> None:
        """State this of a path; nothing if it is empty. before: where it stood until now."""
        if before is not None:
            self.tracks.pop(before, None)
        self.tracks.pop(path, None)
        if not correction.is_empty:
            self.tracks[path] = correction


def _common_end(one: str, other: str) -> int:
    """How many names at the end of two paths are the same: file name, folder, folder above."""
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def read(path: Path) -> Document:
    """The statements of a file; none where there is no file. Raises InvalidCorrection, OSError."""
    try:
        data = read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        return Document()
    return parse(data, str(path))


def parse(data: bytes, place: str) -> Document:
    """The statements in the bytes of a file. Raises InvalidCorrection, which names the place."""
    try:
        values = strict_json.loads(data)
    except ValueError as error:
        refuse(place, f"not JSON ({error})", None)
    if not isinstance(values, dict) or values.pop("schema", None) != SCHEMA:
        refuse(place, f"no file of corrections (its schema is not {SCHEMA})", None)
    version = values.pop("schema_version", None)
    if version != SCHEMA_VERSION:
        refuse(f"{place}: schema_version", f"not {SCHEMA_VERSION}", version)
    tracks = values.pop("tracks", {})
    if not isinstance(tracks, dict):
        refuse(f"{place}: tracks", "not an object", tracks)
    found = {}
    for path, entry in tracks.items():
        if not path or path.startswith("/") or "\0" in path or ".." in path.split("/"):
            refuse(f"{place}: tracks", "not a path within the library", path)
        found[path] = from_json(entry, f"{place}: {path}")
    return Document(found, values)


def to_bytes(document: Document) -> bytes:
    """The bytes of a file. Raises InvalidCorrection for a number that is none."""
    lines = ["{", f'  "schema": {_text(SCHEMA)},', f'  "schema_version": {SCHEMA_VERSION},']
    lines += [f"  {_text(name)}: {_json(value)}," for name, value in document.unknown.items()]
    entries = [
        f"    {_text(path)}: {_entry(to_json(correction))}"
        for path, correction in sorted(document.tracks.items())
    ]
    body = "{\n" + ",\n".join(entries) + "\n  }" if entries else "{}"
    return "\n".join([*lines, f'  "tracks": {body}', "}", ""]).encode()


def _entry(values: Mapping[str, Any]) -> str:
    statements = [f"      {_text(name)}: {_statement(value)}" for name, value in values.items()]
    return "{\n" + ",\n".join(statements) + "\n    }" if statements else "{}"


def _statement(value: Any, indent: str = "      ") -> str:
    """A statement in a line, or where it is a list of objects, or one of lists, in several."""
    inner = indent + "  "
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        lines = [inner + _json(item) for item in value]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    if isinstance(value, dict) and any(isinstance(item, list) for item in value.values()):
        lines = [
            f"{inner}{_text(name)}: {_statement(item, inner)}" for name, item in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return _json(value)


def _json(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise InvalidCorrection(f"not a number that JSON has: {error}") from error
    return text if _encodable(text) else json.dumps(value)


def _text(text: str) -> str:
    return _json(text)


def _encodable(text: str) -> bool:
    """Whether a text has bytes: names of files may hold what is no character."""
    with suppress(UnicodeEncodeError):
        text.encode()
        return True
    return False


def previous_of(path: Path) -> Path:
    """Where the version before the last change is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def real_path(path: Path) -> Path:
    """The file that a path names, links followed: it is changed, locked and kept a copy of.

    Raises InvalidCorrection for a link that leads to no file: none is made where a link says.
    """
    if not path.is_symlink():
        return path
    real = Path(os.path.realpath(path))
    if not real.is_file():
        refuse(str(path), f"a link to {real}, which is not there; name a file", None)
    return real


@contextmanager
def changing(path: Path) -> Iterator[Document]:
    """The document of a file, to be changed; written when all is done, by nobody else meanwhile.

    Raises InvalidCorrection where the file holds no corrections or another writer does not end,
    OSError.
    """
    path = real_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        old = read_regular(path, MAX_BYTES) if path.exists() else None
        document = Document() if old is None else parse(old, str(path))
        yield document
        data = to_bytes(document)
        if data == old or (old is None and not document.tracks):
            return
        if old is not None:
            write_atomically(previous_of(path), old)
        write_atomically(path, data)
        sync_folder(path.parent)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Be the only writer of a file, on a file system without locks too."""
    lock = path.with_name(f".{path.name}.lock")
    claim: Path | None = None
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                reason = "another program is writing it"
            except OSError:  # a file system without locks
                try:
                    claims.claim(lock.with_suffix(".claim"))
                    claim = lock.with_suffix(".claim")
                    break
                except claims.Claimed as error:
                    reason = f"another program is writing it: {error}"
            if time.monotonic() > end:
                refuse(str(path), reason, None)
            time.sleep(0.01)
        yield
    finally:
        if claim is not None:
            claims.release(claim)
        os.close(descriptor)
