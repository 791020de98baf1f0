"""Sums, means, extrema and products along axes as PyTorch has them."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, axes, check, compare, every_axis, few, generators, numbers, shapes

from autograd_cnn import ops


@st.composite
def reduced(draw, kind="normal", several=True, **params):
    shape = draw(shapes)
    axis = draw(axes(len(shape), several))
    drawn = {name: draw(values) for name, values in params.items()}
    return Call((numbers(draw(generators), shape, kind),), {"axis": axis, "keepdims": draw(st.booleans()), **drawn})


@st.composite
def running(draw):
    shape = draw(shapes)
    return Call((numbers(draw(generators), shape),), {"axis": draw(axes(len(shape), several=False))})


@st.composite
def varying(draw):
    """Draw a variance over more elements than ``ddof``."""
    call = draw(reduced(ddof=st.integers(0, 2)))
    (x,), axis = call.arrays, call.params["axis"]
    assume(np.size(x) / np.size(np.sum(x, axis=axis)) > call.params["ddof"])
    return call


def product(x, axis, keepdims):
    """Return the product along several axes, for which PyTorch has no function, one after the other."""
    for each in sorted((a % x.ndim for a in every_axis(x, axis)), reverse=True):
        x = x.prod(dim=each, keepdim=keepdims)
    return x


CASES = {
    ops.sum: Counterpart(lambda x, axis, keepdims: x.sum(dim=every_axis(x, axis), keepdim=keepdims), reduced()),
    ops.mean: Counterpart(lambda x, axis, keepdims: x.mean(dim=every_axis(x, axis), keepdim=keepdims), reduced()),
    ops.var: Counterpart(
        lambda x, axis, keepdims, ddof: x.var(dim=every_axis(x, axis), keepdim=keepdims, correction=ddof), varying()
    ),
    ops.max: Counterpart(lambda x, axis, keepdims: x.amax(dim=every_axis(x, axis), keepdim=keepdims), reduced("grid")),
    ops.min: Counterpart(lambda x, axis, keepdims: x.amin(dim=every_axis(x, axis), keepdim=keepdims), reduced("grid")),
    ops.argmax: Counterpart(
        lambda x, axis, keepdims: x.argmax(dim=axis, keepdim=keepdims), reduced("grid", several=False)
    ),
    ops.argmin: Counterpart(
        lambda x, axis, keepdims: x.argmin(dim=axis, keepdim=keepdims), reduced("grid", several=False)
    ),
    ops.prod: Counterpart(product, reduced("grid")),
    ops.cumsum: Counterpart(lambda x, axis: x.reshape(-1).cumsum(0) if axis is None else x.cumsum(axis), running()),
}


@pytest.mark.parametrize("primitive", CASES)
@few
@given(data=st.data())
def test_values_and_gradients(primitive, data):
    check(primitive, CASES[primitive], data.draw(CASES[primitive].calls))


@few
@given(varying())
def test_std(call):
    (x,), axis, ddof = call.arrays, call.params["axis"], call.params["ddof"]
    assume(np.all(np.std(x, axis=axis) > 0))
    compare(
        lambda x: ops.std(x, **call.params),
        lambda x: x.std(dim=every_axis(x, axis), keepdim=call.params["keepdims"], correction=ddof),
        x,
        order=2,
    )
