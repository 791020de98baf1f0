"""Arrays of other libraries are taken wherever NumPy can read them, and refused where they are not what is asked for."""

import numpy as np
import pytest
from foreign import Foreign
from numpy_calls import CALLS

import autograd_cnn as ag
import autograd_cnn.testing.samples  # they add themselves
from autograd_cnn import nn, optim, train
from autograd_cnn.engine.primitive import REGISTRY
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.testing.case import SAMPLES

OURS = {name: primitive for name, primitive in REGISTRY.items() if primitive in SAMPLES}


def _same(found, expected):
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            _same(one, other)
    else:
        np.testing.assert_array_equal(getattr(found, "value", found), getattr(expected, "value", expected), strict=True)


@pytest.mark.filterwarnings("ignore:overflow|divide|invalid|underflow:RuntimeWarning")
def test_primitives(subtests):
    for name, primitive in OURS.items():
        with subtests.test(name):
            for case in SAMPLES[primitive]:
                foreign = [Foreign(x) if isinstance(x, np.ndarray) else x for x in case.arrays]
                _same(primitive(*foreign, **case.params), primitive(*case.arrays, **case.params))


@pytest.mark.filterwarnings("ignore")
def test_functions_that_numpy_has(subtests):
    for name, calls in CALLS.items():
        function = getattr(ag, name, None)
        for call in calls if callable(function) else ():
            try:
                expected = call.on(function, np.asarray)
            except (ArgumentError, OperandError):  # it is NumPy's function that takes this
                continue
            with subtests.test(name, call=call):
                _same(call.on(function, Foreign), expected)


def test_indices():
    t = ag.tensor([[1.0, 2.0], [3.0, 4.0]])
    for index in ([1, 0], [True, False], 1):
        _same(t[Foreign(index)], t[np.array(index)])
    _same(t[:, Foreign([True, False])], t[:, [0]])


@pytest.mark.parametrize("wrap", [ag.compile, lambda f: f], ids=["compiled", "plain"])
def test_training(wrap, rng):
    images, labels = rng.random((4, 1, 8, 8), dtype=np.float32), np.array([0, 3, 1, 9])

    def losses(taken):
        model = nn.digits_net(rng=0)
        optimizer = optim.SGD(model.parameters(), lr=0.1)

        @wrap
        def step(x, y):
            optimizer.zero_grad()
            loss = nn.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return [step(taken(images), taken(labels)).item() for _ in range(4)]

    assert losses(Foreign) == losses(np.asarray)
    model = nn.digits_net(rng=0)
    _same(train.predict(model, Foreign(images)), train.predict(model, images))
