"""L-BFGS: an estimate of the inverse Hessian from the last steps."""

import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.composite import declared
from autograd_cnn.engine.trace import RUNNING, current
from autograd_cnn.errors import ArgumentError
from autograd_cnn.optim.optimizer import Group, Optimizer, Params, State
from autograd_cnn.parameters import NotNegative, Size
from autograd_cnn.tensor import Tensor

Vector: TypeAlias = NDArray[Any]
"""All parameters, or their gradients, concatenated."""

_LEAST_CURVATURE: Final = 1e-10
"""Steps along which the gradient grows by less are discarded: the inverse Hessian must stay positive."""


@declared
class LBFGS(Optimizer):
    """A quasi-Newton method: several steps, each along the estimated inverse Hessian times the gradient.

    The estimate comes from the last ``history_size`` steps s and gradient changes y, by the recursion of Nocedal &
    Wright 2006, algorithm 7.4. It suits small problems with a deterministic loss, which is passed as a ``closure``. If
    a call fails or is interrupted, the parameters and the memory are unchanged.

    Parameters
    ----------
    params : iterable of Tensor
        What to optimise, in one group.
    lr : float
        The length of a step along the estimate, or where the line search begins.
    max_iter : int
        The maximum number of steps in one call of `step`.
    max_eval : int, optional
        The number of loss evaluations after which no step follows; by default ``max_iter·5 / 4``, rounded down.
    tolerance_grad : float
        Done when no element of the gradient is larger.
    tolerance_change : float
        Done when neither the loss nor a parameter changes by more.
    history_size : int
        How many steps to remember.
    line_search_fn : {"strong_wolfe"}, optional
        Search for a step length that satisfies the strong Wolfe conditions. By default it is ``lr``.

    Raises
    ------
    ArgumentError, OperandError
        As `Optimizer` does; if there is more than one group, or an option is out of range.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([-1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.LBFGS([w], max_iter=50, line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2  # Rosenbrock's valley
    ...     loss.backward()
    ...     return loss
    >>> _ = optimizer.step(closure)
    >>> w.numpy().round(5)
    array([1., 1.])
    """

    params: Params
    lr: NotNegative = 1
    max_iter: Size = 20
    max_eval: Size | None = None
    tolerance_grad: NotNegative = 1e-7
    tolerance_change: NotNegative = 1e-9
    history_size: Size = 100
    line_search_fn: Literal["strong_wolfe"] | None = None

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add the only group.

        Raises
        ------
        ArgumentError, OperandError
            As the class does.
        """
        if self.param_groups:
            raise ArgumentError("LBFGS", "it has one group of parameters, and takes no second one")
        super().add_param_group(group)

    def check(self, group: Group) -> None:
        """Set the limit of evaluations if it is not given."""
        if group["max_eval"] is None:
            group["max_eval"] = group["max_iter"] * 5 // 4

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Minimise the loss from ``closure`` with up to ``max_iter`` steps, or none on failure or interrupt.

        Parameters
        ----------
        closure : callable
            Computes the loss and its gradients; it runs with recording on, and several times.

        Returns
        -------
        object
            The closure's first result.

        Raises
        ------
        OperandError
            If ``closure`` is not a function.
        ArgumentError
            If an option has been set to a value that is out of range.
        """
        if RUNNING and (trace := current.get()) is not None:
            trace.refuse("LBFGS computes the loss as often as it turns out to need it")
        (group,) = map(self._checked, self.param_groups)
        start = [parameter.value for parameter in group["params"]]
        try:
            loss, state = self._minimise(lambda: self._run(closure), group)
        except BaseException:
            self._make([(p, value, None) for p, value in zip(group["params"], start, strict=True)])
            raise
        self.state = {group["params"][0]: state}  # PyTorch keeps it there
        return loss

    def _minimise(self, closure: Callable[[], Any], group: Group) -> tuple[Any, State]:
        """Return the first loss, and the new state."""
        state = dict(self.state.get(group["params"][0], {}))
        first = closure()
        loss, grad, x = float(first), self._gradient(group), _row([p.value for p in group["params"]])
        evals, steps, made = 1, 0, state.get("n_iter", 0)
        memory = _Memory(state, group["history_size"])
        direction: Any = state.get("d")
        length: Any = state.get("t")
        before: Any = state.get("prev_flat_grad"), state.get("prev_loss")

        def at(step: float) -> "_Point":
            """Evaluate the loss ``step`` along the direction."""
            self._move(group, x + direction * step)
            value = float(closure())
            grad = self._gradient(group)
            return _Point(step, value, grad, float(grad @ direction))

        done = _largest(grad) <= group["tolerance_grad"]
        while not done:
            steps, made = steps + 1, made + 1
            if made == 1:
                direction = -grad
            else:
                memory.add(grad - before[0], direction * length)
                direction = memory.direction(grad)
            before = grad, loss
            length = min(1.0, 1 / float(np.abs(grad).sum())) * group["lr"] if made == 1 else group["lr"]
            slope = float(grad @ direction)
            if slope > -group["tolerance_change"]:
                break
            if group["line_search_fn"]:
                here = _Point(0.0, loss, grad, slope)
                found, more = strong_wolfe(at, here, length, _largest(direction), group["max_eval"] - evals)
                length, loss, grad, _ = found
                evals += more
                self._move(group, x + direction * length)
            elif steps < group["max_iter"]:
                length, loss, grad, _ = at(length)
                evals += 1
            else:
                self._move(group, x + direction * length)
            x = x + direction * length
            done = (
                steps == group["max_iter"]
                or evals >= group["max_eval"]
                or _largest(grad) <= group["tolerance_grad"]
                or _largest(direction * length) <= group["tolerance_change"]
                or abs(loss - before[1]) < group["tolerance_change"]
            )
        state |= {"func_evals": state.get("func_evals", 0) + evals, "n_iter": made}
        if made:
            state |= {
                "d": direction,
                "t": length,
                "prev_flat_grad": before[0],
                "prev_loss": before[1],
                **memory.state(),
            }
        return first, state

    def _gradient(self, group: Group) -> Vector:
        grads = [np.zeros_like(p.value) if p.grad is None else p.grad.value for p in group["params"]]
        return _row(grads)

    def _move(self, group: Group, x: Vector) -> None:
        """Give the parameters the values ``x``."""
        offset = 0
        for parameter in group["params"]:
            parameter.data = x[offset : offset + parameter.size].reshape(parameter.shape).astype(parameter.dtype)
            offset += parameter.size

    def _adopted(self, tensor: Tensor, index: int, state: Mapping[str, Any]) -> State:  # noqa: ARG002  # one state for all
        """Copy the memory, which all parameters share."""
        known = {name: value for name, value in state.items() if name != "al"}  # PyTorch's scratch
        numbers: dict[str, Any] = {"func_evals": int, "n_iter": int, "t": float, "H_diag": float, "prev_loss": float}
        arrays = dict.fromkeys(("d", "prev_flat_grad"), _copied)
        lists = dict.fromkeys(("old_dirs", "old_stps"), lambda values: list(map(_copied, values)))
        copies = {**numbers, **arrays, **lists, "ro": lambda values: list(map(float, values))}
        if known and (index != 0 or not {"func_evals", "n_iter"} <= known.keys() <= copies.keys()):
            raise self._foreign(", ".join(copies), ", ".join(map(str, known)))
        size = sum(parameter.size for parameter in self.param_groups[0]["params"])
        found = {name: copies[name](value) for name, value in known.items() if value is not None}
        for name in ("d", "prev_flat_grad"):
            if name in found and found[name].shape != (size,):
                raise self._foreign(f"{name} of shape {(size,)}", found[name].shape)
        return found


