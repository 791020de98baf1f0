"""Convolutions, forward and backward, in two ways each (see docs/derivations/sensitivity-map.md)."""

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from autograd_cnn.viz.play.form import Form
from autograd_cnn.viz.play.recorded import Recorded
from autograd_cnn.viz.play.walk import Cells, NamedArray, Panel, Product, Scene, Span, Walk

_FILTERS = ("the filter", "the filters")


def derive(recorded: Recorded) -> tuple[dict[str, NamedArray], list[Scene]]:
    """Return the arrays and scenes of a recorded `correlate2d`, for one image."""
    call = recorded.of_image()
    x, w, bias = call.operand("x"), call.operand("w"), call.operand("bias")
    form = Form(x.shape, w.shape, call.params)
    pad = form.is_padded
    xs, ds = ("x̃", "d̃") if pad else ("x", "d")
    d, spread = call.gradient("x").reshape(form.x), form.spread(call.g)
    filters = w.reshape(form.w)
    arrays = {
        xs: NamedArray(_plain(form.pad(x)), call.text("x", "the input", pad * ", padded"), form.border),
        "w": NamedArray(_plain(filters), call.text("w", _FILTERS[len(filters) > 1])),
        "y": NamedArray(_plain(call.y.reshape(form.y)), "the output"),
        "δ": NamedArray(_plain(call.g.reshape(form.y)), "the sensitivities ∂L/∂y"),
        "δ̂": NamedArray(_plain(spread), "the sensitivities, dilated and padded"),
        "w̄": NamedArray(_plain(filters[..., ::-1, ::-1]), f"{_FILTERS[len(filters) > 1]}, rotated by 180°"),
        "d": NamedArray(_plain(d), "∂L/∂x"),
        "dw": NamedArray(_plain(call.gradient("w").reshape(form.w)), "∂L/∂w"),
    }
    if pad:
        arrays[ds] = NamedArray(_plain(form.pad(d)), "∂L/∂x, and a border to cut off", form.border)
    terms = [Product(form.window(xs), form.filter("w"))]
    if bias is not None:
        terms.append(Product(form.bias("b")))
        arrays["b"] = NamedArray(bias, call.text("bias", "the bias"))
        arrays["db"] = NamedArray(call.gradient("bias"), "∂L/∂b")
    forward = Panel(
        f"y = x ⋆ w{' + b' * (bias is not None)}",
        "The window walks over the input. Where it stands, its pixels are multiplied with the filter, and the products are "
        "added up.",
        (xs, "w", *(("b",) if bias is not None else ()), "y"),
        (Walk(form.output("y"), terms),),
    )
    scatter = Panel(
        "Scatter",
        "Each sensitivity sends the filter, times itself, to the window that it came from. Where windows overlap, what "
        "arrives adds up.",
        ("δ", "w", ds),
        (Walk(form.window(ds), [Product(form.output("δ"), form.filter("w"))]),),
    )
    correlate = Panel(
        "Correlate",
        "The same sums, pixel by pixel: the rotated filter walks over the sensitivities, with zeros between them for the "
        "stride, and around them.",
        ("δ̂", "w̄", "d"),
        (Walk(form.pixel("d"), [Product(form.neighbours("δ̂"), form.rotated("w̄"))]),),
    )
    uses = Panel(
        "Sum over the uses",
        "All windows share the weights. Each use adds its window of the input, times its sensitivity.",
        ("δ", xs, "dw"),
        (Walk(form.filter("dw"), [Product(form.output("δ"), form.window(xs))]),),
    )
    by_weight = Panel(
        "Correlate",
        "The same sums, weight by weight: all pixels that a weight met, times the sensitivities of the outputs that they "
        "went to.",
        ("δ", xs, "dw"),
        (Walk(form.weight("dw"), [Product(form.map("δ"), form.met(xs))]),),
    )
    scenes = [
        Scene("Forward", (forward,)),
        Scene("Backward, to the input", (scatter, correlate)),
        Scene("Backward, to the filter", (uses, by_weight)),
    ]
    if bias is not None:
        scenes.append(Scene("Backward, to the bias", (_to_bias(len(filters), form.positions),)))
    return arrays, [*scenes, Scene("Backward, side by side", (scatter, correlate, uses))]


