"""Standardised maps, compiled, against the reference."""

import numba
import numpy as np
import pytest

from autograd_cnn.kernels import reference
from autograd_cnn.kernels.compiled import normalization
from autograd_cnn.kernels.compiled.map import FEWEST

SHAPES = [(4, 3, 64, 64), (3, 5, 33, 37), (2000, 10, 1, 1), (1, 1, 5, 5003), (64, 40, 3, 3)]


def calls(rng, shape, dtype, mean=0.0):
    """Return the names of the kernels and what to call them with."""
    x, g = (rng.standard_normal(shape) + mean).astype(dtype), rng.standard_normal(shape).astype(dtype)
    scale, shift = rng.standard_normal((2, shape[1])).astype(dtype)
    return {
        "moments": (x,),
        "standardize": (x, scale, shift, 1e-3),
        "standardized_dot": (g, x, 1e-3),
        "standardize_wrt_input": (g, x, scale, 1e-3),
    }


def both_moments(found):
    return np.stack(found) if isinstance(found, tuple) else found


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize("shape", SHAPES)
def test_they_agree_with_the_reference(rng, shape, dtype, tolerance):
    for name, arguments in calls(rng, shape, dtype).items():
        found, expected = (both_moments(getattr(m, name)(*arguments)) for m in (normalization, reference))
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max(), err_msg=name)


def test_a_large_mean_costs_no_digits(rng):
    for name, arguments in calls(rng, (8, 4, 32, 32), np.float32, mean=1000.0).items():
        exact = [a.astype(float) if isinstance(a, np.ndarray) else a for a in arguments]
        found, expected = both_moments(getattr(normalization, name)(*arguments)), getattr(reference, name)(*exact)
        expected = both_moments(expected)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4 * np.abs(expected).max(axis=None), err_msg=name)


def test_any_number_of_threads_gives_the_same_bits(rng):
    arguments, before, results = calls(rng, (8, 5, 40, 40), np.float32), numba.get_num_threads(), []
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            results.append([both_moments(getattr(normalization, name)(*each)) for name, each in arguments.items()])
    finally:
        numba.set_num_threads(before)
    for one, several in zip(*results, strict=True):
        assert one.tobytes() == several.tobytes()


def test_only_batches_that_are_large_enough_are_taken(rng):
    for name, arguments in calls(rng, (1, 1, 1, FEWEST - 1), np.float32).items():
        assert getattr(normalization, name)(*arguments) is NotImplemented
    for name, arguments in calls(rng, (1, 1, 1, FEWEST), np.float16).items():
        assert getattr(normalization, name)(*arguments) is NotImplemented


def test_sums_over_any_number_of_elements():
    kernel = numba.njit(lambda a, b, size: normalization.sum_products(a, 1, a[0], b, 2, b[0], size))
    a, b = np.arange(200.0) % 7, np.arange(200.0) % 5
    for size in (1, 7, 64, 65, 150):
        expected = (a[1 : 1 + size] - a[0]).sum(), ((a[1 : 1 + size] - a[0]) * (b[2 : 2 + size] - b[0])).sum()
        assert kernel(a, b, size) == expected
