"""Which pixels windows meet, against plain loops."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from autograd_cnn.kernels.compiled.conv.tap_table import count_taps_inside, tap_rows_and_columns, tap_table
from autograd_cnn.kernels.windows import windows

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
margins = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def slides(draw):
    """Draw windows of every kind."""
    size, image = draw(pairs), draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    geometry = {"stride": draw(pairs), "dilation": draw(pairs), "padding": draw(st.tuples(margins, margins))}
    for n, k, d, pads in zip(image, size, geometry["dilation"], geometry["padding"], strict=True):
        assume(n + sum(pads) >= (k - 1) * d + 1)
    return windows("form", image, size, **geometry)


@given(slides())
def test_every_tap_of_every_window_that_is_on_the_image(grid):
    (height, width), ((top, _), (left, _)) = grid.image, grid.padding
    expected = []
    for i, j, p, q in np.ndindex(*grid.out, *grid.size):
        row = i * grid.stride[0] + p * grid.dilation[0] - top
        column = j * grid.stride[1] + q * grid.dilation[1] - left
        if 0 <= row < height and 0 <= column < width:
            expected.append((i * grid.out[1] + j, p * grid.size[1] + q, row * width + column))
    assert [tuple(map(int, each)) for each in zip(*tap_table(grid), strict=True)] == expected
    assert count_taps_inside(grid) == len(expected)


def test_lines_of_the_padding_are_marked():
    rows, columns = tap_rows_and_columns(windows("form", (3, 4), 2, stride=(1, 2), padding=((1, 0), (0, 0))))
    assert (rows.tolist(), columns.tolist()) == ([[-1, 0], [0, 1], [1, 2]], [[0, 1], [2, 3]])
