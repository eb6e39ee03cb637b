"""Where players put sample 0 of an MP3 is measured, for every kind of info frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from audio_containers import RATE
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
    assert info_frame(mp3s[kind]).kind == kind
    assert lag(decode(mp3s[kind], player)) == LAGS[player][kind]


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
