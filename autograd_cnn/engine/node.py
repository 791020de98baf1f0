"""The nodes of the tape, and what they keep of a call.

A node has the primitive that ran, its parents, and what its rules will need. It never refers
to the tensor that it produced, so reference counting alone frees a graph when its last tensor
dies.
"""

import itertools
import weakref
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Final, NamedTuple, Protocol, Self, TypeAlias, cast

import numpy as np

from autograd_cnn.engine.recording import EVERYWHERE, Scope
from autograd_cnn.errors import OperandError

Array: TypeAlias = Any
"""An ndarray in a kernel; in a rule an ndarray or a tensor, since one rule serves both."""

Floats: TypeAlias = Annotated[Any, "floats"]
"""A floating-point operand; integers are converted to float64, as in NumPy's mean."""

Shape: TypeAlias = tuple[int, ...]

NUMBERS: Final = frozenset({int, float, bool})
SETTLED: Final = NUMBERS | {str, type(None)}
"""The immutable types of parameters."""


class Recordable(Protocol):
    """What a node needs from the operation that made it."""

    name: str

    def pullback(
        self, node: "Node", g: Array, wanted: Collection["Node"] | None, tensor_type: "type[Traced] | None"
    ) -> Iterable[tuple["Node", Array]]:
        """Yield each wanted parent with the cotangent that ``g`` gives it."""


_serials = itertools.count()


def next_serial() -> int:
    """Return a new serial number, higher than those of all existing nodes."""
    return next(_serials)


class Missing(NamedTuple):
    """The shape and dtype of an array that the tape does not keep: it needs no gradient, and no rule asked for it."""

    shape: Shape
    dtype: np.dtype[Any]


class Node:
    """One recorded call.

    Attributes
    ----------
    primitive : Recordable
        The primitive that ran; None for a leaf.
    parents : tuple of (Node or None)
        One for each operand, None if it needs no gradient.
    params : dict or None
        The parameters that were passed, parsed; None once they have been freed.
    operands : sequence
        The operands that are not results of other nodes, by position: numbers and None; arrays, including those of
        leaves, under `tracing`, else `Missing`. It may hold numbers for the other operands. Empty if nothing is kept.
    saved : dict or None
        What the rules asked for, by name; None once it has been freed.
    serial : int
        Later nodes have higher numbers, so a node's number is higher than its parents'.
    shape, dtype
        Of the output, hence of its cotangent.
    scope : Scope
        The call of a module in which it was recorded.
    origin : str or None
        The line of user code that recorded it, under `detect_anomaly`.
    hooks : list of callables or None
        Run on the cotangent before it is passed on.
    tensor : weak reference or None
        The tensor whose ``grad`` a backward pass fills: a leaf's, or that of a result with `retain_grad`.
    """

    __slots__ = (
        "__weakref__",
        "dtype",
        "hooks",
        "operands",
        "origin",
        "params",
        "parents",
        "primitive",
        "saved",
        "scope",
        "serial",
        "shape",
        "tensor",
    )

    def __init__(
        self,
        primitive: Recordable | None,
        parents: tuple["Node | None", ...],
        saved: dict[str, Any] | None,
        shape: Shape,
        dtype: np.dtype[Any],
        scope: Scope = EVERYWHERE,
        params: dict[str, Any] | None = None,
        operands: Sequence[Any] = (),
    ) -> None:
        self.primitive = primitive
        self.parents = parents
        self.saved = saved
        self.shape = shape
        self.dtype = dtype
        self.scope = scope
        self.params = params
        self.operands = operands
        self.origin: str | None = None
        self.hooks: list[Callable[[Array], Array | None]] | None = None
        self.tensor: weakref.ref[Traced] | None = None
        self.serial = next(_serials)

    def __repr__(self) -> str:
        name = self.primitive.name if self.primitive else "leaf"
        return f"<Node {self.serial}: {name} {self.shape} {self.dtype}>"


