import numpy as np
import pytest

from autograd_cnn.errors import ArgumentError
from autograd_cnn.nn.checks import positive


def test_ints_from_one_on_pass():
    positive("here", a=1, b=np.int64(7))


@pytest.mark.parametrize("size", [0, -1, 1.0, True, "3"])
def test_all_else_is_refused(size):
    with pytest.raises(ArgumentError) as error:
        positive("here", a=1, b=size)
    assert str(error.value) == f"here: b is out of range: expected an int of at least 1, got {size!r}"
