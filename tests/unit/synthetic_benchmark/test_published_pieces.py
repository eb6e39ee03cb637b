"""The music of a seed stays the same: whoever repeats a published result must get its pieces.

docs/benchmark.md has results on seed 1. pieces_of_seed_1.json describes these pieces as they were
when the results were published. If a change of the composition is meant, make the file again
(`python tests/unit/synthetic_benchmark/test_published_pieces.py`) and measure the results again.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dropgrid.synthetic_benchmark.composition import compose
from dropgrid.synthetic_benchmark.make import TOLERANCE, levels
from dropgrid.synthetic_benchmark.piece import Piece
from dropgrid.synthetic_benchmark.rendering import render
from dropgrid.synthetic_benchmark.traits import TWINS

FILE = Path(__file__).with_name("pieces_of_seed_1.json")
SEED = 1
HEARD = ((0, ""), (4, ""), (6, "quiet"), (8, ""), (10, ""), (11, ""), (13, ""))


def rounded(values: Any) -> list[float]:
    return [round(float(value), 5) + 0.0 for value in np.ravel(values)]


def digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:12]


def facts(piece: Piece) -> dict[str, Any]:
    """A piece in few words: what is composed, and digests of its beats and strokes."""
    strokes = [
        [*rounded([s.beat, s.strength, s.pitch, s.beats]), s.layer, s.sound] for s in piece.strokes
    ]
    return {
        "style": piece.style, "bpm": piece.bpm, "meter": piece.beats_per_bar,
        "pickup": piece.pickup, "start": piece.start,
        "form": " ".join(f"{label}:{bars}" for label, bars in piece.form),
        "keys": [list(key) for key in piece.keys], "traits": " ".join(piece.traits),
        "tuning": round(piece.tuning, 3), "beats": digest(rounded(piece.beats)),
        "tempo": digest(rounded(piece.tempo)), "strokes": digest(strokes),
    }  # fmt: skip


def wanted() -> list[tuple[int, str]]:
    """The pieces of the published tables, as many again, and the twins of the first."""
    return [(number, "") for number in range(30)] + [(0, twin) for twin in TWINS]


def known() -> Any:
    return json.loads(FILE.read_text())


@pytest.mark.parametrize(("number", "twin"), wanted())
def test_a_published_piece_is_composed_as_it_was(number: int, twin: str) -> None:
    piece = compose(SEED, number, twin)
    assert facts(piece) == known()["composed"][piece.name]


@pytest.mark.parametrize(("number", "twin"), HEARD)
def test_a_published_piece_sounds_as_it_did(number: int, twin: str) -> None:
    """By the levels of its seconds, within the tolerance between two machines."""
    piece = compose(SEED, number, twin)
    expected = known()["levels"][piece.name]
    found = levels(render(piece))
    assert len(found) == len(expected)
    assert np.abs(np.subtract(found, expected)).max() <= TOLERANCE


if __name__ == "__main__":
    composed = {(piece := compose(SEED, *what)).name: facts(piece) for what in wanted()}
    heard = {(piece := compose(SEED, *what)).name: levels(render(piece)) for what in HEARD}
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in composed.items()]
    more = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in heard.items()]
    FILE.write_text(
        '{"composed": {\n' + ",\n".join(lines) + '\n}, "levels": {\n' + ",\n".join(more) + "\n}}\n"
    )
