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
_ROWS: Final = {
    ops.softmax: (
        "p = e / Σe", (*_SUMS, _SHARES),
        "δ = p (g − Σ g p)", ("m[n] = g[n,c] p[n,c]", "δ[n,c] = p[n,c] g[n,c] − p[n,c] m[n]"), ", weighted by p",
    ),
    ops.log_softmax: (
        "log p = s − log Σe", (*_SUMS, "ℓ[n] = log(Σe[n])", "y[n,c] = s[n,c] − ℓ[n]"),
        "δ = g − p Σ g", (_SHARES, "m[n] = g[n,c]", "δ[n,c] = g[n,c] − p[n,c] m[n]"), "",
    ),
}  # fmt: skip
"""For each function of rows: forward, its formulas, backward, its formulas, and what is said of the sum m."""


def _probabilities(z: NDArray[Any], text: str) -> dict[str, NamedArray]:
    """Return the scores, and what softmax computes on its way."""
    s = z - z.max(axis=1, keepdims=True)
    e = np.exp(s)
    return {
        "z": NamedArray(z, text),
        "s": NamedArray(s, "the scores, less each row's largest, so that no exponential overflows"),
        "e": NamedArray(e, "exponentials", checked=False),
        "Σe": NamedArray(e.sum(axis=1), "their sums", checked=False),
        "p": NamedArray(np.asarray(ops.softmax(z)), "the probabilities"),
    }


@plays(ops.softmax, ops.log_softmax, small=True)
def derive_softmax(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `softmax` or `log_softmax`, whose rows are what adds up to 1."""
    axes = axes_of(call.y.shape, call.params["axis"])

    def rows(values: NDArray[Any]) -> NDArray[Any]:
        length = prod(values.shape[axis] for axis in axes)
        return np.moveaxis(values, axes, range(-len(axes), 0)).reshape(-1, length)

    arrays = _probabilities(rows(call.operand("x")), call.text("x", "the scores"))
    forward, formulas, back, adjoints, told = _ROWS[call.inner.primitive]
    arrays |= {
        "ℓ": NamedArray(np.log(arrays["Σe"].values), "logarithms of the sums", checked=False),
        "y": NamedArray(rows(call.y), "the output"),
        "g": NamedArray(rows(call.g), "what arrives at the output"),
        "m": blank(arrays["Σe"].values.shape, "the sum of what arrives" + told, arrays["z"].values),
        "δ": NamedArray(rows(call.gradient("x")), "∂L/∂z"),
    }
    walks = [walk(each, arrays) for each in adjoints]
    fill(arrays, walks)
    text = "Exponentials make the scores positive, and each is divided by the sum of its row."
    more = "The outputs of a row always add up to 1, so the sensitivities of its scores add up to 0."
    return arrays, [
        Scene.alone("Forward", forward, text, *(walk(each, arrays) for each in formulas), first=("z",)),
        Scene.alone("Backward", back, more, *walks),
    ]


@plays(ops.softmax_cross_entropy)
def derive(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `softmax_cross_entropy`, for all its examples."""
    scores = np.moveaxis(call.operand("scores"), 1, -1)
    z = scores.reshape(-1, scores.shape[-1])
    smoothing = call.params["label_smoothing"]
    q = np.full(z.shape, smoothing / z.shape[1], z.dtype)
    q[np.arange(len(z)), np.ravel(call.params["labels"])] += 1 - smoothing
    arrays = {
        **_probabilities(z, call.text("scores", "the scores")),
        "q": NamedArray(q, "the truth"),
        "ℓ": NamedArray(-np.asarray(ops.log_softmax(z)), "minus the logarithms of p"),
        "L": NamedArray(call.y.ravel(), "the losses"),
        "g": NamedArray(call.g.ravel(), "what arrives at the losses"),
        "δ": NamedArray(np.moveaxis(call.gradient("scores"), 1, -1).reshape(z.shape), "∂L/∂z"),
    }
    formulas = (
        *_SUMS,
        _SHARES,
        "ℓ[n,c] = −log(p[n,c])",
        "L[n] = q[n,c] ℓ[n,c]",
    )
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
