"""Softmax with cross-entropy: scores, probabilities, losses, and δ = p − q (see docs/derivations/softmax.md)."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.viz.derivations.kind import Derived, plays
from autograd_cnn.viz.derivations.notation import walk
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import NamedArray, Scene


@plays(ops.softmax_cross_entropy)
def derive(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `softmax_cross_entropy`, for all its examples."""
    scores = np.moveaxis(call.operand("scores"), 1, -1)
    z = scores.reshape(-1, scores.shape[-1])
    smoothing = call.params["label_smoothing"]
    q = np.full(z.shape, smoothing / z.shape[1], z.dtype)
    q[np.arange(len(z)), np.ravel(call.params["labels"])] += 1 - smoothing
    s = z - z.max(axis=1, keepdims=True)
    e = np.exp(s)
    arrays = {
        "z": NamedArray(z, call.text("scores", "the scores")),
        "s": NamedArray(s, "the scores, less each row's largest, so that no exponential overflows"),
        "e": NamedArray(e, "exponentials", checked=False),
        "Σe": NamedArray(e.sum(axis=1), "their sums", checked=False),
        "p": NamedArray(np.asarray(ops.softmax(z)), "the probabilities"),
        "q": NamedArray(q, "the truth"),
        "ℓ": NamedArray(-np.asarray(ops.log_softmax(z)), "minus the logarithms of p"),
        "L": NamedArray(call.y.ravel(), "the losses"),
        "g": NamedArray(call.g.ravel(), "what arrives at the losses"),
        "δ": NamedArray(np.moveaxis(call.gradient("scores"), 1, -1).reshape(z.shape), "∂L/∂z"),
    }
    formulas = (
        "e[n,c] = exp(s[n,c])",
        "Σe[n] = e[n,c]",
        "p[n,c] = e[n,c] / Σe[n]",
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
