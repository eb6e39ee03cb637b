"""The demonstration music: what it says of itself is true of its sound, and it is repeatable."""

from __future__ import annotations

import hashlib
import io
import itertools
import json

import av
import mutagen
import numpy as np
import pytest
import soundfile
from dropgrid.demo_music import STYLES, compose, library, render
from dropgrid.demo_music.containers import encode, with_tags
from dropgrid.records.model import LABELS

pytestmark = [pytest.mark.slow, pytest.mark.smoke]  # `make quick` does without

RATE = 16000
SHORT = 20.0  # seconds: of the shortest forms


def some_compositions():
    for seed in range(12):
        for style in STYLES:
            yield compose(seed, 80.0 + 9.37 * seed, style, duration=40.0 + 10 * seed)


def test_beats_are_equidistant_and_every_fourth_is_a_downbeat():
    for composition in some_compositions():
        assert composition.beats.size == 4 * composition.bars
        np.testing.assert_allclose(np.diff(composition.beats), 60 / composition.bpm, atol=1e-9)
        np.testing.assert_array_equal(composition.downbeats, composition.beats[::4])
        assert composition.beats[0] == composition.lead_in


def test_sections_cover_the_track_and_begin_on_downbeats():
    for composition in some_compositions():
        sections = composition.sections
        assert sections[0].start == 0.0
        assert sections[-1].end == composition.duration
        assert {section.bars for section in sections} <= {4, 8, 16}
        assert {"intro", "buildup", "drop", "outro"} <= {s.label for s in sections} <= set(LABELS)
        for before, after in itertools.pairwise(sections):
            assert before.end == after.start
            assert before.end_bar == after.start_bar
            assert after.start == pytest.approx(composition.downbeats[after.start_bar - 1])
        drops = [section.start for section in sections if section.label == "drop"]
        assert list(composition.drops) == drops


def test_a_track_fills_the_wanted_duration_and_never_exceeds_it():
    for composition in (compose(seed, 128, "house", 90.0) for seed in range(20)):
        assert 90.0 - 8 * composition.bar <= composition.duration <= 90.0


def test_forms_vary_with_the_seed():
    assert len({tuple((s.label, s.bars) for s in compose(n).sections) for n in range(20)}) > 5


@pytest.mark.parametrize(("style", "bpm"), [("polka", 120), ("house", 5), ("house", 900)])
def test_what_cannot_be_composed_is_refused_by_value(style, bpm):
    with pytest.raises(ValueError, match=style if style == "polka" else str(bpm)):
        compose(1, bpm, style)


def test_the_same_seed_gives_the_same_samples_and_another_does_not():
    first, again, other = (render(compose(seed, 128, "house", SHORT), RATE) for seed in (1, 1, 2))
    digest = hashlib.sha256(first.tobytes()).hexdigest()
    assert hashlib.sha256(again.tobytes()).hexdigest() == digest
    assert other.shape != first.shape or not np.array_equal(other, first)


@pytest.mark.parametrize("style", STYLES)
def test_audio_has_the_stated_length_and_level(style):
    composition = compose(3, 170, style, SHORT)
    audio = render(composition, RATE)
    assert audio.shape == (round(composition.duration * RATE), 2)
    assert audio.dtype == np.float32
    assert np.abs(audio).max() == pytest.approx(0.9, abs=1e-4)


@pytest.mark.parametrize("style", ["house", "techno", "trance"])
def test_every_beat_is_struck_within_a_millisecond(style):
    composition = compose(4, 127.3, style, SHORT, lead_in=0.123)
    audio = np.abs(render(composition, RATE).mean(axis=1))
    outro = composition.sections[-1]  # the drums alone
    for beat in composition.beats[4 * outro.start_bar :]:  # from its second bar
        first = round((beat - 0.02) * RATE)
        around = audio[first : first + round(0.04 * RATE)]
        struck = (first + np.argmax(around > 0.5 * around.max())) / RATE
        assert struck == pytest.approx(beat, abs=0.001)


@pytest.mark.parametrize("style", STYLES)
def test_drops_are_loud_and_low_and_breakdowns_have_no_bass_drum(style):
    composition = compose(5, None, style, duration=40 * 240 / STYLES[style].bpm)
    audio = render(composition, RATE).mean(axis=1)
    low = {"drop": [], "breakdown": [], "buildup": []}
    loud = {"drop": [], "breakdown": [], "buildup": []}
    for section in composition.sections:
        if section.label in low:
            part = audio[round(section.start * RATE) : round(section.end * RATE)]
            power = np.abs(np.fft.rfft(part)) ** 2 / part.size**2
            frequency = np.fft.rfftfreq(part.size, 1 / RATE)
            low[section.label].append(10 * np.log10(power[frequency < 75].sum()))
            loud[section.label].append(10 * np.log10(np.mean(part**2)))
    assert min(low["drop"]) > max(low["breakdown"]) + 12
    assert min(low["drop"]) > max(low["buildup"]) + 12
    assert min(loud["drop"]) > max(loud["breakdown"]) + 3


