"""ONNX graphs under construction: nodes and constants, by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np

from autograd_cnn.onnx.export.dims import Counted, Dim, Filled
from autograd_cnn.onnx.proto import DTYPES

OPSET: Final = 20

TYPES: Final = {np.dtype(kind).name: number for number, kind in DTYPES.items()}
"""``TensorProto.DataType`` by the names of dtypes."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A value of the graph.

    Attributes
    ----------
    name : str
    dtype : dtype
    shape : tuple of (int or Dim)
        Known for values of the program; for others it may be empty.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[Any, ...] = ()


class Graph:
    """Nodes and constants.

    Attributes
    ----------
    nodes : list of NodeProto
    constants : dict of str to array
    """

    def __init__(self) -> None:
        self._helper = import_module("onnx").helper
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self.scope = ""
        self.batch: Ref | None = None
        """An input whose first axis has length N."""

        self.partial: set[str] = set()
        """Positions of a max-pool, -1 for none."""

        self.products: dict[str, tuple[Ref, Ref, Ref | None]] = {}
        """The operands of linear maps, by the names of their results."""

        self._known: dict[Any, Ref] = {}
        self._made: dict[Any, list[Ref]] = {}
        self._count = 0
        self._names: set[str] = set()

    def name(self, wanted: str) -> str:
        """Return an unused name."""
        name = wanted
        while name in self._names:
            self._count += 1
            name = f"{wanted}_{self._count}"
        self._names.add(name)
        return name

    def several(self, kind: str, *inputs: Ref | None, dtypes: Sequence[Any], **attributes: Any) -> list[Ref]:
        """Add a node with several outputs, unless an equal one exists."""
        names = [each.name if each else "" for each in inputs]
        while names and not names[-1]:
            names.pop()
        kept = {name: value for name, value in attributes.items() if value is not None}
        key = (kind, tuple(names), repr(kept), len(dtypes))
        if key in self._made and kind != "Identity":  # gives one value several names
            return self._made[key]
        path = f"/{self.scope.replace('.', '/')}/" if self.scope else "/"
        node = self.name(f"{path}{kind}")
        outputs = [
            Ref(self.name(f"{node}_output_{i}" if i else node + "_output"), np.dtype(d)) for i, d in enumerate(dtypes)
        ]
        self.nodes.append(self._helper.make_node(kind, names, [each.name for each in outputs], node, **kept))
        self._made[key] = outputs
        return outputs

    def node(self, kind: str, *inputs: Ref | None, dtype: Any = None, **attributes: Any) -> Ref:
        """Add a node; by default, its output has the dtype of its first input."""
        first = next((each.dtype for each in inputs if each), np.dtype(np.float32))
        return self.several(kind, *inputs, dtypes=[dtype or first], **attributes)[0]

    # --- constants ----------------------------------------------------------------------------

    def constant(self, value: Any, dtype: Any = None) -> Ref:
        """Return a constant array or number, or one that depends on the batch."""
        if isinstance(value, Dim):
            return self._computed(value, np.dtype(dtype or np.int64))
        if isinstance(value, Filled):
            one = self.constant(value.value, dtype)
            return self.node("Expand", one, self.ints(value.shape))
        if isinstance(value, Counted):
            length = next(each for each in value.shape if isinstance(each, Dim))
            row = self.node("Range", self.constant(0), self._computed(length, np.dtype(np.int64)), self.constant(1))
            return self.cast(self.node("Reshape", row, self.ints(value.shape)), dtype or value.dtype)
        array = np.asarray(value, dtype) if not isinstance(value, (int, bool)) or dtype else np.asarray(value)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            name = self.name(f"constant_{len(self._known)}")
            self.constants[name] = array
            self._known[key] = Ref(name, array.dtype, array.shape)
        return self._known[key]

    def ints(self, values: Sequence[Any] | int | Dim) -> Ref:
        """Return integers, some of which may depend on the batch, as a 1-D array."""
        values = [values] if isinstance(values, (int, Dim)) else list(values)
        if not any(isinstance(each, Dim) for each in values):
            return self.constant(np.array(values, np.int64))
        one = self.constant(np.array([0], np.int64))
        parts = [
            self.node("Unsqueeze", self._computed(each, np.dtype(np.int64)), one) if isinstance(each, Dim)
            else self.constant(np.array([each], np.int64))
            for each in values
        ]  # fmt: skip
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def _computed(self, dim: Dim, dtype: np.dtype[Any]) -> Ref:
        key = (dim, dtype)
        if key not in self._known:
            scope, self.scope = self.scope, ""
            whole = dtype.kind in "iu"
            n = self._known.get("N") or self.node(
                "Gather", self.node("Shape", self.batch, dtype=np.int64), self.constant(0)
            )
            self._known["N"] = n
            number, slope, offset = n if whole else self.cast(n, dtype), dim.slope, dim.offset
            terms = [slope.numerator * offset.denominator, offset.numerator * slope.denominator, slope.denominator * offset.denominator]  # fmt: skip
            for kind, each, nothing in zip(("Mul", "Add", "Div"), terms, (1, 0, 1), strict=True):
                if each != nothing:
                    number = self.node(kind, number, self.constant(np.asarray(each, dtype)))
            if dim.inverse:
                number = self.node("Reciprocal", number)
            self._known[key], self.scope = number, scope
        return self._known[key]

    # --- what many operators need -------------------------------------------------------------

    def cast(self, x: Ref, dtype: Any) -> Ref:
        """Convert to a dtype."""
        dtype = np.dtype(dtype)
        if x.dtype == dtype:
            return x
        y = self.node("Cast", x, dtype=dtype, to=TYPES[dtype.name])
        return Ref(y.name, dtype, x.shape)

    def reshape(self, x: Ref, shape: Sequence[Any]) -> Ref:
        """Change the shape."""
        shape = tuple(shape)
        if x.shape == shape and shape:
            return x
        unknown = [place for place, each in enumerate(shape) if isinstance(each, Dim)]
        lengths = [-1 if place in unknown else each for place, each in enumerate(shape)]
        if len(unknown) > 1 or 0 in lengths or (unknown and -1 in shape):
            lengths = list(shape)
        y = self.node("Reshape", x, self.ints(lengths), allowzero=1 if 0 in lengths else None)
        return Ref(y.name, x.dtype, shape)
