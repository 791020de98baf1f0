"""Sample calls of inverses and determinants."""

from autograd_cnn import ops
from autograd_cnn.ops.inverse import _cofactors, _log_abs_det, _pinv, _sign_det
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

_draw = Draw("inverse")
normal, matrices = _draw.normal, _draw.matrices

_CALLS = tuple(sample(matrices(*shape)) for shape in ((2, 2), (3, 3), (2, 2, 2), (1, 1), (0, 2, 2)))

add_samples(ops.inv, *_CALLS)
add_samples(ops.det, *_CALLS)
add_samples(_cofactors, *_CALLS)
add_samples(_sign_det, *_CALLS)
add_samples(_log_abs_det, *_CALLS)
add_samples(
    ops.solve,
    sample(matrices(3, 3), normal(3)),
    sample(matrices(3, 3), normal(3, 2)),
    sample(matrices(2, 2, 2), normal(2)),
    sample(matrices(2, 2), normal(2, 2, 1)),
    sample(matrices(2, 1, 2, 2), normal(3, 2, 1)),
    linear="b",
)
add_samples(_pinv, *(sample(matrices(*shape), rcond=None) for shape in ((3, 2), (2, 3), (2, 2, 1))))
