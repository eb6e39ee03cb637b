"""Compose a track of dance music, with the exact truth about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..records.model import Label, Section
from .styles import KEY_PROGRESSIONS, PROGRESSIONS, STYLES, Style

BEATS_PER_BAR = 4
TAIL = 1.5  # seconds in which the last sounds die away after the last bar

Form = tuple[tuple[Label, int], ...]

# Forms in their shortest version, longest first: (label, bars).
LONG_FORMS: tuple[Form, ...] = (
    (("intro", 4), ("buildup", 4), ("drop", 8), ("breakdown", 4), ("buildup", 4), ("drop", 8),
     ("outro", 4)),
    (("intro", 4), ("breakdown", 4), ("buildup", 4), ("drop", 8), ("breakdown", 4),
     ("buildup", 4), ("drop", 8), ("outro", 4)),
)  # fmt: skip
SHORT_FORMS: tuple[Form, ...] = (
    (("intro", 4), ("buildup", 4), ("drop", 8), ("breakdown", 4), ("drop", 8), ("outro", 4)),
    (("intro", 4), ("buildup", 4), ("drop", 8), ("outro", 4)),
)
LONGEST: dict[Label, int] = {
    "intro": 16, "buildup": 8, "drop": 16, "breakdown": 16, "outro": 16,
}  # fmt: skip


@dataclass(frozen=True)
class Composition:
    """A track before rendering, and the truth about it.

    bpm: exact and constant. lead_in: seconds of silence before the first downbeat. duration:
    seconds of audio. sections: as in a structure record, covering 0..duration. key: see
    dropgrid.key.notation. chords: (semitones above the tonic, minor?) by bar. tuning: cents by
    which all pitches are above A = 440 Hz. kick_in_intro: whether the kick plays from the start;
    else from the middle of a long intro. gap: beats of near silence before each drop.
    """

    seed: int
    bpm: float
    style: str
    lead_in: float
    duration: float
    sections: tuple[Section, ...]
    key: int
    chords: tuple[tuple[int, bool], ...]
    kick_in_intro: bool
    gap: int
    tuning: float = 0.0

    @property
    def sound(self) -> Style:
        """The style's patterns and timbres."""
        return STYLES[self.style]

    @property
    def bars(self) -> int:
        """The number of bars of the track."""
        return sum(section.bars or 0 for section in self.sections)

    @property
    def beat(self) -> float:
        """Seconds from one beat to the next."""
        return 60.0 / self.bpm

    @property
    def bar(self) -> float:
        """Seconds of a bar."""
        return BEATS_PER_BAR * self.beat

    @cached_property
    def beats(self) -> np.ndarray:
        """(4 * bars,) float64: the time of every beat, in seconds."""
        return self.lead_in + np.arange(self.bars * BEATS_PER_BAR) * self.beat

    @cached_property
    def downbeats(self) -> np.ndarray:
        """(bars,) float64: the time of the first beat of every bar, in seconds."""
        return self.beats[::BEATS_PER_BAR]

    @property
    def drops(self) -> tuple[float, ...]:
        """The moments at which a drop begins, in seconds."""
        return tuple(section.start for section in self.sections if section.label == "drop")

    def time_of_bar(self, bar: float) -> float:
        """Seconds at which a bar (counted from 1) begins."""
        return self.lead_in + (bar - 1) * self.bar


def compose(
    seed: int,
    bpm: float | None = None,
    style: str = "house",
    duration: float = 90.0,
    lead_in: float | None = None,
    key: int | None = None,
    tuning: float = 0.0,
) -> Composition:
    """A track of about `duration` seconds; the same arguments give the same track.

    bpm defaults to the style's own tempo, lead_in to a choice between none and half a second, key
    to a choice of the minor keys. A requested key gets chords that make it clear: the tonic chord
    sounds for half of the time. Sections are 4, 8 or 16 bars; the track has the longest such form
    within the duration, but at least 20 bars. Raises ValueError for an unknown style or an absurd
    tempo.
    """
    if style not in STYLES:
        raise ValueError(f"style {style!r} is none of {', '.join(STYLES)}")
    bpm = STYLES[style].bpm if bpm is None else float(bpm)
    if not 40.0 <= bpm <= 300.0:
        raise ValueError(f"a tempo of {bpm} BPM is not between 40 and 300")
    random = np.random.default_rng([seed, sorted(STYLES).index(style), round(bpm * 1000)])
    if lead_in is None:
        lead_in = float(random.choice([0.0, round(random.uniform(0.05, 0.5), 3)]))
    bar = BEATS_PER_BAR * 60.0 / bpm
    form = fit_form(random, int((duration - lead_in - TAIL) / bar + 1e-9))
    total = lead_in + sum(bars for _, bars in form) * bar + TAIL
    tonic, progression = int(random.integers(0, 12)), int(random.integers(4))
    if key is None:
        key, chords = (tonic + 4) % 12 + 12, PROGRESSIONS[progression]
    else:
        chords = KEY_PROGRESSIONS["minor" if key >= 12 else "major"][progression]
    return Composition(
        seed=seed,
        bpm=bpm,
        style=style,
        lead_in=lead_in,
        duration=total,
        sections=_sections(form, lead_in, bar, total),
        key=key,
        chords=chords,
        # A breakdown right after the intro is one only if a kick falls silent there.
        kick_in_intro=bool(random.random() < 0.5) or form[1][0] == "breakdown",
        gap=int(random.choice([0, 1, 2])),
        tuning=tuning,
    )


def fit_form(random: np.random.Generator, bars: int) -> Form:
    """A form of at most `bars` bars, extended by doubling sections in a random order.

    Returns the shortest form if even that has more bars.
    """
    fitting = [form for form in LONG_FORMS if _bars(form) <= bars]
    if fitting:
        form = list(fitting[random.choice(len(fitting))])
    else:
        form = list(next((f for f in SHORT_FORMS if _bars(f) <= bars), SHORT_FORMS[-1]))
    while True:
        room = bars - sum(length for _, length in form)
        growable = [
            i for i, (label, n) in enumerate(form) if n <= room and 2 * n <= LONGEST[label]
        ]
        if not growable:
            return tuple(form)
        chosen = random.choice(growable)
        label, length = form[chosen]
        form[chosen] = (label, 2 * length)


def _bars(form: Form) -> int:
    return sum(bars for _, bars in form)


def _sections(form: Form, lead_in: float, bar: float, total: float) -> tuple[Section, ...]:
    """Sections of a form; the first begins at 0 and the last ends at the end of the audio."""
    sections: list[Section] = []
    start_bar = 1
    for label, bars in form:
        start = lead_in + (start_bar - 1) * bar if sections else 0.0
        end_bar = start_bar + bars
        end = lead_in + (end_bar - 1) * bar if len(sections) < len(form) - 1 else total
        sections.append(Section(start, end, label, start_bar, end_bar, bars, 1.0))
        start_bar = end_bar
    return tuple(sections)
