"""The LLVM instructions that the kernels emit: arithmetic on vectors, addresses, and moves of whole vectors.

A compiler cannot be relied on to make these of plain loops. They are emitted here in the vector width of this
processor, and Numba compiles them along with the code around them.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import llvmlite.binding
import numba.extending
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.codegen import get_host_cpu_features

Value: TypeAlias = Any  # an LLVM value; llvmlite has no type hints

_FEATURES: Final = frozenset((config.CPU_FEATURES or get_host_cpu_features()).split(","))  # what Numba compiles for
_IS_X86: Final = "x86_64" in llvmlite.binding.get_default_triple()
REGISTERS: Final = 16 if _IS_X86 and "+avx512f" not in _FEATURES else 32

intrinsic: Final[Callable[[Callable[..., Any]], Any]] = numba.extending.intrinsic  # which has no type hints

VECTOR_BYTES: Final = 64 if "+avx512f" in _FEATURES else 32 if "+avx" in _FEATURES else 16
INT: Final = ir.IntType(64)
INT32: Final = ir.IntType(32)


class Vectors:
    """Emits arithmetic on vectors of one dtype into an LLVM function. Offsets count elements."""

    def __init__(self, build: Value, dtype: Any, lanes: int | None = None) -> None:
        self.build = build
        self.dtype = dtype
        self.size = dtype.bitwidth // 8
        self.lanes = lanes or VECTOR_BYTES // self.size
        self.element = element_type(dtype)
        self.vector = ir.VectorType(self.element, self.lanes)
        self.zero = ir.Constant(self.vector, None)

    def load(self, base: Value, offset: Value, mask: Value = None) -> Value:
        """Load a vector; with a mask only its lanes, and 0 in the others, whose memory is not touched."""
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

    def load_parts(self, addresses: list[tuple[Value, Value]], mask: Value = None) -> Value:
        """Load a vector from one address, or its two halves from two."""
        if len(addresses) == 1:
            return self.load(*addresses[0], mask)
        half = Vectors(self.build, self.dtype, self.lanes // 2)
        parts = [half.load(*address) for address in addresses]
        return self.build.shuffle_vector(*parts, shuffle_mask(list(range(self.lanes))))

    def store_parts(self, vector: Value, addresses: list[tuple[Value, Value]], mask: Value = None) -> None:
        """Store a vector to one address, or its two halves to two."""
        if len(addresses) == 1:
            self.store(vector, *addresses[0], mask)
            return
        half = Vectors(self.build, self.dtype, self.lanes // 2)
        for first, address in zip((0, half.lanes), addresses, strict=True):
            part = self.build.shuffle_vector(vector, vector, shuffle_mask(list(range(first, first + half.lanes))))
            half.store(part, *address)

    def splat(self, scalar: Value) -> Value:
        """Copy one number into every lane."""
        undefined = ir.Constant(ir.VectorType(scalar.type, self.lanes), ir.Undefined)
        first = self.build.insert_element(undefined, scalar, INT32(0))
        return self.build.shuffle_vector(first, undefined, shuffle_mask([0] * self.lanes))

    def load_splat(self, base: Value, offset: Value) -> Value:
        """Load one number into every lane."""
        return self.splat(self.build.load(self.build.gep(base, [offset]), align=self.size))

    def multiply_add(self, a: Value, b: Value, c: Value) -> Value:
        """Return a · b + c, rounded only once if the processor supports that."""
        return self._call("fmuladd", "", self.vector, [a, b, c])

    def is_better(self, value: Value, best: Value) -> Value:
        """Return the mask of where a value is larger than the best one; a NaN is, and none is larger than a NaN."""
        build = self.build  # not "greater", so that a NaN wins, and keeps winning
        return build.and_(build.fcmp_unordered(">", value, best), build.fcmp_ordered("ord", best, best))

    def first_lanes(self, count: Value) -> Value:
        """Return the mask of the first ``count`` lanes."""
        build, lanes = self.build, INT(self.lanes)
        fits = build.icmp_signed("<", count, lanes)
        few = build.trunc(build.select(fits, count, lanes), INT32)  # whose comparison takes half as long
        numbers = ir.Constant(ir.VectorType(INT32, self.lanes), list(range(self.lanes)))
        return build.icmp_signed("<", numbers, self.splat(few))

    def numbers_at(self, base: Value) -> "Vectors":
        """Return the same for as many lanes of the integers at an address."""
        return Vectors(self.build, types.Integer.from_bitwidth(base.type.pointee.width, signed=False), self.lanes)

    def mask_of_bits(self, bits: Value) -> Value:
        """Return the mask of the lanes whose bit is set; the lowest bit is the first lane's."""
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


def shuffle_mask(numbers: list[int]) -> Value:
    """Return a shuffle's mask: for each lane of the result the index of its source lane."""
    return ir.Constant(ir.VectorType(INT32, len(numbers)), numbers)


