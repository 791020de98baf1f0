"""Holding the gradients of a function against differences.

All checks run in float64, whatever the dtype of what they are given.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn import ops
from autograd_cnn.errors import GradientError, sentence
from autograd_cnn.tape import gradients, shape_of, toposort, values_of
from autograd_cnn.tensor import Tensor

Array = NDArray[np.float64]

STEP = 1e-3
"""Of a difference; with a formula of fourth order both rounding and truncation stay near 1e-12."""


class CheckError(AssertionError):
    """A gradient that is not the derivative; also an ordinary failure to a test runner."""


def directional(f: Callable[[float], float]) -> tuple[float, bool]:
    """Return the derivative of ``f`` at 0 by differences, and whether 0 looks like a kink.

    The formula is ``(8·(f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h``, with an error of order h⁴.

    Examples
    --------
    >>> slope, kinked = directional(lambda t: (1 + t) ** 3)
    >>> round(slope, 9), kinked
    (3.0, False)
    >>> directional(abs)
    (0.0, True)
    """
    h = STEP
    here, ahead, behind = f(0.0), f(h), f(-h)
    slope = (8 * (ahead - behind) - (f(2 * h) - f(-2 * h))) / (12 * h)
    bend = abs(ahead - 2 * here + behind) / h
    return slope, bend > 0.05 * (abs(slope) + abs(ahead - behind) / h + 1e-6) and bend > 10 * h


def check_vjp(f: Callable[..., Any], inputs: Sequence[ArrayLike], *, tolerance: float = 1e-7, seed: int = 0) -> None:
    """Compare the vector-Jacobian product of ``f`` with differences, along random directions.

    For each input, one random cotangent u and one random direction v are enough to tell a wrong
    rule with certainty: ⟨u, J v⟩ by differences must be ⟨Jᵀ u, v⟩ by the tape. This takes a few
    evaluations, whatever the size of the arrays.

    Parameters
    ----------
    f : callable
        From tensors to a tensor.
    inputs : sequence of array_like
        Where to check, away from kinks.
    tolerance : float
        Largest error, relative to the size of the two numbers or to 1.
    seed : int
        For the directions.

    Raises
    ------
    CheckError
        Naming the input and both numbers.
    GradientError
        If ``f`` computes in float32, as a model with such parameters does.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> check_vjp(lambda x, w: ag.correlate2d(x, w, stride=2), [np.ones((5, 5)), np.eye(3)])
    """
    rng = np.random.default_rng(seed)
    arrays = [np.array(x, float) for x in inputs]
    tensors = [Tensor(x, requires_grad=True) for x in arrays]
    output = f(*tensors)
    _refuse_narrow(output)
    u = rng.standard_normal(shape_of(output))
    found = gradients(output, tensors, u, where="check_vjp") if _recorded(output) else {}
    for place, x in enumerate(arrays):
        v = rng.standard_normal(x.shape)
        v /= np.linalg.norm(v) or 1.0
        g = found.get(tensors[place].node)  # type: ignore[arg-type]  # each has a node, by requires_grad
        by_tape = 0.0 if g is None else float(np.sum(g * v))

        def along(t: float, place: int = place, v: Array = v) -> float:
            moved = [Tensor(a + t * v if i == place else a) for i, a in enumerate(arrays)]
            return float(np.sum(values_of(f(*moved)) * u))

        by_difference, kinked = directional(along)
        _compare(f"input {place}", by_tape, by_difference, tolerance, kinked)


def _recorded(output: Any) -> bool:
    """Tell whether gradients flow; a wrong rule or function may have left the tape for an array."""
    return isinstance(output, Tensor) and output.requires_grad


def _refuse_narrow(output: Any) -> None:
    """Raise `GradientError` where the rounding of a narrower type would drown the differences."""
    narrow = [node.dtype for node in toposort(output.node) if node.dtype.itemsize < 8] if _recorded(output) else []
    if narrow:
        raise GradientError(
            sentence("check_vjp", f"f computes in {narrow[0]}, too coarse for differences",
                     hint="give a model float64 parameters with model.astype(np.float64)")
        )  # fmt: skip


def _compare(where: str, by_tape: float, by_difference: float, tolerance: float, kinked: bool) -> None:
    error = abs(by_tape - by_difference) / max(abs(by_tape), abs(by_difference), 1.0)
    if not error <= tolerance:
        raise CheckError(
            sentence(f"gradient of {where}", "the tape and the differences disagree",
                     expected=f"{by_difference:.12g}", got=f"{by_tape:.12g}",
                     hint="there may be a kink or a tie nearby" if kinked else "a rule may be wrong")
        )  # fmt: skip


def check_adjoint(
    forward: Callable[[Array], Any], adjoint: Callable[[Array], Any], x_shape: tuple[int, ...], *,
    tolerance: float = 1e-12, seed: int = 0,
) -> None:  # fmt: skip
    """Check that two linear functions are each other's adjoint: ⟨g, A x⟩ = ⟨Aᵀ g, x⟩.

    No differences are taken, so the two sides must agree to rounding.

    Parameters
    ----------
    forward, adjoint : callable
        From arrays to arrays.
    x_shape : tuple of int
        The shape of what ``forward`` takes.
    tolerance : float
        Largest error, relative to the size of the terms.
    seed : int
        For x and g.

    Raises
    ------
    CheckError
        With both products.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> w = np.arange(4.0).reshape(2, 2)
    >>> check_adjoint(
    ...     lambda x: ag.correlate2d(x, w), lambda g: ag.correlate2d_wrt_input(g, w, x_shape=(5, 5)), (5, 5)
    ... )
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(x_shape)
    y = values_of(forward(x))
    g = rng.standard_normal(y.shape)
    back = values_of(adjoint(g))
    left, right = float(np.sum(g * y)), float(np.sum(back * x))
    scale = float(np.linalg.norm(g) * np.linalg.norm(y) + 1)
    if not abs(left - right) <= tolerance * scale:
        raise CheckError(
            sentence("check_adjoint", "⟨g, A x⟩ and ⟨Aᵀ g, x⟩ differ", expected=f"{left:.15g}", got=f"{right:.15g}")
        )


def gradcheck(
    f: Callable[..., Any], inputs: Sequence[ArrayLike], order: int = 1, *, tolerance: float = 1e-6, seed: int = 0
) -> bool:
    """Check the gradients of ``f``, and those of its gradients up to ``order``.

    Parameters
    ----------
    f : callable
        From tensors to a tensor.
    inputs : sequence of array_like
        Where to check, away from kinks.
    order : int
        2 also checks the backward pass of the backward pass, and so on.
    tolerance, seed
        As for `check_vjp`.

    Returns
    -------
    bool
        True.

    Raises
    ------
    CheckError
        If a gradient is wrong; a note says of which order.
    GradientError
        If ``order`` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> gradcheck(lambda x: ag.log_softmax(x) ** 2, [np.array([0.1, 0.5, -1.0])], order=2)
    True
    """
    if order < 1:
        raise GradientError(sentence("gradcheck", "order is out of range", expected="at least 1", got=order))
    arrays = [np.array(x, float) for x in inputs]
    for depth in range(1, order + 1):
        try:
            check_vjp(f, arrays, tolerance=tolerance, seed=seed)
        except CheckError as error:
            error.add_note(f"in the derivative of order {depth}")
            raise
        f = _projected_gradient(f, np.random.default_rng(seed + depth))
    return True


def _projected_gradient(f: Callable[..., Any], rng: np.random.Generator) -> Callable[..., Any]:
    """Return the gradients of ``f`` for a random cotangent, all inputs' in one vector.

    The cotangent grows with the inputs, so that the derivative of a rule in g counts as well.
    """
    drawn: list[Array] = []

    def gradient(*inputs: Tensor) -> Tensor:
        places = [ops.positive(x if x.requires_grad else Tensor(x.data, requires_grad=True)) for x in inputs]
        output = f(*places)
        if not drawn:
            drawn.append(rng.standard_normal(shape_of(output)))
        growth = sum((ops.mean(x) for x in places if x.size), start=1.0)
        found = gradients(output, places, growth * drawn[0], create_graph=True) if _recorded(output) else {}
        parts = [found.get(x.node, np.zeros(x.shape)) for x in places]
        return ops.concatenate([ops.reshape(part, shape=-1) for part in parts])

    return gradient
