import numpy as np

from autograd_cnn.kernels.reference import linear, matmul


def test_matmul_is_a_sum_of_products(rng):
    a, b = rng.standard_normal((2, 3, 4)), rng.standard_normal((4, 5))
    expected = [[[sum(a[n, i, k] * b[k, j] for k in range(4)) for j in range(5)] for i in range(3)] for n in range(2)]
    np.testing.assert_allclose(matmul(a, b), expected, atol=1e-13)


def test_linear_is_a_sum_of_products_and_a_bias(rng):
    x, w, bias = rng.standard_normal((2, 4)), rng.standard_normal((3, 4)), rng.standard_normal(3)
    expected = [[sum(x[n, k] * w[f, k] for k in range(4)) + bias[f] for f in range(3)] for n in range(2)]
    np.testing.assert_allclose(linear(x, w, bias), expected, atol=1e-13)
    np.testing.assert_allclose(linear(x, w, None), np.array(expected) - bias, atol=1e-13)
