"""Normalisation: moments, and the three terms of the gradient (see `autograd_cnn.ops.normalization`).

With z = (x − mean) · r and ĝ = w · δ it is r · (ĝ − mean(ĝ) − z · mean(ĝ z)): the cotangent without its components
along a common shift and a common stretch, which do not change the result.
"""

from collections.abc import Mapping
from string import ascii_lowercase

import numpy as np

from autograd_cnn import ops
from autograd_cnn.viz.derivations.kind import Derived, plays
from autograd_cnn.viz.derivations.notation import blank, fill, walk
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import NamedArray, Panel, Scene


@plays(ops.batch_norm, ops.batch_norm_inference)
def derive(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `batch_norm`: images n, channels c, moments of each channel, or given."""
    return _derived(call, call.operand("x").shape, "n,c,i,j", "c", {"weight": "c", "bias": "c"})


@plays(ops.layer_norm)
def derive_layer(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `layer_norm`: rows n of k elements, moments of each row.

    If the weights are not one for each element of a row, as with groups of channels, rows and elements keep their axes.
    """
    x, axes = call.operand("x"), call.params["axes"]
    length = int(np.prod(x.shape[x.ndim - axes :]))
    own = {name: call.operand(name) for name in ("weight", "bias") if call.operand(name) is not None}
    if all(values.size == length for values in own.values()):
        return _derived(call, (x.size // length, length), "n,k", "n", dict.fromkeys(own, "k"))
    letters = ascii_lowercase[: x.ndim]
    units = {
        name: ",".join(
            letter if size > 1 else "0" for letter, size in zip(letters[-values.ndim :], values.shape, strict=True)
        )
        for name, values in own.items()
    }
    return _derived(call, x.shape, ",".join(letters), ",".join(letters[:-axes]), units)


def _derived(call: Recorded, shape: tuple[int, ...], index: str, mean: str, units: Mapping[str, str]) -> Derived:
    """Return the arrays and scenes; ``mean`` is the index of the moments, ``units`` those of weight and bias."""
    x = call.operand("x").reshape(shape)
    over = tuple(axis for axis, letter in enumerate(index.split(",")) if letter not in mean)
    count, eps = int(np.prod([shape[axis] for axis in over])), call.params["eps"]
    given = call.inner.primitive is ops.batch_norm_inference
    variance = call.operand("var") if given else x.var(axis=over)

    def per_moment(text: str, name: str = "") -> NamedArray:
        return NamedArray(call.operand(name), f"{text}, given") if given and name else blank(variance.shape, text, x)

    arrays = {
        **call.both("x", "x", "the input", shape),
        **call.both("weight", "w", "the weight", None if "," in units.get("weight", "") else (-1,)),
        **call.both("bias", "b", "the bias", None if "," in units.get("bias", "") else (-1,)),
        **call.ends(shape),
        "1/m": NamedArray(np.array(1 / count, x.dtype), "what each number counts"),
        "μ": per_moment("the means", "mean"),
        "c": blank(shape, "the input, centred", x),
        "v": per_moment("the variances", "var"),
        "r": NamedArray(1 / np.sqrt(variance + eps), f"1/√(v + ε), with ε = {eps:g}", checked=False),
        "z": blank(shape, "the input, normalised", x),
        "ĝ": blank(shape, "∂L/∂z", x),
        "m₁": per_moment("the means of ĝ"),
        "m₂": per_moment("the means of ĝ z"),
    }
    own = [name for name in "wb" if name in arrays]
    at, moment = f"[{index}]", f"[{mean}]"
    weight, bias = (f" w[{units['weight']}]" if "w" in own else ""), (f" + b[{units['bias']}]" if "b" in own else "")
    forward = [walk(each, arrays) for each in (
        *([] if given else [f"μ{moment} = x{at} 1/m[]"]),
        f"c{at} = x{at} − μ{moment}",
        *([] if given else [f"v{moment} = c{at} c{at} 1/m[]"]),
        f"r{moment} = 1/√(v{moment})",
        f"z{at} = c{at} r{moment}",
        f"y{at} = z{at}{weight}{bias}",
    )]  # fmt: skip
    means = (
        f"m₁{moment} = ĝ{at} 1/m[]",
        f"m₂{moment} = ĝ{at} z{at} 1/m[]",
        f"dx{at} = r{moment} ĝ{at} − r{moment} m₁{moment} − r{moment} z{at} m₂{moment}",
    )
    alone = (f"dx{at} = r{moment} ĝ{at}",)
    back = [walk(each, arrays) for each in (f"ĝ{at} = δ{at}{weight}", *(alone if given else means))]
    fill(arrays, [*forward, *back])
    scenes = [
        Scene.alone(
            "Forward", f"z = (x − mean) / √(variance + ε), y = z{' w' * ('w' in own)}{' + b' * ('b' in own)}",
            "The mean is subtracted, and the rest is divided by its standard deviation. So the shift and the scale of the input do not "
            "matter to the output.", *forward,
        ),
        Scene.alone(
            "Backward, to the input", "dx = r ĝ", "The moments are given, so each input affects only its own output.", *back,
        ) if given else Scene.alone(
            "Backward, to the input", "dx = r (ĝ − mean(ĝ) − z mean(ĝ z))", "Three terms: what arrives; less its mean, as a shift of all inputs changes "
            "nothing; less its part along z, as a stretch of all inputs changes nothing.", *back, first=("r", "z"),
        ),
    ]  # fmt: skip
    if own:
        formulas = {"w": f"d{weight.strip()} = δ{at} z{at}", "b": f"d{bias.removeprefix(' + ')} = δ{at}"}
        text = "All numbers that share it add what arrives at them"
        more = {"w": f"{text}, times the number that it multiplied.", "b": f"{text}."}
        panels = (Panel.of(f"d{name}", more[name], walk(formulas[name], arrays)) for name in own)
        scenes.append(Scene("Backward, to the weight and the bias", tuple(panels)))
    return arrays, scenes
