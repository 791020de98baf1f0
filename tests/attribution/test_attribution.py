"""Which pixels decide: models whose answer is known, and what every method keeps to."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.attribution import grad_cam, integrated_gradients, occlusion, saliency
from autograd_cnn.errors import ArgumentError, GradientError, OperandError, ShapeError

METHODS = (saliency, integrated_gradients, occlusion)


class Blind(nn.Module):
    """Says the same of every image."""

    def __init__(self):
        self.bias = nn.Parameter([1.0, 2.0])

    def forward(self, images):
        return ag.broadcast_to(self.bias, (len(images), 2))


def _linear():
    """A linear classifier of images (2, 3, 3) in float64, and its weights (4, 2, 3, 3)."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(18, 4, rng=0, dtype=np.float64))
    return model, model[1].weight.numpy().reshape(4, 2, 3, 3)


def test_the_saliency_of_a_linear_model_is_the_magnitude_of_its_weights():
    model, weight = _linear()
    images = np.random.default_rng(0).random((5, 2, 3, 3))
    labels = np.array([0, 1, 2, 3, 1])
    assert np.allclose(saliency(model, images, labels), np.abs(weight[labels]).max(axis=1), rtol=0, atol=1e-15)


def test_integrated_gradients_of_a_linear_model_are_products_with_its_weights():
    model, weight = _linear()
    images = np.random.default_rng(0).random((3, 2, 3, 3))
    shares = integrated_gradients(model, images, [3, 0, 0], steps=2)
    assert np.allclose(shares, images * weight[[3, 0, 0]], rtol=0, atol=1e-14)


def test_integrated_gradients_add_up_to_the_difference_of_the_scores():
    model = nn.digits_net(rng=0).eval()
    images, labels = (part[:20] for part in ag.data.digits().test)
    scores = [model(each).numpy()[np.arange(20), labels] for each in (images, np.zeros_like(images))]
    errors = [
        np.abs(
            integrated_gradients(model, images, labels, steps=steps).sum(axis=(1, 2, 3)) - scores[0] + scores[1]
        ).max()
        for steps in (4, 256)
    ]
    assert errors[1] < 0.002
    assert errors[1] < errors[0]


def test_a_pixel_that_is_covered_takes_its_part_of_a_linear_score_along():
    model, weight = _linear()
    images = np.random.default_rng(0).random((2, 2, 3, 3))
    parts = (images * weight[[1, 2]]).sum(axis=1)
    assert np.allclose(occlusion(model, images, [1, 2], size=1), parts, rtol=0, atol=1e-14)
    corner = occlusion(model, images, [1, 2], size=3)[:, 0, 0]
    assert np.allclose(corner, parts[:, :2, :2].sum(axis=(1, 2)), rtol=0, atol=1e-14)


@for_each("method", METHODS)
def test_the_model_is_left_as_it_was(method):
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(8, 3, rng=0)
    )
    model[1].eval()
    modes = [module.training for module in model.modules()]
    state = model.state_dict()
    images = np.random.default_rng(0).random((2, 1, 4, 4)).astype(np.float32)
    found = [method(model, images, [0, 2]) for _ in range(2)]
    assert np.array_equal(*found)  # in eval mode, so without dropout
    assert found[0].dtype == np.float32
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(np.array_equal(value, state[name]) for name, value in model.state_dict().items())
    with ag.no_grad():
        assert np.array_equal(method(model, images, [0, 2]), found[0])
    assert method(model, images[:0], np.zeros(0, int)).shape == (0, *found[0].shape[1:])


