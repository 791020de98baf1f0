"""Activation functions: each element by itself, its gradient times the slope (see docs/derivations/activations.md)."""

from dataclasses import replace
from typing import Final

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.viz.derivations.kind import IMAGES, Derived, plays
from autograd_cnn.viz.derivations.notation import walk
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import NamedArray, Panel, Scene, Walk

_SLOPES: Final = {
    "tanh": "1 − {y}²", "sigmoid": "{y}(1 − {y})", "softplus": "sigmoid({x})", "relu": "1 where {x} is positive",
    "leaky_relu": "1 where {x} is positive",
}  # fmt: skip
"""Formulas of the slopes that have a short one."""


def through(
    call: Recorded, arrays: dict[str, NamedArray], x: str, y: str, gradients: tuple[str, str]
) -> tuple[Walk, Panel]:
    """Add a function's arrays to those that contain its argument; return its steps, and those that take gradients back."""
    name, (g, d) = call.inner.primitive.name, gradients
    known = f", {_SLOPES[name].format(x=x, y=y)}" if name in _SLOPES else ""
    ones = np.ones_like(call.g)
    arrays |= {
        y: NamedArray(call.y, "the output"),
        g: NamedArray(call.g, f"what arrives, ∂L/∂{y}"),
        f"{name}′": NamedArray(replace(call, g=ones).gradient("x"), f"the slope at {x}{known}"),
        d: NamedArray(call.gradient("x"), f"the sensitivities ∂L/∂{x}"),
    }
    index = f"[{','.join('abcdefgh'[: call.y.ndim])}]"
    text = "The sensitivity of each output is multiplied by the slope of the function at its input."
    return walk(f"{y}{index} = {name}({x}{index})", arrays), Panel.of(
        f"{d} = {g} ⊙ {name}′({x})", text, walk(f"{d}{index} = {g}{index} {name}′{index}", arrays)
    )


@plays(
    *(each for each in map(vars(ops).get, ops.activation.__all__) if isinstance(each, Primitive)),
    batch=IMAGES,
    small=True,
)
def derive(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded activation function."""
    name = call.inner.primitive.name
    arrays = {"x": NamedArray(call.operand("x"), call.text("x", "the input"))}
    forward, back = through(call, arrays, "x", "y", ("g", "δ"))
    alone = Scene.alone("Forward", f"y = {name}(x)", "The function is applied to each number by itself.", forward)
    return arrays, [alone, Scene("Backward", (back,))]
