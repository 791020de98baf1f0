"""Sample calls of decompositions."""

import numpy as np

from autograd_cnn.ops.decomposition import _cholesky, _eigh, _over_gaps, _qr, _svd
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

_draw = Draw("decomposition")
normal, matrices = _draw.normal, _draw.matrices

_SQUARES = ((2, 2), (3, 3), (2, 2, 2), (1, 1), (0, 2, 2))

add_samples(_cholesky, *(sample(matrices(*shape, symmetric=True)) for shape in _SQUARES))
add_samples(_eigh, *(sample(matrices(*shape, symmetric=True)) for shape in _SQUARES))
add_samples(_qr, *(sample(matrices(*shape)) for shape in ((2, 2), (3, 2), (2, 3, 2), (0, 2, 2))))
add_samples(_svd, *(sample(matrices(*shape)) for shape in ((2, 2), (3, 2), (2, 3), (2, 2, 1), (0, 2, 2))))
add_samples(
    _over_gaps,
    sample(normal(2, 3), np.array([0.5, 1.5]), np.array([-1.0, 2.5, 1.0]), of="svd"),
    sample(normal(2, 2, 2), np.array([[0.5, 1.5], [0.0, 1.0]]), np.array([[-1.0, 2.5]]), of="eigh"),
    linear="x",
)
