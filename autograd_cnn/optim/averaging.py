"""Averages of a network's weights over a training run, which often generalise better than the last ones."""

import copy
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.recording import no_grad
from autograd_cnn.engine.trace import effect
from autograd_cnn.errors import ArgumentError, require
from autograd_cnn.nn.modes import keeping_modes
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import Bool, Share

Average: TypeAlias = Callable[[NDArray[Any], NDArray[Any], int], NDArray[Any]]
"""Maps an average, the newest values and the number of values averaged so far to the next average."""


@composite
def get_swa_avg_fn() -> Average:
    """Return the update function of the equal-weight average (Izmailov et al. 2018).

    Examples
    --------
    >>> average = get_swa_avg_fn()
    >>> float(average(np.array(2.0), np.array(5.0), 2))
    3.0
    """
    return lambda averaged, current, count: averaged + (current - averaged) / (count + 1)


@composite
def get_ema_avg_fn(decay: Share = 0.999) -> Average:
    """Return the update function of the exponential moving average: the newest weights count ``1 - decay``.

    Examples
    --------
    >>> average = get_ema_avg_fn(0.75)
    >>> float(average(np.array(2.0), np.array(6.0), 2))
    3.0
    """
    return lambda averaged, current, count: averaged * decay + current * (1 - decay)  # noqa: ARG005  # same signature for all


class AveragedModel(Module):
    """A copy of a network with an average of its past weights.

    Call `update_parameters` after each of the optimiser's steps, or after each epoch, and use this module instead of
    the network for predictions. A network with batch normalisation needs `update_bn` at the end, or ``use_buffers``.

    Parameters
    ----------
    model : Module
        It is copied.
    avg_fn : callable, optional
        ``avg_fn(averaged, current, num_averaged)`` on arrays; by default that of `get_swa_avg_fn`.
    use_buffers : bool
        Average the buffers, too; otherwise copy them from the network.

    Attributes
    ----------
    module : Module
        The copy.
    n_averaged : array, ()
        The number of weights averaged so far.

    Raises
    ------
    OperandError
        If ``model`` is not a module.

    Examples
    --------
    >>> from autograd_cnn import nn, optim
    >>> net = nn.Linear(1, 1, bias=False)
    >>> average = optim.AveragedModel(net)
    >>> for weight in [1.0, 2.0, 6.0]:
    ...     net.weight.data = [[weight]]
    ...     average.update_parameters(net)
    >>> average.module.weight.tolist()
    [[3.0]]
    """

    n_averaged: NDArray[np.integer]

    @composite
    def __init__(self, model: Module, *, avg_fn: Average | None = None, use_buffers: Bool = False) -> None:
        require(isinstance(model, Module), "AveragedModel", "model is not a module", "a Module", model)
        self.module = copy.deepcopy(model)
        self.avg_fn = get_swa_avg_fn() if avg_fn is None else avg_fn
        self.use_buffers = use_buffers
        self.register_buffer("n_averaged", np.array(0))

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Call the copy."""
        return self.module(*inputs, **options)

    def update_parameters(self, model: Module) -> None:
        """Add the current weights of ``model`` to the average, all or none; the first ones are copied.

        Raises
        ------
        ArgumentError
            If its parameters or buffers do not match those of the copy.
        """
        effect(self._update, model)

    def _update(self, model: Module) -> None:
        newest, state = model.state_dict(), self.module.state_dict()
        if newest.keys() != state.keys():
            problem = "the model is not like the one that was copied"
            raise ArgumentError("update_parameters", problem, expected=list(state), got=list(newest))
        count = int(self.n_averaged)
        copied = {id(buffer) for buffer in self.module.buffers() if not self.use_buffers or buffer.dtype.kind != "f"}
        for name, value in state.items() if count else ():
            if id(value) not in copied:
                newest[name] = self.avg_fn(value, newest[name], count)
        self.module.load_state_dict(newest)
        self.set_buffers(n_averaged=count + 1)


def update_bn(loader: Iterable[Any], model: Module) -> None:
    """Recompute the running statistics of a network's batch normalisations, weighting all batches equally.

    Parameters
    ----------
    loader : iterable
        Of inputs, or of tuples or lists that begin with the inputs.
    model : Module
        Such as an `AveragedModel`, whose weights have seen no batch.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> norm = nn.BatchNorm2d(1)
    >>> update_bn([np.full((1, 1, 2, 2), value) for value in (1.0, 3.0)], norm)
    >>> norm.running_mean
    array([2.], dtype=float32)
    """
    norms: list[Any] = [module for module in model.modules() if _has_statistics(module)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.set_buffers(
            running_mean=np.zeros_like(norm.running_mean), running_var=np.ones_like(norm.running_var),
            num_batches_tracked=0,
        )  # fmt: skip
        norm.momentum = None
    try:
        with keeping_modes(model), no_grad():
            model.train()
            for batch in loader:
                model(batch[0] if isinstance(batch, (tuple, list)) else batch)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def _has_statistics(module: Any) -> bool:
    """Whether a module tracks the statistics of its batches."""
    return "running_mean" in module.buffer_names and module.running_mean is not None
