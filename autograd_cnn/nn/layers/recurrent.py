"""Recurrent layers: one step as a cell, and whole sequences, with PyTorch's parameters and gate order.

The loop over the steps is Python's, so a sequence may have any length. What is recorded is the
unrolled network; the weights' gradients are the sums over their uses (Werbos 1990).

Shapes: x (T, N, I), or (N, T, I) with ``batch_first``, or (T, I) without a batch; states (L, N, H)
or (L, H) for L layers of H units. A cell takes x (N, I) or (I,) and states (N, H) or (H,).
"""

import math
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.recording import scope
from autograd_cnn.errors import ArgumentError, ShapeError, sentence
from autograd_cnn.nn import init
from autograd_cnn.nn.module import Module, computed_in, unusual
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Bool, FloatDType, Size

State: TypeAlias = tuple[Array, ...]
"""What a layer hands to its next step: (h,), or (h, c) for an LSTM."""

_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_SQUASHING = {"tanh": ops.tanh, "relu": ops.relu}


# --- what all have in common ------------------------------------------------------------------


def _affine(x: Array, w: Array, b: Array | None) -> Array:
    y = ops.matmul(x, w)
    return y if b is None else y + b


class _Recurrent(Module):
    """A layer whose parameters hold ``_gates`` blocks of H rows each."""

    _gates: ClassVar[int]
    _states: ClassVar[int] = 1
    _first: ClassVar[str]
    """The suffix of the first layer's parameters."""

    @composite
    def __init__(self, input_size: Size, hidden_size: Size, bias: Bool) -> None:
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.has_bias = bias

    def _step(self, u: Array, v: Array, state: State) -> State:
        """Return the next state, for what the input (u) and the last output (v) send to the gates."""
        raise NotImplementedError

    def _add_parameters(self, suffix: str, inputs: int, rng: np.random.Generator, dtype: DTypeLike) -> None:
        """Draw one layer's parameters, uniform within ``±1 / sqrt(hidden_size)`` as in PyTorch."""
        rows, bound = self._gates * self.hidden_size, 1 / math.sqrt(self.hidden_size)
        shapes = ((rows, inputs), (rows, self.hidden_size), (rows,), (rows,))
        for name, shape in zip(_NAMES, shapes[: 4 if self.has_bias else 2], strict=False):
            setattr(self, name + suffix, Parameter(init.uniform(shape, rng, low=-bound, high=bound, dtype=dtype)))

    def _weights(self, suffix: str) -> tuple[Array, Array, Array | None, Array | None]:
        """Return one layer's parameters, the matrices as they are multiplied by."""
        w_ih, w_hh = (ops.transpose(getattr(self, name + suffix)) for name in _NAMES[:2])
        b_ih, b_hh = (getattr(self, name + suffix, None) for name in _NAMES[2:])
        return w_ih, w_hh, b_ih, b_hh

    def _next(self, weights: tuple[Array, Array, Array | None, Array | None], x: Array, state: State) -> State:
        """Return the state after one input."""
        w_ih, w_hh, b_ih, b_hh = weights
        return self._step(_affine(x, w_ih, b_ih), _affine(state[0], w_hh, b_hh), state)

    def _computed(self, values: Array) -> Array:
        """Return an input or a state in the dtype of the parameters."""
        return computed_in(values, getattr(self, _NAMES[0] + self._first).dtype)

    def _given(self, hx: Any, shape: Shape) -> State:
        """Return the first state, zeros unless given, after a look at its shape."""
        if hx is None:
            return (self._computed(np.zeros(shape)),) * self._states
        state = hx if isinstance(hx, tuple) else (hx,)
        got = [shape_of(part) for part in state]
        if got != [shape] * self._states:
            raise ShapeError(
                sentence(type(self).__name__, "hx has the wrong shape",
                         expected=" and ".join([str(shape)] * self._states), got=" and ".join(map(str, got)))
            )  # fmt: skip
        return tuple(map(self._computed, state))

    def _returned(self, state: State) -> Any:
        return state[0] if self._states == 1 else state


class _Cell(_Recurrent):
    """One step."""

    _first = ""

    @composite
    def __init__(
        self, input_size: Size, hidden_size: Size, bias: Bool = True, *, rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias)
        self._add_parameters("", input_size, np.random.default_rng(rng), dtype)

    def forward(self, x: Array, hx: Any = None) -> Any:
        """Return the next state for ``x`` (N, I) or (I,) and the last state ``hx``, zeros by default."""
        shape = shape_of(x)
        if len(shape) not in (1, 2) or shape[-1] != self.input_size:
            size = self.input_size
            raise ShapeError(
                sentence(type(self).__name__, "x has the wrong shape", expected=f"(N, {size}) or ({size},)", got=shape)
            )
        state = self._given(hx, (*shape[:-1], self.hidden_size))
        return self._returned(self._next(self._weights(""), self._computed(x), state))

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.has_bias else ", bias=False")


