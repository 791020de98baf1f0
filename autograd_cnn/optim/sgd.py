"""Stochastic gradient descent."""

from dataclasses import KW_ONLY
from typing import ClassVar

from autograd_cnn import kernels
from autograd_cnn.engine.composite import declared
from autograd_cnn.errors import ArgumentError
from autograd_cnn.optim.optimizer import Arrays, Group, OnePassOptimizer, Params, State
from autograd_cnn.parameters import Bool, Finite, NotNegative


@declared
class SGD(OnePassOptimizer):
    """Gradient descent with momentum.

    ``b ← momentum·b + (1 - dampening)·g`` and ``p ← p - lr·b``; with Nesterov's momentum
    ``p ← p - lr·(g + momentum·b)`` (Sutskever et al. 2013). The first ``b`` is ``g`` itself.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        The parameters to optimise; see `Optimizer`.
    lr : float
        The learning rate.
    momentum : float
        The share of the last step that is kept; 0 for none.
    dampening : float
        The share of the gradient that is left out of the momentum.
    weight_decay : float
        Adds ``weight_decay·p`` to the gradient.
    nesterov : bool
        Use Nesterov's momentum.
    maximize : bool
        Maximise: follow the gradient instead of descending.

    Raises
    ------
    ArgumentError, OperandError
        As `Optimizer` does, and if Nesterov's momentum is 0 or dampened.

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

    remembers: ClassVar = {"momentum_buffer": False}

    params: Params
    lr: NotNegative = 1e-3
    momentum: NotNegative = 0
    dampening: Finite = 0
    weight_decay: NotNegative = 0
    nesterov: Bool = False
    _: KW_ONLY
    maximize: Bool = False

    def check(self, group: Group) -> None:
        """Raise `ArgumentError` if a momentum is missing or dampened that Nesterov's needs."""
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            problem = "nesterov needs a momentum and no dampening"
            got = f"{group['momentum']}, {group['dampening']}"
            raise ArgumentError("SGD", problem, expected="momentum > 0, dampening = 0", got=got)

    def descend(self, outs: Arrays, values: Arrays, grads: Arrays, states: list[State], group: Group) -> list[State]:
        """Write the next values of all parameters, and return their momentum."""
        lr, decay, momentum = group["lr"], group["weight_decay"], group["momentum"]
        if not momentum:
            kernels.sgd(outs, values, grads, lr, decay)
            return states
        lasts, ahead = [state.get("momentum_buffer") for state in states], momentum if group["nesterov"] else 0.0
        buffers = kernels.sgd_with_momentum(
            outs, values, grads, lasts, lr, decay, momentum, group["dampening"], ahead
        )  # fmt: skip
        return [{"momentum_buffer": buffer} for buffer in buffers]
