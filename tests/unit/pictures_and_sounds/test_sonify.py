"""Clicks and signals sound at the very sample the record names."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from dropgrid.base.errors import ConfigError, DecodeError, RecordError
from dropgrid.demo_music import compose
from dropgrid.pictures_and_sounds.sonify import (
    click,
    gong,
    left_and_right,
    mix,
    schedule,
    signal,
    sonify,
)
from dropgrid.records.model import LABELS, BpmRecord, StructureRecord, TrackFailure
from dropgrid.records.store import write_record

RATE = 44100


@pytest.fixture
def song():
    return compose(1, 128, "house", 40.0, lead_in=0.2)


@pytest.fixture
def bpm(song):
    return BpmRecord(
        "t-0123abcd", "t.wav", "ok", beats=tuple(song.beats), downbeats=tuple(song.downbeats)
    )


@pytest.fixture
def structure(song):
    return StructureRecord("t-0123abcd", "t.wav", "ok", sections=song.sections, drops=song.drops)


@pytest.fixture
def silence(tmp_path, song):
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros((round(song.duration * RATE), 2)), RATE)
    return path


@pytest.mark.parametrize("name", ["clicks.wav", "clicks.flac"])
def test_every_beat_and_no_other_sample_begins_a_click(tmp_path, song, bpm, silence, name):
    sonify(silence, bpm, None, tmp_path / name)
    heard, rate = soundfile.read(tmp_path / name)
    assert (heard.shape, rate) == ((round(song.duration * RATE), 2), RATE)
    starts = np.flatnonzero((np.abs(heard[1:, 0]) > 0.4) & (np.abs(heard[:-1, 0]) < 1e-4)) + 1
    np.testing.assert_array_equal(starts, np.round(song.beats * RATE))
    loud = np.abs(heard[starts, 0])
    np.testing.assert_array_equal(np.flatnonzero(loud > 0.55), np.arange(0, song.beats.size, 4))


def test_downbeats_sound_an_octave_above_beats():
    spectra = [np.abs(np.fft.rfft(click(hz, 0.5), RATE)) for hz in (1000.0, 2000.0)]
    assert [int(np.argmax(spectrum)) for spectrum in spectra] == pytest.approx(
        [1000, 2000], rel=0.02
    )


def test_sections_and_drops_are_signalled_at_their_first_sample(song, bpm, structure):
    extra = [event for event in schedule(bpm, structure) if len(event[2]) > 0.1 * RATE]
    starts = [round(section.start * RATE) for section in song.sections]
    drops = [round(time * RATE) for time in song.drops]
    assert [at for at, _, _ in extra] == sorted(starts + drops)


def test_every_label_has_a_sound_of_its_own():
    sounds = [signal(label) for label in LABELS] + [gong()]
    size = max(map(len, sounds))
    spectra = [np.abs(np.fft.rfft(sound[: RATE // 10], size)) for sound in sounds]
    spectra += [np.abs(np.fft.rfft(sound[RATE // 5 :], size)) for sound in sounds]
    early, late = spectra[: len(sounds)], spectra[len(sounds) :]
    profiles = [np.concatenate(pair) / np.linalg.norm(np.concatenate(pair))
                for pair in zip(early, late, strict=True)]  # fmt: skip
    likeness = np.array(profiles) @ np.array(profiles).T - np.eye(len(sounds))
    assert likeness.max() < 0.9


def test_the_size_of_blocks_makes_no_difference(bpm, structure):
    events = schedule(bpm, structure)
    music = np.random.default_rng(0).uniform(-0.3, 0.3, (10 * RATE, 2)).astype(np.float32)
    whole = np.concatenate(list(mix([music.copy()], events)))
    pieces = np.concatenate(list(mix(np.array_split(music, 397), events)))
    np.testing.assert_array_equal(pieces, whole)


def test_left_and_right_come_back_from_mid_and_side():
    stereo = np.array([[0.5, -0.25], [0.1, 0.3]], np.float32)
    block = np.stack([stereo.mean(axis=1), (stereo[:, 0] - stereo[:, 1]) / 2], axis=1)
    np.testing.assert_allclose(left_and_right(block), stereo, atol=1e-7)


def test_a_failed_track_is_refused_with_its_reason(tmp_path, silence):
    failed = BpmRecord(
        "t-0123abcd", "t.wav", "error", error=TrackFailure("decode", "E", "cut short")
    )
    with pytest.raises(RecordError, match=r"t\.wav: not analysed \(decode: cut short\)"):
        sonify(silence, failed, None, tmp_path / "out.wav")


def test_other_formats_are_refused_by_name(tmp_path, bpm, silence):
    with pytest.raises(ConfigError, match=r"out\.mp3: the name must end in \.wav or \.flac"):
        sonify(silence, bpm, None, tmp_path / "out.mp3")


def test_nothing_is_left_behind_when_the_music_ends_in_rubble(tmp_path, bpm):
    path = tmp_path / "cut.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, (9 * RATE, 2)), RATE)
    path.write_bytes(path.read_bytes()[:400_000])
    with pytest.raises(DecodeError):
        sonify(path, bpm, None, tmp_path / "out" / "out.wav")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_command_writes_the_same_bytes_twice(tmp_path, bpm, structure, silence, dropgrid):
    write_record(tmp_path / "b.json", bpm)
    write_record(tmp_path / "s.json", structure)
    for name in ("one.flac", "two.flac"):
        done = dropgrid("sonify", silence, "--bpm", tmp_path / "b.json",
                        "--structure", tmp_path / "s.json",
                        "--output", tmp_path / name)  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "one.flac").read_bytes() == (tmp_path / "two.flac").read_bytes()
