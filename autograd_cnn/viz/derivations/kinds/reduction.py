"""Sums and means over axes, such as a global pooling: every element gets the same gradient back."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.viz.derivations.kind import Derived, plays
from autograd_cnn.viz.derivations.notation import adjoint, walk
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import NamedArray, Scene


@plays(ops.mean, ops.sum, small=True)
def derive(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded sum or mean."""
    x, axis = call.operand("x"), call.params["axis"]
    axes = range(x.ndim) if axis is None else [each % x.ndim for each in np.atleast_1d(axis).tolist()]
    letters = "abcdefgh"[: x.ndim]
    kept = ",".join(letter for i, letter in enumerate(letters) if i not in axes)
    shape = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    mean = call.inner.primitive is ops.mean
    share = 1 / np.prod([x.shape[i] for i in axes]) if mean else 1.0
    arrays = {
        **call.both("x", "x", "the input"),
        "1/n": NamedArray(np.array(share, call.g.dtype), "what each number counts"),
        **call.ends(shape),
    }
    name, factor = call.inner.primitive.name, " 1/n[]" * mean
    formula = f"y[{kept}] = x[{','.join(letters)}]{factor}"
    return arrays, [
        Scene.alone("Forward", f"y = {name}(x)", "What is summed over becomes one number.", walk(formula, arrays)),
        Scene.alone(
            "Backward", "Everyone gets the same", "Each number of the sum gets back what arrives at the sum.",
            walk(adjoint(formula, "x"), arrays),
        ),
    ]  # fmt: skip
