"""A network as a list of operators with named inputs and outputs."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.node import Array, Traced, shape_of
from autograd_cnn.engine.recording import scope
from autograd_cnn.errors import FormatError, ShapeError, sentence
from autograd_cnn.nn import Module, Parameter
from autograd_cnn.nn.module import in_dtype_of
from autograd_cnn.onnx.budget import CALL, Budget
from autograd_cnn.onnx.operator import TABLE, Input, known

_FAILURES: Final = (
    TypeError, ValueError, LookupError, AttributeError, ArithmeticError, MemoryError, RuntimeError,
)  # fmt: skip
"""The errors that NumPy raises for operands that do not fit."""


@dataclass(frozen=True, slots=True)
class OnnxInput:
    """An input of the network.

    Attributes
    ----------
    name : str
    shape : tuple of (int or str), or None
        An unknown length has a name, or ``"?"``; None stands for any shape.
    dtype : dtype
    """

    name: str
    shape: tuple[int | str, ...] | None
    dtype: np.dtype[Any]

    def check(self, x: Array) -> None:
        """Raise `ShapeError` unless ``x`` has the shape."""
        if self.shape is None:
            return
        got = shape_of(x)
        fits = len(got) == len(self.shape) and all(isinstance(n, str) or n == m for n, m in zip(self.shape, got))  # noqa: B905  # as long as each other
        if not fits:
            raise ShapeError(f"input {self.name!r}", "the shape does not fit", expected=str(self), got=got)

    def __str__(self) -> str:
        """The shape as written in the file."""
        return "any shape" if self.shape is None else f"({', '.join(map(str, self.shape))})"


@dataclass(frozen=True, slots=True)
class OnnxOutput:
    """An output of the network.

    Attributes
    ----------
    name : str
    dtype : dtype or None
        An integer dtype that the file promises, to which results computed in floats are converted; else None.
    """

    name: str
    dtype: np.dtype[Any] | None

    def of(self, value: Array) -> Array:
        """Return the value as the file promises it."""
        if self.dtype is None or isinstance(value, list) or value.dtype.kind != "f":
            return value
        return np.rint(known(value)).astype(self.dtype)


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The body of a branch or a loop.

    Attributes
    ----------
    inputs, outputs : tuple of str
    steps : tuple of Step
    captured : frozenset of str
        Names of values from the enclosing graph, including those that its own subgraphs use.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: tuple["Step", ...]
    captured: frozenset[str]

    def bound(self, values: Mapping[str, Array], budget: Budget) -> Callable[..., tuple[Array, ...]]:
        """Return the body as a function of its inputs, given the enclosing values."""
        around = {name: values[name] for name in self.captured}

        def body(*inputs: Array) -> tuple[Array, ...]:
            budget.count(CALL)
            inner = around | dict(zip(self.inputs, inputs, strict=True))
            for step in self.steps:
                inner.update(step.run(inner, budget))
            return tuple(inner[name] for name in self.outputs)

        return body


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the file: its operator, its inputs, and the names of its results.

    Attributes
    ----------
    where : str
        Its name in errors.
    scope, name : str
        The module path under which it is recorded, and its name there: the parts of a name such as
        ``/layer1/conv/Conv``.
    domain, operator : str
        The entry of the table that it runs.
    inputs : tuple of (str, Input)
        Names, empty for an omitted input, and the operator's description of each.
    outputs : tuple of str
        Names, empty for unused outputs.
    attributes : dict
    bodies : dict of str to Subgraph
    """

    where: str
    scope: str
    name: str
    domain: str
    operator: str
    inputs: tuple[tuple[str, Input], ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    bodies: dict[str, Subgraph] = field(default_factory=dict)

    @property
    def reads(self) -> set[str]:
        """The names of all values that it needs."""
        captured = (body.captured for body in self.bodies.values())
        return {name for name, _ in self.inputs if name}.union(*captured)

    def run(self, values: Mapping[str, Array], budget: Budget) -> dict[str, Array]:
        """Compute the results if the budget allows it; errors name the node."""
        operator = TABLE[self.domain, self.operator]
        try:
            operands = [kind.of(values[name]) if name else None for name, kind in self.inputs]
            budget.spend(operator, operands, self.attributes)
            bodies = {name: body.bound(values, budget) for name, body in self.bodies.items()}
            shown = {name: value for name, value in self.attributes.items() if name not in operator.context}
            with scope(self.scope) if self.scope else nullcontext(), scope(self.name, self.operator, shown):
                results = operator.function(*operands, **self.attributes, **bodies)
            several = results if isinstance(results, tuple) else (results,)
            if len(several) < len(self.outputs):
                raise FormatError("it has fewer outputs", expected=len(self.outputs), got=len(several))
        except _FAILURES as error:
            kind = ShapeError if isinstance(error, ShapeError) else FormatError
            raise kind(sentence(self.where, str(error))) from error
        return dict(zip(self.outputs, several, strict=False))


def as_layers(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Name each step that is alone in its module after the module: ``/layer1/conv/Conv`` becomes ``layer1.conv``."""
    steps = tuple(steps)
    crowd = Counter(level for step in steps for level in _levels(step.scope))
    named = []
    for step in steps:
        around, _, name = step.scope.rpartition(".")
        named.append(replace(step, scope=around, name=name) if name and crowd[step.scope] == 1 else step)
    return tuple(named)


def _levels(scope: str) -> list[str]:
    parts = scope.split(".")
    return [".".join(parts[:level]) for level in range(1, len(parts) + 1)]


class OnnxNetwork(Module):
    """The network of an ONNX file; made by `load`.

    It is called with the file's inputs and returns its output, or a tuple of outputs. It always computes as in
    eval mode.

    Parameters
    ----------
    inputs : tuple of OnnxInput
    outputs : tuple of OnnxOutput
    steps : tuple of Step
        The steps, in an order in which they can be run.
    constants : mapping of str to (ndarray or NumPy scalar)
        Values that are neither learned nor part of the state.
    file_size : int
        The size of the file in bytes, which limits the size of the results.

    Attributes
    ----------
    metadata : dict of str to str
        Additional entries of the file.
    """

    def __init__(
        self,
        inputs: tuple[OnnxInput, ...],
        outputs: tuple[OnnxOutput, ...],
        steps: tuple[Step, ...],
        constants: Mapping[str, Any],
        file_size: int,
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.steps = steps
        self.constants = dict(constants)
        self.file_size = file_size
        self.metadata: dict[str, str] = {}
        self.held: dict[str, str] = {}

    def hold(self, name: str, value: NDArray[Any], learned: bool) -> None:
        """Store an array as a parameter or a buffer, under its name in the file; names that modules need get a ``_``."""
        free = name
        while hasattr(self, free):
            free += "_"
        if learned:
            setattr(self, free, Parameter(value))
        else:
            self.register_buffer(free, value)
        self.held[name] = free

    def forward(self, *inputs: Array) -> Array:
        """Return the file's results for its inputs."""
        if len(inputs) != len(self.inputs):
            names = ", ".join(each.name for each in self.inputs)
            raise ShapeError("OnnxNetwork", "inputs", expected=f"{len(self.inputs)} ({names})", got=len(inputs))
        own = next((p for p in self.parameters() if p.dtype.kind == "f"), None)
        inputs = tuple(  # as for our own layers
            in_dtype_of(each if own is None else own, x) if each.dtype.kind == "f" else x
            for each, x in zip(self.inputs, inputs, strict=True)
        )
        values: dict[str, Array] = self.constants | {name: getattr(self, free) for name, free in self.held.items()}
        for each, x in zip(self.inputs, inputs, strict=True):
            values[each.name] = x if isinstance(x, Traced) else np.asarray(x)
            each.check(values[each.name])
        budget = Budget(self.file_size, sum(math.prod(shape_of(x)) for x in inputs))
        for step in self.steps:
            values.update(step.run(values, budget))
        results = tuple(each.of(values[each.name]) for each in self.outputs)
        return results[0] if len(results) == 1 else results

    def extra_repr(self) -> str:
        """Return the inputs and the number of operators."""
        inputs = ", ".join(f"{each.name}: {each}" for each in self.inputs)
        return f"{inputs}; steps={len(self.steps)}"
