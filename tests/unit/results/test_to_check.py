"""Which tracks are to be checked, and why."""

from __future__ import annotations

from typing import Any

import pytest
from dropgrid.results.to_check import reasons

SURE: dict[str, Any] = {
    "status": "ok", "bpm": 128.0, "confidence": 0.9, "confidence_tempo": 1.0,
    "confidence_octave": 0.9, "confidence_phase": 1.0, "confidence_downbeat": 1.0,
    "source": "computed", "tempo_regions": 1, "key": "A minor", "key_confidence": 0.9,
    "key_sure": True,
}  # fmt: skip


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"confidence": 0.5, "confidence_octave": 0.5}, "It may be half or twice the tempo"),
        ({"confidence": 0.5, "confidence_phase": 0.5}, "The beats may lie half a beat off"),
        ({"confidence": 0.8, "confidence_octave": 0.8}, None),  # that is sure enough
        ({"confidence_downbeat": 0.6}, None),
        ({"confidence": 0.5, "bpm": None}, None),  # no tempo to be unsure about
        ({"confidence_downbeat": 0.5}, "The downbeat may be on another beat (confidence 0.50)"),
        ({"tag_bpm": 64.0}, "The file's tag says 64.00, the audio 128.00"),
        ({"tag_bpm": 128.4}, None),
        ({"tag_bpm": 64.0, "source": "corrected"}, None),
        ({"tempo_regions": 3}, "The tempo changes (3 grid regions)"),
        ({"tempo_regions": 3, "source": "corrected"}, None),
        ({"tag_key": "Bb minor"}, "The file's tag says Bb minor, the audio A minor"),
        ({"tag_key": "Bb minor", "key_sure": False}, None),
        ({"tag_key": "Bb minor", "key_confidence": 1.0}, None),  # corrected by the user
        ({"problem": "audio: cut short"}, "The file: audio: cut short"),
        ({"status": "error", "confidence": 0.1}, None),
    ],
)
def test_a_row_of_records_and_of_the_table_read_alike(
    changes: dict[str, Any], why: str | None, as_text: bool
) -> None:
    row = {**SURE, **changes}
    if as_text:
        row = {name: "" if value is None else str(value) for name, value in row.items()}
    found = [text for _, text in reasons(row)]
    assert found == [] if why is None else found[0].startswith(why)
    assert reasons(row, confirmed=True) == []


def test_copies_and_references_count() -> None:
    assert reasons(SURE, copies=["b.mp3"]) == [("copies", "There more than once: b.mp3")]
    assert reasons(SURE, 128.4) == []
    assert reasons(SURE, 174.0) == [("grid", "The reference says 174.00")]
