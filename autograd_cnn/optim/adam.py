"""Optimisers that scale each element's step by the size of its gradients."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import kernels
from autograd_cnn.engine.composite import composite
from autograd_cnn.errors import ArgumentError, sentence
from autograd_cnn.optim.optimizer import Group, Optimizer, State
from autograd_cnn.tensor import Tensor


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015).

    ``m ← β1·m + (1 - β1)·g``, ``v ← β2·v + (1 - β2)·g²``, and at step t
    ``p ← p - lr · (m / (1 - β1^t)) / (sqrt(v / (1 - β2^t)) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to optimise; see `Optimizer`.
    lr : float
        The learning rate.
    betas : pair of float
        β1 and β2, from 0 to below 1.
    eps : float
        Keeps the division away from 0.
    weight_decay : float
        Adds ``weight_decay·p`` to the gradient.

    Raises
    ------
    ArgumentError, OperandError
        As `Optimizer` does; and if a beta is out of range.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6)
    array([0.9, 1.9])
    """

    remembers: ClassVar = {"step": True, "exp_avg": True, "exp_avg_sq": True}

    @composite
    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def check(self, group: Group) -> None:
        """Raise `ArgumentError` if an option is out of range."""
        self._at_least_zero(group, "lr", "eps", "weight_decay")
        betas = group["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2 or not all(map(_is_beta, betas)):
            raise ArgumentError(
                sentence(type(self).__name__, "betas are out of range", expected="0 to below 1", got=betas)
            )

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its moments."""
        return self._descend(out, value, grad, state, group, group["weight_decay"], 1.0)

    def _descend(
        self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group,
        weight_decay: float, kept: float,
    ) -> State:  # fmt: skip
        """Write ``kept`` times the values and a step, and return the moments."""
        beta1, beta2 = group["betas"]
        step = state.get("step", 0) + 1
        # The corrections for the zeros at the start are numbers: they go where they cost least.
        correction = math.sqrt(1 - beta2**step)
        rate, eps = group["lr"] * correction / (1 - beta1**step), group["eps"] * correction
        mean, square = kernels.adam(
            out, value, grad, state.get("exp_avg", 0.0), state.get("exp_avg_sq", 0.0), rate, eps, beta1, beta2,
            weight_decay, kept,
        )  # fmt: skip
        return {"step": step, "exp_avg": mean, "exp_avg_sq": square}


def _is_beta(beta: Any) -> bool:
    return isinstance(beta, (int, float)) and 0 <= beta < 1


class AdamW(Adam):
    """Adam with decoupled weight decay: ``p`` also shrinks by ``lr·weight_decay·p`` (Loshchilov & Hutter 2019).

    The parameters are those of `Adam`.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6)
    array([0.85, 1.8 ])
    """

    implies: ClassVar = {"decoupled_weight_decay": True}

    @composite
    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its moments."""
        return self._descend(out, value, grad, state, group, 0.0, 1 - group["lr"] * group["weight_decay"])


class RMSprop(Optimizer):
    """RMSprop: steps divided by a running root mean square of the gradients (Tieleman & Hinton 2012).

    ``v ← alpha·v + (1 - alpha)·g²`` and ``p ← p - lr·g / (sqrt(v) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to optimise; see `Optimizer`.
    lr : float
        The learning rate.
    alpha : float
        How much of the mean square is kept in each step.
    eps : float
        Keeps the division away from 0.
    weight_decay : float
        Adds ``weight_decay·p`` to the gradient.
    momentum : float
        How much of the last step is kept.

    Raises
    ------
    ArgumentError, OperandError
        As `Optimizer` does.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.RMSprop([w], lr=0.1, alpha=0.75)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6)
    array([0.8, 1.8])
    """

    remembers: ClassVar = {"square_avg": True, "momentum_buffer": False, "step": False}

    @composite
    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        )

    def check(self, group: Group) -> None:
        """Raise `ArgumentError` if an option is out of range."""
        self._at_least_zero(group, "lr", "alpha", "eps", "weight_decay", "momentum")

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its mean square and its momentum."""
        alpha, momentum = group["alpha"], group["momentum"]
        if group["weight_decay"]:
            grad = grad + value * group["weight_decay"]
        np.multiply(grad, grad, out=out)
        out *= 1 - alpha
        square = np.asarray(state.get("square_avg", 0.0) * alpha + out)
        next_state: State = {"square_avg": square}
        np.sqrt(square, out=out)
        out += group["eps"]
        np.divide(grad, out, out=out)
        if momentum:
            out += state.get("momentum_buffer", 0.0) * momentum
            next_state["momentum_buffer"] = np.array(out)
        out *= -group["lr"]
        out += value
        return next_state
