"""The key: its notations, madmom's network over windows, profiles, changes of key, and music
that has none."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid import demo_music
from dropgrid.apply_corrections.model import Confirmed, Correction
from dropgrid.base.errors import ConfigError, ModelError
from dropgrid.demo_music import rendering
from dropgrid.features import Features
from dropgrid.features.engines import key_network, key_weights
from dropgrid.features.extract import extract
from dropgrid.features.pitch import Pitch, fast_size, packed, tuning, unpacked
from dropgrid.key import network, notation, segments
from dropgrid.key.analysis import Key, analyse
from dropgrid.key.options import KeyOptions
from dropgrid.records.store import as_computed
from dropgrid.records.ticket import Ticket
from dropgrid.stages.make_records import make_key_record

RATE = 44100
F_MINOR = notation.parse("Fm")
G_MAJOR = notation.parse("G")


@pytest.fixture(scope="module")
def key_net(tmp_path_factory: pytest.TempPathFactory) -> key_network.Network:
    path = tmp_path_factory.mktemp("model") / "key.npz"
    key_weights.prepare(path)
    return key_network.load(path)


@cache
def played(key: int | None, cents: float = 0.0, style: str = "house", seed: int = 5) -> np.ndarray:
    """Half a minute of the demo's music in a key, mono."""
    composition = demo_music.compose(seed, None, style, 46.0, key=key, tuning=cents)
    return demo_music.render(composition).mean(axis=1).astype(np.float32)[: 40 * RATE]


def descriptors_of(sound: np.ndarray, net: key_network.Network | None) -> dict[str, np.ndarray]:
    pitch = Pitch(net)
    for start in range(0, len(sound), 65536):
        pitch.add(sound[start : start + 65536])
    pitch.finish()
    return pitch.arrays()


@pytest.fixture(scope="module")
def pitches(key_net: key_network.Network) -> Callable[[int], Features]:
    """The features of a song in F minor, tuned by so many cents; each made once."""

    @cache
    def of(cents: int) -> Features:
        sound = played(F_MINOR, cents)
        return Features(len(sound) / RATE, np.zeros((0, 2)), descriptors_of(sound, key_net))

    return of


@pytest.fixture(scope="module")
def without_network() -> Features:
    """The features of a song in G major, made without the network."""
    sound = played(G_MAJOR)
    return Features(len(sound) / RATE, np.zeros((0, 2)), descriptors_of(sound, None))


def key_of(sound: np.ndarray, net: key_network.Network | None, method: str = "madmom") -> Key:
    features = Features(len(sound) / RATE, np.zeros((0, 2)), descriptors_of(sound, net))
    return analyse(features, KeyOptions(method))


@pytest.mark.parametrize("key", range(24))
def test_every_notation_is_read_as_it_is_written(key: int) -> None:
    for text in (
        notation.name(key),
        notation.short(key),
        notation.camelot(key),
        notation.open_key(key),
    ):
        assert notation.parse(text) == key


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("8A", "A minor"), ("08a", "A minor"), ("8B", "C major"), ("1m", "A minor"),
        ("1d", "C major"), ("12d", "F major"), ("F♯ min", "F# minor"), ("Gb", "F# major"),
        ("A#:minor", "Bb minor"), ("d", "D major"), ("Dm", "D minor"), ("G# minor", "Ab minor"),
        ("E flat major", "Eb major"), ("CM", "C major"), ("B\tmajor", "B major"),
    ],
)  # fmt: skip
def test_keys_are_read_in_all_the_ways_people_write_them(text: str, name: str) -> None:
    key = notation.parse(text)
    assert key is not None and notation.name(key) == name


@pytest.mark.parametrize("text", ["", "All", "o", "13A", "0m", "H minor", "C dorian", "128", "A?"])
def test_other_texts_are_not_keys(text: str) -> None:
    assert notation.parse(text) is None


