"""The step from frame to frame of an LSTM with peepholes, as one compiled loop.

A frame's step is too small for a library call: with 25 units and 2,500 products, one loop takes
less time than the call. The loop is compiled with the package (native/lstm.h); otherwise LLVM
compiles it on first use (lstm_llvm). It uses explicit fused multiply-adds and its own
exponentials, so every processor and both loops give the same bits.

Source of the equations: S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997; with
peepholes: F. Gers, J. Schmidhuber, "Recurrent nets that time and count", 2000.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import numpy as np

from ...native import address, compiled
from .lstm_llvm import GATES, LANES, Kernel, kernel_of_llvm
from .matrix import aligned

# Addresses of projected frames, constants, recurrent weights, state, outputs; numbers in a row of
# the first and of the last; frames.
Chain = tuple[int, int, int, int, int, int, int, int]
SLACK = LANES  # numbers after the last row of what is read, so that whole vectors can be


@dataclass(frozen=True)
class Direction:
    """One direction of a layer, ready to run.

    recurrent: (units, GATES, LANES) float32, from a unit to the gates of all; constants:
    (PEEPHOLES + BIASES + GATES rows, LANES) float32. Lanes beyond the units are zero. Both are
    aligned to cache lines: a vector that spans two lines takes twice as long.
    """

    recurrent: np.ndarray
    constants: np.ndarray

    @cached_property
    def units(self) -> int:
        """The number of units of the layer."""
        return len(self.recurrent)

    @cached_property
    def _constant(self) -> tuple[int, int]:
        return address(self.constants), address(self.recurrent)

    def begin(self) -> np.ndarray:
        """The state before the first frame: outputs and cells, (2, LANES)."""
        return np.zeros((2, LANES), np.float32)

    def through(self, projected: np.ndarray, state: np.ndarray, out: np.ndarray) -> Chain:
        """The argument of `run`: start from state and go through frames, possibly in reverse
        order.

        projected: (frames, GATES * units) float32, the frames times the input weights, gates in
        the order input, output, forget, cell; SLACK more numbers lie behind its last row in
        memory. state: overwritten. out: (frames, units) float32, written. All must outlive it.
        """
        assert projected.strides[1] == out.strides[1] == state.itemsize
        assert projected.shape == (len(out), GATES * self.units)
        return (
            address(projected), *self._constant, address(state), address(out),
            projected.strides[0] // state.itemsize, out.strides[0] // state.itemsize, len(out),
        )  # fmt: skip


def direction(recurrent: np.ndarray, bias: np.ndarray, peepholes: np.ndarray) -> Direction:
    """A direction from weights as in beat_weights.Layer: recurrent (4 * units, units), bias (4 *
    units,), peepholes (3 * units,)."""
    units = recurrent.shape[1]

    def padded(values: np.ndarray) -> np.ndarray:
        rows = aligned((*values.shape[:-1], LANES))
        rows[..., :units] = values
        return rows

    return Direction(
        recurrent=padded(recurrent.T.reshape(units, GATES, units)),
        constants=padded(np.concatenate([peepholes, bias]).reshape(-1, units)),
    )


def run(units: int, chains: Sequence[Chain]) -> None:
    """Process the frames of one direction of a layer of `units` units, or of two directions at
    once, which takes three quarters of the time of one after the other."""
    kernel(units)(chains)


@cache
def kernel(units: int) -> Callable[[Sequence[Chain]], None]:
    """The compiled loop for layers of `units` units, up to LANES. Raises ModelError."""
    loops = compiled()
    if loops is not None:
        return partial(_run_compiled, loops, units)
    return partial(_run_llvm, kernel_of_llvm(units))


def _run_llvm(kernel: Kernel, chains: Sequence[Chain]) -> None:
    for chain in chains:
        kernel(*chain)


def _run_compiled(loops: Any, units: int, chains: Sequence[Chain]) -> None:
    numbers = np.array(chains, np.int64)
    loops.lstm(address(numbers), len(chains), units)
