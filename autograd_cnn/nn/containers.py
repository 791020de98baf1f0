"""Modules that contain others: in sequence, in a list, or by name."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any, ClassVar, Generic, Self, TypeVar, cast, overload

from autograd_cnn.engine.node import Array
from autograd_cnn.errors import ArgumentError, OperandError, require, sentence
from autograd_cnn.nn.module import Module
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import integer

Part = TypeVar("Part", Module, Parameter)


def position(where: str, index: Any, count: int) -> int:
    """Return an index into ``count`` parts as an int; a negative one counts from the end.

    Raises
    ------
    IndexError
        If it is out of range.

    Examples
    --------
    >>> position("Sequential", -1, 3)
    -1
    """
    place = integer(where, "index", index)
    if not -count <= place < count:
        problem = "index is out of range"
        raise IndexError(sentence(where, problem, expected=f"{-count} to {count - 1}" if count else "none", got=place))
    return place


def _check_name(where: str, name: Any, kind: type) -> None:
    """Raise `ArgumentError` if a part can't be an attribute of this name."""
    if not isinstance(name, str) or not name or "." in name or hasattr(kind, name):
        expected = "a string, no dot, and no attribute of the class"
        raise ArgumentError(where, "a name can't be used", expected=expected, got=repr(name))


class _Container(Module):
    """Modules in order, each a separate attribute."""

    def _add(self, name: str, module: Module) -> None:
        if not isinstance(module, Module):
            made = isinstance(module, type) and issubclass(module, Module)
            raise OperandError(
                type(self).__name__, f"{name!r} is not a module", expected="a Module",
                got=f"the class {module.__name__}" if made else type(module).__name__,
                hint=f"make one: {module.__name__}(...)" if made else
                f"pass them one by one: {type(self).__name__}(*modules)" if isinstance(module, list) else ""
            )  # fmt: skip
        _check_name(type(self).__name__, name, type(self))
        setattr(self, name, module)

    def append(self, module: Module) -> Self:
        """Append ``module``; its name is its position, or the next free number."""
        self._add(next(str(i) for i in count(len(self)) if not hasattr(self, str(i))), module)
        return self

    def _pick(self, index: Any) -> Any:
        named = list(self.named_children())
        return dict(named[index]) if isinstance(index, slice) else named[self._position(index)][1]

    def _position(self, index: Any) -> int:
        where, count = type(self).__name__, len(self)
        if isinstance(index, str):
            problem = "index is not understood"
            hint = "a module is an attribute by its name, as in getattr(model, name)"
            raise OperandError(where, problem, expected="an int or a slice", got=repr(index), hint=hint)
        return position(where, index, count)

    def __setitem__(self, index: int, module: Module) -> None:
        """Replace a module."""
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
        In order; without names they are named ``"0"``, ``"1"`` and so on.

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
        """Return a module, or a shorter `Sequential` of the same modules under the same names."""
        picked = self._pick(index)
        return Sequential(picked) if isinstance(picked, dict) else picked


class _Uncalled(_Container):
    """Modules that the ``forward`` of the containing module calls."""

    def set_scope(self, name: str) -> None:
        """Pass the name on: the container is never called, but its modules are."""
        super().set_scope(name)
        for key, child in self.named_children():
            child.set_scope(f"{name}.{key}")

    def _add(self, name: str, module: Module) -> None:
        super()._add(name, module)
        if self.scope_name:
            module.set_scope(f"{self.scope_name}.{name}")


