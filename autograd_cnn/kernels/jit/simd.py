"""The micro-kernel: a small tile of a matrix product that never leaves the registers.

A processor multiplies and adds whole vectors at a time, 16 float32 numbers with AVX-512, far
faster than it can fetch them. So a fast product loads each number once and uses it often. Take a
tile of C, 8 rows of 3 vectors say. Its 24 vectors fit into the processor's 32 vector registers and
stay there while the depth k runs::

    C[m, v] += A[m, k] · B[k, v]        for all rows m and all vectors v of the tile

One step loads the 3 vectors B[k] and 8 single numbers A[:, k], each spread over a vector, and does
24 multiplications and additions of vectors with these 11 loads. Goto & van de Geijn 2008, *Anatomy
of High-Performance Matrix Multiplication*, tell why that is the shape to have.

What makes a convolution of it: one side may lie scattered, its row m or vector v at ``places[m or v]``
and its step k ``depths[k]`` further on. With the offsets of the window's taps in one table and those
of the pixels in the other, the tile reads its patches out of the image itself.

No compiler finds this tile in plain loops. So it is written here in LLVM's language, in the vector
width of the processor at hand; Numba compiles it along with the code around it.
"""

from typing import Any, Final, TypeAlias

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils

from autograd_cnn.kernels.jit.compiling import instruction

Value: TypeAlias = Any  # what llvmlite hands out; it brings no types

_FEATURES: Final = llvmlite.binding.get_host_cpu_features()
_IS_X86: Final = "x86_64" in llvmlite.binding.get_default_triple()
_REGISTERS: Final = 16 if _IS_X86 and not _FEATURES.get("avx512f") else 32

