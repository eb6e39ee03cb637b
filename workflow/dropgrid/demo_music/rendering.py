"""Render a composition from loops of four bars, each computed once and then repeated."""

from __future__ import annotations

import numpy as np

from ..records.model import Section
from . import instruments
from .composition import BEATS_PER_BAR, Composition
from .styles import STEPS, strokes

BLOCK = 4  # bars in a loop; every section is a multiple
RING = 1.2  # seconds a loop may ring on beyond its last bar
CONCERT_A = 55.0  # Hz

# How loud each layer is in the mix; the drums are set against a kick of 1.
LEVELS = {
    "kick": 0.9, "snare": 0.55, "hats": 0.3, "percussion": 0.18,
    "bass": 0.5, "pad": 0.5, "bright pad": 0.6, "stabs": 0.6, "lead": 0.4,
}  # fmt: skip
FILL = "..........5.6677"
DRUMS = ("kick", "snare", "hats", "percussion")


def render(composition: Composition, rate: int = 44100) -> np.ndarray:
    """The composition as audio: (samples, 2) float32 within -0.9..0.9; seeded, so repeatable.

    Every stroke on a beat begins at the sample nearest to its time in the composition.
    """
    random = np.random.default_rng([composition.seed, 1])
    size = round(composition.duration * rate)
    drums = np.zeros((2, size), np.float32)
    music = np.zeros((2, size), np.float32)
    loops = _loops(composition, rate, random)
    duck = _ducking(composition, rate)
    for section, block in _blocks(composition):
        bar = (section.start_bar or 1) + block * BLOCK
        start = round(composition.time_of_bar(bar) * rate)
        for layer, (first, last) in _layers(composition, section, block).items():
            bus = drums if layer in DRUMS else music
            _add(bus, start, loops[layer], LEVELS[layer] * first, LEVELS[layer] * last)
    for section, block in _blocks(composition):
        if "kick" in _layers(composition, section, block):
            bar = (section.start_bar or 1) + block * BLOCK
            start = round(composition.time_of_bar(bar) * rate)
            music[:, start : start + duck.size] *= duck[: max(0, size - start)]
    for section in composition.sections:
        if section.label == "buildup":
            _play_buildup(composition, section, rate, random, drums, music)
    _play_marks(composition, rate, random, drums)
    drums += music
    np.tanh(drums, out=drums)
    drums *= 0.9 / max(float(np.abs(drums).max()), 1e-9)
    return np.ascontiguousarray(drums.T)


