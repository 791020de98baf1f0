"""A function's computation as a list of primitive calls: the form between a trace and an ONNX graph."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_cnn.engine.node import Array
from autograd_cnn.engine.primitive import Primitive
from autograd_cnn.engine.trace import Slot


@dataclass(frozen=True, slots=True)
class Op:
    """A call of a primitive.

    Attributes
    ----------
    primitive : Primitive
    operands : tuple
        Slots, arrays, numbers and None.
    params : dict
        All parameters; slots and arrays may be inside tuples.
    outputs : tuple of Slot
        The slots of the result and the residuals.
    scope : str
        The path of the module that called it.
    """

    primitive: Primitive
    operands: tuple[Any, ...]
    params: dict[str, Any]
    outputs: tuple[Slot, ...]
    scope: str


@dataclass(slots=True)
class Variable:
    """A value that outlives a call: a parameter, a buffer, or an optimiser's state.

    Attributes
    ----------
    name : str
    slot : Slot
        Of the value at the start.
    value : array
        At the start.
    now : Slot or array
        At the end.
    fed : bool
        Whether the caller may pass another value in each call.
    learned : bool
        Whether it is a parameter.
    """

    name: str
    slot: Slot
    value: Array
    now: Any
    fed: bool
    learned: bool

    @property
    def changes(self) -> bool:
        """Whether it has another value at the end."""
        return self.now is not self.slot


@dataclass(slots=True)
class Program:
    """Calls in an order in which they can be made.

    Attributes
    ----------
    inputs : list of (str, Slot)
    variables : list of Variable
    ops : list of Op
    outputs : list of (str, Slot or array)
    values : dict of Slot to array
        In the run that was recorded.
    """

    inputs: list[tuple[str, Slot]]
    variables: list[Variable] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    outputs: list[tuple[str, Any]] = field(default_factory=list)
    values: dict[Slot, Array] = field(default_factory=dict)

    def new(self, value: Array) -> Slot:
        """Return a slot for a value."""
        slot = Slot(len(self.values))
        self.values[slot] = value
        return slot

    def value(self, reference: Any) -> Any:
        """Return a slot's value; anything else unchanged."""
        return self.values[reference] if isinstance(reference, Slot) else reference

    def shape(self, reference: Any) -> tuple[int, ...]:
        """Return the shape of a reference's value."""
        return np.shape(self.value(reference))
