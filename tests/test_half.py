"""Half precision is a type to keep numbers in: they are computed with in float32, gradients too."""

import numpy as np
from tables import for_each

import autograd_cnn as ag

HALF = np.float16


def _gradient(f, x, dtype=HALF):
    leaf = ag.tensor(x, requires_grad=True, dtype=dtype)
    y = f(leaf)
    y.backward(np.ones(y.shape))
    assert y.dtype == leaf.grad.dtype == dtype
    return leaf.grad.numpy()


def test_a_mean_over_more_elements_than_half_precision_counts_to():
    np.testing.assert_allclose(_gradient(ag.mean, np.ones(70_000)), np.full(70_000, 1 / 70_000, HALF))


def test_batch_normalisation_over_more_elements_than_half_precision_counts_to(rng):
    x = rng.standard_normal((8, 1, 128, 128)).astype(HALF)
    y = ag.batch_norm(x)
    assert y.dtype == HALF
    np.testing.assert_allclose(y, ag.batch_norm(x.astype(float)), rtol=1e-3, atol=1e-3)


@for_each("backend", ["reference", "auto"])
@for_each(
    "f",
    [
        lambda x: ag.sum(x, axis=0),
        ag.var,
        lambda x: ag.logsumexp(x, axis=0),
        lambda x: ag.softmax(x, axis=0),
        lambda x: x @ np.ones((8, 4), HALF),
        lambda x: ag.cumsum(x, axis=0),
        lambda x: ag.correlate2d(x, np.full((64, 1), 0.25, HALF)),
        lambda x: ag.mean_pool(x, (64, 1)),
        lambda x: ag.power(x, 3),
    ],
)
def test_values_and_gradients_are_those_of_float32_rounded_once(f, backend, rng):
    x = rng.standard_normal((512, 8)).astype(HALF)
    with ag.set_backend(backend):
        half, single = _gradient(f, x), _gradient(f, x.astype(np.float32), np.float32)
        np.testing.assert_array_equal(f(x), f(x.astype(np.float32)).astype(HALF))
    np.testing.assert_allclose(half, single.astype(HALF), rtol=2e-3, atol=2e-6 + 1e-3 * np.max(np.abs(single)))


def test_what_was_saved_is_computed_with_in_float32():
    gradient = _gradient(ag.arctan, np.array([300.0]))  # whose square is more than half precision counts to
    np.testing.assert_array_equal(gradient, np.array([1 / (1 + 300**2)], HALF))


def test_a_fan_out_adds_up_in_float32():
    x = ag.tensor(1.0, requires_grad=True, dtype=HALF)
    total = ag.tensor(0.0, dtype=np.float32)
    for _ in range(5000):
        total += x
    total.backward()
    assert x.grad.item() == 5000.0  # added up in half precision it would stop at 2048


def test_hooks_and_intermediate_results_see_half_precision():
    x = ag.tensor([1.0, 2.0], requires_grad=True, dtype=HALF)
    y = x * 3
    y.retain_grad()
    seen = []
    y.register_hook(lambda g: seen.append(g.dtype))
    ag.sum(y * y).backward()
    assert seen == [HALF]
    assert y.grad.dtype == x.grad.dtype == HALF
    np.testing.assert_array_equal(x.grad, [18.0, 36.0])


def test_second_derivatives():
    x = np.array([0.5, 1.5], HALF)
    found = ag.hessian(lambda x: ag.sum(x**3))(x)
    assert found.dtype == HALF
    np.testing.assert_allclose(found, np.diag(6 * x), rtol=1e-3)


def test_other_dtypes_beside_it_decide_as_in_numpy():
    x = np.ones(2, HALF)
    for other in (np.float32(2), np.ones(2, np.float32), np.ones(2), np.ones(2, np.int8), np.ones(2, np.int64), 2.0):
        assert ag.multiply(x, other).dtype == np.multiply(x, other).dtype
    assert ag.astype(x, np.float32).dtype == np.float32
    assert ag.astype(np.ones(2, np.float32), HALF).dtype == HALF
