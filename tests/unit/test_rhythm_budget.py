"""The budget of lost beats names the cause, and its parts add up to the whole loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
TRUTH = 10 + 0.5 * np.arange(64)


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from rhythm_budget import budget

    return budget


@pytest.mark.parametrize(
    ("beats", "cause"),
    [
        (TRUTH[::2], "octave"),
        (TRUTH[1::2], "octave"),
        (10 + 0.25 * np.arange(127), "octave"),
        (TRUTH + 0.25, "half beat"),
        (np.append(TRUTH, TRUTH[-1] + 0.5 * np.arange(1, 9)), "before after"),
        (TRUTH[:-8], "missing"),
        (np.append(TRUTH[:20], TRUTH[20:] + 0.1), "inside"),
    ],
)
def test_a_loss_has_its_cause(budget, beats, cause):
    lost = budget(TRUTH, beats)
    assert max(lost, key=lambda name: lost[name]) == cause
    assert sum(lost.values()) > 0.05


def test_all_losses_add_up(budget):
    import mir_eval

    beats = np.append(TRUTH[4:40:2], TRUTH[-1] + 0.5 * np.arange(1, 6))
    score = mir_eval.beat.f_measure(TRUTH, beats)
    assert sum(budget(TRUTH, beats).values()) == pytest.approx(1 - score)


def test_right_beats_lose_nothing(budget):
    assert sum(budget(TRUTH, TRUTH).values()) == pytest.approx(0)
    assert sum(budget(TRUTH, np.zeros(0)).values()) == pytest.approx(1)
