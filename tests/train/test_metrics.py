import math

import numpy as np
import pytest

from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.train import Confusion, Metrics, top_k


def test_loss_is_the_mean_over_the_examples_and_accuracy_the_share_that_is_right():
    metrics = Metrics()
    metrics.update(1.0, np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    metrics.update(4.0, np.array([[0.1, 0.9]]), np.array([1]))
    assert (metrics.count, metrics.correct, metrics.loss, metrics.accuracy) == (3, 2, 2.0, 2 / 3)
    assert metrics.seconds > 0


def test_of_nothing_there_is_no_mean():
    assert math.isnan(Metrics().loss)
    assert math.isnan(Metrics().accuracy)


def test_shares_of_classes_count_by_the_largest():
    metrics = Metrics()
    metrics.update(1.0, np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([[0.4, 0.6], [0.3, 0.7]]))
    assert metrics.accuracy == 0.5


def test_top_k():
    scores, labels = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.2, 0.5, 0.3]]), np.array([1, 2, 1])
    assert [top_k(scores, labels, k) for k in (1, 2, 3, 9)] == [1 / 3, 2 / 3, 1, 1]
    assert math.isnan(top_k(scores[:0], labels[:0]))
    with pytest.raises(ShapeError) as error:
        top_k(scores[0], labels)
    assert (
        str(error.value) == "top_k: scores and labels do not go together: expected (N, K) and (N,), got (3,) and (3,)"
    )
    with pytest.raises(ArgumentError) as error:
        top_k(scores, labels, 0)
    assert str(error.value) == "top_k: k is out of range: expected an int of at least 1, got 0"


def test_intersection_over_union_of_maps():
    labels, seen = np.array([[[0, 0], [1, 1]]]), np.array([[[0, 1], [1, 1]]])
    assert Confusion.of(labels, seen, ("a", "b", "c")).iou[:2].tolist() == [1 / 2, 2 / 3]
