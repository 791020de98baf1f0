"""The table of ONNX's operators, which the families in `autograd_cnn.onnx.operators` fill.

An entry is a function of primitives. It takes the operator's inputs by position and its attributes by their ONNX names,
and returns an array, or a tuple if there are several outputs. Inputs whose values must be known, such as shapes, are
annotated as `Numbers` or `Ints`; inputs that are not learned if the file contains them, as `Fixed` or `Indices`;
gradients flow through all others. If an older opset has an attribute instead of an input, it is passed as that input.
If only some values of an attribute are supported, its annotation is a `Literal`. A function that names ``opset`` or
``outputs`` is passed the file's opset, or the number of requested outputs.

Source: https://onnx.ai/onnx/operators
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Protocol, TypeAlias, TypeVar, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.node import Array, Shape, Traced, values_of
from autograd_cnn.engine.trace import reading
from autograd_cnn.errors import FormatError
from autograd_cnn.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])

Numbers: TypeAlias = NDArray[Any]
"""An input whose values are known without computing anything: a limit, a batch's statistics."""

Ints: TypeAlias = NDArray[np.integer[Any]]
"""Such an input of integers: a shape, an axis."""

Fixed: TypeAlias = Annotated[Any, "fixed"]
"""An input that is not learned if the file contains it, though gradients flow if it is computed: a scale, an exponent."""

Indices: TypeAlias = Annotated[Any, "indices"]
"""Such an input of integers, such as indices."""

Weights: TypeAlias = Annotated[Any, "weights"]
"""An input of integers that become float parameters if the file contains them."""

Flag: TypeAlias = Literal[0, 1]

Values: TypeAlias = list[Any]
"""A sequence of arrays."""


class Body(Protocol):
    """A subgraph, such as the body of a loop, called on its inputs."""

    def __call__(self, *inputs: Array) -> tuple[Array, ...]:
        """Return its outputs."""


Extent: TypeAlias = Callable[[Sequence[Shape], Sequence[Any], Mapping[str, Any]], int]
"""Maps the shapes of the inputs, the inputs themselves (None if omitted) and the attributes, including inputs that are
given as attributes, to a number of elements that all outputs together do not exceed."""

Check: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Refuses attributes, and inputs that are known when a file is loaded, by name."""

CONTEXT: Final = ("opset", "outputs")
"""Arguments of a function that are neither inputs nor attributes."""

KINDS: Final[dict[Any, str]] = {Ints: "iu", Numbers: "biuf", Indices: "iu", Fixed: "biuf"}
"""The dtype kinds that an input may have if it is not learned."""


def broadcast_extent(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001  # one signature for all
    """For operators that only move, crop, or compute element by element: the inputs, broadcast or side by side."""
    together = sum(map(math.prod, shapes))
    try:
        return max(together, math.prod(np.broadcast_shapes(*shapes)))
    except ValueError:  # if they do not fit, the operator's own error says more
        return together


@dataclass(frozen=True, slots=True)
class Input:
    """An input of an operator.

    Attributes
    ----------
    name : str
    optional : bool
        Whether it may be left out.
    kinds : str
        The dtype kinds that it may have if it is not learned; empty if gradients flow through it.
    known : bool
        Whether its values must be known.
    weights : bool
        Whether integers in the file become parameters.
    """

    name: str
    optional: bool
    kinds: str
    known: bool
    weights: bool

    def of(self, value: Array) -> Array:
        """Return a value in the form that the operator takes.

        Raises
        ------
        FormatError
            If its dtype is of another kind, or it must be known but is computed from parameters.
        """
        if not self.kinds:
            return value
        if value.dtype.kind not in self.kinds:
            raise FormatError("an input has to be made of whole numbers", expected="int32 or int64", got=value.dtype)
        if not self.known:
            return value
        if isinstance(value, Traced) and value.node is not None:
            raise FormatError("an input that has to be known is computed from parameters")
        return known(value)


class Operator:
    """An entry of the table.

    Attributes
    ----------
    name, domain : str
        ONNX's.
    function : callable
        Takes inputs by position, attributes by keyword.
    extent : callable
        How large its results can be.
    check : callable or None
        The check when a file is loaded.
    inputs : tuple of Input
        By position; the last stands for any number where it is ``variadic``.
    outputs : int or None
        How many outputs it can have; None for any number.
    draws : bool
        Whether it draws random numbers, so that its results differ from run to run.
    """

    def __init__(
        self, name: str, domain: str, function: Callable[..., Any], extent: Extent, check: Check | None, draws: bool
    ) -> None:
        self.name = name
        self.domain = domain
        self.function = function
        self.extent = extent
        self.check = check
        self.draws = draws
        self.signature = inspect.signature(function)
        parameters = self.signature.parameters
        constant = getattr(function, "constant", False)  # a compared or rounded value is not a weight
        self.inputs = tuple(
            Input(p.name, _optional(p), *_kinds(Fixed if constant else p.annotation), p.annotation is Weights)
            for p in parameters.values() if p.kind not in {p.KEYWORD_ONLY, p.VAR_KEYWORD}
        )  # fmt: skip
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
        self.context = tuple(name for name in CONTEXT if name in parameters)
        returned = self.signature.return_annotation
        several = get_args(returned) if get_origin(returned) is tuple else (returned,)
        self.outputs = None if ... in several or "outputs" in self.context else len(several)

    def input(self, position: int) -> Input:
        """Return the input at a position; positions beyond the last count as the last."""
        return self.inputs[min(position, len(self.inputs) - 1)]


def _optional(parameter: inspect.Parameter) -> bool:
    given = parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
    return not given or type(None) in get_args(parameter.annotation)


def _kinds(annotation: Any) -> tuple[str, bool]:
    """Return the dtype kinds of an input that is not learned, and whether it must be known."""
    options = (annotation, *get_args(annotation))
    return next(
        ((kinds, kind not in {Fixed, Indices}) for kind, kinds in KINDS.items() if kind in options), ("", False)
    )


TABLE: Final[dict[tuple[str, str], Operator]] = {}
"""The operators by domain and name."""


def operator(
    name: str, *, domain: str = "", extent: Extent = broadcast_extent, check: Check | None = None, draws: bool = False
) -> Callable[[F], F]:
    """Register the decorated function in the table as the operator ``name``.

    Parameters
    ----------
    name : str
    domain : str
        Empty for ONNX's own operators.
    extent : callable
        How large the results can be.
    check : callable, optional
        What is checked when a file is loaded.
    draws : bool
        Whether it draws random numbers.
    """

    def enter(function: F) -> F:
        TABLE[domain, name] = Operator(name, domain, function, extent, check, draws)
        return function

    return enter


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of arrays without gradients (piecewise constant, or not differentiable) as one on tensors."""

    def run(*arrays: Array, **parameters: Any) -> Any:
        return function(*map(known, arrays), **parameters)

    return run


def known(x: Array) -> NDArray[Any]:
    """Return the values of an input that Python inspects."""
    reading("OnnxNetwork", x)
    return values_of(x)


def detached(x: Array) -> Array:
    """Return an input without gradients; Python does not inspect its values."""
    return x.detach() if isinstance(x, Tensor) else x
