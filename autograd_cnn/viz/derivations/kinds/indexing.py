"""Taking elements out of an array: an embedding, a slice. An element that is taken twice gets the sum of both gradients."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.viz.derivations.kind import Derived, plays
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import Cells, NamedArray, Product, Scene, Span, Walk


@plays(ops.getitem, small=True)
def derive(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `getitem`, row by row if whole rows are taken."""
    x, index = call.operand("x"), call.params["index"]
    taken = np.arange(x.size).reshape(x.shape)[index].reshape(call.y.shape)
    width = taken.shape[-1] if taken.ndim else 1
    rows = taken.reshape(-1, width)
    if not (np.diff(rows) == 1).all():
        rows, width = taken.reshape(-1, 1), 1
    arrays = {**call.both("x", "x", "what is taken from"), **call.ends()}
    marks, first = None, tuple[str, ...]()
    if isinstance(index, np.ndarray) and index.dtype.kind in "iu" and index.size == len(rows):
        arrays["index"] = NamedArray(index, "which rows")
        marks, first = Cells("index", Span((len(rows), 1))), ("index",)
    one, row = Span((len(rows), width)), Span((width, 1))
    there, here = rows[:, 0].astype(np.int64), [Cells(name, one, row) for name in ("y", "δ")]
    forward = Walk(here[0], [Product(Cells("x", there, row))], marks=marks)
    back = Walk(Cells("dx", there, row), [Product(here[1])], marks=marks)
    return arrays, [
        Scene.alone("Forward", "y = x[index]", "Each element is copied.", forward, first=first),
        Scene.alone(
            "Backward", "Back to where it came from", "What arrives goes back to the place that it was taken from. A place that was taken "
            "from more than once gets the sum, one that was not gets 0.", back, first=first,
        ),
    ]  # fmt: skip
