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

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from autograd_cnn.kernels.compiled.llvm import INT, REGISTERS, Value, Vectors, element_type, intrinsic, pointer

# The heights that a tile may have, and how many vectors then fit beside a row of B and one to spare.
TALL, MIDDLE, LOW = TILE_ROWS = (8, 6, 4) if REGISTERS == 32 else (6, 4, 2)
TALL_VECTORS, MIDDLE_VECTORS, LOW_VECTORS = (min(4, (REGISTERS - 2) // (rows + 1)) for rows in TILE_ROWS)


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

    @intrinsic
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
