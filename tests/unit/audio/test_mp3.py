"""Where players put sample 0 of an MP3 is measured, for every kind of info frame."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import libmad
import misleading_headers as forge
import numpy as np
import pytest
from audio_containers import RATE, write_mp3
from dropgrid.audio.mp3 import LAGS, info_frame, lead
from dropgrid.audio.reader import Reader
from misleading_headers import click, lag


@pytest.fixture(scope="module")
def mp3s(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An MP3 of each kind of info frame."""
    folder = tmp_path_factory.mktemp("mp3")
    kinds = ("bare", "counted", "unchecked", "lame", "vbri")
    return {kind: write_mp3(folder / f"{kind}.mp3", kind, click()) for kind in kinds}


def decode(path: Path, player: str) -> np.ndarray:
    import av
    import soundfile

    if player == "libsndfile":
        return soundfile.read(path)[0]
    with av.open(str(path)) as file:
        return np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])


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
    ("kind", "samples"),
    [("bare", 1105), ("counted", 576), ("unchecked", 0), ("lame", 0), ("vbri", 1105)],
)
def test_the_decoder_tells_how_late_an_mp3_is(
    mp3s: dict[str, Path], kind: str, samples: int
) -> None:
    decoder = Reader(mp3s[kind]).decoder
    assert decoder["info_frame"] == kind
    assert decoder["lag"] == pytest.approx(samples / RATE, abs=1e-9)


def test_the_info_frame_says_whether_it_counts_the_frames(mp3s: dict[str, Path]) -> None:
    assert {kind: info_frame(path).counts for kind, path in mp3s.items()} == {
        "bare": False, "counted": True, "unchecked": True, "lame": True, "vbri": True,
    }  # fmt: skip


BEFORE = {
    "nothing": b"",
    "stray bytes": b"\0\xff\0" * 30,
    "one byte": b"\xff",
    "zeros": bytes(5000),
    "many zeros": bytes(300_000),
    "a tag": forge.id3(bytes(300)),
    "two tags": forge.id3(bytes(300)) + forge.id3(forge.picture()),
    "a tag and zeros": forge.id3(bytes(300)) + bytes(1000),
    "tags and zeros between": forge.id3(bytes(50)) + bytes(64) + forge.id3(bytes(77)),
    "noise": np.random.default_rng(3).bytes(3000),
    "a picture": forge.picture(),
    "half a frame": b"\xff\xfb\x90\x64" + bytes(200),
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("kind", ["bare", "lame", "vbri", "none told", "half told"])
def test_whatever_stands_before_it_the_frame_is_found_and_the_lag_is_as_measured(
    mp3s: dict[str, Path], tmp_path: Path, kind: str, before: str
) -> None:
    data = mp3s["lame" if "told" in kind else kind].read_bytes()
    if "told" in kind:
        data = forge.tell_frames(
            data, 0 if kind == "none told" else forge.declared_frames(data) // 2
        )
    path = tmp_path / "a.mp3"
    path.write_bytes(BEFORE[before] + data)
    reader = Reader(path)
    music = np.concatenate(list(reader))[:, 0]
    assert reader.decoder["info_frame"] == ("lame" if "told" in kind else kind)
    measured = lag(music)
    assert reader.decoder["lag"] * RATE == pytest.approx(measured, abs=1e-6)
    for player in ("ffmpeg", "serato"):
        if player == "serato" and libmad.found() is None:
            continue
        if before == "half a frame" and kind == "bare":
            continue  # libmad loses the first frame, whose bits it takes from another
        if kind == "half told" and player == "ffmpeg":
            continue  # which then drops some samples in the middle
        try:
            theirs = libmad.decode(path) if player == "serato" else decode(path, "ffmpeg")
        except ValueError:  # FFmpeg's demuxer finds no way into it
            continue
        assert lead(reader.decoder, player) * RATE == pytest.approx(
            lag(theirs) - measured, abs=1e-6
        ), player
