"""One track mixed into another: beats together, power and bass as they should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from dropgrid.base.errors import ConfigError
from dropgrid.commands.main import main
from dropgrid.library import Scan, track_id
from dropgrid.mixing.alignment import align
from dropgrid.mixing.transition import Transition
from dropgrid.pictures_and_sounds.transition_audio import HEADROOM, Overlay, render, resampled
from dropgrid.records.model import BpmRecord, GridRegion, Loudness, Section, StructureRecord
from dropgrid.records.store import write_record
from dropgrid.records.ticket import Ticket
from dropgrid.records.track import Track
from dropgrid.results.scan_store import write_tickets

pytestmark = [pytest.mark.slow, pytest.mark.smoke]  # `make quick` does without

RATE = 44100
SECONDS = 60.0


def steady(bpm: float, offset: float = 0.1) -> np.ndarray:
    return np.arange(offset, SECONDS, 60 / bpm)


def drifting(bpm: float) -> np.ndarray:
    """Beats whose tempo goes up and down by two per cent."""
    count = int(SECONDS * bpm / 60) - 4
    steps = 60 / bpm * (1 + 0.02 * np.sin(np.arange(count) / 5))
    return 0.1 + np.concatenate([[0.0], np.cumsum(steps)])


def track(beats: np.ndarray, loudness: float | None = None, name: str = "a.wav") -> Track:
    level = None if loudness is None else Loudness(loudness, 5.0, None, None, -1.0, None)
    record = BpmRecord(
        track_id(name), name, "ok", duration=SECONDS, bpm=round(60 / np.diff(beats).mean(), 2),
        beats=tuple(beats), downbeats=tuple(beats[::4]), time_signature="4/4", loudness=level,
    )  # fmt: skip
    return Track(None, record, None)


def step(before: Track, after: Track, leave: int, enter: int, bars: int) -> Transition:
    assert before.bpm is not None and after.bpm is not None
    return Transition(
        "a", "b", leave, before.bpm.downbeats[leave - 1], enter, after.bpm.downbeats[enter - 1],
        bars, 0.0, 1.0, {}, (),
    )  # fmt: skip


def clicks(path: Path, beats: np.ndarray, side: int) -> Path:
    """A click at each beat, in one channel; the beat's own sample is the first and loudest."""
    sound = np.zeros((int((SECONDS + 2) * RATE), 2))
    t = np.arange(300) / RATE
    for beat in beats:
        at = round(beat * RATE)
        sound[at : at + 300, side] += np.cos(2 * np.pi * 3000 * t) * np.exp(-t / 0.001)
    soundfile.write(path, sound, RATE, subtype="PCM_24")
    return path


def onsets(channel: np.ndarray, after: float, until: float) -> np.ndarray:
    """Seconds at which clicks begin: where the level first passes a third of its local peak."""
    level = np.abs(channel)
    found = []
    loud = np.flatnonzero(level > 0.02)
    at = round(after * RATE)
    while (following := np.searchsorted(loud, at)) < len(loud):
        at = int(loud[following])
        if at >= until * RATE:
            break
        peak = level[at : at + 200].max()
        found.append((at + int(np.argmax(level[at : at + 200] > peak / 3))) / RATE)
        at += round(0.2 * RATE)
    return np.array(found)


@pytest.mark.parametrize(
    ("first", "then", "octave"),
    [
        (steady(126.0), steady(130.0, 0.37), 1.0),
        (steady(174.0), steady(87.5, 0.2), 2.0),
        (drifting(125.0), steady(128.0, 0.3), 1.0),
        (steady(124.0), drifting(126.0), 1.0),
    ],
)
def test_beats_fall_together_within_two_milliseconds(
    tmp_path: Path, first: np.ndarray, then: np.ndarray, octave: float
) -> None:
    """Measured in the WAV: the first track's clicks are left, the next one's right."""
    before, after = track(first), track(then)
    found = align(before, after, step(before, after, 9, 3, 4), octave)
    files = clicks(tmp_path / "a.wav", first, 0), clicks(tmp_path / "b.wav", then, 1)
    overlay = Overlay(found.first, found.second, found.lead, found.end, found.swap, found.gains)
    render(*files, overlay, tmp_path / "mix.wav")
    mix, rate = soundfile.read(tmp_path / "mix.wav")
    assert rate == RATE and mix.shape[1] == 2
    start = found.first[0] - found.lead
    blend = found.first[found.end] - found.first[0]
    left = onsets(mix[:, 0], start + 0.3 * blend, start + 0.7 * blend)
    right = onsets(mix[:, 1], start + 0.3 * blend, start + 0.7 * blend)
    assert len(right) >= 3
    off = np.abs(right[:, np.newaxis] - left).min(axis=1)
    assert off.max() < 0.002


