"""Exports move the times of an MP3 by just as much as the players disagree."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from dropgrid.audio.mp3 import lead
from dropgrid.commands.main import main
from dropgrid.records.cue_points import cues
from dropgrid.records.model import GridRegion
from dropgrid.records.store import write_record
from dropgrid.records.time_shift import shifted
from dropgrid.records.track import Track
from library_of_records import PATHS, bpm_record, structure_record, write_results

RATE = 44100


def mp3_track(decoder: str = "libsndfile", **more: str) -> Track:
    decoded = {"name": decoder, "sample_rate": RATE, **more}
    record = dataclasses.replace(bpm_record("a.mp3"), decoder=decoded)
    return Track(None, record, structure_record("a.mp3"))


@pytest.mark.parametrize(
    ("kind", "decoder", "profile", "samples"),
    [
        ("counted", "libsndfile", "ffmpeg", 529),
        ("counted", "ffmpeg", "libsndfile", -529),
        ("counted", "libsndfile", "libsndfile", 0),
        ("lame", "libsndfile", "ffmpeg", 0),
        ("lame", "libsndfile", "rekordbox", 2257),
        ("unchecked", "libsndfile", "serato", 2257),
        ("lame", "ffmpeg", "mixxx", 1105),
        ("bare", "libsndfile", "rekordbox", 0),
        ("counted", "libsndfile", None, 0),
    ],
)
def test_an_mp3_moves_from_its_decoder_to_the_profile(
    kind: str, decoder: str, profile: str | None, samples: int
) -> None:
    shift = lead(mp3_track(decoder, info_frame=kind).bpm.decoder, profile)
    assert shift == pytest.approx(samples / RATE, abs=1e-12)


def test_an_mp3_decoded_by_its_frames_moves_from_the_lag_of_its_record() -> None:
    decoded = mp3_track("ffmpeg", info_frame="lame").bpm.decoder | {"lag": 1105 / RATE}
    assert lead(decoded, "rekordbox") == pytest.approx((2257 - 1105) / RATE, abs=1e-12)
    assert lead(decoded, "ffmpeg") == pytest.approx(-1105 / RATE, abs=1e-12)


def test_an_info_frame_that_stray_bytes_hide_is_music_to_ffmpeg_alone() -> None:
    decoded = mp3_track(info_frame="lame").bpm.decoder | {"lag": 0.0, "info_frame_hidden": True}
    assert lead(decoded, "ffmpeg") == pytest.approx(2257 / RATE, abs=1e-12)
    assert lead(decoded, "serato") == pytest.approx(2257 / RATE, abs=1e-12)
    assert lead(decoded, "libsndfile") == 0.0


def test_an_export_reports_how_many_tracks_have_an_unknown_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = write_results(tmp_path / "results")
    aac = dataclasses.replace(
        bpm_record(PATHS[0]),
        decoder={"name": "ffmpeg", "sample_rate": RATE, "lag": None, "start_known": False},
    )
    write_record(results / "bpm" / f"{aac.track}.json", aac)
    words = ["export", "rekordbox", "--results", str(results), "--output", str(tmp_path / "a.xml")]
    assert main(words) == 0
    message = capsys.readouterr().err
    assert "1 track does not declare where the music begins (AAC, WMA)" in message


def test_other_containers_do_not_move() -> None:
    assert lead(mp3_track().bpm.decoder, "ffmpeg") == 0.0


def test_all_times_of_a_track_move_together() -> None:
    track = mp3_track()
    moved = shifted(track, 0.012)
    assert track.bpm and track.structure and moved.bpm and moved.structure
    np.testing.assert_allclose(np.subtract(moved.bpm.beats, track.bpm.beats), 0.012)
    np.testing.assert_allclose(np.subtract(moved.bpm.downbeats, track.bpm.downbeats), 0.012)
    assert moved.bpm.grid[0].start == pytest.approx(0.262)
    assert moved.bpm.grid[0].first_downbeat == pytest.approx(0.71875 + 0.012)
    assert moved.structure.sections[0].start == 0.012
    assert moved.structure.sections[0].end == moved.structure.sections[1].start
    assert moved.structure.sections[-1].end == moved.structure.duration == pytest.approx(30.512)
    assert moved.structure.drops == pytest.approx((8.23075, 19.48075))


def test_nothing_moves_before_the_start() -> None:
    track = mp3_track()
    assert track.bpm is not None
    early = dataclasses.replace(
        track.bpm, beats=(0.01, 0.51), downbeats=(0.01,), grid=(GridRegion(0.01, 120.0, 2, 0.01),)
    )
    moved = shifted(Track(None, early, track.structure), -0.02).bpm
    assert moved is not None
    assert moved.beats == pytest.approx((0.49,)) and moved.downbeats == ()
    region = moved.grid[0]
    assert (region.start, region.beats) == (pytest.approx(0.49), 1)


def test_a_first_downbeat_before_the_start_gives_way_to_the_next() -> None:
    """Not one that the program would have to leave out."""
    early = dataclasses.replace(
        bpm_record("a.mp3"),
        grid=(GridRegion(0.01, 120.0, 64, 0.01), GridRegion(0.0, 90.0, 1, 0.0)),
    )
    (region,) = shifted(Track(None, early, None), -0.02).bpm.grid
    assert (region.start, region.beats) == (pytest.approx(0.49), 63)
    assert region.first_downbeat == pytest.approx(0.01 - 0.02 + 2.0)


@pytest.mark.parametrize("seconds", [0.051, -0.02])
@pytest.mark.parametrize("first", [0.05, 1.9, 3.4])
def test_the_first_cue_stands_on_the_first_downbeat_and_moves_with_it(
    first: float, seconds: float
) -> None:
    record = dataclasses.replace(bpm_record("a.mp3", first=first))
    track = Track(None, record, structure_record("a.mp3"))
    moved = shifted(track, seconds)
    assert cues(track)[0].time == record.downbeats[0]
    assert cues(moved)[0].time == moved.bpm.downbeats[0] == record.downbeats[0] + seconds
    for before, after in zip(cues(track), cues(moved), strict=True):
        assert after.time == pytest.approx(before.time + seconds)


def test_the_facts_of_a_drop_are_shifted_with_it() -> None:
    structure = structure_record("a.mp3")
    structure = dataclasses.replace(
        structure, drops=(0.005, 15.0), drop_confidences=(0.25, 0.75), drop_impacts=(1.0, 2.0)
    )
    track = dataclasses.replace(mp3_track(), structure=structure)
    moved = shifted(track, -0.02).structure
    assert moved is not None
    assert len(moved.drops) == 1
    assert (moved.drop_confidences, moved.drop_impacts) == ((0.75,), (2.0,))
