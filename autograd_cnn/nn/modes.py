"""The mode that a network is used in."""

from collections.abc import Iterator
from contextlib import contextmanager

from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import of_kind


def check_network(where: str, model: object) -> None:
    """Raise `OperandError` if ``model`` is not a module.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> check_network("predict", nn.lenet5)
    Traceback (most recent call last):
    autograd_cnn.errors.OperandError: predict: model is not a Module: expected a network, such as nn.lenet5(), got the function lenet5
    """
    of_kind(where, "model", model, Module, "a network, such as nn.lenet5()")


@contextmanager
def keeping_modes(model: Module) -> Iterator[None]:
    """Restore the mode of each module of ``model`` when the block ends.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> net = nn.Dropout(0.5)
    >>> with keeping_modes(net):
    ...     net = net.eval()
    >>> net.training
    True
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Put ``model`` into eval mode for the block; then restore the mode of each of its modules.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    >>> with evaluating(net):
    ...     net[1].training
    False
    >>> net[1].training
    True
    """
    with keeping_modes(model):
        model.eval()
        yield