def _blocks(composition: Composition) -> list[tuple[Section, int]]:
    """Every block of four bars: its section, and its number within the section, from 0."""
    return [
        (section, block)
        for section in composition.sections
        for block in range((section.bars or 0) // BLOCK)
    ]


def _layers(
    composition: Composition, section: Section, block: int
) -> dict[str, tuple[float, float]]:
    """Which layers play in a block, with their gain at its start and at its end."""
    blocks = (section.bars or 0) // BLOCK
    first, last = block / blocks, (block + 1) / blocks
    full = (1.0, 1.0)
    match section.label:
        case "intro":
            layers = {"hats": (0.8, 0.8), "percussion": full, "pad": (0.12, 0.12)}
            if composition.kick_in_intro or block >= blocks / 2:
                layers["kick"] = (0.9, 0.9)
        case "buildup":
            rising, falling = (0.15 + 0.5 * first, 0.15 + 0.5 * last), (1 - first, 1 - last)
            layers = {"hats": (0.4, 0.4), "bright pad": rising, "pad": falling}
            layers["lead"] = (0.3 + 0.4 * first, 0.3 + 0.4 * last)
        case "drop":
            layers = dict.fromkeys(("kick", "snare", "hats", "percussion", "bass", "stabs"), full)
            layers |= {"lead": full, "bright pad": (0.5, 0.5)}
        case "breakdown":
            layers = {"pad": (1.1, 1.1), "lead": (0.45, 0.45)}
        case _:
            layers = {"kick": (0.9, 0.9), "hats": (0.8, 0.8), "percussion": full}
            if block < blocks / 2:
                layers |= {"bass": (0.35, 0.35), "pad": (0.15, 0.15)}
    return layers


def _loops(
    composition: Composition, rate: int, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Every layer as a loop of four bars with its decay, (2, n) samples."""
    style = composition.sound
    sounds = {
        "kick": [(style.kick, instruments.kick(rate, style.kick_pitch, style.kick_decay), 1.0)],
        "snare": [
            (style.snare, instruments.snare(rate, random), 1.0),
            (style.clap, instruments.clap(rate, random), 0.7),
        ],
        "hats": [
            (style.closed, instruments.hat(rate, random, 0.028), 0.8),
            (style.open, instruments.hat(rate, random, 0.13), 0.8),
        ],
        "percussion": [(style.percussion, instruments.percussion(rate), 1.0)],
    }
    loops = {}
    for layer, parts in sounds.items():
        loop = _empty_loop(composition, rate)
        for pattern, sound, gain in parts:
            late = 0.0 if layer in ("kick", "snare") else style.swing
            for step, strength in strokes(pattern, BLOCK):
                _add(loop, _step(composition, rate, step, late), sound, gain * strength)
        loops[layer] = loop
    loops["bass"] = _bass_loop(composition, rate)
    loops["pad"] = _pad_loop(composition, rate, random, 0.0)
    loops["bright pad"] = _pad_loop(composition, rate, random, 0.8)
    loops["stabs"] = _stab_loop(composition, rate, random)
    loops["lead"] = _lead_loop(composition, rate)
    for layer in ("pad", "stabs", "lead"):
        loops[layer] += 0.5 * instruments.reverb(loops[layer], rate, random, 0.6)
    return loops


def _bass_loop(composition: Composition, rate: int) -> np.ndarray:
    style = composition.sound
    loop = _empty_loop(composition, rate)
    t = np.arange(round(style.bass_length * composition.bar / STEPS * rate)) / rate
    if style.wobble:
        colour = 0.5 - 0.5 * np.cos(2 * np.pi * style.wobble / composition.beat * t)
    else:
        colour = 0.5 * np.exp(-t / 0.06)
    envelope = _gate(t.size, rate)
    for step, strength in strokes(style.bass, BLOCK):
        root = _frequencies(composition, step)[0]
        note = 0.6 * instruments.tone(root, colour, rate) + 0.8 * np.sin(2 * np.pi * root * t)
        _add(loop, _step(composition, rate, step), note * envelope, strength)
    return loop


def _pad_loop(
    composition: Composition, rate: int, random: np.random.Generator, colour: float
) -> np.ndarray:
    loop = _empty_loop(composition, rate)
    size = round(composition.bar * rate)
    envelope = _gate(size, rate, 0.08)
    for bar in range(BLOCK):
        notes = [2 * f for f in _frequencies(composition, bar * STEPS)]
        sound = instruments.chord(notes, np.full(size, colour, np.float32), rate, random)
        _add(loop, _step(composition, rate, bar * STEPS), sound * envelope)
    return loop


def _stab_loop(composition: Composition, rate: int, random: np.random.Generator) -> np.ndarray:
    loop = _empty_loop(composition, rate)
    t = np.arange(round(0.35 * rate)) / rate
    colour = (0.9 * np.exp(-t / 0.08)).astype(np.float32)
    envelope = (np.exp(-t / 0.15) * _gate(t.size, rate)).astype(np.float32)
    made: dict[int, np.ndarray] = {}
    for step, strength in strokes(composition.sound.stabs, BLOCK):
        bar = step // STEPS
        if bar not in made:
            notes = [4 * f for f in _frequencies(composition, step)]
            made[bar] = instruments.chord(notes, colour, rate, random) * envelope
        _add(loop, _step(composition, rate, step), made[bar], strength)
    return loop


def _lead_loop(composition: Composition, rate: int) -> np.ndarray:
    """A plucked line over the notes of the chords, with an echo after three sixteenths."""
    loop = _empty_loop(composition, rate)
    t = np.arange(round(0.4 * rate)) / rate
    colour, envelope = 0.7 * np.exp(-t / 0.05), np.exp(-t / 0.12) * _gate(t.size, rate)
    for number, (step, strength) in enumerate(strokes(composition.sound.lead, BLOCK)):
        notes = _frequencies(composition, step)
        pluck = envelope * instruments.tone(8 * notes[(2 * number) % len(notes)], colour, rate)
        sides = np.stack([pluck, 0.85 * pluck])
        for echo, gain in enumerate((1.0, 0.4, 0.16)):
            panned = sides if echo % 2 == 0 else sides[::-1]
            _add(loop, _step(composition, rate, step + 3 * echo), panned, gain * strength)
    return loop


def _play_buildup(
    composition: Composition,
    section: Section,
    rate: int,
    random: np.random.Generator,
    drums: np.ndarray,
    music: np.ndarray,
) -> None:
    """Riser, snare roll that doubles in density, and the silence before the drop."""
    bars = section.bars or 0
    start_bar = section.start_bar or 1
    start = round(composition.time_of_bar(start_bar) * rate)
    _add(music, start, 0.16 * instruments.riser(random, rate, bars * composition.bar))
    if composition.sound.rolls:
        sound = instruments.snare(rate, random)
        for bar in range(bars):
            left = bars - bar
            every = 4 if left > bars / 2 else 2 if left > bars / 4 else 1
            for step in range(0, STEPS, every):
                strength = 0.12 + 0.33 * (bar * STEPS + step) / (bars * STEPS)
                _add(drums, start + _step(composition, rate, bar * STEPS + step), sound, strength)
    if composition.gap:
        end = round(composition.time_of_bar(section.end_bar or 1) * rate)
        quiet = end - round(composition.gap * composition.beat * rate)
        fade = min(round(0.01 * rate), end - quiet)
        envelope = np.full(end - quiet, 0.06, np.float32)
        envelope[:fade] = np.linspace(1.0, 0.06, fade)
        drums[:, quiet:end] *= envelope
        music[:, quiet:end] *= envelope


def _play_marks(
    composition: Composition, rate: int, random: np.random.Generator, drums: np.ndarray
) -> None:
    """Crashes where sections begin, a fill where drops end, and the boom of each drop."""
    crash, impact = instruments.crash(rate, random), instruments.impact(rate)
    snare = instruments.snare(rate, random)
    for section in composition.sections:
        start_bar = section.start_bar or 1
        if section.label in ("drop", "breakdown", "outro"):
            for bar in range(
                start_bar, section.end_bar or 1, 8 if section.label == "drop" else 99
            ):
                _add(drums, round(composition.time_of_bar(bar) * rate), crash, 0.16)
        if section.label == "drop":
            _add(drums, round(composition.time_of_bar(start_bar) * rate), impact, 0.4)
            last_bar = round(composition.time_of_bar((section.end_bar or 2) - 1) * rate)
            for step, strength in strokes(FILL, 1):
                _add(drums, last_bar + _step(composition, rate, step), snare, 0.5 * strength)


def _ducking(composition: Composition, rate: int) -> np.ndarray:
    """The gain of the music under the kicks of a loop: side-chain compression."""
    size = round(BLOCK * composition.bar * rate)
    gain = np.ones(size, np.float32)
    t = np.arange(size) / rate
    curve = 1 - composition.sound.duck * np.exp(-((t / (0.45 * composition.beat)) ** 2))
    for step, strength in strokes(composition.sound.kick, BLOCK):
        if strength > 0.8:
            at = _step(composition, rate, step)
            end = min(size, at + 2 * round(composition.beat * rate))
            gain[at:end] = np.minimum(gain[at:end], curve[: end - at])
    return gain


def _frequencies(composition: Composition, step: int) -> list[float]:
    """Root, third, fifth and octave of the chord at a sixteenth, in Hz from about 40."""
    root, minor = composition.chords[step // STEPS % len(composition.chords)]
    semitones = (composition.key - 4 + root) % 12 - 5  # from E up
    third = 3 if minor else 4
    concert_a = CONCERT_A * 2 ** (composition.tuning / 1200)
    return [concert_a * 2 ** ((semitones + above) / 12) for above in (0, third, 7, 12)]


def _empty_loop(composition: Composition, rate: int) -> np.ndarray:
    return np.zeros((2, round((BLOCK * composition.bar + RING) * rate)), np.float32)


def _step(composition: Composition, rate: int, step: int, swing: float = 0.0) -> int:
    """The sample at which a sixteenth of a loop begins."""
    late = swing if step % 2 else 0.0
    return round((step + late) * composition.beat * BEATS_PER_BAR / STEPS * rate)


def _gate(size: int, rate: int, fade: float = 0.004) -> np.ndarray:
    """An envelope of ones that fades in and out within `fade` seconds each."""
    ramp = np.minimum(np.arange(size), np.arange(size)[::-1]) / (fade * rate)
    return np.minimum(ramp, 1.0).astype(np.float32)


def _add(
    bus: np.ndarray, start: int, sound: np.ndarray, first: float = 1.0, last: float | None = None
) -> None:
    """Add a sound to a bus at a sample, with a gain from first to last; cut it at the end."""
    size = min(sound.shape[-1], bus.shape[1] - start)
    if size <= 0:
        return
    gain = first if last is None or last == first else np.linspace(first, last, size)
    bus[:, start : start + size] += (sound[..., :size] * gain).astype(np.float32, copy=False)
