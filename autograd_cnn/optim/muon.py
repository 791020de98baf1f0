"""Muon."""

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.composite import declared
from autograd_cnn.errors import ArgumentError
from autograd_cnn.optim.optimizer import Group, Optimizer, Params, State
from autograd_cnn.parameters import Bool, NotNegative, Parsed, Size


def _three(where: str, name: str, value: Any) -> tuple[float, float, float]:
    if not isinstance(value, (tuple, list)) or [type(n) in (int, float) for n in value] != [True] * 3:
        raise ArgumentError(where, f"{name} are not understood", expected="three numbers", got=repr(value))
    first, second, third = value
    return first, second, third


@declared
class Muon(Optimizer):
    """Orthogonalised momentum, for the weight matrices of hidden layers (Jordan et al. 2024).

    ``b ← momentum·b + (1 - momentum)·g``, then with Nesterov's momentum ``u = (1 - momentum)·g + momentum·b``, and
    ``p ← (1 - lr·weight_decay)·p - lr·c·orthogonal(u)``, where c depends on the shape. Use another optimiser, such as
    `AdamW`, for biases, embeddings and the last layer. PyTorch computes the iteration in bfloat16; here it is computed
    in the parameter's dtype.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        Matrices; see `Optimizer`.
    lr : float
        The learning rate.
    weight_decay : float
        The share by which a matrix shrinks, relative to the learning rate.
    momentum : float
        The decay of the mean gradient.
    nesterov : bool
        Use Nesterov's momentum; otherwise u is b.
    ns_coefficients : triple of float
        a, b and c of the Newton–Schulz iteration ``x ← a·x + (b·x·xᵀ + c·(x·xᵀ)²)·x``.
    eps : float
        The minimum norm by which u is divided at first.
    ns_steps : int
        The number of iterations, from 1 to 99.
    adjust_lr_fn : {"original", "match_rms_adamw"}, optional
        For a matrix (A, B) c is ``sqrt(max(1, A / B))``, or ``0.2·sqrt(max(A, B))``, which makes steps of the size of
        `AdamW`'s (Liu et al. 2025). By default the first.

    Raises
    ------
    ArgumentError, OperandError
        As `Optimizer` does; if a parameter is not a matrix, or an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import optim
    >>> w = ag.tensor([[1.0, 0.0], [0.0, 100.0]], requires_grad=True)
    >>> optimizer = optim.Muon([w], lr=0.1, weight_decay=0, ns_steps=10)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool(np.all(np.abs(w.numpy() - [[0.9, 0], [0, 99.9]]) < 0.05))  # both move alike
    True
    """

    remembers: ClassVar = {"momentum_buffer": True}

    params: Params
    lr: NotNegative = 1e-3
    weight_decay: NotNegative = 0.1
    momentum: NotNegative = 0.95
    nesterov: Bool = True
    ns_coefficients: Annotated[tuple[float, float, float], Parsed(_three, frozenset())] = (3.4445, -4.775, 2.0315)
    eps: NotNegative = 1e-7
    ns_steps: Size = 5
    adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None

    def check(self, group: Group) -> None:
        """Raise `ArgumentError` if there are too many steps, or a parameter is not a matrix."""
        if group["ns_steps"] > 99:
            problem = "ns_steps is out of range"
            raise ArgumentError("Muon", problem, expected="an int from 1 to 99", got=group["ns_steps"])
        for parameter in group["params"]:
            if parameter.ndim != 2:
                problem = "a parameter is not a matrix"
                hint = "give biases and filters to another optimiser, such as AdamW"
                raise ArgumentError("Muon", problem, expected="two axes", got=parameter.shape, hint=hint)

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its momentum."""
        lr, momentum = group["lr"], group["momentum"]
        buffer = state.get("momentum_buffer", 0.0) * momentum + grad * (1 - momentum)
        ahead = grad * (1 - momentum) + buffer * momentum if group["nesterov"] else buffer
        direction = orthogonal(ahead, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = value.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        else:
            scale = math.sqrt(max(1, rows / columns)) if columns else 1.0
        np.multiply(value, 1 - lr * group["weight_decay"], out=out)
        out -= direction * (lr * scale)
        return {"momentum_buffer": buffer}


def orthogonal(matrix: NDArray[Any], coefficients: tuple[float, float, float], steps: int, eps: float) -> NDArray[Any]:
    """Return a matrix with the same singular vectors, and singular values near 1.

    It iterates an odd polynomial of the matrix: with the coefficients of `Muon`, small singular values grow fast, and
    all end between 0.7 and 1.2, without converging.
    """
    a, b, c = coefficients
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix  # the smaller product
    x = wide / max(float(np.linalg.norm(wide)), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x if wide is matrix else x.T
