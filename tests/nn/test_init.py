"""First values: their moments and bounds by the papers' formulas, and their reproducibility."""

import math

import numpy as np
import pytest
from tables import for_each

from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn import init

SHAPE = (64, 32, 5, 5)
FAN_IN, FAN_OUT = 32 * 25, 64 * 25


@for_each(
    "values, std",
    [
        (init.kaiming_normal(SHAPE, 0), math.sqrt(2 / FAN_IN)),
        (init.kaiming_normal(SHAPE, 0, mode="fan_out"), math.sqrt(2 / FAN_OUT)),
        (init.kaiming_uniform(SHAPE, 0), math.sqrt(2 / FAN_IN)),
        (init.kaiming_uniform(SHAPE, 0, a=math.sqrt(5)), math.sqrt(1 / (3 * FAN_IN))),
        (init.xavier_normal(SHAPE, 0, gain=2.0), 2 * math.sqrt(2 / (FAN_IN + FAN_OUT))),
        (init.xavier_uniform(SHAPE, 0), math.sqrt(2 / (FAN_IN + FAN_OUT))),
        (init.normal(SHAPE, 0, std=3.0), 3.0),
        (init.uniform(SHAPE, 0, low=-1.0, high=1.0), 1 / math.sqrt(3)),
    ],
)
def test_moments(values, std):
    assert (values.shape, values.dtype) == (SHAPE, np.float32)
    assert abs(values.mean()) < 4 * std / math.sqrt(values.size)
    assert values.std() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize(
    ("values", "bound"),
    [
        (init.kaiming_uniform(SHAPE, 0), math.sqrt(6 / FAN_IN)),
        (init.kaiming_uniform(SHAPE, 0, a=math.sqrt(5)), 1 / math.sqrt(FAN_IN)),
        (init.xavier_uniform(SHAPE, 0), math.sqrt(6 / (FAN_IN + FAN_OUT))),
        (init.uniform(SHAPE, 0, low=-1.0, high=1.0), 1.0),
    ],
)
def test_bounds_are_kept_and_reached(values, bound):
    assert 0.999 * bound < np.abs(values).max() <= bound * (1 + 1e-6)


def test_constants():
    assert init.zeros((2, 1)).tolist() == [[0.0], [0.0]]
    assert init.constant((2,), 0.5, np.float64).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "draw", [init.uniform, init.normal, init.kaiming_uniform, init.kaiming_normal, init.xavier_uniform]
)
def test_a_seed_repeats_a_generator_moves_on_and_none_is_new(draw):
    generator = np.random.default_rng(0)
    first, second = draw((3, 4), generator), draw((3, 4), generator)
    assert np.array_equal(draw((3, 4), 0), first)
    assert not np.array_equal(first, second)
    assert not np.array_equal(draw((3, 4)), draw((3, 4)))
    assert draw((3, 4), 0, dtype=np.float64).dtype == np.float64


def test_fans():
    assert init.fans((2, 3)) == (3, 2)
    assert init.fans((2, 3, 4, 5)) == (60, 40)
    with pytest.raises(ShapeError) as error:
        init.fans((3,))
    assert str(error.value) == (
        "fans: too few axes to count inputs and outputs: expected (F, C, KH, KW) or (out, in), got (3,)"
    )


@pytest.mark.parametrize("draw", [init.kaiming_uniform, init.kaiming_normal])
def test_an_unknown_mode(draw):
    with pytest.raises(ArgumentError) as error:
        draw((2, 3), mode="fan")
    assert str(error.value) == f"{draw.__name__}: mode is unknown: expected 'fan_in' or 'fan_out', got 'fan'"
