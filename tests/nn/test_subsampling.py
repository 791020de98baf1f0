import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn import Subsample2d


def _layer(rng, *sizes):
    layer = Subsample2d(*sizes, dtype=float)
    layer.load_state_dict(
        {
            "weight": rng.standard_normal(layer.num_features),
            "bias": rng.standard_normal(layer.num_features),
        }
    )
    return layer


@pytest.mark.parametrize(("window", "stride"), [(2, None), ((3, 2), None), (2, 1), (2, (3, 2))])
def test_values_and_gradients_against_loops(rng, window, stride):
    layer = _layer(rng, 3, window, stride)
    x = ag.tensor(rng.standard_normal((2, 3, 6, 7)), requires_grad=True)
    y = layer(x)
    g = rng.standard_normal(y.shape)
    y.backward(g)

    (kh, kw), (sh, sw) = layer.kernel_size, layer.stride
    beta, b = layer.weight.numpy(), layer.bias.numpy()
    sums, dx = np.zeros(y.shape), np.zeros(x.shape)
    for n, c, i, j in np.ndindex(y.shape):
        for p, q in np.ndindex(kh, kw):
            sums[n, c, i, j] += x.numpy()[n, c, i * sh + p, j * sw + q]
            dx[n, c, i * sh + p, j * sw + q] += beta[c] * g[n, c, i, j]
    assert y.shape == (2, 3, (6 - kh) // sh + 1, (7 - kw) // sw + 1)
    expected = [[beta[c] * sums[n, c] + b[c] for c in range(3)] for n in range(2)]
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), dx, rtol=1e-12)
    np.testing.assert_allclose(layer.weight.grad.numpy(), [np.sum(g[:, c] * sums[:, c]) for c in range(3)], rtol=1e-12)
    np.testing.assert_allclose(layer.bias.grad.numpy(), [np.sum(g[:, c]) for c in range(3)], rtol=1e-12)


def test_without_a_batch(rng):
    layer = _layer(rng, 2, 2)
    x = rng.standard_normal((2, 4, 4))
    assert np.array_equal(layer(x).numpy(), layer(x[None]).numpy()[0])


def test_it_begins_as_the_mean_and_keeps_float32(rng):
    x = rng.standard_normal((2, 3, 4, 6)).astype(np.float32)
    y = Subsample2d(3, (2, 3))(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.numpy(), ag.mean_pool(x, (2, 3)), rtol=1e-6)


def test_it_has_lenet5s_numbers_of_parameters():
    assert [sum(p.size for p in Subsample2d(maps, 2).parameters()) for maps in (6, 16)] == [12, 32]


def test_the_line_it_shows():
    assert repr(Subsample2d(6, 2)) == "Subsample2d(6, kernel_size=(2, 2)): 12 parameters"
    assert repr(Subsample2d(1, 3, 2)) == "Subsample2d(1, kernel_size=(3, 3), stride=(2, 2)): 2 parameters"


def test_what_does_not_fit():
    with pytest.raises(ArgumentError) as error:
        Subsample2d(0, 2)
    assert str(error.value) == "Subsample2d: num_features is out of range: expected an int of at least 1, got 0"
    with pytest.raises(ArgumentError) as error:
        Subsample2d(1, 0)
    assert str(error.value) == "Subsample2d: kernel_size is out of range: expected at least 1, got 0"
    for shape in ((1, 2, 4, 4), (4, 4), (3, 1, 3, 4, 4)):
        with pytest.raises(ShapeError) as error:
            Subsample2d(3, 2)(np.ones(shape))
        expected = f"Subsample2d: x has the wrong shape: expected (N, 3, H, W) or (3, H, W), got {shape}"
        assert str(error.value) == expected
