"""The number of threads."""

import numba
import pytest

from autograd_cnn.errors import ArgumentError
from autograd_cnn.kernels.jit.threads import num_threads, set_num_threads


def test_the_number_is_kept():
    before = num_threads()
    try:
        set_num_threads(1)
        assert num_threads() == numba.get_num_threads() == 1
    finally:
        set_num_threads(before)
    assert num_threads() == before


@pytest.mark.parametrize("count", [0, -1, numba.config.NUMBA_NUM_THREADS + 1])
def test_a_number_out_of_range_is_an_error(count):
    with pytest.raises(ArgumentError) as caught:
        set_num_threads(count)
    assert str(caught.value) == (
        f"set_num_threads: count is out of range: expected 1 to {numba.config.NUMBA_NUM_THREADS}, got {count}; "
        "NUMBA_NUM_THREADS, set before the start, allows for more"
    )
