"""Published scores come out of our metrics as published."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
@pytest.mark.smoke
def test_published_numbers_are_reproduced(shared: Path) -> None:
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "published_numbers.py"))
    found = benchmark["accuracies"](shared / "reference")
    rounded = {key: (round(one, 4), round(two, 4)) for key, (one, two) in found.items()}
    assert rounded == {
        ("multi_task", "v1"): (0.6431, 0.8886),
        ("multi_task", "v2"): (0.7005, 0.9622),
        ("multi_task_hjdb", "v1"): (0.6913, 0.8931),
        ("multi_task_hjdb", "v2"): (0.7670, 0.9622),
    }
    scores = benchmark["beat_scores"](shared / "reference")
    assert len(scores) == 129
    for track, (value, published) in scores.items():
        assert value == pytest.approx(published, abs=1e-9), track
