"""Normalisation as PyTorch has it, on both backends."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world has it
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, agree, check, few, generators, lengths, numbers

from autograd_cnn import ops
from autograd_cnn.nn import functional


@st.composite
def batches(draw):
    """Draw maps of two pixels at least, some of them large enough to be worth compiled code, and maybe numbers."""
    shape = draw(st.one_of(st.tuples(st.integers(2, 4), *[lengths] * 3), st.just((2, 3, 60, 50))))
    rng = draw(generators)
    weight, bias = (draw(st.one_of(st.none(), st.just(numbers(rng, shape[1:2])))) for _ in range(2))
    return Call((numbers(rng, shape), weight, bias), {"eps": draw(st.sampled_from([1e-2, 1.0]))})


def batch_norm(x, weight, bias, eps):
    if weight is None:  # without one its second order fails
        weight = torch.ones(x.shape[1], dtype=x.dtype)
    return F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


def batch_norm_inference(x, mean, var, weight, bias, eps):
    """The formula: PyTorch's own gives no gradient for the moments."""
    mean, var, weight, bias = (each if each is None else each[:, None, None] for each in (mean, var, weight, bias))
    z = (x - mean) * (var + eps).rsqrt()
    z = z if weight is None else z * weight
    return z if bias is None else z + bias


@st.composite
def batches_with_moments(draw):
    call = draw(batches())
    rng, (x, weight, bias) = draw(generators), call.arrays
    moments = numbers(rng, x.shape[1:2]), numbers(rng, x.shape[1:2], "positive")
    return Call((x, *moments, weight, bias), call.params)


@st.composite
def rows(draw):
    """Draw rows of two numbers at least, some of them long enough to be worth compiled code, and maybe numbers."""
    shape = draw(st.one_of(st.tuples(lengths, lengths, st.integers(2, 4)), st.just((150, 8, 20))))
    axes = draw(st.integers(1, len(shape)))
    rng = draw(generators)
    weight, bias = (draw(st.one_of(st.none(), st.just(numbers(rng, shape[-axes:])))) for _ in range(2))
    return Call((numbers(rng, shape), weight, bias), {"eps": draw(st.sampled_from([1e-2, 1.0])), "axes": axes})


def layer_norm(x, weight, bias, eps, axes):
    row = x.shape[-axes:]
    if weight is None:  # without one its second order fails
        weight = torch.ones(row, dtype=x.dtype)
    return F.layer_norm(x, row, weight, bias, eps)


@pytest.mark.parametrize(
    ("name", "shape"), [("batch_norm", (5, 3)), ("batch_norm", (2, 3, 4)), ("instance_norm", (2, 3, 4))]
)
def test_running_values_follow(rng, name, shape):
    x, before = rng.standard_normal(shape), (rng.standard_normal(3), rng.random(3))
    ours, theirs = [each.copy() for each in before], [torch.tensor(each) for each in before]
    options = {"batch_norm": {"training": True}, "instance_norm": {"use_input_stats": True}}[name] | {"momentum": 0.3}
    agree(getattr(functional, name)(x, *ours, **options), getattr(F, name)(torch.tensor(x), *theirs, **options))
    for own, known, old in zip(ours, theirs, before, strict=True):
        agree(own, known)
        assert (own != old).all()
    y = getattr(functional, name)(x, *ours, **dict.fromkeys(options.keys() - {"momentum"}, False))
    agree(y, F.batch_norm(torch.tensor(x), *theirs))


CASES = {
    ops.batch_norm: Counterpart(batch_norm, batches()),
    ops.batch_norm_inference: Counterpart(batch_norm_inference, batches_with_moments()),
    ops.layer_norm: Counterpart(layer_norm, rows()),
}


@pytest.mark.parametrize("backend", ["reference", "jit"])
@pytest.mark.parametrize("primitive", CASES, ids=lambda each: each.name)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, backend, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls), backend)
