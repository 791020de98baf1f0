"""Softmax, alone and with cross-entropy: scores, probabilities, losses, and δ = p − q (see docs/derivations/softmax.md)."""

from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.ops.reduction import axes_of
from autograd_cnn.viz.derivations.kind import Derived, plays
from autograd_cnn.viz.derivations.notation import blank, fill, walk
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import NamedArray, Scene

_SUMS: Final = ("e[n,c] = exp(s[n,c])", "Σe[n] = e[n,c]")
_SHARES: Final = "p[n,c] = e[n,c] / Σe[n]"


def _rows(values: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
    """Return the numbers along the axes as rows."""
    length = prod(values.shape[axis] for axis in axes)
    return np.moveaxis(values, axes, range(-len(axes), 0)).reshape(-1, length)


def _arrays(call: Recorded, name: str, axes: tuple[int, ...]) -> dict[str, NamedArray]:
    """Return the scores, what softmax computes on its way, and the scores' gradient."""
    z = _rows(call.operand(name), axes)
    s = z - z.max(axis=1, keepdims=True)
    e = np.exp(s)
    return {
        "z": NamedArray(z, call.text(name, "the scores")),
        "s": NamedArray(s, "the scores, less each row's largest, so that no exponential overflows"),
        "e": NamedArray(e, "exponentials", checked=False),
        "Σe": NamedArray(e.sum(axis=1), "their sums", checked=False),
        "p": NamedArray(np.asarray(ops.softmax(z)), "the probabilities"),
        "δ": NamedArray(_rows(call.gradient(name), axes), "∂L/∂z"),
    }


@plays(ops.softmax, ops.log_softmax, small=True)
def derive_rows(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `softmax` or `log_softmax`."""
    axes = axes_of(call.y.shape, call.params["axis"])
    arrays = _arrays(call, "x", axes)
    sums = arrays["Σe"].values
    arrays |= {
        "ℓ": NamedArray(np.log(sums), "logarithms of the sums", checked=False),
        "y": NamedArray(_rows(call.y, axes), "the output"),
        "g": NamedArray(_rows(call.g, axes), "what arrives at the output"),
        "m": blank(sums.shape, "sums over the rows", sums),
    }
    if call.inner.primitive is ops.softmax:
        titles = "p = e / Σe", "δ = p (g − Σ g p)"
        forward = [walk(each, arrays) for each in (*_SUMS, _SHARES)]
        back = [walk(each, arrays) for each in ("m[n] = g[n,c] p[n,c]", "δ[n,c] = p[n,c] g[n,c] − p[n,c] m[n]")]
    else:
        titles = "log p = s − log Σe", "δ = g − p Σ g"
        forward = [walk(each, arrays) for each in (*_SUMS, "ℓ[n] = log(Σe[n])", "y[n,c] = s[n,c] − ℓ[n]")]
        back = [walk(each, arrays) for each in (_SHARES, "m[n] = g[n,c]", "δ[n,c] = g[n,c] − p[n,c] m[n]")]
    fill(arrays, back)
    text = "Exponentials make the scores positive, and each is divided by the sum of its row."
    more = "A row's probabilities always add up to 1, so the sensitivities of its scores add up to 0."
    return arrays, [
        Scene.alone("Forward", titles[0], text, *forward, first=("z",)),
        Scene.alone("Backward", titles[1], more, *back),
    ]


@plays(ops.softmax_cross_entropy)
def derive(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `softmax_cross_entropy`, for all its examples."""
    arrays = _arrays(call, "scores", (1,))
    z, smoothing = arrays["z"].values, call.params["label_smoothing"]
    q = np.full(z.shape, smoothing / z.shape[1], z.dtype)
    q[np.arange(len(z)), np.ravel(call.params["labels"])] += 1 - smoothing
    arrays |= {
        "q": NamedArray(q, "the truth"),
        "ℓ": NamedArray(-np.asarray(ops.log_softmax(z)), "minus the logarithms of p"),
        "L": NamedArray(call.y.ravel(), "the losses"),
        "g": NamedArray(call.g.ravel(), "what arrives at the losses"),
    }
    formulas = (*_SUMS, _SHARES, "ℓ[n,c] = −log(p[n,c])", "L[n] = q[n,c] ℓ[n,c]")
    return arrays, [
        Scene.alone(
            "Forward", "L = −Σ q log p", "Softmax makes probabilities of the scores; cross-entropy compares them with the truth.",
            *(walk(each, arrays) for each in formulas), first=("z",),
        ),
        Scene.alone(
            "Backward", "δ = g (p − q)", "What the net said, minus what it should have said, times what arrives at the loss.",
            walk("δ[n,c] = g[n] p[n,c] − g[n] q[n,c]", arrays),
        ),
    ]  # fmt: skip
