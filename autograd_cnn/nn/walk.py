"""Traversal of a module's tree: its submodules by path, its parameters and buffers."""

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from autograd_cnn.errors import OperandError
from autograd_cnn.nn.hooks import Hooked
from autograd_cnn.nn.parameter import Parameter

if TYPE_CHECKING:
    from autograd_cnn.nn.module import Module

_CONTAINERS = (list, tuple, set, frozenset, deque, dict)
"""Containers that a module does not look into, so they may not contain parts."""


def paths(module: "Module", prefix: str = "") -> Iterator[tuple[str, "Module"]]:
    """Yield a module and all modules below it, once for every path that leads there; paths end in a dot."""
    for name, value in vars(module).items():
        check_found(module, name, value)
    yield prefix, module
    for name, child in module.named_children():
        yield from paths(child, f"{prefix}{name}.")


def check_found(module: "Module", name: str, value: Any) -> None:
    """Raise `OperandError` if ``value`` is a list or dict of parts, which the module would not find."""
    if isinstance(value, _CONTAINERS) and any(parts_in(value)):
        raise OperandError(type(module).__name__, f"{name!r} holds modules or parameters in a {type(value).__name__}, "
                           "where they are not found", hint="use nn.ModuleList, or an attribute for each")  # fmt: skip


def parts_in(value: Any) -> Iterator[bool]:
    """Yield, for each leaf of nested lists and dicts, whether it is a module or a parameter."""
    if isinstance(value, _CONTAINERS):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from parts_in(inner)
    else:
        yield isinstance(value, Hooked | Parameter)


def own_parameters(module: "Module") -> Iterator[tuple[str, Parameter]]:
    """Return the module's own parameters, with their names."""
    return ((name, value) for name, value in vars(module).items() if isinstance(value, Parameter))


def own_buffers(module: "Module") -> dict[str, NDArray[Any]]:
    """Return the module's own buffers that are not None, by name."""
    held = {name: getattr(module, name) for name in module.buffer_names}
    return {name: value for name, value in held.items() if value is not None}


def entries_of(root: "Module") -> Iterator[tuple[str, "Module", str, Parameter | NDArray[Any]]]:
    """Yield the dotted name, the owner, the attribute and its value of all parameters and buffers."""
    for path, module in paths(root):
        held: list[tuple[str, Parameter | NDArray[Any]]] = [*own_parameters(module), *own_buffers(module).items()]
        for name, value in held:
            yield path + name, module, name, value


def state_entries_of(root: "Module") -> Iterator[tuple[str, "Module", str, Parameter | NDArray[Any]]]:
    """Yield those of `entries_of` that belong to the state."""
    return (entry for entry in entries_of(root) if entry[2] not in entry[1].passing_names)


def from_below(module: "Module", seen: set[int]) -> Iterator["Module"]:
    """Yield all modules once, each after its children."""
    if id(module) not in seen:
        seen.add(id(module))
        for child in module.children():
            yield from from_below(child, seen)
        yield module


def once(pairs: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Skip what has already occurred under another name."""
    seen: set[int] = set()
    for name, value in pairs:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value
