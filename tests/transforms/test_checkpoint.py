"""Checkpoints: the same gradients, with less saved."""

import gc
import weakref

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.engine.backward import cotangents_of, gradients, toposort
from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import GradientError, OperandError


def _leaf(values=(0.5, 1.0, 2.0), **options):
    return ag.tensor(values, requires_grad=True, **options)


def _layer(x, w):
    return ag.tanh(ag.sin(x) * w + x**2)


def _saved_bytes(output):
    """Return how many bytes the graph holds on to, each array once."""
    arrays = {
        id(value): value.nbytes
        for node in toposort(output.node)
        for value in (node.saved or {}).values()
        if isinstance(value, np.ndarray)
    }
    return sum(arrays.values())


def test_values_and_gradients_are_those_without(rng):
    a, b = rng.standard_normal((2, 4))
    results = []
    for layer in (_layer, ag.checkpoint(_layer)):
        x, w = _leaf(a), _leaf(b)
        y = layer(layer(x, w), w).sum()
        y.backward()
        results.append((y.data, x.grad.data, w.grad.data))
    for plain, checkpointed in zip(*results, strict=True):
        np.testing.assert_array_equal(plain, checkpointed)


def test_it_is_one_node_on_the_tape():
    x, w = _leaf(), _leaf()
    y = ag.checkpoint(_layer)(x, w)
    assert y.node.primitive.name == "checkpoint"
    assert set(y.node.parents) == {x.node, w.node}
    assert repr(y) == f"{repr(y.detach())[:-1]}, op=checkpoint)"


def test_what_the_function_closes_over_gets_its_gradient():
    w, x = _leaf(), _leaf()
    hidden = w * 2.0
    ag.checkpoint(lambda x: ag.exp(x) * hidden)(x).sum().backward()
    np.testing.assert_allclose(w.grad.data, 2 * np.exp(x.data))
    np.testing.assert_allclose(x.grad.data, 2 * np.exp(x.data) * w.data)


def test_a_closure_alone_is_enough():
    w = _leaf()
    ag.checkpoint(lambda: ag.exp(w))().sum().backward()
    np.testing.assert_allclose(w.grad.data, np.exp(w.data))


def test_checkpoints_nest():
    inner = ag.checkpoint(ag.sin)
    x = _leaf()
    outer = ag.checkpoint(lambda x: inner(inner(x) * x) * x)
    outer(x).sum().backward()
    plain = _leaf()
    (ag.sin(ag.sin(plain) * plain) * plain).sum().backward()
    np.testing.assert_array_equal(x.grad.data, plain.grad.data)


def test_derivatives_of_three_orders(rng):
    x = rng.standard_normal(3)
    w = rng.standard_normal(3)
    assert ag.testing.gradcheck(ag.checkpoint(_layer), [x, w], order=3)
    nested = ag.checkpoint(lambda x: ag.checkpoint(ag.sin)(x * x) * x)
    assert ag.testing.gradcheck(nested, [x], order=2)


def test_second_derivatives_of_chained_checkpoints():
    x = _leaf()
    f = ag.checkpoint(lambda v: ag.exp(ag.sin(v)))
    g = gradients(f(f(x)).sum(), [x], create_graph=True)[0]
    again = gradients(g.sum(), [x])[0]
    plain = ag.hessian(lambda v: ag.sum(ag.exp(ag.sin(ag.exp(ag.sin(v))))))(x.data)
    np.testing.assert_allclose(again, np.diag(plain), rtol=1e-12)


def test_a_chain_of_checkpoints_saves_fewer_bytes():
    def run(step):
        x = _leaf(np.linspace(0.1, 1.0, 1000))
        y = x
        for _ in range(10):
            y = step(y)
        return y.sum()

    def step(y):
        for _ in range(10):
            y = ag.sin(y) * y
        return y

    plain, checkpointed = run(step), run(ag.checkpoint(step))
    assert _saved_bytes(plain) > 100 * 8000
    assert _saved_bytes(checkpointed) == 0  # the ten inputs are kept, and nothing in between
    assert len(toposort(plain.node)) == 202
    assert len(toposort(checkpointed.node)) == 12


def test_the_function_runs_once_more_in_the_backward_pass():
    runs = []
    x = _leaf()
    y = ag.checkpoint(lambda v: runs.append(1) or v * v)(x).sum()
    assert len(runs) == 1
    y.backward()
    assert len(runs) == 2