def _row(arrays: list[NDArray[Any]]) -> Vector:
    return np.concatenate([array.reshape(-1) for array in arrays])


def _copied(value: Any) -> Vector:
    return np.asarray(value).copy()  # PyTorch's tensors must not be asked for a copy


def _largest(x: Vector) -> float:
    return float(np.abs(x).max(initial=0.0))


class _Memory:
    """The last steps, and how the gradient changed along them."""

    def __init__(self, state: State, size: int) -> None:
        self._changes, self._moves, self._inverses = (
            deque(state.get(name, ()), size) for name in ("old_dirs", "old_stps", "ro")
        )
        self._scale: float = state.get("H_diag", 1)

    def add(self, change: Vector, move: Vector) -> None:
        """Store a step and the gradient's change, unless the gradient has hardly grown along it."""
        curvature = float(change @ move)
        if curvature > _LEAST_CURVATURE:
            self._changes.append(change)
            self._moves.append(move)
            self._inverses.append(1 / curvature)
            self._scale = curvature / float(change @ change)

    def direction(self, grad: Vector) -> Vector:
        """Return the estimated inverse Hessian times the gradient, downhill: Nocedal & Wright 2006, algorithm 7.4."""
        pairs = list(zip(self._changes, self._moves, self._inverses, strict=True))
        q, shares = -grad, []
        for change, move, inverse in reversed(pairs):
            shares.append(float(move @ q) * inverse)
            q = q - change * shares[-1]
        q = q * self._scale
        for (change, move, inverse), share in zip(pairs, reversed(shares), strict=True):
            q = q + move * (share - float(change @ q) * inverse)
        return q

    def state(self) -> State:
        """Return the state, under PyTorch's names."""
        return {"old_dirs": list(self._changes), "old_stps": list(self._moves), "ro": list(self._inverses),
                "H_diag": self._scale}  # fmt: skip


