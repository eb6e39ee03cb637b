"""What jobs read of the corrections: results/corrections/, derived from the user's file.

{track}.json   the corrections of a track, written only when they change: an input of its
               cheap stages, so that they alone run again. Of a track whose statements were
               taken back it says nothing, and stays.
others.json    statements about files that are not in the library, or may be other recordings
               now, as a file of corrections: a recording that appears under a new name takes up
               what was stated of it.
source.json    where the user's file is, if it is not results/corrections.json
undo/          earlier corrections, for `dropgrid correct --undo` and the workbench
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..audio.digests import audio_digest
from ..base.errors import ConfigError, RecordError
from ..base.files import read_regular
from ..base.json_documents import MAX_BYTES, SCHEMA_VERSION, json_lines
from ..corrections import document, fingerprints
from ..corrections.document import Document
from ..corrections.model import NOTHING, Correction, InvalidCorrection
from ..corrections.per_track import OTHERS, digest, read_slice, slice_bytes, slice_path
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
    """The user's file: the one named, else the one of the last run, else that of the results."""
    if named is not None:
        return Path(os.path.abspath(expanded(str(named), "corrections")))
    with suppress(OSError, ValueError, KeyError, TypeError):
        values = json.loads(read_regular(Results(results).corrections / SOURCE, MAX_BYTES))
        noted = Path(values["file"])
        # A folder of results may be somebody else's: no file is made where it says.
        if values["schema"] == SOURCE_SCHEMA and noted.is_absolute() and noted.is_file():
            return noted
    return Results(results).corrections_file


def read_corrections(file: Path, needed: bool = True) -> Document:
    """The statements of a user's file. needed: it was named, so it has to be there.

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
    """Write what changed of results/corrections; the tracks with corrections.

    records: the folder of results with the records, whose fingerprints find renamed files again.
    source: the user's file. Returns a digest of its statements by track. Raises LibraryError,
    OSError.
    """
    folder = Results(results).corrections
    paths = {ticket.track: ticket.path for ticket in tracks}
    own = {
        track: corrections.tracks[path]
        for track, path in paths.items()
        if path in corrections.tracks
    }
    here = set(paths.values())
    gone = {path: c for path, c in corrections.tracks.items() if path not in here}
    for ticket in tracks:
        if ticket.track in own and _may_be_another(ticket, own[ticket.track], Results(records)):
            gone[ticket.path] = own[ticket.track]
    others = Document(gone)
    was = _others(folder)
    slices = tracks_with_corrections(results) & paths.keys()
    if not corrections.tracks and not slices and not was.tracks:
        _note_source(results, source)
        return {}
    for track in slices - own.keys():
        before = read_slice(slice_path(folder, track)) or NOTHING
        mine = before.fingerprint or recording_fingerprint(Results(records), track)
        found = others.find(paths[track], mine)
        own[track] = NOTHING if found is None else others.tracks[found]
    if was.tracks != others.tracks:
        waiting = {track: path for track, path in paths.items() if track not in own}
        own |= _found_again(records, waiting, others, was)
    for track, correction in own.items():
        write_owned(slice_path(folder, track), slice_bytes(track, correction))
    write_owned(folder / OTHERS, document.to_bytes(others))
    _note_source(results, source)
    return {track: digest(slice_path(folder, track)) for track in own}


def _may_be_another(ticket: Ticket, correction: Correction, records: Results) -> bool:
    """Whether another recording may lie where the one was that has corrections: its
    record is of another one, or its audio is no more what it was in the last run."""
    mine = recording_fingerprint(records, ticket.track)
    if fingerprints.same(correction.fingerprint, mine) is False:
        return True
    try:
        if read_ticket(records.ticket(ticket.track)) == ticket:
            return False
    except RecordError:  # of a first run
        return False
    with suppress(RecordError, OSError):
        state = read_identity(records.identity(ticket.track))
        return audio_digest(Path(ticket.file)) != state.audio
    return True


def _others(folder: Path) -> Document:
    try:
        return document.read(folder / OTHERS)
    except (OSError, InvalidCorrection):  # of another version, or damaged: written anew
        return Document()


def tracks_with_corrections(results: Path) -> set[str]:
    """The tracks that have a slice, in the library or not."""
    try:
        names = os.listdir(Results(results).corrections)
    except OSError:
        return set()
    return {n[:-5] for n in names if n.endswith(".json") and TRACK_ID.fullmatch(n[:-5])}


def _found_again(
    records: Path, paths: Mapping[str, str], others: Document, was: Document
) -> dict[str, Correction]:
    """What changed for tracks whose recording has corrections under another name."""
    found: dict[str, Correction] = {}
    for track, path in paths.items():
        mine = read_fingerprint(Results(records).record("bpm", track))
        if mine is None:
            continue
        now, before = others.find(path, mine), was.find(path, mine)
        if now is not None or before is not None:
            found[track] = NOTHING if now is None else others.tracks[now]
    return found


def read_fingerprint(path: Path) -> str | None:
    """The fingerprint in a bpm record, which is not read as a whole; None if it has none."""
    with suppress(OSError):
        found = FINGERPRINT.search(read_regular(path, MAX_BYTES))
        return found[1].decode("ascii", "replace") if found else None
    return None


def recording_fingerprint(files: Results, track: str) -> str | None:
    """The fingerprint of what a track was found to be; None where it is unknown."""
    mine = read_fingerprint(files.record("bpm", track))
    if mine is None and files.features(track).exists():  # the record is still to be made
        with suppress(RecordError):
            features = store.load(files.features(track))
            mine = fingerprints.fingerprint(features) if isinstance(features, Features) else None
    return mine


def recording_is_gone(files: Results, path: str, correction: Correction) -> bool:
    """Whether a corrected recording is no longer where it was."""
    track = track_id(path)
    with suppress(RecordError):
        if read_ticket(files.ticket(track)).path == path:
            return (
                fingerprints.same(correction.fingerprint, recording_fingerprint(files, track))
                is False
            )
    return True


def _note_source(results: Path, source: Path) -> None:
    """Say where the user's file is, where it is not the usual one."""
    path = Results(results).corrections / SOURCE
    usual = os.path.abspath(source) == os.path.abspath(Results(results).corrections_file)
    if usual:
        path.unlink(missing_ok=True)
        return
    values = {"schema": SOURCE_SCHEMA, "schema_version": SCHEMA_VERSION, "file": str(source)}
    write_owned(path, json_lines(values))
