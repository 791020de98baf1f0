"""Stochastic gradient descent."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.errors import ArgumentError, OperandError, sentence
from autograd_cnn.optim.optimizer import Group, Optimizer, State
from autograd_cnn.tensor import Tensor


class SGD(Optimizer):
    """Gradient descent with momentum.

    ``b ← momentum·b + (1 - dampening)·g`` and ``p ← p - lr·b``; with Nesterov's look ahead
    ``p ← p - lr·(g + momentum·b)`` (Sutskever et al. 2013). The first ``b`` is ``g`` itself.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to optimise; see `Optimizer`.
    lr : float
        The learning rate.
    momentum : float
        How much of the last step is kept; 0 for none.
    dampening : float
        How much of the gradient is left out of the momentum.
    weight_decay : float
        Adds ``weight_decay·p`` to the gradient.
    nesterov : bool
        Look ahead along the momentum.

    Raises
    ------
    ArgumentError, OperandError
        As `Optimizer` does; and if Nesterov's momentum is 0 or dampened.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8, 1.6], requires_grad=True)
    """

    fixed = MappingProxyType({"maximize": False})
    remembered = frozenset({"momentum_buffer"})

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[Mapping[str, Any]],
        lr: float,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
             "nesterov": nesterov},
        )  # fmt: skip

    def check(self, group: Group) -> None:
        """Raise `ArgumentError` if an option is out of range, `OperandError` if it is of the wrong kind."""
        self._in_range(group, "lr", "momentum", "weight_decay")
        self._in_range(group, "dampening", most=1)
        if not isinstance(group["nesterov"], bool):
            raise OperandError(
                sentence("SGD", "nesterov is no bool", expected="a bool", got=type(group["nesterov"]).__name__)
            )
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ArgumentError(
                sentence("SGD", "nesterov needs a momentum and no dampening", expected="momentum > 0, dampening = 0",
                         got=f"{group['momentum']}, {group['dampening']}")
            )  # fmt: skip

    def update(self, moved: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> None:
        """Write a parameter's next values into ``moved``."""
        decay, momentum = group["weight_decay"], group["momentum"]
        if decay:
            grad = grad + value * decay
        if momentum:
            grad = self._with_momentum(grad, state, group)
        np.multiply(grad, -group["lr"], out=moved)
        moved += value

    def _with_momentum(self, grad: NDArray[Any], state: State, group: Group) -> NDArray[Any]:
        """Return the direction to go."""
        if "momentum_buffer" not in state:
            buffer = state["momentum_buffer"] = np.array(grad)
        else:
            buffer = self.decayed(state, "momentum_buffer", group["momentum"])
            buffer += grad * (1 - group["dampening"]) if group["dampening"] else grad
        return grad + buffer * group["momentum"] if group["nesterov"] else buffer
