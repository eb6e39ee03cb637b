"""The styles of the demonstration music: drum patterns, bass lines, timbres.

Patterns have one character for each sixteenth of a bar: '.' is a rest, '1' to '9' a stroke of
that strength. A pattern longer than 16 characters lasts several bars.
"""

from __future__ import annotations

from dataclasses import dataclass

STEPS = 16  # sixteenths in a bar of 4/4


@dataclass(frozen=True)
class Style:
    """One style of dance music.

    bpm: the usual tempo. swing: share of a sixteenth by which every second sixteenth of hats and
    percussion comes late. duck: how far the kick pushes the music down. kick_*: end pitch (Hz) and
    decay (s) of the kick. bass_length: duration of a bass note, in sixteenths. wobble: cycles in
    each beat in which the bass filter opens and closes, 0 for none. rolls: whether buildups have a
    snare roll.
    """

    bpm: float
    kick: str
    snare: str
    clap: str
    closed: str
    open: str
    percussion: str
    bass: str
    stabs: str
    lead: str
    swing: float = 0.0
    duck: float = 0.7
    kick_pitch: float = 48.0
    kick_decay: float = 0.16
    bass_length: float = 1.8
    wobble: float = 0.0
    rolls: bool = True


# Parts that several styles share, here and in the benchmark.
NONE = "." * STEPS
FOUR_ON_THE_FLOOR = "9...9...9...9..."
OFFBEATS = "..8...8...8...8."
BACKBEAT = "....9.......9..."
EIGHTHS = "7.5.7.5.7.5.7.5."

STYLES: dict[str, Style] = {
    "house": Style(
        bpm=124,
        kick=FOUR_ON_THE_FLOOR,
        snare=NONE,
        clap="....8.......8...",
        closed="5.5.5.5.5.5.5.53",
        open=OFFBEATS,
        percussion="...4..4....4..5." + "...4..4...4..4..",
        bass="..8..7..8.8..7..",
        stabs="8..7..7...6..6..",
        lead="7..5..6...5..4.." + "7..5..6.5.5.4.3.",
    ),
    "techno": Style(
        bpm=134,
        kick=FOUR_ON_THE_FLOOR,
        snare=NONE,
        clap="....7.......7...",
        closed="4.644.644.644.64",
        open=OFFBEATS,
        percussion="..5..5.5..5..5.." + "..5..5.5..5.5.55",
        bass=".777.777.777.777",
        stabs="......7..5....6.",
        lead="...6....6.....5.",
        kick_pitch=44.0,
        kick_decay=0.2,
        bass_length=0.9,
    ),
    "trance": Style(
        bpm=138,
        kick=FOUR_ON_THE_FLOOR,
        snare=NONE,
        clap="....8.......8...",
        closed="6.436.436.436.43",
        open=OFFBEATS,
        percussion=NONE,
        bass="..88..88..88..88",
        stabs="7..7..7..7..7.7.",
        lead="7.66.76.67.66.76",
        duck=0.8,
        bass_length=1.0,
    ),
    "breakbeat": Style(
        bpm=130,
        kick="9..6......9.....",
        snare="....9..3.3..9..3",
        clap=NONE,
        closed=EIGHTHS,
        open="..............7.",
        percussion="..4...4...4..4..",
        bass="9..7..8...9..7..",
        stabs="....6.......6..5",
        lead="7...5.6...5.4...",
        swing=0.1,
        duck=0.4,
        kick_decay=0.13,
    ),
    "drum and bass": Style(
        bpm=174,
        kick="9.........9.....",
        snare=BACKBEAT + "....9..2.2..9..3",
        clap=NONE,
        closed=EIGHTHS,
        open="......6.......6.",
        percussion="..3..3..3..3..3.",
        bass="9.....8...9..7..",
        stabs="....5.....5.....",
        lead="7.....6.5...4...",
        duck=0.4,
        kick_pitch=55.0,
        kick_decay=0.11,
        bass_length=3.0,
    ),
    "dubstep": Style(
        bpm=140,
        kick="9.............6." + "9.....6.........",
        snare="........9.......",
        clap="........6.......",
        closed="7...6...7...6.44",
        open="............6...",
        percussion="....4.......4...",
        bass="9.....9...9.....",
        stabs="....6.....6.....",
        lead="7.....6.....5...",
        duck=0.4,
        kick_decay=0.15,
        bass_length=5.0,
        wobble=1.5,
    ),
    "hip hop": Style(
        bpm=87,
        kick="9......6..8....." + "9......6..8..6..",
        snare=BACKBEAT,
        clap="....4.......4...",
        closed="7.6.7.6.7.6.7.64",
        open="..............6.",
        percussion="...........4....",
        bass="9......7..8.....",
        stabs="7.........5.....",
        lead="..6..5....4.....",
        swing=0.22,
        duck=0.3,
        kick_decay=0.24,
        bass_length=3.5,
        rolls=False,
    ),
}

# Four bars each: semitones above the tonic, and whether the chord is minor.
PROGRESSIONS: tuple[tuple[tuple[int, bool], ...], ...] = (
    ((0, True), (8, False), (3, False), (10, False)),
    ((0, True), (5, True), (8, False), (10, False)),
    ((0, True), (10, False), (8, False), (7, True)),
    ((0, True), (3, False), (8, False), (5, True)),
)

# The same for music whose key is to be found: the tonic's chord sounds for half of the time.
KEY_PROGRESSIONS: dict[str, tuple[tuple[tuple[int, bool], ...], ...]] = {
    "minor": (
        ((0, True), (0, True), (8, False), (10, False)),
        ((0, True), (5, True), (0, True), (7, True)),
        ((0, True), (8, False), (0, True), (10, False)),
        ((0, True), (10, False), (5, True), (0, True)),
    ),
    "major": (
        ((0, False), (0, False), (5, False), (7, False)),
        ((0, False), (5, False), (0, False), (7, False)),
        ((0, False), (9, True), (0, False), (5, False)),
        ((0, False), (7, False), (5, False), (0, False)),
    ),
}


def strokes(pattern: str, bars: int) -> list[tuple[int, float]]:
    """The strokes of a pattern repeated for `bars` bars: (sixteenth from 0, strength 0..1)."""
    return [
        (step, int(mark) / 9)
        for step in range(bars * STEPS)
        if (mark := pattern[step % len(pattern)]) != "."
    ]
