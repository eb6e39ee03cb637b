"""Key evaluation: how close an estimated key is to the true one.

The kinds of errors are `fifth` (the same mode a fifth above or below), `relative` (the same notes
in the other mode), `parallel` (the same tonic in the other mode) and `other`. Weighted scores give
a part of a point for some: `mirex` for a fifth in either direction, `mir_eval` only above.

Sources: MIREX audio key detection task; mir_eval.key.weighted_score (C. Raffel et al., ISMIR
2014). Keys are numbers, see dropgrid.key.notation.
"""

from __future__ import annotations

from typing import Literal

from ..key import notation

Kind = Literal["exact", "fifth_above", "fifth_below", "relative", "parallel", "other", "none"]
KINDS: tuple[Kind, ...] = (
    "exact", "fifth_above", "fifth_below", "relative", "parallel", "other", "none",
)  # fmt: skip
MIREX = {"exact": 1.0, "fifth_above": 0.5, "fifth_below": 0.5, "relative": 0.3, "parallel": 0.2}
MIR_EVAL = {**MIREX, "fifth_below": 0.0}


def kind(reference: int, estimate: int | None) -> Kind:
    """The kind of an estimate; "none" if no key was found."""
    if estimate is None:
        return "none"
    if estimate == reference:
        return "exact"
    interval = (estimate - reference) % 12
    if estimate // 12 == reference // 12:
        return "fifth_above" if interval == 7 else "fifth_below" if interval == 5 else "other"
    if interval == 0:
        return "parallel"
    # The relative minor is three semitones below a major, the relative major above a minor.
    return "relative" if interval == (9 if reference < 12 else 3) else "other"


def mirex_score(reference: int, estimate: int | None) -> float:
    """Points of the MIREX task, 0 to 1; a fifth counts in either direction."""
    return MIREX.get(kind(reference, estimate), 0.0)


def mir_eval_score(reference: int, estimate: int | None) -> float:
    """Points by mir_eval, 0 to 1; a fifth counts only above."""
    return MIR_EVAL.get(kind(reference, estimate), 0.0)


def evaluate(reference: int, estimate: int | None) -> dict[str, str | float | None]:
    """The columns of a row: both keys, the kind of the error, and the points."""
    return {
        "reference_key": notation.name(reference),
        "estimated_key": None if estimate is None else notation.name(estimate),
        "kind": kind(reference, estimate),
        "exact": float(estimate == reference),
        "mirex": mirex_score(reference, estimate),
        "mir_eval": mir_eval_score(reference, estimate),
    }
