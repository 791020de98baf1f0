"""Saliency: the gradient of a score with respect to the pixels."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn import nn
from autograd_cnn.attribution.scores import checked, gradient
from autograd_cnn.engine.composite import composite
from autograd_cnn.nn.modes import evaluating


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
    pixels, classes = checked("saliency", model, images, labels)
    with evaluating(model):
        return np.abs(gradient("saliency", model, pixels, classes)).max(axis=1)
