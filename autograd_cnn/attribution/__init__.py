"""Attribution: which pixels of an image a classifier's prediction depends on."""

from autograd_cnn.attribution.maps import grad_cam, integrated_gradients, occlusion, saliency
from autograd_cnn.spelling import announce as _announce

__all__ = ["grad_cam", "integrated_gradients", "occlusion", "saliency"]


_announce(globals())
