"""What `dropgrid sonify` sounds like: the notes that its documentation names, measured."""

from __future__ import annotations

import numpy as np
import pytest
from dropgrid.pictures_and_sounds.sonify import click, gong, mix, schedule, signal
from dropgrid.records.model import BpmRecord, Label, Section, StructureRecord

RATE = 44100
A5 = 880.0
FIFTH, FOURTH = 2 / 3, 3 / 4  # downwards
# Notes (Hz), and how long after each the next one begins (s; 0: together).
NOTES: dict[Label, tuple[list[float], float]] = {
    "intro": ([A5], 0.0),
    "buildup": ([A5, 1108.7, 1318.5], 0.09),  # A5 C#6 E6
    "main": ([987.8, 659.3], 0.14),  # B5 E5
    "drop": ([440.0, A5, 1108.7, 1318.5], 0.0),
    "breakdown": ([1318.5, 1108.7, A5], 0.09),
    "outro": ([1174.7, A5], 0.14),  # D6 A5
}


def strength(sound: np.ndarray, hertz: float, start: float = 0.0, end: float = 9.0) -> float:
    """How much of a frequency is in a stretch of a sound."""
    part = sound[round(start * RATE) : round(end * RATE)].astype(float)
    return float(np.abs(np.exp(-2j * np.pi * hertz * np.arange(part.size) / RATE) @ part))


def test_clicks_of_beats_and_downbeats_have_their_pitch_and_loudness() -> None:
    record = BpmRecord("t-0123abcd", "t.wav", "ok", beats=(1.0, 1.5), downbeats=(1.0,))
    (at, _, downbeat), (then, _, beat) = schedule(record, None)
    assert (at, then) == (RATE, RATE * 3 // 2)
    for sound, hertz, peak in ((beat, 1000, 0.45), (downbeat, 2000, 0.6)):
        spectrum = np.abs(np.fft.rfft(sound, RATE))
        assert np.argmax(spectrum) == pytest.approx(hertz, rel=0.02)
        assert len(sound) == round(0.03 * RATE)
        assert sound[0] == np.abs(sound).max() == pytest.approx(peak)
        # It dies away to 1/e every 6 ms: measured a whole number of periods apart.
        assert sound[round(0.012 * RATE)] == pytest.approx(peak * np.exp(-2), rel=0.03)


@pytest.mark.parametrize("label", list(NOTES))
def test_a_section_is_signalled_by_the_notes_of_its_label(label: Label) -> None:
    notes, delay = NOTES[label]
    sound = signal(label)
    assert len(sound) == round(0.5 * RATE) + (len(notes) - 1) * round(delay * RATE)
    for number, hertz in enumerate(notes):
        start = number * delay
        around = [strength(sound, hertz * 2 ** (k / 12), start, start + 0.09) for k in (-1, 0, 1)]
        assert around[1] == max(around)
        if number and delay:  # not before its time: far weaker than the note that sounds then
            early = strength(sound, hertz, start - delay, start)
            assert early < 0.6 * strength(sound, hertz, start, start + delay)
    assert np.abs(sound).max() < 0.6


def test_main_falls_by_a_fifth_and_outro_by_a_fourth() -> None:
    for label, interval in (("main", FIFTH), ("outro", FOURTH)):
        high, low = NOTES[label][0]
        assert low / high == pytest.approx(interval, rel=0.003)


def test_a_gong_is_low_long_and_no_chord() -> None:
    sound = gong()
    assert len(sound) == round(1.5 * RATE)
    smooth = sound * np.hanning(len(sound))
    spectrum = np.abs(np.fft.rfft(smooth, 10 * RATE))
    inner = spectrum[1:-1]
    peaks = np.flatnonzero(
        (inner > spectrum[:-2]) & (inner > spectrum[2:]) & (inner > 0.01 * spectrum.max())
    )
    assert (peaks + 1) / 10 == pytest.approx([220, 367, 553, 947], abs=1)
    strengths = [strength(sound, hertz) for hertz in (220, 367, 553, 947)]
    assert strengths == sorted(strengths, reverse=True)
    # The lowest mode dies away to 1/e in 0.6 s, the next in 0.4 s.
    for hertz, decay in ((220, 0.6), (367, 0.4), (553, 0.3), (947, 0.2)):
        ratio = strength(sound, hertz, 0.3, 0.6) / strength(sound, hertz, 0.0, 0.3)
        assert ratio == pytest.approx(np.exp(-0.3 / decay), rel=0.1)


@pytest.mark.parametrize("sound", [click(1000.0, 0.5), gong(), *map(signal, NOTES)])
def test_a_sound_ends_in_silence(sound: np.ndarray) -> None:
    last = np.abs(sound[-round(0.001 * RATE) :])
    assert sound[-1] == 0.0 and last.max() < 0.2 * np.abs(sound).max()
    assert sound.dtype == np.float32


def test_a_drop_has_the_chord_of_its_section_and_a_gong() -> None:
    sections = (
        Section(0.0, 2.0, "intro", None, None, None, 0.9),
        Section(2.0, 4.0, "drop", None, None, None, 0.9),
    )
    record = StructureRecord("t-0123abcd", "t.wav", "ok", sections=sections, drops=(2.0,))
    events = schedule(BpmRecord("t-0123abcd", "t.wav", "ok"), record)
    assert [at for at, _, _ in events] == [0, 2 * RATE, 2 * RATE]
    lengths = [len(sound) for _, _, sound in events]
    assert lengths == [RATE // 2, RATE // 2, RATE * 3 // 2]


def test_what_is_before_the_music_begins_with_it() -> None:
    record = BpmRecord("t-0123abcd", "t.wav", "ok", beats=(-0.5, 0.5), downbeats=())
    assert [at for at, _, _ in schedule(record, None)] == [0, RATE // 2]


def test_sounds_are_added_at_their_samples_and_cut_at_the_end_and_at_full_scale() -> None:
    sound = np.array([0.5, 0.25, 0.125], np.float32)
    music = [np.full((4, 2), level, np.float32) for level in (0.1, 0.0)]
    blocks = list(mix(music, [(0, 0, sound), (3, 1, sound), (3, 2, sound), (6, 3, 3 * sound)]))
    mixed = np.concatenate(blocks)
    expected = [0.6, 0.35, 0.225, 1.0, 0.5, 0.25, 1.0, 0.75]
    assert mixed[:, 0].tolist() == pytest.approx(expected)
    assert (mixed[:, 0] == mixed[:, 1]).all()


def test_gong_and_notes_begin_upwards_and_are_softer_than_a_click() -> None:
    for sound in (gong(), signal("intro")):
        assert sound[0] == 0.0 and (sound[1:20] > 0).all()
        assert 0.2 < np.abs(sound).max() < 0.45
    assert strength(signal("intro"), A5) > 2 * strength(gong(), 947)


def test_a_click_takes_thirty_milliseconds_and_a_note_dies_away_within_its_half_second() -> None:
    sound = signal("intro")
    ratio = strength(sound, A5, 0.1, 0.2) / strength(sound, A5, 0.0, 0.1)
    assert ratio == pytest.approx(np.exp(-0.1 / 0.12), rel=0.02)
    assert np.abs(sound[-round(0.006 * RATE)]) < 0.02
    with_fade, before = np.abs(gong()[-round(0.0025 * RATE)]), np.abs(gong()).max()
    assert with_fade < 0.1 * before