class Leaf(Node):
    """A leaf: the node of a tensor that the user made.

    It knows its tensor by a weak reference only, so that neither keeps the other alive.
    """

    __slots__ = ()

    def __init__(self, tensor: "Traced") -> None:
        check_differentiable(tensor.value.dtype, "requires_grad")
        super().__init__(None, (), None, tensor.value.shape, tensor.value.dtype)
        self.tensor = weakref.ref(tensor)


class Traced:
    """An array with a node on the tape, which primitives recognise.

    It has no operators: `autograd_cnn.Tensor`, which has them, is above the primitives.
    """

    __slots__ = ("__weakref__", "node", "value")

    value: Array
    node: Node | None
    tensor_type: ClassVar[type["Traced"]]
    """The class of the results of operations on this one."""

    @classmethod
    def wrap(cls, value: Array, node: Node | None = None) -> Self:
        """Wrap ``value`` as it is, without a copy."""
        self = cls.__new__(cls)
        self.value = value
        self.node = node
        return self


Traced.tensor_type = Traced


def tensor_of(node: Node) -> Traced | None:
    """Return the tensor of a node, if it is alive and still has this node."""
    tensor = None if node.tensor is None else node.tensor()
    return tensor if tensor is not None and tensor.node is node else None


def shape_of(x: Array) -> Shape:
    """Return the shape of a tensor, an array, a number or a nested list."""
    return cast("Shape", x.value.shape) if isinstance(x, Traced) else np.shape(x)


def dtype_of(x: Array) -> np.dtype[Any]:
    """Return the dtype of a tensor, an array, a number or a nested list."""
    value = x.value if isinstance(x, Traced) else x
    return cast("np.dtype[Any]", value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype)


def values_of(x: Array) -> Array:
    """Return the values of a tensor as an array, or ``x`` as an array: for uses that need no gradient."""
    return np.asarray(x.value if isinstance(x, Traced) else x)


def check_differentiable(dtype: np.dtype[Any], where: str) -> None:
    """Raise `OperandError` unless gradients with respect to ``dtype`` make sense."""
    if dtype.kind != "f":
        hint = "convert with .astype(np.float32) first"
        raise OperandError(where, "only floats have gradients", expected="float32 or float64", got=dtype, hint=hint)


# --- what is kept of a call: read-only values --------------------------------------------------


def is_row(value: Any) -> bool:
    """Whether a value is a tuple of numbers."""
    return type(value) is tuple and NUMBERS.issuperset(map(type, value))


def kept_value(value: Any) -> Any:
    """Return a value to save: a copy if the caller could still write to it."""
    if isinstance(value, np.ndarray):
        base = value.base if isinstance(value.base, np.ndarray) else value
        return value.copy() if value.flags.writeable or base.flags.writeable else value
    if type(value) is dict:
        return {key: kept_value(each) for key, each in value.items()}
    if type(value) not in {list, tuple} or is_row(value):
        return value
    return type(value)(map(kept_value, value))


@lru_cache(maxsize=4096)
def kept_shape(shape: Shape) -> Shape:
    """Return the same object for equal shapes, so that a shape that a rule passes on is parsed only once."""
    return shape


def kept_operands(raw: list[Any], nodes: list[Node | None], tracing: bool) -> list[Any]:
    """Return what is kept of the operands that are not results of other nodes, by position."""
    operands = list(raw)
    for i, node in enumerate(nodes):
        if node is not None and not (tracing and node.primitive is None):
            operands[i] = None
        elif isinstance(value := raw[i], np.ndarray):
            operands[i] = kept_value(value) if tracing else Missing(value.shape, value.dtype)
    return operands


def frozen(y: Array, raw: list[Any]) -> Array:
    """Make a result read-only, or copy it if it is a view of an array that the caller holds."""
    for x in raw:
        if type(x) is np.ndarray and x.flags.writeable and np.may_share_memory(x, y):
            y = y.copy()
            break
    y.flags.writeable = False
    return y