def test_power_stays_and_bass_changes_places_at_the_phrase(tmp_path: Path) -> None:
    """Noise over noise is as loud throughout; of two low tones there is one at a time."""
    beats = steady(120.0)
    before, after = track(beats), track(beats)
    found = align(before, after, step(before, after, 9, 3, 8))
    overlay = Overlay(found.first, found.second, found.lead, found.end, found.swap, found.gains)
    time = np.arange(int((SECONDS + 2) * RATE)) / RATE
    random = np.random.default_rng(1)
    for name, tone in (("a.wav", 50.0), ("b.wav", 70.0)):
        noise = random.normal(0, 0.1, len(time))
        noise -= np.convolve(noise, np.ones(400) / 400, "same")  # no bass of its own
        sound = noise + 0.2 * np.sin(2 * np.pi * tone * time)
        soundfile.write(tmp_path / name, np.stack([sound, sound], axis=1), RATE, "PCM_24")
    render(tmp_path / "a.wav", tmp_path / "b.wav", overlay, tmp_path / "mix.flac")
    mix = soundfile.read(tmp_path / "mix.flac")[0][:, 0]
    start = found.first[0] - found.lead

    def power(at: float, tone: float | None = None) -> float:
        part = mix[round(at * RATE) : round((at + 1) * RATE)]
        if tone is None:
            return float(np.mean(np.diff(part) ** 2))  # of what is not bass
        wave = np.exp(2j * np.pi * tone * np.arange(len(part)) / RATE)
        return float(np.abs(np.mean(part * wave)))

    levels = [power(at) for at in np.linspace(1.0, start + 18.0, 20)]
    assert 10 * np.log10(max(levels) / min(levels)) < 1.0
    swap = start + found.first[found.swap] - found.first[0]
    assert power(swap - 1.1, 50.0) > 15 * power(swap - 1.1, 70.0)
    assert power(swap + 1.0, 70.0) > 15 * power(swap + 1.0, 50.0)
    assert power(swap - 1.1, 50.0) == pytest.approx(power(swap + 1.0, 70.0), rel=0.15)
    assert power(1.0, 50.0) == pytest.approx(HEADROOM * 0.1, rel=0.1)


def test_the_louder_track_is_turned_down() -> None:
    first, then = track(steady(120.0), -8.0), track(steady(120.0), -14.0)
    quiet = align(first, then, step(first, then, 2, 2, 4)).gains
    assert quiet == (pytest.approx(10 ** (-6 / 20)), 1.0)
    assert align(first, track(steady(120.0)), step(first, then, 2, 2, 4)).gains == (1.0, 1.0)


def test_a_transition_after_the_last_beat_goes_on_at_its_tempo() -> None:
    first, then = track(steady(120.0)), track(steady(125.0))
    assert first.bpm is not None
    last = len(first.bpm.downbeats)
    found = align(first, then, step(first, then, last, 1, 8))
    assert len(found.first) == len(found.second) and found.end == 32
    np.testing.assert_allclose(np.diff(found.first), 0.5, atol=1e-9)
    np.testing.assert_allclose(found.rates, 0.96, atol=1e-9)
    with pytest.raises(ConfigError, match="without beats"):
        align(replace(first, bpm=replace(first.bpm, beats=())), then, step(first, then, 1, 1, 4))


def test_a_sound_is_read_between_its_samples() -> None:
    sound = np.sin(2 * np.pi * 500 * np.arange(2000) / RATE)[:, np.newaxis].repeat(2, 1)
    at = np.linspace(10.25, 1900.75, 1500)
    wanted = np.sin(2 * np.pi * 500 * at / RATE)
    np.testing.assert_allclose(resampled(sound.astype(np.float32), at)[:, 0], wanted, atol=1e-3)


def test_the_command_writes_a_transition(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    results = tmp_path / "results"
    tickets = []
    for side, (name, bpm) in enumerate((("a.wav", 126.0), ("b.wav", 128.0))):
        clicks(tmp_path / name, steady(bpm), side)
        ticket = Ticket(track_id(name), name, str(tmp_path / name), 1, 1)
        tickets.append(ticket)
        record = track(steady(bpm), name=name).bpm
        assert record is not None
        grid = (GridRegion(0.1, bpm, len(record.beats), 0.1),)
        write_record(
            results / "bpm" / f"{ticket.track}.json",
            replace(record, bpm=bpm, confidence=0.99, grid=grid),
        )
        parts = [
            ("intro", 0.0, 15.34, 1, 8),
            ("drop", 15.34, 40.0, 9, 12),
            ("outro", 40.0, SECONDS, 21, 10),
        ]
        write_record(
            results / "structure" / f"{ticket.track}.json",
            StructureRecord(
                ticket.track, name, "ok", duration=SECONDS, time_base="bars",
                sections=tuple(
                    Section(start, end, label, bar, bar + bars, bars, 0.9)  # type: ignore[arg-type]
                    for label, start, end, bar, bars in parts
                ),
            ),
        )  # fmt: skip
    write_tickets(Scan(str(tmp_path), tuple(tickets), ()), results)
    output = tmp_path / "mix.wav"
    wanted = ["sonify", "--transition", "a.wav", "b.wav", "--results", str(results)]
    assert main([*wanted, "--output", str(output)]) == 0
    message = capsys.readouterr().out
    assert "leave at bar 21, enter at bar 1, 8 bars" in message and str(output) in message
    mix = soundfile.read(output)[0]
    assert np.abs(mix[:, 1]).max() > 0.3 and len(mix) > 25 * RATE
    assert main([*wanted, "--output", str(tmp_path / "mix.mp3")]) == 2
    unknown = [*wanted[:2], "a.wav", "nothing.wav", *wanted[4:]]
    assert main([*unknown, "--output", str(output), "--force"]) == 2
    assert "nothing.wav" in capsys.readouterr().err
    assert main(["sonify", "--output", str(output)]) == 2
    assert "--transition" in capsys.readouterr().err
