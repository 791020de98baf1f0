"""SciPy's special functions on tensors: SciPy's values, and derivatives of both orders."""

import pickle

import numpy as np
import pytest
import scipy.special
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.errors import GradientError
from autograd_cnn.tensor.special import SPECIAL, special

ORDERS = np.array([2.0, 3.0, 4.0])
OTHERS = np.array([1.2, 2.3, 1.6])
X = np.array([0.3, 0.6, 0.8])


def _operands(name):
    count = len(special(name).operands)
    return [ORDERS if name in {"yn", "zeta"} else OTHERS] * (count - 1) + [X]


@for_each("name", sorted(SPECIAL))
def test_values_and_derivatives(name):
    function, arrays, primitive = getattr(scipy.special, name), _operands(name), special(name)
    places = [i for i, operand in enumerate(primitive.operands) if operand in primitive.rules]

    def f(*xs):
        rest = iter(xs)
        return function(*(next(rest) if i in places else a for i, a in enumerate(arrays)))

    ag.testing.gradcheck(f, [arrays[i] for i in places], order=2)
    tensors = [ag.tensor(a, requires_grad=i in places, dtype=np.float32) for i, a in enumerate(arrays)]
    y = function(*tensors)
    np.testing.assert_array_equal(y.data, function(*(t.numpy() for t in tensors)))
    y.sum().backward()
    assert {y.dtype, *(tensors[i].grad.dtype for i in places)} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(ag.vmap(function)(*arrays), function(*arrays))
    assert pickle.loads(pickle.dumps(primitive)) is primitive  # noqa: S301  # our own


def test_an_order_has_no_gradient():
    with pytest.raises(GradientError) as err:
        ag.grad(lambda v: scipy.special.jv(v, 2.0))(0.5)
    assert (
        str(err.value) == "jv: no rule for a gradient with respect to 'x1'; pass it detached, or define a rule for it"
    )


def test_numpys_i0_is_scipys():
    value, gradient = ag.value_and_grad(lambda x: np.i0(x).sum())(X)
    np.testing.assert_allclose(value, np.i0(X).sum(), rtol=1e-14)
    np.testing.assert_array_equal(gradient, scipy.special.i1(X))


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="lambertw"):
        special("lambertw")
