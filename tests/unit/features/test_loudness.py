"""Loudness as ITU-R BS.1770-4, EBU Tech 3341 and 3342 define it, on the signals they describe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile
from dropgrid.audio.reader import Reader
from dropgrid.features import loudness
from dropgrid.features.loudness import Meter, integrated, loudness_range

RATE = 48000
STEREO = ("FL", "FR")


def tone(
    level: float, seconds: float, rate: int = RATE, channels: int = 2, hz: float = 1000
) -> np.ndarray:
    """A sine whose peak is `level` dB of full scale, the same in every channel."""
    t = np.arange(round(seconds * rate)) / rate
    sine = 10 ** (level / 20) * np.sin(2 * np.pi * hz * t)
    return np.repeat(sine[:, None], channels, axis=1).astype(np.float32)


def tones(*parts: tuple[float, float]) -> np.ndarray:
    return np.concatenate([tone(level, seconds) for level, seconds in parts])


def measured(
    sound: np.ndarray,
    rate: int = RATE,
    positions: Sequence[str] = STEREO,
    block: int = 65536,
    true_peak: bool = False,
) -> dict[str, np.ndarray]:
    meter = Meter(rate, positions, true_peak)
    for start in range(0, len(sound), block):
        meter.add(sound[start : start + block])
    return meter.arrays()


def lufs(sound: np.ndarray, rate: int = RATE, positions: Sequence[str] = STEREO) -> float:
    value = integrated(measured(sound, rate, positions)["loudness"])
    assert value is not None
    return value


@pytest.mark.parametrize(
    ("parts", "target"),
    [
        ([(-23.0, 20.0)], -23.0),
        ([(-33.0, 20.0)], -33.0),
        ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
        ([(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
        ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
    ],
    ids=["case 1", "case 2", "case 3", "case 4", "case 5"],
)
def test_tones_of_tech_3341_read_what_it_says(
    parts: list[tuple[float, float]], target: float
) -> None:
    assert lufs(tones(*parts)) == pytest.approx(target, abs=0.1)


def test_five_channels_of_tech_3341_are_weighted_by_where_they_stand() -> None:
    sound = np.hstack([tone(-28, 20), tone(-24, 20, channels=1), tone(-30, 20)])
    assert lufs(sound, positions=("FL", "FR", "FC", "SL", "SR")) == pytest.approx(-23, abs=0.1)
    # The same in 5.1: what the low-frequency channel plays does not count, however loud.
    with_lfe = np.insert(sound, 3, tone(-1, 20, channels=1, hz=50)[:, 0], axis=1)
    positions = ("FL", "FR", "FC", "LFE", "BL", "BR")
    assert lufs(with_lfe, positions=positions) == pytest.approx(-23, abs=0.1)


def test_only_the_pair_at_the_sides_weighs_more_in_seven_channels() -> None:
    assert loudness.weights("FL FR FC LFE BL BR SL SR".split()) == (1, 1, 1, 0, 1, 1, 1.41, 1.41)
    assert loudness.weights("FL FR BL BR".split()) == (1, 1, 1.41, 1.41)
    assert loudness.weights(["FC"]) == (1,)


@pytest.mark.parametrize(
    ("parts", "target"),
    [
        ([(-20.0, 20.0), (-30.0, 20.0)], 10.0),
        ([(-20.0, 20.0), (-15.0, 20.0)], 5.0),
        ([(-40.0, 20.0), (-20.0, 20.0)], 20.0),
        ([(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], 15.0),
    ],
)
def test_ranges_of_tech_3342_read_what_it_says(
    parts: list[tuple[float, float]], target: float
) -> None:
    assert loudness_range(measured(tones(*parts))["loudness"]) == pytest.approx(target, abs=1)


@pytest.mark.parametrize(
    ("divisor", "phase", "amplitude", "target"),
    [
        (4, 0.0, 0.5, -6.0),
        (4, 45.0, 0.5, -6.0),
        (6, 60.0, 0.5, -6.0),
        (8, 67.5, 0.5, -6.0),
        (4, 45.0, 1.41, 3.0),
    ],
    ids=["case 15", "case 16", "case 17", "case 18", "case 19"],
)
def test_true_peaks_of_tech_3341_are_found_between_the_samples(
    divisor: int, phase: float, amplitude: float, target: float
) -> None:
    t = np.arange(4 * RATE)
    sine = amplitude * np.sin(2 * np.pi * t / divisor + np.deg2rad(phase))
    fade = np.linspace(0, 1, 480)
    sine[:480] *= fade
    sine[-480:] *= fade[::-1]
    sound = np.repeat(sine[:, None], 2, axis=1).astype(np.float32)
    sample, true = 20 * np.log10(measured(sound, true_peak=True)["peak"])
    assert target - 0.4 <= true <= target + 0.2
    assert sample <= true + 1e-3


def test_the_true_peak_is_not_looked_for_unless_asked_for() -> None:
    peak = measured(tone(-6, 1))["peak"]
    assert peak[0] == pytest.approx(10 ** (-6 / 20), abs=1e-3)
    assert np.isnan(peak[1])


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 96000, 192000])
def test_the_rate_does_not_matter(rate: int) -> None:
    assert lufs(tone(-23, 5, rate), rate) == pytest.approx(-23, abs=0.1)


def test_blocks_of_any_size_give_the_same_tenths() -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, (3 * 44100 + 77, 2)).astype(np.float32)
    whole = measured(sound, 44100)["loudness"]
    assert len(whole) == 30
    for block in (4410, 1000, 44100, 99999):
        np.testing.assert_allclose(
            measured(sound, 44100, block=block)["loudness"], whole, rtol=1e-6
        )


def test_silence_has_no_loudness_and_no_slow_numbers() -> None:
    sound = np.concatenate([tone(-20, 1), np.zeros((20 * RATE, 2), np.float32)])
    found = measured(sound)
    assert integrated(found["loudness"][30:]) is None
    assert loudness_range(found["loudness"][30:]) is None
    assert found["loudness"][-1] == 0


def test_absurd_samples_stay_finite() -> None:
    sound = np.full((RATE, 2), 3e38, np.float32)
    sound[::2] *= -1
    found = measured(sound)
    assert np.isfinite(found["loudness"]).all()
    assert np.isfinite(integrated(found["loudness"]) or np.nan)


def test_a_section_is_measured_by_itself() -> None:
    tenths = measured(tones((-30.0, 10.0), (-20.0, 10.0)))["loudness"]
    assert loudness.between(tenths, 0, 10) == pytest.approx(-30, abs=0.1)
    assert loudness.between(tenths, 10.1, 20) == pytest.approx(-20, abs=0.1)
    assert loudness.between(tenths, 5, 5) is None


def song_loudness(path: Path) -> tuple[float, dict[str, np.ndarray]]:
    reader = Reader(path)
    meter = Meter(reader.decoder["sample_rate"], reader.positions, true_peak=True)
    reader.tap = meter.add
    for _ in reader:
        pass
    found = meter.arrays()
    value = integrated(found["loudness"])
    assert value is not None
    return value, found


@pytest.mark.slow
@pytest.mark.smoke
@pytest.mark.parametrize(
    "name", ["music/DirtyLove.ogg", "music/Skiessi-C64.ogg", "music_more/osu-triangles.mp3"]
)
def test_songs_read_the_same_as_with_pyloudnorm_and_ffmpeg(shared: Path, name: str) -> None:
    path = shared / name
    ours, found = song_loudness(path)
    assert ours == pytest.approx(by_pyloudnorm(path), abs=0.05)
    theirs, true_peak, their_range = by_ffmpeg(path)
    assert ours == pytest.approx(theirs, abs=0.05)
    assert loudness_range(found["loudness"]) == pytest.approx(their_range, abs=0.3)
    assert 20 * np.log10(found["peak"][1]) == pytest.approx(20 * np.log10(true_peak), abs=0.2)


def by_pyloudnorm(path: Path) -> float:
    sound, rate = soundfile.read(path, always_2d=True)
    # Its other filters are approximations made for 48 kHz.
    return float(pyloudnorm.Meter(rate, filter_class="DeMan").integrated_loudness(sound))


def by_ffmpeg(path: Path) -> tuple[float, float, float]:
    """Integrated loudness, true peak (no decibels) and range by ffmpeg's ebur128."""
    import av

    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout="stereo")
    meter = graph.add("ebur128", "metadata=1:framelog=quiet:peak=true")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    last: dict[str, str] = {}
    peak = 0.0
    for start in range(0, len(sound), rate):
        block = np.ascontiguousarray(sound[start : start + rate]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout="stereo")
        frame.sample_rate, frame.pts = rate, start
        graph.push(frame)
        while True:
            try:
                last = graph.pull().metadata
            except (av.BlockingIOError, av.EOFError):
                break
            peak = max(peak, *(float(last[f"lavfi.r128.true_peaks_ch{c}"]) for c in (0, 1)))
    return float(last["lavfi.r128.I"]), peak, float(last["lavfi.r128.LRA"])


def test_recordings_one_behind_the_other_may_differ_in_rate_and_channels() -> None:
    meter = Meter(RATE, STEREO)
    meter.add(tone(-23, 10), RATE)
    meter.add(tone(-20, 10, rate=44100, channels=1), 44100)
    tenths = meter.arrays()["loudness"]
    assert len(tenths) == 200
    assert loudness.between(tenths, 0, 10) == pytest.approx(-23, abs=0.1)
    assert loudness.between(tenths, 10, 20) == pytest.approx(-23, abs=0.1)
