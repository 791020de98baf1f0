import numpy as np
import pytest

from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError, OperandError


def test_what_is_shared_is_averaged_once():
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1))
    net[1].weight = net[0].weight
    average = optim.AveragedModel(net, avg_fn=optim.get_ema_avg_fn(0.5))
    first = net[0].weight.numpy()
    average.update_parameters(net)
    net[0].weight.data = first + 2
    average.update_parameters(net)
    np.testing.assert_allclose(average.module[1].weight.numpy(), first + 1, rtol=1e-6)
    assert average.module[1].weight is average.module[0].weight
    assert int(average.n_averaged) == 2


def test_a_network_of_another_form_is_refused():
    average = optim.AveragedModel(nn.Linear(2, 1))
    with pytest.raises(ArgumentError) as error:
        average.update_parameters(nn.Linear(2, 1, bias=False))
    assert str(error.value) == (
        "update_parameters: the model is not like the one that was copied: expected ['weight', 'bias'], got ['weight']"
    )
    with pytest.raises(OperandError) as no_module:
        optim.AveragedModel([])
    assert str(no_module.value) == "AveragedModel: model is not a module: expected a Module, got list"


def test_statistics_are_computed_anew_and_nothing_else_is_changed(rng):
    net = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(0.5)).eval()
    net[0].train()
    batches = rng.standard_normal((3, 4, 2, 2, 2))
    optim.update_bn(((batch, None) for batch in batches), net)
    np.testing.assert_allclose(net[0].running_mean, batches.mean((0, 1, 3, 4)), rtol=1e-5, atol=1e-7)
    assert ([module.training for module in net.modules()], net[0].momentum) == ([False, True, False], 0.1)
    optim.update_bn([1], nn.Linear(1, 1))  # without any, nothing is looked at
