"""Modules: trees of parameters with a forward pass.

A module keeps its parameters, buffers and children as plain attributes. What it has is read off
from them whenever it is asked for, so there is nothing to keep in step: deleting or replacing an
attribute is all that it takes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from autograd_cnn.errors import ArgumentError, OperandError, sentence
from autograd_cnn.recording import scope
from autograd_cnn.tape import values_of
from autograd_cnn.tensor import Tensor


class Parameter(Tensor):
    """A tensor that its module counts among what is to be learned.

    What is computed from it is an ordinary `Tensor`. A copy or a pickle has the values, but
    neither the gradient nor the history.

    Parameters
    ----------
    data : array_like
        The first values; they are copied.
    requires_grad : bool
        False for one that is kept fixed.
    dtype : dtype, optional
        By default that of ``data``.
    name : str, optional
        What to call it in a graph; by default the attribute that it is first assigned to.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> w = nn.Parameter([1.0, 2.0])
    >>> w.requires_grad, type(w * 2).__name__
    (True, 'Tensor')
    """

    __slots__ = ()

    def __init__(
        self, data: ArrayLike, requires_grad: bool = True, dtype: DTypeLike | None = None, name: str | None = None
    ) -> None:
        super().__init__(data, requires_grad, dtype, name)


class Unmatched(NamedTuple):
    """The names that `Module.load_state_dict` found on one side only."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """A part of a network: parameters, buffers and smaller modules as attributes, and ``forward``.

    Subclasses assign their parts in ``__init__`` and define ``forward``. Calling a module runs
    ``forward``; what it computes is recorded under the name of the attribute that holds the module.

    Attributes
    ----------
    training : bool
        Whether layers such as `Dropout` behave as in training; see `train` and `eval`.
    buffer_names : tuple of str
        The attributes that `register_buffer` has made.
    scope_name : str
        The path below the calling module under which operations are recorded; empty at the root.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_cnn import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         self.factor = nn.Parameter([2.0, 3.0])
    ...
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> scale = Scale()
    >>> scale(np.ones(2)).numpy()
    array([2., 3.])
    >>> list(scale.state_dict())
    ['factor']
    """

    training: bool = True
    buffer_names: tuple[str, ...] = ()
    scope_name: str = ""

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the module's output; each subclass says how."""
        raise NotImplementedError(sentence(type(self).__name__, "forward is not defined"))

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Run ``forward`` inside the module's scope."""
        if not self.scope_name:
            return self.forward(*inputs, **options)
        with scope(self.scope_name):
            return self.forward(*inputs, **options)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        if name in self.buffer_names:
            self.buffer_names = tuple(other for other in self.buffer_names if other != name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            value.name = value.name or name
        elif isinstance(value, Module):
            value.set_scope(name)
        elif name in self.buffer_names:
            value = _read_only(value)
        super().__setattr__(name, value)

    def set_scope(self, name: str) -> None:
        """Record what the module computes under ``name``; assigning it to an attribute does so."""
        self.scope_name = name

    def register_buffer(self, name: str, value: ArrayLike) -> None:
        """Keep ``value`` as a read-only array that belongs to the state, but is not learned.

        Whatever is assigned to the attribute later is kept in the same way.

        Examples
        --------
        >>> from autograd_cnn import nn
        >>> module = nn.Module()
        >>> module.register_buffer("count", 3)
        >>> module.state_dict()
        {'count': array(3)}
        """
        if name not in self.buffer_names:
            self.buffer_names = (*self.buffer_names, name)
        setattr(self, name, value)

    # --- what it consists of ------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Yield the modules one level down with their names."""
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def children(self) -> Iterator["Module"]:
        """Yield the modules one level down."""
        return (child for _, child in self.named_children())

    def named_modules(self) -> Iterator[tuple[str, "Module"]]:
        """Yield this module and all below with their dotted names, each once."""
        return ((path[:-1], module) for path, module in _once(_paths(self)))

    def modules(self) -> Iterator["Module"]:
        """Yield this module and all below, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters of this module and all below with their dotted names, each once.

        Examples
        --------
        >>> from autograd_cnn import nn
        >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False))
        >>> [name for name, _ in net.named_parameters()]
        ['0.weight', '0.bias', '2.weight']
        """
        return _once((path + name, p) for path, module in _paths(self) for name, p in _own_parameters(module))

    def parameters(self) -> Iterator[Parameter]:
        """Yield the parameters of this module and all below, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield the buffers of this module and all below with their dotted names."""
        for path, module in _once(_paths(self)):
            for name in module.buffer_names:
                yield path + name, getattr(module, name)

    def buffers(self) -> Iterator[NDArray[Any]]:
        """Yield the buffers of this module and all below."""
        return (buffer for _, buffer in self.named_buffers())

    # --- its state ----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return all parameters and buffers as read-only arrays, by their dotted names.

        Names and layouts are PyTorch's; what is shared appears under each of its names.
        """
        return {key: values_of(getattr(module, name)) for key, module, name in _places(self)}

    def load_state_dict(self, state: Mapping[str, ArrayLike], strict: bool = True) -> Unmatched:
        """Take over the values of ``state``, all or none of them.

        Parameters
        ----------
        state : mapping of str to array_like
            Such as `state_dict` returns, here or in PyTorch. Values take the dtype of what they replace.
        strict : bool
            Refuse a state with names missing or left over.

        Returns
        -------
        Unmatched
            ``(missing_keys, unexpected_keys)``, both empty where ``strict``.

        Raises
        ------
        ArgumentError
            Listing all names, shapes and dtypes that do not fit; nothing is changed then.

        Examples
        --------
        >>> from autograd_cnn import nn
        >>> layer = nn.Linear(2, 1)
        >>> layer.load_state_dict({"weight": [[1.0, 2.0]], "bias": [0.5]})
        Unmatched(missing_keys=[], unexpected_keys=[])
        >>> layer([1.0, 1.0]).numpy()
        array([3.5])
        """
        places = {key: (module, name) for key, module, name in _places(self)}
        given = {key: _given(value) for key, value in state.items()}
        unmatched = Unmatched([key for key in places if key not in given], [key for key in given if key not in places])
        matched = [(*places[key], key, value) for key, value in given.items() if key in places]
        misfits = [
            f"{key}: expected {held.dtype} {held.shape}, got {value.dtype} {value.shape}"
            for module, name, key, value in matched
            if not _fits(value, held := values_of(getattr(module, name)))
        ]
        if misfits or (strict and any(unmatched)):
            raise ArgumentError(
                sentence("load_state_dict", f"the state does not fit {type(self).__name__}",
                         hint="; ".join(_complaints(unmatched if strict else Unmatched([], []), misfits)))
            )  # fmt: skip
        for module, name, _, value in matched:
            _replace(module, name, value)
        return unmatched

    # --- changing all of it -------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set this module and all below to training, or to use where ``mode`` is False."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set this module and all below to use: no dropout, running statistics."""
        return self.train(mode=False)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let gradients flow into all parameters, or hold them fixed."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def astype(self, dtype: DTypeLike) -> Self:
        """Give all parameters and all buffers of floats another dtype; gradients are forgotten.

        Raises
        ------
        OperandError
            If ``dtype`` is no float.
        """
        wanted = np.dtype(dtype)
        if wanted.kind != "f":
            raise OperandError(sentence("astype", "parameters are floats", expected="float32 or float64", got=wanted))
        self.zero_grad()
        for _, module, name in _places(self):
            held = values_of(getattr(module, name))
            if held.dtype.kind == "f":
                _replace(module, name, held, wanted)
        return self

    # --- how it shows itself ------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Return what stands between the parentheses in the module's own line."""
        return ""

    def __repr__(self) -> str:
        count = sum(parameter.size for parameter in self.parameters())
        head = f"{type(self).__name__}({self.extra_repr()})" + (f": {_counted(count)}" if count else "")
        below = (f"{name}: {child!r}".replace("\n", "\n  ") for name, child in self.named_children())
        return "\n  ".join([head, *below])


def _counted(count: int) -> str:
    return "1 parameter" if count == 1 else f"{count:,} parameters"


def _paths(module: Module, prefix: str = "") -> Iterator[tuple[str, Module]]:
    """Yield a module and all below by every path that leads there, the path ending in a dot."""
    yield prefix, module
    for name, child in module.named_children():
        yield from _paths(child, f"{prefix}{name}.")


def _own_parameters(module: Module) -> Iterator[tuple[str, Parameter]]:
    return ((name, value) for name, value in vars(module).items() if isinstance(value, Parameter))


def _places(root: Module) -> Iterator[tuple[str, Module, str]]:
    """Yield the dotted name, the owner and the attribute of all that belongs to the state."""
    for path, module in _paths(root):
        for name in (*(name for name, _ in _own_parameters(module)), *module.buffer_names):
            yield path + name, module, name


def _once(pairs: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Leave out what has come before under another name."""
    seen: set[int] = set()
    for name, value in pairs:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value


def _given(value: Any) -> NDArray[Any]:
    """Return values to take over; a tensor that a transform follows refuses, as its gradient would be lost."""
    followed = isinstance(value, Tensor) and value.followed()
    return np.asarray(value) if followed else values_of(value)


def _read_only(value: Any, dtype: DTypeLike | None = None) -> NDArray[Any]:
    array = np.array(_given(value), dtype)
    array.flags.writeable = False
    return array


def _fits(value: NDArray[Any], held: NDArray[Any]) -> bool:
    return value.shape == held.shape and np.can_cast(value.dtype, held.dtype, "same_kind")


def _replace(module: Module, name: str, value: NDArray[Any], dtype: DTypeLike | None = None) -> None:
    held = getattr(module, name)
    array = _read_only(value, dtype or held.dtype)
    if isinstance(held, Parameter):
        held.data = array
    else:
        setattr(module, name, array)


def _complaints(unmatched: Unmatched, misfits: list[str]) -> Iterator[str]:
    if unmatched.missing_keys:
        yield f"missing: {', '.join(unmatched.missing_keys)}"
    if unmatched.unexpected_keys:
        yield f"unexpected: {', '.join(unmatched.unexpected_keys)}"
    yield from misfits
