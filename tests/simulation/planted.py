"""Faults that this project once had: the simulated world must find each of them again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from dropgrid.apply_corrections import document, fingerprints, model
from dropgrid.apply_corrections.model import Confirmed, Correction
from dropgrid.base import files
from dropgrid.correcting import import_grids
from dropgrid.run import plan
from dropgrid.tagging import in_place


def _any_equal_fingerprint(
    self: document.Document,
    path: str,
    fingerprint: str | None = None,
    recording_is_gone: Any = None,
) -> str | None:
    """A track gets the corrections of a copy that is still in the library."""
    own = self.tracks.get(path)
    if own is not None and fingerprints.same(own.fingerprint, fingerprint) is not False:
        return path
    for name, correction in sorted(self.tracks.items()):
        if fingerprints.same(correction.fingerprint, fingerprint):
            return name
    return None


def _absence_means_none(value: Any, place: str) -> Confirmed:
    """A page without drops in its answer is read as an answer without drops."""
    return Confirmed(
        value.get("answer", ""),
        model.grid(value.get("grid") or [], place),
        model.sections(value["sections"], place) if value.get("sections") else (),
        model.drops(value.get("drops") or [], place),
        value.get("key"),
    )


def _copy_any_whole(folder: Path, entries: Any = ()) -> list[tuple[Path, str]]:
    """Any file named like a finished copy replaces the file that its name contains."""
    for name in sorted(os.listdir(folder)):
        match = in_place.LEFT_OVER.fullmatch(name)
        if match and match["state"] == in_place.WHOLE and (folder / match["name"]).is_file():
            (folder / match["name"]).write_bytes((folder / name).read_bytes())
            (folder / name).unlink()
    return []


def _replace_links(path: Path) -> Path:
    """A corrections file that is a link becomes a plain file."""
    return path


def _forget_modes(path: Path) -> int | None:
    """A file that only its owner may read is opened to others."""
    return None


def _write_in_place(path: Path, data: bytes, durable: bool = True) -> None:
    """A corrections file is written in place, not replaced."""
    with path.open("wb") as file:
        os.fsync(file.fileno())
        file.write(data)


def _forget_corrections(
    session: Any,
    state: Any,
    reference: Any,
    before: Correction,
    taken: Any = import_grids._imported,
) -> import_grids.GridImport:
    """An imported grid replaces all corrections of a track."""
    found: import_grids.GridImport = taken(session, state, reference, Correction())
    return found


def _no_shadow(results: Path) -> Path:
    """A dry run writes its plan into the results."""
    return results


PLANTED: dict[str, list[tuple[Any, str, Any]]] = {
    "corrections of a copy are used": [
        (document.Document, "find", _any_equal_fingerprint),
    ],
    "confirming deletes drops": [(model, "_confirmed", _absence_means_none)],
    "any finished copy is written": [(in_place, "finish_interrupted", _copy_any_whole)],
    "a link is replaced": [(document, "real_path", _replace_links)],
    "a mode is forgotten": [(files, "_mode_of", _forget_modes)],
    "corrections are written in place": [(document, "write_atomically", _write_in_place)],
    "an import forgets corrections": [(import_grids, "_imported", _forget_corrections)],
    "a dry run writes": [(plan, "shadow_of", _no_shadow)],
}
# The message of the check that must find each fault.
HARM = {
    "corrections of a copy are used": "changed the correction of another|lost: |not applied",
    "confirming deletes drops": "changed its answer",
    "any finished copy is written": "its audio changed|cannot be read any more",
    "a link is replaced": "is not a link any more",
    "a mode is forgotten": "has the mode",
    "corrections are written in place": "not JSON",
    "an import forgets corrections": "changed its correction|lost: ",
    "a dry run writes": "a dry run changed",
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Run with one of the faults."""
    with ExitStack() as stack:
        for owner, attribute, value in PLANTED[name]:
            stack.enter_context(mock.patch.object(owner, attribute, value))
        if name == "confirming deletes drops":
            checks = {**model._CHECKS, "confirmed": _absence_means_none}
            stack.enter_context(mock.patch.object(model, "_CHECKS", checks))
        yield
