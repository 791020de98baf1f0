"""Optimisers that scale each element's step by the size of its gradients."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.errors import ArgumentError, OperandError, sentence
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

    fixed = MappingProxyType({"amsgrad": False, "maximize": False, "decoupled_weight_decay": False})
    remembered = frozenset({"step", "exp_avg", "exp_avg_sq"})

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
        """Raise `ArgumentError` if an option is out of range, `OperandError` if it is of the wrong kind."""
        self._in_range(group, "lr", "eps", "weight_decay")
        betas = group["betas"]
        if (
            not isinstance(betas, (tuple, list))
            or len(betas) != 2
            or not all(isinstance(b, (float, int)) for b in betas)
        ):
            raise OperandError(
                sentence(type(self).__name__, "betas are not understood", expected="two numbers", got=repr(betas))
            )
        if not all(0 <= beta < 1 for beta in betas):
            raise ArgumentError(
                sentence(type(self).__name__, "betas are out of range", expected="0 to below 1", got=group["betas"])
            )

    def update(self, moved: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> None:
        """Write a parameter's next values into ``moved``."""
        if group["weight_decay"]:
            grad = grad + value * group["weight_decay"]
        self._descend(moved, grad, state, group)
        moved += value

    def _descend(self, moved: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> None:
        """Write the step into ``moved``."""
        beta1, beta2 = group["betas"]
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(moved), exp_avg_sq=np.zeros_like(moved))
        state["step"] += 1
        mean, square = self.decayed(state, "exp_avg", beta1), self.decayed(state, "exp_avg_sq", beta2)
        mean += np.multiply(grad, 1 - beta1, out=moved)
        np.multiply(grad, grad, out=moved)
        moved *= 1 - beta2
        square += moved
        # The corrections for the zeros at the start are numbers: they go where they cost least.
        correction = math.sqrt(1 - beta2 ** state["step"])
        np.sqrt(square, out=moved)
        moved += group["eps"] * correction
        np.divide(mean, moved, out=moved)
        moved *= -group["lr"] * correction / (1 - beta1 ** state["step"])


class AdamW(Adam):
    """Adam with decoupled weight decay: ``p`` shrinks by ``lr·weight_decay·p`` besides (Loshchilov & Hutter 2019).

    Parameters are those of `Adam`.

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

    fixed = MappingProxyType({**Adam.fixed, "decoupled_weight_decay": True})

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, moved: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> None:
        """Write a parameter's next values into ``moved``."""
        self._descend(moved, grad, state, group)
        moved += value * (1 - group["lr"] * group["weight_decay"])


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
        How much of the mean square is kept.
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

    fixed = MappingProxyType({"centered": False, "maximize": False})
    remembered = frozenset({"square_avg", "momentum_buffer"})

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
        """Raise `ArgumentError` if an option is out of range, `OperandError` if it is of the wrong kind."""
        self._in_range(group, "lr", "eps", "weight_decay", "momentum")
        self._in_range(group, "alpha", most=1)

    def update(self, moved: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> None:
        """Write a parameter's next values into ``moved``."""
        if group["weight_decay"]:
            grad = grad + value * group["weight_decay"]
        if not state:
            state["square_avg"] = np.zeros_like(moved)
        square = self.decayed(state, "square_avg", group["alpha"])
        np.multiply(grad, grad, out=moved)
        moved *= 1 - group["alpha"]
        square += moved
        np.sqrt(square, out=moved)
        moved += group["eps"]
        np.divide(grad, moved, out=moved)
        if group["momentum"]:
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = np.zeros_like(moved)
            buffer = self.decayed(state, "momentum_buffer", group["momentum"])
            buffer += moved
            moved[...] = buffer
        moved *= -group["lr"]
        moved += value
