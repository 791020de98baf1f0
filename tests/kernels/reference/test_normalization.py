"""Standardised maps against the formulas, a channel at a time."""

import numpy as np

from autograd_cnn.kernels import reference


def test_each_channel_is_standardised_by_itself(rng):
    x, g = (rng.standard_normal((3, 4, 5, 2)) * 2 + 7 for _ in range(2))
    scale, shift = rng.standard_normal((2, 4))
    mean, var = reference.moments(x)
    y = reference.standardize(x, np.stack([mean, var]), scale, shift, 0.1)
    sums = reference.standardized_sums(g, x, np.stack([mean, var]), 0.1)
    dx = reference.standardize_wrt_input(g, x, np.stack([mean, var]), sums, scale, 0.1)
    for c in range(4):
        of_x, of_g = x[:, c], g[:, c]
        np.testing.assert_allclose([mean[c], var[c]], [of_x.mean(), of_x.std() ** 2], rtol=1e-12)
        r = 1 / np.sqrt(of_x.std() ** 2 + 0.1)
        z = (of_x - of_x.mean()) * r
        np.testing.assert_allclose(y[:, c], z * scale[c] + shift[c], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(sums[:, c], [np.vdot(of_g, z), of_g.sum()], rtol=1e-10)
        expected = r * scale[c] * (of_g - of_g.mean() - z * (of_g * z).mean())
        np.testing.assert_allclose(dx[:, c], expected, rtol=1e-10, atol=1e-12)
