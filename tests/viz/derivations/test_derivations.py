"""What is played, against the engine: every panel, filled step by step, ends in the engine's own numbers."""

import re

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, GradientError, OperandError, ShapeError
from autograd_cnn.ops import activation
from autograd_cnn.viz import play
from autograd_cnn.viz.derivations.kind import primitives

RNG = np.random.default_rng(0)
W44 = ag.tensor(RNG.standard_normal((4, 4)), requires_grad=True)
HELD = []  # the tape knows leaves by weak references


def _leaf(*shape):
    HELD.append(ag.tensor(RNG.standard_normal(shape), requires_grad=True))
    return HELD[-1]


def _pixels(*shape):
    """Few different numbers, so that there are ties."""
    HELD.append(ag.tensor(RNG.integers(0, 3, shape).astype(float), requires_grad=True))
    return HELD[-1]


def _check(played):
    """Take all steps; return which arrays were filled."""
    filled = set()
    for scene in played.scenes:
        for panel in scene.panels:
            for name, result in panel.results(played.arrays).items():
                array = played.arrays[name]
                inside = array.inside.reshape(array.values.shape)
                tolerance = 1e-5 if array.values.dtype == np.float32 else 1e-12
                np.testing.assert_allclose(result[inside], array.values[inside], rtol=0, atol=tolerance)
                filled.add(name)
    return filled


@for_each(
    "geometry",
    [
        {},
        {"stride": 2},
        {"stride": 3, "padding": 2},
        {"dilation": 2},
        {"padding": ((1, 0), (0, 2)), "stride": (2, 1)},
        {"padding": "full"},
        {"padding": "same", "stride": 2},
    ],
)
def test_convolutions_of_one_plane(geometry):
    x, w = _leaf(6, 7), _leaf(3, 2)
    y = ag.correlate2d(x, w, **geometry)
    g = RNG.standard_normal(y.shape)
    played = play(y, gradient=g)
    assert {"y", "d", "dw"} <= _check(played)
    dx, dw = ag.gradients(y, [x, w], g)
    assert np.array_equal(played.arrays["d"].values, dx.numpy())
    assert np.array_equal(played.arrays["dw"].values, dw.numpy())


