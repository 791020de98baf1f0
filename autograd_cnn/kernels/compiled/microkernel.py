"""The micro-kernel: a small tile of a matrix product that never leaves the registers.

A processor multiplies and adds whole vectors at a time, 16 float32 numbers with AVX-512, far faster than it can fetch
them. So a fast product loads each number once and uses it often. Take a tile of C of, say, MR = 8 rows by NR = 3
vectors. Its 24 vectors fit into the processor's 32 vector registers and stay there while the depth k runs::

    C[m, v] += A[m, k] · B[k, v]        for all rows m and all vectors v of the tile

One step loads the 3 vectors B[k] and 8 single numbers A[:, k], each broadcast to a vector, and does 24 multiplications
and additions of vectors with these 11 loads. Goto & van de Geijn 2008, *Anatomy of High-Performance Matrix
Multiplication*, explain why this shape is best.

All products of the compiled backend call this one tile, `multiply_tile`, and describe its operands with named tuples:

- its shape: `Tile` or `TallTile`;
- how A and B are addressed: `Packed` in the order in which the tile reads them; `PackedRows`, rows of whole
  vectors; `Gathered` or `GatheredHalves` by tables of offsets, which turns a product into a convolution, since the
  tile then reads its patches from the image itself; `PixelRows`;
- how C is addressed: `Scattered` or `ScatteredHalves` by a table, or `Strided`; and what the sums `Start` from;
- which products are summed: over a `Depth`, over a `Batch` of pairs of matrices, or over `Pixels`.

No compiler makes this tile of plain loops. So it is emitted as LLVM instructions, for each shape and combination of
descriptors that a kernel calls it with.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeAlias

from llvmlite import ir
from numba import types
from numba.core import cgutils

from autograd_cnn.kernels.compiled.llvm import INT, REGISTERS, Value, Vectors, entry, intrinsic, pointer
from autograd_cnn.kernels.compiled.parallel import inlined

MR: Final = (8, 6, 4) if REGISTERS == 32 else (6, 4, 2)
"""The possible numbers of rows of a tile."""
NR: Final = tuple(min(4, (REGISTERS - 2) // (rows + 1)) for rows in MR)
"""For each of these, the most vectors of a tile: C, a row of B and one more vector fit into the registers."""
BATCH_NR: Final = 2
"""The most vectors of a tile that sums over a `Batch`."""
PIXELS_SHAPE: Final = (6, 4) if REGISTERS == 32 else (3, 3)
"""Rows and vectors of a tile that sums over `Pixels`."""
PIXELS_SHAPE_OF_ONE: Final = (1, 2 * PIXELS_SHAPE[1])
"""The same where A has a single row."""


@inlined
def tile_rows(left: int) -> int:
    """Return the number of rows of the next tile when ``left`` rows are left."""
    return MR[0] if left > MR[1] else MR[1] if left > MR[2] else MR[2]


def padded_rows(rows: int) -> int:
    """Return the number of rows of all tiles together that cover ``rows`` rows."""
    left = rows % MR[0]
    return rows - left + min(height for height in (*MR, 0) if height >= left)


@inlined
def tile_vectors(rows: int) -> int:
    """Return the most vectors of the tiles of a product with ``rows`` rows."""
    return NR[0] if rows > MR[1] else NR[1] if rows > MR[2] else NR[2]


@inlined
def next_rows(left: int, tall: int) -> int:
    """Return the height of the next tile of the product: a smaller one if the last tile would be nearly empty."""
    return MR[2] if tall < left < tall + MR[2] else tall


# --- descriptors ------------------------------------------------------------------------------
#
# In a kernel the fields are arrays and integers, and the operand begins at element x_at of the array x.
# While the tile is emitted, they are LLVM values: x is a pointer to that element, and x_at is None.


class Tile(NamedTuple):
    """The shape of a tile."""

    rows: int  # one of MR
    vectors: int  # 1 to NR of these rows


class TallTile(NamedTuple):
    """The shape of a tile with the most rows, ``MR[0]``; a kernel that needs no others compiles faster."""

    vectors: int


class Packed(NamedTuple):
    """A or B packed step by step: the numbers of all rows, or all vectors, of a step are contiguous."""

    array: Any
    array_at: Any


class PackedRows(NamedTuple):
    """B (K, N) with rows of whole vectors, of which row k begins at ``k_offsets[k]``."""

    array: Any
    array_at: Any
    k_offsets: Any
    k_offsets_at: Any


class Gathered(NamedTuple):
    """A[m, k] at ``offsets[m] + k_offsets[k]``, or B[k, v] at ``offsets[v] + k_offsets[k]``."""

    array: Any
    array_at: Any
    offsets: Any
    offsets_at: Any
    k_offsets: Any
    k_offsets_at: Any


class Columns(NamedTuple):
    """A by columns: A[m, k] at ``m + k · k_stride``."""

    array: Any
    array_at: Any
    k_stride: Any


class GatheredHalves(NamedTuple):
    """B whose vector v consists of two halves, at ``offsets[2v]`` and ``offsets[2v + 1]``, plus ``k_offsets[k]``."""

    array: Any
    array_at: Any
    offsets: Any
    offsets_at: Any
    k_offsets: Any
    k_offsets_at: Any


class PixelRows(NamedTuple):
    """Vectors of pixels on both sides: row m of A, or vector v of B, reads a map that begins at ``offsets[m or v]``."""

    array: Any
    array_at: Any
    offsets: Any
    offsets_at: Any
    row_stride: Any


class Scattered(NamedTuple):
    """C[m, v] at ``m · row_stride + offsets[v]``, for ``row_count`` rows; the last vector has ``lane_count`` lanes."""

    array: Any
    array_at: Any
    row_stride: Any
    offsets: Any
    offsets_at: Any
    row_count: Any
    lane_count: Any


class ScatteredHalves(NamedTuple):
    """C whose vector v consists of two halves, at ``offsets[2v]`` and ``offsets[2v + 1]``, plus ``m · row_stride``."""

    array: Any
    array_at: Any
    row_stride: Any
    offsets: Any
    offsets_at: Any
    row_count: Any


class Strided(NamedTuple):
    """C[m, v] at ``m · row_stride + v · vector_stride``, for ``row_count`` rows and ``vector_count`` vectors."""

    array: Any
    array_at: Any
    row_stride: Any
    vector_stride: Any
    row_count: Any
    vector_count: Any


class Start(NamedTuple):
    """The initial value of the sums: ``array[m]`` in row m or, if ``accumulate`` isn't 0, that of C."""

    array: Any
    array_at: Any
    accumulate: Any


