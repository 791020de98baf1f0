"""A fully connected layer, and the step of a recurrent one: sums of products, and a function of each sum.

``linear`` and ``matmul`` are ``z = x Wᵀ + b``. A recurrent step is such a layer with two inputs,
``tanh(x Wᵀ + h Uᵀ + b)``: a function of a sum that contains at least one matrix product (see
docs/derivations/recurrent.md).
"""

from collections.abc import Iterator
from math import prod
from typing import Any, Final, TypeGuard

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.backward import unbroadcast_to
from autograd_cnn.engine.node import Missing, Node, tensor_of
from autograd_cnn.engine.replay import operand
from autograd_cnn.viz.derivations.kind import Derived, plays
from autograd_cnn.viz.derivations.kinds.elementwise import through
from autograd_cnn.viz.derivations.notation import adjoint, walk
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import NamedArray, Panel, Scene

FUNCTIONS: Final = (ops.tanh, ops.sigmoid, ops.relu)
"""The functions that a step may apply to its sum."""

_PRODUCTS: Final = (ops.linear, ops.matmul)
_SYMBOLS: Final = (("x", "W", "f"), ("h", "U", "e"))
_BIASES: Final = ("b", "c", "b₃", "b₄")
_ROWS: Final = "npqrst"


def is_step(node: Node) -> bool:
    """Whether a call is a function of a sum of matrix products and biases."""
    total = node.parents[0] if node.parents else None
    if total is None or total.primitive is not ops.add or not total.shape:
        return False
    parts = list(_summands(total))
    products = [part for part, _ in parts if _is_product(part)]
    sizes = {
        prod(part.shape if part else value.shape if isinstance(value, Missing) else np.shape(value))
        for part, value in parts
        if not _is_product(part)
    }
    alike = all(part is not None and part.shape == total.shape for part in products)
    return (
        0 < len(products) <= len(_SYMBOLS)
        and len(parts) - len(products) + sum(part.primitive is ops.linear for part in products) <= len(_BIASES)
        and alike
        and sizes <= {total.shape[-1]}
    )


def _is_product(node: Node | None) -> TypeGuard[Node]:
    return node is not None and node.primitive in _PRODUCTS


def _summands(total: Node) -> Iterator[tuple[Node | None, Any]]:
    """Yield the summands from left to right: nodes, or what the tape keeps of an operand without a node."""
    for position, parent in enumerate(total.parents):
        if parent is not None and parent.primitive is ops.add and parent.saved is not None:
            yield from _summands(parent)
        else:
            yield parent, operand(total, position)


class _Factors:
    """A matrix product as part of a formula: units u, features, and before them one letter for each axis of rows."""

    def __init__(self, call: Recorded, symbols: tuple[str, str, str]) -> None:
        linear = call.inner.primitive is ops.linear
        names = ("x", "w") if linear else ("x1", "x2")
        first, second = (np.ndim(call.operand(name)) for name in names)
        vector = second == 1  # to the right of a matrix, so the matrix's rows are the units
        rows = _ROWS[: max(0, call.g.ndim - 1)]
        stack = rows[:-1] if first > 1 and not vector else rows
        self.call, (self.x, self.w, feature) = call, symbols
        left = (rows + "u" if vector else rows)[-(first - 1) :] * (first > 1) + feature
        right = stack[len(stack) - (second - 2) :] + ("u" + feature if linear else feature + "u")
        turned = not linear and call.node.parents[1] is not None and call.node.parents[1].primitive is ops.transpose
        self.w += "ᵀ" * turned
        self.names, (own, other) = (names[::-1], (feature, left)) if vector else (names, (left, right))
        self.result = _index(rows + "u" if call.g.ndim else "")
        self.term = f"{self.x}{_index(own)} {self.w}{_index(other)}"
        self.title = f"{self.w} {self.x}" if vector else f"{self.x} {self.w}{'ᵀ' * linear}"

    def arrays(self) -> dict[str, NamedArray]:
        """Return both factors and their gradients."""
        one, other = self.names
        role = "the input" if self.x == "x" else "the state"
        return {**self.call.both(one, self.x, role), **self.call.both(other, self.w, "the weights")}


