"""Small real audio files in all common containers, for tests of tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

RATE = 44100
BLOCK = 2**17
CONTAINERS = ("wav", "aiff", "flac", "ogg", "opus", "mp3", "m4a", "wma")
MORE_CONTAINERS = ("w64", "rf64", "caf", "wv", "mka", "webm", "mp2", "ac3")
_SOUNDFILE = {"wav": "WAV", "aiff": "AIFF", "flac": "FLAC", "ogg": "OGG", "mp3": "MP3"}
_SOUNDFILE |= {"w64": "W64", "rf64": "RF64", "caf": "CAF"}
_AV = {  # suffix: (format, codec, sample format, samples of a frame)
    "m4a": ("ipod", "aac", "fltp", 1024),
    "wma": ("asf", "wmav2", "fltp", 1024),
    "aac": ("adts", "aac", "fltp", 1024),
    "wv": ("wv", "wavpack", "fltp", 1024),
    "mka": ("matroska", "flac", "s16", 1024),
    "webm": ("webm", "libopus", "flt", 960),
    "mp2": ("mp2", "mp2", "s16", 1152),
    "ac3": ("ac3", "ac3", "fltp", 1536),
}


def tone(seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """A seeded mixture of a tone and noise, float32."""
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(7).normal(size=len(time))
    return (0.3 * np.sin(2 * np.pi * 220 * time) + 0.05 * noise).astype(np.float32)


def write_audio(path: Path, seconds: float = 1.0) -> Path:
    """Write a tone in the container of the suffix of path."""
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
        _write_with_av(path, seconds)
    return path


def _write_with_av(path: Path, seconds: float) -> None:
    write_samples(path, tone(seconds, 48000 if path.suffix == ".webm" else RATE))


def write_samples(path: Path, samples: np.ndarray, options: dict[str, str] | None = None) -> None:
    """Write mono samples with one of FFmpeg's encoders. options: of the container."""
    import av

    container, codec, form, size = _AV[path.suffix[1:]]
    rate = 48000 if codec == "libopus" else RATE
    with av.open(str(path), "w", format=container, options=options or {}) as output:
        stream: Any = output.add_stream(codec, rate=rate, layout="mono")
        stream.bit_rate = 128_000
        if form == "s16":
            samples = np.rint(samples * 32767).astype(np.int16)
        last = 0 if codec in ("flac", "wavpack") else size - 1
        for first in range(0, len(samples) - last, size):
            block = samples[None, first : first + size]
            frame = av.AudioFrame.from_ndarray(block, format=form, layout="mono")
            frame.sample_rate, frame.pts = rate, first
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def decoded(path: Path) -> bytes:
    """The decoded samples of a file, by a decoder for all containers."""
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
