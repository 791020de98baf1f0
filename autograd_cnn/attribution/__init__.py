"""Attribution: which pixels of an image a classifier's prediction depends on."""

from typing import TYPE_CHECKING

from autograd_cnn.attribution.maps import grad_cam, integrated_gradients, occlusion, saliency
from autograd_cnn.spelling import teller as _teller

__all__ = ["grad_cam", "integrated_gradients", "occlusion", "saliency"]


if not TYPE_CHECKING:  # a type checker would assume that every name exists
    __getattr__ = _teller(__name__, __all__)
