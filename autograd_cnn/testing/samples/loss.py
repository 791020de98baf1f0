"""Sample calls of the losses."""

import numpy as np

from autograd_cnn.ops import loss
from autograd_cnn.ops.loss import _softmax_error, softmax_cross_entropy
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw, broadcasting, elementwise

_draw = Draw("loss")
normal, spaced = _draw.normal, _draw.spaced

_CALLS = (
    sample(normal(3, 4), labels=np.array([1, 3, 1])),
    sample(normal(3, 4), labels=np.array([0, 3, 1]), label_smoothing=0.2),
    sample(normal(1, 1), labels=np.array([0])),
    sample(normal(0, 3), labels=np.zeros(0, int)),
    sample(normal(2, 3, 2), labels=np.array([[0, 2], [1, 1]])),
)

add_samples(softmax_cross_entropy, *_CALLS)
add_samples(
    _softmax_error,
    *(sample(normal(*call.params["labels"].shape), *call.arrays, **call.params) for call in _CALLS),
    linear="g",
)

add_samples(loss._huber, *elementwise(spaced), sample(spaced(5), delta=0.25))  # noqa: SLF001
add_samples(loss._huber_backward, *broadcasting(normal, spaced), linear="g")  # noqa: SLF001
add_samples(loss._logistic_loss, *broadcasting(normal, normal), linear="t")  # noqa: SLF001
add_samples(loss._logistic_loss_backward, sample(normal(3), normal(3), normal(3)), linear="g")  # noqa: SLF001