def _index(letters: str) -> str:
    return f"[{','.join(letters)}]"


@plays(*_PRODUCTS)
def derive(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded layer, for all rows."""
    return _derived("y", call.g, call.y, [_Factors(call, _SYMBOLS[0])], _own_bias(call, "b"))


@plays(*FUNCTIONS, fits=is_step)
def derive_step(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded step: a layer, and the function after it."""
    delta, name = call.gradient("x"), call.inner.primitive.name
    arrays, [forward, *scenes] = _derived("z", delta, call.operand("x"), *_parts_of_step(call, delta))
    function, back = through(call, arrays, "z", "a", ("g", "δ"))
    [layer] = forward.panels
    both = Scene.alone("Forward", f"{layer.title}, a = {name}(z)", layer.text, *layer.walks, function)
    return arrays, [both, Scene(f"Backward, through {name}", (back,)), *scenes]


def _derived(
    z: str, delta: NDArray[Any], sums: NDArray[Any], products: list[_Factors], biases: dict[str, NamedArray]
) -> Derived:
    """Return what a layer and a step have in common; their sums are called ``z``."""
    result, rows = products[0].result, delta.size // max(1, delta.shape[-1] if delta.ndim else 1)
    named = list(biases)[::2]
    arrays = {name: array for each in products for name, array in each.arrays().items()} | biases
    arrays |= {
        z: NamedArray(sums, "the output" if z == "y" else "the weighted sums"),
        "δ": NamedArray(delta, f"the sensitivities ∂L/∂{z}"),
    }
    formula = f"{z}{result} = {' + '.join([*(each.term for each in products), *(f'{name}[u]' for name in named)])}"

    def back(name: str, text: str) -> Panel:
        return Panel.of(f"d{name}", text, walk(adjoint(formula, name), arrays))

    scenes = [
        Scene.alone(
            "Forward", f"{z} = {' + '.join([*(each.title for each in products), *named])}",
            "Each unit multiplies its inputs by its weights and adds up the products.", walk(formula, arrays),
        ),
        Scene("Backward, to the inputs", tuple(back(
            each.x, "An input went to all units, so it gets back the sum of their sensitivities, times its weights."
        ) for each in products)),
        Scene("Backward, to the weights", tuple(back(
            each.w, "A weight multiplied one input for one unit: its gradient is that input times the unit's sensitivity"
            f"{', summed over the examples' * (rows > 1)}."
        ) for each in products)),
    ]  # fmt: skip
    if named:
        unit = "the sum of the unit's sensitivity, over the examples" if rows > 1 else "the unit's sensitivity"
        text = f"A bias is added to one unit's sum, so its gradient is {unit}."
        scenes.append(Scene("Backward, to the bias", tuple(back(name, text) for name in named)))
    return arrays, scenes


def _own_bias(call: Recorded, symbol: str) -> dict[str, NamedArray]:
    """Return the bias of a layer's call and its gradient, if it has one."""
    return call.both("bias", symbol, "the bias") if call.inner.primitive is ops.linear else {}


def _parts_of_step(call: Recorded, delta: NDArray[Any]) -> tuple[list[_Factors], dict[str, NamedArray]]:
    """Return the products of a step, and its biases, each with its gradient."""
    products: list[_Factors] = []
    biases: dict[str, NamedArray] = {}
    total = call.node.parents[0]
    for node, value in () if total is None else _summands(total):
        symbol = (*_BIASES, "")[len(biases) // 2]
        if _is_product(node):
            part = call.of_call(node, delta)
            products.append(_Factors(part, _SYMBOLS[len(products)]))
            biases |= _own_bias(part, symbol)
        else:
            bias = call.value(node, value)
            like = Node(None, (), None, bias.shape, bias.dtype)
            name = None if node is None else getattr(tensor_of(node), "name", None)
            gradient = np.asarray(unbroadcast_to(delta, like, "add"))
            biases |= {
                symbol: NamedArray(bias.ravel(), f"a bias{f' ({name})' if name else ''}"),
                f"d{symbol}": NamedArray(gradient.ravel(), f"∂L/∂{symbol}"),
            }
    return products, biases