def test_a_border_gets_its_hooks_once():
    x = _leaf()
    a = x * 2.0
    seen = []
    a.register_hook(lambda g: seen.append(g.data))
    a.retain_grad()
    (ag.checkpoint(ag.square)(a) + a).sum().backward()
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0], 2 * a.data + 1)
    np.testing.assert_array_equal(a.grad.data, 2 * a.data + 1)


def test_only_what_is_asked_for_is_computed():
    x, w = _leaf(), _leaf()
    found = cotangents_of(ag.checkpoint(_layer)(x, w).sum(), {w.node}, where="here")
    assert set(found) == {w.node}


def test_constants_are_not_recorded():
    assert ag.checkpoint(ag.sin)(ag.tensor(1.0)).node is None
    with ag.no_grad():
        assert ag.checkpoint(ag.sin)(_leaf()).node is None


def test_what_was_not_computed_inside_comes_back_as_it_is():
    x = _leaf()
    assert ag.checkpoint(lambda v: v)(x) is x


def test_arguments_are_kept_as_they_were():
    x, scale, shift = _leaf(), np.full(3, 2.0), np.zeros(3)
    moved = x * 1.0
    option = x * 1.0
    y = ag.checkpoint(lambda v, s, *, t, o: v * v * s * o + t)(moved, scale, t=shift, o=option).sum()
    scale[:] = 100
    shift[:] = 100
    moved += 100.0
    option *= 0.0
    y.backward()
    np.testing.assert_array_equal(x.grad.data, 6 * x.data**2)


def test_containers_and_options_are_passed_on():
    x = _leaf()
    y = ag.checkpoint(lambda pair, *, power: pair[0] ** power * pair[1])((x, 2.0), power=3)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, 6 * x.data**2)


def test_dropping_the_output_frees_what_was_kept():
    x = _leaf()
    a = x * 2.0
    kept = weakref.ref(a.value)
    gc.collect()
    gc.disable()
    try:
        y = ag.checkpoint(ag.sin)(a)
        del a
        assert kept() is not None
        del y
        assert kept() is None
    finally:
        gc.enable()


def test_backward_frees_what_was_kept():
    x = _leaf()
    a = x * 2.0
    kept = weakref.ref(a.value)
    y = ag.checkpoint(ag.sin)(a).sum()
    del a
    y.backward()
    assert kept() is None


def test_a_second_backward_needs_the_graph_retained():
    x = _leaf()
    y = ag.checkpoint(ag.sin)(x)
    y.backward(np.ones(3), retain_graph=True)
    y.backward(np.ones(3))
    np.testing.assert_array_equal(x.grad.data, 2 * np.cos(x.data))
    with pytest.raises(GradientError) as err:
        y.backward(np.ones(3))
    assert str(err.value) == (
        "checkpoint: the graph has been freed by an earlier backward pass; pass retain_graph=True to that one"
    )


@pytest.mark.parametrize(("result", "kind"), [(None, "NoneType"), ((1, 2), "tuple"), (np.ones(2), "ndarray")])
def test_the_function_returns_one_tensor(result, kind):
    with pytest.raises(OperandError) as err:
        ag.checkpoint(lambda x: result)(_leaf())
    assert str(err.value) == f"checkpoint: the function's result is not understood: expected one tensor, got {kind}"


@pytest.mark.parametrize("second", [lambda x: x[:2] * 2, lambda x: ag.tensor([1.0, 2.0, 3.0])])
def test_a_function_that_does_not_repeat_itself(second):
    x = _leaf()
    runs = iter([lambda x: x * 2, second])

    def fickle(x):
        return next(runs)(x)

    y = ag.checkpoint(fickle)(x).sum()
    with pytest.raises(GradientError) as err:
        y.backward()
    assert str(err.value) == (
        "checkpoint: the function did not compute the same when it ran again; "
        "it depends on what has changed since, or on random numbers"
    )
    assert x.grad is None


