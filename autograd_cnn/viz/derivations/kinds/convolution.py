"""Convolutions, forward and backward, in two ways each (see docs/derivations/sensitivity-map.md)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Shape
from autograd_cnn.ops.correlation import conv_shapes
from autograd_cnn.viz.derivations.grid import Grid
from autograd_cnn.viz.derivations.kind import IMAGES, Derived, plays
from autograd_cnn.viz.derivations.notation import adjoint, walk
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import NamedArray, Panel, Scene

_FILTERS = ("the filter", "the filters")


class _Form(Grid):
    """The trilinear form of one image, as `autograd_cnn.ops.correlation` describes it.

    Filter f of group q takes the group's channels c. Its output at (i, j) is the sum over the taps (u, v).
    """

    def __init__(self, x: Shape, w: Shape, geometry: dict[str, Any]) -> None:
        found, groups = conv_shapes("viz.play", x, w, **geometry), geometry["groups"]
        super().__init__(found.windows, found.x[1])
        self.w, self.y = found.w, found.y[1:]
        filters, channels = self.w[0] // groups, self.w[1]
        self.sizes |= {"q": groups, "f": filters, "c": channels}
        self.by_pixel = self.sizes | dict(zip("ij", self.windows.image, strict=True))
        (dh, dw), ((top, _), (left, _)) = self.windows.dilation, self.border
        self.map = f"[{filters}q+f,i,j]"
        self.bias = f"[{filters}q+f]"
        self.filter = f"[{filters}q+f,c,u,v]"
        self.window = f"[{channels}q+c,{self.tap}]"
        self.pixel = f"[{channels}q+c,i,j]"
        self.neighbours = f"[{filters}q+f,i+{dh}u+{top},j+{dw}v+{left}]"

    def spread(self, maps: NDArray[Any]) -> NDArray[Any]:
        """Put zeros between the elements of maps, as many as the stride skips, and around them: (F, HS, WS)."""
        grid = self.windows
        around = [(k - 1) * d for k, d in zip(grid.size, grid.dilation, strict=True)]
        sides = (n + sum(border) + more for n, border, more in zip(grid.image, self.border, around, strict=True))
        wide = np.zeros((self.y[0], *sides), maps.dtype)
        rows, columns = (
            slice(more, more + (n - 1) * s + 1, s) for more, n, s in zip(around, grid.out, grid.stride, strict=True)
        )
        wide[:, rows, columns] = maps.reshape(self.y)
        return wide


@plays(ops.correlate2d, batch=IMAGES)
def derive(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `correlate2d`, for one image."""
    x, w = call.operand("x"), call.operand("w")
    form = _Form(x.shape, w.shape, call.params)
    xs, ds = map(form.symbol, "xd")
    d, some = call.gradient("x"), _FILTERS[form.w[0] > 1]
    arrays = {
        xs: form.padded(x, call.text("x", "the input"), ", padded"),
        **call.both("w", "w", some, form.w),
        **call.both("bias", "b", "the bias"),
        **call.ends(form.y),
        "δ̂": NamedArray(form.spread(call.g), "the sensitivities, dilated and padded"),
        "w̄": NamedArray(w.reshape(form.w)[..., ::-1, ::-1], f"{some}, rotated by 180°"),
        "d": NamedArray(form.planes(d), "∂L/∂x"),
        ds: form.padded(d, "∂L/∂x", ", and a border to cut off"),
    }
    biased = "b" in arrays
    formula = f"y{form.map} = {xs}{form.window} w{form.filter}{f' + b{form.bias}' * biased}"
    sizes = form.sizes
    forward = Scene.alone(
        "Forward", f"y = x ⋆ w{' + b' * biased}",
        "The window slides over the input. At each place its pixels are multiplied by the filter, and the products are "
        "added up.", walk(formula, arrays, **sizes),
    )  # fmt: skip
    scatter = Panel.of(
        "Scatter",
        "Each sensitivity sends the filter, times itself, to the window that it came from. Where windows overlap, what "
        "arrives adds up.",
        walk(adjoint(formula, xs, ds), arrays, "qfij", **sizes),
    )
    correlate = Panel.of(
        "Correlate",
        "The same sums, pixel by pixel: the rotated filter slides over the sensitivities, with zeros between them for the "
        "stride, and around them.",
        walk(f"d{form.pixel} = δ̂{form.neighbours} w̄{form.filter}", arrays, **form.by_pixel),
    )
    uses = Panel.of(
        "Sum over the uses",
        "All windows share the weights. Each use adds its window of the input, times its sensitivity.",
        walk(adjoint(formula, "w"), arrays, "qfij", **sizes),
    )
    by_weight = Panel.of(
        "Correlate",
        "The same sums, weight by weight: all pixels that a weight met, times the sensitivities of the outputs that they "
        "went to.",
        walk(adjoint(formula, "w"), arrays, **sizes),
    )
    scenes = [
        forward,
        Scene("Backward, to the input", (scatter, correlate)),
        Scene("Backward, to the filter", (uses, by_weight)),
    ]
    if biased:
        text = "The bias is added to every output of its filter, so its gradient is the sum of their sensitivities."
        scenes.append(Scene.alone("Backward, to the bias", "Sum", text, walk(adjoint(formula, "b"), arrays, **sizes)))
    return arrays, [*scenes, Scene("Backward, side by side", (scatter, correlate, uses))]


@plays(ops.correlate2d_wrt_input, batch=IMAGES)
def derive_transposed(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `correlate2d_wrt_input`, for one image.

    Its forward pass is the backward pass of `correlate2d`: its input takes the place of the sensitivities.
    """
    geometry = dict(call.params)
    x, w = call.operand("g"), call.operand("w")
    form = _Form(geometry.pop("x_shape"), w.shape, geometry)
    ys, gs = map(form.symbol, "yδ")
    some = _FILTERS[form.w[0] > 1]
    arrays = {
        **call.both("g", "x", "the input", form.y),
        **call.both("w", "w", some, form.w),
        "x̂": NamedArray(form.spread(x), "the input, dilated and padded"),
        "w̄": NamedArray(w.reshape(form.w)[..., ::-1, ::-1], f"{some}, rotated by 180°"),
        "y": NamedArray(form.planes(call.y), "the output"),
        ys: form.padded(call.y, "the output", ", and a border to cut off"),
        gs: form.padded(call.g, "the sensitivities ∂L/∂y", ", padded"),
    }
    formula, sizes = f"{ys}{form.window} = x{form.map} w{form.filter}", form.sizes
    return arrays, [
        Scene("Forward", (
            Panel.of("Scatter", "Each number of the input sends the filter, times itself, to its window of the output. Where "
                     "windows overlap, what arrives adds up.", walk(formula, arrays, "qfij", **sizes)),
            Panel.of("Correlate", "The same sums, pixel by pixel: the rotated filter slides over the input, with zeros between "
                     "its numbers for the stride, and around them.",
                     walk(f"y{form.pixel} = x̂{form.neighbours} w̄{form.filter}", arrays, **form.by_pixel)),
        )),
        Scene.alone("Backward, to the input", "dx = δ ⋆ w", "A number of the input went to a window, with the filter as it is, "
                    "so the filter slides over the sensitivities.", walk(adjoint(formula, "x", g=gs), arrays, **sizes)),
        Scene.alone("Backward, to the filter", "Sum over the uses", "Each number of the input used the whole filter, and adds "
                    "the sensitivities of its window, times itself.", walk(adjoint(formula, "w", g=gs), arrays, "qfij", **sizes)),
    ]  # fmt: skip
