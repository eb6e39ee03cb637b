"""The numbers of the systems' tables against those of other programs for the same answers.

mir_eval has beats, boundaries, keys and matched events. Accuracy1 and Accuracy2 are compared with
madmom's own evaluation too: tempo_eval, which has the same definitions, is no installable package.
"""

from __future__ import annotations

import math
import warnings

import madmom_compat
import mir_eval
import numpy as np
import pytest
from dropgrid.evaluation.systems import METRICS, Answer, cases
from dropgrid.key import notation
from dropgrid.records.model import LABELS
from dropgrid.references.annotation import ReferenceSection
from dropgrid.references.matching import Reference

END = 60.0  # seconds
TRIALS = 12
EXACT = 1e-9


def truth(random: np.random.Generator) -> Reference:
    bpm = float(random.uniform(70, 190))
    beats = tuple(random.uniform(0, 1) + np.arange(0, END - 2, 60 / bpm))
    edges = np.sort(random.choice(np.arange(4, 56), int(random.integers(2, 9)), replace=False))
    bounds = [0.0, *map(float, edges), END]
    labels = random.choice(list(LABELS), len(bounds) - 1)
    sections = tuple(
        ReferenceSection(start, end, str(label))
        for start, end, label in zip(bounds, bounds[1:], labels, strict=False)
    )
    return Reference(
        "a-00000000", bpm=bpm, beats=beats, downbeats=beats[::4], sections=sections,
        structure=(tuple(bounds[1:-1]), END), tonality=int(random.integers(24)),
    )  # fmt: skip


def answer(random: np.random.Generator, reference: Reference) -> Answer:
    """Near the truth, at another level, late, or with beats too many and missing."""
    assert reference.bpm and reference.beats and reference.structure
    factor = float(random.choice([1.0, 1.03, 0.5, 2.0, 1.5, 1 / 3, 3.0]))
    beats = np.array(reference.beats)[:: int(random.choice([1, 1, 2]))]
    beats = beats + random.normal(0, random.choice([0.001, 0.03, 0.1])) + random.uniform(0, 0.05)
    beats = beats + random.normal(0, 0.02, len(beats))
    beats = np.sort(np.abs(beats[random.random(len(beats)) > 0.1 * random.random()]))
    starts = [
        float(np.clip(b + random.normal(0, 1.5), 0.5, END - 0.5)) for b in reference.structure[0]
    ]
    starts = sorted({*starts[1:], *random.uniform(1, END - 1, int(random.integers(3)))})
    return Answer(
        bpm=reference.bpm * factor * float(random.normal(1, 0.02)), beats=tuple(beats),
        downbeats=tuple(beats[int(random.integers(4)) :: 4]), boundaries=tuple(starts),
        drops=tuple(starts[::2]), tonality=int(random.integers(24)),
    )  # fmt: skip


def expected(task: str, reference: Reference, given: Answer) -> dict[str, float]:
    if task == "tempo":
        return tempo(float(reference.bpm or 0), float(given.bpm or 0))
    if task == "beats":
        return beats(np.array(reference.beats), np.array(given.beats))
    if task == "downbeats":
        ref, est = np.array(reference.downbeats), np.array(given.downbeats)
        return {
            "f_measure": mir_eval.beat.f_measure(ref, est),
            "cmlt": mir_eval.beat.continuity(ref, est)[1],
            "downbeats_given_beats": among_found_beats(reference, given),
        }
    if task == "boundaries":
        return boundaries(reference, given)
    if task == "drops":
        bpm, drops = reference.bpm or 0, first_of_each(reference)
        return {
            f"drop_within_{name}_f": event_f(drops, given.drops, beats * 60 / bpm)
            for name, beats in (("beat", 1), ("bar", 4))
        }
    names = [notation.name(number or 0) for number in (reference.tonality, given.tonality)]
    # MIREX gives half a point to a fifth either way, mir_eval to a fifth above alone.
    score = mir_eval.key.weighted_score(*names) or 0.5 * (mir_eval.key.weighted_score(*names[::-1]) == 0.5)  # noqa: E501 # fmt: skip
    return {"mirex": score, "exact": float(names[0] == names[1])}


def tempo(reference: float, estimated: float) -> dict[str, float]:
    def hit(factor: float) -> bool:
        twice = np.full(2, factor * reference)
        return bool(mir_eval.tempo.detection(twice, 1.0, np.full(2, estimated), tol=0.04)[2])

    return {
        "accuracy1": float(hit(1.0)),
        "accuracy2": float(any(hit(factor) for factor in (1, 2, 3, 1 / 2, 1 / 3))),
        "within_0.05": float(abs(reference - estimated) <= 0.05),
    }