VECTOR_BYTES: Final = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx") else 16
# The heights that a tile may have, and how many vectors then fit beside a row of B and one to spare.
TALL, MIDDLE, LOW = TILE_ROWS = (8, 6, 4) if _REGISTERS == 32 else (6, 4, 2)
TALL_VECTORS, MIDDLE_VECTORS, LOW_VECTORS = (min(4, (_REGISTERS - 2) // (rows + 1)) for rows in TILE_ROWS)

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
    """Return what a shuffle takes: for each lane the number of the lane that goes there."""
    return ir.Constant(ir.VectorType(INT32, len(numbers)), numbers)


def pointer(context: Any, build: Value, kind: Any, array: Value, offset: Value) -> Value:
    """Return the address of an element of a contiguous Numba array."""
    return build.gep(context.make_array(kind)(context, build, array).data, [offset])


# --- the tile ---------------------------------------------------------------------------------


def _write_tile(function: Value, dtype: Any, rows: int, vectors: int, side: str) -> None:
    """Write the body of one shape of tile; `_tile` explains its arguments."""
    image, places, depths, packed, lines, depth, start, c, spots, c_step, row_count, lane_count, adds = function.args
    build = ir.IRBuilder(function.append_basic_block())
    simd = Vectors(build, dtype)
    # Rows beyond the count repeat the last one: they compute the same, and store it to the same place.
    last = build.sub(row_count, INT(1))
    row = [build.select(build.icmp_signed("<", INT(m), row_count), INT(m), last) for m in range(rows)]
    parts = 2 if side == "halves" else 1
    entries = row if side == "left" else [INT(v) for v in range(parts * vectors)]
    in_image = [build.gep(image, [build.load(build.gep(places, [entry]))]) for entry in entries]
    spot = [build.load(build.gep(spots, [INT(v)])) for v in range(parts * vectors)]

    def at(m: int, v: int) -> list[tuple[Value, Value]]:
        line = build.mul(row[m], c_step)
        return [(c, build.add(line, each)) for each in spot[parts * v : parts * (v + 1)]]

    cells = [(m, v) for m in range(rows) for v in range(vectors)]
    mask = simd.first(lane_count)
    sums = {cell: cgutils.alloca_once(build, simd.vector) for cell in cells}

    with build.if_else(build.icmp_signed("!=", adds, INT(0))) as (more, first):
        with more:
            for m, v in cells:
                old = simd.load_parts(at(m, v), mask if v == vectors - 1 else None)
                build.store(old, sums[m, v])
        with first:
            for m, v in cells:
                build.store(simd.number(start, row[m]), sums[m, v])

    with cgutils.for_range(build, depth) as loop:
        step = build.load(build.gep(depths, [loop.index]))
        place = build.load(build.gep(lines, [loop.index])) if side == "left" else build.mul(loop.index, lines)
        line = build.gep(packed, [place])
        if side == "left":
            a = [simd.number(in_image[m], step) for m in range(rows)]
            b = [simd.load(line, INT(v * simd.lanes)) for v in range(vectors)]
        else:
            a = [simd.number(line, INT(m)) for m in range(rows)]
            b = [simd.load_parts([(in_image[parts * v + n], step) for n in range(parts)]) for v in range(vectors)]
        for m, v in cells:
            build.store(simd.multiply_add(a[m], b[v], build.load(sums[m, v])), sums[m, v])

    for m, v in cells:
        simd.store_parts(build.load(sums[m, v]), at(m, v), mask if v == vectors - 1 else None)
    build.ret_void()


def _tile_function(module: Value, dtype: Any, rows: int, vectors: int, side: str) -> Value:
    """Return the LLVM function for a shape of tile, written into the module when first asked for."""
    name = f"autograd_cnn.tile.{side}.{dtype}.{rows}x{vectors}"
    if name not in module.globals:
        element = element_type(dtype).as_pointer()
        table = INT.as_pointer()
        lines = table if side == "left" else INT
        kinds = [element, table, table, element, lines, INT, element, element, table, INT, INT, INT, INT]
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        _write_tile(function, dtype, rows, vectors, side)
    return module.globals[name]


def _tile(side: str) -> Any:
    """Return the tile as a function for Numba, with patches as A on the left or as B on the right.

    With ``"halves"`` each vector of B consists of two parts, which lie and go to apart from each other. A
    packed A has its lines one after the other, so many numbers each; those of a packed B lie where a table says.
    """

    @instruction
    def tile(
        typing: Any, rows: Any, vectors: Any, image: Any, image_at: Any, places: Any, places_at: Any, depths: Any,
        depths_at: Any, packed: Any, packed_at: Any, lines: Any, depth: Any, start: Any, start_at: Any,
        c: Any, c_at: Any, spots: Any, spots_at: Any, c_step: Any, row_count: Any, lane_count: Any, adds: Any,
    ) -> Any:  # fmt: skip
        i = types.int64
        kinds = (
            i,
            i,
            image,
            i,
            places,
            i,
            depths,
            i,
            packed,
            i,
            lines if side == "left" else i,
            i,
            start,
            i,
            c,
            i,
            spots,
            i,
            i,
            i,
            i,
            i,
        )

        def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
            rows, vectors, image, image_at, places, places_at, depths, depths_at, packed, packed_at, *rest = values
            lines, depth, start, start_at, c, c_at, spots, spots_at, c_step, row_count, lane_count, adds = rest
            of = dict(zip(("image", "places", "depths", "packed", "start", "c", "spots"),
                          (signature.args[j] for j in (2, 4, 6, 8, 12, 14, 16)), strict=True))  # fmt: skip
            arguments = [
                pointer(context, build, of["image"], image, image_at),
                pointer(context, build, of["places"], places, places_at),
                pointer(context, build, of["depths"], depths, depths_at),
                pointer(context, build, of["packed"], packed, packed_at),
                pointer(context, build, signature.args[10], lines, depths_at) if side == "left" else lines, depth,
                pointer(context, build, of["start"], start, start_at),
                pointer(context, build, of["c"], c, c_at),
                pointer(context, build, of["spots"], spots, spots_at), c_step, row_count, lane_count, adds,
            ]  # fmt: skip
            _write_choice(build, of["c"].dtype, rows, vectors, arguments, side)
            return context.get_dummy_value()

        return types.void(*kinds), write

    return tile


def _write_choice(build: Value, dtype: Any, rows: Value, vectors: Value, arguments: list[Value], side: str) -> None:
    """Write the call of the tile that has so many rows and vectors."""
    done = build.append_basic_block("done")
    choice = build.switch(build.add(build.mul(rows, INT(8)), vectors), done)
    for tall, most in zip(TILE_ROWS, (TALL_VECTORS, MIDDLE_VECTORS, LOW_VECTORS), strict=True):
        for wide in range(1, most + 1):
            block = build.append_basic_block(f"tile.{tall}x{wide}")
            choice.add_case(INT(8 * tall + wide), block)
            with build.goto_block(block):
                build.call(_tile_function(build.module, dtype, tall, wide, side), arguments)
                build.branch(done)
    build.position_at_end(done)


patches_on_right = _tile("right")
patches_on_left = _tile("left")
halves_on_right = _tile("halves")


# --- rows of vectors --------------------------------------------------------------------------


def _copy(parts: int) -> Any:
    """Return the copy of a vector, or of one of so many parts of it, as a function for Numba."""

    @instruction
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


@instruction
def copy_lanes(typing: Any, target: Any, target_at: Any, source: Any, source_at: Any, count: Any) -> Any:
    """Copy the first ``count`` lanes of one vector."""

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        target, target_at, source, source_at, count = values
        simd = Vectors(build, signature.args[0].dtype)
        mask = simd.first(count)
        lanes = simd.load(pointer(context, build, signature.args[2], source, source_at), INT(0), mask)
        simd.store(lanes, pointer(context, build, signature.args[0], target, target_at), INT(0), mask)
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.int64), write


@instruction
def sum_vectors(
    typing: Any, target: Any, target_at: Any, source: Any, source_at: Any, offsets: Any, offsets_at: Any, masks: Any,
    masks_at: Any, first: Any, last: Any, count: Any,
) -> Any:  # fmt: skip
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


@instruction
def transpose_block(
    typing: Any, target: Any, target_at: Any, target_step: Any, source: Any, source_at: Any, source_step: Any,
    row_count: Any,
) -> Any:  # fmt: skip
    """Write a square block, as many rows as a vector has lanes, with its rows as columns.

    Rows beyond the count repeat the last one.
    """
    i = types.int64

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        target, target_at, target_step, source, source_at, source_step, row_count = values
        simd = Vectors(build, signature.args[0].dtype)
        there = pointer(context, build, signature.args[0], target, target_at)
        here = pointer(context, build, signature.args[3], source, source_at)
        last = build.sub(row_count, INT(1))
        block = []
        for m in range(simd.lanes):
            row = build.select(build.icmp_signed("<", INT(m), row_count), INT(m), last)
            block.append(simd.load(here, build.mul(row, source_step)))
        half = simd.lanes // 2
        low = lane_numbers([j // 2 + j % 2 * simd.lanes for j in range(simd.lanes)])
        high = lane_numbers([half + j // 2 + j % 2 * simd.lanes for j in range(simd.lanes)])
        # Shuffling the upper half of the rows into the lower one, log2(lanes) times over, transposes.
        for _ in range(simd.lanes.bit_length() - 1):
            pairs = [(block[m], block[m + half]) for m in range(half)]
            block = [build.shuffle_vector(a, b, part) for a, b in pairs for part in (low, high)]
        for m in range(simd.lanes):
            simd.store(block[m], there, build.mul(INT(m), target_step))
        return context.get_dummy_value()

    return types.void(target, i, i, source, i, i, i), write
