"""Grad-CAM: where a layer's feature maps support a class."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn import nn
from autograd_cnn.attribution.scores import checked, scores_of
from autograd_cnn.engine.backward import gradients
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.recording import enable_grad
from autograd_cnn.errors import ArgumentError, GradientError, ShapeError, sentence
from autograd_cnn.nn.functional import interpolate
from autograd_cnn.nn.modes import evaluating
from autograd_cnn.tensor import Tensor, tensor


@composite
def grad_cam(
    model: nn.Module, images: ArrayLike, labels: ArrayLike, layer: nn.Module | None = None
) -> NDArray[np.floating]:
    """Return where a layer's feature maps support the class of each image: coarser than `saliency`, and less noisy.

    ``relu(Σ a m)`` over the layer's maps m, where a is the mean gradient of the score with respect to the map. The
    result is resized to the images by bilinear interpolation (Selvaraju et al. 2017, arXiv:1610.02391).

    Parameters
    ----------
    model, images, labels
        As for `saliency`.
    layer : Module, optional
        A layer of the model with output (N, C, h, w); by default its last `nn.Conv2d`. If it runs more than once, the
        last run counts.

    Returns
    -------
    (N, H, W)
        Not negative.

    Raises
    ------
    ShapeError, OperandError
        As `saliency` does, and if the layer's output has another shape.
    ArgumentError
        If the model has no such layer.
    GradientError
        If the scores do not depend on the layer.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> images, labels = ag.data.digits().test
    >>> grad_cam(ag.nn.digits_net(rng=0), images[:2], labels[:2]).shape
    (2, 8, 8)
    """
    pixels, classes = checked("grad_cam", model, images, labels)
    if layer is None:
        layer = next((each for each in reversed([*model.modules()]) if isinstance(each, nn.Conv2d)), None)
    if layer is None or all(each is not layer for each in model.modules()):
        expected = "one of its modules, by default an nn.Conv2d"
        raise ArgumentError(sentence("grad_cam", "the model has no such layer", expected=expected, got=repr(layer)))
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda module, inputs, output: seen.append(output))  # noqa: ARG005  # a hook's
    try:
        with evaluating(model), enable_grad():
            # A leaf, so that something is recorded even if the model's parameters are frozen.
            scores = scores_of("grad_cam", model, tensor(pixels, requires_grad=True), classes)
    finally:
        handle.remove()
    maps = seen[-1] if seen else None
    if maps is None or maps.ndim != 4 or len(maps) != len(pixels):
        got = "nothing" if maps is None else f"shape {maps.shape}"
        raise ShapeError(sentence("grad_cam", "the layer gives no maps", expected=f"({len(pixels)}, C, h, w)", got=got))
    [slope] = gradients(scores.sum(), [maps])
    if slope is None:
        raise GradientError(sentence("grad_cam", "the scores do not depend on the layer"))
    weights = slope.numpy().mean(axis=(2, 3), keepdims=True)
    found = np.maximum((weights * maps.numpy()).sum(axis=1, keepdims=True), 0)
    return np.asarray(interpolate(found, size=pixels.shape[2:], mode="bilinear"))[:, 0]
