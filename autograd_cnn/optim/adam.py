"""Adam and its variants: the running mean of the gradients divided by their size, element by element.

All keep running means of the gradients (``exp_avg``, m) and of their squares (``exp_avg_sq``, v), which start at 0;
``1 - β^t`` corrects this bias after t steps.
"""

import math
from dataclasses import KW_ONLY
from itertools import repeat
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import kernels
from autograd_cnn.engine.composite import declared
from autograd_cnn.optim.optimizer import Arrays, Betas, Group, OnePassOptimizer, Optimizer, Params, State, decayed
from autograd_cnn.parameters import Bool, NotNegative


@declared
class Adam(OnePassOptimizer):
    """Adam (Kingma & Ba 2015).

    ``m ← β1·m + (1 - β1)·g``, ``v ← β2·v + (1 - β2)·g²``, and at step t
    ``p ← p - lr · (m / (1 - β1^t)) / (sqrt(v / (1 - β2^t)) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        The parameters to optimise; see `Optimizer`.
    lr : float
        The learning rate.
    betas : pair of float
        β1 and β2, from 0 to below 1.
    eps : float
        Avoids division by 0.
    weight_decay : float
        Adds ``weight_decay·p`` to the gradient.
    amsgrad : bool
        Divide by the largest v so far (Reddi et al. 2018).
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
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6)
    array([0.9, 1.9])
    """

    remembers: ClassVar = {"step": True, "exp_avg": True, "exp_avg_sq": True, "max_exp_avg_sq": False}

    params: Params
    lr: NotNegative = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: NotNegative = 1e-8
    weight_decay: NotNegative = 0
    amsgrad: Bool = False
    _: KW_ONLY
    maximize: Bool = False

    def _decay(self, group: Group) -> tuple[float, float]:
        """Return the share of the values added to the gradients, and the factor by which the values shrink."""
        return group["weight_decay"], 1.0

    def descend(self, outs: Arrays, values: Arrays, grads: Arrays, states: list[State], group: Group) -> list[State]:
        """Write the next values of all parameters, and return their moments."""
        beta1, beta2 = group["betas"]
        steps = [state.get("step", 0) + 1 for state in states]
        # The bias corrections are scalars, applied where they cost least.
        corrections = [math.sqrt(1 - beta2**step) for step in steps]
        rates = [group["lr"] * c / (1 - beta1**step) for c, step in zip(corrections, steps, strict=True)]
        eps = [group["eps"] * c for c in corrections]
        if group["amsgrad"]:
            return list(map(self._descend_by_largest, outs, values, grads, states, steps, rates, eps, repeat(group)))
        means, squares = ([state.get(name, 0.0) for state in states] for name in ("exp_avg", "exp_avg_sq"))
        means, squares = kernels.adam(
            outs, values, grads, means, squares, rates, eps, beta1, beta2, *self._decay(group)
        )
        return [
            {"step": step, "exp_avg": mean, "exp_avg_sq": square}
            for step, mean, square in zip(steps, means, squares, strict=True)
        ]

    def _descend_by_largest(
        self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, step: int, rate: float,
        eps: float, group: Group,
    ) -> State:  # fmt: skip
        weight_decay, kept = self._decay(group)
        mean, square = _moments(out, decayed(grad, value, weight_decay), state, *group["betas"])
        largest = np.maximum(state.get("max_exp_avg_sq", 0.0), square)
        _write(out, value * kept, mean, largest, rate, eps)
        return {"step": step, "exp_avg": mean, "exp_avg_sq": square, "max_exp_avg_sq": np.asarray(largest)}


