"""Rows of a library table to mix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dropgrid.mixing.library import Library, library_of

USUAL: dict[str, Any] = {
    "bpm": 128.0, "key": "A minor", "key_confidence": 1.0, "confidence": 1.0,
    "confidence_downbeat": 1.0, "energy": 0.7, "loudness": -9.0, "duration": 240.0,
    "sections": "intro:16 drop:32 outro:16", "mix_in_bars": 16, "mix_out_bars": 16,
    "title": "", "artist": "",
}  # fmt: skip


@pytest.fixture
def library() -> Callable[..., Library]:
    """A library of tracks a, b, c ...: each a dict of what differs from USUAL."""

    def make(*tracks: dict[str, Any], duplicates: dict[str, list[str]] | None = None) -> Library:
        rows = []
        for number, track in enumerate(tracks):
            name = chr(ord("a") + number) if number < 26 else f"t{number}"
            values = {**USUAL, "track": name, "path": f"{name}.flac", **track}
            rows.append({k: "" if v is None else str(v) for k, v in values.items()})
        return library_of(rows, duplicates)

    return make
