"""The transformer's layer, and the network of them that sees images."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, ShapeError


def test_a_batch_is_its_sequences_and_may_stand_second(rng):
    first = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, rng=0, dtype=float).eval()
    second = nn.TransformerEncoderLayer(8, 2, 16, rng=0, dtype=float).eval()
    x = rng.standard_normal((3, 5, 8))
    y = first(x).numpy()
    np.testing.assert_allclose(second(x.swapaxes(0, 1)).numpy().swapaxes(0, 1), y, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(first(x[1]).numpy(), y[1], rtol=1e-9, atol=1e-12)


def test_a_causal_layer_does_not_see_what_comes_later(rng):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, rng=0, dtype=float).eval()
    x = rng.standard_normal((2, 5, 8))
    changed = x.copy()
    changed[:, 3:] += 1
    y, z = layer(x, is_causal=True).numpy(), layer(changed, is_causal=True).numpy()
    np.testing.assert_allclose(z[:, :3], y[:, :3], rtol=1e-9, atol=1e-12)
    assert not np.allclose(z[:, 3:], y[:, 3:])
    mask = np.triu(np.ones((5, 5), bool), 1)
    np.testing.assert_allclose(layer(x, mask).numpy(), y, rtol=1e-9, atol=1e-12)


def test_dropout_is_in_training_alone(rng):
    layer, x = nn.TransformerEncoderLayer(8, 2, 16, rng=0), rng.standard_normal((5, 2, 8))
    assert not np.array_equal(*(layer(x).numpy() for _ in range(2)))
    layer.eval()
    assert np.array_equal(*(layer(x).numpy() for _ in range(2)))


def test_the_activation_may_be_a_function(rng):
    x = rng.standard_normal((5, 2, 8))
    by_name, by_hand = (
        nn.TransformerEncoderLayer(8, 2, 16, activation=activation, rng=0).eval() for activation in ("gelu", ag.gelu)
    )
    np.testing.assert_array_equal(by_name(x).numpy(), by_hand(x).numpy())
    assert repr(nn.TransformerEncoderLayer(8, 2, 16, norm_first=True)).startswith(
        "TransformerEncoderLayer(norm_first=True): 600 parameters\n  self_attn: MultiheadAttention(8, 2, dropout=0.1): 288"
    )


def test_a_recorded_step_has_the_same_bits(rng):
    x, losses = rng.standard_normal((4, 6, 8)).astype(np.float32), []
    for record in (lambda step: step, ag.compile):
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu", rng=0)
        optimizer = optim.SGD(layer.parameters(), lr=0.1)

        @record
        def step(x, layer=layer, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (layer(x, is_causal=True) ** 2 * x).mean()
            loss.backward()
            optimizer.step()
            return loss

        losses.append([float(step(x + np.float32(turn))) for turn in range(5)])
    assert losses[0] == losses[1]


@pytest.mark.slow
def test_a_vision_transformer_learns(rng):
    """Where in the image the bright patch is."""
    net = nn.tiny_vit(rng=0, in_channels=1, image_size=8, classes=4, patch_size=4, width=16, depth=1, heads=2)
    labels = rng.integers(0, 4, 64)
    images = rng.random((64, 1, 8, 8)).astype(np.float32)
    for image, label in zip(images[:, 0], labels, strict=True):
        row, column = divmod(4 * label, 8)
        image[2 * row : 2 * row + 4, column : column + 4] += 1
    optimizer = optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
    assert (net(images).numpy().argmax(axis=1) == labels).mean() > 0.95


@for_each(
    "error, call, text",
    [
        (ArgumentError, lambda: nn.TransformerEncoderLayer(8, 2, activation="tanh"),
         "TransformerEncoderLayer: activation is unknown: expected 'relu', 'gelu' or a function, got 'tanh'"),
        (ArgumentError, lambda: nn.tiny_vit(image_size=30),
         "VisionTransformer: patch_size does not fit: expected a divisor of image_size, 30, got 4"),
        (ShapeError, lambda: nn.tiny_vit(image_size=8)(np.zeros((1, 3, 12, 8))),
         "VisionTransformer: the image has the wrong size: expected 4 patches, got shape (1, 3, 12, 8)"),
    ],
)  # fmt: skip
def test_what_does_not_fit(error, call, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text


def test_an_encoder_is_its_layers_one_after_the_other(rng):
    layer = nn.TransformerEncoderLayer(8, 2, 16, rng=0)
    encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8), rng=1)
    x = rng.standard_normal((5, 3, 8), np.float32)
    encoder.layers[1].linear1.bias.data = np.ones(16, np.float32)
    assert not np.array_equal(encoder(x).numpy(), encoder(x).numpy())  # dropout
    encoder.eval()
    mask = np.triu(np.ones((5, 5), bool), 1)
    expected = encoder.norm(encoder.layers[1](encoder.layers[0](x, mask), mask))
    assert np.array_equal(encoder(x, mask).numpy(), expected.numpy())
    assert next(iter(encoder.state_dict())) == "layers.0.self_attn.in_proj_weight"
    generators = {id(module.rng) for module in encoder.modules() if hasattr(module, "rng")}
    assert len(generators) == 1  # else all layers would drop the same