def _moments(
    out: NDArray[Any], grad: NDArray[Any], state: State, beta1: float, beta2: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the running means of the gradients and their squares; ``out`` serves as scratch memory."""
    mean = np.asarray(state.get("exp_avg", 0.0) * beta1 + np.multiply(grad, 1 - beta1, out=out))
    np.multiply(grad, grad, out=out)
    out *= 1 - beta2
    return mean, np.asarray(state.get("exp_avg_sq", 0.0) * beta2 + out)


def _write(
    out: NDArray[Any], value: NDArray[Any], mean: NDArray[Any], square: NDArray[Any], rate: float, eps: float
) -> None:
    """Write value - rate·mean / (sqrt(square) + eps)."""
    np.sqrt(square, out=out)
    out += eps
    np.divide(mean, out, out=out)
    out *= -rate
    out += value


@declared
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

    weight_decay: NotNegative = 1e-2

    def _decay(self, group: Group) -> tuple[float, float]:
        return 0.0, 1 - group["lr"] * group["weight_decay"]


@declared
class Adamax(Optimizer):
    """Adam with the largest gradient instead of the mean square (Kingma & Ba 2015, section 7.1).

    ``u ← max(β2·u, |g| + eps)`` and ``p ← p - lr / (1 - β1^t) · m / u``.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay, maximize
        As for `Adam`.

    Raises
    ------
    ArgumentError, OperandError
        As `Adam` does.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.Adamax([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6)
    array([0.9, 1.9])
    """

    remembers: ClassVar = {"step": True, "exp_avg": True, "exp_inf": True}

    params: Params
    lr: NotNegative = 2e-3
    betas: Betas = (0.9, 0.999)
    eps: NotNegative = 1e-8
    weight_decay: NotNegative = 0
    _: KW_ONLY
    maximize: Bool = False

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its mean and its largest gradient."""
        beta1, beta2 = group["betas"]
        step = state.get("step", 0) + 1
        grad = decayed(grad, value, group["weight_decay"])
        mean = np.asarray(state.get("exp_avg", 0.0) * beta1 + grad * (1 - beta1))
        np.abs(grad, out=out)
        out += group["eps"]
        largest = np.asarray(np.maximum(state.get("exp_inf", 0.0) * beta2, out))
        np.divide(mean, largest, out=out)
        out *= -group["lr"] / (1 - beta1**step)
        out += value
        return {"step": step, "exp_avg": mean, "exp_inf": largest}


@declared
class NAdam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016).

    With ``μ_t = β1·(1 - 0.96^(t·momentum_decay) / 2)`` and ``Π`` the product of all μ up to t, the mean of `Adam` is
    replaced by ``(1 - μ_t)·g / (1 - Π) + μ_(t+1)·m / (1 - Π·μ_(t+1))``.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay, maximize
        As for `Adam`.
    momentum_decay : float
        How fast the momentum grows to β1.
    decoupled_weight_decay : bool
        Decay as `AdamW` does.

    Raises
    ------
    ArgumentError, OperandError
        As `Adam` does.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(4)
    array([0.8944, 1.8944])
    """

    remembers: ClassVar = {"step": True, "mu_product": True, "exp_avg": True, "exp_avg_sq": True}

    params: Params
    lr: NotNegative = 2e-3
    betas: Betas = (0.9, 0.999)
    eps: NotNegative = 1e-8
    weight_decay: NotNegative = 0
    momentum_decay: NotNegative = 4e-3
    decoupled_weight_decay: Bool = False
    _: KW_ONLY
    maximize: Bool = False

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its moments and the product of its momenta."""
        beta1, beta2 = group["betas"]
        lr, step = group["lr"], state.get("step", 0) + 1
        value, grad = _shrunk(value, grad, group)
        mean, square = _moments(out, grad, state, beta1, beta2)
        now, then = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        product = state.get("mu_product", 1.0) * now
        ahead = grad * ((1 - now) / (1 - product)) + mean * (then / (1 - product * then))
        correction = math.sqrt(1 - beta2**step)
        _write(out, value, ahead, square, lr * correction, group["eps"] * correction)
        return {"step": step, "mu_product": product, "exp_avg": mean, "exp_avg_sq": square}


@declared
class RAdam(Optimizer):
    """Adam that first takes plain steps along the mean, while the mean square is uncertain (Liu et al. 2020).

    With ``ρ = 2 / (1 - β2) - 1`` and ``ρ_t = ρ - 2·t·β2^t / (1 - β2^t)``, the step is
    ``lr · m / (1 - β1^t)`` where ``ρ_t <= 5``, else that of `Adam` times
    ``sqrt((ρ_t - 4)·(ρ_t - 2)·ρ / ((ρ - 4)·(ρ - 2)·ρ_t))``; ``eps`` is added to ``sqrt(v)``, before the correction.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay, maximize
        As for `Adam`.
    decoupled_weight_decay : bool
        Decay as `AdamW` does.

    Raises
    ------
    ArgumentError, OperandError
        As `Adam` does.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6)
    array([0.8, 1.6])
    """

    remembers: ClassVar = {"step": True, "exp_avg": True, "exp_avg_sq": True}

    params: Params
    lr: NotNegative = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: NotNegative = 1e-8
    weight_decay: NotNegative = 0
    decoupled_weight_decay: Bool = False
    _: KW_ONLY
    maximize: Bool = False

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its moments."""
        beta1, beta2 = group["betas"]
        step = state.get("step", 0) + 1
        value, grad = _shrunk(value, grad, group)
        mean, square = _moments(out, grad, state, beta1, beta2)
        rate = group["lr"] / (1 - beta1**step)
        unbiased = 1 - beta2**step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / unbiased
        if length > 5:
            rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            _write(out, value, mean, square, rate * math.sqrt(unbiased * rectified), group["eps"])
        else:
            np.multiply(mean, -rate, out=out)
            out += value
        return {"step": step, "exp_avg": mean, "exp_avg_sq": square}


def _shrunk(value: NDArray[Any], grad: NDArray[Any], group: Group) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the values and the gradient after weight decay, which changes one of the two."""
    decay = group["weight_decay"]
    if decay and group["decoupled_weight_decay"]:
        return value * (1 - group["lr"] * decay), grad
    return value, decayed(grad, value, decay)
