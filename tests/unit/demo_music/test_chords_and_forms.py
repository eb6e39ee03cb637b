"""What the demonstration music is made of: chords of its key, patterns, forms, silence around."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.demo_music import compose, rendering
from dropgrid.demo_music.composition import LONGEST, SHORT_FORMS, TAIL, fit_form
from dropgrid.demo_music.styles import KEY_PROGRESSIONS, PROGRESSIONS, strokes

RATE = 16000
MINOR = {0: True, 3: False, 5: True, 7: True, 8: False, 10: False}
MAJOR = {0: False, 5: False, 7: False, 9: True}


@pytest.mark.parametrize("mode", [*KEY_PROGRESSIONS, None])
def test_chords_belong_to_the_key_and_the_tonic_comes_first_and_often(mode: str | None) -> None:
    scale = MAJOR if mode == "major" else MINOR
    choice = PROGRESSIONS if mode is None else KEY_PROGRESSIONS[mode]
    assert len(set(choice)) == len(choice) == 4  # all different
    for chords in choice:
        assert len(chords) == 4 and chords[0] == (0, scale[0])
        assert all(scale[root] == minor for root, minor in chords)
        assert mode is None or sum(root == 0 for root, _ in chords) == 2


def test_a_pattern_is_repeated_with_its_strengths() -> None:
    assert strokes("9...3...........", 2) == [(0, 1.0), (4, 1 / 3), (16, 1.0), (20, 1 / 3)]
    assert strokes("1" + "." * 31, 4) == [(0, 1 / 9), (32, 1 / 9)]
    assert strokes("." * 16, 4) == []


@pytest.mark.parametrize("bars", [0, 19, 20, 27, 28, 32, 35, 36, 40, 60, 84, 200])
def test_a_form_is_as_long_as_fits_and_no_section_too_long(bars: int) -> None:
    for seed in range(6):
        form = fit_form(np.random.default_rng(seed), bars)
        total = sum(length for _, length in form)
        assert total <= max(bars, 20) and total >= 20
        assert all(length <= LONGEST[label] for label, length in form)
        assert (form == SHORT_FORMS[-1]) == (bars < 24) or total >= 24
        growing = [2 * n <= LONGEST[label] and n <= bars - total for label, n in form]
        assert not any(growing)  # no section can be doubled


def test_a_track_is_silent_before_its_lead_in_and_dies_away_after_its_last_bar() -> None:
    composition = compose(1, 150.0, "techno", 30.0, lead_in=0.25)
    sound = rendering.render(composition, RATE)
    assert np.abs(sound[: round(0.249 * RATE)]).max() == 0.0
    last = composition.time_of_bar(composition.bars + 1)
    assert composition.duration - last == pytest.approx(TAIL) == pytest.approx(1.5)
    assert np.abs(sound[-round(0.2 * RATE) :]).max() < 0.05
