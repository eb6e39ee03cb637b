"""The labels that follow from the arrangement of a song, and how found ones are counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import structure_labels
from dropgrid.records.model import LABELS, Section
from dropgrid.structure import Structure
from structure_cases import Case, arranged_names


def song(*rows: tuple[str, bool], grows: dict[int, float] | None = None) -> dict[str, Any]:
    """Sections of 8 bars and 16 s: (energy, kick); grows: dB by which one ends louder."""
    bars = [
        {"bar": 8 * i + k, "n_active": 3, "rms_db": (grows or {}).get(i, 0.0) * (k // 2) / 3}
        for i in range(len(rows))
        for k in range(8)
    ]
    sections = [
        {
            "start": 16.0 * i, "end": 16.0 * i + 16, "start_bar": 8 * i, "end_bar": 8 * i + 8,
            "energy_hint": energy, "has_kick": kick,
        }
        for i, (energy, kick) in enumerate(rows)
    ]  # fmt: skip
    return {"sections": sections, "bars": bars}


def names(truth: dict[str, Any]) -> dict[int, tuple[str, ...]]:
    return {int(start // 16): labels for start, _, labels in arranged_names(truth)}


FORM = (("low", False), ("mid", True), ("low", False), ("peak", True), ("low", False),
        ("low", False), ("peak", True), ("mid", True), ("mid", True), ("low", True))  # fmt: skip


def test_what_the_arrangement_says_has_a_label_and_nothing_else() -> None:
    assert names(song(*FORM, grows={2: 6.0, 5: 1.0})) == {
        0: ("intro",), 2: ("buildup",), 3: ("drop",), 4: ("breakdown",),
        5: ("breakdown", "buildup"), 6: ("drop",), 7: ("main",), 9: ("outro",),
    }  # fmt: skip
    for falls in (0.0, -3.0):
        assert names(song(*FORM, grows={2: falls}))[2] == ("breakdown",)


def test_a_calm_part_before_the_first_kick_or_after_the_last_is_not_judged() -> None:
    form = (("low", False), ("low", False), ("peak", True), ("low", False), ("low", False))
    assert names(song(*form)) == {0: ("intro",), 2: ("drop",), 4: ("outro",)}


def test_without_bars_a_calm_part_before_a_peak_may_be_either() -> None:
    truth = song(*FORM, grows={2: 6.0})
    del truth["bars"]
    assert names(truth)[2] == ("breakdown", "buildup")


def test_the_table_counts_seconds_of_each_label_by_what_it_should_be() -> None:
    empty: Any = None
    case = Case(
        "x", empty, empty, empty, np.array([]), np.array([]), (),
        names=((0.0, 10.0, ("intro",)), (20.0, 30.0, ("breakdown", "buildup"))),
    )  # fmt: skip
    sections = tuple(
        Section(start, end, label, None, None, None, 1.0)
        for start, end, label in (
            (0.0, 4.0, "intro"),
            (4.0, 25.0, "drop"),
            (25.0, 30.0, "buildup"),
        )
    )
    found = Structure(sections, (), (), (), None, None, "phrases", "bars")
    table = structure_labels.confusion(case, found)
    rows = {key: dict(zip(LABELS, row, strict=True)) for key, row in table.items()}
    assert rows[("intro",)]["intro"] == pytest.approx(4.0)
    assert rows[("intro",)]["drop"] == pytest.approx(6.0)
    assert rows[("breakdown", "buildup")]["buildup"] == pytest.approx(5.0)
    assert structure_labels.share_right(table) == pytest.approx(9 / 20)
