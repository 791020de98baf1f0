"""Models whose neighbours run as one: the same values, parameters and names; nothing fused that is not known."""

import copy
import pickle

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.engine.backward import toposort
from autograd_cnn.errors import OperandError


def _run(model, x):
    y = model(x)
    return y, [node.primitive.name for node in reversed(toposort(y.node)) if node.primitive is not None]


def _images():
    return ag.tensor(np.linspace(-2, 2, 32).reshape(1, 2, 4, 4), requires_grad=True)


@pytest.mark.parametrize(
    ("layers", "run"),
    [
        ([nn.ReLU(), nn.MaxPool2d(2)], ["relu_max_pool"]),
        ([nn.MaxPool2d(2), nn.ReLU()], ["relu_max_pool"]),
        ([nn.ReLU(), nn.MaxPool2d(2), nn.MaxPool2d(1)], ["relu_max_pool", "max_pool"]),
        ([nn.MaxPool2d(2), nn.MaxPool2d(1), nn.ReLU()], ["max_pool", "relu_max_pool"]),
        ([nn.ReLU(), nn.ReLU(), nn.MaxPool2d(2)], ["relu", "relu_max_pool"]),
        ([nn.ReLU(), nn.MaxPool2d(2), nn.ReLU()], ["relu_max_pool", "relu"]),
        ([nn.ReLU(), nn.MeanPool2d(2), nn.MaxPool2d(2)], ["relu", "mean_pool", "max_pool"]),
        ([nn.LeakyReLU(), nn.MaxPool2d(2)], ["leaky_relu", "max_pool"]),
        ([nn.MaxPool2d(2, stride=1, padding=1, dilation=2, ceil_mode=True), nn.ReLU()], ["relu_max_pool"]),
    ],
)
def test_neighbours_run_as_one(layers, run):
    model, (x, z) = nn.Sequential(*layers), (_images(), _images())
    y, shown = _run(nn.fuse(model), x)
    assert shown == run
    expected = model(z)
    for each in (y, expected):
        each.backward(np.arange(1.0, y.size + 1).reshape(y.shape))
    np.testing.assert_array_equal(y.numpy(), expected.numpy())
    np.testing.assert_array_equal(x.grad.numpy(), z.grad.numpy())


def test_nothing_to_fuse_is_the_same_model():
    for model in (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.Linear(2, 2), nn.resnet20(rng=0)):
        assert nn.fuse(model) is model


def test_the_model_stays_as_it_is():
    model = nn.lenet5(rng=0)
    before = repr(model)
    fused = nn.fuse(model)
    assert repr(model) == before
    assert type(model) is nn.Sequential
    assert nn.fuse(fused)[0] is model[0]


def test_what_is_fused_shows():
    lines = repr(nn.fuse(nn.lenet5(rng=0))).splitlines()
    assert lines[0] == "FusedSequential(relu1 + pool1, relu2 + pool2): 44,426 parameters"
    assert lines[1:] == repr(nn.lenet5(rng=0)).splitlines()[1:]


@pytest.mark.parametrize("make", [nn.digits_net, nn.lenet5, lambda rng: nn.small_vgg(rng=rng, image_size=8)])
def test_parameters_are_shared_and_have_the_same_names(rng, make):
    model = make(rng=0)
    fused = nn.fuse(model)
    assert list(fused.state_dict()) == list(model.state_dict())
    assert all(p is q for p, q in zip(fused.parameters(), model.parameters(), strict=True))
    state = make(rng=1).state_dict()
    assert fused.load_state_dict(state) == ([], [])
    assert all(np.array_equal(model.state_dict()[name], value) for name, value in state.items())
    assert make(rng=2).load_state_dict(fused.state_dict()) == ([], [])


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])  # noqa: S301  # our own
def test_a_copy_is_fused_and_has_parameters_of_its_own(again):
    fused = nn.fuse(nn.digits_net(rng=0))
    other = again(fused)
    x = np.random.default_rng(0).random((2, 1, 8, 8), np.float32)
    assert np.array_equal(other(x).numpy(), fused(x).numpy())
    assert "relu_max_pool" in _run(other, x)[1]
    assert next(other.parameters()) is not next(fused.parameters())


def test_training_and_evaluation_reach_the_layers_of_both():
    model = nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5, rng=0))
    fused = nn.fuse(model)
    fused(_images())
    assert model[0].num_batches_tracked == 1
    fused.eval()
    assert not model[0].training
    assert np.array_equal(fused(_images()).numpy(), model.eval()(_images()).numpy())


class Net(nn.Module):
    def __init__(self):
        self.features = nn.Sequential(nn.Conv2d(2, 2, 1, rng=0), nn.ReLU(), nn.MaxPool2d(2))
        self.blocks = nn.ModuleList([nn.Sequential(nn.ReLU(), nn.MaxPool2d(1)), self.features])

    def forward(self, x):
        return self.blocks[0](self.features(x))


def test_at_any_depth_and_in_modules_of_ones_own():
    net = Net()
    fused = nn.fuse(nn.Sequential(net))
    y, shown = _run(fused, _images())  # the list came last, and gave the layers their path
    assert shown == ["astype", "correlate2d", "relu_max_pool", "relu_max_pool"]
    assert np.array_equal(y.numpy(), net(_images()).numpy())
    assert fused[0].blocks[1] is fused[0].features
    assert list(fused[0].state_dict()) == list(net.state_dict())
    assert {node.scope.path for node in toposort(y.node) if node.primitive is not None} == {
        "0.blocks.1.0", "0.blocks.1.1 + 2", "0.blocks.0.0 + 1"
    }  # fmt: skip


def test_a_module_replaced_later_is_not_forgotten():
    fused = nn.fuse(nn.Sequential({"act": nn.ReLU(), "pool": nn.MaxPool2d(2)}))
    fused.act = nn.Tanh()
    assert _run(fused, _images())[1] == ["tanh", "max_pool"]


class Loud(nn.ReLU):
    def forward(self, x):
        return super().forward(x) * 2


class Backwards(nn.Sequential):
    def forward(self, x):
        for module in reversed(list(self.children())):
            x = module(x)
        return x


class Counting(nn.Module):
    def __init__(self):
        self.layers = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))
        self.register_buffer("calls", 0)

    def forward(self, x):
        self.calls = self.calls + 1
        return self.layers(x)


def test_what_is_not_known_is_left_alone():
    patched = nn.ReLU()
    patched.forward = lambda x: x * 2
    for model in (
        nn.Sequential(Loud(), nn.MaxPool2d(2)),
        nn.Sequential(patched, nn.MaxPool2d(2)),
        Backwards(nn.ReLU(), nn.MaxPool2d(2)),
        Counting(),
    ):
        assert nn.fuse(model) is model


def test_what_is_no_module():
    with pytest.raises(OperandError) as error:
        nn.fuse([nn.ReLU()])
    assert str(error.value) == "fuse: model is not a module: expected a Module, got list"
