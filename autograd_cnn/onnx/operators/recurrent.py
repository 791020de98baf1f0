"""ONNX's recurrent layers.

Shapes: x (T, N, I), w (D, G·H, I), r (D, G·H, H), b (D, 2·G·H), states (D, N, H) with T steps, D directions, G gates and
H features; with ``layout`` 1 the batch comes first.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.onnx.budget import CALL
from autograd_cnn.onnx.operator import Flag, Ints, operator
from autograd_cnn.onnx.operators.elementwise import hard_sigmoid, softsign, thresholded_relu

Direction: TypeAlias = Literal["forward", "reverse", "bidirectional"]
Function: TypeAlias = Callable[[Array], Array]
Cell: TypeAlias = Callable[[Array, tuple[Array, ...]], tuple[Array, ...]]
"""Maps a step's input contributions to the gates, (N, G·H), and the states to the next states; the first one is the output."""

Layer: TypeAlias = Callable[[Array, tuple[Array, ...], bool], tuple[Array, ...]]
"""Maps all input contributions to the gates, (T, N, G·H), the states, and whether time runs backwards, to the outputs
(T, N, H) and the last states."""

FUNCTIONS: Final[dict[str, Callable[[float | None, float | None], Function]]] = {
    "affine": lambda a, b: lambda x: x * _or(a, 1.0) + _or(b, 0.0),
    "elu": lambda a, _: partial(ops.elu, alpha=_or(a, 1.0)),
    "hardsigmoid": lambda a, b: partial(hard_sigmoid, alpha=_or(a, 0.2), beta=_or(b, 0.5)),
    "leakyrelu": lambda a, _: partial(ops.leaky_relu, negative_slope=_or(a, 0.01)),
    "relu": lambda *_: ops.relu,
    "scaledtanh": lambda a, b: lambda x: ops.tanh(x * _or(b, 1.0)) * _or(a, 1.0),
    "sigmoid": lambda *_: ops.sigmoid,
    "softplus": lambda *_: ops.softplus,
    "softsign": lambda *_: softsign,
    "tanh": lambda *_: ops.tanh,
    "thresholdedrelu": lambda a, _: partial(thresholded_relu, alpha=_or(a, 1.0)),
}
"""Activations by name, in any case, as functions of their two parameters."""

_ALPHAS: Final = frozenset({"affine", "elu", "hardsigmoid", "leakyrelu", "scaledtanh", "thresholdedrelu"})
_BETAS: Final = frozenset({"affine", "hardsigmoid", "scaledtanh"})


def _or(number: float | None, default: float) -> float:
    return default if number is None else number