def _to_bias(filters: int, positions: int) -> Panel:
    cells = Cells("δ", Span((filters, positions)), Span((positions, 1)))
    text = "The bias is added to every output of its filter, so its gradient is the sum of their sensitivities."
    return Panel("Sum", text, ("δ", "db"), (Walk(Cells("db", Span((filters, 1))), [Product(cells)]),))


def derive_transposed(recorded: Recorded) -> tuple[dict[str, NamedArray], list[Scene]]:
    """Return the arrays and scenes of a recorded `correlate2d_wrt_input`, for one image.

    Forward it is what `correlate2d` is backward: its input has the part of the sensitivities.
    """
    call = recorded.of_image()
    geometry = dict(call.params)
    large: tuple[int, ...] = geometry.pop("x_shape")
    if len(large) == 4:
        large = (1, *large[1:])
        call = replace(call, inner=replace(call.inner, params={**geometry, "x_shape": large}))
    x, w = call.operand("g"), call.operand("w")
    form = Form(large, w.shape, geometry)
    ys, gs = ("ỹ", "δ̃") if form.is_padded else ("y", "δ")
    filters, spread = w.reshape(form.w), form.spread(x)
    cut = ", and a border to cut off" if form.is_padded else ""
    arrays = {
        "x": NamedArray(_plain(x.reshape(form.y)), call.text("g", "the input")),
        "x̂": NamedArray(_plain(spread), "the input, dilated and padded"),
        "w": NamedArray(_plain(filters), call.text("w", _FILTERS[len(filters) > 1])),
        "w̄": NamedArray(_plain(filters[..., ::-1, ::-1]), f"{_FILTERS[len(filters) > 1]}, rotated by 180°"),
        "y": NamedArray(_plain(call.y.reshape(form.x)), "the output"),
        ys: NamedArray(_plain(form.pad(call.y)), f"the output{cut}", form.border),
        gs: NamedArray(_plain(form.pad(call.g)), f"the sensitivities ∂L/∂y{', padded' * bool(cut)}", form.border),
        "dx": NamedArray(_plain(call.gradient("g").reshape(form.y)), "∂L/∂x"),
        "dw": NamedArray(_plain(call.gradient("w").reshape(form.w)), "∂L/∂w"),
    }
    return arrays, [
        Scene("Forward", (
            Panel("Scatter", "Each number of the input sends the filter, times itself, to its window of the output. Where "
                  "windows overlap, what arrives adds up.", ("x", "w", ys),
                  (Walk(form.window(ys), [Product(form.output("x"), form.filter("w"))]),)),
            Panel("Correlate", "The same sums, pixel by pixel: the rotated filter walks over the input, with zeros between "
                  "its numbers for the stride, and around them.", ("x̂", "w̄", "y"),
                  (Walk(form.pixel("y"), [Product(form.neighbours("x̂"), form.rotated("w̄"))]),)),
        )),
        Scene("Backward, to the input", (
            Panel("dx = δ ⋆ w", "A number of the input went to a window, with the filter as it is, so the filter "
                  "walks over the sensitivities.", (gs, "w", "dx"),
                  (Walk(form.output("dx"), [Product(form.window(gs), form.filter("w"))]),)),
        )),
        Scene("Backward, to the filter", (
            Panel("Sum over the uses", "Each number of the input used the whole filter, and adds the sensitivities of its "
                  "window, times itself.", ("x", gs, "dw"),
                  (Walk(form.filter("dw"), [Product(form.output("x"), form.window(gs))]),)),
        )),
    ]  # fmt: skip


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Leave out leading axes of length 1, down to a plane."""
    while values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    return values
