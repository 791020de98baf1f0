"""Arguments sorted; how primitives use it is in ``test_primitive.py``."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.engine.signature import Signature
from autograd_cnn.errors import OperandError, RegistrationError
from autograd_cnn.parameters import Count


def sample(x, w, bias=None, stride: Count = 1, *, padding=0):
    return x, w, bias, stride, padding


def many(*arrays, axis=0):
    return arrays, axis


@pytest.mark.parametrize(
    ("args", "params", "arrays", "named"),
    [
        ((1, 2, 3), {}, (1, 2, 3), {}),
        ((1, 2), {}, (1, 2, None), {}),
        ((1, 2), {"stride": 4}, (1, 2, None), {"stride": 4}),
        ((1,), {"bias": 3, "w": 2}, (1, 2, 3), {}),
        ((1, 2, 3, 4), {}, (1, 2, 3), {"stride": 4}),
        ((1, 2, 3, 4), {"padding": 5}, (1, 2, 3), {"stride": 4, "padding": 5}),
    ],
)
def test_arrays_and_parameters_are_told_apart(args, params, arrays, named):
    assert Signature(sample).bind(args, params) == (arrays, named)


def test_a_star_takes_all_arrays():
    assert Signature(many).bind((1, 2, 3), {"axis": 1}) == ((1, 2, 3), {"axis": 1})
    assert Signature(many).operand(5) == "arrays"


@pytest.mark.parametrize(
    ("args", "params", "text"),
    [
        ((1,), {}, "sample: argument 'w' is missing; it takes x, w, bias, stride, *, padding"),
        ((1, 2, 3, 4, 5), {}, "sample: too many arguments; it takes x, w, bias, stride, *, padding"),
        ((1, 2, 3, 4), {"stride": 1}, "sample: too many arguments; it takes x, w, bias, stride, *, padding"),
        (
            (1, 2),
            {"pad": 1},
            "sample: no argument 'pad'; did you mean 'padding'?; it takes x, w, bias, stride, *, padding",
        ),
        (
            (1, 2),
            {"stride": ag.tensor(1.0, requires_grad=True)},
            "sample: parameter 'stride' has no gradient: expected a plain value, got a Tensor; pass it detached",
        ),
    ],
)
def test_what_does_not_fit_is_an_error(args, params, text):
    with pytest.raises(OperandError) as error:
        Signature(sample).bind(args, params)
    assert str(error.value) == text


def test_what_can_be_an_array_becomes_one():
    signature = Signature(sample)
    np.testing.assert_array_equal(signature.coerced([1, 2], 0), np.array([1, 2]))
    assert signature.coerced(None, 2) is None
    with pytest.raises(OperandError) as error:
        signature.coerced(None, 0)
    assert str(error.value) == "sample: x is not an array: expected a tensor, an array or a number, got NoneType"


def test_a_tensor_without_a_gradient_is_a_parameter_as_its_values_are():
    ((_, _, _), named) = Signature(sample).bind((1, 2), {"padding": ag.tensor([1, 2])})
    np.testing.assert_array_equal(named["padding"], [1, 2])


@pytest.mark.parametrize(
    ("arg", "kind"),
    [
        ([ag.tensor(1.0), 2.0], "a list"),
        (([1.0], [ag.tensor(1.0)]), "a tuple"),
        (np.array([ag.tensor(1.0), None], dtype=object), "an array"),
    ],
)
def test_what_holds_tensors_is_joined_first(arg, kind):
    with pytest.raises(OperandError) as error:
        Signature(sample).coerced(arg, 0)
    assert str(error.value) == f"sample: x is {kind} of tensors; join them with ag.stack first"


def test_an_argument_called_as_the_output_is_refused():
    with pytest.raises(RegistrationError) as error:
        Signature(lambda y: y)
    assert str(error.value) == "<lambda>: an argument is called 'y'; y is the output"
