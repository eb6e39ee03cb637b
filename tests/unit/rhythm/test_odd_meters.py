"""Bars of five and of seven beats are found only where the drums are evidence for them."""

from __future__ import annotations

import numpy as np
import odd_meters
import pytest
import soundfile
from dropgrid.demo_music import STYLES, compose, render
from dropgrid.features.extract import extract
from dropgrid.rhythm import RhythmOptions, analyse

pytestmark = [pytest.mark.slow, pytest.mark.smoke]  # `make quick` does without


def rhythm_of(samples, folder, **options):
    file = folder / "track.wav"
    soundfile.write(file, samples, odd_meters.RATE)
    return analyse(extract(file, "open"), RhythmOptions(**options))


@pytest.mark.parametrize(
    ("name", "signature", "quarters"),
    [
        ("5/4", "5/4", 5),
        ("5/4, a kick on every beat", "5/4", 5),
        ("7/4", "7/4", 7),
        ("7/8", "7/4", 7),  # two bars of seven eighths at a time
        ("4/4", "4/4", 4),
        ("4/4, broken", "4/4", 4),
    ],
)
@pytest.mark.parametrize("bpm", [110.0, 150.0])
def test_the_drums_decide_how_many_beats_a_bar_has(name, signature, quarters, bpm, tmp_path):
    samples = odd_meters.played(odd_meters.PATTERNS[name], bpm, 75)
    rhythm = rhythm_of(samples, tmp_path)
    assert (rhythm.bpm, rhythm.time_signature) == (bpm, signature)
    downbeats = np.array(rhythm.downbeats)
    assert np.diff(downbeats) == pytest.approx(quarters * 60 / bpm, abs=0.001)


@pytest.mark.parametrize(
    ("eighths", "signature", "fewest"), [(10, "5/4", 5), (7, "7/4", 5), (8, "4/4", 6)]
)
def test_of_drawn_patterns_few_odd_bars_are_missed_and_none_is_made_up(
    eighths, signature, fewest, tmp_path
):
    random = np.random.default_rng(eighths)
    found = [
        rhythm_of(
            odd_meters.played(odd_meters.drawn(eighths, random), float(bpm), 75), tmp_path
        ).time_signature
        for bpm in random.integers(90, 176, 6)
    ]
    assert found.count(signature) >= fewest
    assert set(found) <= {signature, "4/4"}


def test_a_user_may_leave_out_five_and_seven(tmp_path):
    samples = odd_meters.played(odd_meters.PATTERNS["5/4"], 128.0, 75)
    assert rhythm_of(samples, tmp_path, bar_lengths=(4, 3)).time_signature == "4/4"


@pytest.mark.parametrize("style", sorted(STYLES))
def test_no_style_of_dance_music_in_four_is_mistaken_for_another_meter(style, tmp_path):
    samples = render(compose(5, style=style, duration=60))
    assert rhythm_of(samples, tmp_path).time_signature == "4/4"