def test_a_function_that_draws_other_numbers_is_noticed(rng):
    x = _leaf()
    y = ag.checkpoint(lambda x: x * rng.random(3))(x).sum()
    with pytest.raises(GradientError, match="did not compute the same"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize("values", [[0.5, 1.0, 2.0], [0.0, 0.0, 0.0]])
def test_changed_weights_are_noticed_even_where_the_result_is_the_same(values):
    x, w = _leaf(values), nn.Parameter([1.0, 2.0, 3.0], name="w")
    y = ag.checkpoint(lambda x: x * w)(x).sum()
    w.data = [1.0, 2.0, 4.0]
    with pytest.raises(GradientError) as err:
        y.backward()
    assert str(err.value) == (
        "checkpoint: the leaf 'w' has other values than when the function first ran; "
        "call backward() before you change it"
    )


def test_frozen_weights_that_change_are_noticed():
    x, w = _leaf(), ag.tensor([1.0, 2.0, 3.0])
    y = ag.checkpoint(lambda x: x * w)(x).sum()
    w.data = [1.0, 2.0, 4.0]
    with pytest.raises(GradientError, match="did not compute the same"):
        y.backward()


def test_the_same_values_anew_are_no_change():
    x, w = _leaf(), _leaf()
    y = ag.checkpoint(lambda x: x * w)(x).sum()
    w.data = w.numpy()
    y.backward()
    np.testing.assert_array_equal(x.grad.data, w.data)


def test_not_a_number_is_the_same_again():
    x = _leaf([-1.0, 1.0, np.inf])
    with np.errstate(invalid="ignore"):
        ag.checkpoint(lambda x: ag.log(x) - ag.log(x) * 2)(x).sum().backward()
    assert np.isnan(x.grad.data).tolist() == [False, False, False]


class _Noise(nn.Module):
    """A layer of a user's, with a generator and a buffer."""

    def __init__(self):
        self.rng = np.random.default_rng(3)
        self.register_buffer("calls", 0)

    def forward(self, x):
        self.calls = self.calls + 1
        return x * self.rng.random(x.shape) * float(self.calls)


NETS = {
    "dropout": lambda: nn.Sequential(nn.Dropout(0.5, rng=0), nn.Tanh(), nn.Dropout(0.5, rng=1)),
    "one generator for two": lambda: nn.Sequential(*[nn.Dropout(0.5, rng=np.random.default_rng(0))] * 2),
    "batch norm": lambda: nn.BatchNorm2d(2, dtype=float),
    "batch norm of equal shares": lambda: nn.BatchNorm2d(2, momentum=None, dtype=float),
    "a layer of one's own": _Noise,
    "within": lambda: nn.Sequential(nn.BatchNorm2d(2, dtype=float), nn.Sequential(nn.Dropout(0.5, rng=0))),
}


@pytest.mark.parametrize("way", [lambda net: net, lambda net: lambda x: net(x) + 0.0, ag.checkpoint])
@pytest.mark.parametrize("kind", NETS)
def test_layers_run_again_as_they_did_and_are_left_as_they_are(kind, way, rng):
    images = rng.standard_normal((2, 3, 2, 4, 4))
    results = []
    for checkpointed in (False, True):
        net = NETS[kind]()
        f = ag.checkpoint(way(net)) if checkpointed else net
        leaves = [_leaf(each) for each in images]
        outputs = [(f(x) ** 2).sum() for x in leaves]  # the second call comes before the first backward pass
        for y in outputs:
            y.backward()
        after = net(images[0])
        results.append([*(x.grad.data for x in leaves), values_of(after), *net.buffers()])
    for plain, found in zip(*results, strict=True):
        np.testing.assert_array_equal(plain, found)


def test_an_error_in_the_second_run_leaves_the_layers_as_they_are():
    net, runs = _Noise(), iter([False, True])

    def fickle(x):
        y = net(x)
        if next(runs):
            raise ZeroDivisionError
        return y

    y = ag.checkpoint(fickle)(_leaf()).sum()
    state = net.rng.bit_generator.state
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert (net.rng.bit_generator.state, int(net.calls)) == (state, 1)


def test_a_failing_rule_inside_is_named():
    @ag.primitive
    def brittle(x):
        return x * 2

    @brittle.vjp("x")
    def brittle_wrt_x(g):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as err:
        ag.checkpoint(lambda x: brittle(ag.sin(x)))(_leaf()).sum().backward()
    assert err.value.__notes__ == ["in brittle_wrt_x, the rule of brittle for 'x'; forward shapes x=(3,), y=(3,)"]


def test_it_keeps_the_name_of_its_function():
    assert ag.checkpoint(_layer).__name__ == "_layer"
