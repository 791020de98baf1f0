"""A convolution: windows forward, and its two gradients in two ways each (see docs/derivations/sensitivity-map.md)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.ops.correlation import ConvShapes, conv_shapes
from autograd_cnn.viz.play.recorded import Recorded
from autograd_cnn.viz.play.walk import Cells, NamedArray, Panel, Product, Scene, Span, Walk, check_size


def derive(recorded: Recorded) -> tuple[dict[str, NamedArray], list[Scene]]:
    """Return the arrays and scenes of a recorded `correlate2d`, for one image."""
    call = recorded.of_image()
    x, w, bias = call.operand("x"), call.operand("w"), call.operand("bias")
    geometry = call.params
    sizes = conv_shapes("viz.play", x.shape, w.shape, **geometry)
    (_, maps, rows, columns), taps = sizes.y, int(np.prod(sizes.w[1:]))
    pixels = int(np.prod(sizes.x[1:]))
    check_size("this convolution", max(maps * rows * columns, pixels, w.size), maps * rows * columns * taps)
    return _Form(sizes, geometry["groups"]).derive(call, x, w, bias)


class _Form:
    """Where the cells of the trilinear form are; the loops are over groups, filters, channels, rows and columns."""

    def __init__(self, sizes: ConvShapes, groups: int) -> None:
        self.shapes = sizes
        grid = sizes.windows
        self.groups = groups
        self.filters, self.channels = sizes.w[0] // groups, sizes.w[1]
        self.image, self.size, self.out = grid.image, grid.size, grid.out
        (self.top, bottom), (self.left, right) = self.border = grid.padding
        self.padded = (grid.image[0] + self.top + bottom, grid.image[1] + self.left + right)
        (self.sh, self.sw), (self.dh, self.dw) = grid.stride, grid.dilation
        self.taps = self.size[0] * self.size[1]
        self.positions = self.out[0] * self.out[1]

    # --- for each output: its window, its filter and itself ------------------------------------

    def window(self, name: str) -> Cells:
        plane, width = self.padded[0] * self.padded[1], self.padded[1]
        starts = Span(
            (self.groups, self.channels * plane), (self.filters, 0), (self.out[0], self.sh * width),
            (self.out[1], self.sw),
        )  # fmt: skip
        return Cells(
            name, starts, Span((self.channels, plane), (self.size[0], self.dh * width), (self.size[1], self.dw))
        )

    def filter(self, name: str) -> Cells:
        length = self.channels * self.taps
        return Cells(name, Span((self.groups * self.filters, length), (self.positions, 0)), Span((length, 1)))

    def bias(self, name: str) -> Cells:
        return Cells(name, Span((self.groups * self.filters, 1), (self.positions, 0)))

    def output(self, name: str) -> Cells:
        return Cells(name, Span((self.groups * self.filters * self.positions, 1)))

    # --- for each pixel of the image: the dilated, padded map and the rotated filters ----------

    def spread(self, g: NDArray[Any]) -> NDArray[Any]:
        """Put zeros between the sensitivities, as many as the stride skips, and around them (F, DH, DW)."""
        height, width = (n + (k - 1) * d for n, k, d in zip(self.padded, self.size, (self.dh, self.dw), strict=True))
        wide = np.zeros((len(g), height, width), g.dtype)
        first = ((self.size[0] - 1) * self.dh, (self.size[1] - 1) * self.dw)
        rows = slice(first[0], first[0] + (self.out[0] - 1) * self.sh + 1, self.sh)
        wide[:, rows, first[1] : first[1] + (self.out[1] - 1) * self.sw + 1 : self.sw] = g
        return wide

    def neighbours(self, name: str, shape: tuple[int, ...]) -> Cells:
        plane, width = shape[-2] * shape[-1], shape[-1]
        starts = Span(
            (self.groups, self.filters * plane), (self.channels, 0), (self.image[0], width), (self.image[1], 1),
            base=self.top * width + self.left,
        )  # fmt: skip
        return Cells(
            name, starts, Span((self.filters, plane), (self.size[0], self.dh * width), (self.size[1], self.dw))
        )

    def rotated(self, name: str) -> Cells:
        length = self.channels * self.taps
        starts = Span(
            (self.groups, self.filters * length), (self.channels, self.taps), (self.image[0] * self.image[1], 0)
        )
        return Cells(name, starts, Span((self.filters, length), (self.taps, 1)))

    def pixel(self, name: str) -> Cells:
        return Cells(name, Span((self.groups * self.channels * self.image[0] * self.image[1], 1)))

    # --- for each weight: the whole map, and the pixels that it met -----------------------------

    def map(self, name: str) -> Cells:
        return Cells(
            name, Span((self.groups * self.filters, self.positions), (self.channels * self.taps, 0)),
            Span((self.positions, 1)),
        )  # fmt: skip

    def met(self, name: str) -> Cells:
        plane, width = self.padded[0] * self.padded[1], self.padded[1]
        starts = Span(
            (self.groups, self.channels * plane), (self.filters, 0), (self.channels, plane),
            (self.size[0], self.dh * width), (self.size[1], self.dw),
        )  # fmt: skip
        return Cells(name, starts, Span((self.out[0], self.sh * width), (self.out[1], self.sw)))

    def weight(self, name: str) -> Cells:
        return Cells(name, Span((self.groups * self.filters * self.channels * self.taps, 1)))

    # --- the scenes -----------------------------------------------------------------------------

    def derive(
        self, call: Recorded, x: NDArray[Any], w: NDArray[Any], bias: NDArray[Any] | None
    ) -> tuple[dict[str, NamedArray], list[Scene]]:
        pad = any(map(any, self.border))
        filters = w.reshape(self.shapes.w)
        g = call.g.reshape(self.shapes.y[1:])
        d = call.gradient("x").reshape(self.shapes.x[1:])
        around = ((0, 0), *self.border)
        xs, ds = ("x̃", "d̃") if pad else ("x", "d")
        spread = self.spread(g)
        arrays = {
            xs: NamedArray(
                _plain(np.pad(x.reshape(self.shapes.x[1:]), around)), call.text("x", "the input", pad * ", padded"),
                self.border,
            ),
            "w": NamedArray(_plain(filters), call.text("w", "the filters" if len(filters) > 1 else "the filter")),
            "y": NamedArray(_plain(call.y.reshape(self.shapes.y[1:])), "the output"),
            "δ": NamedArray(_plain(g), "the sensitivities ∂L/∂y"),
            "δ̂": NamedArray(_plain(spread), "the sensitivities, dilated and padded"),
            "w̄": NamedArray(_plain(filters[..., ::-1, ::-1]), "the filter, rotated by 180°"),
            "d": NamedArray(_plain(d), "∂L/∂x"),
            "dw": NamedArray(_plain(call.gradient("w").reshape(self.shapes.w)), "∂L/∂w"),
        }  # fmt: skip
        terms = [Product(self.window(xs), self.filter("w"))]
        if bias is not None:
            terms.append(Product(self.bias("b")))
            arrays["b"] = NamedArray(bias, call.text("bias", "the bias"))
            arrays["db"] = NamedArray(call.gradient("bias"), "∂L/∂b")
        scatter = Walk(self.window(ds), [Product(self.output("δ"), self.filter("w"))])
        if pad:
            arrays[ds] = NamedArray(_plain(np.pad(d, around)), "∂L/∂x, and a border to cut off", self.border)
        read = (xs, "w", "b")[: 2 + (bias is not None)]
        scenes = [
            Scene("Forward", (Panel(
                f"y = x ⋆ w{' + b' * (bias is not None)}", "The window walks over the input. Where it stands, its pixels are multiplied with the "
                "filter, and the products are added up.", (*read, "y"), (Walk(self.output("y"), terms),),
            ),)),
            Scene("Backward, to the input", (
                Panel("Scatter", "Each sensitivity sends the filter, times itself, to the window that it came from. "
                      "Where windows overlap, what arrives adds up.", ("δ", "w", ds), (scatter,)),
                Panel("Correlate", "The same sums, pixel by pixel: the rotated filter walks over the sensitivities, "
                      "with zeros between them for the stride, and around them.", ("δ̂", "w̄", "d"),
                      (Walk(self.pixel("d"), [Product(self.neighbours("δ̂", spread.shape), self.rotated("w̄"))]),)),
            )),
            Scene("Backward, to the filter", (
                Panel("Sum over the uses", "All windows share the weights. Each use adds its window of the input, times "
                      "its sensitivity.", ("δ", xs, "dw"),
                      (Walk(self.filter("dw"), [Product(self.output("δ"), self.window(xs))]),)),
                Panel("Correlate", "The same sums, weight by weight: all pixels that a weight met, times the "
                      "sensitivities of the outputs that they went to.", ("δ", xs, "dw"),
                      (Walk(self.weight("dw"), [Product(self.map("δ"), self.met(xs))]),)),
            )),
        ]  # fmt: skip
        if bias is not None:
            maps = Span((len(filters), self.positions))
            total = Walk(Cells("db", Span((len(filters), 1))), [Product(Cells("δ", maps, Span((self.positions, 1))))])
            scenes.append(Scene("Backward, to the bias", (
                Panel("Sum", "The bias is added to every output of its filter, so its gradient is the sum of their "
                      "sensitivities.", ("δ", "db"), (total,)),
            )))  # fmt: skip
        (scattered, correlate), (uses, _) = scenes[1].panels, scenes[2].panels
        scenes.append(Scene("Backward, side by side", (scattered, correlate, uses)))
        return arrays, scenes


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Leave out leading axes of length 1, down to a plane."""
    while values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    return values
