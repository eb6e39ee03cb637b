"""Where players put sample 0 of an MP3 is measured, for every kind of info frame."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import libmad
import numpy as np
import pytest
from audio_containers import RATE, write_mp3
from dropgrid.audio.mp3 import LAGS, info_frame
from dropgrid.audio.reader import Reader


def click() -> np.ndarray:
    """Two seconds, silent but for a burst of 1 kHz at 1 s; float32."""
    samples = np.random.default_rng(0).normal(0, 1e-4, 2 * RATE)
    time = np.arange(2000)
    samples[RATE : RATE + 2000] += 0.8 * np.sin(2 * np.pi * 1000 * time / RATE) * np.hanning(2000)
    return samples.astype(np.float32)


@pytest.fixture(scope="module")
def mp3s(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An MP3 of each kind of info frame."""
    folder = tmp_path_factory.mktemp("mp3")
    kinds = ("bare", "counted", "unchecked", "lame")
    return {kind: write_mp3(folder / f"{kind}.mp3", kind, click()) for kind in kinds}


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
    assert info_frame(mp3s[kind]).kind == kind
    assert lag(decode(mp3s[kind], player)) == LAGS[player][kind]


@pytest.mark.skipif(libmad.found() is None, reason=f"no libmad here; {libmad.INSTALL}")
@pytest.mark.parametrize("kind", LAGS["serato"])
def test_a_decode_of_every_frame_is_what_serato_is_inferred_to_do(
    mp3s: dict[str, Path], kind: str
) -> None:
    """Mixxx drops the first frame of that, info frame or not: so many samples less."""
    measured = lag(libmad.decode(mp3s[kind]))
    assert measured == LAGS["serato"][kind]
    assert measured - 1152 == LAGS["mixxx"][kind]


@pytest.mark.skipif(shutil.which("lame") is None, reason=f"no LAME here; {libmad.INSTALL}")
@pytest.mark.parametrize(
    ("options", "kind"),
    [(["-b", "320"], "lame"), (["-V2"], "lame"), (["-t", "-b", "192"], "bare")],
)
def test_what_lame_itself_encodes_lags_as_its_info_frame_says(
    tmp_path: Path, options: list[str], kind: str
) -> None:
    import soundfile

    wave, path = tmp_path / "click.wav", tmp_path / "click.mp3"
    soundfile.write(wave, click(), RATE)
    subprocess.run(["lame", "--quiet", *options, str(wave), str(path)], check=True)
    assert info_frame(path).kind == kind
    for player in ("libsndfile", "ffmpeg"):
        assert lag(decode(path, player)) == LAGS[player][kind]
    if libmad.found():
        assert lag(libmad.decode(path)) == LAGS["serato"][kind]


def test_the_info_frame_is_found_behind_an_id3_tag(mp3s: dict[str, Path], tmp_path: Path) -> None:
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 40, 0]) + bytes(40 * 128)
    for kind, path in mp3s.items():
        tagged = tmp_path / path.name
        tagged.write_bytes(tag + path.read_bytes())
        assert info_frame(tagged).kind == kind


@pytest.mark.parametrize(
    ("kind", "samples"), [("bare", 1105), ("counted", 576), ("unchecked", 0), ("lame", 0)]
)
def test_the_decoder_tells_how_late_an_mp3_is(
    mp3s: dict[str, Path], kind: str, samples: int
) -> None:
    decoder = Reader(mp3s[kind]).decoder
    assert decoder["info_frame"] == kind
    assert decoder["lag"] == pytest.approx(samples / RATE, abs=1e-9)


def test_the_info_frame_says_whether_it_counts_the_frames(mp3s: dict[str, Path]) -> None:
    assert {kind: info_frame(path).counts for kind, path in mp3s.items()} == {
        "bare": False, "counted": True, "unchecked": True, "lame": True,
    }  # fmt: skip
