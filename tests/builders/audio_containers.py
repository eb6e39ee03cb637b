"""Small real audio files in every container people have, for tests of tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

RATE = 44100
BLOCK = 2**17
CONTAINERS = ("wav", "aiff", "flac", "ogg", "opus", "mp3", "m4a", "wma")
_SOUNDFILE = {"wav": "WAV", "aiff": "AIFF", "flac": "FLAC", "ogg": "OGG", "mp3": "MP3"}
_AV = {"m4a": "aac", "wma": "wmav2"}


def tone(seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """A seeded mixture of a tone and noise, float32."""
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(7).normal(size=len(time))
    return (0.3 * np.sin(2 * np.pi * 220 * time) + 0.05 * noise).astype(np.float32)


def write_audio(path: Path, seconds: float = 1.0) -> Path:
    """Write a tone in the container that the suffix of path names."""
    kind = path.suffix[1:]
    if kind in _SOUNDFILE:
        import soundfile

        samples = tone(seconds)
        with soundfile.SoundFile(path, "w", RATE, 1, format=_SOUNDFILE[kind]) as file:
            for first in range(0, len(samples), BLOCK):  # a long Vorbis file in one go crashes
                file.write(samples[first : first + BLOCK])
    elif kind == "opus":
        import soundfile

        soundfile.write(path, tone(seconds, 48000), 48000, format="OGG", subtype="OPUS")
    else:
        _write_with_av(path, _AV[kind], tone(seconds))
    return path


def _write_with_av(path: Path, codec: str, samples: np.ndarray) -> None:
    import av

    with av.open(str(path), "w", format={"wma": "asf", "m4a": "ipod"}[path.suffix[1:]]) as output:
        stream: Any = output.add_stream(codec, rate=RATE, layout="mono")
        stream.bit_rate = 128_000
        size = 1024
        for first in range(0, len(samples) - size, size):
            block = samples[None, first : first + size]
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, first
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def decoded(path: Path) -> bytes:
    """The decoded samples of a file, by a decoder that knows every container."""
    import av

    with av.open(str(path)) as file:
        frames = [frame.to_ndarray().tobytes() for frame in file.decode(audio=0)]
    return b"".join(frames)


def write_mp3(path: Path, kind: str, samples: np.ndarray) -> Path:
    """An MP3 with an info frame of a kind (dropgrid.audio.mp3.LAGS), of mono samples."""
    import av
    import soundfile

    if kind == "vbri":
        from misleading_headers import bare_mp3, vbri

        path.write_bytes(vbri(bare_mp3(path, samples)))
        return path
    if kind != "bare":
        soundfile.write(path, samples, RATE, format="MP3")
        whole = path.read_bytes()
        at = whole.index(b"LAME")
        put = {"counted": (at, 36), "unchecked": (at + 34, 2), "lame": (at, 0)}[kind]
        path.write_bytes(whole[: put[0]] + bytes(put[1]) + whole[put[0] + put[1] :])
        return path
    with av.open(str(path), "w", options={"write_xing": "0"}) as output:
        stream: Any = output.add_stream("libmp3lame", rate=RATE, layout="mono")
        for start in range(0, len(samples), 1152):
            block = samples[None, start : start + 1152]
            frame = av.AudioFrame.from_ndarray(block, "fltp", "mono")
            frame.sample_rate, frame.pts = RATE, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path
