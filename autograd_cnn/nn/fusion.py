"""Fusion: neighbours in a `Sequential` that run as one operation."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from autograd_cnn import ops
from autograd_cnn.engine.node import Array
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.recording import scope
from autograd_cnn.errors import require
from autograd_cnn.nn.containers import Sequential
from autograd_cnn.nn.layers.activation import ReLU
from autograd_cnn.nn.layers.pooling import MaxPool2d
from autograd_cnn.nn.module import Module
from autograd_cnn.ops.fusion import FUSIONS

M = TypeVar("M", bound=Module)

_CALLS: Final[Mapping[type[Module], Callable[[Any], tuple[Primitive, dict[str, Any]] | None]]] = {
    ReLU: lambda _: (ops.relu, {}),
    MaxPool2d: lambda pool: None if pool.return_indices else (ops.max_pool, pool.geometry()),
}
"""The one call that a layer makes on its input; a subclass may make others."""


def fuse(model: M) -> M:
    """Return a model in which neighbours in each `Sequential` run as one operation, where there is one for both.

    A ReLU and a max-pool, in either order, become one max-pool over the window's values and 0. Values and gradients
    stay the same, but feature maps go through memory once instead of twice. One table lists what can be fused, with a
    proof for each entry: ``autograd_cnn.ops.fusion.FUSIONS``.

    The layers are shared with ``model``, so both train the same parameters, and ``state_dict`` is interchangeable;
    `Module.train` and `Module.eval` reach the layers of both. Containers of fused layers are copied: each `Sequential`,
    and your own modules, except those with their own buffers, which are left unchanged. Subclasses of `Sequential` and
    of layers, and layers whose ``forward`` has been replaced, are also left unchanged, because it is unknown what they
    do.

    Parameters
    ----------
    model : Module

    Returns
    -------
    Module
        A model of the same class; ``model`` itself if there is nothing to fuse.

    Raises
    ------
    OperandError
        If ``model`` is not a module.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> model = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2))
    >>> nn.fuse(model)
    FusedSequential(1 + 2): 156 parameters
      0: Conv2d(1, 6, kernel_size=(5, 5)): 156 parameters
      1: ReLU()
      2: MaxPool2d(kernel_size=(2, 2))
    """
    require(isinstance(model, Module), "fuse", "model is not a module", "a Module", model)
    return _fused(model, {})


def _fused(module: Any, known: dict[int, Module]) -> Any:
    """Return the module, or a copy if something in it is fused; shared modules stay shared."""
    if id(module) not in known:
        children = {name: _fused(child, known) for name, child in module.named_children()}
        changed = {name: child for name, child in children.items() if child is not getattr(module, name)}
        joined = type(module) is Sequential and any(len(run) > 1 for run, _ in _runs(module))
        if module.buffer_names or not (changed or joined):
            known[id(module)] = module
        else:
            made = FusedSequential.__new__(FusedSequential) if joined else copy.copy(module)
            vars(made).update(vars(module) | changed)
            known[id(module)] = made
    return known[id(module)]


class FusedSequential(Sequential):
    """A `Sequential` made by `fuse`: it contains the same modules, but runs some together.

    The neighbours to fuse are determined at each call, so modules may be replaced. A graph shows them as one box with
    both names.
    """

    def forward(self, x: Array) -> Array:
        """Pass ``x`` through all modules."""
        for run, call in _runs(self):
            if call is None:
                x = run[0][1](x)
                continue
            primitive, params = call
            names, kinds = ([name for name, _ in run], [type(module).__name__ for _, module in run])
            with scope(" + ".join(names), " + ".join(kinds)):
                x = primitive(x, **params)
        return x

    def extra_repr(self) -> str:
        """Return the names of the modules that run together."""
        return ", ".join(" + ".join(name for name, _ in run) for run, call in _runs(self) if call is not None)


_Run = tuple[tuple[str, Module], ...]
"""Modules with their names."""


def _runs(modules: Sequential) -> Iterator[tuple[_Run, tuple[Primitive, dict[str, Any]] | None]]:
    """Yield the modules one by one or, together with the call that does the work of both, in pairs."""
    waiting: tuple[str, Module] | None = None
    for name, module in modules.named_children():
        if waiting is not None:
            call = _joined(waiting[1], module)
            if call is not None:
                yield (waiting, (name, module)), call
                waiting = None
                continue
            yield (waiting,), None
        waiting = name, module
    if waiting is not None:
        yield (waiting,), None


def _joined(first: Module, then: Module) -> tuple[Primitive, dict[str, Any]] | None:
    """Return the call that does the work of both modules, if there is one."""
    call, next_call = _call_of(first), _call_of(then)
    if call is None or next_call is None:
        return None
    fused = FUSIONS.get((call[0], next_call[0]))
    return None if fused is None else (fused, call[1] | next_call[1])


def _call_of(module: Module) -> tuple[Primitive, dict[str, Any]] | None:
    """Return the single call that a layer makes, if it is known to do nothing else."""
    call = _CALLS.get(type(module))
    return None if call is None or "forward" in vars(module) or module.has_hooks() else call(module)
