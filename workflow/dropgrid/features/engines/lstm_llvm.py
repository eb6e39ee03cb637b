"""The recurrence in LLVM, for installations without the compiled loop; it gives the same bits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from . import llvm

LANES = 32  # numbers in a vector: the units of a layer, and what lies behind them
GATES = 4  # input, output, forget, cell
# Rows of a direction's constants, LANES each: three peepholes, four biases.
PEEPHOLES, BIASES = 0, 3
LARGEST = 43.0  # of an exponent: more, multiplied with another, would leave single precision
GUESS = 0x7EF311C3  # less a number as an integer, about its inverse as one

# See lstm_kernel.Chain.
Kernel = Callable[[int, int, int, int, int, int, int, int], None]


def kernel_of_llvm(units: int) -> Kernel:
    """The loop for layers of `units` units, up to LANES. Raises ModelError without llvmlite."""
    llvm.check("llvmlite")
    return llvm.function(_Loop(units).text, "lstm", pointers=5, integers=3)


class _Loop:
    """Writes the loop in LLVM's language."""

    def __init__(self, units: int) -> None:
        from llvmlite import ir

        self._ir = ir
        self._units = units
        number, count = ir.FloatType(), ir.IntType(64)
        self._vector = ir.VectorType(number, LANES)
        self._whole = ir.VectorType(ir.IntType(32), LANES)
        pointer = number.as_pointer()
        self._module = ir.Module("recurrence")
        kind = ir.FunctionType(ir.VoidType(), [pointer] * 5 + [count] * 3)
        self._function = ir.Function(self._module, kind, "lstm")
        for argument in self._function.args[:5]:
            argument.add_attribute("noalias")
        self._write()

    @cached_property
    def text(self) -> str:
        return str(self._module)

    def _write(self) -> None:
        ir = self._ir
        projected, constants, recurrent, state, out, row, out_row, frames = self._function.args
        start, loop, end = map(self._function.append_basic_block, ("start", "loop", "end"))
        build = self._build = ir.IRBuilder(start)
        vectors = [self._vector] * 3
        self._fma = self._declare(f"llvm.fma.v{LANES}f32", self._vector, vectors)
        peepholes = [self._load(constants, (PEEPHOLES + gate) * LANES) for gate in range(3)]
        biases = [self._load(constants, (BIASES + gate) * LANES) for gate in range(GATES)]
        before = [self._load(state, 0), self._load(state, LANES)]
        build.branch(loop)

        build.position_at_end(loop)
        count = frames.type
        frame = build.phi(count)
        at, to = build.phi(projected.type), build.phi(out.type)
        output, cell = build.phi(self._vector), build.phi(self._vector)
        gates = [
            build.fadd(self._load(at, gate * self._units), biases[gate]) for gate in range(GATES)
        ]
        for unit in range(self._units):
            value = self._spread(build.extract_element(output, ir.IntType(32)(unit)))
            for gate in range(GATES):
                weights = self._load(recurrent, (unit * GATES + gate) * LANES)
                gates[gate] = self._times_plus(value, weights, gates[gate])
        to_in, to_out, to_forget, to_cell = gates
        entering = self._gated(self._times_plus(peepholes[0], cell, to_in), to_cell)
        kept = self._sigmoid(self._times_plus(peepholes[2], cell, to_forget))
        next_cell = self._times_plus(kept, cell, entering)
        leaving = self._times_plus(peepholes[1], next_cell, to_out)
        next_output = self._gated(leaving, next_cell)
        self._store_units(next_output, to)
        next_frame = build.add(frame, count(1))
        for phi, first, after in (
            (frame, count(0), next_frame),
            (at, projected, build.gep(at, [row])),
            (to, out, build.gep(to, [out_row])),
            (output, before[0], next_output),
            (cell, before[1], next_cell),
        ):
            phi.add_incoming(first, start)
            phi.add_incoming(after, loop)
        build.cbranch(build.icmp_signed("<", next_frame, frames), loop, end)

        build.position_at_end(end)
        self._store(next_output, state, 0)
        self._store(next_cell, state, LANES)
        build.ret_void()

    def _at(self, pointer: Any, offset: int) -> Any:
        place = self._build.gep(pointer, [self._ir.IntType(64)(offset)])
        return self._build.bitcast(place, self._vector.as_pointer())

    def _load(self, pointer: Any, offset: int) -> Any:
        return self._build.load(self._at(pointer, offset), align=4)

    def _store(self, values: Any, pointer: Any, offset: int) -> None:
        self._build.store(values, self._at(pointer, offset), align=4)

    def _store_units(self, values: Any, pointer: Any) -> None:
        """Store only the units: the memory behind them has other data."""
        ir = self._ir
        lanes = ir.VectorType(ir.IntType(1), LANES)([n < self._units for n in range(LANES)])
        given = [values, self._at(pointer, 0), ir.IntType(32)(4), lanes]
        name = f"llvm.masked.store.v{LANES}f32.p0"
        store = self._declare(name, ir.VoidType(), [value.type for value in given])
        self._build.call(store, given)

    def _declare(self, name: str, result: Any, arguments: list[Any]) -> Any:
        """One of LLVM's own functions."""
        kind = self._ir.FunctionType(result, arguments)
        return self._ir.Function(self._module, kind, name)

    def _constant(self, value: float) -> Any:
        return self._spread(self._ir.FloatType()(float(np.float32(value))))

    def _spread(self, value: Any) -> Any:
        """One number in all lanes."""
        ir = self._ir
        first = ir.IntType(32)(0)
        alone = self._build.insert_element(self._vector(ir.Undefined), value, first)
        return self._build.shuffle_vector(alone, self._vector(ir.Undefined), self._whole(None))

    def _times_plus(self, a: Any, b: Any, c: Any) -> Any:
        return self._build.call(self._fma, [a, b, c])

    def _sigmoid(self, x: Any) -> Any:
        """1 / (1 + exp(-x))."""
        one = self._constant(1)
        return self._inverse(self._build.fadd(one, self._exp(self._build.fneg(x))))

    def _gated(self, x: Any, y: Any) -> Any:
        """sigmoid(x) tanh(y), with one division: (1 - q) / ((1 + p) (1 + q))."""
        build, one = self._build, self._constant(1)
        p, q = self._exp(build.fneg(x)), self._exp(build.fmul(self._constant(-2), y))
        inverse = self._inverse(build.fmul(build.fadd(one, p), build.fadd(one, q)))
        return build.fmul(build.fsub(one, q), inverse)

    def _inverse(self, x: Any) -> Any:
        """1 / x within 2e-7 of itself, for positive numbers: an estimate from the exponent,
        refined twice."""
        build, one, minus = self._build, self._constant(1), self._build.fneg(x)
        first = build.sub(self._whole([GUESS] * LANES), build.bitcast(x, self._whole))
        guess = build.bitcast(first, self._vector)
        for _ in range(2):
            error = self._times_plus(minus, guess, one)
            error = self._times_plus(error, error, error)
            guess = self._times_plus(guess, error, guess)
        return guess

    def _exp(self, x: Any) -> Any:
        """exp(x) within 2e-7 of itself, for x cut to +-LARGEST.

        x is split into a multiple of log 2 and a remainder of at most half of log 2. The multiple
        becomes the exponent of the result; six terms of the Taylor series suffice for the
        remainder.
        """
        build = self._build
        for limit, above in ((LARGEST, ">"), (-LARGEST, "<")):
            bound = self._constant(limit)
            x = build.select(build.fcmp_ordered(above, x, bound), bound, x)
        # Adding and subtracting this rounds; in between, the last bits are the multiple.
        rounder = self._constant(1.5 * 2**23)
        shifted = self._times_plus(x, self._constant(1 / np.log(2)), rounder)
        multiple = build.fsub(shifted, rounder)
        # log 2 in two parts, the first with few digits, so that their products are exact.
        rest = self._times_plus(multiple, self._constant(-0.693359375), x)
        rest = self._times_plus(multiple, self._constant(0.693359375 - np.log(2)), rest)
        power = self._constant(1 / 720)
        for term in (1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1):
            power = self._times_plus(power, rest, self._constant(term))
        exponent = build.shl(build.bitcast(shifted, self._whole), self._whole([23] * LANES))
        raised = build.add(build.bitcast(power, self._whole), exponent)
        return build.bitcast(raised, self._vector)
