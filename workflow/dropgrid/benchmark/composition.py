"""A piece of the benchmark: what is played when, decided by a seed and a number alone.

Positions are beats from the first downbeat (a pickup lies before 0); only the timeline knows
seconds. A twin is the same piece with one thing changed, so that a failure names its cause.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..demo.styles import KEY_PROGRESSIONS, Style, strokes
from ..records.model import Label, Section
from .styles import NAMES, STYLES
from .timeline import Curve, Timeline, timeline

TAIL = 2.0  # seconds in which the last sounds die away
STEPS = 4  # to a beat
SECONDS = (62.0, 96.0)  # about how long a piece is
# What can make a piece hard, each with its weight in the draw.
TRAITS = {
    "swing": 1.0, "half_time": 0.6, "offbeat_bass": 1.0, "broken_kick": 1.0, "ghost_notes": 1.0,
    "syncopation": 1.0, "odd_meter": 0.4, "pickup": 0.8, "odd_phrases": 0.8, "key_change": 0.6,
    "vocals": 0.8, "filtered_intro": 1.0, "no_drums_at_first": 0.8, "drift": 0.6, "jitter": 0.6,
    "ramp": 0.5, "jump": 0.5, "noise": 0.7, "loud_master": 0.8, "detuned": 0.5, "soft_kick": 0.8,
    "fills": 1.0, "sparse": 0.6, "triplets": 0.5, "lossy": 0.8,
}  # fmt: skip
MOVING = ("drift", "jitter", "ramp")  # at most one of them in a piece
MOST_TRAITS = 7
TWINS = ("without_kick", "swing", "half_time", "fast", "slow", "mp3", "quiet", "jump")
SPEEDS = {"fast": (53, 50), "slow": (47, 50)}  # times 1.06 and .94, as fractions
METERS = {3: "3/4", 4: "4/4", 5: "5/4", 7: "7/8"}  # beats of a bar; of 7/8 a beat is an eighth
FORMS: tuple[tuple[Label, ...], ...] = (
    ("intro", "buildup", "drop", "breakdown", "buildup", "drop", "outro"),
    ("intro", "drop", "breakdown", "drop", "outro"),
    ("intro", "buildup", "drop", "breakdown", "drop", "outro"),
    ("breakdown", "buildup", "drop", "breakdown", "buildup", "drop", "outro"),
)
HEARD = {  # which layers play in a section, and how loud
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


class Stroke(NamedTuple):
    """A sound. beat: position of its first sample; sound: its name in sounds; strength 0..1;
    pitch: MIDI number, 0 for drums; beats: how long a note is held, 0 for drums."""

    beat: float
    layer: str
    sound: str
    strength: float
    pitch: int = 0
    beats: float = 0.0


@dataclass(frozen=True)
class Piece:
    """A piece before it is played, and all that is true of it.

    bars: how many; pickup: beats before the first downbeat; keys: (bar from 0, key) from which
    bar on, a key as in dropgrid.key.notation; sections: of bars from 0, the moments follow.
    start: seconds of the first beat, the pickup's if there is one. twin: "" for the piece itself.
    """

    name: str
    seed: int
    number: int
    twin: str
    style: str
    bpm: float
    beats_per_bar: int
    bars: int
    pickup: int
    start: float
    form: tuple[tuple[Label, int], ...]
    keys: tuple[tuple[int, int], ...]
    chords: tuple[tuple[int, bool], ...]
    traits: tuple[str, ...]
    curve: Curve
    swing: float
    tuning: float  # cents
    strokes: tuple[Stroke, ...] = ()

    @property
    def sound(self) -> Style:
        """The style's patterns and timbres."""
        return STYLES[self.style]

    @property
    def line(self) -> Timeline:
        """Where the beats lie; its beat 0 is the first of the pickup, if there is one."""
        beats = self.pickup + self.bars * self.beats_per_bar
        return timeline(beats, self.bpm, self.start, self.curve, self.seed * 1000 + self.number)

    def seconds(self, beats: object) -> np.ndarray:
        """Seconds of positions in beats from the first downbeat, at the speed of the twin."""
        up, down = SPEEDS.get(self.twin, (1, 1))
        found = self.line.at(np.asarray(beats, float) + self.pickup)
        return np.asarray(found * (down / up), float)

    @property
    def beats(self) -> np.ndarray:
        """(beats,) seconds of every beat, the pickup's too."""
        return self.seconds(np.arange(-self.pickup, self.bars * self.beats_per_bar))

    @property
    def downbeats(self) -> np.ndarray:
        """(bars,) seconds of every downbeat."""
        return self.seconds(np.arange(self.bars) * self.beats_per_bar)

    @property
    def duration(self) -> float:
        """Seconds of the audio."""
        up, down = SPEEDS.get(self.twin, (1, 1))
        return float(self.seconds(self.bars * self.beats_per_bar)) + TAIL * down / up

    @property
    def tempo(self) -> np.ndarray:
        """(beats,) the tempo meant at each beat, BPM at the speed of the twin."""
        up, down = SPEEDS.get(self.twin, (1, 1))
        return np.asarray(self.line.bpm * (up / down), float)

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections, from 0 to the end of the audio."""
        found: list[Section] = []
        bar = 0
        for label, bars in self.form:
            start = float(self.seconds(bar * self.beats_per_bar)) if found else 0.0
            bar += bars
            last = len(found) == len(self.form) - 1
            end = self.duration if last else float(self.seconds(bar * self.beats_per_bar))
            found.append(Section(start, end, label, bar - bars + 1, bar + 1, bars, 1.0))
        return tuple(found)

    @property
    def drops(self) -> tuple[float, ...]:
        """The moments at which a drop begins, in seconds."""
        return tuple(section.start for section in self.sections if section.label == "drop")

    def onsets(self, sound: str) -> np.ndarray:
        """Seconds of all strokes of a sound, ascending."""
        return self.seconds(sorted(s.beat for s in self.strokes if s.sound == sound))

    def entries(self) -> dict[str, list[tuple[float, float]]]:
        """Of each layer the stretches (start, end) in seconds that it plays in: broken where it
        is silent for more than two bars."""
        found: dict[str, list[tuple[float, float]]] = {}
        for layer in dict.fromkeys(stroke.layer for stroke in self.strokes):
            own = sorted(
                (s.beat, s.beat + max(s.beats, 1.0)) for s in self.strokes if s.layer == layer
            )
            stretches = [list(own[0])]
            for start, end in own[1:]:
                if start - stretches[-1][1] > 2 * self.beats_per_bar:
                    stretches.append([start, end])
                stretches[-1][1] = max(stretches[-1][1], end)
            found[layer] = [
                (float(self.seconds(start)), min(float(self.seconds(end)), self.duration))
                for start, end in stretches
            ]
        return found


def compose(seed: int, number: int, twin: str = "") -> Piece:
    """A piece; the same arguments give the same piece, and twins differ from it in one thing."""
    if twin and twin not in TWINS:
        raise ValueError(f"twin {twin!r} is none of {', '.join(TWINS)}")
    random = np.random.default_rng([seed, number])
    style = NAMES[number % len(NAMES)]
    traits = _traits(random)
    meter = int(random.choice([3, 5, 7])) if "odd_meter" in traits else 4
    bpm = round(float(STYLES[style].bpm * random.uniform(0.94, 1.07)), int(random.choice([0, 2])))
    if meter == 7:
        bpm = round(bpm * 170 / STYLES[style].bpm, 1)
    form = _form(random, meter * 60 / bpm, "odd_phrases" in traits)
    bars = sum(count for _, count in form)
    piece = Piece(
        name=f"{number:04d}" + (f"-{twin}" if twin else ""),
        seed=seed,
        number=number,
        twin=twin,
        style=style,
        bpm=bpm,
        beats_per_bar=meter,
        bars=bars,
        pickup=int(random.integers(1, meter)) if "pickup" in traits else 0,
        start=float(random.choice([0.0, round(random.uniform(0.02, 1.5), 4)])),
        form=form,
        keys=(keys := _keys(random, form, "key_change" in traits)),
        chords=_chords(random, keys[0][1]),
        traits=traits,
        curve=_curve(random, traits, bars, meter, form),
        swing=float(random.uniform(0.2, 0.5)) if "swing" in traits else STYLES[style].swing,
        tuning=float(random.uniform(15, 45) * random.choice([-1, 1]))
        if "detuned" in traits
        else 0.0,
    )
    if twin == "swing":
        piece = replace(piece, swing=0.55 if piece.swing < 0.35 else 0.1)
    if twin == "jump":
        middle = sum(count for _, count in form[: len(form) // 2]) * meter + meter
        piece = replace(piece, curve=replace(piece.curve, jump=(piece.pickup + middle, 0.37)))
    played = _play(piece, np.random.default_rng([seed, number, 1]))
    if twin == "without_kick":
        played = [stroke for stroke in played if stroke.layer != "kick"]
    first = -piece.pickup - 1e-9
    kept = [s for s in played if first <= s.beat < bars * meter]
    return replace(piece, strokes=tuple(sorted(kept)))


def _traits(random: np.random.Generator) -> tuple[str, ...]:
    names, weights = list(TRAITS), np.array(list(TRAITS.values()))
    count = int(random.integers(1, MOST_TRAITS + 1))
    drawn = random.choice(names, size=count, replace=False, p=weights / weights.sum())
    found, moving = [], False
    for name in map(str, drawn):
        if name in MOVING and moving:
            continue
        moving |= name in MOVING
        found.append(name)
    return tuple(sorted(found))


def _form(random: np.random.Generator, bar: float, odd: bool) -> tuple[tuple[Label, int], ...]:
    """Sections of bars that together last about as long as a piece is."""
    labels = FORMS[int(random.integers(len(FORMS)))]
    room = int(random.uniform(*SECONDS) / bar)
    counts = [4] * len(labels)
    while sum(counts) + 4 <= room:
        counts[int(random.integers(len(counts)))] += 4
    if odd:
        counts = [max(3, n + int(random.integers(-1, 4))) for n in counts]
    return tuple(zip(labels, counts, strict=True))


def _keys(
    random: np.random.Generator, form: tuple[tuple[Label, int], ...], changes: bool
) -> tuple[tuple[int, int], ...]:
    """From which bar on which key is played; two of three pieces are minor."""
    tonic, mode = int(random.integers(12)), 12 if random.random() < 2 / 3 else 0
    found = [(0, mode + tonic)]
    if changes:
        after = int(random.integers(len(form) // 2, len(form) - 1))
        bar = sum(count for _, count in form[:after])
        found.append((bar, mode + (tonic + int(random.choice([1, 2, 3, 5]))) % 12))
    return tuple(found)


def _chords(random: np.random.Generator, key: int) -> tuple[tuple[int, bool], ...]:
    """Chords that leave no doubt of a key: its own is heard for half of the time."""
    known = KEY_PROGRESSIONS["minor" if key >= 12 else "major"]
    return known[int(random.integers(len(known)))]


def _curve(
    random: np.random.Generator,
    traits: tuple[str, ...],
    bars: int,
    meter: int,
    form: tuple[tuple[Label, int], ...],
) -> Curve:
    beats = bars * meter
    values = random.uniform(size=6)  # drawn always, so that traits do not move each other's
    first = int(beats * (0.25 + 0.2 * values[0]))
    breaks = np.cumsum([count for _, count in form])[:-1]
    at = int(breaks[int(values[1] * len(breaks))]) * meter + int(values[2] * meter)
    factor = 1 + (0.04 + 0.08 * values[3]) * (1 if values[4] < 0.5 else -1)
    return Curve(
        ramp=(first, int(first + beats * 0.3), factor) if "ramp" in traits else None,
        drift=(0.002 + 0.006 * values[3], 40 + 80 * values[4], values[5])
        if "drift" in traits
        else None,
        jitter=3 + 9 * values[5] if "jitter" in traits else 0.0,
        jump=(at, 0.2 + 0.6 * values[0]) if "jump" in traits else None,
    )


def _play(piece: Piece, random: np.random.Generator) -> list[Stroke]:
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
    layers = dict(HEARD[label])
    late = random.integers(0, max(1, bars // 2), len(HEARD["drop"]) + 1)
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
    """Patterns of sixteenths by sound, of one or two bars of 4/4, as the traits change them."""
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
