"""Loudness, rises, limits of memory and odd samples, on numbers whose answer is known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dropgrid.base.errors import UnusableAudio
from dropgrid.features import Features, extract, loudness, memory, store, waveform
from dropgrid.features.engines import front_end, key_network, spectral_flux


def test_the_filters_at_48_khz_are_those_of_bs_1770() -> None:
    first, second = loudness.k_weighting(48_000)
    assert first == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241,
         0.73248077421585], abs=1e-9,
    )  # fmt: skip
    assert second == pytest.approx([1, -2, 1, 1, -1.99004745483398, 0.99007225036621], abs=1e-9)


def power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def tenths(*parts: tuple[int, float]) -> np.ndarray:
    return np.concatenate([np.full(count, power(lufs), np.float32) for count, lufs in parts])


def test_loudness_is_gated_at_70_and_ten_below_the_mean() -> None:
    assert loudness.integrated(tenths((50, -20))) == pytest.approx(-20, abs=1e-4)
    assert loudness.integrated(tenths((50, -69.9))) == pytest.approx(-69.9, abs=1e-4)
    assert loudness.integrated(tenths((50, -70.1))) is None
    assert loudness.integrated(tenths((2, -20))) == pytest.approx(-20, abs=1e-4)
    assert loudness.integrated(np.zeros(0, np.float32)) is None
    # 997 and 997 blocks of the two levels: their mean is 3 dB below the louder
    for lower, counted in ((-32.5, True), (-33.5, False)):
        found = loudness.integrated(tenths((1000, -20), (1000, lower)))
        mean = -20 + 10 * np.log10((1 + 10 ** ((lower + 20) / 10)) / 2) if counted else -20
        assert found == pytest.approx(mean, abs=0.02)


def test_the_range_is_from_the_tenth_of_the_gated_short_terms_to_the_95th() -> None:
    assert loudness.loudness_range(tenths((29, -20))) is None
    assert loudness.loudness_range(tenths((30, -20))) == pytest.approx(0, abs=1e-4)
    assert loudness.loudness_range(tenths((90, -80))) is None
    assert loudness.loudness_range(tenths((300, -30), (300, -20))) == pytest.approx(10, abs=1e-3)
    assert loudness.loudness_range(tenths((300, -20), (300, -44))) == pytest.approx(0, abs=1.5)


def test_the_loudest_window_and_a_part() -> None:
    values = tenths((50, -30), (4, -20), (50, -30))
    assert loudness.loudest(values, 4) == pytest.approx(-20, abs=1e-4)
    mean = 10 * np.log10((4 * 10**-2.0 + 4 * 10**-3.0) / 8)
    assert loudness.loudest(values, 8) == pytest.approx(mean, abs=1e-4)
    assert loudness.loudest(tenths((50, -70.1)), 4) is None
    assert loudness.loudest(np.zeros(0, np.float32), 4) is None
    assert loudness.between(values, 0.0, 5.0) == pytest.approx(-30, abs=1e-4)
    assert loudness.between(values, 5.04, 5.36) == pytest.approx(-20, abs=1e-4)
    assert loudness.between(values, 90.0, 95.0) is None


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ("FL FR", (1, 1)), ("FL FR FC LFE BL BR", (1, 1, 1, 0, 1.41, 1.41)),
        ("FL FR FC LFE BL BR SL SR", (1, 1, 1, 0, 1, 1, 1.41, 1.41)),
        ("FL FR FC LFE BC SL SR", (1, 1, 1, 0, 1, 1.41, 1.41)), ("LFE2 FC", (0, 1)),
    ],
)  # fmt: skip
def test_channels_are_weighted_by_their_positions(positions: str, expected: tuple[float]) -> None:
    assert loudness.weights(positions.split()) == expected


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100, 48_000])
def test_tenths_end_at_the_nearest_samples(rate: int) -> None:
    ends = [round(rate / 10 * i) for i in range(1, 40)]
    parts = [(0, 3 * rate), (ends[3], ends[9]), (ends[3] - 1, ends[3]), (ends[3], ends[4] - 1)]
    for first, last in [*parts, (ends[20] + 7, ends[30] - 7)]:
        found = loudness._edges(first, last, rate).tolist()
        assert found == [end for end in ends if first < end <= last]


def test_windows_are_means_from_every_tenth_on() -> None:
    values = np.array([1.0, 2.0, 3.0, 6.0, 5.0])
    assert loudness._windows(values, 4).tolist() == [3, 4]
    assert loudness._windows(values, 9).tolist() == [3.4]
    assert loudness._windows(values[:0], 4).tolist() == []
    assert loudness.decibels(0.01) == pytest.approx(-20)


@pytest.mark.parametrize(
    ("minutes", "method", "threads", "expected"),
    [
        (10, "madmom", 1, 220 + 80), (10, "madmom", 3, 220 + 90 + 160),
        (20, "madmom", 1, 220 + 120 + 6.5), (10, "open", 1, 230 + 26), (10, "open", 2, 275 + 26),
        (10, "librosa", 1, 340 + 80), (0, "madmom", 1, 220),
    ],
)  # fmt: skip
def test_a_limit_of_memory_is_the_sum_of_its_parts(
    minutes: float, method: str, threads: int, expected: float
) -> None:
    assert memory.megabytes(minutes, method, threads) == round(expected)


def test_the_limit_of_later_stages_grows_from_75_minutes_on() -> None:
    assert [memory.later_megabytes(minutes) for minutes in (1, 75, 76, 100)] == [
        300,
        300,
        302,
        350,
    ]


@pytest.mark.parametrize(
    ("name", "minutes"),
    [("a.wav", 1), ("a.WAVE", 1), ("a.aif", 1), ("a.aiff", 1), ("a.AIFC", 1), ("a.flac", 2.5),
     ("a.mp3", 10), ("a", 10)],
)  # fmt: skip
def test_the_longest_likely_duration_of_ten_megabytes(name: str, minutes: float) -> None:
    assert memory.minutes(f"/music/{name}", 10 * 2**20) == minutes
    assert memory.minutes(name, -1) == 0


def test_unusual_ways_of_reading_are_said() -> None:
    assert extract.Way().problem(4.0) is None
    assert (
        extract.Way().problem(4.01)
        == "its peak is 4.01 times full scale; what is above 1 was clipped"
    )
    scaled = extract.Way(32768.0).problem(9.0)
    assert scaled == "its floats are integers in scale; they were divided by 32768"
    both = extract.Way(32768.0, side=True).problem(1.0)
    assert both is not None and both.startswith(f"{scaled}; its channels are each other's inverse")


def usable(*blocks: Any) -> list[int]:
    made = [np.full(count, value, np.float32) for count, value in blocks]
    return [len(block) for block in extract._usable(Path("a.wav"), made)]


def test_audio_is_a_second_long_at_least_and_no_dither() -> None:
    assert usable((44_100, 0.1)) == [44_100]
    with pytest.raises(UnusableAudio, match=r"1\.00 s long; at least 1 s are needed"):
        usable((44_099, 0.1))
    assert usable((44_100, 4 / 32768)) == [44_100]
    for value in (3.9 / 32768, 0.0):
        with pytest.raises(UnusableAudio, match="silent throughout"):
            usable((44_100, value))
    assert usable((100, 0), (200, 0), (44_100, 0.1), (50, 0), (70, 0.1)) == [
        100,
        200,
        44_100,
        50,
        70,
    ]


def read(*blocks: tuple[float, float], way: extract.Way | None = None, peak: float = 0.5) -> Any:
    """The signal of blocks of a mean and a difference, and the notes."""
    notes: list[str] = []

    class Blocks(list[np.ndarray]):
        note = staticmethod(notes.append)

    made: Any = Blocks(np.tile(np.array(pair, np.float32), (1000, 1)) for pair in blocks)
    meter: Any = SimpleNamespace(sample_peak=peak)
    shape = extract.Waveform()
    signal = list(extract._mid(made, shape, meter, way or extract.Way()))
    assert shape.samples == 1000 * len(blocks)
    return [float(block[0]) for block in signal], notes


def test_channels_that_cancel_are_read_as_their_difference() -> None:
    assert read((0.5, 0.25), (0.25, 0.0)) == ([0.5, 0.25], [])
    assert read((0.0101, 1.0)) == ([pytest.approx(0.0101)], [])
    with pytest.raises(extract._Otherwise) as raised:
        read((0.0099, 1.0))
    assert raised.value.way == extract.Way(side=True)
    signal, (note,) = read((0.0, 1.0), way=extract.Way(side=True))
    assert signal == [1.0] and "their difference was analysed" in note
    with pytest.raises(extract._Otherwise) as raised:
        read((0.5, 0.0), peak=20_000.0)
    assert raised.value.way == extract.Way(32768.0)
    assert read((0.5, 0.0), way=extract.Way(32768.0), peak=20_000.0)[1] == [
        "its floats are integers in scale; they were divided by 32768"
    ]


@pytest.mark.parametrize(
    ("peak", "scale"),
    [(255.9, None), (256.0, 2.0**15), (1.5 * 2**15, 2.0**15), (1.6 * 2**15, 2.0**23),
     (1.5 * 2**23, 2.0**23), (1.5 * 2**31, 2.0**31), (1.6 * 2**31, None)],
)  # fmt: skip
def test_the_scale_of_integers(peak: float, scale: float | None) -> None:
    assert extract.integer_scale(peak) == scale


def test_a_waveform_without_bands_has_silent_middle_and_highs(tmp_path: Path) -> None:
    attack = np.full((800, 2), 0.5, np.float16)
    store.save(tmp_path / "a.npz", Features(2.0, np.zeros((200, 2)), {"attack": attack}))
    found = waveform.read_waveform(tmp_path / "a.npz", 7)
    assert found is not None and found.tolist() == [[0.5, 0.5, 0, 0]] * 7
    store.save(tmp_path / "b.npz", Features(1.0, np.zeros((200, 2)), {"attack": attack}))
    longer = waveform.read_waveform(tmp_path / "b.npz", 1000)
    assert longer is not None and len(longer) == 400  # no more than the track lasts
    store.save(tmp_path / "c.npz", Features(1.0, np.zeros((200, 2)), {"attack": attack[:0]}))
    assert waveform.read_waveform(tmp_path / "c.npz", 7) is None
    assert waveform.read_loudness(tmp_path / "c.npz", 7) is None
    assert waveform.read_loudness(tmp_path / "none.npz", 7) is None


def test_a_column_is_the_peak_of_those_that_it_replaces() -> None:
    values = np.array([[1.0], [5.0], [2.0], [3.0], [9.0]])
    assert waveform.pool(values, 5) is values
    assert waveform.pool(values, 2).ravel().tolist() == [5, 9]
    assert waveform.pool(values, 3).ravel().tolist() == [1, 5, 9]


def test_a_long_sequence_of_key_frames_is_scored_like_a_whole_one() -> None:
    """A network that sees REACH frames around each step, as the real one does."""
    reach, step = key_network.REACH, key_network.STEP
    frames = 2 * key_network.WINDOW + 7 * step + 3

    def network(spectrum: np.ndarray) -> np.ndarray:
        padded = np.pad(spectrum[:, 0], reach)
        sums = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).sum(axis=1)
        return np.repeat(
            sums[: len(sums) // step * step : step, None], key_network.CLASSES, axis=1
        )

    spectrum = np.random.default_rng(0).random((frames, 1)).astype(np.float32)
    whole = network(spectrum)
    for size in (frames, 100, 1000):
        chunks = [spectrum[at : at + size] for at in range(0, frames, size)]
        found = key_network.scores_of(network, chunks)  # type: ignore[arg-type]
        assert found.shape == (frames // step, key_network.CLASSES)
        np.testing.assert_allclose(found, whole, rtol=1e-5)
    few = key_network.scores_of(network, [spectrum[: step - 1]])  # type: ignore[arg-type]
    assert few.shape == (0, key_network.CLASSES)
    one = key_network.scores_of(network, [spectrum[:step]])  # type: ignore[arg-type]
    assert one.shape == (1, key_network.CLASSES)


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_rises_of_chunks_are_those_of_the_whole(size: int) -> None:
    levels = np.random.default_rng(1).random((60, sum(front_end.BANDS))).astype(np.float32)
    inputs = front_end.with_rises(levels)
    assert inputs.shape == (58, 2 * 157)
    assert inputs[:, :21].tolist() == levels[2:, :21].tolist()
    np.testing.assert_array_equal(
        inputs[:, 21:42], np.maximum(levels[2:, :21] - levels[1:-1, :21], 0)
    )
    np.testing.assert_array_equal(
        inputs[:, 42 + 90 + 91 :], np.maximum(levels[2:, 66:] - levels[:-2, 66:], 0)
    )
    rising = np.hstack([inputs[:, 21:42], inputs[:, 42 + 45 : 42 + 90]])
    chunks = [levels[: 2 + size], *(levels[at : at + size] for at in range(2 + size, 60, size))]
    found = np.concatenate(list(front_end.onset_strengths(chunks)))
    np.testing.assert_allclose(found, rising.mean(axis=1), rtol=1e-6)


def test_the_rises_of_a_group_are_against_the_neighbours_two_frames_before() -> None:
    levels = np.zeros((5, 45), np.float32)
    levels[3, 5] = 1.1
    assert spectral_flux._rises(levels)[:, 0] == pytest.approx([0, 0.1, 0])
    levels[1, 6] = 0.6  # a tone that slides down from the band above
    assert spectral_flux._rises(levels)[1] == pytest.approx([0.05, 0, 0], abs=0.01)
    levels[1, 6], levels[1, 7] = 0.0, 0.6
    assert spectral_flux._rises(levels)[1, 0] == pytest.approx(0.1)
    for band, group in ((0, 0), (10, 0), (11, 1), (26, 1), (27, 2), (44, 2)):
        levels = np.zeros((3, 45), np.float32)
        levels[2, band] = 1.0
        assert np.flatnonzero(spectral_flux._rises(levels)[0]).tolist() == [group]


def test_accents_are_relative_to_what_is_around_and_to_the_local_mean() -> None:
    rises = np.zeros(2000)
    rises[::50] = 0.5
    accents = spectral_flux._accents(rises)
    assert accents[1000] == pytest.approx(1 - 1 / 41, abs=1e-6)
    assert accents[1010] == 0
    quiet = rises * np.where(np.arange(2000) < 1000, 1, 0.3)
    assert spectral_flux._accents(quiet)[1800] == pytest.approx(accents[1800], abs=1e-6)
    faint = rises * np.where(np.arange(2000) < 1000, 1, 0.1)  # half of a fifth of the loudest
    assert spectral_flux._accents(faint)[1800] == pytest.approx(accents[1800] / 2, rel=1e-3)
    assert spectral_flux._smallest(np.full(100, 0.01)) == pytest.approx(0.01)
    assert spectral_flux._smallest(np.full(100, 0.5)) == pytest.approx(0.1)


def test_blocks_with_so_many_on_both_sides() -> None:
    blocks = np.array([1.0, 2.0, 3.0])
    assert spectral_flux._around(blocks, 1).tolist() == [[1, 1, 2], [1, 2, 3], [2, 3, 3]]
    assert spectral_flux._around(blocks, 1, "reflect").tolist() == [
        [2, 1, 2],
        [1, 2, 3],
        [2, 3, 2],
    ]
