"""Instruments: each function returns one stroke or note as float32 samples.

They need only NumPy. Tones are read from band-limited single-cycle tables, so they do not alias.
The colour of a tone fades between a dark and a bright table, which is cheap and sounds like a
filter. Noise is shaped in the frequency domain.
"""

from __future__ import annotations

import numpy as np

TABLE = 2048  # samples in a single-cycle table


def kick(rate: int, pitch: float, decay: float) -> np.ndarray:
    """A bass drum falling to `pitch` Hz, with a click at its very first sample."""
    t = _time(rate, 4.5 * decay)
    frequency = pitch + 190.0 * np.exp(-t / 0.022)
    body = np.cos(2 * np.pi * np.cumsum(frequency) / rate) * np.exp(-t / decay)
    click = np.exp(-t / 0.0015) * np.cos(2 * np.pi * 3200.0 * t)
    return _finish(np.tanh(1.8 * body + 0.7 * click), rate)


def snare(rate: int, random: np.random.Generator) -> np.ndarray:
    """A snare drum: two modes of the skin and the rattle of the wires, in a small room."""
    t = _time(rate, 0.4)
    skin = np.sin(2 * np.pi * 186 * t) + 0.6 * np.sin(2 * np.pi * 331 * t)
    wires = noise(random, t.size, rate, 900.0, 12000.0)
    envelope = np.exp(-t / 0.07) + 0.12 * np.exp(-t / 0.25)
    return _finish(0.45 * skin * np.exp(-t / 0.06) + 0.9 * wires * envelope, rate)


def clap(rate: int, random: np.random.Generator) -> np.ndarray:
    """Several hands within 20 ms, then the room."""
    t = _time(rate, 0.4)
    hands = sum(
        np.where(t >= late, np.exp(-(t - late).clip(0) / fall), 0.0)
        for late, fall in ((0.0, 0.006), (0.009, 0.006), (0.019, 0.09))
    )
    return _finish(noise(random, t.size, rate, 800.0, 7000.0) * hands, rate)


def hat(rate: int, random: np.random.Generator, decay: float) -> np.ndarray:
    """A hi-hat: closed with a decay of about 0.03 s, open with 0.15 s."""
    t = _time(rate, 4 * decay)
    return _finish(noise(random, t.size, rate, 6500.0, 16000.0) * np.exp(-t / decay), rate)


def percussion(rate: int) -> np.ndarray:
    """A wood block."""
    t = _time(rate, 0.12)
    modes = np.sin(2 * np.pi * 810 * t) + 0.5 * np.sin(2 * np.pi * 1870 * t)
    return _finish(modes * np.exp(-t / 0.025), rate)


def crash(rate: int, random: np.random.Generator) -> np.ndarray:
    """A crash cymbal, (2, n): the channels differ."""
    t = _time(rate, 3.0)
    envelope = 0.7 * np.exp(-t / 0.12) + 0.5 * np.exp(-t / 0.9)
    sides = [noise(random, t.size, rate, 3000.0, 15000.0) * envelope for _ in range(2)]
    return np.stack([_finish(side, rate) for side in sides])


def impact(rate: int) -> np.ndarray:
    """The boom under the first beat of a drop."""
    t = _time(rate, 1.4)
    frequency = 36.0 + 60.0 * np.exp(-t / 0.12)
    return _finish(np.sin(2 * np.pi * np.cumsum(frequency) / rate) * np.exp(-t / 0.4), rate)


def riser(random: np.random.Generator, rate: int, seconds: float) -> np.ndarray:
    """Noise that gets louder while its pass band rises for `seconds` seconds, (2, n) samples."""
    size = round(seconds * rate)
    # Bands of noise that hand over to each other: a rising filter at the cost of a few FFTs.
    centres = 400.0 * 2.0 ** np.arange(0, 5.0)
    centres = centres[centres < 0.35 * rate]
    rise = np.linspace(0.0, 1.0, size, dtype=np.float32)
    out = np.zeros((2, size), np.float32)
    for i, centre in enumerate(centres):
        weight = np.clip(1.0 - np.abs(rise * (len(centres) - 1) - i), 0.0, 1.0)
        for side in out:
            side += weight * _repeated(noise(random, 2 * rate, rate, centre / 2, centre * 2), size)
    return out * (0.05 + 0.95 * rise**2)


