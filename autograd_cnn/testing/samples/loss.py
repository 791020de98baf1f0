"""Sample calls of the losses."""

import numpy as np

from autograd_cnn.ops import loss
from autograd_cnn.ops.loss import _softmax_error, softmax_cross_entropy
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw, broadcasting

_draw = Draw("loss")
normal, spaced, off_grid = _draw.normal, _draw.spaced, _draw.off_grid

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

add_samples(loss._nll, *(sample(*call.arrays, labels=call.params["labels"]) for call in _CALLS), linear="scores")  # noqa: SLF001
add_samples(
    loss._nll_backward,  # noqa: SLF001
    *(
        sample(normal(*call.params["labels"].shape), labels=call.params["labels"], classes=call.arrays[0].shape[1])
        for call in _CALLS
    ),
    linear="g",
)

add_samples(
    loss._huber,  # noqa: SLF001
    *broadcasting(spaced, off_grid),
    sample(spaced(5), off_grid(5), delta=0.25, factor=2.0, reduction="none"),
    sample(normal(3, 4), normal(3, 4), delta=np.inf, reduction="mean"),
)
add_samples(
    loss._huber_backward,  # noqa: SLF001
    sample(normal(3, 4), spaced(3, 4), off_grid(3, 4)),
    sample(normal(), spaced(3, 1), off_grid(4), delta=0.3, factor=2.0, reduction="mean"),
    sample(normal(2), normal(2), normal(2), delta=np.inf, reduction="none"),
    linear="g",
)
add_samples(loss._logistic_loss, *broadcasting(normal, normal), linear="t")  # noqa: SLF001
add_samples(loss._logistic_loss_backward, sample(normal(3), normal(3), normal(3)), linear="g")  # noqa: SLF001
