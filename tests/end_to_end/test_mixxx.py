"""A real Mixxx reads the Serato tags that we write: every beat, every cue, key, gain, lock."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path

import mixxx
import numpy as np
import pytest
from audio_containers import tone, write_audio, write_mp3
from dropgrid.audio.mp3 import info_frame, lead
from dropgrid.base.colours import SECTION_COLOURS_ON_DARK
from dropgrid.records.cue_points import loops, pads
from dropgrid.records.model import GridRegion
from dropgrid.records.time_shift import shifted
from dropgrid.records.track import Track
from dropgrid.references import mixxx as references
from dropgrid.tagging.change import apply
from dropgrid.tagging.plan import Change, TagOptions, plan
from library_of_records import bpm_record, key_record, structure_record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(mixxx.found() is None, reason=f"no Mixxx here; {mixxx.INSTALL}"),
]
SECONDS = 30.5
FILES = 60
ONE_TEMPO, TWO_TEMPI, WITHOUT = (127.963,), (128.37, 140.02), ()
NAMES = ("שלום.flac", 'Ünï & co #1 <drop>;"it\'s" + a=b%.flac', "👩\u200d👧.flac")


def track_of(path: Path, tempi: tuple[float, ...]) -> Track:
    """A track of 30 beats a tempo, the first downbeat on the second beat."""
    beats: list[float] = []
    regions = []
    start = 0.2513
    for bpm in tempi:
        found = [start + i * 60 / bpm for i in range(60 // len(tempi))]
        one = found[1] if not beats else found[3]
        regions.append(GridRegion(found[0], bpm, len(found), one))
        beats, start = beats + found, found[-1] + 60 / bpm
    decoder = {"name": "libsndfile", "sample_rate": 44100}
    if path.suffix == ".mp3":
        decoder["info_frame"] = info_frame(path).kind
    record = dataclasses.replace(
        bpm_record(path.name), beats=tuple(beats), downbeats=tuple(beats[1::4]),
        grid=tuple(regions), bpm=tempi[0] if tempi else None, decoder=decoder,
    )  # fmt: skip
    return Track(path, record, structure_record(path.name), key_record(path.name))


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """(tracks by file name, what Mixxx's database says of each, the database)."""
    folder = tmp_path_factory.mktemp("mixxx")
    music = folder / "music"
    music.mkdir()
    for kind in ("bare", "counted", "unchecked", "lame"):
        write_mp3(music / f"{kind}.mp3", kind, tone(SECONDS))
    for suffix in ("wav", "aiff", "flac", "m4a"):
        write_audio(music / f"two tempi.{suffix}", SECONDS)
    for name in ["one tempo.flac", "none.flac", *NAMES]:
        shutil.copy(music / "two tempi.flac", music / name)
    for number in range(FILES - len(list(music.iterdir()))):
        shutil.copy(music / "two tempi.flac", music / f"{number:02}.flac")
    tracks = {}
    options = TagOptions(serato=True, key="musical", gain=True)
    for path in sorted(music.iterdir()):
        one = path.suffix == ".mp3" or path.name == "one tempo.flac"
        tempi = WITHOUT if path.name == "none.flac" else ONE_TEMPO if one else TWO_TEMPI
        tracks[path.name] = track_of(path, tempi)
        change = plan(tracks[path.name], options, music)
        assert isinstance(change, Change), change
        apply(change)
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in music.iterdir()}
    database = mixxx.scan(music, folder / "home")
    after = {path: hashlib.sha256(path.read_bytes()).digest() for path in music.iterdir()}
    assert before == after, "Mixxx has changed a file"
    return tracks, mixxx.rows(database), database


def test_every_file_is_read_and_every_beat_is_dropgrids(read, capsys):
    tracks, rows, database = read
    assert len(tracks) == FILES and set(rows) == set(tracks)
    worst = {"mp3": 0.0, "other": 0.0}
    for annotation in references.read(database):
        name = Path(annotation.key).name
        record = tracks[name].bpm
        if name == "none.flac":
            assert annotation.beats is None
            continue
        assert annotation.beats is not None, name
        # In the time of the analysis: an MP3's is Mixxx's own, moved by what was measured.
        ours, theirs = np.array(record.beats), annotation.in_time_of(record.decoder).beats
        assert len(theirs) == len(ours), name
        kind = "mp3" if name.endswith(".mp3") else "other"
        worst[kind] = max(worst[kind], 1000 * float(np.max(np.abs(ours - theirs))))
    with capsys.disabled():
        print(f"\nbeats in Mixxx, largest difference in ms: {worst}")
    assert worst["other"] < 1.0 and worst["mp3"] < 1.5


def test_cues_come_by_name_place_and_colour(read):
    tracks, rows, _ = read
    for name, row in rows.items():
        track = tracks[name]
        track = shifted(track, lead(track.bpm.decoder, "serato"))
        offset = -0.026 if name.endswith(".mp3") else 0.0  # Mixxx's own between Serato and MAD
        found = [cue for cue in row["cues"] if cue[0] == 1]
        expected = [cue for _, cue in pads(track)] if track.bpm.beats else []
        assert [cue[4] for cue in found] == [cue.name for cue in expected], name
        for (_, position, _, pad, _, colour), cue in zip(found, expected, strict=True):
            assert abs(position / 2 / row["samplerate"] - cue.time - offset) < 1e-3, name
            assert f"#{colour:06x}" == SECTION_COLOURS_ON_DARK[cue.label]
            assert expected[pad] == cue
        held = [cue for cue in row["cues"] if cue[0] == 4]
        assert [cue[4] for cue in held] == [loop.name for loop in loops(track)], name
        for (_, start, length, *_), loop in zip(held, loops(track), strict=True):
            assert abs(start / 2 / row["samplerate"] - loop.start - offset) < 1e-3
            assert abs(length / 2 / row["samplerate"] - (loop.end - loop.start)) < 1e-3


def test_tempo_key_gain_and_lock_come_too(read):
    tracks, rows, _ = read
    for name, row in rows.items():
        bpm = tracks[name].bpm
        if len(bpm.grid) == 1:
            # Mixxx makes a tempo of the beats and rounds it where they allow that.
            assert row["bpm"] == pytest.approx(bpm.bpm, abs=0.05), name
        assert row["key"] == "Am" and row["bpm_lock"] == 0, name
        gain = bpm.loudness.replaygain_gain
        assert 20 * np.log10(row["replaygain"]) == pytest.approx(gain, abs=0.01), name
