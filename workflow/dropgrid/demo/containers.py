"""Encode audio samples as the bytes of a file, in the usual containers for music."""

from __future__ import annotations

import io

import numpy as np

# Suffix: libsndfile's name of the container, and of the coding unless something else is requested.
SOUNDFILE_FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".aiff": ("AIFF", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
AAC_FRAME = 1024  # samples
AAC_BIT_RATE = 192_000
BLOCK = 65536  # samples given to an encoder at a time; libsndfile's Vorbis needs small ones


def encode(samples: np.ndarray, rate: int, suffix: str, coding: str | None = None) -> bytes:
    """The bytes of an audio file, in the format of its suffix.

    samples: (n, channels) float32 in -1..1. coding: libsndfile's subtype, for example PCM_24.
    Lossy files carry what a decoder needs to return the samples without delay. Only M4A decodes to
    up to 1023 more samples, which are silent.
    """
    if suffix == ".m4a":
        return _encode_m4a(samples, rate)
    import soundfile

    container, usual = SOUNDFILE_FORMATS[suffix]
    stream = io.BytesIO()
    with soundfile.SoundFile(
        stream, "w", rate, samples.shape[1], coding or usual, format=container
    ) as file:
        for start in range(0, len(samples), BLOCK):
            file.write(samples[start : start + BLOCK])
    return stream.getvalue()


def _encode_m4a(samples: np.ndarray, rate: int) -> bytes:
    import av

    stream = io.BytesIO()
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    with av.open(stream, "w", format="ipod") as container:
        aac = container.add_stream("aac", rate=rate, options={"aac_coder": "fast"})
        aac.bit_rate, aac.layout = AAC_BIT_RATE, layout
        for start in range(0, len(samples), AAC_FRAME):
            planes = np.ascontiguousarray(samples[start : start + AAC_FRAME].T)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            container.mux(aac.encode(frame))
        container.mux(aac.encode(None))
    return stream.getvalue()


def with_tags(data: bytes, tags: dict[str, str]) -> bytes:
    """The same file with tags (title, artist, genre, bpm, ...); WAV and AIFF stay untagged."""
    import mutagen

    stream = io.BytesIO(data)
    file = mutagen.File(stream, easy=True)
    if file is None or type(file).__name__ in ("WAVE", "AIFF"):
        return data
    if file.tags is None:
        file.add_tags()
    for name, value in tags.items():
        file[name] = [value]
    stream.seek(0)
    file.save(stream)
    return stream.getvalue()
