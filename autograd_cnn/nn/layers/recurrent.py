"""Recurrent layers: cells for one step and layers for sequences, with PyTorch's parameters and gate order.

An LSTM or a GRU runs a sequence in one primitive, `ops.lstm` or `ops.gru`, which a graph shows as one box. Under
`autograd_cnn.tracing`, which records everything that can be shown, its steps run in Python, with one primitive for each
operation, and are frames of a graph: the unrolled network, slower, with the same results up to rounding. An Elman
network always runs this way, and a cell's calls are always frames. The weights' gradients are sums over their uses
(Werbos 1990).

Shapes: x (T, N, I), or (N, T, I) with ``batch_first``, or (T, I) without a batch; states (L, N, H) or (L, H) for L
layers of H units, with ``bidirectional`` 2·L. A cell takes x (N, I) or (I,) and states (N, H) or (H,). With
``proj_size`` P, the outputs and states h of an LSTM have P features instead of H, and its steps run in Python.
"""

import math
from contextlib import nullcontext
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.engine.recording import recording, scope
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn import init
from autograd_cnn.nn.functional.dropout import dropout
from autograd_cnn.nn.module import Module, in_dtype_of, unusual
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Bool, FloatDType, Share, Size, Whole
from autograd_cnn.seeding import default_rng

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell"]

State: TypeAlias = tuple[Array, ...]
"""The state that a layer passes to its next step: (h,), or (h, c) for an LSTM."""

Weights: TypeAlias = tuple[Array, Array, Array | None, Array | None, Array | None]
"""The parameters of a layer, in the order of the names below."""

_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
Nonlinearity: TypeAlias = Literal["tanh", "relu"]

_SQUASHING = {"tanh": ops.tanh, "relu": ops.relu}


# --- common parts -----------------------------------------------------------------------------


def _affine(x: Array, w: Array, b: Array | None) -> Array:
    y = ops.matmul(x, w)
    return y if b is None else y + b


