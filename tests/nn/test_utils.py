"""Clipped gradients in compiled steps, and what the functions of `nn.utils` and `nn.init` refuse."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError


@pytest.mark.parametrize(
    "clip", [lambda p: nn.utils.clip_grad_norm_(p, 0.01), lambda p: nn.utils.clip_grad_value_(p, 0.01)]
)
def test_a_compiled_step_clips_too(rng, clip):
    batches = [rng.standard_normal((4, 3), np.float32) for _ in range(5)]

    def trained(compiled):
        net = nn.Sequential(nn.Linear(3, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
        optimizer = optim.SGD(net.parameters(), lr=0.5)

        def step(x):
            optimizer.zero_grad()
            loss = ag.mean(net(x) ** 2)
            loss.backward()
            norm = clip(list(net.parameters()))
            optimizer.step()
            return loss if norm is None else loss.detach() + norm

        run = ag.compile(step) if compiled else step
        losses = [run(x).item() for x in batches]
        assert not compiled or run.plan is not None
        return losses, [p.tolist() for p in net.parameters()]

    assert trained(compiled=True) == trained(compiled=False)


def test_a_norm_that_is_not_finite_changes_nothing_where_it_is_refused():
    p = nn.Parameter([1.0, 2.0])
    p.grad = np.array([np.inf, 1.0])
    with pytest.raises(ArgumentError) as error:
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    assert str(error.value) == "clip_grad_norm_: the norm is not finite: expected a number, got inf"
    assert p.grad.tolist() == [np.inf, 1.0]
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0


@for_each(
    "call, kind, text",
    [
        (lambda: nn.utils.clip_grad_norm_([1.0], 1.0), OperandError,
         "clip_grad_norm_: parameters are not tensors: expected such as model.parameters(), got float"),
        (lambda: nn.utils.clip_grad_value_(3, 1.0), OperandError,
         "clip_grad_value_: parameters are not tensors: expected such as model.parameters(), got int"),
        (lambda: nn.utils.clip_grad_norm_([], -1.0), ArgumentError,
         "clip_grad_norm_: max_norm is out of range: expected a number of at least 0, got -1.0"),
        (lambda: nn.utils.parameters_to_vector([]), OperandError, "parameters_to_vector: parameters is empty"),
        (lambda: nn.utils.vector_to_parameters(np.ones(3), [nn.Parameter([1.0])]), ShapeError,
         "vector_to_parameters: vec has the wrong shape: expected (1,), got (3,)"),
        (lambda: nn.init.normal_((2, 3)), OperandError,
         ("normal_: not a tensor to fill: expected a Tensor, got tuple; nn.init.normal returns an array of a "
          "shape")),
        (lambda: nn.init.eye_(nn.Parameter([1.0])), ShapeError,
         "eye_: the tensor is not a matrix: expected (out, in), got (1,)"),
        (lambda: nn.init.dirac_(nn.Parameter([1.0])), ShapeError,
         "dirac_: the tensor does not hold filters: expected (F, C, K, ...), got (1,)"),
        (lambda: nn.init.dirac_(nn.Parameter(np.ones((3, 1, 1))), 2), ArgumentError,
         "dirac_: groups is out of range: expected a divisor of the 3 filters, got 2"),
        (lambda: nn.init.orthogonal_(nn.Parameter([1.0])), ShapeError,
         "orthogonal_: the tensor has too few axes: expected at least 2, got (1,)"),
        (lambda: nn.init.trunc_normal_(nn.Parameter([1.0]), a=1.0, b=1.0), ArgumentError,
         "trunc_normal_: the interval is empty: expected a < b, got 1.0, 1.0"),
        (lambda: nn.init.kaiming_normal_(nn.Parameter(np.ones((2, 2))), mode="fan"), ArgumentError,
         "kaiming_normal_: mode is unknown: expected 'fan_in' or 'fan_out', got 'fan'"),
        (lambda: nn.init.calculate_gain("gelu"), ArgumentError,
         ("calculate_gain: nonlinearity is unknown: expected 'linear', 'conv1d', 'conv2d', 'conv3d', "
          "'conv_transpose1d', 'conv_transpose2d', 'sigmoid', 'tanh', 'relu', 'selu' or 'leaky_relu', got 'gelu'")),
    ],
)  # fmt: skip
def test_what_is_refused(call, kind, text):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == text
