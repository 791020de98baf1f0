"""Maps of what in an image supports a class: saliency, integrated gradients, occlusion and Grad-CAM."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn import nn
from autograd_cnn.engine.backward import gradients
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.recording import enable_grad, no_grad
from autograd_cnn.errors import ArgumentError, GradientError, OperandError, ShapeError
from autograd_cnn.nn.functional import interpolate
from autograd_cnn.nn.modes import check_network, evaluating
from autograd_cnn.parameters import Number, Size
from autograd_cnn.tensor import Tensor, tensor


@composite
def saliency(model: nn.Module, images: ArrayLike, labels: ArrayLike) -> NDArray[np.floating]:
    """Return how strongly the score of each image's class depends on each of its pixels.

    ``max over channels of |∂ score / ∂ pixel|`` (Simonyan, Vedaldi & Zisserman 2014, arXiv:1312.6034). The model runs
    in eval mode; its parameters' ``grad`` does not change.

    Parameters
    ----------
    model : Module
        Maps images to scores (N, K).
    images : (N, C, H, W)
        Floats.
    labels : (N,) of int
        The class whose score is explained, for each image.

    Returns
    -------
    (N, H, W)
        In the dtype of the images.

    Raises
    ------
    ShapeError
        If a shape is wrong, or a label is not a class number.
    OperandError
        If the images are not floats, or the labels not ints.
    GradientError
        If the scores do not depend on the images.

    Examples
    --------
    A linear model depends on each pixel as much as its weight says.

    >>> import autograd_cnn as ag
    >>> model = ag.nn.Sequential(ag.nn.Flatten(), ag.nn.Linear(4, 2, rng=0))
    >>> found = saliency(model, np.ones((1, 1, 2, 2), np.float32), [1])
    >>> bool((found.ravel() == np.abs(model[1].weight.numpy()[1])).all())
    True
    """
    pixels, classes = _checked("saliency", model, images, labels)
    with evaluating(model):
        return np.abs(_gradient("saliency", model, pixels, classes)).max(axis=1)


@composite
def integrated_gradients(
    model: nn.Module, images: ArrayLike, labels: ArrayLike, steps: Size = 32
) -> NDArray[np.floating]:
    """Distribute the difference between each image's score and that of a blank image among the pixels.

    ``x · ∫ ∂ score(a x) / ∂x da`` for a from 0 to 1 (Sundararajan, Taly & Yan 2017, arXiv:1703.01365), by the midpoint
    rule. The pixels' shares sum to the difference of the scores, up to the rule's error.

    Parameters
    ----------
    model, images, labels
        As for `saliency`.
    steps : int
        The number of points on the path.

    Returns
    -------
    (N, C, H, W)
        Positive for pixels that support the class, negative for those against it.

    Raises
    ------
    ShapeError, OperandError, GradientError
        As `saliency` does.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> model = ag.nn.digits_net(rng=0).eval()
    >>> images, labels = ag.data.digits().test
    >>> shares = integrated_gradients(model, images[:2], labels[:2])
    >>> scores = model(images[:2]).numpy() - model(np.zeros_like(images[:2])).numpy()
    >>> bool(np.allclose(shares.sum(axis=(1, 2, 3)), scores[[0, 1], labels[:2]], atol=0.05))
    True
    """
    pixels, classes = _checked("integrated_gradients", model, images, labels)
    slopes = np.zeros_like(pixels)
    with evaluating(model):
        for step in range(steps):
            share = pixels.dtype.type((step + 0.5) / steps)
            slopes += _gradient("integrated_gradients", model, share * pixels, classes)
    return pixels * slopes / steps


@composite
def occlusion(
    model: nn.Module, images: ArrayLike, labels: ArrayLike, size: Size = 3, fill: Number = 0.0
) -> NDArray[np.floating]:
    """Return how much the score of each image's class falls when a square around each pixel is covered.

    Zeiler & Fergus 2014 (arXiv:1311.2901). The model runs on each image H · W times. At the edges the square is cut
    off.

    Parameters
    ----------
    model, images, labels
        As for `saliency`.
    size : int
        The square's side, an odd number of pixels.
    fill : float
        The value of covered pixels.

    Returns
    -------
    (N, H, W)
        Large where the image shows what makes it that class.

    Raises
    ------
    ShapeError, OperandError
        As `saliency` does.
    ArgumentError
        If ``size`` is even.

    Examples
    --------
    A model whose score is the brightness of the pixel in the middle:

    >>> import autograd_cnn as ag
    >>> class Middle(ag.nn.Module):
    ...     def forward(self, images):
    ...         return ag.reshape(images, (-1, 9))[:, 4:5]
    >>> occlusion(Middle(), np.ones((1, 1, 3, 3)), [0], size=1)
    array([[[0., 0., 0.],
            [0., 1., 0.],
            [0., 0., 0.]]])
    """
    pixels, classes = _checked("occlusion", model, images, labels)
    if size % 2 == 0:
        raise ArgumentError("occlusion", "size is even", expected="an odd number of pixels", got=size)
    reach = size // 2
    lost = np.empty((len(pixels), *pixels.shape[2:]), pixels.dtype)
    with evaluating(model), no_grad():
        whole = _scores_of("occlusion", model, tensor(pixels), classes).numpy()
        for row, column in np.ndindex(lost.shape[1:]):
            covered = pixels.copy()
            covered[:, :, max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1] = fill
            lost[:, row, column] = whole - _scores_of("occlusion", model, tensor(covered), classes).numpy()
    return lost


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
    pixels, classes = _checked("grad_cam", model, images, labels)
    if layer is None:
        layer = next((each for each in reversed([*model.modules()]) if isinstance(each, nn.Conv2d)), None)
    if layer is None or all(each is not layer for each in model.modules()):
        expected = "one of its modules, such as model[0], by default the last nn.Conv2d"
        raise ArgumentError("grad_cam", "the model has no such layer", expected=expected, got=repr(layer))
    seen: list[Tensor] = []
    handle = layer.register_forward_hook(lambda module, inputs, output: seen.append(output))  # noqa: ARG005  # a hook's
    try:
        with evaluating(model), enable_grad():
            # A leaf, so that something is recorded even if the model's parameters are frozen.
            scores = _scores_of("grad_cam", model, tensor(pixels, requires_grad=True), classes)
    finally:
        handle.remove()
    maps = seen[-1] if seen else None
    if maps is None or maps.ndim != 4 or len(maps) != len(pixels):
        got = "nothing" if maps is None else f"shape {maps.shape}"
        raise ShapeError("grad_cam", "the layer gives no maps", expected=f"({len(pixels)}, C, h, w)", got=got)
    [slope] = gradients(scores.sum(), [maps])
    if slope is None:
        raise GradientError("grad_cam", "the scores do not depend on the layer")
    weights = slope.numpy().mean(axis=(2, 3), keepdims=True)
    found = np.maximum((weights * maps.numpy()).sum(axis=1, keepdims=True), 0)
    return np.asarray(interpolate(found, size=pixels.shape[2:], mode="bilinear"))[:, 0]


# --- the scores that are explained ------------------------------------------------------------


def _checked(
    where: str, model: nn.Module, images: ArrayLike, labels: ArrayLike
) -> tuple[NDArray[np.floating], NDArray[np.integer]]:
    """Return images (N, C, H, W) and labels (N,) as arrays.

    Raises
    ------
    ShapeError
        If one of them has another shape.
    OperandError
        If the model is not a module, or the labels are not integers.
    """
    check_network(where, model)
    pixels, classes = np.asarray(images), np.asarray(labels)
    if pixels.ndim != 4:
        raise ShapeError(where, "images have the wrong shape", expected="(N, C, H, W)", got=pixels.shape)
    if classes.shape != pixels.shape[:1]:
        raise ShapeError(where, "the labels do not match the images", expected=pixels.shape[:1], got=classes.shape)
    if classes.dtype.kind not in "iu":
        raise OperandError(where, "labels are not integers", expected="class numbers", got=classes.dtype)
    if pixels.dtype.kind != "f":
        raise OperandError(where, "images are not of floats", expected="float32 or float64", got=pixels.dtype)
    return pixels, classes


def _scores_of(where: str, model: nn.Module, images: Tensor, labels: NDArray[np.integer]) -> Tensor:
    """Return the score (N,) of each image's class.

    Raises
    ------
    ShapeError
        If the model does not give scores (N, K) with a K above every label.
    """
    scores: Tensor = model(images)
    if scores.ndim != 2 or len(scores) != len(labels):
        raise ShapeError(where, "the model gives no scores", expected=f"shape ({len(labels)}, K)", got=scores.shape)
    if np.any((labels < 0) | (labels >= scores.shape[1])):
        problem = "a label is not the number of a class"
        expected = f"0 to {scores.shape[1] - 1}"
        raise ShapeError(where, problem, expected=expected, got=f"{labels.min()} to {labels.max()}")
    return scores[np.arange(len(labels)), labels]


def _gradient(
    where: str, model: nn.Module, images: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.floating]:
    """Return the gradient of each image's score with respect to its pixels; no ``grad`` changes.

    Raises
    ------
    GradientError
        If the scores do not depend on the pixels.
    """
    with enable_grad():
        pixels = tensor(images, requires_grad=True)
        scores = _scores_of(where, model, pixels, labels)
        [slope] = gradients(scores.sum(), [pixels])
    if slope is None:
        raise GradientError(where, "the scores of the model do not depend on the images")
    return slope.numpy()
