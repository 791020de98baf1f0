"""Sample arguments for every primitive: what `test_laws.py` runs the laws on.

A new primitive needs one entry in `SAMPLES`: a list of calls, and the operands in which it is
linear (or affine: linear but for a constant). Its float arrays count as operands that have a
gradient; ints, bools and None do not.

Arguments stand away from kinks and ties: by 0.1 at least, where the laws step by 0.002.
"""

from dataclasses import dataclass
from itertools import starmap
from typing import Any

import numpy as np

import autograd_cnn as ag
from autograd_cnn import ops
from autograd_cnn.ops.indexing import _pad
from autograd_cnn.ops.linalg import _einsum
from autograd_cnn.ops.loss import softmax_cross_entropy
from autograd_cnn.ops.shaping import _concatenate
from autograd_cnn.primitive import REGISTRY, Primitive

PRIMITIVES = {name: primitive for name, primitive in REGISTRY.items() if name.startswith("autograd_cnn.")}
"""Ours, and none that a user or a doctest made."""


@dataclass(frozen=True)
class Case:
    """The arguments of one call."""

    arrays: tuple[Any, ...]
    params: dict[str, Any]

    def __str__(self) -> str:
        shown = ["x".join(map(str, np.shape(a))) or "0d" for a in self.arrays]
        shown += [f"{k}={v}" for k, v in self.params.items() if not isinstance(v, np.ndarray)]
        return ",".join(shown).replace(" ", "").replace("None", "-")

    @property
    def differentiable(self) -> list[int]:
        """The positions of the float arrays."""
        return [i for i, a in enumerate(self.arrays) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]


class Samples:
    """The calls of one primitive, and the names of the operands in which it is linear or affine."""

    def __init__(self, *cases: Case, linear: str = "") -> None:
        self.cases = cases
        self.linear = linear.split()


def call(*arrays: Any, **params: Any) -> Case:
    return Case(arrays, params)


# --- arrays -----------------------------------------------------------------------------------

_rng = np.random.default_rng(7)


def normal(*shape: int) -> np.ndarray:
    return np.array(_rng.standard_normal(shape))


def positive(*shape: int) -> np.ndarray:
    return np.array(_rng.uniform(0.5, 2.0, shape))


def spaced(*shape: int) -> np.ndarray:
    """Return distinct numbers in random order, 0.25 apart from each other and 0.1 from 0."""
    count = int(np.prod(shape))
    grid = (np.arange(count) - count // 2) * 0.25 + 0.1
    return _rng.permutation(grid).reshape(shape)


def elementwise(draw: Any, **params: Any) -> list[Case]:
    """Return calls on an array, a scalar, one number in one axis, and nothing."""
    return [call(draw(*shape), **params) for shape in ((3, 4), (), (1,), (0, 3))]


def broadcasting(draw1: Any, draw2: Any) -> list[Case]:
    """Return calls on two arrays in every way in which one can broadcast against the other."""
    pairs = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((2, 3), ()), ((), ()), ((0, 3), (1, 3))]
    return [call(draw1(*a), draw2(*b)) for a, b in pairs]


# --- sliding windows --------------------------------------------------------------------------

CORRELATIONS: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    # x, w, and how the windows lie
    ((5, 4), (3, 2), {}),
    ((2, 5, 5), (3, 2, 3, 3), {"padding": 1}),
    ((2, 3, 6, 5), (4, 3, 3, 3), {}),
    ((2, 2, 7, 6), (2, 2, 3, 2), {"stride": 2}),
    ((1, 1, 8, 7), (1, 1, 2, 3), {"stride": (3, 2), "padding": (1, 0)}),
    ((2, 2, 5, 6), (3, 2, 2, 3), {"padding": ((0, 2), (1, 0))}),
    ((1, 2, 5, 5), (2, 2, 2, 3), {"padding": "same"}),
    ((1, 2, 6, 5), (2, 2, 3, 3), {"padding": "same", "stride": 2}),
    ((1, 2, 4, 4), (2, 2, 3, 3), {"padding": "full"}),
    ((1, 2, 7, 8), (2, 2, 3, 2), {"dilation": (2, 3)}),
    ((1, 2, 9, 9), (2, 2, 3, 3), {"dilation": 2, "stride": 2, "padding": 1}),
    ((2, 4, 5, 5), (6, 2, 3, 3), {"groups": 2}),
    ((1, 3, 5, 5), (3, 1, 3, 3), {"groups": 3, "stride": 2, "padding": 1}),
    ((2, 3, 4, 4), (5, 3, 1, 1), {}),
    ((2, 3, 4, 4), (5, 3, 4, 4), {}),
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((0, 2, 5, 5), (3, 2, 3, 3), {}),
]