class Depth(NamedTuple):
    """The sum over ``k`` steps, as in any matrix product."""

    k: Any


class Batch(NamedTuple):
    """The sum over some pairs of packed matrices, ``k`` steps of each (libxsmm's "batch-reduce GEMM").

    Pair e, for ``first <= e < last``, begins at ``a_numbers[e] · a_stride`` in A, and at ``b_numbers[e] · b_stride``
    in B.
    """

    k: Any
    first: Any
    last: Any
    a_numbers: Any
    a_numbers_at: Any
    a_stride: Any
    b_numbers: Any
    b_numbers_at: Any
    b_stride: Any


class Pixels(NamedTuple):
    """The sum over ``rows`` by ``columns`` pixels of `PixelRows`, where lane j sums the columns j, j + lanes, …."""

    rows: Any
    columns: Any


_SHAPES: Final[dict[type, list[tuple[int, int]]]] = {
    Depth: [(rows, v) for rows, most in zip(MR, NR, strict=True) for v in range(1, most + 1)],
    Batch: [(rows, v) for rows in MR for v in range(1, BATCH_NR + 1)],
    Pixels: [PIXELS_SHAPE, PIXELS_SHAPE_OF_ONE],
}
"""The shapes of tiles for each kind of sum."""


@intrinsic
def multiply_tile(typing: Any, tile: Any, a: Any, b: Any, c: Any, start: Any, steps: Any) -> Any:
    """Compute C = start + A · B, or C += A · B, for one tile; the descriptors above explain the arguments."""

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        shape = {name: build.extract_value(values[0], i) for i, name in enumerate(tile.fields)}
        descriptors = [
            _with_pointers(context, build, kind, value)
            for kind, value in zip(signature.args[1:], values[1:], strict=True)
        ]
        done = build.append_basic_block("done")
        number = build.add(build.mul(shape.get("rows", INT(MR[0])), INT(16)), shape["vectors"])
        choice = build.switch(number, done)
        for rows, vectors in _SHAPES[steps.instance_class]:
            if "rows" not in shape and rows != MR[0]:
                continue
            block = build.append_basic_block(f"tile.{rows}x{vectors}")
            choice.add_case(INT(16 * rows + vectors), block)
            with build.goto_block(block):
                function = _tile_function(build.module, c.types[0].dtype, Tile(rows, vectors), descriptors)
                build.call(function, [value for each in descriptors for value in each if value is not None])
                build.branch(done)
        build.position_at_end(done)
        return context.get_dummy_value()

    return types.void(tile, a, b, c, start, steps), write