# --- the line search --------------------------------------------------------------------------


class _Point(NamedTuple):
    """A distance along the direction, and the loss, the gradient and the slope there."""

    step: float
    loss: float
    grad: Vector
    slope: float


def strong_wolfe(
    at: Callable[[float], _Point], start: _Point, step: float, largest: float, max_evals: int
) -> tuple[_Point, int]:
    """Return a point that satisfies the strong Wolfe conditions, or the best one, and the number of evaluations.

    The loss must have decreased by 1e-4 of what the first slope predicts, and the slope to 0.9 of the first, in size.
    A bracket is found by moving outwards and then narrowed, both by cubic interpolation: Nocedal & Wright 2006,
    algorithms 3.5 and 3.6. It is small enough when no parameter would move by 1e-9; ``largest`` is the direction's
    largest element.
    """

    def too_high(point: _Point) -> bool:
        return point.loss > start.loss + 1e-4 * point.step * start.slope

    def flat(point: _Point) -> bool:
        return abs(point.slope) <= -0.9 * start.slope

    last, new, tried = start, at(step), 0
    while tried < max_evals and not (too_high(new) or (tried > 1 and new.loss >= last.loss)):
        if flat(new):
            return new, tried + 1
        if new.slope >= 0:
            break
        limits = new.step + 0.01 * (new.step - last.step), new.step * 10
        last, new = new, at(_least_of_cubic(last, new, *limits))
        tried += 1
    first, second = (start if tried == max_evals else last), new
    low, high = _by_loss(first, second)
    stuck = False
    while tried < max_evals and abs(second.step - first.step) * largest >= 1e-9:
        step, stuck = _inside(first, second, stuck)
        new = at(step)
        tried += 1
        if too_high(new) or new.loss >= low.loss:
            first, second = (first, new) if low is first else (new, second)
            low, high = _by_loss(first, second)
            continue
        if not flat(new) and new.slope * (high.step - low.step) >= 0:
            high = low
        first, second = (new, high) if low is first else (high, new)
        low = new
        if flat(new):
            break
    return low, tried + 1


def _by_loss(first: _Point, second: _Point) -> tuple[_Point, _Point]:
    """Return the lower of two points and the other one."""
    return (first, second) if first.loss <= second.loss else (second, first)


def _inside(one: _Point, other: _Point, stuck: bool) -> tuple[float, bool]:
    """Return where to evaluate between two points, and whether that is close to one of them for the first time."""
    near, far = sorted((one.step, other.step))
    step, margin = _least_of_cubic(one, other, near, far), 0.1 * (far - near)
    if min(far - step, step - near) >= margin:
        return step, False
    if not stuck and near < step < far:
        return step, True
    return (far - margin if far - step < step - near else near + margin), False


def _least_of_cubic(one: _Point, other: _Point, least: float, most: float) -> float:
    """Return the minimiser of the cubic through two points and slopes, within the limits; else their midpoint."""
    left, right = (one, other) if one.step <= other.step else (other, one)
    if left.step == right.step:
        return (least + most) / 2
    mean = left.slope + right.slope - 3 * (left.loss - right.loss) / (left.step - right.step)
    square = mean * mean - left.slope * right.slope
    if not square >= 0:
        return (least + most) / 2
    root = math.sqrt(square)
    width = right.slope - left.slope + 2 * root
    if not width:
        return (least + most) / 2
    share = (right.slope + root - mean) / width
    return min(max(right.step - (right.step - left.step) * share, least), most)