def _steps(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    first, second, _ = shapes[0]
    directions, gates, _ = shapes[1]
    step = directions * (CALL + 16 * gates * (first if attributes.get("layout") else second))
    return step * (second if attributes.get("layout") else first) + step


def _functions(
    names: Sequence[str] | None, alphas: Sequence[float] | None, betas: Sequence[float] | None,
    defaults: tuple[str, ...], directions: int,
) -> list[tuple[Function, ...]]:  # fmt: skip
    """Return the activations of each direction; parameters go in order to those that take any."""
    names = [name.lower() for name in names or defaults * directions]
    if len(names) != len(defaults) * directions or not FUNCTIONS.keys() >= set(names):
        raise FormatError("activations", expected=f"{len(defaults) * directions} of those that ONNX lists", got=names)
    first, second = iter(alphas or ()), iter(betas or ())
    made = [
        FUNCTIONS[name](next(first, None) if name in _ALPHAS else None, next(second, None) if name in _BETAS else None)
        for name in names
    ]
    return [tuple(made[i * len(defaults) : (i + 1) * len(defaults)]) for i in range(directions)]


def _clipped(x: Array, limit: float | None) -> Array:
    return x if limit is None else ops.clip(x, min=-limit, max=limit)


def rows_of_gates(hidden: int, order: Sequence[int]) -> NDArray[np.int64]:
    """Return the rows of gates in another order."""
    return np.arange(len(order) * hidden).reshape(len(order), hidden)[list(order)].ravel()


def _arranged(x: Array | None, d: int, rows: NDArray[np.int64] | None) -> Array | None:
    """Return one direction's weights or bias, with its gates in our order if that is given."""
    if x is None:
        return None
    return x[d] if rows is None else ops.take(x[d], rows, axis=0)


def _in_steps(cell: Cell, lengths: Ints | None) -> Layer:
    """Return the layer that calls a cell for each step."""

    def layer(given: Array, state: tuple[Array, ...], backwards: bool) -> tuple[Array, ...]:
        steps = shape_of(given)[0]
        rows: list[Array] = [state[0]] * steps
        for t in range(steps)[:: -1 if backwards else 1]:
            new = cell(given[t], state)
            if lengths is not None:  # finished sequences keep their state
                going = (t < lengths)[:, None]
                rows[t] = ops.where(going, new[0], 0)
                new = tuple(ops.where(going, after, before) for after, before in zip(new, state, strict=True))
            else:
                rows[t] = new[0]
            state = new
        return (ops.stack(rows) if rows else state[0][None][:0], *state)

    return layer


def _at_once(run: Callable[..., tuple[Array, ...]]) -> Layer:
    """Return the layer of a primitive, which takes contributions to the gates, and states, in order of time."""

    def layer(given: Array, state: tuple[Array, ...], backwards: bool) -> tuple[Array, ...]:
        outputs, *last = run(ops.flip(given, axis=0) if backwards else given, *state)
        return (ops.flip(outputs, axis=0) if backwards else outputs, *last)

    return layer


def _run(
    x: Array, w: Array, b: Array | None, states: Sequence[Array | None], direction: Direction, layout: Flag,
    layers: Sequence[Layer], rows: NDArray[np.int64] | None, hidden: int,
) -> tuple[Array, ...]:  # fmt: skip
    """Run a layer for each direction; return the outputs (T, D, N, H) and the last states (D, N, H)."""
    if layout:
        x = ops.swapaxes(x, 0, 1)
        states = [None if each is None else ops.swapaxes(each, 0, 1) for each in states]
    batch = shape_of(x)[1]
    directions = 2 if direction == "bidirectional" else 1
    if shape_of(w)[0] != directions:
        raise ShapeError("w has other directions", expected=directions, got=shape_of(w)[0])
    zeros = np.zeros((batch, hidden), x.dtype)
    runs = []
    for d, layer in enumerate(layers):
        bias = None if b is None else b[:, : shape_of(w)[1]]
        given = ops.linear(x, _arranged(w, d, rows), _arranged(bias, d, rows))  # (T, N, G·H)
        state = tuple(zeros if each is None else each[d] for each in states)
        runs.append(layer(given, state, direction == "reverse" or d == 1))
    outputs, *last = (
        ops.stack(each, axis=axis) for axis, each in zip((1, 0, 0), zip(*runs, strict=True), strict=False)
    )
    if layout:
        return (ops.transpose(outputs, axes=(2, 0, 1, 3)), *(ops.swapaxes(each, 0, 1) for each in last))
    return (outputs, *last)


def _ending(x: Array, lengths: Ints | None, layout: Flag) -> Ints | None:
    """Return the lengths of sequences unless all have full length."""
    return None if lengths is None or (lengths == shape_of(x)[1 if layout else 0]).all() else lengths


def _recurrent_bias(b: Array | None, d: int) -> Array:
    """Return the state's half of the bias, or 0."""
    if b is None:
        return 0
    return b[d][shape_of(b)[1] // 2 :]


@operator("RNN", extent=_steps)
def rnn(
    x: Array, w: Array, r: Array, b: Array | None = None, sequence_lens: Ints | None = None,
    initial_h: Array | None = None, *,
    activations: Sequence[str] | None = None, activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None, clip: float | None = None, direction: Direction = "forward",
    hidden_size: int | None = None, layout: Flag = 0, output_sequence: Flag = 0,  # noqa: ARG001  # of the first opsets
) -> tuple[Array, ...]:  # fmt: skip
    """Run a simple recurrent layer (Elman 1990)."""
    hidden, directions = shape_of(r)[2], shape_of(r)[0]
    functions = _functions(activations, activation_alpha, activation_beta, ("tanh",), directions)

    def cell(d: int) -> Cell:
        (f,), matrix, bias = functions[d], ops.transpose(r[d]), _recurrent_bias(b, d)
        return lambda given, state: (f(_clipped(given + ops.matmul(state[0], matrix) + bias, clip)),)

    lengths = _ending(x, sequence_lens, layout)
    layers = [_in_steps(cell(d), lengths) for d in range(directions)]
    return _run(x, w, b, [initial_h], direction, layout, layers, None, hidden)


@operator("GRU", extent=_steps)
def gru(
    x: Array, w: Array, r: Array, b: Array | None = None, sequence_lens: Ints | None = None,
    initial_h: Array | None = None, *,
    activations: Sequence[str] | None = None, activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None, clip: float | None = None, direction: Direction = "forward",
    hidden_size: int | None = None, layout: Flag = 0, linear_before_reset: Flag = 0, output_sequence: Flag = 0,  # noqa: ARG001
) -> tuple[Array, ...]:  # fmt: skip
    """Run a layer of gated recurrent units (Cho et al. 2014): gates z, r, h."""
    hidden, directions = shape_of(r)[2], shape_of(r)[0]
    functions = _functions(activations, activation_alpha, activation_beta, ("sigmoid", "tanh"), directions)

    def cell(d: int) -> Cell:
        (f, g), bias = functions[d], _recurrent_bias(b, d)
        gates, proposed = ops.transpose(r[d][: 2 * hidden]), ops.transpose(r[d][2 * hidden :])
        first, second = (0, 0) if b is None else (bias[: 2 * hidden], bias[2 * hidden :])

        def step(given: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
            (h,) = state
            both = f(_clipped(given[:, : 2 * hidden] + ops.matmul(h, gates) + first, clip))
            z, reset = both[:, :hidden], both[:, hidden:]
            if linear_before_reset:
                past = reset * (ops.matmul(h, proposed) + second)
            else:
                past = ops.matmul(reset * h, proposed) + second
            new = g(_clipped(given[:, 2 * hidden :] + past, clip))
            return ((1 - z) * new + z * h,)

        return step

    lengths = _ending(x, sequence_lens, layout)
    if not (activations or clip or lengths is not None) and linear_before_reset and all(shape_of(x)):
        rows = rows_of_gates(hidden, (1, 0, 2))  # z, r, h as r, z, n

        def whole(d: int, given: Array, h: Array) -> tuple[Array, Array]:
            bias = np.zeros(3 * hidden, x.dtype) if b is None else _arranged(b[:, 3 * hidden :], d, rows)
            y = ops.gru(given, _arranged(r, d, rows), bias, h)
            return y, y[-1]

        layers = [_at_once(partial(whole, d)) for d in range(directions)]
    else:
        rows, layers = None, [_in_steps(cell(d), lengths) for d in range(directions)]
    return _run(x, w, b, [initial_h], direction, layout, layers, rows, hidden)


@operator("LSTM", extent=_steps)
def lstm(
    x: Array, w: Array, r: Array, b: Array | None = None, sequence_lens: Ints | None = None,
    initial_h: Array | None = None, initial_c: Array | None = None, p: Array | None = None, *,
    activations: Sequence[str] | None = None, activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None, clip: float | None = None, direction: Direction = "forward",
    hidden_size: int | None = None, input_forget: Flag = 0, layout: Flag = 0, output_sequence: Flag = 0,  # noqa: ARG001
) -> tuple[Array, ...]:  # fmt: skip
    """Run a layer of long short-term memory (Hochreiter & Schmidhuber 1997): gates i, o, f, c, with peepholes ``p``."""
    hidden, directions = shape_of(r)[2], shape_of(r)[0]
    functions = _functions(activations, activation_alpha, activation_beta, ("sigmoid", "tanh", "tanh"), directions)

    def cell(d: int) -> Cell:
        (f, g, h), matrix, bias = functions[d], ops.transpose(r[d]), _recurrent_bias(b, d)
        peep = (0, 0, 0) if p is None else tuple(p[d][i * hidden : (i + 1) * hidden] for i in range(3))

        def step(given: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
            past, memory = state
            gates = given + ops.matmul(past, matrix) + bias
            i, o, forget, c = (gates[:, n * hidden : (n + 1) * hidden] for n in range(4))
            i = f(_clipped(i if p is None else i + memory * peep[0], clip))
            keep = 1 - i if input_forget else f(_clipped(forget if p is None else forget + memory * peep[2], clip))
            memory = keep * memory + i * g(_clipped(c, clip))
            o = f(_clipped(o if p is None else o + memory * peep[1], clip))
            return o * h(memory), memory

        return step

    lengths = _ending(x, sequence_lens, layout)
    if not (activations or clip or input_forget or lengths is not None) and p is None and all(shape_of(x)):
        rows = rows_of_gates(hidden, (0, 2, 3, 1))  # i, o, f, c as i, f, g, o
        sums = None if b is None else b[:, : 4 * hidden] + b[:, 4 * hidden :]

        def whole(d: int, given: Array, h: Array, c: Array) -> tuple[Array, Array, Array]:
            y = ops.lstm(given, _arranged(r, d, rows), h, c)
            return y[:-1], y[-2], y[-1]

        layers = [_at_once(partial(whole, d)) for d in range(directions)]
    else:
        rows, sums, layers = None, b, [_in_steps(cell(d), lengths) for d in range(directions)]
    return _run(x, w, sums, [initial_h, initial_c], direction, layout, layers, rows, hidden)
