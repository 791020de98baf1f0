"""Modules that hold others: in a row, or in a list."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any, Self, overload

from autograd_cnn.engine.node import Array
from autograd_cnn.errors import ArgumentError, OperandError, sentence
from autograd_cnn.nn.module import Module
from autograd_cnn.parameters import integer


class _Container(Module):
    """Modules in order, each an attribute of its own."""

    def _add(self, name: str, module: Module) -> None:
        if not isinstance(module, Module):
            made = isinstance(module, type) and issubclass(module, Module)
            raise OperandError(
                sentence(type(self).__name__, f"{name!r} is not a module", expected="a Module",
                         got=f"the class {module.__name__}" if made else type(module).__name__,
                         hint=f"make one: {module.__name__}(...)" if made else
                         f"pass them one by one: {type(self).__name__}(*modules)" if isinstance(module, list) else "")
            )  # fmt: skip
        if not isinstance(name, str) or not name or "." in name or hasattr(type(self), name):
            raise ArgumentError(
                sentence(type(self).__name__, "a name can't be used",
                         expected="a string, no dot, and no attribute of the class", got=repr(name))
            )  # fmt: skip
        setattr(self, name, module)

    def append(self, module: Module) -> Self:
        """Add ``module`` at the end, under its position as a name, or the next number that is free."""
        self._add(next(str(i) for i in count(len(self)) if not hasattr(self, str(i))), module)
        return self

    def _pick(self, index: Any) -> Any:
        named = list(self.named_children())
        return dict(named[index]) if isinstance(index, slice) else named[self._position(index)][1]

    def _position(self, index: Any) -> int:
        where, count = type(self).__name__, len(self)
        if isinstance(index, str):
            raise OperandError(
                sentence(where, "index is not understood", expected="an int or a slice", got=repr(index),
                         hint="a module is an attribute by its name, as in getattr(model, name)")
            )  # fmt: skip
        position = integer(where, "index", index)
        if not -count <= position < count:
            raise IndexError(
                sentence(
                    where,
                    "index is out of range",
                    expected=f"{-count} to {count - 1}" if count else "none",
                    got=position,
                )
            )
        return position

    def __setitem__(self, index: int, module: Module) -> None:
        """Put another module in the place of one."""
        self._add(list(self.named_children())[self._position(index)][0], module)

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()


class Sequential(_Container):
    """Modules that run one after the other.

    Parameters
    ----------
    *modules : Module, or one mapping of str to Module
        In order; without names they are called ``"0"``, ``"1"`` and so on.

    Raises
    ------
    OperandError
        If one of them is not a module.
    ArgumentError
        If a name has a dot, or is an attribute of the class.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, rng=0))
    >>> net(np.ones((3, 2, 2), np.float32)).shape
    (3, 2)
    >>> net
    Sequential(): 10 parameters
      0: Flatten(start_dim=1)
      1: Linear(4, 2): 10 parameters
    >>> nn.Sequential({"fc": net[1]}).fc is net[-1]
    True
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        first = modules[0] if len(modules) == 1 else None
        named = first.items() if isinstance(first, Mapping) else ((str(i), m) for i, m in enumerate(modules))
        for name, module in named:
            self._add(name, module)  # type: ignore[arg-type]  # checked there

    def forward(self, x: Array) -> Array:
        """Pass ``x`` through all modules."""
        for module in self.children():
            x = module(x)
        return x

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> "Sequential": ...
    def __getitem__(self, index: int | slice) -> Module:
        """Return a module, or the same modules under the same names as a shorter row."""
        picked = self._pick(index)
        return Sequential(picked) if isinstance(picked, dict) else picked


class ModuleList(_Container):
    """A list of modules for a ``forward`` of your own.

    Parameters
    ----------
    modules : iterable of Module

    Raises
    ------
    OperandError
        If one of them is not a module.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> blocks = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 1)])
    >>> len(blocks), blocks[1]
    (2, Linear(2, 1): 3 parameters)
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        if not isinstance(modules, Iterable):
            raise OperandError(
                sentence("ModuleList", "modules is not iterable", expected="modules, such as a list of them",
                         got=type(modules).__name__)
            )  # fmt: skip
        for module in modules:
            self.append(module)

    def set_scope(self, name: str) -> None:
        """Pass the name on: a list is never called, but its modules are."""
        super().set_scope(name)
        for key, child in self.named_children():
            child.set_scope(f"{name}.{key}")

    def _add(self, name: str, module: Module) -> None:
        super()._add(name, module)
        if self.scope_name:
            module.set_scope(f"{self.scope_name}.{name}")

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> list[Module]: ...
    def __getitem__(self, index: int | slice) -> Module | list[Module]:
        """Return a module, or a plain list of some."""
        picked = self._pick(index)
        return list(picked.values()) if isinstance(picked, dict) else picked
