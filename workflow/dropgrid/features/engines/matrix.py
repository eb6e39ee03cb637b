"""Products with a constant matrix; every sum is fused and runs from its first term to its last.

The results therefore have the same bits on every processor. Linear algebra libraries do not
guarantee this: they sum in an order that depends on the processor's vectors. The loop is compiled
with the package (native/product.h), or by LLVM.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ...native import address, compiled
from . import llvm

COLUMNS = 16  # of a block
LINE = 16  # float32 in a line of the processor's cache


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """float32 zeros aligned to a cache line: a vector that spans two lines takes twice as long."""
    count = int(np.prod(shape))
    room = np.zeros(count + LINE, np.float32)
    start = -(room.ctypes.data // 4) % LINE
    return room[start : start + count].reshape(shape)


class Matrix:
    """A matrix (terms, columns), the right factor of products.

    width: the number of columns, padded with zeros to whole blocks of COLUMNS.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.terms, columns = values.shape
        blocks = -(-columns // COLUMNS)
        self.width = blocks * COLUMNS
        whole = np.zeros((self.terms, self.width), np.float32)
        whole[:, :columns] = values
        self._blocks = aligned((blocks, self.terms, COLUMNS))
        self._place = address(self._blocks)
        self._blocks[:] = whole.reshape(self.terms, blocks, COLUMNS).transpose(1, 0, 2)

    def multiply(self, left: np.ndarray, out: np.ndarray, add: bool = False) -> None:
        """Write left (rows, terms) times this matrix to out (rows, width), or add it to out if
        `add`. Rows need not be contiguous, and rows of left may overlap."""
        assert left.shape == (len(out), self.terms) and out.shape[1] == self.width
        assert left.dtype == out.dtype == np.float32
        assert left.strides[1] == out.strides[1] == out.itemsize
        product()(
            address(left), self._place, address(out), len(out), self.terms,
            len(self._blocks), left.strides[0] // 4, out.strides[0] // 4, add, 0, 0,
        )  # fmt: skip

    def multiply_risen(
        self, levels: np.ndarray, stretches: np.ndarray, out: np.ndarray, lead: int
    ) -> None:
        """The same for rows that are computed when needed; only the compiled loop does this. Each
        row consists of stretches (count, 2) of the columns of levels, each followed by its rise
        over a number of rows. levels: (lead + rows, columns); the last `rows` are multiplied."""
        loops = compiled()
        assert loops and levels.flags.c_contiguous and levels.dtype == out.dtype == np.float32
        assert 2 * levels.shape[1] == self.terms and len(levels) == lead + len(out)
        assert out.strides[1] == 4 and out.shape[1] == self.width
        assert stretches[:, 1].max() <= lead
        loops.multiply(
            address(levels[lead:]), self._place, address(out), len(out),
            self.terms, len(self._blocks), levels.shape[1], out.strides[0] // 4, False,
            address(stretches), len(stretches),
        )  # fmt: skip


@cache
def product() -> Callable[..., None]:
    """(left, right, out, rows, terms, blocks, numbers a row of left, of out, add, 0, 0): see
    Matrix. Raises ModelError if there are neither compiled loops nor LLVM."""
    loops = compiled()
    if loops is None:
        return product_of_llvm()
    return loops.multiply


def product_of_llvm() -> Callable[..., None]:
    """The same by LLVM. Raises ModelError without llvmlite."""
    llvm.check("llvmlite")
    return llvm.function(_TEXT, "product", pointers=3, integers=8)


_TEXT = f"""
declare <{COLUMNS} x float> @llvm.fma.v{COLUMNS}f32(
    <{COLUMNS} x float>, <{COLUMNS} x float>, <{COLUMNS} x float>)

define void @product(float* %left, float* %right, float* %out, i64 %rows, i64 %terms,
                     i64 %blocks, i64 %left_row, i64 %out_row, i64 %add,
                     i64 %none, i64 %neither) {{
start:
  %adds = icmp ne i64 %add, 0
  %enough = icmp sgt i64 %rows, 0
  br i1 %enough, label %row, label %end
row:
  %r = phi i64 [0, %start], [%r.next, %row.done]
  %left.at = mul i64 %r, %left_row
  %left.here = getelementptr float, float* %left, i64 %left.at
  %out.at = mul i64 %r, %out_row
  %out.here = getelementptr float, float* %out, i64 %out.at
  br label %block
block:
  %b = phi i64 [0, %row], [%b.next, %block.done]
  %b.terms = mul i64 %b, %terms
  %place = mul i64 %b, {COLUMNS}
  %out.at.block = getelementptr float, float* %out.here, i64 %place
  %out.vector = bitcast float* %out.at.block to <{COLUMNS} x float>*
  %there = load <{COLUMNS} x float>, <{COLUMNS} x float>* %out.vector, align 4
  %before = select i1 %adds, <{COLUMNS} x float> %there, <{COLUMNS} x float> zeroinitializer
  br label %term
term:
  %k = phi i64 [0, %block], [%k.next, %term]
  %sum = phi <{COLUMNS} x float> [%before, %block], [%sum.next, %term]
  %left.k = getelementptr float, float* %left.here, i64 %k
  %value = load float, float* %left.k
  %one = insertelement <{COLUMNS} x float> undef, float %value, i32 0
  %all = shufflevector <{COLUMNS} x float> %one, <{COLUMNS} x float> undef,
      <{COLUMNS} x i32> zeroinitializer
  %line = add i64 %b.terms, %k
  %at = mul i64 %line, {COLUMNS}
  %right.at = getelementptr float, float* %right, i64 %at
  %right.vector = bitcast float* %right.at to <{COLUMNS} x float>*
  %weights = load <{COLUMNS} x float>, <{COLUMNS} x float>* %right.vector, align 4
  %sum.next = call <{COLUMNS} x float> @llvm.fma.v{COLUMNS}f32(
      <{COLUMNS} x float> %all, <{COLUMNS} x float> %weights, <{COLUMNS} x float> %sum)
  %k.next = add i64 %k, 1
  %k.more = icmp slt i64 %k.next, %terms
  br i1 %k.more, label %term, label %block.done
block.done:
  store <{COLUMNS} x float> %sum.next, <{COLUMNS} x float>* %out.vector, align 4
  %b.next = add i64 %b, 1
  %b.more = icmp slt i64 %b.next, %blocks
  br i1 %b.more, label %block, label %row.done
row.done:
  %r.next = add i64 %r, 1
  %r.more = icmp slt i64 %r.next, %rows
  br i1 %r.more, label %row, label %end
end:
  ret void
}}
"""
