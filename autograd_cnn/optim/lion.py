"""Lion."""

from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.composite import declared
from autograd_cnn.optim.optimizer import Betas, Group, Optimizer, Params, State
from autograd_cnn.parameters import Bool, NotNegative


@declared
class Lion(Optimizer):
    """Steps of constant size, along the sign of a momentum (Chen et al. 2023).

    ``p ← p - lr·(sign(β1·m + (1 - β1)·g) + weight_decay·p)``, and then ``m ← β2·m + (1 - β2)·g``. Use a learning rate
    three to ten times smaller than for `AdamW`, and a weight decay larger by the same factor. PyTorch has no Lion.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        The parameters to optimise; see `Optimizer`.
    lr : float
        The learning rate: the distance that every element moves.
    betas : pair of float
        β1 and β2, from 0 to below 1.
    weight_decay : float
        The share by which a parameter shrinks, relative to the learning rate.
    maximize : bool
        Maximise: follow the gradient instead of descending.

    Raises
    ------
    ArgumentError, OperandError
        As `Optimizer` does; and if a beta is out of range.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = optim.Lion([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.9, -1.9], requires_grad=True)
    """

    remembers: ClassVar = {"exp_avg": True}

    params: Params
    lr: NotNegative = 1e-4
    betas: Betas = (0.9, 0.99)
    weight_decay: NotNegative = 0
    _: KW_ONLY
    maximize: Bool = False

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its momentum."""
        beta1, beta2 = group["betas"]
        mean = state.get("exp_avg", 0.0)
        np.multiply(grad, 1 - beta1, out=out)
        out += mean * beta1
        np.sign(out, out=out)
        out *= -group["lr"]
        out += value * (1 - group["lr"] * group["weight_decay"])
        return {"exp_avg": np.asarray(mean * beta2 + grad * (1 - beta2))}
