"""Comparing the gradients of a function with finite differences.

All checks run in float64, whatever the dtype of their inputs.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn import ops
from autograd_cnn.engine.backward import cotangents_of, gradients, toposort
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import shape_of, values_of
from autograd_cnn.engine.signature import copied
from autograd_cnn.errors import GradientError, OperandError, require, sentence
from autograd_cnn.parameters import Positive, Size, Whole
from autograd_cnn.tensor import Tensor

Array = NDArray[np.float64]

STEP = 1e-3
"""The step of differences; with a fourth-order formula both rounding and truncation stay near 1e-12."""


ROUNDING = 1e-15
"""The relative rounding error of differences: half a unit in the last place for each of a few operations."""

TRUNCATION = 1e-12
"""The relative error of the formula, which neglects terms of fifth order."""


class CheckError(AssertionError):
    """A gradient that is not the derivative; test runners report it as a failure."""


def directional(f: Callable[[float], float], step: float = STEP) -> tuple[float, bool]:
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
    h = step
    here, ahead, behind = f(0.0), f(h), f(-h)
    slope = (8 * (ahead - behind) - (f(2 * h) - f(-2 * h))) / (12 * h)
    bend, size = abs(ahead - 2 * here + behind) / h, abs(slope) + abs(ahead - behind) / h
    rounding = 1e-12 * max(abs(here), abs(ahead), abs(behind)) * (STEP / h)
    return slope, bend > 0.05 * size + rounding and bend > 10 * STEP * size


@dataclass(frozen=True)
class Comparison:
    """A derivative by the tape, and by finite differences.

    Attributes
    ----------
    error : float
        Relative to the larger of the two, or to the rounding error; infinite if they are not finite.
    expected : float
        By differences.
    kinked : bool
        Whether this seems to be a kink.
    """

    error: float
    expected: float
    kinked: bool


def compared(
    by_tape: float, f: Callable[[float], float], tolerance: float, *, reach: Collection[float] = (1.0,),
    spread: float = 0.0, rounded: float = 0.0,
) -> Comparison:  # fmt: skip
    """Compare a number with the derivative of ``f`` at 0, trying several step sizes until one agrees.

    All tolerances are relative: numbers around 1e-12 are checked as well as those around 1e12.

    Parameters
    ----------
    by_tape : float
        The number.
    f : callable
        Maps a float to a float.
    tolerance : float
        The largest acceptable error.
    reach : collection of float
        Distances over which ``f`` may be smooth, tried in this order.
    spread : float
        The size of the terms that sum to ``by_tape``. If they cancel, 1 % of it counts as the number's size.
    rounded : float
        The size of the numbers that are rounded in one value of ``f``, if it exceeds that of the value.

    Examples
    --------
    >>> compared(3e-12, lambda t: 1e-12 * (1 + t) ** 3, 1e-9).error < 1e-11
    True
    >>> compared(0.0, lambda t: 1e-12 * (1 + t) ** 3, 1e-9).error > 0.9
    True
    """
    tries: list[Comparison] = []
    for size in reach:
        values: list[float] = []

        def noted(t: float, values: list[float] = values) -> float:
            values.append(f(t))
            return values[-1]

        with np.errstate(all="ignore"):  # a step may leave the domain
            slope, kinked = directional(noted, STEP * size)
        number = max(abs(by_tape), abs(slope), 0.01 * spread)
        change = max(abs(value - values[0]) for value in values)
        floor = (ROUNDING * max(rounded, *map(abs, values)) + TRUNCATION * change) / (STEP * size)
        off, scale = abs(by_tape - slope), number + floor / tolerance
        if tries and not floor <= tolerance * number:  # too inaccurate to tell
            continue
        error = (off / scale if off else 0.0) if np.isfinite(off) else np.inf
        if error > tolerance and number < 0.2 * change / (STEP * size):
            # A stationary point, or nearly: the formula's error vanishes with the step, a rule's does not.
            with np.errstate(all="ignore"):
                finer, _ = directional(f, 0.1 * STEP * size)
            error = 0.0 if abs(by_tape - finer) <= 0.01 * off else error
        tries.append(Comparison(error, slope, kinked))
        if error <= tolerance:
            return tries[-1]
    return tries[0]


def is_slope(problem: str, by_tape: float, f: Callable[[float], float], tolerance: float, **sizes: Any) -> float:
    """Return how far a number is from the derivative of ``f`` at 0 by finite differences; raise ``problem`` if too far.

    ``sizes`` are the options of `compared`.

    Examples
    --------
    >>> is_slope("it is wrong", 3.0, lambda t: (1 + t) ** 3, 1e-9) < 1e-11
    True
    """
    found = compared(by_tape, f, tolerance, **sizes)
    if not found.error <= tolerance:
        hint = "there may be a kink or a tie nearby" if found.kinked else "a rule may be wrong"
        numbers = {"expected": f"{found.expected:.12g}", "got": f"{by_tape:.12g}"}
        raise CheckError(sentence(problem, **numbers, hint=hint))
    return found.error


@parsed
def check_vjp(
    f: Callable[..., Any], inputs: Sequence[ArrayLike], *, tolerance: Positive = 1e-7, seed: Whole = 0
) -> None:
    """Compare the vector-Jacobian product of ``f`` with differences, along random directions.

    For each input, one random cotangent u and one random direction v suffice to detect a wrong
    rule (almost surely): ⟨u, J v⟩ by differences must equal ⟨Jᵀ u, v⟩ by the tape. This takes a few
    evaluations, whatever the size of the arrays.

    Parameters
    ----------
    f : callable
        Maps tensors to a tensor.
    inputs : sequence of array_like
        The point to check at, away from kinks.
    tolerance : float
        The largest error, relative to the size of the two numbers.
    seed : int
        The seed of the directions.

    Raises
    ------
    CheckError
        If they differ; it names the input and both numbers.
    GradientError
        If ``f`` computes in float32, as a model with such parameters does.
    OperandError
        If ``f`` is not a function that returns an array, or ``inputs`` are not arrays.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> check_vjp(lambda x, w: ag.correlate2d(x, w, stride=2), [np.ones((5, 5)), np.eye(3)])
    """
    _compare("check_vjp", _checked("check_vjp", f), _arrays("check_vjp", inputs), tolerance, seed)


def _compare(where: str, f: Callable[..., Any], arrays: list[Array], tolerance: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tensors = [Tensor(x, requires_grad=True) for x in arrays]
    output = f(*tensors)
    expected = "an array"
    fits = isinstance(output, (Tensor, np.ndarray, np.generic, float, int))
    require(fits, where, "the function's result is not understood", expected, output)
    _refuse_narrow(where, output)
    u = rng.standard_normal(shape_of(output))
    nodes = {x.node for x in tensors if x.node}
    tracked = isinstance(output, Tensor) and output.requires_grad
    cotangents = cotangents_of(output, nodes, u, where=where) if tracked else {}
    for position, x in enumerate(arrays):
        v = rng.standard_normal(x.shape)
        v /= np.linalg.norm(v) or 1.0
        g = cotangents.get(tensors[position].node)  # type: ignore[arg-type]  # each has a node, by requires_grad
        share = np.zeros(x.shape) if g is None else g * v

        def along(t: float, position: int = position, v: Array = v) -> float:
            moved = [Tensor(a + t * v if i == position else a) for i, a in enumerate(arrays)]
            return float(np.sum(values_of(f(*moved)) * u))

        rounded = norm(u * values_of(output)) + (0.0 if g is None else norm(np.asarray(g * x)))
        problem = f"gradient of input {position}: the tape and the differences disagree"
        sizes = {"reach": reach_of(x), "spread": norm(share), "rounded": rounded}
        is_slope(problem, float(np.sum(share)), along, tolerance, **sizes)


def _checked(where: str, f: Any) -> Callable[..., Any]:
    require(callable(f), where, "f is not a function", "a function of tensors", f)
    return f


def _arrays(where: str, inputs: Any) -> list[Array]:
    """Return copies of the inputs in float64."""
    if isinstance(inputs, (np.ndarray, Tensor, str)) or not isinstance(inputs, Iterable):
        problem = "inputs are not a list of arrays"
        raise OperandError(where, problem, expected="one for each argument, as in [x]", got=type(inputs).__name__)
    return [copied(where, x.value if isinstance(x, Tensor) else x, float) for x in inputs]


def norm(x: Array) -> float:
    """Return the length of an array as a vector.

    Examples
    --------
    >>> norm(np.array([[3.0], [4.0]]))
    5.0
    """
    return float(np.linalg.norm(np.ravel(x)))


def reach_of(x: Array) -> list[float]:
    """Return how far to move from ``x``, according to the size of its numbers: 1 first, if that is close to them.

    Examples
    --------
    >>> reach_of(np.array([1e8, 2e9]))
    [2000000000.0, 1.0, 100000000.0]
    """
    sizes = np.abs(x[np.isfinite(x) & (x != 0)])
    if not sizes.size:
        return [1.0]
    most, least = float(np.max(sizes)), float(np.min(sizes))
    first = 1.0 if 0.01 <= most <= 100 else most
    return list(dict.fromkeys([first, most, 1.0, least]))


def _recorded(output: Any) -> bool:
    """Whether gradients flow; a wrong rule or function may have dropped off the tape."""
    return isinstance(output, Tensor) and output.requires_grad


def _refuse_narrow(where: str, output: Any) -> None:
    """Raise `GradientError` if the rounding of a narrower type would swamp the differences."""
    narrow = [node.dtype for node in toposort(output.node) if node.dtype.itemsize < 8] if _recorded(output) else []
    if narrow:
        hint = "give a model float64 parameters with model.astype(np.float64)"
        raise GradientError(where, f"f computes in {narrow[0]}, too coarse for differences", hint=hint)


def check_adjoint(
    forward: Callable[[Array], Any], adjoint: Callable[[Array], Any], x_shape: tuple[int, ...], *,
    tolerance: float = 1e-12, seed: int = 0,
) -> None:  # fmt: skip
    """Check that two linear functions are each other's adjoint: ⟨g, A x⟩ = ⟨Aᵀ g, x⟩.

    No differences are taken, so the two sides must agree to rounding.

    Parameters
    ----------
    forward, adjoint : callable
        Map arrays to arrays.
    x_shape : tuple of int
        The shape of the argument of ``forward``.
    tolerance : float
        The largest error, relative to the size of the terms.
    seed : int
        The seed of x and g.

    Raises
    ------
    CheckError
        If they are not; it shows both products.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> w = np.arange(4.0).reshape(2, 2)
    >>> check_adjoint(
    ...     lambda x: ag.correlate2d(x, w), lambda g: ag.correlate2d_wrt_input(g, w, x_shape=(5, 5)), (5, 5)
    ... )
    """
    forward, adjoint = _checked("check_adjoint", forward), _checked("check_adjoint", adjoint)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(x_shape)
    y = values_of(forward(x))
    g = rng.standard_normal(y.shape)
    back = values_of(adjoint(g))
    left, right = float(np.sum(g * y)), float(np.sum(back * x))
    scale = norm(g) * norm(y) + norm(back) * norm(x)
    if not abs(left - right) <= tolerance * scale:
        problem = "⟨g, A x⟩ and ⟨Aᵀ g, x⟩ differ"
        raise CheckError(sentence("check_adjoint", problem, expected=f"{left:.15g}", got=f"{right:.15g}"))


@parsed
def gradcheck(
    f: Callable[..., Any], inputs: Sequence[ArrayLike], order: Size = 1, *, tolerance: Positive = 1e-6, seed: Whole = 0
) -> bool:
    """Check the gradients of ``f``, and higher derivatives up to ``order``.

    Parameters
    ----------
    f : callable
        Maps tensors to a tensor.
    inputs : sequence of array_like
        The point to check at, away from kinks.
    order : int
        2 also checks second derivatives, and so on.
    tolerance, seed
        As for `check_vjp`.

    Returns
    -------
    bool
        True.

    Raises
    ------
    CheckError
        If a gradient is wrong; a note gives its order.
    ArgumentError, OperandError, GradientError
        If ``order`` is below 1, and as `check_vjp` does.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> gradcheck(lambda x: ag.log_softmax(x) ** 2, [np.array([0.1, 0.5, -1.0])], order=2)
    True
    """
    f, arrays = _checked("gradcheck", f), _arrays("gradcheck", inputs)
    for depth in range(1, order + 1):
        try:
            _compare("gradcheck", f, arrays, tolerance, seed)
        except CheckError as error:
            error.add_note(f"in the derivative of order {depth}")
            raise
        f = _projected_gradient(f, np.random.default_rng(seed + depth))
    return True


def _projected_gradient(f: Callable[..., Any], rng: np.random.Generator) -> Callable[..., Any]:
    """Return the gradients of ``f`` for a random cotangent, those of all inputs in one vector.

    The cotangent grows with the inputs, so the rules' derivatives with respect to g are checked, too.
    """
    drawn: list[Array] = []

    def gradient(*inputs: Tensor) -> Tensor:
        copies = [ops.positive(x if x.requires_grad else Tensor(x.data, requires_grad=True)) for x in inputs]
        output = f(*copies)
        if not drawn:
            drawn.append(rng.standard_normal(shape_of(output)))
        growth = sum((ops.mean(x) for x in copies if x.size), start=1.0)
        cotangents = [None] * len(copies)
        if _recorded(output):
            cotangents = gradients(output, copies, growth * drawn[0], create_graph=True)
        parts = [np.zeros(x.shape) if g is None else g for x, g in zip(copies, cotangents, strict=True)]
        return ops.concatenate([ops.reshape(part, shape=-1) for part in parts])

    return gradient
