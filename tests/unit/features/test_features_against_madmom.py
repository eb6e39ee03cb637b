"""The same activations and beats as madmom's own processors, where madmom can be run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid import demo_music
from dropgrid.features.engines import beat_ensemble, beat_weights
from dropgrid.features.extract import extract

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow, pytest.mark.smoke]


@pytest.fixture(scope="module")
def madmom() -> object:
    """The module that runs madmom; skips, saying so, where madmom was not compiled."""
    import madmom_compat

    try:
        madmom_compat.load("madmom.features.downbeats")
    except madmom_compat.NotInstalled as error:
        pytest.skip(str(error))
    return madmom_compat


@pytest.mark.parametrize("excerpt", ["house", "song"])
def test_activations_beats_and_downbeats_are_madmoms(
    excerpt: str, tmp_path: Path, madmom: object, request: pytest.FixtureRequest
) -> None:
    if excerpt == "house":
        sound = np.asarray(demo_music.render(request.getfixturevalue("house")))[: 15 * 44100]
    else:
        song = request.getfixturevalue("shared") / "music" / "DirtyLove.ogg"
        sound = soundfile.read(song, start=20 * 44100, frames=15 * 44100)[0]
    path = tmp_path / "excerpt.wav"
    soundfile.write(path, sound, 44100, subtype="PCM_16")
    beat_weights.prepare(tmp_path / "network.npz")

    ours = extract(path, beat_ensemble.load(tmp_path / "network.npz")).activations
    processor = madmom.load("madmom.features.downbeats").RNNDownBeatProcessor()  # type: ignore[attr-defined]
    theirs = processor(str(path))

    difference = np.abs(ours - theirs)
    assert difference.mean() < 1e-5
    assert np.quantile(difference, 0.999) < 2e-3
    tracker = madmom.downbeat_tracker((3, 4))  # type: ignore[attr-defined]
    beats = tracker(theirs)
    assert len(beats) > 20
    np.testing.assert_array_equal(tracker(ours), beats)
