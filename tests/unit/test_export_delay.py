"""Where players put sample 0 of an MP3 is measured, and exports move by just that."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from audio_containers import RATE
from dropgrid.api import Track
from dropgrid.export.delay import LAGS, delay_shift, info_frame, shifted
from dropgrid.records import GridRegion
from library_of_records import bpm_record, structure_record


def click() -> np.ndarray:
    """Two seconds, silent but for a burst of 1 kHz at 1 s; float32."""
    samples = np.random.default_rng(0).normal(0, 1e-4, 2 * RATE)
    time = np.arange(2000)
    samples[RATE : RATE + 2000] += 0.8 * np.sin(2 * np.pi * 1000 * time / RATE) * np.hanning(2000)
    return samples.astype(np.float32)


@pytest.fixture(scope="module")
def mp3s(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An MP3 of each kind of info frame."""
    import av
    import soundfile

    folder = tmp_path_factory.mktemp("mp3")
    files = {kind: folder / f"{kind}.mp3" for kind in ("bare", "counted", "unchecked", "lame")}
    soundfile.write(files["lame"], click(), RATE)
    with av.open(str(files["bare"]), "w", options={"write_xing": "0"}) as output:
        stream = output.add_stream("libmp3lame", rate=RATE, layout="mono")
        for start in range(0, 2 * RATE, 1152):
            frame = av.AudioFrame.from_ndarray(click()[None, start : start + 1152], "fltp", "mono")
            frame.sample_rate, frame.pts = RATE, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    whole = files["lame"].read_bytes()
    encoder = whole.index(b"LAME")
    files["counted"].write_bytes(whole[:encoder] + bytes(36) + whole[encoder + 36 :])
    files["unchecked"].write_bytes(whole[: encoder + 34] + b"\0\0" + whole[encoder + 36 :])
    return files


def decode(path: Path, player: str) -> np.ndarray:
    import av
    import soundfile

    if player == "libsndfile":
        return soundfile.read(path)[0]
    with av.open(str(path)) as file:
        return np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])


def lag(decoded: np.ndarray) -> int:
    """Samples by which decoded is late against the click, by cross-correlation."""
    size = 2**18
    spectrum = np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(click(), size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[: size // 2]))


@pytest.mark.parametrize("kind", LAGS["ffmpeg"])
@pytest.mark.parametrize("player", ["libsndfile", "ffmpeg"])
def test_the_lags_are_those_of_the_players(mp3s: dict[str, Path], player: str, kind: str) -> None:
    assert info_frame(mp3s[kind]) == kind
    assert lag(decode(mp3s[kind], player)) == LAGS[player][kind]


def test_the_info_frame_is_found_behind_an_id3_tag(mp3s: dict[str, Path], tmp_path: Path) -> None:
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 40, 0]) + bytes(40 * 128)
    for kind, path in mp3s.items():
        tagged = tmp_path / path.name
        tagged.write_bytes(tag + path.read_bytes())
        assert info_frame(tagged) == kind


def mp3_track(path: Path, decoder: str = "libsndfile", container: str = "MP3") -> Track:
    decoded = {"name": decoder, "format": f"{container} x", "sample_rate": RATE}
    record = dataclasses.replace(bpm_record("a.mp3"), decoder=decoded)
    return Track(path, record, structure_record("a.mp3"))


@pytest.mark.parametrize(
    ("kind", "decoder", "profile", "samples"),
    [
        ("counted", "libsndfile", "ffmpeg", 529),
        ("counted", "ffmpeg", "libsndfile", -529),
        ("counted", "libsndfile", "libsndfile", 0),
        ("lame", "libsndfile", "ffmpeg", 0),
        ("lame", "libsndfile", "rekordbox", 1152),
        ("bare", "libsndfile", "rekordbox", 0),
        ("counted", "libsndfile", None, 0),
    ],
)
def test_an_mp3_moves_from_its_decoder_to_the_profile(
    mp3s: dict[str, Path], kind: str, decoder: str, profile: str | None, samples: int
) -> None:
    shift = delay_shift(mp3_track(mp3s[kind], decoder), profile)
    assert shift == pytest.approx(samples / RATE, abs=1e-12)


def test_other_containers_do_not_move(mp3s: dict[str, Path]) -> None:
    assert delay_shift(mp3_track(mp3s["counted"], container="FLAC"), "ffmpeg") == 0.0


def test_all_times_of_a_track_move_together() -> None:
    track = mp3_track(Path("a.mp3"))
    moved = shifted(track, 0.012)
    assert track.bpm and track.structure and moved.bpm and moved.structure
    np.testing.assert_allclose(np.subtract(moved.bpm.beats, track.bpm.beats), 0.012)
    np.testing.assert_allclose(np.subtract(moved.bpm.downbeats, track.bpm.downbeats), 0.012)
    assert moved.bpm.grid[0].start == pytest.approx(0.262)
    assert moved.bpm.grid[0].first_downbeat == pytest.approx(0.71875 + 0.012)
    assert moved.structure.sections[0].start == 0.0
    assert moved.structure.sections[0].end == moved.structure.sections[1].start
    assert moved.structure.sections[-1].end == moved.structure.duration == pytest.approx(30.512)
    assert moved.structure.drops == pytest.approx((8.23075, 19.48075))


def test_nothing_moves_before_the_start() -> None:
    track = mp3_track(Path("a.mp3"))
    assert track.bpm is not None
    early = dataclasses.replace(
        track.bpm, beats=(0.01, 0.51), downbeats=(0.01,), grid=(GridRegion(0.01, 120.0, 2, 0.01),)
    )
    moved = shifted(Track(None, early, track.structure), -0.02).bpm
    assert moved is not None
    assert moved.beats == pytest.approx((0.49,)) and moved.downbeats == ()
    region = moved.grid[0]
    assert (region.start, region.beats) == (pytest.approx(0.49), 1)


def test_a_missing_mp3_is_left_out_of_a_shifted_export(tmp_path: Path) -> None:
    from dropgrid.export import ExportOptions, export
    from dropgrid.records import write_record

    record = mp3_track(Path("absent.mp3")).bpm
    assert record is not None
    write_record(tmp_path / "bpm" / "a.json", dataclasses.replace(record, track="a"))
    options = ExportOptions(delay_profile="ffmpeg")
    written, left_out = export("beats", tmp_path, tmp_path / "o", options, tmp_path)
    assert written == 0
    assert left_out == {"the file is not there, --delay-profile must read it": 1}
