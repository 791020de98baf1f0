"""Functions of a user's that run with the calls of a module."""

import copy
import pickle

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import CompileWarning, OperandError


def test_hooks_see_and_replace_inputs_and_output():
    layer, seen = nn.ReLU(), []
    first = layer.register_forward_pre_hook(lambda module, inputs: inputs[0] - 1)
    second = layer.register_forward_hook(
        lambda module, inputs, output: seen.append((inputs[0].tolist(), output.tolist()))
    )
    third = layer.register_forward_hook(lambda module, inputs, output: output * 10)
    x = np.array([0.5, 3.0])
    assert layer(x).tolist() == [0.0, 20.0]
    assert seen == [([-0.5, 2.0], [0.0, 2.0])]
    assert layer.has_hooks()
    for handle in (first, second, third, third):
        handle.remove()
    assert not layer.has_hooks()
    assert layer(x).tolist() == [0.5, 3.0]


def test_backward_hooks_are_told_of_one_call_alone():
    """The module's input has another consumer, and the module is called twice."""
    layer, seen = nn.Linear(2, 1, rng=0, dtype=float), []
    layer.register_full_backward_hook(lambda module, given, asked: seen.append((given[0].tolist(), asked[0].tolist())))
    x = ag.tensor([[1.0, 2.0]], requires_grad=True)
    (layer(x) * 3 + layer(x * 2).sum() + x.sum()).sum().backward()
    w = layer.weight.numpy()
    assert seen == [((2 * w / 2).tolist(), [[1.0]]), ((3 * w).tolist(), [[3.0]])]
    np.testing.assert_allclose(x.grad.numpy(), 5 * w + 1)


def test_backward_hooks_replace_the_gradient_of_the_input():
    layer = nn.Tanh()
    layer.register_full_backward_hook(lambda module, given, asked: (asked[0] * 7,))
    x = ag.tensor([0.5], requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [7.0]


def test_an_input_that_wants_no_gradient_is_none():
    layer, seen = nn.Linear(2, 1, rng=0), []
    layer.register_full_backward_hook(lambda module, given, asked: seen.append((given, asked[0].tolist())))
    layer(np.ones((1, 2), np.float32)).sum().backward()
    assert seen == [((None,), [[1.0]])]
    with ag.no_grad():
        layer(np.ones((1, 2), np.float32))
    assert len(seen) == 1


def test_a_copy_has_no_hooks():
    layer = nn.Sequential(nn.ReLU())
    layer[0].register_forward_hook(lambda module, inputs, output: output + 1)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), copy.copy(layer[0])):  # noqa: S301  # our own
        assert not other.has_hooks()
        assert other(np.ones(1)).tolist() == [1.0]
    assert layer(np.ones(1)).tolist() == [2.0]


def test_hooks_run_beside_plans_and_fusion():
    net, seen = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), []
    net[0].register_forward_hook(lambda module, inputs, output: seen.append(output))
    compiled = ag.compile(nn.fuse(net))
    x = np.ones((1, 2, 2))
    with pytest.warns(CompileWarning, match="a hook of ReLU runs"):
        compiled(x)
    compiled(x)
    compiled(x)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: nn.ReLU().register_forward_hook(3), "ReLU: a hook is not a function: expected a function, got int"),
        (lambda: _hooked(nn.LSTM(2, 2, rng=0))(ag.tensor(np.ones((3, 1, 2), np.float32))),
         "LSTM: a backward hook is for one output: expected a Tensor, got tuple"),
    ],
)  # fmt: skip
def test_what_is_refused(call, text):
    with pytest.raises(OperandError) as error:
        call()
    assert str(error.value) == text


def _hooked(module):
    module.register_full_backward_hook(print)
    return module
