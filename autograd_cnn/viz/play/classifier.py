"""Softmax with cross-entropy: scores, probabilities, losses, and δ = p − q (see docs/derivations/softmax.md)."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.viz.play.recorded import Recorded
from autograd_cnn.viz.play.walk import Cells, NamedArray, Panel, Product, Scene, Span, Walk, check_size


def derive(recorded: Recorded) -> tuple[dict[str, NamedArray], list[Scene]]:
    """Return the arrays and scenes of a recorded `softmax_cross_entropy`, for all its examples."""
    recorded.refuse_example()
    params = recorded.params
    scores = np.moveaxis(recorded.operand("scores"), 1, -1)
    classes = scores.shape[-1]
    z = scores.reshape(-1, classes)
    rows = len(z)
    check_size("this loss", rows * classes, rows * classes)
    smoothing = params["label_smoothing"]
    q = np.full(z.shape, smoothing / classes, z.dtype)
    q[np.arange(rows), np.ravel(params["labels"])] += 1 - smoothing
    p = np.asarray(ops.softmax(z))
    surprise = -np.asarray(ops.log_softmax(z))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    losses = recorded.y.ravel()
    delta = np.moveaxis(recorded.gradient("scores"), 1, -1).reshape(z.shape)

    every, row = Span((rows * classes, 1)), Span((rows, classes))
    along, of_row = Span((classes, 1)), Span((rows, 1), (classes, 0))
    shift = "z − max z"
    arrays = {
        "z": NamedArray(z, recorded.text("scores", "the scores")),
        shift: NamedArray(
            z - z.max(axis=1, keepdims=True), "the scores, less the largest, so that no exponential overflows"
        ),
        "e": NamedArray(e, "exponentials"),
        "Σe": NamedArray(e.sum(axis=1), "their sums"),
        "p": NamedArray(p, "the probabilities"),
        "q": NamedArray(q, "the truth"),
        "−log p": NamedArray(surprise, "minus the logarithms"),
        "L": NamedArray(losses, "the losses"),
        "g": NamedArray(recorded.g.ravel(), "what arrives at the losses"),
        "δ": NamedArray(delta, "∂L/∂z"),
    }
    forward = (
        Walk(Cells("e", every), [Product(Cells(shift, every))], "exp", e.ravel()),
        Walk(Cells("Σe", Span((rows, 1))), [Product(Cells("e", row, along))]),
        Walk(Cells("p", every), [Product(Cells("e", every)), Product(Cells("Σe", of_row))], "/", p.ravel()),
        Walk(Cells("−log p", every), [Product(Cells("p", every))], "−log", surprise.ravel()),
        Walk(Cells("L", Span((rows, 1))), [Product(Cells("q", row, along), Cells("−log p", row, along))]),
    )
    backward = Walk(
        Cells("δ", every),
        [Product(Cells("g", of_row), Cells("p", every)), Product(Cells("g", of_row), Cells("q", every), sign=-1)],
    )
    return arrays, [
        Scene("Forward", (Panel(
            "L = −Σ q log p", "Softmax makes probabilities of the scores; cross-entropy compares them with the truth.",
            ("z", shift, "e", "Σe", "p", "−log p", "q", "L"), forward,
        ),)),
        Scene("Backward", (Panel(
            "δ = g (p − q)", "What the net said, minus what it should have said, times what arrives at the loss.",
            ("g", "p", "q", "δ"), (backward,),
        ),)),
    ]  # fmt: skip