class _Recurrent(Module):
    """A layer whose parameters hold ``_gates`` blocks of H rows each."""

    _gates: ClassVar[int]
    _states: ClassVar[int] = 1
    _first: ClassVar[str]
    """The suffix of the first layer's parameters."""
    proj_size: int = 0

    @composite
    def __init__(self, input_size: Size, hidden_size: Size, bias: Bool) -> None:
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.has_bias = bias

    @property
    def _outputs(self) -> int:
        """The number of outputs of a step."""
        return self.proj_size or self.hidden_size

    def _step(self, u: Array, v: Array, state: State) -> State:
        """Return the next state, given the contributions of the input (u) and of the last output (v) to the gates."""
        raise NotImplementedError

    def _add_parameters(self, suffix: str, inputs: int, rng: np.random.Generator, dtype: DTypeLike) -> None:
        """Draw one layer's parameters, uniform within ``±1 / sqrt(hidden_size)`` as in PyTorch."""
        rows, bound = self._gates * self.hidden_size, 1 / math.sqrt(self.hidden_size)
        biases = ((rows,), (rows,)) if self.has_bias else (None, None)
        projection = (self.proj_size, self.hidden_size) if self.proj_size else None
        shapes = ((rows, inputs), (rows, self._outputs), *biases, projection)
        for name, shape in zip(_NAMES, shapes, strict=True):
            if shape is not None:
                setattr(self, name + suffix, Parameter(init.uniform(shape, rng, low=-bound, high=bound, dtype=dtype)))

    def _weights(self, suffix: str) -> Weights:
        """Return one layer's parameters."""
        w_ih, w_hh, b_ih, b_hh, w_hr = (getattr(self, name + suffix, None) for name in _NAMES)
        return w_ih, w_hh, b_ih, b_hh, w_hr

    def _through(self, weights: Weights, x: Array, state: State, cell: str = "") -> tuple[Array, State]:
        """Return the outputs (T, N, H) for x (T, N, I), and the state after the last step.

        If the steps run one by one, they are frames of a graph, provided that the ``cell`` has a name.
        """
        if not recording.get().tracing and (whole := self._whole(weights, x, state)) is not None:
            return whole
        w_ih, w_hh, b_ih, b_hh, w_hr = weights
        w_ih, w_hh = ops.transpose(w_ih), ops.transpose(w_hh)
        outputs = []
        for step in range(shape_of(x)[0]):
            with scope("", cell) if cell else nullcontext():
                here = ops.getitem(x, index=step)
                state = self._step(_affine(here, w_ih, b_ih), _affine(state[0], w_hh, b_hh), state)
                if w_hr is not None:
                    state = (ops.linear(state[0], w_hr), *state[1:])
            outputs.append(state[0])
        return ops.stack(outputs), state

    def _whole(self, weights: Weights, x: Array, state: State) -> tuple[Array, State] | None:  # noqa: ARG002  # most need them
        """Return the same from one primitive, if there is one."""
        return None

    def _computed(self, values: Array) -> Array:
        """Return an input or a state in the dtype of the parameters."""
        return in_dtype_of(getattr(self, _NAMES[0] + self._first), values)

    def _given(self, hx: Any, lead: Shape) -> State:
        """Return the initial state, after a check of its shape."""
        shapes = self._shapes(lead)
        state = hx if isinstance(hx, tuple) else (hx,)
        got = [shape_of(part) for part in state]
        if got != shapes:
            raise ShapeError(type(self).__name__, "hx has the wrong shape", expected=" and ".join(map(str, shapes)),
                             got=" and ".join(map(str, got)))  # fmt: skip
        return tuple(map(self._computed, state))

    def _zeros(self, lead: Shape) -> State:
        """Return the default initial state; it is read-only, so a plan treats it as one constant."""
        state = tuple(np.zeros(shape, getattr(self, _NAMES[0] + self._first).dtype) for shape in self._shapes(lead))
        for part in state:
            part.flags.writeable = False
        return state

    def _shapes(self, lead: Shape) -> list[Shape]:
        """Return the shapes of a state."""
        return [(*lead, self._outputs), (*lead, self.hidden_size)][: self._states]

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
        self._add_parameters("", input_size, default_rng(rng), dtype)

    def forward(self, x: Array, hx: Any = None) -> Any:
        """Return the next state for ``x`` (N, I) or (I,) and the last state ``hx``, zeros by default."""
        shape = shape_of(x)
        if len(shape) not in (1, 2) or shape[-1] != self.input_size:
            size = self.input_size
            expected = f"(N, {size}) or ({size},)"
            raise ShapeError(type(self).__name__, "x has the wrong shape", expected=expected, got=shape)
        rows = (-1, self.hidden_size)
        if hx is None:
            state = self._zeros((math.prod(shape[:-1]),))
        else:
            state = tuple(ops.reshape(part, shape=rows) for part in self._given(hx, shape[:-1]))
        _, state = self._through(self._weights(""), ops.reshape(self._computed(x), shape=(1, -1, shape[-1])), state)
        return self._returned(tuple(ops.reshape(part, shape=(*shape[:-1], rows[1])) for part in state))

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.has_bias else ", bias=False")


