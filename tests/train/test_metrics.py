import math

import numpy as np

from autograd_cnn.train import Metrics


def test_loss_is_the_mean_over_the_examples_and_accuracy_the_share_that_is_right():
    metrics = Metrics()
    metrics.update(1.0, np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    metrics.update(4.0, np.array([[0.1, 0.9]]), np.array([1]))
    assert (metrics.count, metrics.correct, metrics.loss, metrics.accuracy) == (3, 2, 2.0, 2 / 3)
    assert metrics.seconds > 0


def test_of_nothing_there_is_no_mean():
    assert math.isnan(Metrics().loss)
    assert math.isnan(Metrics().accuracy)
