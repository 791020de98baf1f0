"""Modules: trees of parameters with a forward pass.

A module keeps its parameters, buffers and children as plain attributes. They are looked up whenever
they are needed, so there is no registry to keep in sync: just delete or replace an attribute.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, check_differentiable, values_of
from autograd_cnn.engine.recording import entering, recording
from autograd_cnn.engine.trace import RUNNING, Held, current, effect
from autograd_cnn.errors import ArgumentError, OperandError, counted, printable, sentence
from autograd_cnn.nn.hooks import Hooked
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.nn.state import Unmatched, cast, complaints, fits, fixed, plain, read_only, same
from autograd_cnn.nn.walk import (
    check_found,
    entries_of,
    from_below,
    once,
    own_buffers,
    own_parameters,
    parts_in,
    paths,
    state_entries_of,
)
from autograd_cnn.parameters import flag, float_dtype
from autograd_cnn.spelling import MODULE_ATTRIBUTES, Elsewhere
from autograd_cnn.tensor import Tensor
from autograd_cnn.tensor.torch_methods import dtype_asked_for


class _OfConstructor:
    """The signature of a module's class; without it, `inspect` in early Python 3.11 shows that of ``Module.__new__``."""

    def __get__(self, module: Any, kind: type) -> inspect.Signature:
        if module is not None:
            raise AttributeError("__signature__")
        whole = inspect.signature(kind.__init__)  # type: ignore[misc]  # of the class itself
        return whole.replace(parameters=list(whole.parameters.values())[1:])


