"""Sample calls of Fourier transforms."""

from autograd_cnn.ops.fourier import _cosines
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

normal = Draw("fourier").normal

add_samples(
    _cosines,
    sample(normal(5), axis=-1),
    sample(normal(2, 3), axis=None),
    sample(normal(2, 3, 4), axis=(0, 2)),
    sample(normal(1, 2), axis=0),
    sample(normal(0, 3), axis=1),
    linear="x",
)
