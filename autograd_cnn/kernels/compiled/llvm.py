"""LLVM's language, as far as the kernels write it: arithmetic on vectors, addresses, and moves of whole vectors.

What plain loops can't be trusted to become is written here, in the vector width of the processor at hand;
Numba compiles it along with the code around it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import llvmlite.binding
import numba.extending
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.codegen import get_host_cpu_features

Value: TypeAlias = Any  # what llvmlite hands out; it brings no types

_FEATURES: Final = frozenset((config.CPU_FEATURES or get_host_cpu_features()).split(","))  # what Numba compiles for
_IS_X86: Final = "x86_64" in llvmlite.binding.get_default_triple()
REGISTERS: Final = 16 if _IS_X86 and "+avx512f" not in _FEATURES else 32

intrinsic: Final[Callable[[Callable[..., Any]], Any]] = numba.extending.intrinsic  # which brings no types

VECTOR_BYTES: Final = 64 if "+avx512f" in _FEATURES else 32 if "+avx" in _FEATURES else 16
INT: Final = ir.IntType(64)
INT32: Final = ir.IntType(32)


class Vectors:
    """Writes arithmetic of vectors of one dtype into an LLVM function. Offsets count elements."""

    def __init__(self, build: Value, dtype: Any, lanes: int | None = None) -> None:
        self.build = build
        self.dtype = dtype
        self.size = dtype.bitwidth // 8
        self.lanes = lanes or VECTOR_BYTES // self.size
        self.element = element_type(dtype)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.zero = ir.Constant(self.vector, None)

    def load(self, base: Value, offset: Value, mask: Value = None) -> Value:
        """Load a vector; with a mask only its lanes, and 0 into the others, whose memory is left alone."""
        if mask is None:
            return self.build.load(self._at(base, offset), align=self.size)
        arguments = [self._at(base, offset), INT32(self.size), mask, self.zero]
        return self._call("masked.load", "p0", self.vector, arguments)

    def store(self, vector: Value, base: Value, offset: Value, mask: Value = None) -> None:
        """Store a vector; with a mask only its lanes."""
        if mask is None:
            self.build.store(vector, self._at(base, offset), align=self.size)
        else:
            arguments = [vector, self._at(base, offset), INT32(self.size), mask]
            self._call("masked.store", "p0", ir.VoidType(), arguments)

    def load_parts(self, places: list[tuple[Value, Value]], mask: Value = None) -> Value:
        """Load a vector from one place, or its two halves from two."""
        if len(places) == 1:
            return self.load(*places[0], mask)
        half = Vectors(self.build, self.dtype, self.lanes // 2)
        parts = [half.load(*place) for place in places]
        return self.build.shuffle_vector(*parts, lane_numbers(list(range(self.lanes))))

    def store_parts(self, vector: Value, places: list[tuple[Value, Value]], mask: Value = None) -> None:
        """Store a vector to one place, or its two halves to two."""
        if len(places) == 1:
            self.store(vector, *places[0], mask)
            return
        half = Vectors(self.build, self.dtype, self.lanes // 2)
        for first, place in zip((0, half.lanes), places, strict=True):
            part = self.build.shuffle_vector(vector, vector, lane_numbers(list(range(first, first + half.lanes))))
            half.store(part, *place)

    def spread(self, number: Value) -> Value:
        """Copy one number into every lane."""
        undefined = ir.Constant(ir.VectorType(number.type, self.lanes), ir.Undefined)
        first = self.build.insert_element(undefined, number, INT32(0))
        return self.build.shuffle_vector(first, undefined, lane_numbers([0] * self.lanes))

    def number(self, base: Value, offset: Value) -> Value:
        """Load one number into every lane."""
        return self.spread(self.build.load(self.build.gep(base, [offset]), align=self.size))

    def multiply_add(self, a: Value, b: Value, c: Value) -> Value:
        """Return a · b + c, rounded once where the processor can."""
        return self._call("fmuladd", "", self.vector, [a, b, c])

    def first(self, count: Value) -> Value:
        """Return the mask of the first ``count`` lanes."""
        numbers = ir.Constant(ir.VectorType(INT, self.lanes), list(range(self.lanes)))
        return self.build.icmp_signed("<", numbers, self.spread(count))

    def of_bits(self, bits: Value) -> Value:
        """Return the mask of the lanes whose bit is set, the first lane's being the lowest."""
        return self.build.bitcast(
            self.build.trunc(bits, ir.IntType(self.lanes)), ir.VectorType(ir.IntType(1), self.lanes)
        )

    def _at(self, base: Value, offset: Value) -> Value:
        return self.build.bitcast(self.build.gep(base, [offset]), self.vector.as_pointer())

    def _call(self, name: str, suffix: str, result: Value, arguments: list[Value]) -> Value:
        kind = ir.FunctionType(result, [each.type for each in arguments])
        letter = "i" if isinstance(self.element, ir.IntType) else "f"
        full = ".".join(filter(None, ("llvm", name, f"v{self.lanes}{letter}{8 * self.size}", suffix)))
        return self.build.call(cgutils.get_or_insert_function(self.build.module, kind, full), arguments)


