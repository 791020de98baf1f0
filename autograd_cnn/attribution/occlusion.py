"""Occlusion: how much a score falls when parts of an image are covered."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn import nn
from autograd_cnn.attribution.scores import checked, scores_of
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.recording import no_grad
from autograd_cnn.errors import ArgumentError, sentence
from autograd_cnn.nn.modes import evaluating
from autograd_cnn.parameters import Number, Size
from autograd_cnn.tensor import tensor


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
    pixels, classes = checked("occlusion", model, images, labels)
    if size % 2 == 0:
        raise ArgumentError(sentence("occlusion", "size is even", expected="an odd number of pixels", got=size))
    reach = size // 2
    lost = np.empty((len(pixels), *pixels.shape[2:]), pixels.dtype)
    with evaluating(model), no_grad():
        whole = scores_of("occlusion", model, tensor(pixels), classes).numpy()
        for row, column in np.ndindex(lost.shape[1:]):
            covered = pixels.copy()
            covered[:, :, max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1] = fill
            lost[:, row, column] = whole - scores_of("occlusion", model, tensor(covered), classes).numpy()
    return lost
