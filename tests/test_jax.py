"""NumPy's functions on tensors against JAX's of the same name: values, and gradients by every array."""

import numpy as np
import pytest
from numpy_calls import SYMMETRIC, calls, functions, numbers_of, outcome

import autograd_cnn as ag

jax = pytest.importorskip("jax", minversion="0.8")

DIFFERENT = {
    "nextafter": "JAX has no gradient of it",
    "partition": "the order of the elements in both parts differs",
    "polydiv": "JAX keeps zeros in front of the remainder",
    "polyfit": "JAX's gradient is NaN",
    "roots": "JAX's are complex numbers",
    **dict.fromkeys(
        ["unique", "unique_all", "unique_counts", "unique_inverse", "unique_values"], "JAX's have no gradient"
    ),
}
"""Functions whose derivatives JAX has otherwise, and why."""


def _theirs(name):
    module, _, last = name.rpartition(".")
    return getattr(getattr(jax.numpy, module, None) if module else jax.numpy, last, None)


def _weights(ys):
    rng = np.random.default_rng(3)
    return [np.where(np.isfinite(y), rng.standard_normal(y.shape), 0) if y.dtype.kind == "f" else None for y in ys]


def _total(result, weights, where, total):
    pairs = zip(numbers_of(result), weights, strict=True)
    return sum(total(where(w != 0, y, 0.0) * w) for y, w in pairs if w is not None)


def _gradients(called, function, theirs):
    """Return values and gradients of a weighted sum, ours and JAX's; None where JAX does not take the call."""
    arrays = called.arrays
    with jax.enable_x64(new_val=True):
        try:
            values = [np.asarray(y) for y in numbers_of(called.on(theirs, jax.numpy.asarray))]
        except (TypeError, ValueError, NotImplementedError, IndexError):
            return None
        weights = _weights(values)

        def of_theirs(*xs):
            it = iter(xs)
            return _total(called.on(theirs, lambda _: next(it)), weights, jax.numpy.where, jax.numpy.sum)

        expected = jax.grad(of_theirs, tuple(range(len(arrays))))(*arrays)

    def of_ours(*xs):
        it = iter(xs)
        zero = sum(0.0 * ag.sum(ag.nan_to_num(x)) for x in xs)
        return _total(called.on(function, lambda _: next(it)), weights, ag.where, ag.sum) + zero

    ours = [np.asarray(y.value if isinstance(y, ag.Tensor) else y) for y in numbers_of(called.on(function, ag.tensor))]
    return (ours, ag.grad(of_ours, tuple(range(len(arrays))))(*arrays)), (values, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_values_and_gradients_are_those_of_jax(subtests):
    compared = set()
    for name, function in functions():
        theirs = _theirs(name)
        if theirs is None or name in DIFFERENT or outcome(name, function) != "gradient":
            continue
        with subtests.test(name):
            found = _gradients(next(each for each in calls(name, function) if each.arrays), function, theirs)
            if found is None:
                continue
            (ours, g), (values, expected) = found
            for y, z in zip(ours, values, strict=True):
                np.testing.assert_allclose(y, z, rtol=1e-7, atol=1e-9)
            for dy, dz in zip(g, expected, strict=True):
                parts = [(d + d.T) / 2 if name in SYMMETRIC else d for d in (dy, np.asarray(dz))]
                np.testing.assert_allclose(*parts, rtol=1e-7, atol=1e-9)
            compared.add(name)
    assert len(compared) > 190, sorted(compared)
