"""The scores that an attribution explains."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn import nn
from autograd_cnn.engine.backward import gradients
from autograd_cnn.engine.recording import enable_grad
from autograd_cnn.errors import GradientError, OperandError, ShapeError, sentence
from autograd_cnn.nn.modes import check_network
from autograd_cnn.tensor import Tensor, tensor


def checked(
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
        raise ShapeError(sentence(where, "images have the wrong shape", expected="(N, C, H, W)", got=pixels.shape))
    if classes.shape != pixels.shape[:1]:
        problem = "the labels do not match the images"
        raise ShapeError(sentence(where, problem, expected=pixels.shape[:1], got=classes.shape))
    if classes.dtype.kind not in "iu":
        raise OperandError(sentence(where, "labels are not integers", expected="class numbers", got=classes.dtype))
    if pixels.dtype.kind != "f":
        raise OperandError(sentence(where, "images are not of floats", expected="float32 or float64", got=pixels.dtype))
    return pixels, classes


def scores_of(where: str, model: nn.Module, images: Tensor, labels: NDArray[np.integer]) -> Tensor:
    """Return the score (N,) of each image's class.

    Raises
    ------
    ShapeError
        If the model does not give scores (N, K) with a K above every label.
    """
    scores: Tensor = model(images)
    if scores.ndim != 2 or len(scores) != len(labels):
        problem = "the model gives no scores"
        raise ShapeError(sentence(where, problem, expected=f"shape ({len(labels)}, K)", got=scores.shape))
    if np.any((labels < 0) | (labels >= scores.shape[1])):
        problem = "a label is not the number of a class"
        expected = f"0 to {scores.shape[1] - 1}"
        raise ShapeError(sentence(where, problem, expected=expected, got=f"{labels.min()} to {labels.max()}"))
    return scores[np.arange(len(labels)), labels]


def gradient(
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
        scores = scores_of(where, model, pixels, labels)
        [slope] = gradients(scores.sum(), [pixels])
    if slope is None:
        raise GradientError(sentence(where, "the scores of the model do not depend on the images"))
    return slope.numpy()
