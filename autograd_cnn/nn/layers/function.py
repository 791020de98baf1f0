"""Layers that are functions with options, declared by their options alone."""

from dataclasses import MISSING, fields
from typing import Any, ClassVar, TypeVar, dataclass_transform

from autograd_cnn.engine.composite import declared
from autograd_cnn.engine.node import Array
from autograd_cnn.nn.module import Module

Layer = TypeVar("Layer", bound=type[Module])


@dataclass_transform(eq_default=False)
def layer(cls: Layer) -> Layer:
    """Turn the annotated attributes of a layer into the arguments of its constructor, as `declared` does.

    The layer's `repr` shows those without a default, or with another value.

    Examples
    --------
    >>> from autograd_cnn.parameters import Size
    >>> @layer
    ... class Patches(Module):
    ...     size: Size
    ...     stride: Size = 1
    >>> Patches(3), Patches(3, stride=2)
    (Patches(size=3), Patches(size=3, stride=2))
    """
    made: Any = declared(cls)
    options = fields(made)
    made._options = tuple(option.name for option in options if option.name != "inplace")  # noqa: SLF001  # its own
    if "_shown" not in vars(made):
        unusual = tuple(f.name if f.default is MISSING else (f.name, f.default) for f in options)
        made._shown = made._options if getattr(made, "_shows_all", False) else unusual  # noqa: SLF001  # its own
    return cls


class Function(Module):
    """A layer that calls its ``function`` with its options, except for PyTorch's ``inplace``, which has no effect."""

    function: ClassVar[Any]
    _options: ClassVar[tuple[str, ...]] = ()
    _shows_all: ClassVar[bool] = False
    """Whether ``repr`` shows options that have their default, too."""

    def _result(self, *inputs: Array, **options: Any) -> Array:
        return self.function(*inputs, **{name: getattr(self, name) for name in self._options}, **options)


@layer
class ElementFunction(Function):
    """A function of each element of an array; a subclass without options only has to name it."""

    _shows_all = True

    def forward(self, x: Array) -> Array:
        """Apply it to every element of ``x``."""
        return self._result(x)