def test_buildups_rise_towards_the_drop():
    composition = compose(6, 128, "house", 60.0)
    audio = render(composition, RATE).mean(axis=1)
    section = next(s for s in composition.sections if s.label == "buildup")
    bar = round(composition.bar * RATE)
    start = round(composition.time_of_bar(section.start_bar) * RATE)
    bars = [np.diff(audio[start + n * bar :][: bar // 2]).std() for n in range(section.bars)]
    assert bars[-1] > 2 * bars[0]


@pytest.fixture(scope="module")
def music():
    """Five seconds of house at 48 kHz."""
    return render(compose(7, 128, "house", SHORT), 48000)[: 5 * 48000]


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".flac", ".ogg", ".opus", ".mp3"])
def test_containers_return_all_samples_without_delay(suffix, music):
    audio, rate = music, 48000
    decoded, decoded_rate = soundfile.read(io.BytesIO(encode(audio, rate, suffix)))
    assert (decoded.shape, decoded_rate) == (audio.shape, rate)
    assert delay(audio[:, 0], decoded[:, 0]) == 0


def test_m4a_returns_all_samples_without_delay(music):
    audio = music
    with av.open(io.BytesIO(encode(audio, 48000, ".m4a"))) as container:
        decoded = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    assert 0 <= decoded.shape[1] - len(audio) < 1024
    assert delay(audio[:, 0], decoded[0]) == 0


def delay(audio, decoded):
    """Samples by which decoded lags behind audio."""
    size = 1 << (2 * len(audio)).bit_length()
    spectrum = np.fft.rfft(decoded, size) * np.fft.rfft(audio, size).conj()
    lag = int(np.argmax(np.fft.irfft(spectrum)))
    return lag if lag < size // 2 else lag - size


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".opus", ".mp3", ".m4a"])
def test_tags_are_kept_by_every_container_that_has_them(suffix):
    audio = np.zeros((48000, 2), np.float32)
    data = with_tags(encode(audio, 48000, suffix), {"title": "Ünder", "bpm": "128"})
    tags = mutagen.File(io.BytesIO(data), easy=True)
    assert tags["title"] == ["Ünder"]
    assert tags["bpm"] == ["128"]


def test_further_channels_are_quieter_copies_and_mono_is_the_mean():
    stereo = np.array([[0.4, 0.2]], np.float32)
    np.testing.assert_allclose(library.with_channels(stereo, 1), [[0.3]])
    np.testing.assert_allclose(library.with_channels(stereo, 4), [[0.4, 0.2, 0.2, 0.1]])


def test_the_library_is_what_a_real_folder_is():
    tracks = library.TRACKS
    assert len(tracks) >= 8
    assert min(t.bpm for t in tracks) == 87
    assert max(t.bpm for t in tracks) == 176
    assert all(60 <= t.composition.duration <= 120 for t in tracks)
    assert {t.path.rpartition(".")[2] for t in tracks} >= {
        "wav", "aiff", "flac", "ogg", "opus", "mp3", "m4a"
    }  # fmt: skip
    assert {t.rate for t in tracks} >= {22050, 44100, 48000, 96000}
    assert {t.channels for t in tracks} >= {1, 2, 4}
    assert sum(t.tag_bpm for t in tracks) == 1


@pytest.fixture
def small_library(monkeypatch):
    """A library of one short track, to write in a moment."""
    track = library.Track('x/- "$(a) {b} ☾.flac', "house", 128, 1, SHORT, rate=RATE)
    monkeypatch.setattr(library, "TRACKS", (track,))
    return track


def test_a_library_is_written_with_references_and_broken_files(tmp_path, small_library):
    assert library.write_library(tmp_path)
    file = tmp_path / "music" / small_library.path
    composition = small_library.composition
    assert soundfile.info(file).frames == round(composition.duration * RATE)
    truth = json.loads((tmp_path / "references" / "01-house-128.json").read_bytes())
    assert truth["path"] == small_library.path
    assert truth["bpm"] == 128
    np.testing.assert_allclose(truth["downbeats"], composition.downbeats, atol=1e-6)
    assert [s["label"] for s in truth["sections"]] == [s.label for s in composition.sections]
    table = (tmp_path / "references" / "tempo.csv").read_text(encoding="utf-8").splitlines()
    assert table[0] == "path,bpm,genre"
    assert table[1].endswith(",128,house")
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(tmp_path / "music" / library.NOT_MUSIC)
    cut = tmp_path / "music" / library.CUT_SHORT
    assert decoded_frames(cut) < 0.75 * soundfile.info(cut).frames


def decoded_frames(path):
    """How many frames can be decoded before the end or a fault."""
    with soundfile.SoundFile(path) as file:
        count = 0
        try:
            while size := len(file.read(4096)):
                count += size
        except soundfile.LibsndfileError:
            pass
        return count


def test_a_second_call_changes_nothing(tmp_path, small_library):
    library.write_library(tmp_path)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in tmp_path.rglob("*")}
    assert not library.write_library(tmp_path)
    assert {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in tmp_path.rglob("*")} == before


def test_a_damaged_file_alone_is_written_again(tmp_path, small_library):
    library.write_library(tmp_path)
    file = tmp_path / "music" / small_library.path
    good = file.read_bytes()
    file.write_bytes(good[:1000])
    untouched = (tmp_path / "music" / library.CUT_SHORT).stat().st_mtime_ns
    assert library.write_library(tmp_path)
    assert file.read_bytes() == good
    assert (tmp_path / "music" / library.CUT_SHORT).stat().st_mtime_ns == untouched


def test_files_of_an_earlier_version_are_replaced_and_foreign_ones_kept(tmp_path, small_library):
    library.write_library(tmp_path)
    stale, foreign = tmp_path / "music" / "old.wav", tmp_path / "music" / "mine.wav"
    stale.write_bytes(b"old")
    foreign.write_bytes(b"mine")
    manifest = json.loads((tmp_path / library.MANIFEST).read_bytes())
    manifest["version"] = "an earlier one"
    manifest["files"]["music/old.wav"] = "0"
    (tmp_path / library.MANIFEST).write_text(json.dumps(manifest))
    assert library.write_library(tmp_path)
    assert not stale.exists()
    assert foreign.read_bytes() == b"mine"
