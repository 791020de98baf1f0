"""Optimisers that divide steps by the size of past gradients, element by element."""

from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.composite import declared
from autograd_cnn.optim.optimizer import Group, Optimizer, Params, State, decayed
from autograd_cnn.parameters import Bool, NotNegative, Share


@declared
class RMSprop(Optimizer):
    """RMSprop: steps divided by a running root mean square of the gradients (Tieleman & Hinton 2012).

    ``v ← alpha·v + (1 - alpha)·g²`` and ``p ← p - lr·g / (sqrt(v) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        The parameters to optimise; see `Optimizer`.
    lr : float
        The learning rate.
    alpha : float
        The decay of the mean square.
    eps : float
        Avoids division by 0.
    weight_decay : float
        Adds ``weight_decay·p`` to the gradient.
    momentum : float
        The share of the last step that is kept.
    centered : bool
        Divide by the running standard deviation: ``sqrt(v - m²)`` with the running mean m of the gradients
        (Graves 2013).
    maximize : bool
        Maximise: follow the gradient instead of descending.

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

    remembers: ClassVar = {"square_avg": True, "momentum_buffer": False, "grad_avg": False, "step": False}

    params: Params
    lr: NotNegative = 1e-2
    alpha: NotNegative = 0.99
    eps: NotNegative = 1e-8
    weight_decay: NotNegative = 0
    momentum: NotNegative = 0
    centered: Bool = False
    _: KW_ONLY
    maximize: Bool = False

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its running means and its momentum."""
        alpha, momentum = group["alpha"], group["momentum"]
        grad = decayed(grad, value, group["weight_decay"])
        np.multiply(grad, grad, out=out)
        out *= 1 - alpha
        square = np.asarray(state.get("square_avg", 0.0) * alpha + out)
        next_state: State = {"square_avg": square}
        if group["centered"]:
            mean = np.asarray(state.get("grad_avg", 0.0) * alpha + grad * (1 - alpha))
            next_state["grad_avg"] = mean
            np.subtract(square, mean * mean, out=out)
            np.sqrt(out, out=out)
        else:
            np.sqrt(square, out=out)
        out += group["eps"]
        np.divide(grad, out, out=out)
        if momentum:
            out += state.get("momentum_buffer", 0.0) * momentum
            next_state["momentum_buffer"] = np.array(out)
        out *= -group["lr"]
        out += value
        return next_state


@declared
class Adagrad(Optimizer):
    """Steps divided by the root of the sum of all squared gradients (Duchi et al. 2011).

    ``s ← s + g²`` and at step t ``p ← p - lr / (1 + (t - 1)·lr_decay) · g / (sqrt(s) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        The parameters to optimise; see `Optimizer`.
    lr : float
        The learning rate.
    lr_decay : float
        How fast it decreases.
    weight_decay : float
        Adds ``weight_decay·p`` to the gradient.
    initial_accumulator_value : float
        The initial value of the sum.
    eps : float
        Avoids division by 0.
    maximize : bool
        Maximise: follow the gradient instead of descending.

    Raises
    ------
    ArgumentError, OperandError
        As `Optimizer` does.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6)
    array([0.9, 1.9])
    """

    remembers: ClassVar = {"step": True, "sum": True}

    params: Params
    lr: NotNegative = 1e-2
    lr_decay: NotNegative = 0
    weight_decay: NotNegative = 0
    initial_accumulator_value: NotNegative = 0
    eps: NotNegative = 1e-10
    _: KW_ONLY
    maximize: Bool = False

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return the sum of its squared gradients."""
        step = state.get("step", 0) + 1
        grad = decayed(grad, value, group["weight_decay"])
        np.multiply(grad, grad, out=out)
        total = np.asarray(state.get("sum", group["initial_accumulator_value"]) + out)
        np.sqrt(total, out=out)
        out += group["eps"]
        np.divide(grad, out, out=out)
        out *= -group["lr"] / (1 + (step - 1) * group["lr_decay"])
        out += value
        return {"step": step, "sum": total}


@declared
class Adadelta(Optimizer):
    """Gradients scaled by the ratio of the sizes of past steps and past gradients (Zeiler 2012).

    ``v ← rho·v + (1 - rho)·g²``, ``d = sqrt(u + eps) / sqrt(v + eps) · g``, ``u ← rho·u + (1 - rho)·d²`` and
    ``p ← p - lr·d``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        The parameters to optimise; see `Optimizer`.
    lr : float
        Scales the steps.
    rho : float
        The decay of the mean squares, from 0 to 1.
    eps : float
        Sets the size of the first steps, and avoids division by 0.
    weight_decay : float
        Adds ``weight_decay·p`` to the gradient.
    maximize : bool
        Maximise: follow the gradient instead of descending.

    Raises
    ------
    ArgumentError, OperandError
        As `Optimizer` does.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = optim.Adadelta([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.numpy().round(6)
    array([0.996838, 1.996838])
    """

    remembers: ClassVar = {"step": True, "square_avg": True, "acc_delta": True}

    params: Params
    lr: NotNegative = 1.0
    rho: Share = 0.9
    eps: NotNegative = 1e-6
    weight_decay: NotNegative = 0
    _: KW_ONLY
    maximize: Bool = False

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its mean squares of gradients and steps."""
        rho, eps = group["rho"], group["eps"]
        grad = decayed(grad, value, group["weight_decay"])
        square = np.asarray(state.get("square_avg", 0.0) * rho + grad * grad * (1 - rho))
        past = state.get("acc_delta", 0.0)
        np.sqrt(square + eps, out=out)
        np.divide(np.sqrt(past + eps), out, out=out)
        out *= grad
        next_past = np.asarray(past * rho + out * out * (1 - rho))
        out *= -group["lr"]
        out += value
        return {"step": state.get("step", 0) + 1, "square_avg": square, "acc_delta": next_past}
