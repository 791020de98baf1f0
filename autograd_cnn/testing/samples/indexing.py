"""Sample calls of indexing, its adjoint, and padding."""

import numpy as np

from autograd_cnn import ops
from autograd_cnn.ops.indexing import _pad
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

normal = Draw("indexing").normal

_ROWS = np.array([2, 0, 2])
_MASK = np.array([[True, False, True], [False, False, True]])

add_samples(
    _pad,
    sample(normal(2, 3), pad_width=((1, 0), (2, 1))),
    sample(normal(2), pad_width=((0, 2),), constant_values=1.5),
    sample(normal(0, 2), pad_width=((1, 1), (0, 0))),
    linear="x",
)
add_samples(
    ops.getitem,
    sample(normal(3, 4), index=1),
    sample(normal(3, 4), index=(-1, 2)),
    sample(normal(3, 4), index=slice(None, None, -2)),
    sample(normal(3, 4), index=(Ellipsis, None, slice(1, 3))),
    sample(normal(3, 4), index=_ROWS),
    sample(normal(3, 4), index=(_ROWS, np.array([1, 1, 1]))),
    sample(normal(3, 4, 3), index=(slice(1, None), 2, _ROWS)),
    sample(normal(2, 3), index=_MASK),
    sample(normal(3), index=slice(0, 0)),
    sample(normal(2, 3), index=(slice(None), np.zeros((0, 2), int))),
    linear="x",
)
add_samples(
    ops.scatter_add,
    sample(normal(4), index=1, shape=(3, 4)),
    sample(normal(2, 4), index=slice(None, None, -2), shape=(3, 4)),
    sample(normal(3, 4), index=_ROWS, shape=(3, 4)),
    sample(normal(3), index=(_ROWS, np.array([1, 1, 1])), shape=(3, 4)),
    sample(normal(3), index=_MASK, shape=(2, 3)),
    sample(normal(), index=Ellipsis, shape=()),
    sample(normal(0), index=slice(0, 0), shape=(3,)),
    sample(normal(2, 0, 2), index=(slice(None), np.zeros((0, 2), int)), shape=(2, 3)),
    sample(normal(2, 0), index=np.array([2, 0]), shape=(3, 0)),
    linear="x",
)
add_samples(
    ops.set_at,
    sample(normal(3, 4), normal(4), index=1),
    sample(normal(3, 4), normal(), index=slice(1, None)),
    sample(normal(3, 4), normal(2, 1), index=slice(None, None, 2)),
    sample(normal(3, 4), normal(3, 4), index=_ROWS),
    sample(normal(3, 4), normal(4), index=_ROWS),
    sample(normal(3, 4), normal(3), index=(_ROWS, np.array([1, 1, 1]))),
    sample(normal(2, 3), normal(3), index=_MASK),
    sample(normal(3), 0, index=1),
    sample(normal(3), normal(0), index=slice(0, 0)),
    linear="x values",
)
