"""Every stroke of a piece of the benchmark: which layers play in each bar, and which notes."""

from __future__ import annotations

import numpy as np

from ..demo_music.styles import strokes
from ..records.model import Label
from .piece import Piece, Stroke

STEPS = 4  # to a beat
LAYERS: dict[Label, dict[str, float]] = {  # which play in a section, and how loud
    "intro": {"hats": 0.8, "percussion": 1.0, "pad": 0.15, "kick": 0.9},
    "buildup": {"hats": 0.5, "pad": 0.5, "lead": 0.5, "vocals": 0.7},
    "drop": {
        "kick": 1.0, "snare": 1.0, "hats": 1.0, "percussion": 1.0, "bass": 1.0, "stabs": 1.0,
        "lead": 0.9, "pad": 0.35, "vocals": 0.4,
    },
    "breakdown": {"pad": 1.0, "lead": 0.5, "vocals": 1.0},
    "outro": {"kick": 0.9, "hats": 0.8, "percussion": 1.0, "bass": 0.4},
}  # fmt: skip
DRUMS = ("kick", "snare", "hats", "percussion")


def play(piece: Piece, random: np.random.Generator) -> list[Stroke]:
    """Every stroke of a piece."""
    patterns = _patterns(piece, random)
    lead_notes = random.integers(0, 4, 64)
    found: list[Stroke] = []
    bar = 0
    for index, (label, bars) in enumerate(piece.form):
        active = _active(piece, label, index, bars, random)
        for place in range(bars):
            for layer, (first, gain) in active.items():
                if place >= first:
                    found += _bar(piece, patterns, layer, gain, bar + place, lead_notes)
        found += _marks(piece, label, bar, bars)
        bar += bars
    return found + _pickup(piece)