class Module(Hooked):
    """A part of a network: parameters, buffers and smaller modules as attributes, and ``forward``.

    Subclasses assign their parts in ``__init__`` and define ``forward``. Calling a module runs
    ``forward``; what it computes is recorded under the name of the attribute that holds the module.

    A part can be replaced by another part, or by None; to assign anything else, ``del`` it first. Parts in a plain list
    or dict, or in the class, would not be found, and are errors: see `ModuleList`.

    A deep copy or a pickle is an independent network. Shared parts stay shared; generators continue from their current
    state.

    Attributes
    ----------
    training : bool
        Whether layers such as `Dropout` behave as in training; see `Module.train` and `Module.eval`.
    buffer_names : tuple of str
        The attributes that `register_buffer` has made.
    passing_names : tuple of str
        The buffers that are not part of the state.
    scope_name : str
        The calling module's name for this one, for graphs; empty at the root.

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

    _shown: tuple[str | tuple[str, object], ...] = ()
    """The attributes that ``repr`` shows; one paired with a value is shown only if it differs."""

    __signature__ = _OfConstructor()

    training: bool
    buffer_names: tuple[str, ...] = ()
    passing_names: tuple[str, ...] = ()
    scope_name: str = ""

    def __new__(cls, *args: Any, **options: Any) -> Self:  # noqa: ARG004  # not __init__, which subclasses need not call
        """Make a module, in training mode."""
        module = super().__new__(cls)
        vars(module)["training"] = True
        return module

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the module's output; subclasses define this."""
        raise NotImplementedError(sentence(type(self).__name__, "forward is not defined"))

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Run ``forward`` inside a scope of this call."""
        if (watcher := entering.get()) is not None:
            watcher(self)
        outer = recording.get()
        try:  # not `with scope(...)`: an interrupt can arrive between the two of them
            inner = outer.within(self.scope_name, type(self).__name__)
            recording.set(inner)
            if self._hooks is not None:
                return self.call_with_hooks(inputs, options)
            return self.forward(*inputs, **options)
        finally:
            recording.set(outer)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, value in vars(cls).items():
            if any(parts_in(value)):
                problem = f"{name!r} is a module or a parameter of the class, where it is not found"
                raise OperandError(cls.__name__, problem, hint="assign it to self in __init__")

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._no_buffer(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if RUNNING and (trace := current.get()) is not None:
            trace.refuse(f"the attribute {name!r} of a module is set")
        held = vars(self).get(name)
        if isinstance(value, Parameter | Module):
            self._no_buffer(name)
            if isinstance(value, Parameter):
                value.name = value.name or name
            else:
                if any(module is self for module in value.modules()):
                    raise ArgumentError(type(self).__name__, f"{name!r} would make it a part of itself")
                value.set_scope(name)
        elif isinstance(held, Parameter | Module) and value is not None:
            parameter = isinstance(held, Parameter)
            raise OperandError(
                type(self).__name__, f"{name!r} holds a {'parameter' if parameter else 'module'}",
                expected="an nn.Parameter or None" if parameter else "a Module or None",
                got=type(value).__name__,
                hint=f"set {name}.data for other values" if parameter else "del it first for anything else"
            )  # fmt: skip
        elif name in self.buffer_names:
            value = None if value is None else read_only(value)
        else:
            check_found(self, name, value)
        super().__setattr__(name, value)

    def __setstate__(self, state: Any) -> None:
        """Restore the attributes of a copy or a pickle; NumPy has made their arrays writable."""
        attributes, slots = state if isinstance(state, tuple) else (state, {})
        vars(self).update(attributes or {})
        for name, value in slots.items():
            setattr(self, name, value)
        for buffer in own_buffers(self).values():
            buffer.flags.writeable = False

    def _no_buffer(self, name: str) -> None:
        if name in self.buffer_names:
            self.buffer_names = tuple(other for other in self.buffer_names if other != name)
            self.passing_names = tuple(other for other in self.passing_names if other != name)

    def set_scope(self, name: str) -> None:
        """Record what the module computes under ``name``; assigning it to an attribute does so."""
        self.scope_name = name

    def register_buffer(self, name: str, value: ArrayLike | None, persistent: bool = True) -> None:
        """Keep ``value`` as a read-only array that is not trained.

        Later assignments to the attribute are treated in the same way; None stands for no array.

        Parameters
        ----------
        name : str
            The attribute.
        value : array_like or None
        persistent : bool
            Whether it is part of the state. If not, ``__init__`` has to recreate it, such as a table.

        Raises
        ------
        ArgumentError
            If another attribute has this name.
        OperandError
            If ``value`` does not hold numbers, or ``persistent`` is not a bool.

        Examples
        --------
        >>> from autograd_cnn import nn
        >>> module = nn.Module()
        >>> module.register_buffer("count", 3)
        >>> module.state_dict()
        {'count': array(3)}
        """
        if not isinstance(name, str):
            raise OperandError("register_buffer", "name is not a string", expected="str", got=type(name).__name__)
        flag("register_buffer", "persistent", persistent)
        array = None if value is None else read_only(value)
        if name not in self.buffer_names:
            if hasattr(self, name):
                raise ArgumentError(type(self).__name__, f"the name {name!r} is taken")
            self.buffer_names = (*self.buffer_names, name)
        passing = [other for other in self.passing_names if other != name]
        self.passing_names = tuple(passing if persistent else [*passing, name])
        self.set_buffers(**{name: array})

    def set_buffers(self, **arrays: ArrayLike | None) -> None:
        """Assign to several buffers at once, so that an interrupt changes all of them or none.

        Raises
        ------
        ArgumentError
            If one of the names is not that of a buffer.
        """
        if unknown := [name for name in arrays if name not in self.buffer_names]:
            hint = f"it has {', '.join(self.buffer_names)}"
            raise ArgumentError(type(self).__name__, f"no buffer {unknown[0]!r}", hint=hint)
        vars(self).update({name: None if array is None else read_only(array) for name, array in arrays.items()})

    # --- what it consists of ------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Yield the modules one level down with their names."""
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def children(self) -> Iterator["Module"]:
        """Yield the modules one level down."""
        return (child for _, child in self.named_children())

    def named_modules(self) -> Iterator[tuple[str, "Module"]]:
        """Yield this module and all below with their dotted names, each once."""
        return ((path[:-1], module) for path, module in once(paths(self)))

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
        return once((path + name, p) for path, module in paths(self) for name, p in own_parameters(module))

    def parameters(self) -> Iterator[Parameter]:
        """Yield the parameters of this module and all below, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield the buffers of this module and all below with their dotted names."""
        for path, module in once(paths(self)):
            for name, buffer in own_buffers(module).items():
                yield path + name, buffer

    def buffers(self) -> Iterator[NDArray[Any]]:
        """Yield the buffers of this module and all below."""
        return (buffer for _, buffer in self.named_buffers())

    def get_submodule(self, target: str) -> "Module":
        """Return the module with a dotted name; the module itself for the empty name.

        Raises
        ------
        ArgumentError
            If there is none.

        Examples
        --------
        >>> from autograd_cnn import nn
        >>> nn.Sequential(nn.Sequential(nn.ReLU())).get_submodule("0.0")
        ReLU()
        """
        found: Any = self
        for name in target.split(".") if target else ():
            found = vars(found).get(name)
            if not isinstance(found, Module):
                raise ArgumentError(type(self).__name__, f"no module {target!r}")
        return found

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter with a dotted name.

        Raises
        ------
        ArgumentError
            If there is none.
        """
        path, _, name = target.rpartition(".")
        found = vars(self.get_submodule(path)).get(name)
        if not isinstance(found, Parameter):
            raise ArgumentError(type(self).__name__, f"no parameter {target!r}")
        return found

    def add_module(self, name: str, module: "Module | None") -> None:
        """Assign a module to the attribute ``name``."""
        setattr(self, name, module)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Assign a parameter to the attribute ``name``."""
        setattr(self, name, param)

    # --- its state ----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return all parameters and buffers as read-only arrays, by their dotted names.

        Names and layouts are PyTorch's; shared values appear under each of their names.
        """
        return {key: fixed(values_of(held)) for key, _, _, held in state_entries_of(self)}

    def load_state_dict(self, state: Mapping[str, ArrayLike], strict: bool = True) -> Unmatched:
        """Load the values of ``state``, all or none of them.

        Parameters
        ----------
        state : mapping of str to array_like
            As returned by `state_dict`, here or in PyTorch. Values are cast to the dtype of what they replace.
        strict : bool
            Refuse a state with missing or unexpected names.

        Returns
        -------
        Unmatched
            ``(missing_keys, unexpected_keys)``, both empty if ``strict``.

        Raises
        ------
        ArgumentError
            If names, shapes or dtypes do not match, or shared values have different entries; it lists all of them, and
            nothing is changed.
        OperandError
            If ``state`` is not a mapping, or ``strict`` is not a bool.

        Examples
        --------
        >>> from autograd_cnn import nn
        >>> layer = nn.Linear(2, 1)
        >>> layer.load_state_dict({"weight": [[1.0, 2.0]], "bias": [0.5]})
        Unmatched(missing_keys=[], unexpected_keys=[])
        >>> layer([1.0, 1.0]).numpy()
        array([3.5], dtype=float32)
        """
        flag("load_state_dict", "strict", strict)
        if not isinstance(state, Mapping):
            raise OperandError(
                "load_state_dict", "state is not a mapping of names to arrays", expected="such as state_dict() "
                "returns", got=type(state).__name__
            )  # fmt: skip
        entries = {key: (module, name, held) for key, module, name, held in state_entries_of(self)}
        given = {key: plain(value) for key, value in state.items()}
        unmatched = Unmatched(
            [key for key in entries if key not in given], [key for key in given if key not in entries]
        )
        matched = [(key, *entries[key], value) for key, value in given.items() if key in entries]
        misfits = [
            f"{key}: expected {held.dtype} {held.shape}, got {value.dtype} {value.shape}"
            for key, _, _, held, value in matched
            if not fits(value, held)
        ]
        firsts: dict[Any, str] = {}
        for key, module, name, held, value in matched:
            first = firsts.setdefault(id(held) if isinstance(held, Parameter) else (id(module), name), key)
            if not same(value, given[first]):
                misfits.append(f"{key}: shared with {first}, but with other values")
        if misfits or (strict and any(unmatched)):
            raise ArgumentError("load_state_dict", f"the state does not fit {type(self).__name__}",
                                hint="; ".join(complaints(unmatched if strict else Unmatched([], []), misfits)))  # fmt: skip
        _replace([(module, name, held, cast(held, value, held.dtype)) for _, module, name, held, value in matched])
        return unmatched

    # --- changing all of it -------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set this module and all below to training mode, or to evaluation mode if ``mode`` is False.

        Raises
        ------
        OperandError
            If ``mode`` is not a bool.
        """
        flag("train", "mode", mode)
        for module in list(self.modules()):
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """Set this module and all below to evaluation mode: no dropout, running statistics."""
        return self.train(mode=False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of all parameters to None, or fill existing ones with zeros.

        Raises
        ------
        OperandError
            If ``set_to_none`` is not a bool.
        """
        forget_gradients(self.parameters(), set_to_none)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Make all parameters require gradients, or freeze them.

        Raises
        ------
        OperandError
            If ``requires_grad`` is not a bool, or True for a parameter of integers; then none is changed.
        """
        flag("requires_grad_", "requires_grad", requires_grad)
        parameters = list(self.parameters())
        if requires_grad:
            for parameter in parameters:
                check_differentiable(parameter.dtype, "requires_grad_")
        for parameter in parameters:
            parameter.requires_grad = bool(requires_grad)
        return self

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert all parameters and floating-point buffers to another dtype; gradients are reset.

        Raises
        ------
        OperandError
            If ``dtype`` is not float16, float32 or float64.
        """
        wanted = float_dtype("astype", "dtype", dtype)
        changed = [(module, name, held) for _, module, name, held in entries_of(self) if held.dtype.kind == "f"]
        _replace([(module, name, held, cast(held, values_of(held), wanted)) for module, name, held in changed])
        self.zero_grad()
        return self

    def apply(self, fn: Callable[["Module"], Any]) -> Self:
        """Call ``fn`` on all modules below, children first, and on this one, once each.

        Examples
        --------
        >>> from autograd_cnn import nn
        >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        >>> _ = net.apply(lambda module: print(type(module).__name__))
        Linear
        ReLU
        Sequential
        """
        for module in from_below(self, set()):
            fn(module)
        return self

    def to(self, *targets: Any, device: str | None = None, dtype: DTypeLike | None = None) -> Self:
        """Convert to another dtype, as `Module.astype`; the only device is ``"cpu"``.

        Parameters
        ----------
        *targets : dtype, tensor or "cpu"
            A tensor stands for its dtype.
        device : {"cpu"}, optional
        dtype : dtype, optional

        Raises
        ------
        OperandError
            If the device is another, or the dtype is not a float type.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_cnn import nn
        >>> nn.Linear(2, 1).to("cpu", np.float64).weight.dtype
        dtype('float64')
        """
        asked = [dtype_asked_for(target) for target in (*targets, device, dtype) if target is not None]
        wanted = [each for each in asked if each is not None]
        return self.astype(wanted[-1]) if wanted else self

    def half(self) -> Self:
        """Convert to float16."""
        return self.astype(np.float16)

    def float(self) -> Self:
        """Convert to float32."""
        return self.astype(np.float32)

    def double(self) -> Self:
        """Convert to float64."""
        return self.astype(np.float64)

    # --- how it shows itself ------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Return the text between the parentheses of the module's ``repr``."""
        return ", ".join(unusual(self, self._shown))

    def __repr__(self) -> str:
        count = sum(parameter.size for parameter in self.parameters())
        head = f"{type(self).__name__}({self.extra_repr()})" + (f": {counted(count, 'parameter')}" if count else "")
        below = (f"{printable(name)}: {child!r}".replace("\n", "\n  ") for name, child in self.named_children())
        return "\n  ".join([head, *below])


for _name, _hint in MODULE_ATTRIBUTES.items():
    setattr(Module, _name, Elsewhere(_name, _hint, "module"))


def unusual(module: Module, shown: Iterable[str | tuple[str, object]]) -> Iterator[str]:
    """Yield ``name=value`` of attributes for `extra_repr`; those with a default only if they differ from it."""
    for each in shown:
        name, default = (each, unusual) if isinstance(each, str) else each
        value = getattr(module, name, default)
        if value != default:
            yield f"{name}={value!r}"


def forget_gradients(parameters: Iterable[Tensor], set_to_none: bool) -> None:
    """Set the gradients of parameters to None, or existing ones to zeros."""
    effect(_zero_grad, Held(tuple(parameters)), flag("zero_grad", "set_to_none", set_to_none))


def _zero_grad(parameters: tuple[Tensor, ...], forget: bool) -> None:
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad = None if forget else np.zeros(parameter.shape, parameter.dtype)


def _replace(all_of_it: list[tuple[Module, str, Parameter | NDArray[Any], Any]]) -> None:
    """Assign the new values; everything that could fail has already been done."""
    for module, name, held, new in all_of_it:
        if isinstance(held, Parameter):
            held.replace_data(new)
        else:
            vars(module)[name] = new


class Parameterless(Module):
    """A layer without constructor arguments."""

    @composite
    def __init__(self) -> None:
        pass


# --- what layers compute in -------------------------------------------------------------------


def in_dtype_of(own: Any, x: Array) -> Array:
    """Return ``x`` in the float dtype of a layer's own parameter; its gradient keeps the dtype of ``x``.

    All layers with parameters pass their inputs through here: a model computes in its own dtype, not in that of an
    array that NumPy happened to make in float64. If ``own`` is None, there is no conversion.

    Examples
    --------
    >>> import numpy as np
    >>> in_dtype_of(np.ones(3, np.float32), np.array([1.0, 2.0]))
    array([1., 2.], dtype=float32)
    """
    if own is None:
        return x
    if not isinstance(x, Tensor):
        x = np.asarray(x)
    given, dtype = x.dtype, own.value.dtype if isinstance(own, Tensor) else own.dtype
    if given == dtype or given.kind not in "biuf" or dtype.kind != "f":
        return x
    return ops.astype(x, dtype=dtype)
