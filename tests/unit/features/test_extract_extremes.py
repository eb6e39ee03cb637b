"""Key and loudness of audio at the edges of what is read."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid import demo_music
from dropgrid.features import Features
from dropgrid.features.engines import key_network, key_weights
from dropgrid.features.extract import extract
from dropgrid.features.loudness import integrated
from dropgrid.key import notation
from dropgrid.key.analysis import analyse
from dropgrid.key.options import KeyOptions

F_MINOR = notation.parse("Fm")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> key_network.Network:
    path = tmp_path_factory.mktemp("model") / "key.npz"
    key_weights.prepare(path)
    return key_network.load(path)


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Forty seconds in F minor at 44.1 kHz, stereo."""
    return demo_music.render(demo_music.compose(5, None, "trance", 46.0, key=F_MINOR))[
        : 40 * 44100
    ]


def extracted(
    folder: Path, sound: np.ndarray, rate: int, net: key_network.Network, subtype: str = "PCM_16"
) -> Features:
    path = folder / "sound.wav"
    soundfile.write(path, sound, rate, subtype=subtype)
    return extract(path, "open", net)


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, music: np.ndarray, net: key_network.Network
) -> Features:
    """The features of the music as it is."""
    return extracted(tmp_path_factory.mktemp("whole"), music, 44100, net)


def key_of(features: Features) -> int | None:
    return analyse(features, KeyOptions()).key


def lufs(features: Features) -> float:
    value = integrated(features.descriptors["loudness"])
    assert value is not None
    return value


@pytest.mark.slow
@pytest.mark.smoke
@pytest.mark.parametrize(("rate", "tolerance"), [(8000, 1.5), (22050, 0.4), (192000, 0.1)])
def test_the_rate_changes_neither_key_nor_loudness(
    tmp_path: Path,
    music: np.ndarray,
    whole: Features,
    net: key_network.Network,
    rate: int,
    tolerance: float,
) -> None:
    import soxr

    other = extracted(tmp_path, soxr.resample(music, 44100, rate), rate, net)
    assert key_of(other) == F_MINOR
    # What is above half the rate is gone, and the filters' upper end is squeezed below it.
    assert lufs(other) == pytest.approx(lufs(whole), abs=tolerance)


def test_one_channel_alone_is_three_lu_quieter_than_two_alike(
    tmp_path: Path, music: np.ndarray, net: key_network.Network
) -> None:
    mono = music.mean(axis=1, keepdims=True)
    one = extracted(tmp_path, mono, 44100, net)
    two = extracted(tmp_path, np.repeat(mono, 2, axis=1), 44100, net)
    assert lufs(two) - lufs(one) == pytest.approx(10 * math.log10(2), abs=0.01)
    assert key_of(one) == key_of(two) == F_MINOR


@pytest.mark.slow
@pytest.mark.smoke
def test_eight_channels_are_weighted_by_their_places(
    tmp_path: Path, music: np.ndarray, net: key_network.Network
) -> None:
    quiet = 0.3 * music.mean(axis=1)
    sound = np.zeros((len(quiet), 8), np.float32)
    sound[:, 0] = quiet
    front = lufs(extracted(tmp_path, sound, 44100, net))
    sound[:, [0, 6]] = 0, 1
    sound[:, 6] = quiet
    side = lufs(extracted(tmp_path, sound, 44100, net))
    assert side - front == pytest.approx(10 * math.log10(1.41), abs=0.02)


def test_clipped_samples_and_what_is_not_a_number_leave_numbers(
    tmp_path: Path, music: np.ndarray, net: key_network.Network
) -> None:
    sound = 8 * music.copy()
    sound[1000:1100] = np.nan
    sound[5000, 0] = np.inf
    features = extracted(tmp_path, sound, 44100, net, "FLOAT")
    assert features.decoder["repaired_samples"] == 201
    assert np.isfinite(features.descriptors["loudness"]).all()
    assert features.descriptors["peak"][0] == pytest.approx(8 * np.abs(music).max(), rel=1e-5)
    assert key_of(features) == F_MINOR


def test_a_quieter_copy_has_the_same_key_and_is_as_much_quieter(
    tmp_path: Path, music: np.ndarray, net: key_network.Network
) -> None:
    loud = extracted(tmp_path, music, 44100, net, "FLOAT")
    quiet = extracted(tmp_path, music / 10, 44100, net, "FLOAT")
    assert lufs(loud) - lufs(quiet) == pytest.approx(20, abs=0.01)
    assert key_of(quiet) == F_MINOR


def test_two_seconds_have_a_loudness(
    tmp_path: Path, music: np.ndarray, net: key_network.Network
) -> None:
    features = extracted(tmp_path, music[20 * 44100 : 22 * 44100], 44100, net)
    assert len(features.descriptors["loudness"]) == 20
    assert -30 < lufs(features) < 0
    assert analyse(features, KeyOptions()).method == "madmom"


def test_the_key_of_the_audio_does_not_depend_on_the_blocks_it_comes_in(
    music: np.ndarray, net: key_network.Network
) -> None:
    from dropgrid.features.pitch import Pitch

    mono = np.ascontiguousarray(music.mean(axis=1))
    found = []
    for size in (1000, 65536, len(mono)):
        hearing = Pitch(net)
        for start in range(0, len(mono), size):
            hearing.add(mono[start : start + size])
        hearing.finish()
        found.append(hearing.arrays())
    for name in found[0]:
        for other in found[1:]:
            np.testing.assert_array_equal(found[0][name], other[name])