POOLS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((4, 6), {"window": 2}),
    ((2, 5, 5), {"window": (2, 3)}),
    ((2, 2, 6, 6), {"window": 2}),
    ((1, 2, 6, 7), {"window": 3, "stride": 1}),
    ((1, 1, 7, 6), {"window": (3, 2), "stride": (2, 1), "padding": (1, 0)}),
    ((1, 2, 6, 5), {"window": 2, "stride": 3}),
    ((1, 1, 6, 7), {"window": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ((1, 1, 1, 1), {"window": 1}),
    ((0, 2, 4, 4), {"window": 2}),
]

MAX_POOLS = [*POOLS, ((1, 1, 8, 9), {"window": (2, 3), "stride": 1, "dilation": (3, 2)})]
MEAN_POOLS = [*POOLS, ((1, 1, 5, 7), {"window": 3, "stride": 2, "padding": 1, "count_include_pad": False})]


def forward(primitive: Primitive, *arrays: Any, **params: Any) -> Any:
    """Return what the reference gives, so that collecting the tests compiles nothing."""
    with ag.set_backend("reference"):
        return primitive.forward(*arrays, **params)


def correlated_shape(x: tuple[int, ...], w: tuple[int, ...], form: dict[str, Any]) -> tuple[int, ...]:
    return forward(ops.correlate2d, np.zeros(x), np.zeros(w), **form).shape


def mean_shape(x: tuple[int, ...], form: dict[str, Any]) -> tuple[int, ...]:
    return forward(ops.mean_pool, np.zeros(x), **form).shape


def winners_case(x: tuple[int, ...], form: dict[str, Any]) -> Case:
    return call(spaced(*x), winners=forward(ops.max_pool, spaced(*x), **form)[1], **form)


def scatter_case(x: tuple[int, ...], form: dict[str, Any]) -> Case:
    y, winners = forward(ops.max_pool, spaced(*x), **form)
    return call(normal(*y.shape), winners=winners, x_shape=x, **form)


# --- the table --------------------------------------------------------------------------------

_ROWS = np.array([2, 0, 2])
_MASK = np.array([[True, False, True], [False, False, True]])
_WITH_ZEROS = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0], [0.0, 1.5, 0.0]])


def off_grid(*shape: int) -> np.ndarray:
    """Return numbers that never tie with `spaced` ones."""
    return np.array(spaced(*shape) + 0.1)