class ModuleList(_Uncalled):
    """A list of modules for your own ``forward``.

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
        expected = "modules, such as a list of them"
        require(isinstance(modules, Iterable), "ModuleList", "modules is not iterable", expected, modules)
        for module in modules:
            self.append(module)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> list[Module]: ...
    def __getitem__(self, index: int | slice) -> Module | list[Module]:
        """Return a module, or a plain list for a slice."""
        picked = self._pick(index)
        return list(picked.values()) if isinstance(picked, dict) else picked


class _ByName(Module, Generic[Part]):
    """Parts by name for a ``forward`` of the module that holds them."""

    _kind: ClassVar[type]
    """Of the parts."""

    def _update(self, parts: Mapping[str, Any]) -> None:
        kind = self._kind.__name__.lower()
        require(isinstance(parts, Mapping), type(self).__name__, f"{kind}s is not a mapping", f"{kind}s by name", parts)
        for name, part in parts.items():
            self[name] = part

    def __getitem__(self, name: str) -> Part:
        """Return the part with this name."""
        if name not in self:
            problem = f"no {self._kind.__name__.lower()} {name!r}"
            raise KeyError(sentence(type(self).__name__, problem, hint=f"it has {', '.join(self) or 'none'}"))
        return cast("Part", vars(self)[name])

    def __setitem__(self, name: str, part: Any) -> None:
        """Add or replace a part."""
        raise NotImplementedError

    def __delitem__(self, name: str) -> None:
        """Remove a part."""
        _ = self[name]
        delattr(self, name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and isinstance(vars(self).get(name), self._kind)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[str]:
        return (name for name in list(vars(self)) if name in self)

    def keys(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self)

    def values(self) -> Iterator[Part]:
        """Yield the parts."""
        return (self[name] for name in self)

    def items(self) -> Iterator[tuple[str, Part]]:
        """Yield the names with the parts."""
        return ((name, self[name]) for name in self)


class ModuleDict(_ByName[Module], _Uncalled):  # type: ignore[misc]  # by name, not by position
    """Modules by name for your own ``forward``.

    Parameters
    ----------
    modules : mapping of str to Module

    Raises
    ------
    OperandError
        If one of them is not a module.
    ArgumentError
        If a name has a dot, or is an attribute of the class, such as ``"keys"``.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> heads = nn.ModuleDict({"age": nn.Linear(8, 1), "kind": nn.Linear(8, 3)})
    >>> heads["kind"], "name" in heads, list(heads)
    (Linear(8, 3): 27 parameters, False, ['age', 'kind'])
    """

    _kind = Module

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        self.update({} if modules is None else modules)

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add or replace modules."""
        self._update(modules)

    def __setitem__(self, name: str, module: Module) -> None:  # type: ignore[override]  # by name
        """Add or replace a module."""
        self._add(name, module)


class ParameterDict(_ByName[Parameter]):
    """Parameters by name for your own ``forward``.

    Parameters
    ----------
    parameters : mapping of str to Parameter or array_like
        Anything that is not a parameter becomes one.

    Raises
    ------
    OperandError
        If ``parameters`` is not a mapping.
    ArgumentError
        If a name has a dot, or is an attribute of the class, such as ``"keys"``.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> scales = nn.ParameterDict({"low": [0.5], "high": [2.0]})
    >>> scales["high"].numpy(), "middle" in scales, list(scales.state_dict())
    (array([2.]), False, ['low', 'high'])
    """

    _kind = Parameter

    def __init__(self, parameters: Mapping[str, Any] | None = None) -> None:
        self.update({} if parameters is None else parameters)

    def update(self, parameters: Mapping[str, Any]) -> None:
        """Add or replace parameters."""
        self._update(parameters)

    def __setitem__(self, name: str, value: Any) -> None:
        """Add or replace a parameter."""
        _check_name("ParameterDict", name, type(self))
        setattr(self, name, _as_parameter(value))


class ParameterList(Module):
    """A list of parameters for your own ``forward``.

    Parameters
    ----------
    values : iterable of Parameter or array_like
        Anything that is not a parameter becomes one.

    Raises
    ------
    OperandError
        If ``values`` is not iterable.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> weights = nn.ParameterList([[1.0, 2.0], [3.0]])
    >>> len(weights), list(weights.state_dict()), weights[1].numpy()
    (2, ['0', '1'], array([3.]))
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a parameter at the end."""
        setattr(self, str(len(self)), _as_parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add parameters at the end."""
        expected = "parameters, such as a list of them"
        require(isinstance(values, Iterable), "ParameterList", "values is not iterable", expected, values)
        for value in values:
            self.append(value)
        return self

    @overload
    def __getitem__(self, index: int) -> Parameter: ...
    @overload
    def __getitem__(self, index: slice) -> list[Parameter]: ...
    def __getitem__(self, index: int | slice) -> Parameter | list[Parameter]:
        """Return a parameter, or a plain list for a slice."""
        own = list(self)
        return own[index] if isinstance(index, slice) else own[position("ParameterList", index, len(own))]

    def __setitem__(self, index: int, value: Any) -> None:
        """Replace a parameter."""
        name = str(position("ParameterList", index, len(self)) % len(self))
        setattr(self, name, _as_parameter(value))

    def __len__(self) -> int:
        return sum(isinstance(value, Parameter) for value in vars(self).values())

    def __iter__(self) -> Iterator[Parameter]:
        return (value for value in list(vars(self).values()) if isinstance(value, Parameter))


def _as_parameter(value: Any) -> Parameter:
    return value if isinstance(value, Parameter) else Parameter(value)