class _Sequence(_Recurrent):
    """All steps, in one layer or several upon each other."""

    _first = "_l0"

    @composite
    def __init__(
        self, input_size: Size, hidden_size: Size, num_layers: Size = 1, bias: Bool = True, batch_first: Bool = False, *,
        rng: init.Rng = None, dtype: FloatDType = np.float32,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias)
        self.num_layers = num_layers
        self.batch_first = batch_first
        generator = np.random.default_rng(rng)
        for layer in range(num_layers):
            self._add_parameters(f"_l{layer}", hidden_size if layer else input_size, generator, dtype)

    def forward(self, x: Array, hx: Any = None) -> tuple[Array, Any]:
        """Return the last layer's outputs at all steps, and the states of all layers after the last.

        ``x`` is (T, N, I), (N, T, I) with ``batch_first``, or (T, I); the outputs have H in the
        place of I. ``hx`` and what is returned in its place are (L, N, H) or (L, H).
        """
        time = self._check(shape_of(x))
        x = self._computed(x)
        steps = shape_of(x)[time]
        lead = (slice(None),) * time
        outputs = [ops.getitem(x, index=(*lead, step)) for step in range(steps)]
        shape = (self.num_layers, *shape_of(outputs[0])[:-1], self.hidden_size)
        first = self._given(hx, shape)
        last = []
        for layer in range(self.num_layers):
            weights, state = self._weights(f"_l{layer}"), tuple(ops.getitem(part, index=layer) for part in first)
            cell = f"{type(self).__name__}Cell" + (f"_l{layer}" if self.num_layers > 1 else "")
            for step, x in enumerate(outputs):
                with scope("", cell):  # in a graph each step is a frame
                    state = self._next(weights, x, state)
                outputs[step] = state[0]
            last.append(state)
        return ops.stack(outputs, axis=time), self._returned(
            tuple(ops.stack(parts) for parts in zip(*last, strict=True))
        )

    def _check(self, shape: Shape) -> int:
        """Return the axis of time."""
        size = self.input_size
        time = 1 if self.batch_first and len(shape) == 3 else 0
        if len(shape) not in (2, 3) or shape[-1] != size or not shape[time]:
            batch = f"(N, T, {size})" if self.batch_first else f"(T, N, {size})"
            raise ShapeError(
                sentence(type(self).__name__, "x has the wrong shape", expected=f"{batch} or (T, {size}), with T > 0",
                         got=shape)
            )  # fmt: skip
        return time

    def extra_repr(self) -> str:
        """Return the sizes, and what is not as usual."""
        shown = [str(self.input_size), str(self.hidden_size), *unusual(self, [("num_layers", 1)])]
        bias = [] if self.has_bias else ["bias=False"]
        return ", ".join([*shown, *bias, *unusual(self, [("batch_first", False)])])


# --- one step of each kind --------------------------------------------------------------------


class _Elman(_Recurrent):
    _gates = 1
    nonlinearity: str

    def _squash_with(self, nonlinearity: str) -> None:
        if not isinstance(nonlinearity, str) or nonlinearity not in _SQUASHING:
            raise ArgumentError(
                sentence(type(self).__name__, "nonlinearity is unknown", expected="'tanh' or 'relu'",
                         got=repr(nonlinearity))
            )  # fmt: skip
        self.nonlinearity = nonlinearity

    def _step(self, u: Array, v: Array, state: State) -> State:  # noqa: ARG002  # only gates look at it
        return (_SQUASHING[self.nonlinearity](u + v),)


class _LongShortTerm(_Recurrent):
    _gates = 4
    _states = 2

    def _step(self, u: Array, v: Array, state: State) -> State:
        i, f, g, o = ops.split(u + v, 4, axis=-1)
        c = ops.sigmoid(f) * state[1] + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(c), c


class _Gated(_Recurrent):
    _gates = 3

    def _step(self, u: Array, v: Array, state: State) -> State:
        (u_r, u_z, u_n), (v_r, v_z, v_n) = ops.split(u, 3, axis=-1), ops.split(v, 3, axis=-1)
        n = ops.tanh(u_n + ops.sigmoid(u_r + v_r) * v_n)
        return (n + ops.sigmoid(u_z + v_z) * (state[0] - n),)


# --- cells ------------------------------------------------------------------------------------


