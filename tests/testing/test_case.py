import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.errors import OperandError
from autograd_cnn.testing.case import SAMPLES, Case, add_samples, registered_in, sample


@pytest.fixture
def scaled():
    """Return a primitive without samples."""

    @ag.primitive
    def scaled(x, *, by=2.0):
        return x * by

    return scaled


def test_a_sample_takes_floats_in_float64_and_lists_as_arrays():
    case = sample(np.ones(2, np.float32), [[1.0], [2.0]], (1, 2), 3.0, None, axis=[0])
    assert [type(a) for a in case.arrays] == [np.ndarray, np.ndarray, np.ndarray, float, type(None)]
    assert [a.dtype.name for a in case.arrays[:3]] == ["float64", "float64", "int64"]
    assert case.params == {"axis": [0]}


def test_the_arrays_of_floats_have_gradients():
    assert sample([1, 2], [1.0], 2.0, [True], None, np.array(1.0)).differentiable == [1, 5]


def test_a_case_is_told_by_shapes_and_parameters():
    case = sample(np.ones((2, 3)), 1.0, np.ones(4), axis=(0, 1), keepdims=None, mask=np.ones(3))
    assert str(case) == "2x3,0d,4,axis=(0,1),keepdims=-"
    assert str(Case(())) == ""


def test_samples_add_up(scaled):
    add_samples(scaled, sample([1.0]), linear="x")
    add_samples(scaled, sample([1.0], by=3.0), sample([2.0]))
    assert [(str(case), case.linear) for case in SAMPLES[scaled]] == [("1", ("x",)), ("1,by=3.0", ()), ("1", ())]


def test_what_gives_no_samples(scaled):
    def refused(*args, **params):
        with pytest.raises(OperandError) as caught:
            add_samples(*args, **params)
        return str(caught.value)

    assert refused(np.sin) == "add_samples: not a primitive: expected a function under @primitive, got ufunc"
    assert refused(scaled, [1.0]) == "add_samples: a sample of scaled is not a call: expected sample(...), got list"
    assert refused(scaled, sample([1.0]), linear="x w") == "add_samples: scaled has no operand 'w'; it has x"
    assert scaled not in SAMPLES


def test_primitives_by_module(scaled):
    (name,) = (name for name, primitive in registered_in([__name__]).items() if primitive is scaled)
    assert name == f"{__name__}.scaled.<locals>.scaled"
    assert registered_in([__name__[:-1]]) == {}
    assert registered_in(["autograd_cnn.ops"])["autograd_cnn.ops.elementwise.exp"] is ag.exp
