"""Attribution: which pixels of an image a classifier's prediction depends on."""

from typing import TYPE_CHECKING

from autograd_cnn.attribution.grad_cam import grad_cam
from autograd_cnn.attribution.integrated_gradients import integrated_gradients
from autograd_cnn.attribution.occlusion import occlusion
from autograd_cnn.attribution.saliency import saliency
from autograd_cnn.spelling import teller as _teller

__all__ = ["grad_cam", "integrated_gradients", "occlusion", "saliency"]


if not TYPE_CHECKING:  # a type checker would take it that every name is there
    __getattr__ = _teller(__name__, __all__)
