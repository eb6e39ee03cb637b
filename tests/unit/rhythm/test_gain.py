"""A rhythm does not depend on how loud its track is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from dropgrid.demo_music import compose, render
from dropgrid.features.extract import extract
from dropgrid.rhythm import RhythmOptions, analyse


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    """Of a minute that fades in from silence and out again, at 6 dB below full scale."""
    samples = 0.5 * render(compose(3, style="breakbeat", duration=60))
    fade = np.minimum(1.0, 10 ** (np.linspace(-90, 200, len(samples)) / 20))
    file = tmp_path_factory.mktemp("gain") / "track.wav"
    soundfile.write(file, samples * (fade * fade[::-1])[:, None], 44100, subtype="FLOAT")
    return extract(file, "open")


def louder(features, gain):
    """The same sound so many dB louder, with the same beats."""
    changed = dict(features.descriptors)
    power = 10 ** ((changed["bands"].astype(float) + gain) / 10)
    changed["bands"] = (10 * np.log10(power + 1e-10)).astype(np.float16)
    changed["attack"] = (changed["attack"] * 10 ** (gain / 20)).astype(np.float16)
    return replace(features, descriptors=changed)


@pytest.mark.parametrize("gain", [-30, -24, -18, -12, -6, 6])
def test_a_gain_changes_no_beat_and_no_confidence(features, gain):
    before = analyse(features, RhythmOptions())
    after = analyse(louder(features, gain), RhythmOptions())
    assert after.beats == pytest.approx(before.beats, abs=0.0005)
    assert after.downbeats == pytest.approx(before.downbeats, abs=0.0005)
    assert (after.bpm, after.time_signature) == (before.bpm, before.time_signature)
    for part in ("tempo", "octave", "phase", "downbeat"):
        sure = getattr(before.confidences, part)
        assert getattr(after.confidences, part) == pytest.approx(sure, abs=0.01)
