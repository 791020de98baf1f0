"""Shapes and dtypes without values."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import Tensor, nn
from autograd_cnn.engine.abstract import AbstractArray, broadcast
from autograd_cnn.errors import OperandError, RegistrationError, ShapeError

F4 = np.dtype(np.float32)


def _tensor(*shape, dtype=F4):
    return Tensor.wrap(AbstractArray(shape, dtype))


# --- calls ------------------------------------------------------------------------------------


def test_a_call_gives_the_shape_and_dtype_without_touching_values():
    huge = AbstractArray((1 << 20, 1 << 20, 1 << 10), F4)
    assert ag.exp(huge) == huge
    assert ag.sum(huge, axis=0) == AbstractArray(huge.shape[1:], F4)
    assert ag.reshape(huge, (-1, 4)) == AbstractArray((1 << 48, 4), F4)
    assert ag.matmul(huge, np.ones((1 << 10, 2), F4)) == AbstractArray((*huge.shape[:2], 2), F4)
    assert ag.transpose(huge).shape == huge.shape[::-1]


def test_arrays_and_numbers_may_stand_beside():
    x = AbstractArray((2, 3), F4)
    assert ag.add(x, 1) == ag.add(2.5, x) == x
    assert ag.multiply(x, np.ones((4, 1, 1))) == AbstractArray((4, 2, 3), np.float64)
    assert ag.greater(x, 0.0) == AbstractArray((2, 3), bool)
    assert ag.argmax(x, axis=1) == AbstractArray((2,), np.intp)
    assert ag.mean(AbstractArray((2,), np.int8)) == AbstractArray((), np.float64)
    assert ag.sum(AbstractArray((2,), np.int8)) == AbstractArray((), np.int64)
    assert ag.correlate2d(x, np.ones((2, 2)), None, padding=1) == AbstractArray((3, 4), np.float64)


def test_tensors_give_tensors_and_nothing_is_recorded():
    y = ag.relu(_tensor(2, 3) @ ag.tensor(np.ones((3, 4), F4), requires_grad=True))
    assert isinstance(y, Tensor)
    assert y.value == AbstractArray((2, 4), F4)
    assert (y.shape, y.dtype, y.ndim, y.size, y.requires_grad) == ((2, 4), F4, 2, 8, False)
    assert repr(y) == "tensor(AbstractArray((2, 4), dtype=float32))"
    assert [part.shape for part in ag.split(y.T, 2)] == [(2, 2), (2, 2)]
    assert ag.pad(y[0, 1:], 2).shape == (7,)


SENTENCES = {
    "add: operands could not be broadcast together with shapes (3,4) (2,); shapes x1=(3, 4), x2=(2,)": (
        lambda x: ag.add(x, np.ones(2))
    ),
    "matmul: x1 has 4 columns but x2 has 3 rows; shapes x1=(3, 4), x2=(3, 4)": lambda x: ag.matmul(x, x),
    "correlate2d: the window does not fit into the padded image along its height: expected at most 3 pixels, got 5; "
    "pad the image or shrink the window": lambda x: ag.correlate2d(x, np.ones((5, 5))),
    "sum: axis 2 is out of bounds for array of dimension 2; shapes x=(3, 4)": lambda x: ag.sum(x, axis=2),
    "reshape: cannot reshape array of size 12 into shape (5,newaxis); shapes x=(3, 4)": (
        lambda x: ag.reshape(x, (5, -1))
    ),
    "max: zero-size array to reduction operation maximum which has no identity; shapes x=(0, 4)": (
        lambda x: ag.max(ag.getitem(x, slice(0, 0)))
    ),
    "set_at: x can't hold the values: expected values of the kind of int8, got float64; "
    "convert x with .astype first": lambda x: ag.set_at(np.zeros(3, np.int8), x[0], 1),
}


@pytest.mark.parametrize("text", SENTENCES, ids=lambda text: text.partition(":")[0])
def test_what_does_not_fit_is_refused_in_the_same_words(text):
    for x in (_tensor(3, 4, dtype=np.float64), ag.tensor(np.zeros((3, 4)))):
        with pytest.raises((ValueError, TypeError)) as caught:
            SENTENCES[text](x)
        assert str(caught.value) == text


def test_a_missing_parameter_is_named():
    for x in (_tensor(3), ag.tensor(np.zeros(3))):
        with pytest.raises(OperandError, match="'shape'"):
            ag.reshape(x)


def test_shapes_that_do_not_broadcast_are_named_as_numpy_does():
    with pytest.raises(ValueError, match="shapes") as caught:
        np.ones((2, 3)) + np.ones((3, 2))
    with pytest.raises(ValueError, match="shapes") as ours:
        broadcast((2, 3), (3, 2))
    assert str(ours.value) == str(caught.value).rstrip()


@pytest.mark.parametrize(
    "use",
    [
        np.asarray, float, int, bool, list, np.exp, lambda x: x.item(), lambda x: x.tolist(), lambda x: Tensor.wrap(x).numpy(),
        lambda x: Tensor.wrap(x).item(), lambda x: float(Tensor.wrap(x)),
    ],
)  # fmt: skip
def test_what_needs_values_says_that_there_are_none(use):
    with pytest.raises(OperandError) as caught:
        use(AbstractArray(()))
    assert str(caught.value) == (
        "AbstractArray((), dtype=float64): it has a shape, but no values; compute on arrays where values are needed"
    )


def test_a_mask_of_unknown_values_tells_no_shape():
    x = _tensor(3)
    with pytest.raises(OperandError, match="it has a shape, but no values"):
        x[x > 0]


# --- networks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.lenet5(rng=0), (1, 28, 28)),
        (nn.resnet20(rng=0), (3, 32, 32)),
        (nn.lenet1998(rng=0), (1, 32, 32)),
        (nn.Sequential(nn.ConvTranspose2d(2, 3, 3, stride=2), nn.AdaptiveAvgPool2d(3), nn.Softmax(1)), (2, 5, 5)),
        (nn.LSTM(3, 4), (5, 3)),
    ],
)
def test_a_network_gives_the_shape_that_it_has_for_zeros(model, shape):
    model.eval()
    abstract, real = (model(x) for x in (_tensor(2, *shape), ag.tensor(np.zeros((2, *shape), F4))))
    firsts = [y[0] if isinstance(y, tuple) else y for y in (abstract, real)]
    assert firsts[0].value == AbstractArray(firsts[1].shape, firsts[1].dtype)


def test_a_network_that_does_not_fit_says_so():
    with pytest.raises(ShapeError, match="w has C=1 but x has C=3"):
        nn.lenet5(rng=0)(_tensor(1, 3, 28, 28))


# --- rules ------------------------------------------------------------------------------------


def _pairs():
    @ag.primitive
    def pairs(x, w=None, *, size=2, turned=False):
        return np.reshape(x, (-1, size))

    return pairs


def test_a_rule_gets_operands_by_position_and_the_parameters_that_it_names():
    pairs, seen = _pairs(), []

    @pairs.shape
    def pairs_shape(x, w, *, size):
        seen.append((x, w))
        return x.size // size, size

    assert pairs(AbstractArray((3, 4), F4)) == AbstractArray((6, 2), F4)
    assert pairs(AbstractArray((3, 4), F4), np.ones(3), size=3) == AbstractArray((4, 3), np.float64)
    assert seen == [(AbstractArray((3, 4), F4), None), (AbstractArray((3, 4), F4), AbstractArray((3,), np.float64))]


def test_a_rule_may_ask_for_all_parameters_and_name_the_dtype():
    pairs = _pairs()
    pairs.shape(lambda x, w, **rest: tuple(map(int, rest.values())), dtype=lambda x, w: np.dtype(bool))
    assert pairs(AbstractArray((3,)), turned=True) == AbstractArray((2, 1), bool)


@pytest.mark.parametrize("rule", [lambda x: x.shape, lambda x, w, *, sizes: x.shape, lambda *x: (), lambda w, x: ()])
def test_a_rule_that_does_not_fit_is_refused(rule):
    with pytest.raises(RegistrationError, match=r"^pairs\.shape: can't have this shape rule: expected \(x, w=None, \*"):
        _pairs().shape(rule)


def test_a_second_rule_is_refused():
    with pytest.raises(RegistrationError, match=r"^sum\.shape: has a shape rule already$"):
        ag.sum.shape(lambda x, *, axis, keepdims: ())
