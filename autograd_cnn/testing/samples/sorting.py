"""Sample calls of sorting."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.ops.sorting import _searchsorted, _sort
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

spaced = Draw("sorting").spaced

_CALLS = (
    sample(spaced(3, 4), axis=-1),
    sample(spaced(3, 4), axis=0),
    sample(spaced(1), axis=0),
    sample(spaced(0, 3), axis=1),
)

add_samples(_sort, *_CALLS)
add_samples(ops.argsort, *_CALLS, sample(spaced(2, 3), axis=None))
add_samples(
    _searchsorted,
    sample(np.array([-0.5, 0.0, 0.5]), spaced(2, 3), right=False),
    sample([0.0, 0.2], spaced(), right=True),
)