def pointer(context: Any, build: Value, kind: Any, array: Value, offset: Value) -> Value:
    """Return the address of an element of a contiguous Numba array."""
    return build.gep(context.make_array(kind)(context, build, array).data, [offset])


def entry(build: Value, table: Value, index: Value) -> Value:
    """Load an element of a table, given the address of its first one."""
    return build.load(build.gep(table, [index]))


def whole_or_some(build: Value, count: Value, whole: int, emit: Callable[[bool], None]) -> None:
    """Emit code twice: for a count of at least ``whole``, and, for a lower one, with masks."""
    with build.if_else(build.icmp_signed(">=", count, INT(whole))) as (enough, fewer):
        with enough:
            emit(False)  # noqa: FBT003
        with fewer:
            emit(True)  # noqa: FBT003


# --- arrays by their id -----------------------------------------------------------------------


def _data(build: Value, identity: Value) -> Value:
    """Read the address of an array's data, the first field after the header that all Python objects have.

    It is part of NumPy's C API, so it stays there.
    """
    address = build.add(identity, INT(object.__basicsize__))
    return build.load(build.inttoptr(address, INT.as_pointer()))


@intrinsic
def address_of(typing: Any, identity: Any) -> Any:
    """Return the address of an array's data, given its ``id``."""

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        return _data(build, values[0])

    return types.int64(types.int64), write


@intrinsic
def arrays_of(typing: Any, identities: Any, like: Any) -> Any:
    """Return the data of contiguous arrays, given a tuple of their ids: 1-D, without lengths, with the dtype of ``like``."""
    kind = types.Array(like.dtype, 1, "C")

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        rows = []
        for i in range(len(identities)):
            row = context.make_array(kind)(context, build)
            row.data = build.inttoptr(_data(build, build.extract_value(values[0], i)), row.data.type)
            rows.append(row._getvalue())  # noqa: SLF001  # Numba's name for it
        return context.make_tuple(build, signature.return_type, rows)

    return types.UniTuple(kind, len(identities))(identities, like), write


# --- code as functions ------------------------------------------------------------------------


def emitted(emit: Callable[..., None]) -> Any:
    """Return what a function emits as a function for Numba, which returns nothing.

    Numba's takes numbers, and arrays, each followed by an offset. ``emit`` takes a `Vectors` of the first array's dtype,
    the numbers, and for each array the address at its offset.
    """

    @intrinsic
    def function(typing: Any, *kinds: Any) -> Any:
        dtype = kinds[0].dtype

        def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
            given = ((kind, build.extract_value(values[0], i)) for i, kind in enumerate(signature.args[0]))
            arguments = [
                pointer(context, build, kind, value, next(given)[1]) if isinstance(kind, types.Array) else value
                for kind, value in given
            ]
            emit(Vectors(build, dtype), *arguments)
            return context.get_dummy_value()

        return types.void(types.StarArgTuple.from_types([_passed(kind, dtype) for kind in kinds])), write

    return function


def _passed(kind: Any, dtype: Any) -> Any:
    """Return the type that an argument is passed as: integers have 64 bits, and other numbers are of the dtype."""
    if isinstance(kind, types.Integer):
        return types.int64
    return dtype if isinstance(kind, types.Float) else kind


# --- rows of vectors --------------------------------------------------------------------------


def _copy(parts: int) -> Any:
    """Return the copy of a vector, or of 1 / ``parts`` of one."""

    def copy(simd: Vectors, target: Value, source: Value) -> None:
        part = Vectors(simd.build, simd.dtype, simd.lanes // parts)
        part.store(part.load(source, INT(0)), target, INT(0))

    return emitted(copy)


copy_vector = _copy(1)
copy_half = _copy(2)


@emitted
def copy_lanes(simd: Vectors, target: Value, source: Value, count: Value) -> None:
    """Copy the first ``count`` lanes of a vector."""
    mask = simd.first_lanes(count)
    simd.store(simd.load(source, INT(0), mask), target, INT(0), mask)


@emitted
def sum_vectors(
    simd: Vectors, target: Value, source: Value, offsets: Value, masks: Value, first: Value, last: Value, count: Value
) -> None:
    """Write the first ``count`` lanes of the sum of the vectors at ``offsets[first:last]`` of ``source``.

    In each vector, only lanes whose bit is set in its mask are read and added.
    """
    build = simd.build
    total = cgutils.alloca_once_value(build, simd.zero)
    with cgutils.for_range(build, last, start=first) as loop:
        mask = simd.mask_of_bits(entry(build, masks, loop.index))
        vector = simd.load(source, entry(build, offsets, loop.index), mask)
        build.store(build.fadd(build.load(total), vector), total)
    simd.store(build.load(total), target, INT(0), simd.first_lanes(count))