class _Sequence(_Recurrent):
    """All steps, in one layer or several stacked ones."""

    _first = "_l0"

    @composite
    def __init__(
        self, input_size: Size, hidden_size: Size, num_layers: Size = 1, bias: Bool = True, batch_first: Bool = False,
        dropout: Share = 0.0, bidirectional: Bool = False, *, rng: init.Rng = None, dtype: FloatDType = np.float32,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias)
        self.num_layers = num_layers
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.rng = default_rng(rng)
        for layer in range(num_layers):
            size = self._outputs * (1 + bidirectional) if layer else input_size
            for suffix in self._suffixes(layer):
                self._add_parameters(suffix, size, self.rng, dtype)

    def _suffixes(self, layer: int) -> tuple[str, ...]:
        """Return the suffixes of a layer's parameters, in each direction."""
        return (f"_l{layer}", f"_l{layer}_reverse") if self.bidirectional else (f"_l{layer}",)

    def forward(self, x: Array, hx: Any = None) -> tuple[Array, Any]:
        """Return the last layer's outputs at all steps, and the states of all layers after the last step.

        ``x`` is (T, N, I), (N, T, I) with ``batch_first``, or (T, I); the outputs have H instead of I, with
        ``bidirectional`` 2·H. ``hx`` and the returned state are (L, N, H) or (L, H), with ``bidirectional`` 2·L: both
        directions of each layer; the second one ends at the first step.
        """
        shape = shape_of(x)
        time, directions = self._check(shape), 1 + self.bidirectional
        batch = shape[1 - time : 2 - time] if len(shape) == 3 else ()
        lead = (self.num_layers * directions, *batch)
        y, first = self._computed(x), None if hx is None else self._given(hx, lead)
        if not batch:
            y = ops.expand_dims(y, 1)
            first = None if first is None else tuple(ops.expand_dims(part, 1) for part in first)
        elif time:
            y = ops.swapaxes(y, 0, 1)
        zeros = self._zeros(shape_of(y)[1:2])
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer:
                y = dropout(y, self.dropout, self.training, rng=self.rng)
            ways: list[Array] = []
            for suffix in self._suffixes(layer):
                state = zeros if first is None else tuple(ops.getitem(part, index=len(last)) for part in first)
                cell = f"{type(self).__name__}Cell" + (suffix if self.num_layers * directions > 1 else "")
                turned = bool(ways)
                outputs, state = self._through(self._weights(suffix), ops.flip(y, axis=0) if turned else y, state, cell)
                ways.append(ops.flip(outputs, axis=0) if turned else outputs)
                last.append(state)
            y = ways[0] if len(ways) == 1 else ops.concatenate(ways, axis=-1)
        states = tuple(ops.stack(parts) for parts in zip(*last, strict=True))
        if not batch:
            y, states = ops.squeeze(y, 1), tuple(ops.squeeze(part, 1) for part in states)
        return ops.swapaxes(y, 0, 1) if time else y, self._returned(states)

    def _check(self, shape: Shape) -> int:
        """Return the axis of time."""
        size = self.input_size
        time = 1 if self.batch_first and len(shape) == 3 else 0
        if len(shape) not in (2, 3) or shape[-1] != size or not shape[time]:
            batch = f"(N, T, {size})" if self.batch_first else f"(T, N, {size})"
            expected = f"{batch} or (T, {size}), with T > 0"
            raise ShapeError(type(self).__name__, "x has the wrong shape", expected=expected, got=shape)
        return time

    def extra_repr(self) -> str:
        """Return the sizes, and options that differ from the default."""
        shown = [str(self.input_size), str(self.hidden_size), *unusual(self, [("num_layers", 1)])]
        bias = [] if self.has_bias else ["bias=False"]
        others = [("batch_first", False), ("dropout", 0.0), ("bidirectional", False), ("proj_size", 0)]
        return ", ".join([*shown, *bias, *unusual(self, others)])


# --- one step of each kind --------------------------------------------------------------------


class _Elman(_Recurrent):
    _gates = 1
    nonlinearity: Nonlinearity

    def _step(self, u: Array, v: Array, state: State) -> State:  # noqa: ARG002  # only gates look at it
        return (_SQUASHING[self.nonlinearity](u + v),)


class _LongShortTerm(_Recurrent):
    _gates = 4
    _states = 2

    def _whole(self, weights: Weights, x: Array, state: State) -> tuple[Array, State] | None:
        w_ih, w_hh, b_ih, b_hh, w_hr = weights
        if w_hr is not None:
            return None
        bias = None if b_ih is None else ops.add(b_ih, b_hh)
        steps = shape_of(x)[0]
        y = ops.lstm(ops.linear(x, w_ih, bias), w_hh, *state)
        outputs, h, c = (ops.getitem(y, index=index) for index in (slice(0, steps), steps - 1, steps))
        return outputs, (h, c)

    def _step(self, u: Array, v: Array, state: State) -> State:
        i, f, g, o = ops.split(u + v, 4, axis=-1)
        c = ops.sigmoid(f) * state[1] + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(c), c


