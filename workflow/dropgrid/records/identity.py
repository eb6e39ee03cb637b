"""The identity of a track: digests of its file and audio at the time of the analysis.

results/identity/{track}.json is written by the job that reads the audio. It serves to recognise
a file that was renamed, moved, copied, touched or mounted elsewhere (dropgrid.run.moved_files),
and two tracks with the same audio.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..base.errors import InvalidRecord
from ..base.files import write_atomically
from ..base.json_documents import SCHEMA_VERSION, json_lines, parse_document, read_bytes
from . import validate

SCHEMA = "dropgrid/identity"
DIGEST = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Identity:
    """track: its id; path: within the library; size: bytes, mtime_ns: nanoseconds since 1970;
    whole, sample, audio: the digests of dropgrid.audio.digests."""

    track: str
    path: str
    size: int
    mtime_ns: int
    whole: str
    sample: str
    audio: str


def identity_json(identity: Identity) -> bytes:
    """The bytes of an identity."""
    return json_lines({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(identity)})


def write_identity(path: Path, identity: Identity) -> None:
    """Write results/identity/{track}.json. Raises OSError."""
    write_atomically(path, identity_json(identity), durable=False)


def read_identity(path: Path) -> Identity:
    """Read results/identity/{track}.json. Raises RecordError."""
    values: dict[str, Any] = parse_document(read_bytes(path), SCHEMA, path)
    try:
        identity = Identity(**values)
        validate.check_id(identity.track)
        validate.check_path(identity.path)
    except (TypeError, ValueError, validate.Invalid) as error:
        raise InvalidRecord(f"{path}: {error}") from error
    for name in ("whole", "sample", "audio"):
        digest = getattr(identity, name)
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
            raise InvalidRecord(f"{path}: {name}: {digest!r} is no digest")
    if type(identity.size) is not int or type(identity.mtime_ns) is not int:
        raise InvalidRecord(f"{path}: size, mtime_ns: not whole numbers")
    if identity.track != path.stem:
        raise InvalidRecord(f"{path}: track: is the identity of another track, {identity.track}")
    return identity
