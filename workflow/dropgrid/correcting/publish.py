"""The corrections that jobs read: results/corrections/, derived from the corrections file.

{track}.json   the correction of a track, written only when it changes: an input of the track's
               cheap stages, so that only they run again. It stays, empty, when the correction is
               undone.
others.json    corrections of files that are not in the library, or may be other recordings now:
               a recording that appears under a new name gets its correction from here.
source.json    where the corrections file is, if it is not results/corrections.json
undo/          earlier corrections, for `dropgrid correct --undo` and the workbench
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..apply_corrections import document, fingerprints
from ..apply_corrections.document import Document
from ..apply_corrections.model import NOTHING, Correction, InvalidCorrection
from ..apply_corrections.per_track import OTHERS, digest, read_slice, slice_bytes, slice_path
from ..audio.digests import audio_digest
from ..base.errors import ConfigError, RecordError
from ..base.files import read_regular
from ..base.json_documents import MAX_BYTES, SCHEMA_VERSION, json_lines
from ..features import Features, store
from ..library import expanded, track_id
from ..records.identity import read_identity
from ..records.ticket import TRACK_ID, Ticket, read_ticket
from ..results.layout import Results
from ..results.ownership import write_owned

SOURCE = "source.json"
SOURCE_SCHEMA = "dropgrid/corrections-source"
FINGERPRINT = re.compile(rb'\n  "fingerprint": "([^"]*)"')


def corrections_file(results: Path, named: str | os.PathLike[str] | None = None) -> Path:
    """The corrections file: `named`, else that of the last run, else that of the results."""
    if named is not None:
        return Path(os.path.abspath(expanded(str(named), "corrections")))
    with suppress(OSError, ValueError, KeyError, TypeError):
        values = json.loads(read_regular(Results(results).corrections / SOURCE, MAX_BYTES))
        source = Path(values["file"])
        # A results folder may come from someone else, so it cannot cause a new file elsewhere.
        if values["schema"] == SOURCE_SCHEMA and source.is_absolute() and source.is_file():
            return source
    return Results(results).corrections_file


def read_corrections(file: Path, needed: bool = True) -> Document:
    """The corrections in a file. needed: the user named it, so it must exist.

    Raises InvalidCorrection, ConfigError.
    """
    if needed and not file.exists():
        raise ConfigError(f"corrections: {file}: there is no such file")
    try:
        return document.read(file)
    except OSError as error:
        raise ConfigError(f"corrections: {file}: {error.strerror or error}") from error


def write_slices(
    corrections: Document, tracks: Sequence[Ticket], results: Path, records: Path, source: Path
) -> dict[str, str]:
    """Write the changed files of results/corrections.

    records: the results folder with the records, whose fingerprints identify renamed files.
    source: the corrections file. Returns a digest of the correction of each corrected track.
    Raises LibraryError, OSError.
    """
    folder = Results(results).corrections
    paths = {ticket.track: ticket.path for ticket in tracks}
    own = {
        track: corrections.tracks[path]
        for track, path in paths.items()
        if path in corrections.tracks
    }
    present = set(paths.values())
    absent = {path: c for path, c in corrections.tracks.items() if path not in present}
    for ticket in tracks:
        if ticket.track in own and _may_be_another(ticket, own[ticket.track], Results(records)):
            absent[ticket.path] = own[ticket.track]
    others = Document(absent)
    before = _others(folder)
    slices = tracks_with_corrections(results) & paths.keys()
    if not corrections.tracks and not slices and not before.tracks:
        _note_source(results, source)
        return {}
    for track in slices - own.keys():
        last = read_slice(slice_path(folder, track)) or NOTHING
        fingerprint = last.fingerprint or recording_fingerprint(Results(records), track)
        found = others.find(paths[track], fingerprint)
        own[track] = NOTHING if found is None else others.tracks[found]
    if before.tracks != others.tracks:
        waiting = {track: path for track, path in paths.items() if track not in own}
        own |= _changed_by_others(records, waiting, others, before)
    for track, correction in own.items():
        write_owned(slice_path(folder, track), slice_bytes(track, correction))
    write_owned(folder / OTHERS, document.to_bytes(others))
    _note_source(results, source)
    return {track: digest(slice_path(folder, track)) for track in own}


def _may_be_another(ticket: Ticket, correction: Correction, records: Results) -> bool:
    """Whether a corrected track may be another recording now: its record has another
    fingerprint, or its audio has changed since the last run."""
    fingerprint = recording_fingerprint(records, ticket.track)
    if fingerprints.same(correction.fingerprint, fingerprint) is False:
        return True
    try:
        if read_ticket(records.ticket(ticket.track)) == ticket:
            return False
    except RecordError:  # in a first run
        return False
    with suppress(RecordError, OSError):
        identity = read_identity(records.identity(ticket.track))
        return audio_digest(Path(ticket.file)) != identity.audio
    return True


def _others(folder: Path) -> Document:
    try:
        return document.read(folder / OTHERS)
    except (OSError, InvalidCorrection):  # of another version, or damaged: it is written again
        return Document()


def tracks_with_corrections(results: Path) -> set[str]:
    """The tracks that have a file in results/corrections, whether or not in the library."""
    try:
        names = os.listdir(Results(results).corrections)
    except OSError:
        return set()
    return {n[:-5] for n in names if n.endswith(".json") and TRACK_ID.fullmatch(n[:-5])}


def _changed_by_others(
    records: Path, paths: Mapping[str, str], others: Document, before: Document
) -> dict[str, Correction]:
    """The new corrections of tracks whose recording has, or had, one under another name."""
    found: dict[str, Correction] = {}
    for track, path in paths.items():
        fingerprint = read_fingerprint(Results(records).record("bpm", track))
        if fingerprint is None:
            continue
        now = others.find(path, fingerprint)
        if now is not None or before.find(path, fingerprint) is not None:
            found[track] = NOTHING if now is None else others.tracks[now]
    return found


def read_fingerprint(path: Path) -> str | None:
    """The fingerprint in a bpm record, without parsing the record; None if it has none."""
    with suppress(OSError):
        found = FINGERPRINT.search(read_regular(path, MAX_BYTES))
        return found[1].decode("ascii", "replace") if found else None
    return None


def recording_fingerprint(files: Results, track: str) -> str | None:
    """The fingerprint of a track's recording; None if it is unknown."""
    found = read_fingerprint(files.record("bpm", track))
    if found is None and files.features(track).exists():  # the record is not made yet
        with suppress(RecordError):
            features = store.load(files.features(track))
            found = fingerprints.fingerprint(features) if isinstance(features, Features) else None
    return found


def recording_is_gone(files: Results, path: str, correction: Correction) -> bool:
    """Whether a corrected recording is no longer at its path."""
    track = track_id(path)
    with suppress(RecordError):
        if read_ticket(files.ticket(track)).path == path:
            return (
                fingerprints.same(correction.fingerprint, recording_fingerprint(files, track))
                is False
            )
    return True


def _note_source(results: Path, source: Path) -> None:
    """Write down where the corrections file is, unless it is in its default place."""
    path = Results(results).corrections / SOURCE
    is_default = os.path.abspath(source) == os.path.abspath(Results(results).corrections_file)
    if is_default:
        path.unlink(missing_ok=True)
        return
    values = {"schema": SOURCE_SCHEMA, "schema_version": SCHEMA_VERSION, "file": str(source)}
    write_owned(path, json_lines(values))