def _active(
    piece: Piece, label: Label, index: int, bars: int, random: np.random.Generator
) -> dict[str, tuple[int, float]]:
    """The layers of a section: (bar from which each plays, gain)."""
    layers = dict(LAYERS[label])
    late = random.integers(0, max(1, bars // 2), len(LAYERS["drop"]) + 1)
    if "vocals" not in piece.traits:
        layers.pop("vocals", None)
    if "sparse" in piece.traits and label == "drop":
        for name in ("stabs", "pad", "percussion"):
            layers.pop(name)
    found = {}
    for place, (name, gain) in enumerate(layers.items()):
        opening = index == 0 and label == "intro"
        first = int(late[place]) if opening and name != "hats" else 0
        if opening and "no_drums_at_first" in piece.traits and name in DRUMS:
            first = bars // 2
        found[name] = (first, float(gain))
    if index == 0 and label == "intro" and "no_drums_at_first" in piece.traits:
        found["pad"] = (0, 0.8)
    return found


def _patterns(piece: Piece, random: np.random.Generator) -> dict[str, str]:
    """Patterns of sixteenths by sound, one or two bars of 4/4 long, changed by the traits."""
    style = piece.sound
    found = {
        "kick": style.kick, "snare": style.snare, "clap": style.clap, "closed": style.closed,
        "open": style.open, "percussion": style.percussion, "bass": style.bass,
        "stabs": style.stabs, "lead": style.lead, "ghost": "",
        "vocals": "7.......5...4..." + "6.....5.....4...",
    }  # fmt: skip
    broken = random.permutation([3, 6, 7, 10, 11, 14, 19, 22, 26, 27, 30])[:5]
    ghosts = random.permutation([1, 2, 5, 7, 9, 10, 13, 15])[:4]
    if "broken_kick" in piece.traits:
        found["kick"] = _marked(32, {0: 9, **{int(step): 8 for step in broken}})
    if "half_time" in piece.traits or piece.twin == "half_time":
        found |= {"kick": "9.........6.....", "snare": "........9.......", "clap": ""}
    if "ghost_notes" in piece.traits:
        found["ghost"] = _marked(16, {int(step): 3 for step in ghosts})
    if "offbeat_bass" in piece.traits:
        found["bass"] = "..9...9...9...9."
    return found


def _marked(length: int, marks: dict[int, int]) -> str:
    return "".join(str(marks[i]) if i in marks else "." for i in range(length))


def _in_bar(pattern: str, bar: int, meter: int) -> list[tuple[int, float]]:
    """The strokes of one bar: a pattern's bar of 4/4, cut or continued to the meter."""
    if not pattern.strip("."):
        return []
    bars = max(1, len(pattern) // 16)
    own = pattern[16 * (bar % bars) :][:16] if bars > 1 else pattern
    return strokes((own * 2)[: STEPS * meter].ljust(STEPS * meter, "."), 1)[: STEPS * meter]


def _bar(
    piece: Piece,
    patterns: dict[str, str],
    layer: str,
    gain: float,
    bar: int,
    lead_notes: np.ndarray,
) -> list[Stroke]:
    """The strokes of a layer in a bar."""
    meter, start = piece.beats_per_bar, bar * piece.beats_per_bar
    key = [key for first, key in piece.keys if first <= bar][-1]
    root, minor = piece.chords[bar % len(piece.chords)]
    tonic = (key + root) % 12
    triad = (0, 3 if minor else 4, 7)
    swing = 0.0 if layer in ("kick", "snare") else piece.swing / STEPS
    ahead = 1 / STEPS if "syncopation" in piece.traits and layer in ("bass", "stabs") else 0.0
    sounds = {
        "snare": ("snare", "clap", "ghost"), "hats": ("closed", "open"),
    }.get(layer, (layer,))  # fmt: skip
    if layer == "pad":
        return [Stroke(start, "pad", "pad", gain, 48 + tonic + above, meter) for above in triad]
    found = []
    for sound in sounds:
        for number, (step, strength) in enumerate(_in_bar(patterns[sound], bar, meter)):
            if layer == "hats" and "triplets" in piece.traits and step % STEPS:
                continue
            beat = start + step / STEPS + (swing if step % 2 else 0.0)
            if ahead and step == 0:
                beat -= ahead
            level = gain * strength
            match layer:
                case "bass":
                    length = piece.sound.bass_length / STEPS
                    found.append(Stroke(beat, layer, sound, level, 28 + (tonic - 4) % 12, length))
                case "stabs":
                    found += [
                        Stroke(beat, layer, sound, level, 60 + tonic + above, 0.5)
                        for above in triad
                    ]
                case "lead":
                    place = int(lead_notes[(step + 16 * (bar % 2)) % len(lead_notes)])
                    pitch = 72 + tonic + (*triad, 12)[place]
                    found.append(Stroke(beat, layer, sound, level, pitch, 0.5))
                case "vocals":
                    pitch = 55 + (tonic + (triad[number % 3])) % 12
                    found.append(Stroke(beat, layer, sound, level, pitch, 1.5))
                case _:
                    found.append(Stroke(beat, layer, sound, level))
    if layer == "hats" and "triplets" in piece.traits:
        found += [
            Stroke(start + beat + third / 3, layer, "closed", 0.5 * gain)
            for beat in range(meter)
            for third in (1, 2)
        ]
    return found


def _marks(piece: Piece, label: Label, bar: int, bars: int) -> list[Stroke]:
    """Crashes, the boom of a drop, the roll and riser before it, fills."""
    meter = piece.beats_per_bar
    start, end = bar * meter, (bar + bars) * meter
    found = []
    if label in ("drop", "breakdown", "outro") and bar:
        found.append(Stroke(start, "effects", "crash", 0.7))
    if label == "drop":
        found.append(Stroke(start, "effects", "impact", 0.7))
        if "fills" in piece.traits:
            found += [
                Stroke(end - 2 + step / 4, "snare", "tom", 0.5 + 0.05 * step, 45 - step)
                for step in (0, 1, 3, 4, 6, 7)
            ]
    if label == "buildup":
        found.append(Stroke(start, "effects", "riser", 0.5, 0, bars * meter))
        if piece.sound.rolls:
            steps = np.arange(0, bars * meter, 1.0)
            half = np.arange(bars * meter / 2, bars * meter, 0.5)
            last = np.arange(bars * meter - meter, bars * meter - 1, 0.25)
            for beat in np.unique(np.concatenate((steps, half, last))):
                strength = 0.15 + 0.4 * float(beat) / (bars * meter)
                found.append(Stroke(start + float(beat), "snare", "snare", strength))
    return found


def _pickup(piece: Piece) -> list[Stroke]:
    return [
        Stroke(-beat - off, "snare", "tom", 0.6, 43 + beat)
        for beat in range(1, piece.pickup + 1)
        for off in (0.0, -0.5)
    ]
