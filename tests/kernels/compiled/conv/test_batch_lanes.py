"""What the batch's tiles sum over: lists of taps and pixels that meet."""

import numpy as np

from autograd_cnn.kernels.compiled.conv import batch_lanes
from autograd_cnn.kernels.compiled.conv.problem import ConvProblem
from autograd_cnn.kernels.windows import windows


def problem(image, size, **geometry):
    return ConvProblem.of(1, 1, 1, windows("conv", image, size, **geometry), 1, np.dtype(np.float32))


def test_lists_of_what_meets():
    p = problem((3, 4), 2, stride=(1, 2), padding=((1, 0), (0, 0)))  # 3 x 2 windows
    starts, taps, pixels = batch_lanes._pairs(p, adjoint=False)
    assert starts.tolist() == [0, 2, 4, 8, 12, 16, 20]
    assert (taps[:4].tolist(), pixels[:4].tolist()) == ([2, 3, 2, 3], [0, 1, 2, 3])
    starts, taps, pixels = batch_lanes._pairs(p, adjoint=True)
    assert starts.tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 16, 17, 18, 19, 20]
    assert (taps[:2].tolist(), pixels[:2].tolist()) == ([2, 0], [0, 2])


def test_a_pixel_that_no_window_meets_gets_nothing():
    starts, _, _ = batch_lanes._pairs(problem((3, 5), (1, 2), stride=(2, 3)), adjoint=True)
    assert np.diff(starts).tolist() == [1, 1, 0, 1, 1, *[0] * 5, 1, 1, 0, 1, 1]
