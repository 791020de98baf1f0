"""What a compiled function reads by name may change: the next call sees it."""

import collections
import functools
import types
import warnings

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import CompileWarning

SCALE = 2.0
SETTINGS = types.ModuleType("a_module")  # before ours in the alphabet


class _Box:
    factor = 1.0

    def __init__(self, **attributes):
        vars(self).update(attributes)

    def method(self, x):
        return ag.sum(x * self.scale * self.factor)

    def __call__(self, x):
        return ag.sum(x * self.scale) * self.factor


class _Slot:
    __slots__ = ("scale",)


class _Derived:
    def __init__(self, box):
        self.box = box

    @property
    def twice(self):
        return self.box.scale * 2

    @staticmethod
    def shifted(x):
        return x + SCALE


class _Layer(nn.Module):
    def forward(self, x):
        return ag.sum(x) * SCALE


def _wrapped(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def _set_global(value):
    global SCALE  # noqa: PLW0603  # what the test is about
    SCALE = value


def _global_in_a_helper():
    _set_global(2.0)
    return lambda x: ag.sum(_Derived.shifted(x)), lambda: _set_global(5.0)


def _global_in_a_layer():
    _set_global(2.0)
    return nn.Sequential(_Layer()), lambda: _set_global(5.0)


def _nonlocal():
    scale = 2.0

    def change():
        nonlocal scale
        scale = 5.0

    return lambda x: ag.sum(x * scale), change


def _array():
    shift = np.array([1.0, 2.0, 3.0])
    return lambda x: ag.sum(x - ag.tensor(shift)), lambda: shift.__setitem__(1, 7.0)


def _strided_array():
    shift = np.arange(6.0)[::2]
    return lambda x: ag.sum(x - ag.tensor(shift)), lambda: shift.__setitem__(1, 7.0)


def _smaller_numbers_in_a_strided_array():
    shift = np.arange(6.0)[::2]
    return lambda x: ag.sum(x - ag.tensor(shift)), lambda: shift.__setitem__(1, -7.0)


def _resized(*lengths):
    """Return a case of an array whose shape changes in place, while its numbers stay."""

    def case():
        shift = np.zeros(lengths[0])
        return lambda x: ag.sum(x) + shift.ndim, lambda: shift.resize(lengths[1], refcheck=False)

    return case


def _not_assigned_yet():
    def function(x):
        return ag.sum(x * late) if changed else ag.sum(x)

    def change():
        nonlocal changed, late
        changed, late = True, 3.0

    changed = False
    if changed:  # so that there is such a name
        late = 1.0
    return function, change


def _read_only_view():
    shift = np.array([1.0, 2.0, 3.0])
    view = shift[:]
    view.flags.writeable = False
    return lambda x: ag.sum(x - ag.tensor(view)), lambda: shift.__setitem__(1, 7.0)


def _array_of_objects():
    factors = np.array([1.0, 2.0], object)
    return lambda x: ag.sum(x * factors[1]), lambda: factors.__setitem__(1, 5.0)


def _containers():
    config = {"scales": [1.0, (2.0, [3.0])]}
    return lambda x: ag.sum(x * config["scales"][1][1][0]), lambda: config["scales"][1][1].append(
        config["scales"][1][1].pop() + 1
    )


def _longer_list():
    scales = [2.0]
    return lambda x: ag.sum(x * sum(scales)), lambda: scales.append(3.0)


def _shorter_list():
    scales = [2.0, 3.0]
    return lambda x: ag.sum(x * sum(scales)), scales.pop


def _attributes():
    config = _Box(inner=_Box(scale=2.0))
    return lambda x: ag.sum(x * config.inner.scale), lambda: setattr(config.inner, "scale", 5.0)


def _class_attribute():
    _Box.factor, box = 1.0, _Box(scale=2.0)
    return box.method, lambda: setattr(_Box, "factor", 5.0)


def _shadowed_class_attribute():
    _Box.factor, box = 1.0, _Box(scale=2.0)
    return box, lambda: setattr(box, "factor", 5.0)


def _slot():
    slot = _Slot()
    slot.scale = 2.0
    return lambda x: ag.sum(x * slot.scale), lambda: setattr(slot, "scale", 0.5)


def _property():
    derived = _Derived(_Box(scale=2.0))
    return lambda x: ag.sum(x * derived.twice), lambda: setattr(derived.box, "scale", 5.0)


def _module():
    SETTINGS.scale = 2.0
    return lambda x: ag.sum(x * SETTINGS.scale), lambda: setattr(SETTINGS, "scale", 5.0)


def _partial():
    options = {"scale": 2.0}
    return functools.partial(lambda o, x: ag.sum(x * o["scale"]), options), lambda: options.update(scale=5.0)


def _default():
    def function(x, *, box=_Box(scale=2.0)):  # noqa: B008  # the test's own
        return ag.sum(x * box.scale)

    return function, lambda: setattr(function.__kwdefaults__["box"], "scale", 5.0)


def _decorated():
    scales = [2.0]
    return _wrapped(lambda x: ag.sum(x * scales[0])), lambda: scales.__setitem__(0, 5.0)


def _argument():
    box = _Box(scale=2.0)
    return functools.partial(lambda x, box: ag.sum(x * box.scale), box=box), lambda: setattr(box, "scale", 5.0)


def _tensors():
    tensors = [ag.tensor([1.0, 2.0, 3.0])]
    return lambda x: ag.sum(x * tensors[0]), lambda: tensors.__setitem__(0, ag.tensor(np.ones(3)))


def _model():
    models = {"net": nn.Linear(3, 2, rng=0)}
    return lambda x: models["net"](x).detach(), lambda: models.update(net=nn.Linear(3, 2, rng=1))


class _Parent:
    def __init__(self, scale):
        self.scale = scale

    def total(self, x):
        return ag.sum(x * self.scale)


class _Child(_Parent):
    def total(self, x):
        return super().total(x) + 1


class _ChildLayer(_Layer):
    def forward(self, x):
        return super().forward(x) + 1


class _Operators(_Box):
    def __getitem__(self, index):
        return self.scale + index

    def __mul__(self, other):
        return other * self.scale

    def __float__(self):
        return float(self.scale)

    def __len__(self):
        return int(self.scale)


def _method_of_the_parent():
    child = _Child(2.0)
    return child.total, lambda: setattr(child, "scale", 5.0)


def _layer_of_the_parent():
    _set_global(2.0)
    return _ChildLayer(), lambda: _set_global(5.0)


def _forward_of_the_class():
    class Layer(nn.Module):
        def forward(self, x):
            return ag.sum(x)

    return Layer(), lambda: setattr(Layer, "forward", lambda self, x: ag.sum(x * 2))


def _getattr():
    box = _Box(scale=2.0)
    return lambda x: ag.sum(x * getattr(box, "scale")), lambda: setattr(box, "scale", 5.0)  # noqa: B009  # as users do


def _vars():
    box = _Box(scale=2.0)
    return lambda x: ag.sum(x * vars(box)["scale"]), lambda: setattr(box, "scale", 5.0)


def _by(read, container=None):
    """Return a case of an object that is read by an operator, or of a container of the standard library."""

    def case():
        held = _Operators(scale=2.0) if container is None else container()
        change = (lambda: setattr(held, "scale", 5.0)) if container is None else (lambda: held.__setitem__(0, 5.0))
        return (lambda x: ag.sum(x * 1.0) * read(held)), change

    return case


def _proxy():
    scales = {0: 2.0}
    proxy = types.MappingProxyType(scales)
    return lambda x: ag.sum(x * proxy[0]), lambda: scales.update({0: 5.0})


CHANGES = [
    _method_of_the_parent, _layer_of_the_parent, _forward_of_the_class, _getattr, _vars, _proxy,
    _by(lambda held: held[0]), _by(lambda held: (held * 1.0)), _by(float), _by(len),
    _by(lambda held: held[0], lambda: collections.defaultdict(float, {0: 2.0})),
    _by(lambda held: held[0], lambda: collections.OrderedDict({0: 2.0})),
    _by(lambda held: held[0], lambda: collections.Counter({0: 2.0})),
    _by(lambda held: held[0], lambda: collections.deque([2.0])),
    _by(lambda held: held[0], lambda: collections.UserDict({0: 2.0})),
    _by(lambda held: held[0], lambda: collections.UserList([2.0])),
    _global_in_a_helper, _global_in_a_layer, _nonlocal, _array, _strided_array, _smaller_numbers_in_a_strided_array,
    _resized((2, 2), (4,)), _resized((4,), (2, 2)), _not_assigned_yet, _read_only_view, _array_of_objects, _containers,
    _longer_list, _shorter_list, _attributes, _class_attribute, _shadowed_class_attribute, _slot, _property, _module, _partial, _default, _decorated, _argument,
    _tensors, _model,
]  # fmt: skip


@for_each("make", CHANGES, ids=[f"{i} {make.__name__}" for i, make in enumerate(CHANGES)])
def test_what_a_function_reads_by_name_may_change(make):
    x = np.array([1.0, 2.0, 4.0], np.float32)
    function, change = make()
    compiled = ag.compile(function)
    for _ in range(4):
        before = compiled(x).numpy()
    assert compiled.plan is not None, compiled.reason
    np.testing.assert_array_equal(before, function(ag.tensor(x)).numpy())
    change()
    after = [compiled(x).numpy() for _ in range(4)]
    assert compiled.plan is not None, compiled.reason
    np.testing.assert_array_equal(after, [function(ag.tensor(x)).numpy()] * 4)
    assert not np.array_equal(before, after[0])


def test_a_plan_is_there_again_when_a_name_is_what_it_was():
    box, x = _Box(scale=1.0), np.ones(3)
    compiled = ag.compile(lambda x: ag.sum(x * box.scale))
    for scale in (1.0, 1.0, 2.0, 2.0):
        box.scale = scale
        compiled(x)
    for scale in (1.0, 2.0):
        box.scale = float(str(scale))  # equal, but another object
        assert compiled(x).item() == 3 * scale
        assert compiled.plan is not None


def test_what_only_has_the_name_of_an_attribute_is_not_read(monkeypatch):
    model = nn.Linear(3, 2, rng=0)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @ag.compile
    def train(x):
        optimizer.zero_grad()
        loss = ag.mean(model(x) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    for step in range(5):
        monkeypatch.setitem(globals(), "step", step)  # as in a script's loop
        train(np.ones((2, 3), np.float32))
    assert train.plan is not None


def test_statistics_that_a_method_names_are_read_in_each_run(rng):
    norm = nn.BatchNorm2d(2)
    step = ag.compile(ag.no_grad()(norm.forward))
    for _ in range(5):
        step(rng.random((4, 2, 3, 3), dtype=np.float32))
    assert step.plan is not None


def test_what_changes_in_every_call_is_said_in_the_end():
    box = _Box(scale=0.0)
    compiled = ag.compile(lambda x: ag.sum(x * box.scale))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(20):
            box.scale = float(i)
            assert compiled(np.ones(3)).item() == 3 * i
    assert [warning.category for warning in caught] == [CompileWarning]
    assert str(caught[0].message) == (
        "compile: <lambda> runs as it is: it was recorded 16 times, since what it reads keeps changing; "
        "pass that as an array"
    )


@pytest.mark.parametrize("toggled", [True, False])
def test_a_turn_in_eval_mode_leaves_the_plan_of_training(toggled):
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(0.5, rng=1))
    step = ag.compile(ag.no_grad()(model))
    for _ in range(3):
        step(np.ones((2, 3), np.float32))
    if toggled:
        model.eval()
        step(np.ones((2, 3), np.float32))
        model.train()
    step(np.ones((2, 3), np.float32))
    assert step.plan is not None
