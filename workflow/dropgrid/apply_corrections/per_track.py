"""The corrections as jobs read them: one file per track, and one for all other corrections.

A job of one track must not depend on the corrections of another track, so
dropgrid.correcting.publish splits corrections.json into files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ..base.errors import RecordError
from ..base.files import read_regular
from ..base.json_documents import MAX_BYTES, SCHEMA_VERSION, json_lines
from ..features import Features
from ..records.model import TrackFailure
from . import document, fingerprints
from .model import NOTHING, Correction, from_json, to_json

SCHEMA = "dropgrid/correction"
OTHERS = "others.json"  # corrections of files that are not in the library


def slice_path(folder: Path, track: str) -> Path:
    """The file with the correction of a track."""
    return folder / f"{track}.json"


def slice_bytes(track: str, correction: Correction) -> bytes:
    """A correction as jobs read it: without the note, and without edits that are not applied."""
    values = to_json(replace(correction, note=None, edits=None, unknown={}))
    head = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "track": track}
    return json_lines({**head, "statements": values})


def read_slice(path: Path) -> Correction | None:
    """The correction of a track; None if it never had one. Raises RecordError."""
    try:
        values = json.loads(read_regular(path, MAX_BYTES))
        if values["schema"] != SCHEMA or values["schema_version"] != SCHEMA_VERSION:
            raise RecordError(f"{path}: not a {SCHEMA} of this version")
        return from_json(values["statements"], str(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(f"{path}: cannot be read as a track's corrections ({error})") from error


def correction_for(
    folder: Path, track: str, features: Features | TrackFailure, path: str = ""
) -> Correction:
    """The correction of a track's recording, which may have had another name.

    folder: results/corrections; path: of the track within the library. Raises RecordError,
    InvalidCorrection.
    """
    if isinstance(features, TrackFailure):
        return NOTHING
    own = read_slice(slice_path(folder, track))
    fingerprint = fingerprints.fingerprint(features)
    if own is not None and fingerprints.same(own.fingerprint, fingerprint) is not False:
        return own
    others = document.read(folder / OTHERS)
    found = others.find(path, fingerprint)
    return NOTHING if found is None else others.tracks[found]


def with_corrections(
    folder: Path | None,
    track: str,
    features: Features | TrackFailure,
    write: Callable[[Correction], None],
    name: str = "",
) -> None:
    """Write a record with the correction of its track; again if that changes meanwhile.

    folder: results/corrections; None: no corrections. name: the path of the track within the
    library. Raises what correction_for and write raise.
    """
    if folder is None:
        write(NOTHING)
        return
    path = slice_path(folder, track)
    while True:
        before = digest(path)
        write(correction_for(folder, track, features, name))
        if digest(path) == before:
            return


def digest(path: Path) -> str:
    """A digest of a file's bytes; "" if there is no file."""
    with suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return ""