@for_each(
    "geometry",
    [
        {},
        {"groups": 2},
        {"groups": 4, "padding": 1},
        {"stride": 2, "padding": 1, "dilation": 2, "groups": 2},
        {"stride": 3},
    ],
)
def test_convolutions_with_channels_filters_and_groups(geometry):
    x, w, b = _leaf(3, 4, 8, 9), _leaf(4, 4 // geometry.get("groups", 1), 3, 2), _leaf(4)
    y = ag.correlate2d(x, w, b, **geometry)
    g = RNG.standard_normal(y.shape)
    played = play(y, gradient=g, example=2)
    assert {"y", "d", "dw", "db"} <= _check(played)
    assert played.text == "image 2 of 3; the gradient of the output was given"
    (dx,) = ag.gradients(y, [x], g)
    assert np.allclose(played.arrays["d"].values, dx.numpy()[2], rtol=0, atol=1e-12)


@for_each("options", [{}, {"stride": 2, "padding": 1}, {"stride": 3, "dilation": 2, "groups": 2, "output_padding": 1}])
def test_transposed_convolutions(options):
    x, w = _leaf(2, 4, 3, 4), _leaf(4, 3, 3, 2)
    y = ag.correlate2d_transpose(x, w, **options)
    g = RNG.standard_normal(y.shape)
    played = play(y, gradient=g, example=1)
    assert {"y", "dx", "dw"} <= _check(played)
    (dx,) = ag.gradients(y, [x], g)
    assert np.allclose(played.arrays["dx"].values, dx.numpy()[1], rtol=0, atol=1e-12)


@for_each(
    "geometry",
    [
        {"window": 2},
        {"window": 3, "stride": 1},
        {"window": 3, "stride": 2, "padding": 1, "ceil_mode": True},
        {"window": 2, "dilation": 2, "stride": 1},
        {"window": 2, "padding": "full"},
    ],
)
@for_each("pool", [ag.max_pool, ag.mean_pool])
def test_pools(pool, geometry):
    x = _pixels(2, 2, 6, 7)
    y = pool(x, **geometry)
    g = RNG.standard_normal(y.shape)
    played = play(y, gradient=g, example=1)
    assert "y" in _check(played)
    (dx,) = ag.gradients(y, [x], g)
    [target] = played.scenes[1].panels[0].targets
    inside = played.arrays[target].inside
    assert np.allclose(played.arrays[target].values.ravel()[inside], dx.numpy()[1].ravel(), rtol=0, atol=1e-12)


def test_ties_are_noted():
    x = ag.tensor([[2.0, 2.0, 0.0, 1.0]], requires_grad=True)
    [panel] = play(ag.max_pool(x, (1, 2))).scenes[0].panels
    assert panel.walks[0].notes == {0: "2 pixels tie; the first of them, row by row, wins."}
    assert panel.walks[0].marks.at().tolist() == [[0], [3]]


def test_shares_that_differ_at_the_border():
    x = _leaf(5, 5)
    played = play(ag.mean_pool(x, 3, stride=2, padding=1, count_include_pad=False))
    assert _check(played) == {"y", "d̃"}
    assert played.arrays["1/n"].values.tolist()[0] == [1 / 4, 1 / 6, 1 / 4]


@for_each(
    "shapes, title",
    [
        (((3, 4), (4, 2)), "y = x W"),
        (((4,), (4, 2)), "y = x W"),
        (((3, 4), (4,)), "y = W x"),
        (((4,), (4,)), "y = W x"),
        (((2, 3, 4), (4, 2)), "y = x W"),
        (((2, 3, 4), (2, 4, 2)), "y = x W"),
        (((3, 4), (2, 1, 4, 5)), "y = x W"),
        (((2, 1, 3, 4), (5, 4, 2)), "y = x W"),
        (((4,), (3, 4, 2)), "y = x W"),
        (((2, 3, 4), (4,)), "y = W x"),
    ],
)
def test_products(shapes, title):
    x1, x2 = (_leaf(*shape) for shape in shapes)
    played = play(x1 @ x2)
    assert _check(played) == {"y", "dx", "dW"}
    assert played.scenes[0].panels[0].title == title


def test_layers_and_steps():
    inputs = RNG.standard_normal((2, 3)).astype(np.float32)
    linear, cell = nn.Linear(3, 4, rng=0), nn.RNNCell(3, 4, rng=0)
    played = play(linear(inputs))
    assert _check(played) == {"y", "dx", "dW", "db"}
    assert played.scenes[0].panels[0].title == "y = x Wᵀ + b"
    played = play(cell(inputs))
    assert _check(played) == {"z", "a", "δ", "dx", "dh", "dWᵀ", "dUᵀ", "db", "dc"}
    assert played.scenes[0].panels[0].title == "z = x Wᵀ + h Uᵀ + b + c, a = tanh(z)"
    both = ag.linear(_leaf(2, 3), _leaf(4, 3), _leaf(4)) + ag.linear(_leaf(2, 4), _leaf(4, 4), _leaf(4)) + _leaf(4)
    assert _check(play(ag.sigmoid(both))) >= {"dW", "dU", "db", "dc", "db₃"}
    w, u, b, x, h = _leaf(3, 2), _leaf(3, 3), _leaf(3), _leaf(2), _leaf(3)
    y = ag.tanh(w @ x + u @ h + b)
    played = play(y, gradient=[1.0, 0.0, -1.0])
    _check(played)
    gradients = ag.gradients(y, [w, u, b, x, h], np.array([1.0, 0.0, -1.0]))
    for name, gradient in zip(("dW", "dU", "db", "dx", "dh"), gradients, strict=True):
        assert np.allclose(played.arrays[name].values, gradient.numpy(), rtol=0, atol=1e-14)


IMAGES, ROWS = _leaf(2, 3, 4, 5), _leaf(2, 3, 4)
SEQUENCES = RNG.standard_normal((4, 2, 2))
SAME = {"dtype": np.float64, "rng": 0}
EMBEDDING = nn.Embedding(5, 3, **SAME)


@for_each(
    "make, filled",
    [
        (lambda: nn.LSTM(2, 3, **SAME)(SEQUENCES)[0], "h c a i f n o s dh dc δ dU dh₀ dc₀"),
        (lambda: nn.LSTMCell(2, 3, **SAME)(SEQUENCES[0])[1], "h c a i f n o s dh dc δ dU dh₀ dc₀"),
        (lambda: nn.GRU(2, 3, **SAME)(SEQUENCES)[0], "h v a r z n dh δ ε dU db dh₀"),
        (lambda: nn.GRUCell(2, 3, bias=False, **SAME)(SEQUENCES[0]), "h v a r z n dh δ ε dU db dh₀"),
        (lambda: ag.batch_norm(IMAGES, _leaf(3), _leaf(3)), "μ c v r z y ĝ m₁ m₂ dx dw db"),
        (lambda: ag.batch_norm(IMAGES), "μ c v r z y ĝ m₁ m₂ dx"),
        (lambda: ag.batch_norm_inference(IMAGES, np.ones(3), np.ones(3), _leaf(3), _leaf(3)), "c r z y ĝ dx dw db"),
        (lambda: ag.layer_norm(ROWS, _leaf(4)), "μ c v r z y ĝ m₁ m₂ dx dw"),
        (lambda: ag.layer_norm(ROWS, axes=2), "μ c v r z y ĝ m₁ m₂ dx"),
        (lambda: ag.layer_norm(_leaf(2, 3, 4), _leaf(3, 4), _leaf(3, 1)), "μ c v r z y ĝ m₁ m₂ dx dw db"),
        (lambda: nn.functional.group_norm(_leaf(2, 4, 3), 2, _leaf(4), _leaf(4)), "μ c v r z y ĝ m₁ m₂ dx dw db"),
        (lambda: nn.fuse(nn.Sequential(nn.ReLU(), nn.MaxPool2d(3, 2)))(_pixels(2, 2, 6, 7) - 1), "r y e d"),
        (lambda: nn.fuse(nn.Sequential(nn.MaxPool2d(2, padding=1), nn.ReLU()))(IMAGES), "r̃ y ẽ d̃"),
        (lambda: ag.global_mean_pool(IMAGES), "y dx"),
        (lambda: ag.adaptive_mean_pool(IMAGES, (2, 3)), "t y dt dx"),
        (lambda: ag.sum(ROWS, axis=(0, 2), keepdims=True), "y dx"),
        (lambda: nn.functional.interpolate(IMAGES, scale_factor=2), "y dx"),
        (lambda: nn.functional.interpolate(IMAGES, size=7), "t y dt dx"),
        (lambda: nn.functional.interpolate(IMAGES, scale_factor=2, mode="bilinear"), "t y dt dx"),
        (lambda: nn.functional.interpolate(IMAGES, size=(3, 9), mode="bicubic"), "t y dt dx"),
        (lambda: EMBEDDING(np.array([[1, 3], [1, 4]])), "y dx"),
        (lambda: ROWS[1, ::2, None, [0, 0, 3]], "y dx"),
        *((lambda name=name: getattr(ag, name)(IMAGES), "y δ") for name in activation.__all__),
    ],
)  # fmt: skip
def test_every_kind_ends_in_the_engines_numbers(make, filled):
    y = make()
    played = play(y, gradient=RNG.standard_normal(y.shape))
    assert _check(played) == set(filled.split())


def test_a_sequence_is_one_of_a_batch():
    layer = nn.LSTM(2, 3, **SAME)
    x = ag.tensor(SEQUENCES, requires_grad=True)
    y, _ = layer(x)
    played = play(y, gradient=np.ones(y.shape), example=1)
    assert played.text == "sequence 1 of 2; the gradient of the output was given"
    alone, _ = layer(SEQUENCES[:, 1])
    assert np.allclose(played.arrays["h"].values[:, 1:].T, alone.numpy(), rtol=0, atol=1e-14)
    [dU] = ag.gradients(alone, [layer.weight_hh_l0], np.ones(alone.shape))  # noqa: N806  # as in the formulas
    assert np.allclose(played.arrays["dU"].values.reshape(dU.shape), dU.numpy(), rtol=0, atol=1e-14)


def test_small_calls_are_played_if_asked_for_or_alone():
    z = ag.correlate2d(_leaf(1, 4, 4), _leaf(2, 1, 3, 3))
    y = ag.relu(z)
    assert [play(y.sum(), call).title for call in (None, "relu", y, z)] == [
        "correlate2d", "relu", "relu", "correlate2d"
    ]  # fmt: skip
    assert play(ag.relu(W44).sum()).title == "sum"


def test_losses():
    scores = _leaf(2, 3, 2)
    played = play(nn.cross_entropy(scores, np.array([[0, 1], [2, 0]]), label_smoothing=0.1))
    assert _check(played) == {"e", "Σe", "p", "ℓ", "L", "δ"}
    assert played.text == "L is the output"


@for_each("axis", [-1, 1, (0, 2), None])
def test_softmax_and_its_logarithm(axis):
    x = _leaf(2, 3, 4)
    g = RNG.standard_normal(x.shape)
    assert _check(play(ag.softmax(x, axis=axis), gradient=g)) == {"e", "Σe", "p", "m", "δ"}
    assert _check(play(ag.log_softmax(x, axis=axis), gradient=g)) == {"e", "Σe", "ℓ", "y", "p", "m", "δ"}


def test_which_call_is_played():
    model = nn.lenet5(rng=0)
    images = RNG.random((2, 1, 28, 28), np.float32)
    features = model.conv1(images)
    loss = nn.cross_entropy(model(images), [3, 7]) + ag.sum(features)
    titles = [play(loss, call).title for call in ("conv1", "Conv2d", "max_pool", "fc1")]
    assert titles == ["correlate2d in conv1", "correlate2d in conv2", "max_pool in pool2", "linear in fc1"]
    assert play(loss, features, example=1).text == "image 1 of 2; L is the output"
    assert play(loss).title == "softmax_cross_entropy"
    rnn = nn.RNN(2, 3, rng=0)
    outputs, _ = rnn(RNG.random((4, 2), np.float32))
    graph = ag.graph.capture(outputs)
    assert [play(outputs, call.scope).title for call in graph.calls[1:3]] == ["tanh in RNNCell#2", "tanh in RNNCell#3"]


def _freed(*, step):
    z = _leaf(3, 3) @ _leaf(3, 3) + _leaf(3)
    h = ag.tanh(z)
    z.sum().backward()
    return h if step else z


def _changed():
    bias = _leaf(4)
    y = ag.correlate2d(_leaf(2, 3, 3), _leaf(4, 2, 2, 2), bias)
    bias.data += 1
    return y


def _untold():
    w = _leaf(3, 3)
    return ag.tanh(w @ w + np.ones(3))


@for_each(
    "make, error, told",
    [
        (lambda: play(3), OperandError, "viz.play: output has no tape: expected a tensor, got int"),
        (
            lambda: play(ag.tensor(1.0)),
            GradientError,
            "viz.play: nothing was recorded for this output; make an input with requires_grad=True, and compute outside of no_grad()",
        ),
        (
            lambda: play(_freed(step=True)),
            GradientError,
            "viz.play: the graph has been freed by a backward pass; play it before that, or pass retain_graph=True to it",
        ),
        (
            lambda: play(_freed(step=False)),
            GradientError,
            "add: the graph has been freed by an earlier backward pass; pass retain_graph=True to that one",
        ),
        (
            lambda: play(_changed()),
            GradientError,
            "viz.play: the operands of the call have changed since it was computed; play it before the optimiser's next step",
        ),
        (
            lambda: play(_untold()),
            GradientError,
            "viz.play: the tape did not keep an operand of add; keep its tensor in a variable, or record it under ag.tracing()",
        ),
        (
            lambda: play(W44 @ W44, "matmull"),
            ArgumentError,
            "viz.play: there is no such call that can be played: expected matmul, got 'matmull'; did you mean 'matmul'?",
        ),
        (
            lambda: play(ag.exp(W44)),
            ArgumentError,
            f"viz.play: the output has no call that can be played: expected {', '.join(primitives())}, got exp",
        ),
        (lambda: play(ag.exp(W44), W44 @ W44), ArgumentError, "viz.play: the output does not depend on this tensor"),
        (
            lambda: play(W44 @ W44, example=0),
            ArgumentError,
            "viz.play: example is for images and sequences; this call is played for all its rows",
        ),
        (
            lambda: play(ag.mean_pool(_leaf(2, 1, 4, 4), 2), example=2),
            ArgumentError,
            "viz.play: there is no such example: expected 0 to 1, got 2",
        ),
        (
            lambda: play(ag.correlate2d(np.ones((1, 16, 64, 64)), _leaf(16, 16, 3, 3), padding=1)),
            ArgumentError,
            "viz.play: 'y = x ⋆ w' is too large to be played: expected at most 100,000 steps and 4,000,000 products, got 65,536 and 9,437,184; play it for a smaller input, or with fewer channels",
        ),
        (
            lambda: play(nn.LSTM(1, 300, rng=0)(np.ones((8, 1), np.float32))[0]),
            ArgumentError,
            "viz.play: this call is too large to be played: expected at most 100,000 steps and 4,000,000 products, got 47,100 and 5,795,100; play it for a smaller input, or with fewer channels",
        ),
        (
            lambda: play(W44 @ W44, example="x"),
            ArgumentError,
            "play: example is not understood: expected an int, got 'x'",
        ),
        (
            lambda: play(W44 @ W44, gradient=np.ones(2)),
            ShapeError,
            "viz.play: the cotangent has the wrong shape: expected the output's (4, 4), got (2,)",
        ),
        (lambda: play(ag.max_pool(_leaf(0, 1, 4, 4), 2)), ArgumentError, "viz.play: the result of the call has no elements"),
    ],
)  # fmt: skip
def test_what_cannot_be_played(make, error, told):
    with pytest.raises(error, match=f"^{re.escape(told)}$"):
        make()
