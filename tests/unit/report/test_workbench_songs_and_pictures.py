"""What the workbench sends of a track's music: the song, its peaks, waveform and cover."""

from __future__ import annotations

import json
import mimetypes
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from dropgrid.report.workbench import server
from dropgrid.report.workbench.audio import (
    DESCRIPTOR,
    LONGEST_PEAKS,
    LOWS,
    MOST_COLUMNS,
    MOST_PEAKS,
    NoSound,
    Sounds,
    peaks,
    playable,
    waveform,
)
from dropgrid.report.workbench.guard import Guard
from dropgrid.report.workbench.state import Workbench
from library_of_records import PATHS
from workbench_requests import ONE, ask, asked


@pytest.fixture
def heard(workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The song of the first track, a second at 8 kHz; it need not be decoded."""
    path = tmp_path / "music" / PATHS[0].replace(".flac", ".wav")
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 8000, "NONE", ""))
        file.writeframes(np.full(8000, 256 * 9, "<i2").tobytes())
    monkeypatch.setattr(workbench, "audio", lambda track: str(path))
    monkeypatch.setattr(Sounds, "decoded", lambda sounds, track, song: song)
    return path


def test_a_song_is_sent_as_what_it_is(app: Guard, heard: Path) -> None:
    for at in ("audio", "audio.wav"):
        status, headers, data = asked(app, f"api/tracks/{ONE}/{at}")
        assert (status, data) == (200, heard.read_bytes())
        assert headers[b"content-type"] in (b"audio/wav", b"audio/x-wav")
    status, _, data = asked(app, f"api/tracks/{ONE}/audio", range="bytes=0-3")
    assert (status, data) == (206, b"RIFF")


def test_a_song_of_a_kind_that_browsers_do_not_know_is_bytes(app, heard, monkeypatch) -> None:
    for guessed, kind in (("text/html", b"application/octet-stream"), ("video/mp4", b"video/mp4"),
                          (None, b"application/octet-stream")):  # fmt: skip
        monkeypatch.setattr(mimetypes, "guess_type", lambda name, guessed=guessed: (guessed, None))
        assert asked(app, f"api/tracks/{ONE}/audio")[1][b"content-type"] == kind


def test_peaks_are_drawn_of_what_is_heard(app: Guard, heard: Path) -> None:
    status, picture = ask(app, f"api/tracks/{ONE}/peaks?start=0.5&end=1&columns=2")
    assert (status, struct.unpack("<II4b", picture)) == (200, (2, 2, 9, 9, 9, 9))
    for query in ("start=1&end=1&columns=2", "start=0&end=1&columns=8001", "start=0&columns=1"):
        assert ask(app, f"api/tracks/{ONE}/peaks?{query}")[0] == 400
    assert ask(app, f"api/tracks/{ONE}/peaks?start=0&end=1&columns=8000")[0] == 200


def test_a_cover_is_its_largest_picture(app, heard, monkeypatch) -> None:
    monkeypatch.setattr(server, "small_covers", lambda song: (b"small", b"large"))
    status, headers, data = asked(app, f"api/tracks/{ONE}/cover")
    assert (status, headers[b"content-type"], data) == (200, b"image/jpeg", b"large")
    monkeypatch.setattr(server, "small_covers", lambda song: ())
    assert ask(app, f"api/tracks/{ONE}/cover")[0] == 404


def test_peaks_are_the_extremes_of_each_column(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    samples = np.array([0, 10_000, -30_000, 500, 1000, 2000, 3000, 4000], "<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 4, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())
    picture = peaks(path, 0.0, 3.0, 3)
    assert struct.unpack("<II", picture[:8]) == (3, 2)
    found = np.frombuffer(picture[8:], np.int8).reshape(3, 2).tolist()
    assert found == [[-117, 39], [4, 16], [0, 0]]  # in steps of 256; nothing after the end
    assert len(peaks(path, 0.0, 2.0, MOST_PEAKS)) == 8 + 2 * MOST_PEAKS
    for start, end, columns in [(0, 1, 0), (0, 1, MOST_PEAKS + 1), (1, 1, 1), (-1, 1, 1),
                                (0, LONGEST_PEAKS + 1, 1)]:  # fmt: skip
        with pytest.raises(ValueError, match="columns: 1 to"):
            peaks(path, start, end, columns)


def test_only_music_that_is_there_can_be_played(tmp_path: Path) -> None:
    song, secret = tmp_path / "a.flac", tmp_path / "secret.txt"
    song.touch()
    secret.touch()
    (tmp_path / "b.flac").symlink_to(secret)
    (tmp_path / "c.flac").symlink_to(song)
    assert playable(str(song)) == playable(str(tmp_path / "c.flac")) == song.resolve()
    for name, why in [("b.flac", "not an audio file"), ("secret.txt", "not an audio file"),
                      ("none.flac", "no longer there")]:  # fmt: skip
        with pytest.raises(NoSound, match=why):
            playable(str(tmp_path / name))


def test_the_picture_of_a_track_holds_its_loudest_frames_by_band(tmp_path: Path) -> None:
    bands = np.full((8, 9), -np.inf, np.float16)
    bands[1, 0], bands[5, LOWS], bands[6, 8], bands[7, 8] = 0.0, -20.0, np.nan, -6.0
    about = np.frombuffer(json.dumps({"duration": 0.07}).encode(), np.uint8)
    np.savez(tmp_path / "f.npz", **{"about": about, DESCRIPTOR + "bands": bands})
    picture = waveform(tmp_path / "f.npz", 2)
    assert struct.unpack("<II", picture[:8]) == (2, 3)
    found = np.frombuffer(picture[8:], np.uint8).reshape(2, 3)
    assert found.tolist() == [[255, 0, 0], [0, 26, 0]]  # the eighth frame is after the end
    for columns in (0, MOST_COLUMNS + 1):
        with pytest.raises(ValueError, match="columns: 1 to"):
            waveform(tmp_path / "f.npz", columns)
