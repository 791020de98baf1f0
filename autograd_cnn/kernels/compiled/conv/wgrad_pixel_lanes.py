"""The other tile: products of rows with rows, for a gradient of few filters.

The micro-kernel of `simd` has a filter in each lane, and with 6 filters 10 of 16 lanes would idle.
Here a lane is a pixel. A tile holds a vector of sums for each of some maps and some taps::

    C[t, f] += image[t, row, v] · G[f, row, v]        for all rows and vectors v of pixels

and the lanes of each are added up at the end, for all images at once.
"""

from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils

from autograd_cnn.kernels.compiled.llvm import INT, Value, Vectors, element_type, intrinsic, pointer
from autograd_cnn.kernels.compiled.microkernel import TALL

MAPS, TAPS = SOME_MAPS = (6, 4) if TALL == 8 else (3, 3)
"""The shape of a tile, by the number of registers."""
ONE_MAP: Final = (1, 2 * TAPS)


def _write_tile(function: Value, dtype: Any, maps: int, taps: int) -> None:
    """Write the body of one shape of tile; `sum_of_dots` explains its arguments."""
    image, offsets, image_step, g, g_step, g_row_step, rows, columns, c, c_step, map_count, tap_count = function.args
    build = ir.IRBuilder(function.append_basic_block())
    simd = Vectors(build, dtype)

    def clamped(number: int, count: Value) -> Value:
        last = build.sub(count, INT(1))
        return build.select(build.icmp_signed("<", INT(number), count), INT(number), last)

    # Those beyond the count repeat the last one: they compute the same, and store it to the same place.
    tap, each = [clamped(t, tap_count) for t in range(taps)], [clamped(f, map_count) for f in range(maps)]
    pixels = [build.gep(image, [build.load(build.gep(offsets, [t]))]) for t in tap]
    lines = [build.gep(g, [build.mul(f, g_step)]) for f in each]
    cells = [(f, t) for f in range(maps) for t in range(taps)]
    at = {(f, t): build.add(build.mul(tap[t], c_step), build.mul(each[f], INT(simd.lanes))) for f, t in cells}
    sums = {cell: cgutils.alloca_once(build, simd.vector) for cell in cells}
    for cell in cells:
        build.store(simd.load(c, at[cell]), sums[cell])

    def step(row: Value, column: Value, mask: Value) -> None:
        here = build.add(build.mul(row, image_step), column)
        values = [simd.load(base, here, mask) for base in pixels]
        there = build.add(build.mul(row, g_row_step), column)
        for f in range(maps):
            sensitivity = simd.load(lines[f], there, mask)
            for t in range(taps):
                build.store(simd.multiply_add(values[t], sensitivity, build.load(sums[f, t])), sums[f, t])

    full = build.sdiv(columns, INT(simd.lanes))
    rest = build.sub(columns, build.mul(full, INT(simd.lanes)))
    mask = simd.first(rest)
    with cgutils.for_range(build, rows) as row:
        with cgutils.for_range(build, full) as vector:
            step(row.index, build.mul(vector.index, INT(simd.lanes)), None)
        with build.if_then(build.icmp_signed(">", rest, INT(0))):
            step(row.index, build.mul(full, INT(simd.lanes)), mask)
    for cell in cells:
        simd.store(build.load(sums[cell]), c, at[cell])
    build.ret_void()


def _tile_function(module: Value, dtype: Any, maps: int, taps: int) -> Value:
    name = f"autograd_cnn.dots.{dtype}.{maps}x{taps}"
    if name not in module.globals:
        element, table = element_type(dtype).as_pointer(), INT.as_pointer()
        kinds = [element, table, INT, element, INT, INT, INT, INT, element, INT, INT, INT]
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        _write_tile(function, dtype, maps, taps)
    return module.globals[name]


@intrinsic
def sum_of_dots(
    typing: Any, image: Any, image_at: Any, offsets: Any, offsets_at: Any, image_step: Any, g: Any, g_at: Any,
    g_step: Any, g_row_step: Any, rows: Any, columns: Any, c: Any, c_at: Any, c_step: Any, map_count: Any,
    tap_count: Any,
) -> Any:  # fmt: skip
    """Add, lane by lane, the products of some maps with the image as each of some taps sees it.

    Tap t begins at ``offsets[t]`` in the image, map f at ``f · g_step`` in g, and their sum is the
    vector at ``t · c_step + f · lanes`` in c. From one row to the next it is ``image_step`` in the
    image and ``g_row_step`` in g.
    """
    i = types.int64
    kinds = (image, i, offsets, i, i, g, i, i, i, i, i, c, i, i, i, i)

    def write(context: Any, build: Value, signature: Any, values: Any) -> Value:
        image, image_at, offsets, offsets_at, image_step, g, g_at, g_step, g_row_step, rows, columns, *rest = values
        c, c_at, c_step, map_count, tap_count = rest
        arguments = [
            pointer(context, build, signature.args[0], image, image_at),
            pointer(context, build, signature.args[2], offsets, offsets_at), image_step,
            pointer(context, build, signature.args[5], g, g_at), g_step, g_row_step, rows, columns,
            pointer(context, build, signature.args[11], c, c_at), c_step, map_count, tap_count,
        ]  # fmt: skip
        dtype = signature.args[11].dtype
        with build.if_else(build.icmp_signed("==", map_count, INT(1))) as (one, some):
            with one:
                build.call(_tile_function(build.module, dtype, *ONE_MAP), arguments)
            with some:
                build.call(_tile_function(build.module, dtype, *SOME_MAPS), arguments)
        return context.get_dummy_value()

    return types.void(*kinds), write
