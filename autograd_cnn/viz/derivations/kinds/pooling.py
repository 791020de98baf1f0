"""Pooling: the winners, or the shares (see docs/derivations/pooling.md)."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.ops.pooling import _counts, _relu_max_pool, _windows
from autograd_cnn.viz.derivations.grid import Grid
from autograd_cnn.viz.derivations.kind import IMAGES, Derived, plays
from autograd_cnn.viz.derivations.notation import adjoint, walk
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import Cells, NamedArray, Product, Scene, Span, Walk


def _grid(shape: tuple[int, ...], params: dict[str, Any]) -> Grid:
    """Return the pooling windows on an image of this shape."""
    names = ("window", "stride", "padding", "dilation", "ceil_mode")
    return Grid(_windows("viz.play", shape, *(params[name] for name in names)), int(np.prod(shape[:-2])))


_CUT = ", and a border to cut off"


@plays(ops.max_pool, _relu_max_pool, batch=IMAGES)
def derive_max(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `max_pool`, for one image; a `relu_max_pool` is played as its two parts."""
    x, params = call.operand("x"), call.params
    grid = _grid(x.shape, params)
    xs, rs, ds, es = map(grid.symbol, "xrde")
    arrays = {
        xs: grid.padded(x, call.text("x", "the input"), ", with its border", -np.inf),
        **call.ends(grid.planes(call.y).shape),
        ds: grid.padded(call.gradient("x"), "∂L/∂x", _CUT),
    }
    there = "The window slides over the input, and its largest pixel is the output."
    back = "Each sensitivity goes to the pixel that won, and to no other. A pixel that won in several windows gets the sum."
    if call.inner.primitive is ops.max_pool:
        forward, scatter = _winning(grid, arrays, x, params, (xs, ds))
        return arrays, [
            Scene.alone("Forward", "y = the largest of each window", there, forward),
            Scene.alone("Backward", "The largest pixel takes the error", back, scatter, first=(xs,)),
        ]
    rectified = ops.relu(x)
    _, taps = ops.max_pool.forward(rectified, **params)
    arrays |= {
        rs: grid.padded(rectified, "the positive part of x", ""),
        es: grid.padded(ops.max_unpool(call.g, indices=taps, x_shape=x.shape, **params), "∂L/∂r", _CUT),
        "r′": grid.padded((x > 0).astype(x.dtype), "1 where x is positive", ""),
    }
    forward, scatter = _winning(grid, arrays, rectified, params, (rs, es))
    first, last = (
        walk(each, arrays) for each in (f"{rs}[c,i,j] = relu({xs}[c,i,j])", f"{ds}[c,i,j] = {es}[c,i,j] r′[c,i,j]")
    )
    there = f"Two layers run as one. Negative pixels become 0. {there}"
    back = f"{back} A ReLU lets nothing through where its input was not positive."
    return arrays, [
        Scene.alone("Forward", "r = relu(x), y = the largest of each window", there, first, forward),
        Scene.alone(
            "Backward", "The largest pixel takes the error, if it is positive", back, scatter, last, first=(rs,)
        ),
    ]


def _winning(
    grid: Grid, arrays: dict[str, NamedArray], x: NDArray[Any], params: dict[str, Any], names: tuple[str, str]
) -> tuple[Walk, Walk]:
    """Return the walk that finds the largest pixels, with ties noted, and the one that sends the errors to them."""
    xs, ds = names
    found = grid.planes(ops.max_pool_indices(x, **params)).reshape(grid.maps, -1)
    row, column = np.divmod(found, grid.windows.image[1])
    _, height, width = arrays[xs].values.shape
    (top, _), (left, _) = grid.border
    winners = ((np.arange(grid.maps)[:, None] * height + row + top) * width + column + left).ravel().astype(np.int64)
    forward = walk(f"y[c,i,j] = max({xs}[c,{grid.tap}])", arrays, **grid.sizes)
    [window] = forward.products[0].factors
    ties = (arrays[xs].values.ravel()[window.at()] == arrays["y"].values.reshape(-1, 1)).sum(axis=1)
    notes = {
        step: f"{count} pixels tie; the first of them, row by row, wins."
        for step, count in enumerate(ties.tolist())
        if count > 1
    }
    won = Cells(xs, winners)
    errors = Product(Cells("δ", Span((len(winners), 1))))
    return replace(forward, marks=won, notes=notes), Walk(Cells(ds, winners), [errors], marks=won)


@plays(ops.mean_pool, batch=IMAGES)
def derive_mean(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `mean_pool`, for one image."""
    x = call.operand("x")
    grid = _grid(x.shape, call.params)
    xs, ds = grid.symbol("x"), grid.symbol("d")
    arrays = {
        xs: grid.padded(x, call.text("x", "the input"), ", with its border"),
        "1/n": _shares(grid, call.params, call.y),
        **call.ends(grid.planes(call.y).shape),
        ds: grid.padded(call.gradient("x"), "∂L/∂x", _CUT),
    }
    formula = f"y[c,i,j] = {xs}[c,{grid.tap}] 1/n[i,j]"
    return arrays, [
        Scene.alone(
            "Forward", "y = the mean of each window", "The window slides over the input, and the mean of its pixels is the output.",
            walk(formula, arrays, **grid.sizes),
        ),
        Scene.alone(
            "Backward", "Everyone gets a share", "Each sensitivity is spread evenly over the window that it came from. Where windows "
            "overlap, the shares add up.", walk(adjoint(formula, xs, ds), arrays, "cij", **grid.sizes),
        ),
    ]  # fmt: skip


@plays(ops.mean_pool_wrt_input, batch=IMAGES)
def derive_spread(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `mean_pool_wrt_input`, such as an upsampling, for one image."""
    x = call.operand("g")
    grid = _grid(call.params["x_shape"], call.params)
    ys, gs = grid.symbol("y"), grid.symbol("δ")
    arrays = {
        **call.both("g", "x", "the input", grid.planes(x).shape),
        "1/n": _shares(grid, call.params, call.y),
        ys: grid.padded(call.y, "the output", _CUT),
        gs: grid.padded(call.g, "the sensitivities ∂L/∂y", ", padded"),
    }
    alone = bool((arrays["1/n"].values == 1).all())
    formula = f"{ys}[c,{grid.tap}] = x[c,i,j]{'' if alone else ' 1/n[i,j]'}"
    return arrays, [
        Scene.alone(
            "Forward", "Each pixel fills its window", "A number of the input goes to all pixels of its window of the output. Where windows "
            "overlap, they add up.", walk(formula, arrays, "cij", **grid.sizes),
        ),
        Scene.alone(
            "Backward", "dx = the sums of the windows", "A number went to a window, so it gets back what arrives there.",
            walk(adjoint(formula, "x", g=gs), arrays, **grid.sizes),
        ),
    ]  # fmt: skip


def _shares(grid: Grid, params: dict[str, Any], like: NDArray[Any]) -> NamedArray:
    """Return the weight of a pixel in its window: one for all, or one each if those at the border are smaller."""
    counts = np.asarray(_counts(grid.windows, params["count_include_pad"], params["divisor_override"]))
    shares = (1 / counts).astype(like.dtype)
    alike = bool((counts == counts.flat[0]).all())
    return NamedArray(shares.ravel()[:1] if alike else shares, "what each pixel counts")