class _Gated(_Recurrent):
    _gates = 3

    def _whole(self, weights: Weights, x: Array, state: State) -> tuple[Array, State]:
        w_ih, w_hh, b_ih, b_hh, _ = weights
        bias = np.zeros(shape_of(w_hh)[0], x.dtype) if b_hh is None else b_hh
        y = ops.gru(ops.linear(x, w_ih, b_ih), w_hh, bias, *state)
        return y, (ops.getitem(y, index=-1),)

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
        The activation function of the sum.
    rng : Generator, int or None
        Draws the initial values; see `autograd_cnn.nn.init`.
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
        nonlinearity: Nonlinearity = "tanh",
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, rng=rng, dtype=dtype)
        self.nonlinearity = nonlinearity


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
        L; each layer reads the previous layer's outputs.
    nonlinearity : {"tanh", "relu"}
        The activation function of the sum.
    bias : bool
        Whether to have biases.
    batch_first : bool
        Whether x and the outputs are (N, T, ...) instead of (T, N, ...).
    dropout : float
        In training, the fraction of each layer's outputs that is dropped; the last layer's are kept.
    bidirectional : bool
        Whether each layer also runs backwards with a second set of parameters; these outputs come after the others.
    rng : Generator, int or None
        Draws the initial values, and what is dropped; see `autograd_cnn.nn.init`.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight_ih_l1, ... : Parameter
        Layer by layer, shaped as in the cell; with ``bidirectional`` also ``weight_ih_l0_reverse`` and so on.

    Raises
    ------
    ArgumentError
        For a size below 1, an unknown nonlinearity, or a ``dropout`` outside [0, 1].

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
        nonlinearity: Nonlinearity = "tanh",
        bias: Bool = True,
        batch_first: Bool = False,
        dropout: Share = 0.0,
        bidirectional: Bool = False,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, rng=rng, dtype=dtype
        )
        self.nonlinearity = nonlinearity


class LSTM(_LongShortTerm, _Sequence):
    """`LSTMCell` over sequences, in one layer or several; the state is the pair (h, c).

    Parameters are those of `RNN`, without ``nonlinearity``, and:

    Parameters
    ----------
    proj_size : int
        If not 0, it must be less than ``hidden_size``: ``h'`` is multiplied by ``weight_hr_l0`` (P, H) and so on, and
        has P features (Sak et al. 2014). Then the steps run in Python, which is slower.

    Raises
    ------
    ArgumentError
        Also for a ``proj_size`` that is not smaller than ``hidden_size``.

    Examples
    --------
    >>> import numpy as np
    >>> outputs, (h, c) = LSTM(3, 5, batch_first=True, rng=0)(np.ones((2, 7, 3), np.float32))
    >>> outputs.shape, h.shape, c.shape
    ((2, 7, 5), (1, 2, 5), (1, 2, 5))
    """

    @composite
    def __init__(
        self,
        input_size: Size,
        hidden_size: Size,
        num_layers: Size = 1,
        bias: Bool = True,
        batch_first: Bool = False,
        dropout: Share = 0.0,
        bidirectional: Bool = False,
        proj_size: Whole = 0,
        *,
        rng: init.Rng = None,
        dtype: FloatDType = np.float32,
    ) -> None:
        if proj_size >= hidden_size:
            expected = f"less than hidden_size, {hidden_size}, or 0 for none"
            raise ArgumentError("LSTM", "proj_size is out of range", expected=expected, got=proj_size)
        self.proj_size = proj_size
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, rng=rng, dtype=dtype
        )


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
