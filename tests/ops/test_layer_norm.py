"""Layer normalisation: how its three sides hang together, what is counted once, and what is refused."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import kernels, nn
from autograd_cnn.errors import ShapeError
from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled.layer_norm import ROW_BLOCK
from autograd_cnn.kernels.compiled.reduction import BLOCK


@for_each("axes", [1, 2])
def test_all_sides_are_one_form(rng, axes):
    x, g, u = (rng.standard_normal((5, 3, 4)) for _ in range(3))
    weight, bias = rng.standard_normal((2, *x.shape[-axes:]))
    form = np.vdot(g, ag.layer_norm(x, weight, bias, axes=axes))
    np.testing.assert_allclose(np.vdot([weight, bias], ag.layer_norm_wrt_affine(g, x, axes=axes)), form, rtol=1e-12)
    there, back = ag.layer_norm_wrt_input(g, x, axes=axes), ag.layer_norm_wrt_input(u, x, axes=axes)
    np.testing.assert_allclose(np.vdot(u, there), np.vdot(back, g), rtol=1e-12)


@for_each("shape, numbers", [
    ((3, 70), 70),
    ((1, 64), 64),
    ((2 * ROW_BLOCK + 5, 17), 17),
    ((3, BLOCK + 40), BLOCK + 40),
    ((200, 1), 1),
    ((200, 35), 5),  # one for seven neighbours
    ((4 * ROW_BLOCK + 6, 2 * BLOCK + 4), 2),
])  # fmt: skip
def test_kernels_agree_with_the_reference(rng, shape, numbers):
    for dtype, tolerance in ((np.float32, 2e-5), (np.float64, 1e-13)):
        x, g = (rng.standard_normal(shape).astype(dtype) + 1 for _ in range(2))
        weight, bias = rng.standard_normal((2, 1 + (shape[0] % 2 == 0), numbers)).astype(dtype)
        y, moments = reference.layer_norm(x, weight, bias, 1e-3)
        expected = (
            y,
            moments,
            *reference.layer_norm_wrt(g, x, moments, weight, "x, weight"),
        )
        found = (
            *compiled.layer_norm(x, weight, bias, 1e-3),
            *compiled.layer_norm_wrt(g, x, moments, weight, "x, weight"),
        )
        alone = [compiled.layer_norm_wrt(g, x, moments, weight, each) for each in ("x", "weight")]
        assert alone[0][1] is alone[1][0] is None
        np.testing.assert_array_equal(alone[0][0], found[2])  # the same bits, whatever else is asked for
        np.testing.assert_array_equal(alone[1][1], found[3])
        for a, b in zip(found, expected, strict=True):
            assert a.dtype == b.dtype == dtype
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1, np.abs(b).max()))


def test_small_arrays_and_others_are_declined():
    x, row = np.ones((4, 8)), np.ones((1, 8))
    assert compiled.layer_norm(x, row, row, 0.1) is NotImplemented
    x, row, moments = np.ones((64, 8)), np.ones((1, 8), np.float32), np.ones((2, 64))
    assert compiled.layer_norm(x, row, row, 0.1) is NotImplemented
    assert compiled.layer_norm_wrt(x, x, moments, row, "x, weight") is NotImplemented


@for_each("recorded", [False, True], ids=["plain", "compiled"])
def test_a_step_counts_once(rng, monkeypatch, recorded):
    calls = []
    for name in ("layer_norm", "layer_norm_wrt"):
        kernel = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *args, n=name, k=kernel: calls.append((n, args[-1])) or k(*args))
    layers, w = [nn.LayerNorm(6), nn.LayerNorm(6)], ag.tensor(np.ones(6, np.float32), requires_grad=True)

    def step(x):
        (layers[0](x * w) * layers[1](x + w)).sum().backward()

    step = ag.compile(step) if recorded else step
    for _ in range(3):
        calls.clear()
        step(rng.standard_normal((4, 6)).astype(np.float32))
    backward = ["weight", "x"] if recorded else ["x, weight"]
    assert sorted(of for name, of in calls if name == "layer_norm_wrt") == sorted(backward * 2)
    assert len(calls) == 2 + 2 * len(backward)


X = np.ones((2, 3, 4))


@for_each(
    "call, text",
    [
        (lambda: ag.layer_norm(X, axes=4), "x has the wrong shape: expected at least 4 axes, not empty, got (2, 3, 4)"),
        (
            lambda: ag.layer_norm(X[..., :0]),
            "x has the wrong shape: expected at least 1 axis, not empty, got (2, 3, 0)",
        ),
        (lambda: ag.layer_norm(X, X[0, 0, 1:]), "weight has the wrong shape: expected that of a row, (4,), got (3,)"),
        (
            lambda: ag.layer_norm(X, None, X[0, 0], axes=2),
            "bias has the wrong shape: expected that of a row, (3, 4), got (4,)",
        ),
        (lambda: ag.layer_norm_wrt_input(X[0], X), "g has the wrong shape: expected (2, 3, 4), got (3, 4)"),
        (lambda: ag.layer_norm_wrt_affine(X, X[0]), "g has the wrong shape: expected (3, 4), got (2, 3, 4)"),
    ],
)
def test_bad_shapes(call, text):
    with pytest.raises(ShapeError) as error:
        call()
    assert str(error.value).partition(": ")[2] == text