def tone(frequency: float, colour: np.ndarray, rate: int, phase: float = 0.0) -> np.ndarray:
    """A sawtooth of `frequency` Hz as long as `colour`, which runs from dark 0 to bright 1."""
    index = np.arange(colour.size, dtype=np.float64) * (frequency / rate * TABLE) + phase * TABLE
    cell = index.astype(np.int64) & (TABLE - 1)
    dark = _saw(frequency, rate, 3.0 * frequency)[cell]
    bright = _saw(frequency, rate, 40.0 * frequency)[cell]
    return dark + colour * (bright - dark)


def chord(
    frequencies: list[float], colour: np.ndarray, rate: int, random: np.random.Generator
) -> np.ndarray:
    """A wide chord of detuned sawtooths, (2, n), with different voices in each channel."""
    out = np.zeros((2, colour.size), np.float32)
    for side in out:
        for frequency in frequencies:
            for cents in (-9.0, 0.0, 9.0):
                detuned = frequency * 2 ** ((cents + random.uniform(-3, 3)) / 1200)
                side += tone(detuned, colour, rate, random.uniform())
    return out / (3 * len(frequencies))


def noise(
    random: np.random.Generator, size: int, rate: int, low: float, high: float
) -> np.ndarray:
    """White noise between two frequencies (edges an octave wide), of unit standard deviation."""
    spectrum = np.fft.rfft(random.standard_normal(size, dtype=np.float32))
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1.0)
    spectrum *= 1.0 / (1.0 + (low / frequency) ** 6) / (1.0 + (frequency / high) ** 6)
    shaped = np.fft.irfft(spectrum, size)
    return (shaped / (shaped.std() + 1e-9)).astype(np.float32)


def reverb(sound: np.ndarray, rate: int, random: np.random.Generator, decay: float) -> np.ndarray:
    """The reverberation of a (2, n) sound, of the same length: convolution with decaying noise."""
    t = _time(rate, 3 * decay)
    size = 1 << (sound.shape[1] + t.size - 1).bit_length()
    wet = np.empty_like(sound)
    for side, out in zip(sound, wet, strict=True):
        room = noise(random, t.size, rate, 250.0, 5000.0) * np.exp(-t / decay) / np.sqrt(t.size)
        spectrum = np.fft.rfft(side, size) * np.fft.rfft(room.astype(np.float32), size)
        out[:] = np.fft.irfft(spectrum, size)[: side.size]
    return wet


def _saw(frequency: float, rate: int, cutoff: float) -> np.ndarray:
    """One cycle of a sawtooth after a gentle low pass, with nothing above 0.45 of the rate."""
    harmonics = np.arange(1, max(2, int(min(0.45 * rate / frequency, TABLE / 4))))
    spectrum = np.zeros(TABLE // 2 + 1, np.complex128)
    rolloff = 1.0 / (1.0 + (harmonics * frequency / cutoff) ** 2)
    spectrum[harmonics] = -0.5j * TABLE * (2 / np.pi) / harmonics * rolloff
    return np.fft.irfft(spectrum, TABLE).astype(np.float32)


def _repeated(sound: np.ndarray, size: int) -> np.ndarray:
    return np.resize(sound, size)


def _time(rate: int, seconds: float) -> np.ndarray:
    return np.arange(round(seconds * rate), dtype=np.float64) / rate


def _finish(sound: np.ndarray, rate: int) -> np.ndarray:
    """The sound with its last 5 ms faded out, as float32."""
    fade = min(sound.size, round(0.005 * rate))
    sound[sound.size - fade :] *= np.linspace(1.0, 0.0, fade)
    return sound.astype(np.float32)