SAMPLES: dict[Primitive, Samples] = {
    # arithmetic
    ops.add: Samples(*broadcasting(normal, normal), call(normal(3), 2.0), linear="x1 x2"),
    ops.subtract: Samples(*broadcasting(normal, normal), call(2, normal(3)), linear="x1 x2"),
    ops.multiply: Samples(*broadcasting(normal, normal), call(normal(3), 2.0), linear="x1 x2"),
    ops.divide: Samples(*broadcasting(normal, positive), call(1, positive(3)), linear="x1"),
    ops.negative: Samples(*elementwise(normal), linear="x"),
    ops.positive: Samples(*elementwise(normal), linear="x"),
    ops.astype: Samples(*elementwise(normal, dtype=np.float64), linear="x"),
    ops.absolute: Samples(*elementwise(spaced)),
    ops.sign: Samples(*elementwise(spaced)),
    # powers, exponentials, logarithms
    ops.power: Samples(
        *broadcasting(positive, normal),
        call(normal(3, 4), 3),
        call(normal(3), 0),
        call(positive(3), 0.5),
        call(positive(3), -2),
        call(2.0, normal(3)),
    ),
    ops.square: Samples(*elementwise(normal)),
    ops.sqrt: Samples(*elementwise(positive)),
    ops.exp: Samples(*elementwise(normal)),
    ops.expm1: Samples(*elementwise(normal)),
    ops.log: Samples(*elementwise(positive)),
    ops.log1p: Samples(*elementwise(positive)),
    ops.sin: Samples(*elementwise(normal)),
    ops.cos: Samples(*elementwise(normal)),
    # selection
    ops.maximum: Samples(*broadcasting(spaced, off_grid), call(spaced(3), 0)),
    ops.minimum: Samples(*broadcasting(spaced, off_grid), call(spaced(3), 0)),
    ops.heaviside: Samples(*broadcasting(spaced, normal)),
    ops.clip: Samples(*elementwise(spaced, min=-0.5, max=0.5), call(spaced(5), min=0), call(spaced(5), max=0)),
    ops.where: Samples(
        call(normal(3, 4) > 0, normal(3, 4), normal(3, 4)),
        call(normal(3, 1) > 0, normal(4), normal(1, 1)),
        call(np.ones((), bool), normal(), normal(2, 2)),
        call(normal(4) > 0, normal(4), 0),
        call(normal(0, 2) > 0, normal(0, 2), normal(2)),
        linear="x1 x2",
    ),
    ops.selection.masked: Samples(
        call(normal(3, 4), mask=normal(3, 4) > 0), call(normal(), mask=np.ones((), bool)), linear="x"
    ),
    # comparisons
    ops.equal: Samples(*broadcasting(spaced, off_grid)),
    ops.not_equal: Samples(*broadcasting(spaced, off_grid)),
    ops.less: Samples(*broadcasting(spaced, off_grid)),
    ops.less_equal: Samples(*broadcasting(spaced, off_grid)),
    ops.greater: Samples(*broadcasting(spaced, off_grid)),
    ops.greater_equal: Samples(*broadcasting(spaced, off_grid)),
    # activations
    ops.relu: Samples(*elementwise(spaced)),
    ops.leaky_relu: Samples(*elementwise(spaced), call(spaced(5), negative_slope=0.3)),
    ops.elu: Samples(*elementwise(spaced), call(spaced(5), alpha=0.5)),
    ops.tanh: Samples(*elementwise(normal)),
    ops.sigmoid: Samples(*elementwise(normal)),
    ops.softplus: Samples(*elementwise(normal)),
    ops.silu: Samples(*elementwise(normal)),
    ops.erf: Samples(*elementwise(normal), call(spaced(40))),
    # reductions
    ops.sum: Samples(
        call(normal(3, 4)),
        call(normal(3, 4), axis=0),
        call(normal(2, 3, 4), axis=(0, -1), keepdims=True),
        call(normal(2, 3), axis=-1, keepdims=True),
        call(normal()),
        call(normal(1)),
        call(normal(0, 3), axis=0),
        linear="x",
    ),
    ops.mean: Samples(
        call(normal(3, 4)),
        call(normal(3, 4), axis=-2),
        call(normal(2, 3, 4), axis=(0, 2), keepdims=True),
        call(normal()),
        call(normal(1)),
        call(normal(0, 3), axis=1),
        linear="x",
    ),
    ops.var: Samples(
        call(normal(3, 4)),
        call(normal(3, 4), axis=-1),
        call(normal(2, 3, 4), axis=(0, 2), keepdims=True),
        call(normal(4, 2), axis=0, ddof=1),
        call(normal(1)),
        call(normal(0, 3), axis=1),
    ),
    ops.max: Samples(
        call(spaced(3, 4)),
        call(spaced(3, 4), axis=0),
        call(spaced(2, 3, 4), axis=(0, -1), keepdims=True),
        call(spaced()),
        call(spaced(1)),
        call(spaced(0, 3), axis=1),
    ),
    ops.min: Samples(
        call(spaced(3, 4)),
        call(spaced(3, 4), axis=-1),
        call(spaced(2, 3, 4), axis=(1, 2), keepdims=True),
        call(spaced()),
        call(spaced(1)),
        call(spaced(0, 3), axis=1),
    ),
    ops.argmax: Samples(call(spaced(3, 4)), call(spaced(3, 4), axis=-1), call(spaced(2, 3), axis=0, keepdims=True)),
    ops.argmin: Samples(call(spaced(3, 4)), call(spaced(3, 4), axis=-1), call(spaced(2, 3), axis=0, keepdims=True)),
    ops.prod: Samples(
        call(normal(3, 4)),
        call(normal(3, 4), axis=0),
        call(normal(2, 3, 2), axis=(0, -1), keepdims=True),
        call(_WITH_ZEROS, axis=1),
        call(normal(3, 0), axis=1),
        call(_WITH_ZEROS),
        call(normal()),
        call(normal(1)),
        call(normal(0, 3), axis=1),
    ),
    ops.cumsum: Samples(
        call(normal(3, 4)),
        call(normal(3, 4), axis=0),
        call(normal(2, 3, 4), axis=-1),
        call(normal(1)),
        call(normal(0, 3), axis=1),
        linear="x",
    ),
    # softmax
    ops.logsumexp: Samples(
        call(normal(3, 4)),
        call(normal(3, 4), axis=-1),
        call(normal(2, 3, 4), axis=(0, 2), keepdims=True),
        call(normal()),
        call(normal(1)),
        call(normal(0, 3), axis=1),
    ),
    ops.softmax: Samples(
        call(normal(3, 4)), call(normal(3, 4), axis=0), call(normal(2, 3, 4), axis=(0, 2)), call(normal(0, 3))
    ),
    ops.log_softmax: Samples(
        call(normal(3, 4)), call(normal(3, 4), axis=0), call(normal(2, 3, 4), axis=(0, 2)), call(normal(0, 3))
    ),
    softmax_cross_entropy: Samples(
        call(normal(3, 4), labels=np.array([1, 3, 1])),
        call(normal(3, 4), labels=np.array([0, 3, 1]), label_smoothing=0.2),
        call(normal(1, 1), labels=np.array([0])),
        call(normal(0, 3), labels=np.zeros(0, int)),
    ),
    # shapes
    ops.reshape: Samples(
        call(normal(2, 6), shape=(3, 4)),
        call(normal(2, 6), shape=(4, -1)),
        call(normal(2, 3), shape=-1),
        call(normal(1, 1), shape=()),
        call(normal(), shape=(1,)),
        call(normal(0, 4), shape=(2, 0)),
        linear="x",
    ),
    ops.transpose: Samples(
        call(normal(2, 3)),
        call(normal(2, 3, 4), axes=(1, 2, 0)),
        call(normal(2, 3, 4), axes=[-1, 0, -2]),
        call(normal()),
        call(normal(0, 3)),
        linear="x",
    ),
    ops.broadcast_to: Samples(
        call(normal(3), shape=(2, 3)),
        call(normal(2, 1, 3), shape=(4, 2, 5, 3)),
        call(normal(), shape=(2, 2)),
        call(normal(2, 3), shape=(2, 3)),
        call(normal(1), shape=(0,)),
        linear="x",
    ),
    _concatenate: Samples(
        call(normal(2, 3), normal(1, 3), normal(4, 3)),
        call(normal(2, 3), normal(2, 1), axis=-1),
        call(normal(2, 3)),
        call(normal(0, 3), normal(2, 3)),
        linear="arrays",
    ),
    ops.flip: Samples(
        call(normal(2, 3)), call(normal(2, 3), axis=0), call(normal(2, 3, 2), axis=(0, -1)), call(normal()), linear="x"
    ),
    ops.roll: Samples(
        call(normal(2, 3), shift=2),
        call(normal(2, 3), shift=-1, axis=-1),
        call(normal(2, 3, 4), shift=(1, 5), axis=(0, 2)),
        call(normal(0), shift=1),
        linear="x",
    ),
    _pad: Samples(
        call(normal(2, 3), pad_width=((1, 0), (2, 1))),
        call(normal(2), pad_width=((0, 2),), constant_values=1.5),
        call(normal(0, 2), pad_width=((1, 1), (0, 0))),
        linear="x",
    ),
    # indexing
    ops.getitem: Samples(
        call(normal(3, 4), index=1),
        call(normal(3, 4), index=(-1, 2)),
        call(normal(3, 4), index=slice(None, None, -2)),
        call(normal(3, 4), index=(Ellipsis, None, slice(1, 3))),
        call(normal(3, 4), index=_ROWS),
        call(normal(3, 4), index=(_ROWS, np.array([1, 1, 1]))),
        call(normal(3, 4, 3), index=(slice(1, None), 2, _ROWS)),
        call(normal(2, 3), index=_MASK),
        call(normal(3), index=slice(0, 0)),
        linear="x",
    ),
    ops.scatter_add: Samples(
        call(normal(4), index=1, shape=(3, 4)),
        call(normal(2, 4), index=slice(None, None, -2), shape=(3, 4)),
        call(normal(3, 4), index=_ROWS, shape=(3, 4)),
        call(normal(3), index=(_ROWS, np.array([1, 1, 1])), shape=(3, 4)),
        call(normal(3), index=_MASK, shape=(2, 3)),
        call(normal(), index=Ellipsis, shape=()),
        call(normal(0), index=slice(0, 0), shape=(3,)),
        linear="x",
    ),
    ops.set_at: Samples(
        call(normal(3, 4), normal(4), index=1),
        call(normal(3, 4), normal(), index=slice(1, None)),
        call(normal(3, 4), normal(2, 1), index=slice(None, None, 2)),
        call(normal(3, 4), normal(3, 4), index=_ROWS),
        call(normal(3, 4), normal(4), index=_ROWS),
        call(normal(3, 4), normal(3), index=(_ROWS, np.array([1, 1, 1]))),
        call(normal(2, 3), normal(3), index=_MASK),
        call(normal(3), 0, index=1),
        call(normal(3), normal(0), index=slice(0, 0)),
        linear="x values",
    ),
    # products
    ops.matmul: Samples(
        call(normal(2, 3), normal(3, 4)),
        call(normal(3), normal(3)),
        call(normal(3), normal(3, 4)),
        call(normal(2, 3), normal(3)),
        call(normal(3), normal(2, 3, 4)),
        call(normal(5, 2, 3), normal(3)),
        call(normal(5, 2, 3), normal(5, 3, 4)),
        call(normal(5, 2, 3), normal(3, 4)),
        call(normal(2, 3), normal(5, 3, 4)),
        call(normal(2, 1, 2, 3), normal(5, 3, 1)),
        call(normal(1, 1), normal(1, 1)),
        call(normal(0, 3), normal(3, 2)),
        call(normal(2, 0), normal(0, 2)),
        linear="x1 x2",
    ),
    ops.linear: Samples(
        call(normal(2, 3), normal(4, 3), normal(4)),
        call(normal(2, 3), normal(4, 3), None),
        call(normal(3), normal(4, 3), normal(4)),
        call(normal(2, 5, 3), normal(4, 3), normal(4)),
        call(normal(0, 3), normal(4, 3), normal(4)),
        linear="x w bias",
    ),
    _einsum: Samples(
        call(normal(2, 3), normal(3, 4), terms=("ij", "jk"), out="ik"),
        call(normal(2, 3), terms=("ij",), out="ji"),
        call(normal(2, 3), terms=("ij",), out=""),
        call(normal(2, 3), normal(3), normal(2), terms=("ij", "j", "i"), out="i"),
        call(normal(2, 3), normal(4), terms=("ij", "k"), out="k"),
        call(normal(1, 3), normal(2, 3), terms=("ij", "ij"), out="j"),
        call(normal(0, 3), normal(3), terms=("ij", "j"), out="i"),
        linear="operands",
    ),
    # windows
    ops.correlate2d: Samples(
        *(call(normal(*x), normal(*w), None, **form) for x, w, form in CORRELATIONS),
        *(call(normal(*x), normal(*w), normal(w[0]), **form) for x, w, form in CORRELATIONS if len(w) == 4),
        linear="x w bias",
    ),
    ops.correlate2d_wrt_input: Samples(
        *(call(normal(*correlated_shape(x, w, form)), normal(*w), x_shape=x, **form) for x, w, form in CORRELATIONS),
        linear="g w",
    ),
    ops.correlate2d_wrt_weight: Samples(
        *(call(normal(*x), normal(*correlated_shape(x, w, form)), w_shape=w, **form) for x, w, form in CORRELATIONS),
        linear="x g",
    ),
    ops.max_pool: Samples(*(call(spaced(*x), **form) for x, form in MAX_POOLS)),
    ops.gather_winners: Samples(*starmap(winners_case, MAX_POOLS), linear="x"),
    ops.scatter_winners: Samples(*starmap(scatter_case, MAX_POOLS), linear="g"),
    ops.mean_pool: Samples(*(call(normal(*x), **form) for x, form in MEAN_POOLS), linear="x"),
    ops.mean_pool_wrt_input: Samples(
        *(call(normal(*mean_shape(x, form)), x_shape=x, **form) for x, form in MEAN_POOLS),
        linear="g",
    ),
}