def _with_pointers(context: Any, build: Value, kind: Any, value: Value) -> Any:
    """Return a descriptor of LLVM values."""
    fields = {name: build.extract_value(value, i) for i, name in enumerate(kind.fields)}
    for name, field in zip(kind.fields, kind.types, strict=True):
        if isinstance(field, types.Array):
            fields[name] = pointer(context, build, field, fields[name], fields[f"{name}_at"])
            fields[f"{name}_at"] = None
    return kind.instance_class(**fields)


# --- the tile ---------------------------------------------------------------------------------


_Pointers: TypeAlias = list[list[Value]]  # one for each row of A or vector of B, or two for halves
_Step: TypeAlias = Callable[[_Pointers, _Pointers, Value, Value, Value], None]
"""Takes the pointers to A and to B at step 0, how far from there a step is, and a mask."""


def _tile_function(module: Value, dtype: Any, tile: Tile, descriptors: list[Any]) -> Value:
    """Return the LLVM function for a shape of tile, emitted into the module on first use."""
    kinds = (type(each).__name__ for each in descriptors)
    name = ".".join(("autograd_cnn.tile", *kinds, str(dtype), f"{tile.rows}x{tile.vectors}"))
    if name not in module.globals:
        arguments = [value.type for each in descriptors for value in each if value is not None]
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        values = iter(function.args)
        inside = [type(each)(*(None if value is None else next(values) for value in each)) for each in descriptors]
        _write_tile(ir.IRBuilder(function.append_basic_block()), dtype, tile, *inside)
    return module.globals[name]


def _write_tile(build: Value, dtype: Any, tile: Tile, a: Any, b: Any, c: Any, start: Start, steps: Any) -> None:
    """Emit the body of one shape of tile."""
    simd = Vectors(build, dtype)
    rows = _clamped(build, tile.rows, c.row_count)
    vectors = [INT(v) for v in range(tile.vectors)]
    if isinstance(c, Strided):
        vectors = _clamped(build, tile.vectors, c.vector_count)
    bases = _bases(build, a, rows, 1), _bases(build, b, vectors, simd.lanes)
    cells = _cells(simd, c, rows, vectors)
    sums = {cell: cgutils.alloca_once(build, simd.vector) for cell in cells}

    with build.if_else(build.icmp_signed("!=", start.accumulate, INT(0))) as (more, first):
        with more:
            for cell, (parts, mask) in cells.items():
                build.store(simd.load_parts(parts, mask), sums[cell])
        with first:
            for m in range(tile.rows):
                number = simd.load_splat(start.array, rows[m])
                for v in range(tile.vectors):
                    build.store(number, sums[m, v])

    def step(a_bases: _Pointers, b_bases: _Pointers, in_a: Value, in_b: Value, mask: Value) -> None:
        # In this order LLVM finds registers for all; with B's vectors before A's numbers it spills some of C.
        # There are too many vectors of pixels to hold at once, so A's are loaded one by one, when used.
        a_vectors: Iterable[Value] = (simd.load(base, in_a, mask) for (base,) in a_bases)
        if not isinstance(a, PixelRows):
            a_vectors = [simd.load_splat(base, in_a) for (base,) in a_bases]
        b_vectors = [simd.load_parts([(base, in_b) for base in each], mask) for each in b_bases]
        for m, a_vector in enumerate(a_vectors):
            for v, b_vector in enumerate(b_vectors):
                build.store(simd.multiply_add(a_vector, b_vector, build.load(sums[m, v])), sums[m, v])

    _write_steps(simd, tile, a, b, steps, *bases, step)

    for cell, (parts, mask) in cells.items():
        simd.store_parts(build.load(sums[cell]), parts, mask)
    build.ret_void()


