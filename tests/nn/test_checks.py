import numpy as np
import pytest
from tables import for_each

from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.nn.checks import between, flags, floats, positive


def test_ints_from_one_on_pass():
    positive("here", a=1, b=np.int64(7))


@pytest.mark.parametrize("size", [0, -1, 1.0, True, "3"])
def test_sizes_that_are_none(size):
    with pytest.raises(ArgumentError) as error:
        positive("here", a=1, b=size)
    assert str(error.value) == f"here: b is out of range: expected an int of at least 1, got {size!r}"


def test_numbers_within_their_bounds_pass():
    between("here", 0, 1, a=0, b=1.0, c=np.float32(0.5))
    between("here", 0, np.inf, a=1e300)


@for_each("number", [-0.1, 1.5, float("nan"), float("inf"), "0.5", None, 1j])
def test_numbers_out_of_their_bounds(number):
    with pytest.raises(ArgumentError) as error:
        between("here", 0, 1, a=0.5, b=number)
    assert str(error.value) == f"here: b is out of range: expected a number from 0 to 1, got {number!r}"


def test_a_bound_on_one_side():
    with pytest.raises(ArgumentError) as error:
        between("here", 0, np.inf, a=-1)
    assert str(error.value) == "here: a is out of range: expected a number of at least 0, got -1"


@pytest.mark.parametrize("flag", [0.5, "no", None, 1])
def test_flags_are_bools(flag):
    flags("here", a=True, b=np.False_)
    with pytest.raises(OperandError) as error:
        flags("here", a=True, b=flag)
    assert str(error.value) == f"here: b is no bool: expected True or False, got {flag!r}"


@pytest.mark.parametrize("dtype", [int, bool, complex, np.longdouble])
def test_parameters_are_floats(dtype):
    assert floats("here", "float16") == np.float16
    with pytest.raises(OperandError) as error:
        floats("here", dtype)
    expected = "expected float16, float32 or float64"
    assert str(error.value) == f"here: parameters are floats: {expected}, got {np.dtype(dtype)}"


@for_each(
    "make",
    [
        lambda: nn.Linear(2, 2, "relu"),
        lambda: nn.Conv2d(2, 2, 1, bias=0.5),
        lambda: nn.ConvTranspose2d(2, 2, 1, bias=None),
        lambda: nn.LSTM(2, 2, 1, 0.5),
        lambda: nn.RNN(2, 2, batch_first="no"),
        lambda: nn.GRUCell(2, 2, bias=1),
        lambda: nn.BatchNorm2d(2, affine="no"),
        lambda: nn.Linear(2, 2, dtype=int),
        lambda: nn.BatchNorm2d(2, affine=False, dtype=int),
        lambda: nn.LSTM(2, 2, dtype=complex),
        lambda: nn.PartialConv2d(2, [(0,)], 1, dtype=int),
        lambda: nn.Subsample2d(2, 2, dtype=int),
        lambda: nn.init.normal((2,), dtype=int),
        lambda: nn.Flatten(1.5),
    ],
)
def test_layers_refuse_what_they_would_misunderstand(make):
    with pytest.raises(OperandError):
        make()


@pytest.mark.parametrize("options", [{"eps": -1.0}, {"eps": np.nan}, {"momentum": 1.5}, {"momentum": np.nan}])
def test_batch_norm_refuses_what_is_out_of_range(options):
    with pytest.raises(ArgumentError, match=f"BatchNorm2d: {next(iter(options))} is out of range"):
        nn.BatchNorm2d(2, **options)
