"""How a key is decided: chroma, profiles, changes, confidence, and reasons for none."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from dropgrid.features import Features
from dropgrid.key import analysis, network, notation, profiles, segments
from dropgrid.key.analysis import MADMOM, PROFILES, analyse
from dropgrid.key.options import KeyOptions

C_MINOR = 12


@pytest.mark.parametrize("change", [0.0, 0.7, 2.0, 50.0])
def test_the_path_is_the_best_of_all_paths(change: float) -> None:
    for seed in range(5):
        evidence = np.random.default_rng(seed).normal(0, 1, (5, 4))

        def worth(path: tuple[int, ...], evidence: np.ndarray = evidence) -> float:
            changes = sum(a != b for a, b in itertools.pairwise(path))
            return float(evidence[np.arange(5), path].sum() - change * changes)

        best = max(itertools.product(range(4), repeat=5), key=worth)
        assert tuple(segments.key_path(evidence, change)) == best
        assert segments.key_path(evidence[:1], change).tolist() == [evidence[0].argmax()]


def test_stretches_cover_the_path() -> None:
    assert segments.stretches(np.array([0, 0, 5, 0])) == [(0, 2, 0), (2, 3, 5), (3, 4, 0)]


def test_a_pitch_counts_for_the_semitone_next_to_it_and_less_the_further_it_is() -> None:
    pitches = np.zeros(120)
    pitches[93] = 1.0  # A, 30 cents sharp
    assert profiles.chroma(pitches, 30.0) == pytest.approx(np.eye(12)[9], abs=0.01)
    off = profiles.chroma(pitches, 0.0)
    assert off[9] == pytest.approx(np.exp(-0.5), abs=1e-6)
    assert off[10] == pytest.approx(np.exp(-0.5 * (70 / 30) ** 2), abs=1e-6)
    around = profiles.chroma(np.eye(120)[119], 0.0)  # 10 cents below C
    assert around.argmax() == 0 and around[0] > 0.9


def test_the_evidence_is_the_correlation_with_each_keys_profile() -> None:
    """Of the whole track's pitch classes: those above, and a share of the bass."""
    pitches = np.zeros((7, 2, 120))
    pitches[:, :, ::10] = np.random.default_rng(0).uniform(0, 1, (7, 2, 12))
    bass, above = (profiles.chroma(pitches.sum(axis=0)[register], 0.0) for register in (0, 1))
    heard = above / above.sum() + 0.3 * bass / bass.sum()
    for key in range(24):
        profile = np.roll(profiles.MINOR if key >= 12 else profiles.MAJOR, key % 12)
        correlation = np.corrcoef(heard, profile)[0, 1]
        assert profiles.evidence(pitches, 0.0).mean(axis=0)[key] == pytest.approx(correlation)
    assert not profiles.evidence(np.zeros((3, 2, 120)), 0.0).any()


def test_the_networks_classes_begin_with_a() -> None:
    scores = np.arange(24.0)[None]
    found = network.evidence(scores)[0]
    assert found[notation.parse("A")] == 0 and found[notation.parse("Ab")] == 11
    assert found[notation.parse("Am")] == 12 and found[notation.parse("Cm")] == 15


def test_notations_of_tags_have_at_most_three_letters() -> None:
    """As ID3's TKEY may."""
    for form in notation.IN_TAGS:
        assert all(len(notation.written(key, form)) <= 3 for key in range(24))
    assert len({notation.name(key) for key in range(notation.KEYS)}) == notation.KEYS == 24


def test_confidence_grows_with_the_lead_and_where_the_profiles_agree() -> None:
    def confidence(first: float, second: float, agree: bool) -> float:
        evidence, by_profiles = np.zeros(24), np.zeros(24)
        evidence[3], evidence[8] = first, second
        by_profiles[3 if agree else 5] = 1.0
        return MADMOM.confidence(evidence, by_profiles)

    leads = [confidence(5.0, 5.0 - lead, True) for lead in (0.0, 0.5, 1.0, 3.0)]
    assert leads == sorted(leads) and 0.5 < leads[0] < leads[-1] > 0.99
    assert confidence(4.0, 3.0, True) == pytest.approx(confidence(9.0, 8.0, True))
    assert confidence(5.0, 4.5, False) < 0.5 < confidence(5.0, 4.5, True)
    assert confidence(5.0, 1.0, False) > 0.9
    odds = [c / (1 - c) for c in (confidence(5.0, 4.0, True), confidence(5.0, 3.0, True))]
    assert np.log(odds[1] / odds[0]) == pytest.approx(MADMOM.weights[0])


def test_profiles_count_the_likeness_too() -> None:
    def confidence(first: float, second: float) -> float:
        evidence = np.zeros(24)
        evidence[3], evidence[8] = first, second
        return PROFILES.confidence(evidence, evidence)

    assert confidence(0.5, 0.4) < 0.1 < 0.7 < confidence(0.85, 0.75)
    assert confidence(0.85, 0.84) < confidence(0.85, 0.6)


