"""How well one track follows another: five terms from 0 to 1, their weighted mean, and certainty.

    tempo      1 at the same tempo, 0 at the limit; beyond it nothing is mixed
    key        1 for the same key, less the further apart on Camelot's wheel; an unsure key says
               little, so its term is drawn towards NEUTRAL
    sections   how long the two can play together before a drop or after the last one; less where
               neither is a beat alone, because then bass plays against bass
    energy     whether the energy goes where it is wanted
    loudness   1 at the same loudness, 0 at LOUDNESS_RANGE

The score is their mean by WEIGHTS, times the certainty that the beats and downbeats of both are
right. All functions take one track (or all) against all and return arrays of shape (tracks,), or
(tracks, tracks) in `matrix`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..key import notation
from .library import NO_KEY, Library

Course = Literal["steady", "up", "down"]
COURSES: tuple[Course, ...] = ("steady", "up", "down")
WEIGHTS = {"tempo": 0.25, "key": 0.4, "sections": 0.2, "energy": 0.1, "loudness": 0.05}

TEMPO_LIMIT = 6.0  # per cent of tempo change, what most players' pitch faders allow
OTHER_OCTAVE = 0.8  # of the tempo term, where half or double tempo fits
NEUTRAL = 0.4  # the key term of two keys about which nothing is known
STEP = 0.12  # of energy (0..1) that one track goes up or down where that is wanted
ENERGY_RANGE = 0.5  # difference from the wanted energy at which the term is 0
LOUDNESS_RANGE = 9.0  # LU
BLENDS = (0, 4, 8, 16, 32, 64)  # bars that two tracks can play together
WORTH = (0.0, 0.3, 0.6, 0.85, 1.0, 1.0)  # of such a blend
BOTH_FULL = 0.85  # of the sections term, where neither track is a beat alone


@dataclass(frozen=True)
class Scores:
    """The terms (0..1), the tempo change in per cent and the blend in bars, all (tracks,).

    terms: by the names of WEIGHTS. total: 0..1; -1 where the tempo is beyond the limit.
    change: of the second track's tempo, so that it fits the first. octave: 1, or 2 or .5 where the
    second is counted at double or half tempo.
    """

    terms: dict[str, np.ndarray]
    certainty: np.ndarray
    total: np.ndarray
    change: np.ndarray
    octave: np.ndarray
    blend: np.ndarray


def scores(
    library: Library,
    first: int | slice,
    course: Course = "steady",
    limit: float = TEMPO_LIMIT,
) -> Scores:
    """How well every track follows a track, or with a slice every one of those (a row each)."""
    one = slice(first, first + 1) if isinstance(first, int) else first

    def pair(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return values[one, None], values[None, :]

    change, octave = tempo_change(*pair(library.bpm))
    blend = blend_bars(library.bars_out[one, None], library.bars_in[None, :])
    alone = (library.alone_out[one, None] >= blend / 2) | (library.alone_in[None, :] >= blend / 2)
    terms = {
        "tempo": tempo_term(change, octave, limit),
        "key": key_term(*pair(library.key), *pair(library.key_confidence)),
        "sections": section_term(blend, alone),
        "energy": energy_term(*pair(library.energy), course),
        "loudness": near(*pair(library.loudness), LOUDNESS_RANGE),
    }
    before, after = pair(library.certainty)
    certainty = before * after
    total = certainty * sum(WEIGHTS[name] * term for name, term in terms.items())
    total = np.where(abs(change) > limit, -1.0, total)
    found = Scores(terms, certainty, total, change, octave, blend)
    return found if not isinstance(first, int) else _row(found)


def _row(found: Scores) -> Scores:
    return Scores(
        {name: term[0] for name, term in found.terms.items()},
        *(getattr(found, name)[0] for name in ("certainty", "total", "change", "octave", "blend")),
    )


def tempo_change(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(per cent by which `after` has to change to fit `before`, its octave: 1, 2 or .5)."""
    octaves = np.array([1.0, 2.0, 0.5])
    changes = 100 * (before[..., None] / (after[..., None] * octaves) - 1)
    best = np.abs(changes).argmin(axis=-1)
    return np.take_along_axis(changes, best[..., None], -1)[..., 0], octaves[best]


def tempo_term(change: np.ndarray, octave: np.ndarray, limit: float) -> np.ndarray:
    """1 at the same tempo, 0 at the limit (per cent); less at half and double tempo."""
    return np.clip(1 - np.abs(change) / limit, 0, 1) * np.where(octave == 1, 1, OTHER_OCTAVE)


def relations() -> np.ndarray:
    """(24, 24) how well key j follows key i, 0..1, by their places on Camelot's wheel."""
    table = np.empty((notation.KEYS, notation.KEYS))
    places = [notation.camelot(key) for key in range(notation.KEYS)]
    for i, one in enumerate(places):
        for j, other in enumerate(places):
            steps = (int(other[:-1]) - int(one[:-1]) + 5) % 12 - 5  # -5..6 around the wheel
            table[i, j] = _relation(steps, one[-1] == other[-1])
    return table


def _relation(steps: int, same_mode: bool) -> float:
    """Of two keys, so many steps apart on the wheel, in the same mode or not."""
    if same_mode:
        return {0: 1.0, 1: 0.9, -1: 0.9, 2: 0.5, -2: 0.4}.get(steps, 0.1)
    return {0: 0.9, 1: 0.6, -1: 0.6}.get(steps, 0.5 if abs(steps) == 3 else 0.1)


RELATIONS = relations()


def key_term(
    before: np.ndarray,
    after: np.ndarray,
    before_certainty: np.ndarray,
    after_certainty: np.ndarray,
) -> np.ndarray:
    """The relation of two keys, drawn towards NEUTRAL as far as they are unsure or unknown."""
    certainty = np.where(
        (before == NO_KEY) | (after == NO_KEY), 0.0, before_certainty * after_certainty
    )
    return certainty * RELATIONS[before, after] + (1 - certainty) * NEUTRAL


def blend_bars(bars_out: np.ndarray, bars_in: np.ndarray) -> np.ndarray:
    """How many bars two tracks can play together: the longest of BLENDS that fits both."""
    return np.array(BLENDS)[
        np.searchsorted(BLENDS, np.minimum(bars_out, bars_in), side="right") - 1
    ]


def section_term(blend: np.ndarray, alone: np.ndarray) -> np.ndarray:
    """The worth of a blend of so many bars; alone: whether one of the two is a beat alone."""
    return np.array(WORTH)[np.searchsorted(BLENDS, blend)] * np.where(alone, 1.0, BOTH_FULL)


def energy_term(before: np.ndarray, after: np.ndarray, course: Course) -> np.ndarray:
    """1 where the energy goes by a STEP up or down, or stays, as wanted."""
    wanted = {"steady": 0.0, "up": STEP, "down": -STEP}[course]
    return near(before + wanted, after, ENERGY_RANGE)


def near(before: np.ndarray, after: np.ndarray, span: float) -> np.ndarray:
    """1 where two values are the same, 0 where they differ by span; .5 where one is unknown."""
    term = np.clip(1 - np.abs(after - before) / span, 0, 1)
    return np.where(np.isnan(term), 0.5, term)


def ranked(library: Library, first: int, found: Scores) -> np.ndarray:
    """The tracks that can follow, best first; neither the track itself nor a duplicate of it."""
    usable = (found.total >= 0) & ~library.is_same(first)
    order = np.argsort(-found.total, kind="stable")
    return order[usable[order]]
