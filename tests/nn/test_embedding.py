"""Rows by index: padding, gradients, and errors."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.nn.functional import embedding


def test_rows_are_added_up_where_an_index_occurs_again():
    net = nn.Embedding(4, 2, rng=0)
    y = net([[1, 3], [1, 0]])
    np.testing.assert_array_equal(y.numpy(), net.weight.numpy()[[[1, 3], [1, 0]]])
    y.sum().backward()
    np.testing.assert_array_equal(net.weight.grad.numpy(), [[1, 1], [2, 2], [0, 0], [1, 1]])


def test_the_padding_starts_as_zeros_and_does_not_learn():
    net = nn.Embedding(4, 2, padding_idx=-1, rng=0)
    assert net.padding_idx == 3
    assert not net.weight.numpy()[3].any()
    net.load_state_dict({"weight": np.ones((4, 2))})
    y = net([3, 1, 3])
    np.testing.assert_array_equal(y.numpy(), np.ones((3, 2)))  # what is loaded counts
    (y * y).sum().backward()
    np.testing.assert_array_equal(net.weight.grad.numpy(), [[0, 0], [2, 2], [0, 0], [0, 0]])


def test_derivatives_of_the_second_order():
    """Where no index is the padding's: its row moves what differences see."""
    ag.testing.gradcheck(lambda w: embedding([2, 1, 2], w, padding_idx=0) ** 3, [np.ones((3, 2)) + np.eye(3, 2)], 2)


def test_a_recorded_step_sees_new_indices():
    net = nn.Embedding(5, 2, padding_idx=0, rng=0)

    @ag.compile
    def step(indices):
        net.zero_grad()
        loss = net(indices).sum()
        loss.backward()
        return loss

    for indices in ([0, 1], [2, 3], [4, 0]):
        assert float(step(np.array(indices))) == pytest.approx(float(net.weight.numpy()[indices].sum()))
        np.testing.assert_array_equal(net.weight.grad.numpy()[:, 0] != 0, [i in indices and i > 0 for i in range(5)])
    with pytest.raises(ArgumentError):
        step(np.array([0, 5]))


def test_the_line_it_shows_and_its_first_values():
    assert repr(nn.Embedding(50, 40, 1)) == "Embedding(50, 40, padding_idx=1): 2,000 parameters"
    assert nn.Embedding(50, 40, rng=0).weight.numpy().std() == pytest.approx(1, abs=0.05)


@for_each(
    "error, call, text",
    [
        (ArgumentError, lambda: nn.Embedding(3, 2)([1, 3]),
         "embedding: an index is out of range: expected 0 to 2, got 3"),
        (ArgumentError, lambda: nn.Embedding(3, 2)([-1]),
         "embedding: an index is out of range: expected 0 to 2, got -1"),
        (OperandError, lambda: nn.Embedding(3, 2)([1.0]),
         "embedding: input are not integers: expected an array of ints, got float64"),
        (ShapeError, lambda: embedding([0], np.ones(3)),
         "embedding: weight has the wrong shape: expected (V, D), got (3,)"),
        (ArgumentError, lambda: nn.Embedding(3, 2, 3),
         "Embedding: padding_idx is out of range: expected -3 to 2, got 3"),
    ],
)  # fmt: skip
def test_what_does_not_fit(error, call, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text