def features(key: int, scores: np.ndarray | None = None, steps: int = 20) -> Features:
    """A track whose pitch classes are a key's profile, for steps of 1.6 s."""
    profile = np.roll(profiles.MINOR if key >= 12 else profiles.MAJOR, key % 12)
    pitches = np.zeros((steps, 2, 120), np.float16)
    pitches[:, :, ::10] = profile
    found = {"pitches": pitches, "tonality": np.full((steps, 2), 0.5, np.float16)}
    if scores is not None:
        found["key_scores"] = scores
    return Features(steps * 1.6 - 0.5, np.zeros((0, 2)), found)


def test_alternatives_share_what_the_key_leaves() -> None:
    scores = np.full((20, 24), -20.0, np.float32)  # in the network's order, A first
    scores[:, [15, 6, 0, 3]] = 3.0, 2.5, 2.0, 1.5  # C minor, E flat, A, C
    found = analyse(features(C_MINOR, scores), KeyOptions("madmom"))
    assert (found.key, found.method) == (C_MINOR, "madmom")
    assert [a.key for a in found.alternatives] == ["Eb major", "A major", "C major"]
    assert found.alternatives[0].camelot == "5B"
    shares = [a.confidence for a in found.alternatives]
    assert sum(shares) == pytest.approx(1 - found.confidence, rel=1e-6)
    assert shares[0] / shares[1] == pytest.approx(np.exp(0.5), rel=1e-4)
    assert [(s.key, s.start, s.end) for s in found.segments] == [("C minor", 0, 31.5)]
    assert found.segments[0].confidence == pytest.approx(found.confidence)
    assert found.tuning_cents == pytest.approx(0, abs=1)


@pytest.mark.parametrize("key", [0, 7, 12, 23])
def test_profiles_find_their_own_keys(key: int) -> None:
    found = analyse(features(key), KeyOptions("profiles"))
    assert (found.key, found.method, found.reason) == (key, "profiles", None)
    assert found.evidence["likeness"] == pytest.approx(1, abs=0.01)
    assert found.confidence > 0.9
    assert sum(a.confidence for a in found.alternatives) <= 1 - found.confidence + 1e-9


@pytest.mark.parametrize(("lasting", "is_change"), [(70, True), (50, False)])
def test_a_change_of_key_has_to_be_worth_its_price(lasting: int, is_change: bool) -> None:
    """The network's scores, 1 more a step: a change costs 60."""
    scores = np.zeros((200, 24), np.float32)
    scores[:, 15] = 1.0
    scores[200 - lasting :, [15, 0]] = 0.0, 1.0
    found = analyse(features(C_MINOR, scores, 200), KeyOptions("madmom"))
    assert [s.key for s in found.segments] == ["C minor", "A major"][: 1 + is_change]
    if is_change:
        assert found.segments[0].end == found.segments[1].start == pytest.approx(130 * 1.6)


def test_silence_has_no_pitch_class_and_one_note_has_one() -> None:
    silence, tonality = np.zeros((3, 2, 120)), np.zeros((3, 2))
    measured = analysis._measured(silence, tonality, 0.0)
    assert measured == {"strength": 0, "pitch_classes": 0, "tonality": 0}
    for strength in (0.1, 5.0):
        silence[:, 1, 90] = strength
        found = analysis._measured(silence, np.add(tonality, [0.1, 0.3]), 0.0)
        assert found["strength"] == pytest.approx(strength)
        assert found["pitch_classes"] == pytest.approx(1, abs=0.06)
        assert found["tonality"] == pytest.approx(0.3)
    silence[:, 1, [0, 40, 70]] = 5.0
    assert analysis._measured(silence, tonality, 0.0)["pitch_classes"] == pytest.approx(
        4, abs=0.25
    )


PLAIN = {"strength": 5.0, "pitch_classes": 6.0, "likeness": 0.9, "tonality": 0.3}


@pytest.mark.parametrize(
    ("measured", "probability", "reason"),
    [
        ({}, 0.0, None),
        ({"strength": 1.0}, 0.0, None),
        ({"strength": 0.99}, 0.9, "no pitched sound"),
        ({"pitch_classes": 2.0}, 0.0, None),
        ({"pitch_classes": 1.99}, 0.9, "one note alone"),
        ({"likeness": 0.72, "tonality": 0.0}, 0.0, None),
        ({"likeness": 0.71, "tonality": 0.055}, 0.0, None),
        ({"likeness": 0.71, "tonality": 0.054}, 0.9, "drums or noise"),
        ({"likeness": 0.6}, 0.0, None),
        ({"likeness": 0.59}, 0.3, None),
        ({"likeness": 0.59}, 0.29, "atonal"),
    ],
)
def test_each_measure_has_its_limit(
    measured: dict[str, float], probability: float, reason: str | None
) -> None:
    found = analysis._why_none(PLAIN | measured, probability)
    assert found is None if reason is None else found is not None and found.startswith(reason)
