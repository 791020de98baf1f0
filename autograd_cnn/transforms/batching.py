"""Batching rules: how primitives compute for many examples at once, with a rule for each family.

An operand that differs between examples is a `Batch`: an array whose first axis counts the examples. A rule turns a
call on batches into one call of the same primitive, or of others, on arrays with an extra axis. A primitive without a
rule is called once per example.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_cnn import ops
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.node import Array, Shape, Traced, shape_of, values_of
from autograd_cnn.engine.primitive import REGISTRY, Primitive
from autograd_cnn.errors import ShapeError
from autograd_cnn.tensor.special import special


class Batch(NamedTuple):
    """A value for each example, along the first axis."""

    array: Array

    @property
    def shape(self) -> Shape:
        """The shape of one example."""
        return shape_of(self.array)[1:]


class Site(NamedTuple):
    """A call for several examples.

    Attributes
    ----------
    primitive : Primitive
    size : int
        How many examples there are, at least one.
    shape : tuple of int
        The shape of one example's result.
    residuals : bool
        Whether residuals are used.
    """

    primitive: Primitive
    size: int
    shape: Shape
    residuals: bool

    def output(self, *operands: Any, **params: Any) -> Array:
        """Return the primitive's output on arrays."""
        return self.primitive(*operands, **params)

    def call(self, *operands: Any, **params: Any) -> tuple[Any, ...]:
        """Return the primitive's output on arrays, and its residuals or None for each."""
        y = self.output(*operands, **params)
        if not self.residuals:
            return (y, *(None for _ in self.primitive.residuals))
        arrays = [x.value if isinstance(x, Traced) else x for x in operands]
        return (y, *self.primitive.forward(*arrays, **params)[1:])

    def front(self, x: Array) -> Array:
        """Return a result with the example axis split from the axis that it was merged with."""
        return ops.reshape(x, shape=(self.size, *self.shape))

    def spread(self, x: Any) -> Any:
        """Return a value for each example, as an array with an extra axis; None stays None."""
        if x is None or isinstance(x, Batch):
            return x and x.array
        return ops.broadcast_to(x, shape=(self.size, *shape_of(x)))


Rule: TypeAlias = Callable[[Site, list[Any], dict[str, Any]], Sequence[Any]]
"""Maps operands and parameters to results, all of which have the examples along the first axis."""


def batched(
    primitive: Primitive, size: int, shape: Shape, operands: list[Any], params: dict[str, Any], *, residuals: bool
) -> list[Any]:
    """Return a primitive's results, each of them a `Batch` if an operand or a parameter is one.

    Raises
    ------
    ShapeError
        If the shapes of results differ between examples.
    """
    site = Site(primitive, size, shape, residuals)
    params = primitive.parameters | params
    otherwise = _elementwise if primitive.__module__ == special.__module__ else _one_by_one
    rule, varying = RULES.get(primitive, otherwise), any(map(_varies, params.values()))
    operands = [
        None if name in primitive.signature.optional and name not in primitive.rules else x
        for name, x in zip(primitive.operands * len(operands), operands, strict=False)
    ]  # without precomputed moments, which can be recomputed
    if not varying and not any(map(_varies, operands)):
        return list(site.call(*operands, **params))
    if varying and rule not in {_masked, _pool, _labelled, _channels, _rows, _affine_of_rows}:
        rule = _one_by_one
    return [None if y is None else Batch(y) for y in rule(site, operands, params)]


def _varies(value: Any) -> bool:
    if isinstance(value, Batch):
        return True
    return type(value) in {tuple, list} and any(map(_varies, value))