def _clamped(build: Value, count: int, valid: Value) -> list[Value]:
    """Return indices 0 to ``count - 1``; those beyond the valid ones repeat the last valid one.

    So they compute the same, and store it at the same address.
    """
    last = build.sub(valid, INT(1))
    return [build.select(build.icmp_signed("<", INT(i), valid), INT(i), last) for i in range(count)]


def _bases(build: Value, operand: Any, indices: list[Value], width: int) -> _Pointers:
    """Return pointers to the operands of step 0: of rows of A, or of vectors of B, which have ``width`` elements."""
    if isinstance(operand, (Packed, PackedRows, Columns)):
        return [[build.gep(operand.array, [INT(i * width)])] for i in range(len(indices))]
    if isinstance(operand, GatheredHalves):
        parts = [[INT(2 * v), INT(2 * v + 1)] for v in range(len(indices))]
    else:
        parts = [[i] for i in indices]
    return [[build.gep(operand.array, [entry(build, operand.offsets, i)]) for i in each] for each in parts]


def _cells(
    simd: Vectors, c: Any, rows: list[Value], vectors: list[Value]
) -> dict[tuple[int, int], tuple[list[tuple[Value, Value]], Value]]:
    """Return the address of each vector of C, or of its two halves, and the mask of its lanes unless all count."""
    build, masks = simd.build, [None] * len(vectors)
    if isinstance(c, Strided):
        columns = [[build.mul(v, c.vector_stride)] for v in vectors]
    elif isinstance(c, ScatteredHalves):
        columns = [[entry(build, c.offsets, INT(2 * v + n)) for n in (0, 1)] for v in range(len(vectors))]
    else:
        columns = [[entry(build, c.offsets, v)] for v in vectors]
        masks[-1] = simd.first_lanes(c.lane_count)
    lines = [build.mul(m, c.row_stride) for m in rows]
    return {
        (m, v): ([(c.array, build.add(line, part)) for part in columns[v]], masks[v])
        for m, line in enumerate(lines)
        for v in range(len(vectors))
    }


def _write_steps(
    simd: Vectors, tile: Tile, a: Any, b: Any, steps: Any, a_bases: _Pointers, b_bases: _Pointers, step: _Step
) -> None:
    """Emit the loops over all steps, with the body ``step``."""
    build, lanes = simd.build, INT(simd.lanes)

    def offset(operand: Any, k: Value, numbers: int) -> Value:
        if isinstance(operand, Columns):
            return build.mul(k, operand.k_stride)
        return build.mul(k, INT(numbers)) if isinstance(operand, Packed) else entry(build, operand.k_offsets, k)

    def write_depth(k: Value, a_bases: _Pointers, b_bases: _Pointers) -> None:
        with cgutils.for_range(build, k) as loop:
            in_a, in_b = offset(a, loop.index, tile.rows), offset(b, loop.index, tile.vectors * simd.lanes)
            step(a_bases, b_bases, in_a, in_b, None)

    def shifted(bases: _Pointers, by: Value) -> _Pointers:
        return [[build.gep(base, [by]) for base in each] for each in bases]

    if isinstance(steps, Depth):
        write_depth(steps.k, a_bases, b_bases)
    elif isinstance(steps, Batch):
        with cgutils.for_range(build, steps.last, start=steps.first) as pair:
            in_a = build.mul(entry(build, steps.a_numbers, pair.index), steps.a_stride)
            in_b = build.mul(entry(build, steps.b_numbers, pair.index), steps.b_stride)
            write_depth(steps.k, shifted(a_bases, in_a), shifted(b_bases, in_b))
    else:
        whole = build.mul(build.sdiv(steps.columns, lanes), lanes)
        rest = build.sub(steps.columns, whole)
        mask = simd.first_lanes(rest)
        with cgutils.for_range(build, steps.rows) as row:
            in_a, in_b = (build.mul(row.index, each.row_stride) for each in (a, b))
            with cgutils.for_range_slice(build, INT(0), whole, lanes) as (column, _):
                step(a_bases, b_bases, build.add(in_a, column), build.add(in_b, column), None)
            with build.if_then(build.icmp_signed(">", rest, INT(0))):
                step(a_bases, b_bases, build.add(in_a, whole), build.add(in_b, whole), mask)