def element_type(dtype: Any) -> Value:
    """Return LLVM's type for numbers of a Numba dtype."""
    if isinstance(dtype, types.Integer):
        return ir.IntType(dtype.bitwidth)
    return ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()


def lane_numbers(numbers: list[int]) -> Value:
    """Return a shuffle's mask: for each lane of the result the number of the lane that it comes from."""
    return ir.Constant(ir.VectorType(INT32, len(numbers)), numbers)


def pointer(context: Any, build: Value, kind: Any, array: Value, offset: Value) -> Value:
    """Return the address of an element of a contiguous Numba array."""
    return build.gep(context.make_array(kind)(context, build, array).data, [offset])


# --- arrays by their identity -------------------------------------------------------------------


def _data(build: Value, number: Value) -> Value:
    """Read the address of an array's numbers, which stands after the head that all of Python's objects have.

    NumPy's interface in C has it there, too, so it stays there.
    """
    place = build.add(number, INT(object.__basicsize__))
    return build.load(build.inttoptr(place, INT.as_pointer()))


@intrinsic
def address_of(typing: Any, number: Any) -> Any:
    """Return where the numbers of an array are, given its ``id``."""

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        return _data(build, values[0])

    return types.int64(types.int64), write


@intrinsic
def numbers_of(typing: Any, number: Any, like: Any) -> Any:
    """Return the numbers of a contiguous array, given its ``id``, as a row of no length of the dtype of another."""

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        row = context.make_array(signature.return_type)(context, build)
        row.data = build.inttoptr(_data(build, values[0]), row.data.type)
        return row._getvalue()  # noqa: SLF001  # Numba's name for it

    return types.Array(like.dtype, 1, "C")(types.int64, like), write


# --- rows of vectors --------------------------------------------------------------------------


def _copy(parts: int) -> Any:
    """Return the copy of a vector, or of one of so many parts of it, as a function for Numba."""

    @intrinsic
    def copy(typing: Any, target: Any, target_at: Any, source: Any, source_at: Any) -> Any:
        def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
            target, target_at, source, source_at = values
            simd = Vectors(build, signature.args[0].dtype, VECTOR_BYTES * 8 // target_dtype.bitwidth // parts)
            vector = simd.load(pointer(context, build, signature.args[2], source, source_at), INT(0))
            simd.store(vector, pointer(context, build, signature.args[0], target, target_at), INT(0))
            return context.get_dummy_value()

        target_dtype = target.dtype
        return types.void(target, types.int64, source, types.int64), write

    return copy


copy_vector = _copy(1)
copy_half = _copy(2)


@intrinsic
def copy_lanes(typing: Any, target: Any, target_at: Any, source: Any, source_at: Any, count: Any) -> Any:
    """Copy the first ``count`` lanes of a vector."""

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        target, target_at, source, source_at, count = values
        simd = Vectors(build, signature.args[0].dtype)
        mask = simd.first(count)
        lanes = simd.load(pointer(context, build, signature.args[2], source, source_at), INT(0), mask)
        simd.store(lanes, pointer(context, build, signature.args[0], target, target_at), INT(0), mask)
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.int64), write


@intrinsic
def sum_vectors(
    typing: Any,
    target: Any,
    target_at: Any,
    source: Any,
    source_at: Any,
    offsets: Any,
    offsets_at: Any,
    masks: Any,
    masks_at: Any,
    first: Any,
    last: Any,
    count: Any,
) -> Any:
    """Write the sum of the vectors of ``source`` at some of the ``offsets``, the first ``count`` lanes of it.

    Of each vector only the lanes count, and are read, for which its mask has a bit.
    """
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        target, target_at, source, source_at, offsets, offsets_at, masks, masks_at, first, last, count = values
        simd = Vectors(build, signature.args[0].dtype)
        here = pointer(context, build, signature.args[2], source, source_at)
        table = pointer(context, build, signature.args[4], offsets, offsets_at)
        bits = pointer(context, build, signature.args[6], masks, masks_at)
        total = cgutils.alloca_once(build, simd.vector)
        build.store(simd.zero, total)
        with cgutils.for_range(build, last, start=first) as loop:
            mask = simd.of_bits(build.load(build.gep(bits, [loop.index])))
            vector = simd.load(here, build.load(build.gep(table, [loop.index])), mask)
            build.store(build.fadd(build.load(total), vector), total)
        there = pointer(context, build, signature.args[0], target, target_at)
        simd.store(build.load(total), there, INT(0), simd.first(count))
        return context.get_dummy_value()

    return types.void(target, i, source, i, offsets, i, masks, i, i, i, i), write