def beats(reference: np.ndarray, estimated: np.ndarray) -> dict[str, float]:
    score = mir_eval.beat
    names = ("cmlc", "cmlt", "amlc", "amlt")
    nearest = np.abs(reference[:, None] - estimated).min(axis=0)
    return dict(zip(names, score.continuity(reference, estimated), strict=True)) | {
        "f_measure": score.f_measure(reference, estimated),
        "p_score": score.p_score(reference, estimated),
        "information_gain": score.information_gain(reference, estimated),
        "median_error_ms": 1000 * float(np.median(nearest)),
    }


def among_found_beats(reference: Reference, given: Answer) -> float:
    """The F of downbeats when both sides keep only the beats that mir_eval pairs."""
    ref, est = np.array(reference.beats), np.array(given.beats)
    pairs = mir_eval.util.match_events(ref, est, 0.07)
    annotated = [ref[one] in set(reference.downbeats or ()) for one, _ in pairs]
    claimed = [est[other] in set(given.downbeats or ()) for _, other in pairs]
    both = sum(annotated) + sum(claimed)
    hits = sum(one and other for one, other in zip(annotated, claimed, strict=True))
    return 2 * hits / both if both else math.nan


def boundaries(reference: Reference, given: Answer) -> dict[str, float]:
    def intervals(edges: tuple[float, ...]) -> np.ndarray:
        return mir_eval.util.boundaries_to_intervals(np.array([0.0, *edges, END]))

    assert reference.structure
    pair = intervals(reference.structure[0]), intervals(given.boundaries or ())
    found: dict[str, float] = {}
    for window in (0.5, 3):
        for name, trim in ((f"hit_{window:g}", False), (f"hit_{window:g}_trimmed", True)):
            scores = mir_eval.segment.detection(*pair, window, trim=trim)
            found |= zip((f"{name}_{kind}" for kind in ("precision", "recall", "f")), scores, strict=True)  # type: ignore[assignment]  # noqa: E501 # fmt: skip
    return found


def first_of_each(reference: Reference) -> tuple[float, ...]:
    """Where a drop begins that continues no other."""
    sections = reference.sections or ()
    before = (None, *(s.label for s in sections))
    return tuple(
        section.start
        for section, last in zip(sections, before, strict=False)
        if section.label == "drop" and last != "drop"
    )


def event_f(reference: tuple[float, ...], estimated: tuple[float, ...] | None, window: float) -> float:  # noqa: E501 # fmt: skip
    if not reference and not estimated:
        return math.nan
    ref, est = np.array(reference), np.array(estimated or ())
    return float(mir_eval.onset.f_measure(ref, est, window=window)[0])


@pytest.mark.parametrize("trial", range(TRIALS))
def test_every_number_is_that_of_mir_eval(trial: int) -> None:
    random = np.random.default_rng(trial)
    reference = truth(random)
    given = answer(random, reference)
    found = {case.task: case.scores["x"] for case in cases(reference, "a", END, {"x": given})}
    assert set(found) == set(METRICS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a side without events
        for task, scores in found.items():
            assert scores is not None
            theirs = expected(task, reference, given)
            assert set(METRICS[task]) <= set(theirs), task
            for metric in METRICS[task]:
                assert scores[metric] == pytest.approx(theirs[metric], abs=EXACT, nan_ok=True), (
                    task,
                    metric,
                )


def test_accuracies_are_those_of_madmoms_evaluation() -> None:
    try:
        theirs = madmom_compat.load("madmom.evaluation.tempo").TempoEvaluation
    except madmom_compat.NotInstalled as error:
        pytest.skip(str(error))
    random = np.random.default_rng(7)
    for _ in range(300):
        bpm = float(random.uniform(60, 200))
        estimate = (
            bpm * float(random.choice([1, 2, 3, 1 / 2, 1 / 3, 1.4])) * random.normal(1, 0.04)
        )
        (case,) = cases(Reference("a", bpm=bpm), "a", END, {"x": Answer(bpm=float(estimate))})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = theirs([float(estimate)], [bpm])
        assert case.scores["x"] is not None
        assert case.scores["x"]["accuracy1"] == float(found.acc1)
        assert case.scores["x"]["accuracy2"] == float(found.acc2)