class RNNCell(_Elman, _Cell):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, one step of Elman's network (1990).

    Parameters
    ----------
    input_size, hidden_size : int
        I and H.
    bias : bool
        Whether to have ``bias_ih`` and ``bias_hh``.
    nonlinearity : {"tanh", "relu"}
        What squashes the sum.
    rng : Generator, int or None
        Where the first values come from; see `autograd_cnn.nn.init`.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight_ih : Parameter, (H, I)
    weight_hh : Parameter, (H, H)
    bias_ih, bias_hh : Parameter, (H,)

    Raises
    ------
    ArgumentError
        For a size below 1, or an unknown nonlinearity.

    Examples
    --------
    >>> import numpy as np
    >>> RNNCell(3, 5, rng=0)(np.ones((2, 3), np.float32)).shape
    (2, 5)
    """

    @composite
    def __init__(
        self,
        input_size: Size,
        hidden_size: Size,
        bias: Bool = True,
        nonlinearity: str = "tanh",
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, rng=rng, dtype=dtype)
        self._squash_with(nonlinearity)


class LSTMCell(_LongShortTerm, _Cell):
    """One step of an LSTM (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

    ``c' = σ(f)·c + σ(i)·tanh(g)`` and ``h' = σ(o)·tanh(c')``, where i, f, g and o are the four
    blocks of ``W_ih x + b_ih + W_hh h + b_hh``, in this order. The state is the pair (h, c).

    Parameters are those of `RNNCell`, without ``nonlinearity``; ``weight_ih`` is (4·H, I),
    ``weight_hh`` (4·H, H), the biases (4·H,).

    Examples
    --------
    >>> import numpy as np
    >>> h, c = LSTMCell(3, 5, rng=0)(np.ones((2, 3), np.float32))
    >>> h.shape, c.shape
    ((2, 5), (2, 5))
    """


class GRUCell(_Gated, _Cell):
    """One step of a gated recurrent unit (Cho et al. 2014).

    ``n = tanh(u_n + σ(u_r + v_r)·v_n)`` and ``h' = (1 - z)·n + z·h`` with ``z = σ(u_z + v_z)``, where
    r, z and n are the three blocks of ``u = W_ih x + b_ih`` and ``v = W_hh h + b_hh``, in this order.

    Parameters are those of `RNNCell`, without ``nonlinearity``; ``weight_ih`` is (3·H, I),
    ``weight_hh`` (3·H, H), the biases (3·H,).

    Examples
    --------
    >>> import numpy as np
    >>> GRUCell(3, 5, rng=0)(np.ones((2, 3), np.float32)).shape
    (2, 5)
    """


# --- sequences --------------------------------------------------------------------------------


class RNN(_Elman, _Sequence):
    """`RNNCell` over sequences, in one layer or several.

    Parameters
    ----------
    input_size, hidden_size : int
        I and H.
    num_layers : int
        L; each layer reads the outputs of the one before.
    nonlinearity : {"tanh", "relu"}
        What squashes the sum.
    bias : bool
        Whether to have biases.
    batch_first : bool
        Whether x and the outputs are (N, T, ...) instead of (T, N, ...).
    rng : Generator, int or None
        Where the first values come from; see `autograd_cnn.nn.init`.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l1, ... : Parameter
        Layer by layer, shaped as in the cell.

    Raises
    ------
    ArgumentError
        For a size below 1, or an unknown nonlinearity.

    Examples
    --------
    >>> import numpy as np
    >>> outputs, h = RNN(3, 5, num_layers=2, rng=0)(np.ones((7, 2, 3), np.float32))
    >>> outputs.shape, h.shape
    ((7, 2, 5), (2, 2, 5))
    """

    @composite
    def __init__(
        self,
        input_size: Size,
        hidden_size: Size,
        num_layers: Size = 1,
        nonlinearity: str = "tanh",
        bias: Bool = True,
        batch_first: Bool = False,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, rng=rng, dtype=dtype)
        self._squash_with(nonlinearity)


class LSTM(_LongShortTerm, _Sequence):
    """`LSTMCell` over sequences, in one layer or several; the state is the pair (h, c).

    Parameters are those of `RNN`, without ``nonlinearity``.

    Examples
    --------
    >>> import numpy as np
    >>> outputs, (h, c) = LSTM(3, 5, batch_first=True, rng=0)(np.ones((2, 7, 3), np.float32))
    >>> outputs.shape, h.shape, c.shape
    ((2, 7, 5), (1, 2, 5), (1, 2, 5))
    """


class GRU(_Gated, _Sequence):
    """`GRUCell` over sequences, in one layer or several.

    Parameters are those of `RNN`, without ``nonlinearity``.

    Examples
    --------
    >>> import numpy as np
    >>> outputs, h = GRU(3, 5, rng=0)(np.ones((7, 3), np.float32))
    >>> outputs.shape, h.shape
    ((7, 5), (1, 5))
    """
