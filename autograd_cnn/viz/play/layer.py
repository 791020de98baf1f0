"""A fully connected layer, and the step of a recurrent one: sums of products, and what is made of each sum.

``linear`` and ``matmul`` are ``z = x Wᵀ + b``. A recurrent step is such a layer with two inputs, ``tanh(x Wᵀ + h Uᵀ + b)``:
a function of a sum in which at least one matrix product is found (see docs/derivations/recurrent.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Final, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.backward import unbroadcast_to
from autograd_cnn.engine.node import Missing, Node, tensor_of
from autograd_cnn.engine.replay import operand
from autograd_cnn.errors import ShapeError, sentence
from autograd_cnn.viz.play.recorded import Recorded
from autograd_cnn.viz.play.walk import Cells, NamedArray, Panel, Product, Scene, Span, Walk, check_size

FUNCTIONS: Final = (ops.tanh, ops.sigmoid, ops.relu)
"""What a step may do to its sum."""

_PRODUCTS: Final = (ops.linear, ops.matmul)
_SYMBOLS: Final = (("x", "W"), ("h", "U"))
_BIASES: Final = ("b", "c", "b₃", "b₄")


def is_step(node: Node) -> bool:
    """Whether a call is a function of a sum of matrix products and biases."""
    total = node.parents[0] if node.parents else None
    if node.primitive not in FUNCTIONS or total is None or total.primitive is not ops.add or not total.shape:
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
    """Yield what is added up, from left to right: nodes, or what the tape keeps of an operand that is none."""
    for position, parent in enumerate(total.parents):
        if parent is not None and parent.primitive is ops.add and parent.saved is not None:
            yield from _summands(parent)
        else:
            yield parent, operand(total, position)


class Bias(NamedTuple):
    """One number for each unit, and its gradient."""

    values: NDArray[Any]
    gradient: NDArray[Any]
    text: str


@dataclass(frozen=True)
class _Factors:
    """A matrix product: which elements of x and of W meet in an output.

    ``x`` has N rows and ``w`` K units, of D features each; ``w_steps`` are those between units and features in the
    flattened array.
    """

    call: Recorded
    symbols: tuple[str, str]
    names: tuple[str, str]
    rows: int
    units: int
    features: int
    w_steps: tuple[int, int]

    @classmethod
    def of(cls, call: Recorded, symbols: tuple[str, str]) -> "_Factors":
        if call.inner.primitive is ops.linear:
            x, w = call.operand("x"), call.operand("w")
            units, features = w.shape
            return cls(call, symbols, ("x", "w"), x.size // features, units, features, (features, 1))
        first, second = call.operand("x1"), call.operand("x2")
        if second.ndim > 2:
            raise ShapeError(
                sentence("viz.play", "a stack of products can't be played", expected="x2 with one or two axes",
                         got=second.shape)
            )  # fmt: skip
        if second.ndim == 1:
            features = len(second)
            return cls(call, symbols, ("x2", "x1"), 1, first.size // features, features, (features, 1))
        features, units = second.shape
        turned = call.node.parents[1] is not None and call.node.parents[1].primitive is ops.transpose
        symbols = (symbols[0], f"{symbols[1]}{'ᵀ' * turned}")
        return cls(call, symbols, ("x1", "x2"), first.size // features, units, features, (1, units))

    @property
    def text(self) -> str:
        """The product as a formula."""
        x, w = self.symbols
        if self.names == ("x2", "x1"):
            return f"{w} {x}"
        return f"{x} {w}" if w.endswith("ᵀ") or self.names[0] == "x1" else f"{x} {w}ᵀ"

    def rows_of_x(self) -> Cells:
        return Cells(self.symbols[0], Span((self.rows, self.features), (self.units, 0)), Span((self.features, 1)))

    def units_of_w(self) -> Cells:
        unit, feature = self.w_steps
        return Cells(self.symbols[1], Span((self.rows, 0), (self.units, unit)), Span((self.features, feature)))

    def arrays(self) -> dict[str, NamedArray]:
        x, w = self.symbols
        one, other = self.names
        return {
            x: NamedArray(_rows(self.call.operand(one)), self.call.text(one, "the input" if x == "x" else "the state")),
            w: NamedArray(self.call.operand(other), self.call.text(other, "the weights")),
            f"d{x}": NamedArray(_rows(self.call.gradient(one)), f"∂L/∂{x}"),
            f"d{w}": NamedArray(self.call.gradient(other), f"∂L/∂{w}"),
        }

    def to_input(self) -> Panel:
        x, w = self.symbols
        unit, of_feature = self.w_steps
        walk = Walk(
            Cells(f"d{x}", Span((self.rows * self.features, 1))),
            [Product(
                Cells("δ", Span((self.rows, self.units), (self.features, 0)), Span((self.units, 1))),
                Cells(w, Span((self.rows, 0), (self.features, of_feature)), Span((self.units, unit))),
            )],
        )  # fmt: skip
        text = "An input went to all units, so it gets back the sum of their sensitivities, times its weights."
        return Panel(f"d{x}", text, ("δ", w, f"d{x}"), (walk,))

    def to_weights(self) -> Panel:
        x, w = self.symbols
        unit, of_feature = self.w_steps
        walk = Walk(
            Cells(f"d{w}", Span((self.units, unit), (self.features, of_feature))),
            [Product(
                Cells("δ", Span((self.units, 1), (self.features, 0)), Span((self.rows, self.units))),
                Cells(x, Span((self.units, 0), (self.features, 1)), Span((self.rows, self.features))),
            )],
        )  # fmt: skip
        text = "A weight multiplied one input for one unit: its gradient is that input times the unit's sensitivity"
        return Panel(f"d{w}", f"{text}{', summed over the examples' * (self.rows > 1)}.", ("δ", x, f"d{w}"), (walk,))


def derive(recorded: Recorded) -> tuple[dict[str, NamedArray], list[Scene]]:
    """Return the arrays and scenes of a recorded layer or step, for all its rows."""
    recorded.refuse_example()
    step = recorded.inner.primitive in FUNCTIONS
    delta = recorded.gradient("x") if step else recorded.g
    products, biases = _parts_of_step(recorded, delta) if step else _parts(recorded, _SYMBOLS[0])
    units, rows = products[0].units, products[0].rows
    for each in products:
        check_size("this layer", max(units, rows) * each.features, rows * units * each.features)
    z = "z" if step else "y"
    arrays = {name: array for each in products for name, array in each.arrays().items()}
    sums = [Product(each.rows_of_x(), each.units_of_w()) for each in products]
    named = dict(zip(_BIASES, biases, strict=False))
    for name, bias in named.items():
        arrays |= {name: NamedArray(bias.values, bias.text), f"d{name}": NamedArray(bias.gradient, f"∂L/∂{name}")}
        sums.append(Product(Cells(name, Span((rows, 0), (units, 1)))))
    everything = Span((rows * units, 1))
    arrays |= {
        z: NamedArray(
            _rows(recorded.operand("x") if step else recorded.y), "the weighted sums" if step else "the output"
        ),
        "δ": NamedArray(_rows(delta), f"the sensitivities ∂L/∂{z}"),
    }
    walks = [Walk(Cells(z, everything), sums)]
    read = tuple(dict.fromkeys(factor.array for product in sums for factor in product.factors))
    title = f"{z} = {' + '.join([*(each.text for each in products), *named])}"
    if step:
        name = recorded.inner.primitive.name
        arrays["a"] = NamedArray(_rows(recorded.y), "the output")
        walks.append(Walk(Cells("a", everything), [Product(Cells(z, everything))], name, recorded.y.ravel()))
        title = f"{title}, a = {name}(z)"
    text = "Each unit multiplies its weights with its inputs, and adds up the products."
    scenes = [Scene("Forward", (Panel(title, text, (*read, *(walk.target.array for walk in walks)), tuple(walks)),))]
    if step:
        scenes.append(_through_function(recorded, arrays, everything))
    scenes += [
        Scene("Backward, to the inputs", tuple(each.to_input() for each in products)),
        Scene("Backward, to the weights", tuple(each.to_weights() for each in products)),
    ]
    if named:
        cells = Cells("δ", Span((units, 1)), Span((rows, units)))
        text = (
            f"A bias is added to one unit's sum, so its gradient is {'the sum of ' * (rows > 1)}the unit's sensitivity"
        )
        text = f"{text}, over the examples." if rows > 1 else f"{text}."
        scenes.append(Scene("Backward, to the bias", tuple(
            Panel(f"d{name}", text, ("δ", f"d{name}"), (Walk(Cells(f"d{name}", Span((units, 1))), [Product(cells)]),))
            for name in named
        )))  # fmt: skip
    return arrays, scenes


def _through_function(recorded: Recorded, arrays: dict[str, NamedArray], everything: Span) -> Scene:
    """Return how the sensitivities get through the function of a step."""
    name = recorded.inner.primitive.name
    slope = {"tanh": "1 − a²", "sigmoid": "a(1 − a)", "relu": "[z > 0]"}[name]
    arrays["g"] = NamedArray(_rows(recorded.g), "what arrives, ∂L/∂a")
    arrays[slope] = NamedArray(
        _rows(replace(recorded, g=np.ones_like(recorded.g)).gradient("x")), f"the slope of {name}"
    )
    walk = Walk(Cells("δ", everything), [Product(Cells("g", everything), Cells(slope, everything))])
    text = "What arrives at the output is multiplied with the slope of the function, where the forward pass stood."
    return Scene(f"Backward, through {name}", (Panel(f"δ = g ⊙ ({slope})", text, ("g", slope, "δ"), (walk,)),))


def _parts(recorded: Recorded, symbols: tuple[str, str]) -> tuple[list[_Factors], list[Bias]]:
    """Return the product of one call, and its bias, if it has one."""
    bias = recorded.operand("bias") if recorded.inner.primitive is ops.linear else None
    biases = [] if bias is None else [Bias(bias, recorded.gradient("bias"), recorded.text("bias", "the bias"))]
    return [_Factors.of(recorded, symbols)], biases


def _parts_of_step(recorded: Recorded, delta: NDArray[Any]) -> tuple[list[_Factors], list[Bias]]:
    """Return the products and the biases of a step, each with what its rule makes of the sensitivities."""
    products: list[_Factors] = []
    biases: list[Bias] = []
    total = recorded.node.parents[0]
    for node, value in () if total is None else _summands(total):
        if _is_product(node):
            call = recorded.of_call(node, delta)
            found, own = _parts(call, _SYMBOLS[len(products)])
            products += found
            biases += own
        else:
            bias = recorded.value(node, value)
            like = Node(None, (), None, bias.shape, bias.dtype)
            name = None if node is None else getattr(tensor_of(node), "name", None)
            biases.append(
                Bias(bias, np.asarray(unbroadcast_to(delta, like, "add")), f"a bias{f' ({name})' if name else ''}")
            )
    return products, biases


def _rows(values: NDArray[Any]) -> NDArray[Any]:
    """Return vectors as they are, and stacks of them as the rows of a matrix."""
    values = np.atleast_1d(values)
    rows = values.reshape(-1, values.shape[-1])
    return rows[0] if len(rows) == 1 else rows
