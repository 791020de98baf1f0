"""How Winograd's work is divided into jobs; what it computes is in test_algorithms."""

import numpy as np
from tables import for_each

from autograd_cnn.kernels.compiled.conv.problem import ConvProblem
from autograd_cnn.kernels.compiled.conv.winograd import JOBS, MAX_TILES, MIN_TILES, _tiles
from autograd_cnn.kernels.compiled.conv.winograd_wgrad import _cut, _sizes
from autograd_cnn.kernels.windows import windows


def _problem(n, c, f, size):
    return ConvProblem.of(n, c, f, windows("conv", (size, size), 3, padding=1), 1, np.dtype(np.float32))


@for_each(
    "n, c, f, size, jobs",
    [
        (32, 32, 32, 16, JOBS),  # images of 16 tiles: two are a block
        (128, 64, 64, 8, JOBS),  # of 4 tiles
        (4, 32, 32, 64, JOBS),  # rows of an image
        (16, 512, 512, 4, 4),  # 16 tiles are one block, whose eight panels of filters are divided
    ],
)
def test_there_are_jobs_for_sixteen_threads(n, c, f, size, jobs):
    p = _problem(n, c, f, size)
    s, *_ = _tiles(p, 4)
    assert -(-n // s.image_block) * -(-size // (4 * s.rows)) * s.parts >= jobs
    assert MIN_TILES <= s.image_block * s.rows * s.columns <= MAX_TILES * 9 // 8
    sums, *_ = _sizes(p)
    assert sums.pieces * _cut(p)[2] >= JOBS


def test_a_part_of_the_sums_has_enough_tiles():
    assert _sizes(_problem(32, 64, 64, 8))[0].pieces == 8  # of 16 tiles; more would cost more than they give
    assert _sizes(_problem(128, 64, 64, 8))[0].pieces == 16
