"""Options of a stage, and ranges of tempo that have different names."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from dropgrid.base.errors import ConfigError
from dropgrid.settings.config import _check_finite, _merged
from dropgrid.settings.options import build_options, check_ranges, range_name


@dataclass(frozen=True)
class Options:
    """Options whose ranges are checked."""

    edges: tuple[float, ...] = ()
    most: int = 1

    def __post_init__(self) -> None:
        check_ranges(self.edges)
        if self.most < 1:
            raise ValueError("most: less than 1")


@pytest.mark.parametrize("edges", [(), (1, 2), (100.0, 128.0, 174.5), (0.1, 0.2, 0.3)])
def test_ranges_ascend_and_have_names_of_their_own(edges) -> None:
    check_ranges(edges)
    assert Options(edges).edges == edges


@pytest.mark.parametrize(
    ("edges", "why"),
    [((1,), "two edges or more"), ((2, 1), "ascending"), ((1, 1), "ascending"),
     ((1, 3, 2), "ascending"), ((100.0000001, 100.0000002, 100.0000003), "so close")],
)  # fmt: skip
def test_ranges_that_cannot_be_distinguished_are_refused(edges, why) -> None:
    with pytest.raises(ValueError, match=f"bpm_ranges: .*{why}"):
        check_ranges(edges)
    assert range_name(100.0, 128.5) == "100-128.5"


def test_lists_become_tuples_and_what_is_wrong_is_named_with_its_section() -> None:
    assert build_options(Options, {"edges": [1, 2], "most": 3}, "x") == Options((1, 2), 3)
    for values, why in [({"mots": 1}, r"^x\.mots: there is no such option; known: edges, most$"),
                        ({"most": 0}, "^x: most: less than 1$"),
                        ({"most": "a"}, "^x: ")]:  # fmt: skip
        with pytest.raises(ConfigError, match=why):
            build_options(Options, values, "x")


def test_a_value_that_is_not_a_number_is_named_however_deep() -> None:
    _check_finite({"a": [1.0, {"b": 2}], "c": "nan"})
    with pytest.raises(ConfigError, match=r"^a\[1\]\.b: nan is not a finite number$"):
        _check_finite({"a": [1.0, {"b": float("nan")}]})
    with pytest.raises(ConfigError, match=r"^a\.b: inf is not"):
        _check_finite({"a": {"b": float("inf")}})


def test_sections_are_merged_and_values_take_the_place_of_values() -> None:
    base = {"a": {"b": 1, "c": 2}, "d": [1], "e": "x"}
    assert _merged(base, {"a": {"c": 3}, "d": [2]}) == {"a": {"b": 1, "c": 3}, "d": [2], "e": "x"}
    assert _merged(base, {"e": {"f": 1}})["e"] == {"f": 1}
    assert _merged(base, {"g": {"h": 1}})["g"] == {"h": 1}
    assert base["a"] == {"b": 1, "c": 2}
