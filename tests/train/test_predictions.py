import numpy as np
import pytest
from tables import for_each

from autograd_cnn import nn
from autograd_cnn.data import Split
from autograd_cnn.errors import OperandError
from autograd_cnn.train import Confusion, confusion, predict


class Brightest(nn.Module):
    """Takes an image for the class of its brightest pixel."""

    def forward(self, x):
        return x.reshape(len(x), -1) * 50


def test_probabilities(rng):
    images = rng.random((7, 1, 1, 4), np.float32)
    model = nn.Sequential(nn.Dropout(0.5, rng=0), Brightest())
    shares = predict(model, images, batch_size=3)
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.array_equal(shares.argmax(axis=1), images.reshape(7, 4).argmax(axis=1))
    assert model.training
    assert shares.dtype == np.float32
    assert np.array_equal(predict(model, images), shares)
    assert np.array_equal(predict(model, list(images)), shares)


@for_each("call, told", [
    (lambda images: predict(nn.lenet5, images),
     "predict: model is not a Module: expected a network, such as nn.lenet5(), got the function lenet5"),
    (lambda images: predict(Brightest(), (image for image in images)),
     "predict: images are not an array: expected one whose first axis counts the examples, got generator"),
    (lambda images: predict(Brightest(), Split(images, np.zeros(3, int))),
     "predict: images are not an array: expected one whose first axis counts the examples, got Split; pass its .images"),
    (lambda images: confusion(Brightest(), images, ("a", "b")),
     "confusion: split is not a Split: expected data.Split(images, labels), got ndarray"),
])  # fmt: skip
def test_what_can_not_be_predicted(rng, call, told):
    with pytest.raises(OperandError) as error:
        call(rng.random((3, 1, 1, 4), np.float32))
    assert str(error.value) == told


def test_each_image_is_counted_where_it_belongs(rng):
    images, labels = rng.random((50, 1, 1, 3), np.float32), rng.integers(0, 3, 50)
    result = confusion(Brightest(), Split(images, labels), ("a", "b", "c"))
    expected = np.zeros((3, 3), int)
    for image, label in zip(images, labels, strict=True):
        expected[label, image.argmax()] += 1
    assert np.array_equal(result.counts, expected)
    assert result.accuracy == np.mean(images.reshape(50, 3).argmax(axis=1) == labels)


def test_a_class_that_was_never_seen():
    result = Confusion(np.array([[2, 0], [0, 0]]), ("a", "b"))
    assert result.recall[0] == 1
    assert all(np.isnan(values[1]) for values in (result.recall, result.precision, result.f1))
    assert np.isnan(Confusion(np.zeros((1, 1), int), ("a",)).accuracy)


def test_recall_precision_and_f1_by_their_definitions(rng):
    counts = rng.integers(1, 9, (4, 4))
    result = Confusion(counts, tuple("abcd"))
    for label in range(4):
        hits = counts[label, label]
        recall, precision = hits / counts[label].sum(), hits / counts[:, label].sum()
        assert np.isclose(result.recall[label], recall)
        assert np.isclose(result.precision[label], precision)
        assert np.isclose(result.f1[label], 2 * precision * recall / (precision + recall))
