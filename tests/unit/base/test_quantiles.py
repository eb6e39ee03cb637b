"""Medians and quantiles are numpy's, to the bit, and numpy.ma stays out of an analysis."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from dropgrid.base.quantiles import median, quantile

SHAPES = [(1,), (2,), (7,), (64,), (1001,), (5, 8), (4, 9)]
SHARES = [0.0, 0.1, 0.25, 0.3, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0]


def values_of(shape: tuple[int, ...], kind: type) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(shape).astype(kind)


def same(found: object, expected: object) -> bool:
    one, other = np.asarray(found), np.asarray(expected)
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_medians_are_numpys_to_the_bit(shape: tuple[int, ...], kind: type) -> None:
    values = values_of(shape, kind)
    for axis in range(len(shape)):
        assert same(median(values, axis), np.median(values, axis=axis))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("shape", SHAPES)
def test_quantiles_are_numpys_to_the_bit(shape: tuple[int, ...], share: float, kind: type) -> None:
    values = values_of(shape, kind)
    for axis in range(len(shape)):
        assert same(quantile(values, share, axis), np.quantile(values, share, axis=axis))
        percent = np.percentile(values, round(100 * share), axis=axis)
        assert same(quantile(values, share, axis), percent)


def test_what_is_not_a_number_is_passed_on() -> None:
    values = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 5.0]])
    assert np.array_equal(median(values, 1), [np.nan, 2.0], equal_nan=True)
    assert np.array_equal(quantile(values, 0.25, 1), [np.nan, 1.5], equal_nan=True)


def test_the_median_of_nothing_is_not_a_number() -> None:
    assert np.isnan(median(np.zeros(0)))
    assert np.isnan(median(np.zeros((3, 0)), 1)).tolist() == [True] * 3


def test_infinite_values_are_ordered_too() -> None:
    assert median(np.array([np.inf, 1.0, -np.inf])) == 1.0


def test_no_masked_arrays_are_imported() -> None:
    script = (
        "import sys, numpy as np; from dropgrid.base.quantiles import median, quantile; "
        "median(np.arange(4.0)), quantile(np.arange(4.0), 0.3); "
        "sys.exit('numpy.ma' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
