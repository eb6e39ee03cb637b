"""How well one track follows another: five terms from 0 to 1, their weighted mean, and certainty.

    tempo      1 at the same tempo, 0 at the limit; beyond it, the tracks do not mix
    key        1 for the same key, less with distance on the Camelot wheel; for an unsure key it
               moves towards NEUTRAL
    sections   how long both can play before the second track's drop and after the first track's
               last one; less if neither is only beat, because then two bass lines overlap
    energy     whether the energy changes as wanted
    loudness   1 at the same loudness, 0 at LOUDNESS_RANGE

The score is their mean by WEIGHTS, times the certainty that the beats and downbeats of both tracks
are right. All functions compare one track (or all) with all, and return arrays of shape (tracks,)
or (tracks, tracks).
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

TEMPO_LIMIT = 6.0  # per cent of tempo change, the usual range of a player's pitch fader
OTHER_OCTAVE = 0.8  # factor of the tempo term if half or double tempo fits
NEUTRAL = 0.4  # the key term of unknown keys
STEP = 0.12  # of energy (0..1) from track to track if it is to go up or down
ENERGY_RANGE = 0.5  # difference from the wanted energy at which the term is 0
LOUDNESS_RANGE = 9.0  # LU
BLENDS = (0, 4, 8, 16, 32, 64)  # bars that two tracks can play together
BLEND_VALUES = (0.0, 0.3, 0.6, 0.85, 1.0, 1.0)  # of these blends
BOTH_FULL = 0.85  # factor of the sections term if neither track is only beat


@dataclass(frozen=True)
class Scores:
    """The terms (0..1), the tempo change in per cent and the blend in bars, all (tracks,).

    terms: by the names of WEIGHTS. total: 0..1; -1 if the tempo is beyond the limit.
    change: of the second track's tempo to fit the first. octave: 1, or 2 or .5 if the second track
    is counted at double or half tempo.
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
    """The scores of every track after a track; with a slice, a row for each of its tracks."""
    rows = slice(first, first + 1) if isinstance(first, int) else first

    def pair(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return values[rows, None], values[None, :]

    change, octave = tempo_change(*pair(library.bpm))
    blend = blend_bars(library.bars_out[rows, None], library.bars_in[None, :])
    only_beat = (library.beat_out[rows, None] >= blend / 2) | (
        library.beat_in[None, :] >= blend / 2
    )
    terms = {
        "tempo": tempo_term(change, octave, limit),
        "key": key_term(*pair(library.key), *pair(library.key_confidence)),
        "sections": section_term(blend, only_beat),
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
    """(per cent by which `after` must change to fit `before`, its octave: 1, 2 or .5)."""
    octaves = np.array([1.0, 2.0, 0.5])
    changes = 100 * (before[..., None] / (after[..., None] * octaves) - 1)
    best = np.abs(changes).argmin(axis=-1)
    return np.take_along_axis(changes, best[..., None], -1)[..., 0], octaves[best]


def tempo_term(change: np.ndarray, octave: np.ndarray, limit: float) -> np.ndarray:
    """1 at the same tempo, 0 at the limit (per cent); less at half and double tempo."""
    return np.clip(1 - np.abs(change) / limit, 0, 1) * np.where(octave == 1, 1, OTHER_OCTAVE)


def relations() -> np.ndarray:
    """(24, 24) how well key j follows key i, 0..1, by their positions on the Camelot wheel."""
    table = np.empty((notation.KEYS, notation.KEYS))
    places = [notation.camelot(key) for key in range(notation.KEYS)]
    for i, first in enumerate(places):
        for j, second in enumerate(places):
            steps = (int(second[:-1]) - int(first[:-1]) + 5) % 12 - 5  # -5..6 around the wheel
            table[i, j] = _relation(steps, first[-1] == second[-1])
    return table


def _relation(steps: int, same_mode: bool) -> float:
    """How well two keys mix, by their distance on the wheel and their modes."""
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
    """The relation of two keys, moved towards NEUTRAL if they are unsure or unknown."""
    certainty = np.where(
        (before == NO_KEY) | (after == NO_KEY), 0.0, before_certainty * after_certainty
    )
    return certainty * RELATIONS[before, after] + (1 - certainty) * NEUTRAL


def blend_bars(bars_out: np.ndarray, bars_in: np.ndarray) -> np.ndarray:
    """The number of bars of a blend of two tracks: the longest of BLENDS that fits both.

    >>> blend_bars(np.array([40, 3]), np.array([20, 64])).tolist()
    [16, 0]
    """
    return np.array(BLENDS)[
        np.searchsorted(BLENDS, np.minimum(bars_out, bars_in), side="right") - 1
    ]


def section_term(blend: np.ndarray, only_beat: np.ndarray) -> np.ndarray:
    """The value of a blend by its bars; only_beat: whether one of the two tracks is only beat."""
    return np.array(BLEND_VALUES)[np.searchsorted(BLENDS, blend)] * np.where(
        only_beat, 1.0, BOTH_FULL
    )


def energy_term(before: np.ndarray, after: np.ndarray, course: Course) -> np.ndarray:
    """1 if the energy goes up or down by STEP, or stays, as wanted."""
    wanted = {"steady": 0.0, "up": STEP, "down": -STEP}[course]
    return near(before + wanted, after, ENERGY_RANGE)


def near(before: np.ndarray, after: np.ndarray, span: float) -> np.ndarray:
    """1 if two values are equal, 0 if they differ by span; .5 if one is unknown."""
    term = np.clip(1 - np.abs(after - before) / span, 0, 1)
    return np.where(np.isnan(term), 0.5, term)


def ranked(library: Library, first: int, found: Scores) -> np.ndarray:
    """The tracks that can follow, best first, without the track itself and its duplicates."""
    usable = (found.total >= 0) & ~library.is_same(first)
    order = np.argsort(-found.total, kind="stable")
    return order[usable[order]]
