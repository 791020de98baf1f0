"""Sample calls of recurrent layers and their adjoints."""

from autograd_cnn import ops
from autograd_cnn.ops.recurrent import _gru_backward, _lstm_backward
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw

normal = Draw("recurrent").normal

add_samples(
    ops.lstm,
    sample(normal(3, 2, 8), normal(8, 2), normal(2, 2), normal(2, 2)),
    sample(normal(1, 1, 4), normal(4, 1), normal(1, 1), normal(1, 1)),
)
add_samples(
    _lstm_backward,
    sample(normal(4, 2, 2), normal(3, 2, 8), normal(8, 2), normal(2, 2), normal(2, 2), None, None),
    sample(normal(2, 1, 1), normal(1, 1, 4), normal(4, 1), normal(1, 1), normal(1, 1), None, None),
)
add_samples(
    ops.gru,
    sample(normal(3, 2, 6), normal(6, 2), normal(6), normal(2, 2)),
    sample(normal(1, 1, 3), normal(3, 1), normal(3), normal(1, 1)),
)
add_samples(
    _gru_backward,
    sample(normal(3, 2, 2), normal(3, 2, 6), normal(6, 2), normal(6), normal(2, 2), None, None),
    sample(normal(1, 1, 1), normal(1, 1, 3), normal(3, 1), normal(3), normal(1, 1), None, None),
)
