"""The file corrections.json, which belongs to the user and is easy to read and compare.

Each field and each entry of a list is on its own line, and tracks are sorted by path, so that a
change of one field changes one line. Unknown fields are kept. The version before the last change
is kept as corrections.previous.json. To change the file, a program locks it, reads it again and
replaces it, so that no edit is lost and no reader sees half a file.
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
LOCK_TIMEOUT = 10.0  # s


@dataclass
class Document:
    """The corrections of a file by path within the library; unknown: other fields of the file."""

    tracks: dict[str, Correction] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)

    def find(
        self,
        path: str,
        fingerprint: str | None = None,
        recording_is_gone: Callable[[str, Correction], bool] = lambda name, correction: True,
    ) -> str | None:
        """The path of the correction of a recording; None if it has none.

        This is its own path, unless the correction there belongs to another recording; else the
        path of a correction with the same fingerprint whose recording is no longer at that path
        (a copy that is still in the library keeps its own correction). Of several such paths, an
        identical fingerprint comes first, then the longest common end of the paths; None if two
        fit equally well.
        """
        own = self.tracks.get(path)
        is_own = own is not None and fingerprints.same(own.fingerprint, fingerprint) is not False
        if own is not None and is_own and not own.has_only_page_edits:
            return path
        if fingerprint is None:
            return path if is_own else None
        fits = sorted(
            ((correction.fingerprint == fingerprint, _common_end(name, path)), name)
            for name, correction in self.tracks.items()
            if name != path
            and fingerprints.same(correction.fingerprint, fingerprint)
            and recording_is_gone(name, correction)
        )
        if not fits or (len(fits) > 1 and fits[-1][0] == fits[-2][0]):
            return path if is_own else None
        return fits[-1][1]

    def put(self, path: str, correction: Correction, before: str | None = None) -> None:
        """Set the correction of a path, or remove it if it is empty. before: its earlier path."""
        if before is not None:
            self.tracks.pop(before, None)
        self.tracks.pop(path, None)
        if not correction.is_empty:
            self.tracks[path] = correction


def _common_end(path: str, other: str) -> int:
    """The number of equal names at the end of two paths: file name, folder, folder above."""
    pairs = zip(reversed(path.split("/")), reversed(other.split("/")), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def read(path: Path) -> Document:
    """The corrections in a file; none if there is no file. Raises InvalidCorrection, OSError."""
    try:
        data = read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        return Document()
    return parse(data, str(path))


def parse(data: bytes, place: str) -> Document:
    """The corrections in the bytes of a file. Raises InvalidCorrection, naming the place."""
    try:
        values = strict_json.loads(data)
    except ValueError as error:
        refuse(place, f"not JSON ({error})", None)
    if not isinstance(values, dict) or values.pop("schema", None) != SCHEMA:
        refuse(place, f"not a corrections file (its schema is not {SCHEMA})", None)
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
    """The bytes of a file. Raises InvalidCorrection for NaN or infinity."""
    lines = ["{", f'  "schema": {_text(SCHEMA)},', f'  "schema_version": {SCHEMA_VERSION},']
    lines += [f"  {_text(name)}: {_json(value)}," for name, value in document.unknown.items()]
    entries = [
        f"    {_text(path)}: {_entry(to_json(correction))}"
        for path, correction in sorted(document.tracks.items())
    ]
    body = "{\n" + ",\n".join(entries) + "\n  }" if entries else "{}"
    return "\n".join([*lines, f'  "tracks": {body}', "}", ""]).encode()


def _entry(values: Mapping[str, Any]) -> str:
    lines = [f"      {_text(name)}: {_value(value)}" for name, value in values.items()]
    return "{\n" + ",\n".join(lines) + "\n    }" if lines else "{}"


def _value(value: Any, indent: str = "      ") -> str:
    """A value on one line; a list of objects, or an object with lists, on several lines."""
    inner = indent + "  "
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        lines = [inner + _json(item) for item in value]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    if isinstance(value, dict) and any(isinstance(item, list) for item in value.values()):
        lines = [f"{inner}{_text(name)}: {_value(item, inner)}" for name, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return _json(value)


def _json(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise InvalidCorrection(f"not a JSON number: {error}") from error
    return text if _encodable(text) else json.dumps(value)


def _text(text: str) -> str:
    return _json(text)


def _encodable(text: str) -> bool:
    """Whether a text can be encoded: file names may contain undecodable bytes."""
    with suppress(UnicodeEncodeError):
        text.encode()
        return True
    return False


def previous_of(path: Path) -> Path:
    """The path of the version before the last change."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def real_path(path: Path) -> Path:
    """The file at a path, with links followed: the file to change, lock and copy.

    Raises InvalidCorrection for a link to a missing file: a link does not create files.
    """
    if not path.is_symlink():
        return path
    real = Path(os.path.realpath(path))
    if not real.is_file():
        refuse(str(path), f"a link to {real}, which does not exist; name a file", None)
    return real


@contextmanager
def changing(path: Path) -> Iterator[Document]:
    """Change a file: yields its document, and writes it at the end; the file is locked meanwhile.

    Raises InvalidCorrection if it is not a corrections file or stays locked by another program,
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
    """Lock a file against other writers, even on a file system without locks."""
    lock = path.with_name(f".{path.name}.lock")
    claim: Path | None = None
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        end = time.monotonic() + LOCK_TIMEOUT
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
