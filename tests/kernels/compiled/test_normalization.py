"""Standardised maps, compiled, against the reference."""

import numba
import numpy as np
import pytest
from tables import for_each

from autograd_cnn.kernels import reference
from autograd_cnn.kernels.compiled import normalization
from autograd_cnn.kernels.compiled.map import MIN_COMPILED

SHAPES = [(4, 3, 64, 64), (3, 5, 33, 37), (2000, 10, 1, 1), (1, 1, 5, 5003), (64, 40, 3, 3), (2, 7, 1, 5)]


def results(kernels, rng, shape, dtype, mean=0.0):
    """Return what the kernels give for random arrays, by their names."""
    x, g = (rng.standard_normal(shape) + mean).astype(dtype), rng.standard_normal(shape).astype(dtype)
    scale, shift = rng.standard_normal((2, shape[1])).astype(dtype)
    exact = x.astype(float)
    moments = np.stack([exact.mean(axis=(0, 2, 3)), exact.var(axis=(0, 2, 3))])
    sums = rng.standard_normal((2, shape[1])).astype(dtype) * x[:, 0].size
    if kernels is None:  # as exactly as can be
        kernels, x, g, scale, shift, sums = reference, *(a.astype(float) for a in (x, g, scale, shift, sums))
    return {
        "moments": kernels.moments(x),
        "standardize": kernels.standardize(x, moments, scale, shift, 1e-3),
        "standardized_sums": kernels.standardized_sums(g, x, moments, 1e-3),
        "standardize_wrt_input": kernels.standardize_wrt_input(g, x, moments, sums, scale, 1e-3),
    }


@for_each("dtype, tolerance", [(np.float32, 1e-5), (np.float64, 1e-12)])
@for_each("shape", SHAPES)
def test_they_agree_with_the_reference(shape, dtype, tolerance):
    found, plain, exact = (
        results(which, np.random.default_rng(0), shape, dtype) for which in (normalization, reference, None)
    )
    for name, value in found.items():
        assert value.dtype == plain[name].dtype == (float if name == "moments" else dtype)
        scale = np.abs(exact[name]).max()
        np.testing.assert_allclose(value, exact[name], rtol=0, atol=tolerance * scale, err_msg=name)
        np.testing.assert_allclose(plain[name], exact[name], rtol=0, atol=tolerance * scale, err_msg=name)


def test_a_large_mean_costs_no_digits():
    found, exact = (
        results(which, np.random.default_rng(0), (8, 4, 32, 32), np.float32, mean=1000.0)
        for which in (normalization, None)
    )
    for name, value in found.items():
        np.testing.assert_allclose(value, exact[name], rtol=0, atol=2e-6 * np.abs(exact[name]).max(), err_msg=name)


def test_nor_do_a_border_or_an_image_that_are_far_from_the_rest(rng):
    x = rng.standard_normal((4, 2, 30, 30)).astype(np.float32) * 1e-2
    x[:, 0, :2], x[0, 1] = 30, -50
    exact = x.astype(float)
    mean, var = normalization.moments(x)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(var, exact.var(axis=(0, 2, 3)), rtol=1e-5)


def test_any_number_of_threads_gives_the_same_bits():
    before, runs = numba.get_num_threads(), []
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            runs.append(results(normalization, np.random.default_rng(0), (8, 5, 40, 40), np.float32))
    finally:
        numba.set_num_threads(before)
    for name, value in runs[0].items():
        assert value.tobytes() == runs[1][name].tobytes()


def test_only_batches_that_are_large_enough_are_taken():
    for shape, dtype in (((1, 1, 1, MIN_COMPILED - 1), np.float32), ((1, 1, 1, MIN_COMPILED), np.float16)):
        found = results(normalization, np.random.default_rng(0), shape, dtype)
        assert all(value is NotImplemented for value in found.values())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_finite_stays_in_its_channel(dtype):
    x = np.ones((2, 3, 8, 8), dtype)
    x[1, 0, 3, 3], x[0, 1, 0, 0] = np.nan, np.inf
    mean, var = normalization.moments(x)
    assert not np.isfinite(mean[:2]).any()
    assert np.isnan(var[:2]).all()
    assert (mean[2], var[2]) == (1, 0)
