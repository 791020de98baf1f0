"""Pooling: the winners, or the shares (see docs/derivations/pooling.md)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.kernels.windows import Pair, Windows
from autograd_cnn.ops.pooling import _counts, _windows
from autograd_cnn.viz.play.recorded import Recorded
from autograd_cnn.viz.play.walk import Cells, NamedArray, Panel, Product, Scene, Span, Walk, check_size

Scenes = tuple[dict[str, NamedArray], list[Scene]]


class _Pool:
    """A recorded pooling of one image: its windows, and where their cells are."""

    def __init__(self, recorded: Recorded) -> None:
        self.call = recorded.of_image()
        x, params = self.call.operand("x"), self.call.params
        self.windows = _windows(
            "viz.play", x.shape, params["window"], params["stride"], params["padding"], params["dilation"],
            params["ceil_mode"],
        )  # fmt: skip
        self.border = _border(self.windows)
        self.x = x.reshape(-1, *x.shape[-2:])
        self.maps, self.positions = len(self.x), int(np.prod(self.windows.out))
        steps = self.maps * self.positions
        check_size("this pooling", steps, steps * int(np.prod(self.windows.size)))
        self.padded = (self.maps, *(n + sum(sides) for n, sides in zip(x.shape[-2:], self.border, strict=True)))

    def plain(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return maps of this image, or its only one."""
        planes = values.reshape(-1, *values.shape[-2:])
        return planes[0] if self.maps == 1 else planes

    def pad(self, values: NDArray[Any], number: float) -> NDArray[Any]:
        return self.plain(np.pad(values.reshape(self.x.shape), ((0, 0), *self.border), constant_values=number))

    def window(self, name: str) -> Cells:
        (_, height, width), grid = self.padded, self.windows
        starts = Span((self.maps, height * width), (grid.out[0], grid.stride[0] * width), (grid.out[1], grid.stride[1]))
        return Cells(name, starts, Span((grid.size[0], grid.dilation[0] * width), (grid.size[1], grid.dilation[1])))

    def output(self, name: str) -> Cells:
        return Cells(name, Span((self.maps * self.positions, 1)))

    def arrays(self, outside: float) -> tuple[str, str, dict[str, NamedArray]]:
        """Return the names of the input and its gradient, and what a pooling of any kind has."""
        pad = any(map(any, self.border))
        xs, ds = ("x̃", "d̃") if pad else ("x", "d")
        d = self.call.gradient("x")
        cut = ", and a border to cut off" if pad else ""
        return xs, ds, {
            xs: NamedArray(
                self.pad(self.x, outside if pad else 0), self.call.text("x", "the input", pad * ", with its border"), self.border
            ),
            "y": NamedArray(self.plain(self.call.y), "the output"),
            "δ": NamedArray(self.plain(self.call.g), "the sensitivities ∂L/∂y"),
            ds: NamedArray(self.pad(d, 0), f"∂L/∂x{cut}", self.border),
        }  # fmt: skip


def _border(grid: Windows) -> tuple[Pair, Pair]:
    """Return the padding, and as much more at the end as the last windows reach beyond it."""
    (rows, columns), ((top, bottom), (left, right)) = grid.extent, grid.padding
    return (top, max(bottom, rows - top - grid.image[0])), (left, max(right, columns - left - grid.image[1]))


def derive_max(recorded: Recorded) -> Scenes:
    """Return the arrays and scenes of a recorded `max_pool`, for one image."""
    pool = _Pool(recorded)
    xs, ds, arrays = pool.arrays(-np.inf)
    winners, ties = _winners(pool, arrays[xs].values)
    notes = {
        step: f"{count} pixels tie; the first of them, row by row, wins."
        for step, count in enumerate(ties.tolist())
        if count > 1
    }
    won = Cells(xs, winners)
    forward = Walk(pool.output("y"), [Product(pool.window(xs))], "max", pool.call.y.ravel(), marks=won, notes=notes)
    scatter = Walk(Cells(ds, winners), [Product(pool.output("δ"))], marks=won)
    return arrays, [
        Scene("Forward", (Panel(
            "y = the largest of each window", "The window walks over the input, and its largest pixel is the output.",
            (xs, "y"), (forward,),
        ),)),
        Scene("Backward", (Panel(
            "The largest pixel takes the error", "Each sensitivity goes to the pixel that won, and to no other. A pixel "
            "that won in several windows gets the sum.", (xs, "δ", ds), (scatter,),
        ),)),
    ]  # fmt: skip


def _winners(pool: _Pool, padded: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where, in the flat padded array, the winner of each window is, and how many pixels tie there."""
    found = ops.max_pool_indices(pool.call.operand("x"), **pool.call.params).reshape(pool.maps, pool.positions)
    row, column = np.divmod(found, pool.windows.image[1])
    _, height, width = pool.padded
    (top, _), (left, _) = pool.border
    winners = (np.arange(pool.maps)[:, None] * height + row + top) * width + column + left
    values = padded.ravel()[pool.window("").at()]
    return winners.ravel().astype(np.int64), (values == pool.call.y.reshape(-1, 1)).sum(axis=1)


def derive_mean(recorded: Recorded) -> Scenes:
    """Return the arrays and scenes of a recorded `mean_pool`, for one image."""
    pool = _Pool(recorded)
    params = pool.call.params
    xs, ds, arrays = pool.arrays(0.0)
    counts = _counts(pool.windows, params["count_include_pad"], params["divisor_override"])
    shares = (1 / counts).astype(pool.call.y.dtype)
    alike = bool((counts == counts.flat[0]).all())
    arrays["1/n"] = NamedArray(shares.ravel()[:1] if alike else shares, "what each pixel counts")
    share = Cells("1/n", Span((pool.maps, 0), (pool.positions, 0 if alike else 1)))
    forward = Walk(pool.output("y"), [Product(pool.window(xs), share)])
    scatter = Walk(pool.window(ds), [Product(pool.output("δ"), share)])
    return arrays, [
        Scene("Forward", (Panel(
            "y = the mean of each window", "The window walks over the input, and the mean of its pixels is the output.",
            (xs, "1/n", "y"), (forward,),
        ),)),
        Scene("Backward", (Panel(
            "Everyone gets a share", "Each sensitivity is spread evenly over the window that it came from. Where windows "
            "overlap, the shares add up.", ("δ", "1/n", ds), (scatter,),
        ),)),
    ]  # fmt: skip