def _one_by_one(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """Call the primitive for each example."""
    rows = [site.call(*of_example(operands, i), **of_example(params, i)) for i in range(site.size)]
    results = []
    for row in zip(*rows, strict=True):
        if len({shape_of(y) for y in row}) > 1:
            problem = f"{site.primitive.name} gives results of other shapes for other examples"
            got = next(shape_of(y) for y in row if shape_of(y) != shape_of(row[0]))
            raise ShapeError("vmap", problem, expected=shape_of(row[0]), got=got)
        results.append(None if row[0] is None else ops.stack(list(row)))
    return results


def of_example(value: Any, i: int) -> Any:
    """Return an operand or parameters as they are for one example."""
    if isinstance(value, Batch):
        return value.array[i]
    if type(value) in {tuple, list}:
        return type(value)(of_example(each, i) for each in value)
    if type(value) is dict:
        return {name: of_example(each, i) for name, each in value.items()}
    return value


# --- elementwise, and along axes --------------------------------------------------------------


def _aligned(x: Any, rank: int) -> Any:
    """Return a batch as an array that broadcasts like its examples to ``rank`` axes; other values unchanged."""
    if not isinstance(x, Batch):
        return x
    count, *shape = shape_of(x.array)
    return ops.reshape(x.array, shape=(count, *(1,) * (rank - len(shape)), *shape))


def _shape(x: Any) -> Shape:
    return x.shape if isinstance(x, Batch) else shape_of(x)


def _rank(x: Any) -> int:
    return 0 if x is None else len(_shape(x))


def _elementwise(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    rank = max(map(_rank, operands))
    return site.call(*(_aligned(x, rank) for x in operands), **params)


def _masked(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For parameters that are a mask of elements."""
    mask = values_of(site.spread(params["mask"]))
    return site.call(*map(site.spread, operands), **params | {"mask": mask})


def _together(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For primitives that work only on the last axes."""
    return site.call(*map(site.spread, operands), **params)


def _behind(axis: Any, rank: int) -> Any:
    """Return an example's axes as axes of a batch; None stands for all."""
    if axis is None:
        return tuple(range(1, rank + 1))
    if isinstance(axis, tuple):
        return tuple(_behind(each, rank) for each in axis)
    return 1 + normalize_axis_index(axis, rank)


def _along(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For reductions over one, several or all axes."""
    if not _rank(operands[0]):
        return _one_by_one(site, operands, params)
    axis = _behind(params["axis"], _rank(operands[0]))
    return site.call(*map(site.spread, operands), **params | {"axis": axis})


def _along_one(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For primitives along one axis, or of the flattened operand."""
    if params["axis"] is not None or not _rank(operands[0]):
        return _along(site, operands, params)
    (x,) = map(site.spread, operands)
    flat = params | {"axis": 1} | ({"keepdims": False} if "keepdims" in params else {})
    y, *residuals = site.call(ops.reshape(x, shape=(site.size, math.prod(shape_of(x)[1:]))), **flat)
    return (site.front(y), *residuals)


def _roll(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    (x,) = map(site.spread, operands)
    if params["axis"] is None:
        flat = ops.reshape(x, shape=(site.size, math.prod(site.shape)))
        return (site.front(ops.roll(flat, params["shift"], 1)),)
    return site.call(x, shift=params["shift"], axis=_behind(params["axis"], len(site.shape)))


# --- shapes and indices -----------------------------------------------------------------------


def _reshape(site: Site, operands: list[Any], _params: dict[str, Any]) -> Sequence[Any]:
    return (site.front(operands[0].array),)


def _broadcast_to(site: Site, operands: list[Any], _params: dict[str, Any]) -> Sequence[Any]:
    return site.call(_aligned(operands[0], len(site.shape)), shape=(site.size, *site.shape))


def _transpose(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    rank = _rank(operands[0])
    axes = range(rank)[::-1] if params["axes"] is None else params["axes"]
    return site.call(operands[0].array, axes=(0, *_behind(tuple(axes), rank)))


def _concatenate(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    return site.call(*map(site.spread, operands), axis=_behind(params["axis"], len(site.shape)))


def _pad(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    widths = params["pad_width"]
    if not isinstance(widths, tuple) or not all(isinstance(pair, tuple) for pair in widths):
        return _one_by_one(site, operands, params)
    return site.call(operands[0].array, **params | {"pad_width": ((0, 0), *widths)})


def _index(index: Any) -> tuple[Any, ...] | None:
    """Return the index for a batch; None if arrays in the index would move the example axis."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [i for i, part in enumerate(parts) if hasattr(part, "dtype") or isinstance(part, (list, bool))]
    chosen = [i for i, part in enumerate(parts) if i in arrays or isinstance(part, int)] if arrays else []
    if _varies(index) or (chosen and chosen[-1] - chosen[0] >= len(chosen)):
        return None
    return (slice(None), *parts)


def _getitem(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    index = _index(params["index"])
    if index is None:
        return _one_by_one(site, operands, params)
    return site.call(operands[0].array, index=index)


def _scatter_add(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    index, (x,) = _index(params["index"]), operands
    if index is None or x.shape != _chosen(site, params):
        return _one_by_one(site, operands, params)
    return site.call(x.array, index=index, shape=(site.size, *site.shape))


def _set_at(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    index, (x, values) = _index(params["index"]), operands
    if index is None or _rank(values) > len(_chosen(site, params)):
        return _one_by_one(site, operands, params)
    return site.call(site.spread(x), _aligned(values, len(_chosen(site, params))), index=index)


def _chosen(site: Site, params: dict[str, Any]) -> Shape:
    """Return the shape of what an index selects from an array of the result's shape."""
    return shape_of(ops.getitem(AbstractArray(site.shape), index=params["index"]))


# --- products ---------------------------------------------------------------------------------


def _matmul(site: Site, operands: list[Any], _params: dict[str, Any]) -> Sequence[Any]:
    x1, x2 = operands
    if not isinstance(x2, Batch) and _rank(x2) <= 2:
        return site.call(x1.array, x2)  # the examples are rows, or stacks of rows
    x1, x2 = (Batch(site.spread(x)) for x in operands)
    left = Batch(ops.expand_dims(x1.array, 1)) if _rank(x1) == 1 else x1
    right = Batch(ops.expand_dims(x2.array, -1)) if _rank(x2) == 1 else x2
    rank = max(_rank(left), _rank(right))
    return (site.front(site.output(_aligned(left, rank), _aligned(right, rank))),)


def _linear(site: Site, operands: list[Any], _params: dict[str, Any]) -> Sequence[Any]:
    x, w, bias = operands
    if not isinstance(w, Batch) and not isinstance(bias, Batch):
        return site.call(x.array, w, bias)
    weights = ops.swapaxes(site.spread(w), 1, 2)
    (y,) = _matmul(site._replace(primitive=ops.matmul), [Batch(site.spread(x)), Batch(weights)], {})
    return (y if bias is None else y + _aligned(Batch(site.spread(bias)), len(site.shape)),)


def _einsum(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    used = set("".join((*params["terms"], params["out"])))
    letter = next(each for each in map(chr, range(ord("A"), ord("z"))) if each.isalpha() and each not in used)
    terms = tuple(letter + t if isinstance(x, Batch) else t for t, x in zip(params["terms"], operands, strict=True))
    arrays = [x.array if isinstance(x, Batch) else x for x in operands]
    return site.call(*arrays, terms=terms, out=letter + params["out"])


def _solve(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    a, b = (Batch(site.spread(x)) for x in operands)
    if _rank(b) == 1:
        b = Batch(ops.expand_dims(b.array, -1))
    rank = max(_rank(a), _rank(b))
    return (site.front(site.output(_aligned(a, rank), _aligned(b, rank), **params)),)


def _over_gaps(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    rank = len(site.shape)
    x, s, t = (Batch(site.spread(x)) for x in operands)
    return site.call(_aligned(x, rank), _aligned(s, rank - 1), _aligned(t, rank - 1), **params)


# --- windows, channels and rows ---------------------------------------------------------------


def _merged(x: Array, axis: int) -> Array:
    """Return a batch with the example axis moved before an axis and merged into it."""
    x = ops.moveaxis(x, 0, axis)
    shape = shape_of(x)
    return ops.reshape(x, shape=(*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _apart(site: Site, y: Array, axis: int) -> Array:
    """Undo `_merged` for a result."""
    shape = (*site.shape[:axis], site.size, *site.shape[axis:])
    return ops.moveaxis(ops.reshape(y, shape=shape), axis, 0)


def _pool(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """Treat the examples as images, or as channels of one image."""

    def joined(x: Any) -> Array:
        return _merged(site.spread(x), 0) if _rank(operands[0]) == 4 else site.spread(x)

    arrays = map(joined, operands)
    if "indices" in params:
        params = params | {"indices": values_of(joined(params["indices"]))}
    if "x_shape" in params:
        known = params["x_shape"]
        params = params | {"x_shape": (site.size * known[0], *known[1:]) if len(known) == 4 else (site.size, *known)}
    return [y if y is None else site.front(y) for y in site.call(*arrays, **params)]


def _correlation(name: str) -> Rule:
    """Return the rule for a side of the form; ``name`` is its parameter for the result's shape, if it has one.

    Images or filters that differ between examples are concatenated along channels. If both differ, the examples become
    groups of channels.
    """

    def rule(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
        first, second, *bias = operands
        if {_rank(first), _rank(second)} != {4}:
            return _one_by_one(site, operands, params)
        if bias and bias[0] is not None and _varies([second, bias[0]]):
            plain = (
                rule(site, [first, second, None], params)[0]
                if _varies([first, second])
                else site.spread(ops.correlate2d(first, second, **params))
            )
            added = site.spread(bias[0])
            return (plain + ops.reshape(added, shape=(site.size, 1, *shape_of(added)[1:], 1, 1)),)
        if not isinstance(second, Batch) and name != "w_shape":
            known = {name: (site.size * params[name][0], *params[name][1:])} if name else {}
            return (site.front(site.output(_merged(first.array, 0), second, *bias, **params | known)),)
        images, others = _merged(site.spread(first), 1), site.spread(second)
        known = {"groups": site.size * params["groups"]}
        if name == "w_shape":
            shape = params[name]
            known[name] = (site.size * shape[0], *shape[1:])
            return (site.front(site.output(images, _merged(others, 1), **params | known)),)
        if name:
            n, c, *size = params[name]
            known[name] = (n, site.size * c, *size)
        return (_apart(site, site.output(images, _merged(others, 0), *bias, **params | known), 1),)

    return rule


def _channels(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For batch normalisation: each example becomes separate channels. Its residuals can be recomputed."""
    arrays = [
        x if x is None else _merged(x, 1 if len(shape_of(x)) > 2 else 0) for x in map(site.spread, operands)
    ]  # fmt: skip
    counted = dict.fromkeys({"moments", "sums"} & params.keys())
    y = site.output(*arrays, **params | counted)
    return (_apart(site, y, 1), *(None for _ in site.primitive.residuals))


def _rows(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For layer normalisation and its gradient in x: examples become rows. Its residuals can be recomputed."""
    *arrays, weight, bias = [*operands, None] if site.primitive is ops.layer_norm_wrt_input else operands
    arrays, rank = [site.spread(x) for x in arrays], len(site.shape)
    backward = site.primitive is ops.layer_norm_wrt_input
    params = {name: params[name] for name in ("eps", "axes")}
    if backward and isinstance(weight, Batch):
        arrays[0], weight = arrays[0] * _aligned(weight, rank), None
    if isinstance(weight, Batch) or isinstance(bias, Batch):
        y = ops.layer_norm(*arrays, **params)
        y = y if weight is None else y * _aligned(weight, rank)
        y = y if bias is None else y + _aligned(bias, rank)
    else:
        y = site.output(*arrays, *([weight] if backward else [weight, bias]), **params)
    return (y, *(None for _ in site.primitive.residuals))


def _affine_of_rows(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For layer normalisation's gradients in the weight and the bias: sums over an example's rows."""
    g, x = map(site.spread, operands)
    z = ops.layer_norm(x, eps=params["eps"], axes=params["axes"])
    axes = tuple(range(1, len(shape_of(x)) - max(params["axes"], params["over"] or 1)))
    sums = [ops.sum(g * z, axis=axes), ops.sum(g, axis=axes)]
    if params["together"]:
        sums = [ops.sum(each, axis=-1, keepdims=True) for each in sums]
    return (ops.stack(sums, axis=1),)


def _attention(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For attention: examples become a leading axis. Its residuals can be recomputed."""
    *arrays, bias = operands[:4]
    y = site.output(*map(site.spread, arrays), _aligned(bias, _rank(arrays[0])), **params)
    return (y, *(None for _ in site.primitive.residuals))


def _attention_backward(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For the gradients of attention, which are concatenated: the query's, then the key's, then the value's."""
    g, *arrays = map(site.spread, operands[:4])
    row = site.output(g, *arrays, _aligned(operands[4], _rank(operands[0])), **params)
    ends = np.cumsum([0, *(math.prod(shape_of(x)) for x in arrays)]).tolist()
    widths = [math.prod(shape_of(x)[1:]) for x in arrays]
    parts = [ops.reshape(row[a:b], shape=(site.size, n)) for (a, b), n in zip(pairwise(ends), widths, strict=True)]
    return (ops.concatenate(parts, axis=1),)


_EXAMPLES_ALONG: Final = {"g": 1, "u": 1, "h": 0, "c": 0}
"""Operands of recurrent layers, and their sequence axis."""
_COTANGENTS: Final = {"lstm_backward": "uhc", "gru_backward": "uuh"}
"""Results of recurrent layers, in order."""


def _recurrent(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For recurrent layers: examples become more sequences. Residuals can be recomputed."""
    named = dict(zip(site.primitive.operands, operands, strict=False))
    if any(isinstance(x, Batch) for name, x in named.items() if name not in _EXAMPLES_ALONG):
        return _one_by_one(site, operands, params)  # weights differ
    merged = {n: _merged(site.spread(x), _EXAMPLES_ALONG[n]) if n in _EXAMPLES_ALONG else x for n, x in named.items()}
    y = site.output(*merged.values(), **params)
    if site.primitive.name not in _COTANGENTS:
        return (_apart(site, y, 1), *(None for _ in site.primitive.residuals))
    rows, start = [], 0
    for name in _COTANGENTS[site.primitive.name]:
        of_one, end = site._replace(shape=_shape(named[name])), start + math.prod(shape_of(merged[name]))
        part = _apart(of_one, y[start:end], _EXAMPLES_ALONG[name])
        rows.append(ops.reshape(part, shape=(site.size, math.prod(of_one.shape))))
        start = end
    return (ops.concatenate(rows, axis=1),)


def _huber(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For regression losses, with the mean or sum over one example."""
    rank, reduction = max(map(_rank, operands)), params["reduction"]
    losses = site.output(*(_aligned(x, rank) for x in operands), **params | {"reduction": "none"})
    if reduction == "none":
        return (losses,)
    return ((ops.mean if reduction == "mean" else ops.sum)(losses, axis=tuple(range(1, rank + 1))),)


def _huber_backward(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For their gradient, with the mean over one example."""
    if params["reduction"] == "mean":
        count = math.prod(np.broadcast_shapes(*map(_shape, operands[1:])))
        params = params | {"factor": params["factor"] / (count or math.nan), "reduction": "none"}
    return _elementwise(site, operands, params)


def _labelled(site: Site, operands: list[Any], params: dict[str, Any]) -> Sequence[Any]:
    """For classification losses: examples become rows or maps of scores."""
    arrays = [_merged(site.spread(x), 0) for x in operands]
    labels = values_of(site.spread(params["labels"]))
    labels = labels.reshape(-1, *labels.shape[2:])
    return (site.front(site.output(*arrays, **params | {"labels": labels})),)


# --- the table --------------------------------------------------------------------------------


_OURS: Final = {p.name: p for name, p in REGISTRY.items() if name.startswith("autograd_cnn.ops.")}

RULES: Final[dict[Primitive, Rule]] = {
    **{primitive: _elementwise for primitive in _OURS.values() if primitive.elementwise},
    **{
        _OURS[name]: rule
        for names, rule in {
            "masked damped": _masked,
            "sum mean max min extremum_backward prod var all any count_nonzero logsumexp softmax log_softmax softmax_backward "
            "log_softmax_backward flip cosines": _along,
            "argmax argmin cumsum cumprod sort argsort": _along_one,
            "roll": _roll, "reshape": _reshape, "broadcast_to": _broadcast_to, "transpose": _transpose,
            "concatenate": _concatenate, "pad": _pad,
            "getitem": _getitem, "scatter_add": _scatter_add, "set_at": _set_at,
            "matmul": _matmul, "linear": _linear, "einsum": _einsum, "solve": _solve, "over_gaps": _over_gaps,
            "inv pinv det cofactors log_abs_det sign_det cholesky eigh qr svd roots resample": _together,
            "max_pool relu_max_pool max_pool_indices max_pool_gather max_unpool mean_pool mean_pool_wrt_input": _pool,
            "correlate2d": _correlation(""),
            "correlate2d_wrt_input": _correlation("x_shape"),
            "correlate2d_wrt_weight": _correlation("w_shape"),
            "batch_norm batch_norm_inference batch_norm_wrt_input batch_norm_wrt_affine": _channels,
            "layer_norm layer_norm_wrt_input": _rows, "layer_norm_wrt_affine": _affine_of_rows,
            "attention": _attention, "attention_backward": _attention_backward,
            "lstm lstm_backward gru gru_backward": _recurrent,
            "softmax_cross_entropy softmax_error nll nll_backward": _labelled, "huber": _huber,
            "huber_backward": _huber_backward,
        }.items()
        for name in names.split()
    },
}  # fmt: skip
"""The rule of each of this package's primitives that has one."""