@for_each("method", METHODS)
def test_what_they_refuse(method):
    model, _ = _linear()
    images, name = np.ones((2, 2, 3, 3)), method.__name__
    for error, arguments, told in (
        (ShapeError, (images[0], [0, 1]), "images have the wrong shape: expected (N, C, H, W), got (2, 3, 3)"),
        (ShapeError, (images, [0]), "the labels do not match the images: expected (2,), got (1,)"),
        (OperandError, (images, [0.0, 1.0]), "labels are not integers: expected class numbers, got float64"),
        (
            OperandError,
            (images.astype(int), [0, 1]),
            "images are not of floats: expected float32 or float64, got int64",
        ),
        (ShapeError, (images, [0, 4]), "a label is not the number of a class: expected 0 to 3, got 0 to 4"),
        (ShapeError, (images, [-1, 0]), "a label is not the number of a class: expected 0 to 3, got -1 to 0"),
    ):
        with pytest.raises(error) as caught:
            method(model, *arguments)
        assert str(caught.value) == f"{name}: {told}"
    with pytest.raises(ShapeError) as caught:
        method(nn.ReLU(), images, [0, 1])
    assert str(caught.value) == f"{name}: the model gives no scores: expected shape (2, K), got (2, 2, 3, 3)"


@for_each("method", (saliency, integrated_gradients))
def test_a_model_that_does_not_look(method):
    with pytest.raises(GradientError) as caught:
        method(Blind(), np.ones((1, 1, 2, 2)), [1])
    assert str(caught.value) == f"{method.__name__}: the scores of the model do not depend on the images"


def test_a_square_has_a_middle():
    with pytest.raises(ArgumentError, match=r"^occlusion: size is even: expected an odd number of pixels, got 2$"):
        occlusion(_linear()[0], np.ones((1, 2, 3, 3)), [0], size=2)


# --- by the maps of a layer -------------------------------------------------------------------


class Pooled(nn.Module):
    """Scores are weighted means of the maps of a convolution, so that all is known."""

    def __init__(self):
        self.conv = nn.Conv2d(1, 3, 3, padding=1, rng=0, dtype=np.float64)
        self.head = nn.Linear(3, 2, rng=1, dtype=np.float64)

    def forward(self, images):
        return self.head(self.conv(images).mean(axis=(2, 3)))


def test_maps_count_as_much_as_the_head_weighs_them():
    model, images = Pooled(), np.random.default_rng(0).random((4, 1, 5, 5))
    maps = model.conv(images).numpy()
    weights = model.head.weight.numpy()[[0, 1, 1, 0]]
    right = np.maximum(np.einsum("nc,nchw->nhw", weights, maps), 0) / 25
    assert np.allclose(grad_cam(model, images, [0, 1, 1, 0]), right, rtol=0, atol=1e-15)
    assert np.array_equal(grad_cam(model, images, [0, 1, 1, 0], model.conv), grad_cam(model, images, [0, 1, 1, 0]))


def test_of_a_smaller_layer_it_is_enlarged_and_the_model_is_left_as_it_was():
    model = nn.digits_net(rng=0)
    model.requires_grad_(requires_grad=False)
    images, labels = (part[:3] for part in ag.data.digits().test)
    layer = next(module for module in reversed([*model.modules()]) if isinstance(module, nn.MaxPool2d))
    found = grad_cam(model, images, labels, layer)
    assert (found.shape, found.dtype) == ((3, 8, 8), np.float32)
    assert found.min() >= 0
    assert found.max() > 0
    assert model.training
    assert np.array_equal(grad_cam(model, images, labels, layer), found)


@for_each("make, layer, error, told", [
    (Blind, None, ArgumentError, "the model has no such layer: expected one of its modules, such as model[0], by default the last nn.Conv2d, got None"),
    (Pooled, nn.ReLU(), ArgumentError, "the model has no such layer: expected one of its modules, such as model[0], by default the last nn.Conv2d, got ReLU()"),
    (Pooled, "head", ShapeError, "the layer gives no maps: expected (2, C, h, w), got shape (2, 2)"),
])  # fmt: skip
def test_what_grad_cam_refuses(make, layer, error, told):
    model = make()
    with pytest.raises(error) as caught:
        grad_cam(model, np.ones((2, 1, 3, 3)), [0, 1], getattr(model, layer) if isinstance(layer, str) else layer)
    assert str(caught.value) == f"grad_cam: {told}"
