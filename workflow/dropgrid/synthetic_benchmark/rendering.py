"""Render a piece as audio: every stroke begins at the sample nearest to its time in the truth."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..demo_music import instruments
from . import sounds
from .arrangement import DRUMS
from .piece import SPEEDS, TAIL, Piece

RATE = 44100  # Hz
LEVELS = {
    "kick": 0.9, "snare": 0.55, "clap": 0.4, "ghost": 0.5, "tom": 0.5, "closed": 0.25,
    "open": 0.25, "percussion": 0.18, "bass": 0.42, "stabs": 0.3, "lead": 0.35, "pad": 0.28,
    "vocals": 0.5, "crash": 0.2, "impact": 0.5, "riser": 0.3,
}  # fmt: skip
PEAK = 0.97
LOUD, USUAL = 3.5, 1.2  # by how much the mix drives the limiter
QUIET = 0.1  # of the amplitude: -20 dB
DUCKED = 0.45  # beats after which a ducked mix is nearly back


def render(piece: Piece) -> np.ndarray:
    """(samples, 2) int16 at 44.1 kHz."""
    speed = SPEEDS.get(piece.twin, (1, 1))
    mixed = mix(piece)
    random = np.random.default_rng([piece.seed, piece.number, 3])
    if "noise" in piece.traits:
        level = float(random.uniform(0.01, 0.05))
        hiss = instruments.noise(random, RATE * 7, RATE, 200.0, 14000.0)
        mixed += level * np.resize(hiss, mixed.shape[1]) * np.abs(mixed).max()
    if "filtered_intro" in piece.traits:
        _filter_intro(piece, mixed, random.random() < 0.5)
    drive = LOUD if "loud_master" in piece.traits else USUAL
    mixed *= drive / max(float(np.abs(mixed).max()), 1e-9)
    np.tanh(mixed, out=mixed)
    if speed != (1, 1):
        mixed = _at_speed(mixed, *speed)
    mixed *= PEAK / max(float(np.abs(mixed).max()), 1e-9)
    if piece.twin == "quiet":
        mixed *= QUIET
    return np.ascontiguousarray(np.round(mixed * 32767.0).astype(np.int16).T)


def mix(piece: Piece, layers: frozenset[str] | None = None) -> np.ndarray:
    """(2, samples) float32 of the strokes, before mastering and speed. layers: mix only these."""
    line = piece.line
    size = round((float(line.times[-1]) + TAIL) * RATE)
    buses = {name: np.zeros((2, size), np.float32) for name in ("drums", "music")}
    chosen = [s for s in piece.strokes if layers is None or s.layer in layers]
    times = line.at(np.array([s.beat + piece.pickup for s in chosen], float))
    beat = 60 / piece.bpm
    bank = _bank(piece)
    for stroke, time in zip(chosen, times, strict=True):
        sound = bank(stroke.sound, stroke.pitch, round(stroke.beats * beat, 3))
        bus = buses["drums" if stroke.layer in DRUMS else "music"]
        _add(bus, round(float(time) * RATE), sound, LEVELS[stroke.sound] * stroke.strength)
    if "music" in buses and layers is None:
        buses["music"] *= _ducking(piece, size)
    return buses["drums"] + buses["music"]


def clicks(piece: Piece, sound: str) -> np.ndarray:
    """(samples,) int8: 1 at the first sample of every stroke of a sound, as mix places them."""
    line = piece.line
    found = np.zeros(round((float(line.times[-1]) + TAIL) * RATE), np.int8)
    beats = np.array([s.beat + piece.pickup for s in piece.strokes if s.sound == sound], float)
    for time in line.at(beats):
        _add(found[None], round(float(time) * RATE), np.ones(1, np.int8), 1)
    return found


def _bank(piece: Piece) -> Any:
    """A function that makes each sound of a piece once: (sound, pitch, seconds) -> samples."""
    style = piece.sound
    soft = "soft_kick" in piece.traits

    @cache
    def sound(name: str, pitch: int, seconds: float) -> np.ndarray:
        # One generator for each sound, so that twins sound alike whatever was played before.
        random = np.random.default_rng(
            [piece.seed, piece.number, 2, list(LEVELS).index(name), pitch]
        )
        hertz = sounds.frequency(pitch, piece.tuning) if pitch else 0.0
        match name:
            case "kick":
                kick = instruments.kick(RATE, style.kick_pitch, style.kick_decay)
                return 0.45 * kick * sounds.attack(kick.size, RATE) if soft else kick
            case "snare" | "ghost":
                return instruments.snare(RATE, random)
            case "clap":
                return instruments.clap(RATE, random)
            case "closed" | "open":
                return instruments.hat(RATE, random, 0.028 if name == "closed" else 0.13)
            case "percussion":
                return instruments.percussion(RATE)
            case "tom":
                return sounds.tom(RATE, pitch)
            case "bass":
                return sounds.bass(RATE, hertz, seconds, style.wobble * piece.bpm / 60)
            case "stabs":
                return sounds.stab(RATE, hertz, random)
            case "lead":
                return sounds.pluck(RATE, hertz)
            case "pad":
                return sounds.pad(RATE, hertz, seconds, random)
            case "vocals":
                return sounds.voice(RATE, hertz, pitch % 3)
            case "crash":
                return instruments.crash(RATE, random)
            case "impact":
                return instruments.impact(RATE)
            case _:
                return instruments.riser(random, RATE, seconds)

    return sound


def _add(bus: np.ndarray, start: int, sound: np.ndarray, gain: float) -> None:
    """Add a sound to a bus at a sample, cut at the end."""
    size = min(sound.shape[-1], bus.shape[1] - start)
    if size > 0:
        bus[:, start : start + size] += (sound[..., :size] * gain).astype(bus.dtype)


def _ducking(piece: Piece, size: int) -> np.ndarray:
    """The gain of the music under the kicks: side-chain compression."""
    gain = np.ones(size, np.float32)
    beat = 60 / piece.bpm
    t = np.arange(round(1.5 * beat * RATE)) / RATE
    curve = (1 - piece.sound.duck * np.exp(-((t / (DUCKED * beat)) ** 2))).astype(np.float32)
    beats = np.array([s.beat + piece.pickup for s in piece.strokes if s.sound == "kick"], float)
    for time in piece.line.at(beats):
        start = round(float(time) * RATE)
        end = min(size, start + curve.size)
        gain[start:end] = np.minimum(gain[start:end], curve[: end - start])
    return gain


def _filter_intro(piece: Piece, mixed: np.ndarray, low: bool) -> None:
    """Filter the first section with an opening filter: low pass if `low`, else high pass."""
    bars = piece.form[0][1]
    end = round(float(piece.line.at(bars * piece.beats_per_bar + piece.pickup)) * RATE)
    part = mixed[:, :end].copy()
    bins = np.fft.rfftfreq(end, 1 / RATE)
    rise = np.linspace(0.0, 1.0, end, dtype=np.float32)
    cutoffs = (250.0, 700.0, 2500.0) if low else (1500.0, 700.0, 250.0)
    mixed[:, :end] *= np.clip(rise * 3 - 2, 0.0, 1.0)
    spectra = [np.fft.rfft(side) for side in part]
    for place, cutoff in enumerate(cutoffs):
        ratio = bins / cutoff if low else cutoff / np.maximum(bins, 1e-9)
        kept = 1 / np.sqrt(1 + np.minimum(ratio, 1e4) ** 4)
        weight = np.clip(1 - np.abs(rise * 3 - place), 0.0, 1.0)
        for side, spectrum in zip(mixed, spectra, strict=True):
            side[:end] += weight * np.fft.irfft(spectrum * kept, end).astype(np.float32)


def _at_speed(mixed: np.ndarray, up: int, down: int) -> np.ndarray:
    """Change speed and pitch by the factor up/down, like a turntable; exact, by Fourier
    transforms."""
    size = -(-mixed.shape[1] // up) * up
    target = size // up * down
    padded = np.pad(mixed, ((0, 0), (0, size - mixed.shape[1])))
    out = np.empty((2, target), np.float32)
    for side, made in zip(padded, out, strict=True):
        spectrum = np.fft.rfft(side)
        bins = target // 2 + 1
        if bins > spectrum.size:
            spectrum = np.pad(spectrum, (0, bins - spectrum.size))
        made[:] = np.fft.irfft(spectrum[:bins], target) * (target / size)
    return out
