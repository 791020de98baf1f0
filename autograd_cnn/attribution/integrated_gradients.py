"""Integrated gradients: the gradients of a score, averaged along the path from a blank image."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_cnn import nn
from autograd_cnn.attribution.scores import checked, gradient
from autograd_cnn.engine.composite import composite
from autograd_cnn.nn.modes import evaluating
from autograd_cnn.parameters import Size


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
    pixels, classes = checked("integrated_gradients", model, images, labels)
    slopes = np.zeros_like(pixels)
    with evaluating(model):
        for step in range(steps):
            share = pixels.dtype.type((step + 0.5) / steps)
            slopes += gradient("integrated_gradients", model, share * pixels, classes)
    return pixels * slopes / steps