def test_keys_that_mix_are_neighbours_on_the_wheel() -> None:
    keys = notation.compatible(notation.parse("8A") or 0)
    assert {notation.camelot(key) for key in keys} == {"8A", "9A", "7A", "8B"}
    keys = notation.compatible(notation.parse("1B") or 0)
    assert {notation.camelot(key) for key in keys} == {"1B", "2B", "12B", "1A"}


def test_the_network_is_the_same_file_every_time_and_no_other_is_accepted(tmp_path: Path) -> None:
    key_weights.prepare(tmp_path / "a.npz")
    key_weights.prepare(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    changed = tmp_path / "key_cnn.pkl"
    changed.write_bytes(pickle.dumps("anything else"))
    with pytest.raises(ModelError, match=r"key_cnn\.pkl: is not the file that madmom"):
        key_weights.read_network(changed)


def test_windows_give_the_scores_of_the_whole(key_net: key_network.Network) -> None:
    spectrum = np.random.default_rng(0).random((1503, key_weights.BANDS)).astype(np.float32)
    whole = key_net(spectrum)
    chunks = (spectrum[start : start + 16] for start in range(0, len(spectrum), 16))
    in_windows = key_network.scores_of(key_net, chunks)
    assert in_windows.shape == (1503 // key_network.STEP, 24)
    np.testing.assert_allclose(in_windows, whole, atol=1e-5)


@pytest.mark.slow
@pytest.mark.smoke
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("excerpt", ["house", "song"])
def test_the_probabilities_are_madmoms(
    excerpt: str, tmp_path: Path, key_net: key_network.Network, request: pytest.FixtureRequest
) -> None:
    import madmom_compat

    try:
        processors = madmom_compat.load("madmom.features.key")
    except madmom_compat.NotInstalled as error:
        pytest.skip(str(error))
    if excerpt == "house":
        sound = played(F_MINOR)
    else:
        song = request.getfixturevalue("shared") / "music" / "DirtyLove.ogg"
        sound = soundfile.read(song, start=20 * RATE, frames=40 * RATE)[0]
    path = tmp_path / "excerpt.wav"
    soundfile.write(path, sound, RATE, subtype="PCM_16")
    theirs = processors.CNNKeyRecognitionProcessor()(str(path))[0]

    scores = extract(path, "open", key_net).descriptors["key_scores"]
    evidence = network.evidence(scores).mean(axis=0)
    ours = np.exp(evidence - evidence.max())
    ours /= ours.sum()
    labels = [notation.parse(label) for label in processors.KEY_LABELS]
    np.testing.assert_allclose(ours[labels], theirs, atol=2e-6)


@pytest.mark.parametrize("method", ["madmom", "profiles"])
@pytest.mark.parametrize("cents", [0, 30, -45])
def test_a_key_is_found_however_the_music_is_tuned(
    method: str, cents: int, pitches: Callable[[int], Features]
) -> None:
    found = analyse(pitches(cents), KeyOptions(method))
    assert found.key == F_MINOR
    assert found.method == method
    assert found.confidence > 0.7
    assert found.tuning_cents == pytest.approx(cents, abs=6)
    assert found.alternatives[0].confidence < 0.3


def test_frames_are_stretched_to_sizes_that_transform_fast() -> None:
    assert fast_size(8192) == 8192
    for cents in range(-50, 51):
        wanted = 8192 * 2 ** (cents / 1200)
        assert abs(1200 * np.log2(fast_size(wanted) / wanted)) < 3


def test_without_the_network_the_profiles_answer(without_network: Features) -> None:
    found = analyse(without_network, KeyOptions("madmom"))
    assert found.key == G_MAJOR
    assert found.method == "profiles"


@pytest.mark.slow
@pytest.mark.smoke
def test_a_lasting_change_of_key_makes_segments(key_net: key_network.Network) -> None:
    sound = np.concatenate([played(F_MINOR), played(F_MINOR), played(G_MAJOR), played(G_MAJOR)])
    for method in ("madmom", "profiles"):
        found = key_of(sound, key_net, method)
        assert [s.key for s in found.segments] == ["F minor", "G major"]
        assert found.segments[0].start == 0
        assert found.segments[0].end == found.segments[1].start == pytest.approx(80, abs=6)
        assert found.segments[1].end == pytest.approx(160)


def test_a_key_of_a_few_bars_is_not_a_change() -> None:
    evidence = np.zeros((100, 24))
    evidence[:, 3] = 1.0
    evidence[40:50, 7] = 2.0
    assert segments.stretches(segments.key_path(evidence, change=6.0)) == [(0, 100, 3)]
    evidence[50:90, 7] = 2.0
    assert segments.stretches(segments.key_path(evidence, change=6.0)) == [
        (0, 40, 3), (40, 90, 7), (90, 100, 3),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.smoke
@pytest.mark.parametrize("style", ["house", "drum and bass", "hip hop"])
def test_drums_have_no_key(
    style: str, key_net: key_network.Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = rendering._layers
    monkeypatch.setattr(
        rendering,
        "_layers",
        lambda *of: {k: gain for k, gain in layers(*of).items() if k in rendering.DRUMS},
    )
    found = key_of(played.__wrapped__(None, style=style), key_net)
    assert found.key is None
    assert found.reason is not None and "pitched sound" in found.reason
    assert found.segments == ()


def test_noise_and_a_single_note_have_no_key(key_net: key_network.Network) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 20 * RATE).astype(np.float32)
    assert key_of(noise, key_net).reason == "no pitched sound"
    assert key_of(noise, key_net).tuning_cents is None
    note = (0.3 * np.sin(2 * np.pi * 440 * np.arange(20 * RATE) / RATE)).astype(np.float32)
    assert key_of(note, key_net).reason == "one note alone"


@pytest.mark.parametrize("seconds", [1.0, 2.0])
def test_very_short_music_is_accepted(seconds: float, key_net: key_network.Network) -> None:
    found = key_of(played(F_MINOR)[: int(seconds * RATE)], key_net)
    assert found.key is None or 0 <= found.confidence <= 1


def test_the_tuning_is_where_most_pitches_lie() -> None:
    pitches = np.zeros(120)
    pitches[[3, 33, 73]] = 5.0
    pitches[[8, 55]] = 1.0
    cents, agreement = tuning(pitches)
    assert cents == pytest.approx(30, abs=2)
    assert agreement == pytest.approx(15 / 17)


@pytest.mark.parametrize(
    ("least", "sure"), [(0.0, True), (1.0, False)], ids=["all are sure", "none is"]
)
def test_the_threshold_is_an_option_of_the_stage_and_a_confirmed_key_is_sure(
    least: float, sure: bool, without_network: Features
) -> None:
    features = without_network
    ticket = Ticket("a-00000000", "a.flac", "/a.flac", 1, 1)
    options = {"method": "profiles", "min_confidence": least}
    record = make_key_record(ticket, features, options)
    assert record.confidence is not None and 0 < record.confidence < 1
    assert (record.sure, record.has_confident_key) == (sure, sure)
    confirmed = Correction(confirmed=Confirmed("", key=record.key))
    assert make_key_record(ticket, features, options, confirmed).has_confident_key
    corrections = make_key_record(ticket, features, options, Correction(key="A minor"))
    assert corrections.has_confident_key and as_computed(corrections).has_confident_key == sure
    with pytest.raises(ConfigError, match="min_confidence: 2 is not from 0 to 1"):
        make_key_record(ticket, features, {"min_confidence": 2})


def test_samples_of_16_bits_wait_in_half_the_room_and_no_sample_changes() -> None:
    steps = np.random.default_rng(0).integers(-32768, 32768, 5000)
    whole = (steps / 32768).astype(np.float32)
    assert packed(whole).nbytes == whole.nbytes / 2
    np.testing.assert_array_equal(unpacked(packed(whole)), whole)
    for other in (whole / 2, whole * np.float32(1.001), whole * 40):
        assert packed(other) is not other
        np.testing.assert_array_equal(unpacked(packed(other)), other)
