import numpy as np
import pytest
from tables import for_each

from autograd_cnn.testing.draw import Draw, broadcasting, elementwise


@for_each("kind", ["normal", "positive", "spaced", "off_grid"])
@for_each("shape", [(3, 4), (5,), (), (0, 3)])
def test_shape_and_dtype(kind, shape):
    drawn = getattr(Draw("softmax"), kind)(*shape)
    assert (drawn.shape, drawn.dtype, type(drawn)) == (shape, np.float64, np.ndarray)


def test_a_family_draws_the_same_each_time_and_unlike_the_others():
    one, again, other = (Draw(family).normal(4) for family in ("loss", "loss", "pooling"))
    np.testing.assert_array_equal(one, again)
    assert not np.isin(one, other).any()


def test_positive():
    drawn = Draw("loss").positive(1000)
    assert 0.5 <= drawn.min() < 0.6
    assert 1.9 < drawn.max() < 2


def test_spaced_and_off_grid_never_tie():
    draw = Draw("selection")
    spaced, off_grid = draw.spaced(5, 20), draw.off_grid(5, 20)
    assert np.diff(np.sort(spaced, axis=None)) == pytest.approx(0.25)
    assert np.abs(spaced).min() == pytest.approx(0.1)
    assert np.abs(spaced[..., None] - off_grid.ravel()).min() > 0.09
    assert list(spaced.ravel()) != sorted(spaced.ravel())


def test_elementwise_calls():
    cases = list(elementwise(Draw("activation").normal, alpha=0.5))
    assert [case.arrays[0].shape for case in cases] == [(3, 4), (), (1,), (0, 3)]
    assert all(case.params == {"alpha": 0.5} for case in cases)


def test_broadcasting_calls():
    draw = Draw("elementwise")
    for case in broadcasting(draw.normal, draw.positive):
        np.broadcast_shapes(*(a.shape for a in case.arrays))
        assert (case.arrays[1] >= 0.5).all()
