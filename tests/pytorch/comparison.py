"""The same call here and in PyTorch, in float64: values, gradients, and gradients of gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st

import autograd_cnn as ag
from autograd_cnn.engine.backward import gradients
from autograd_cnn.engine.node import values_of
from autograd_cnn.engine.primitive import Primitive

TOLERANCE = 1e-10

few = settings(max_examples=10)
"""How many calls to draw: two engines, two orders and two backends make each one dear."""

generators = st.builds(np.random.default_rng, st.integers(0, 2**32 - 1))
lengths = st.integers(1, 4)
shapes = st.lists(lengths, max_size=3).map(tuple)


def numbers(rng: np.random.Generator, shape: tuple[int, ...], kind: str = "normal") -> np.ndarray:
    """Draw normal numbers, ``"positive"`` ones, or those of a coarse ``"grid"``, with zeros and ties."""
    if kind == "grid":
        return np.asarray(rng.integers(-3, 4, shape) * 0.5)
    return np.asarray(rng.uniform(0.5, 2.0, shape) if kind == "positive" else rng.standard_normal(shape))


@dataclass(frozen=True)
class Call:
    """Arguments for both sides."""

    arrays: tuple[Any, ...]
    params: dict[str, Any]


@dataclass(frozen=True)
class Counterpart:
    """PyTorch's function for a primitive, which takes the same arguments, and calls of both to draw from."""

    theirs: Callable[..., torch.Tensor]
    calls: st.SearchStrategy[Call]
    order: int = 2
    """How often to differentiate; once where PyTorch's own rule of second order says something else."""


def check(primitive: Primitive, counterpart: Counterpart, call: Call, backend: str = "reference") -> None:
    """Hold one call of a primitive against its counterpart."""
    with ag.set_backend(backend):
        compare(
            lambda *arrays: primitive(*arrays, **call.params),
            lambda *tensors: counterpart.theirs(*tensors, **call.params),
            *call.arrays,
            order=0 if primitive.constant else counterpart.order,
        )


def compare(ours: Callable[..., Any], theirs: Callable[..., Any], *arrays: Any, order: int = 1) -> None:
    """Hold ``ours(*arrays)`` against ``theirs``, and their derivatives in each array of floats.

    The cotangent is random. The second order is the gradient of a random sum of all that the first gave, in the
    arrays and in the cotangent.
    """
    tensors, peers = [_ours(a, order > 0) for a in arrays], [_theirs(a, order > 0) for a in arrays]
    y, z = ours(*tensors), theirs(*peers)
    agree(y, z, "the value")
    if not order:
        return
    rng = np.random.default_rng(0)
    g = rng.standard_normal(y.shape)
    tensors, peers = [t for t in tensors if isinstance(t, ag.Tensor)], [p for p in peers if _is_leaf(p)]
    cotangent, peer = _ours(g, order > 1), _theirs(g, order > 1)
    first = _gradients(y, tensors, cotangent, create_graph=order > 1)
    expected = torch.autograd.grad(z, peers, peer, create_graph=order > 1, materialize_grads=True)
    for place, (found, known) in enumerate(zip(first, expected, strict=True)):
        agree(found, known, f"gradient {place}")
    if order < 2:
        return
    directions = [rng.standard_normal(t.shape) for t in tensors]
    total = sum((found * d).sum() for found, d in zip(first, directions, strict=True))
    known_total = sum((known * torch.tensor(d)).sum() for known, d in zip(expected, directions, strict=True))
    second = _gradients(total, [*tensors, cotangent], None)
    expected = [torch.zeros_like(p) for p in (*peers, peer)]
    if known_total.requires_grad:
        expected = torch.autograd.grad(known_total, [*peers, peer], materialize_grads=True)
    for place, (found, known) in enumerate(zip(second, expected, strict=True)):
        agree(found, known, f"gradient {place} of the second order")


def agree(ours: Any, theirs: torch.Tensor, what: str = "the value", tolerance: float = TOLERANCE) -> None:
    """Raise unless shape, dtype and all numbers are the same, to ten digits of the largest."""
    found, expected = values_of(ours), theirs.detach().numpy(force=True)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype), what
    scale = max(1.0, np.abs(expected).max(initial=0.0)) if expected.dtype.kind == "f" else 0.0
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def _is_float(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def _is_leaf(a: Any) -> bool:
    return isinstance(a, torch.Tensor) and a.requires_grad


def _ours(a: Any, tracked: bool) -> Any:
    return ag.tensor(a, requires_grad=True) if _is_float(a) and tracked else a


def _theirs(a: Any, tracked: bool) -> Any:
    return torch.tensor(a, requires_grad=tracked and _is_float(a)) if isinstance(a, np.ndarray) else a


def _gradients(y: ag.Tensor, leaves: list[ag.Tensor], g: Any, *, create_graph: bool = False) -> list[Any]:
    """Return the gradient of each leaf, zeros where ``y`` does not depend on it."""
    if not y.requires_grad:
        return [np.zeros(leaf.shape) for leaf in leaves]
    cotangents = gradients(y, leaves, g, create_graph=create_graph)
    return [np.zeros(leaf.shape) if g is None else g for leaf, g in zip(leaves, cotangents, strict=True)]


# --- what to draw -----------------------------------------------------------------------------


@st.composite
def unary(draw: Any, kind: str = "normal", **params: st.SearchStrategy[Any]) -> Call:
    """Draw an array, of any shape, and parameters."""
    array = numbers(draw(generators), draw(shapes), kind)
    return Call((array,), {name: draw(values) for name, values in params.items()})


@st.composite
def axes(draw: Any, rank: int, several: bool = True) -> Any:
    """Draw an axis, several, or None for all."""
    if not rank:
        return None
    one = st.integers(-rank, rank - 1)
    some = st.lists(st.integers(0, rank - 1), min_size=1, unique=True).map(tuple)
    return draw(st.one_of(st.none(), one, some) if several else st.one_of(st.none(), one))


def every_axis(x: torch.Tensor, axis: Any) -> tuple[int, ...]:
    """Write ``axis`` out as PyTorch's functions of several axes want it."""
    if axis is None:
        return tuple(range(x.ndim))
    return axis if isinstance(axis, tuple) else (axis,)


def pair(value: Any) -> tuple[Any, Any]:
    """Return one value for the height and one for the width."""
    return value if isinstance(value, tuple) else (value, value)
