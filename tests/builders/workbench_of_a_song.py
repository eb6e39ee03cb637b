"""The address of the only song of a library that is edited."""

from __future__ import annotations

from pathlib import Path

from dropgrid.apply_corrections import document
from dropgrid.library import track_id

SONG = "house.flac"
TRACK = track_id(SONG)
ONE = f"api/tracks/{TRACK}"
SECRET = b"nobody else's business"


def corrections_of(folder: Path) -> dict:
    return document.read(folder / "results" / "corrections.json").tracks
