"""Single calls: what is read off a result, and what runs again."""

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import ops
from autograd_cnn.testing.call import Call, NotReplayable, computed, double, near, read_off


def _call(primitive, *operands, **parameters):
    """Return a call of which the first operand wants a gradient."""
    x = ag.tensor(operands[0], requires_grad=True)
    y = primitive(x, *operands[1:], **parameters)
    arrays = [double(np.asarray(operand)) for operand in operands]
    return Call(y.node, primitive, arrays, parameters, computed(primitive, arrays, parameters), exact=True)


def test_operands_can_be_moved_one_by_one():
    call = _call(ops.multiply, [1.0, 2.0], [3.0, 4.0])
    np.testing.assert_array_equal(call.y, [3.0, 8.0])
    np.testing.assert_array_equal(call.at({1: np.array([0.0, 1.0])}), [0.0, 2.0])
    assert call.wanted == [0]
    assert [call.argument(position) for position in (0, 1)] == ["x1", "x2"]


def test_recording_anew_serves_one_operand_alone():
    call = _call(ops.multiply, [1.0, 2.0], [3.0, 4.0])
    with ag.no_grad():
        node, leaf = call.recorded(1)
    assert node.parents == (None, leaf)
    assert set(node.saved) == {"x1"}


def test_what_is_random_is_not_recorded_anew():
    rng = np.random.default_rng(0)

    @ag.primitive
    def noisy(x):
        return x + rng.random()

    @noisy.vjp("x")
    def noisy_wrt_x(g):
        return g

    with pytest.raises(NotReplayable) as reason:
        _call(noisy, [1.0, 2.0]).recorded(0)
    assert str(reason.value) == "run twice, it gave two results; is it random?"


def test_floats_alone_are_widened_and_nothing_can_be_written_to():
    x = np.ones(2, np.float32)
    assert double(x).dtype == np.float64
    assert not double(np.ones(2)).flags.writeable
    assert x.flags.writeable
    labels = np.arange(2)
    assert double(labels) is labels
    assert double(None) is None
    assert double(2) == 2


@pytest.mark.parametrize(
    ("primitive", "constant"),
    [
        (ops.add, [5.0, -7.0]),
        (ops.subtract, [5.0, -7.0]),
        (ops.multiply, [5.0, -7.0]),
        (ops.add, 3.0),
    ],
)
def test_constants_are_read_off_the_result(primitive, constant):
    target = primitive(np.array([1.0, 2.0]), np.array(constant))
    call = read_off(_call(primitive, [1.0, 2.0], 0.5), 1, target)
    assert call.exact
    np.testing.assert_allclose(call.y, target)
    np.testing.assert_allclose(call.operands[1], np.broadcast_to(constant, 2))


def test_other_constants_stay_as_they_stand():
    call = _call(ops.maximum, [1.0, 2.0], 0.5)
    assert read_off(call, 1, np.array([0.0, 7.0])) is call


def test_a_function_that_refuses_the_constant_keeps_what_stands_in():
    call = _call(ops.set_at, [[1.0, 2.0], [3.0, 4.0]], 0.5, index=0)
    assert read_off(call, 1, np.array([[7.0, 7.0], [3.0, 4.0]])) is call


def test_near_allows_for_the_rounding_of_the_recorded_dtype():
    wide = _call(ops.exp, np.array([1.0, 2.0]))
    narrow = _call(ops.exp, np.array([1.0, 2.0], np.float32))
    assert near(narrow, narrow.y * (1 + 1e-5))
    assert not near(wide, wide.y * (1 + 1e-5))
    assert not near(narrow, narrow.y + 1.0)
