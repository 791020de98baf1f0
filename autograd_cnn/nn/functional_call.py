"""A module as a function of its parameters."""

from collections.abc import Mapping
from typing import Any

from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Traced, shape_of
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn.module import Module
from autograd_cnn.nn.walk import entries_of
from autograd_cnn.tensor import Tensor


@parsed
def functional_call(module: Module, parameters: Mapping[str, Any], args: Any, kwargs: Any = None) -> Any:
    """Call a module with other parameters and buffers than its own, such as those that a transform tracks.

    Parameters
    ----------
    module : Module
        It is restored after the call. Two threads may not do this at the same time.
    parameters : mapping of str to array
        By their names in the ``state_dict``; the others keep their values.
    args : tuple, or one argument
    kwargs : dict, optional

    Returns
    -------
    The module's output.

    Raises
    ------
    ArgumentError
        If the module has nothing with such a name.
    ShapeError
        If the module's own has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> from autograd_cnn import nn
    >>> layer = nn.Linear(2, 1, rng=0)
    >>> loss = lambda parameters, x: ag.sum(nn.functional_call(layer, parameters, x))
    >>> ag.grad(loss)({"weight": np.ones((1, 2))}, np.array([3.0, 4.0]))
    {'weight': array([[3., 4.]])}
    """
    own = {name: (owner, attribute, held) for name, owner, attribute, held in entries_of(module)}
    for name, value in parameters.items():
        if name not in own:
            raise ArgumentError("functional_call", f"no parameter {name!r}", hint=f"it has {', '.join(own) or 'none'}")
        if shape_of(value) != shape_of(own[name][2]):
            problem = f"{name!r} has another shape"
            raise ShapeError("functional_call", problem, expected=shape_of(own[name][2]), got=shape_of(value))
    try:
        for name, value in parameters.items():
            owner, attribute, held = own[name]
            if isinstance(held, Traced):
                vars(owner)[attribute] = value if isinstance(value, Tensor) else Tensor(value)
            else:
                vars(owner)[attribute] = value.value if isinstance(value, Tensor) else value
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
    finally:
        for owner, attribute, held in own.values():
            vars(owner)[attribute] = held
