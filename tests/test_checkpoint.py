"""Checkpoints: the same gradients, with less saved."""

import gc
import weakref

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.errors import GradientError, OperandError
from autograd_cnn.tape import gradients, toposort


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
    g = gradients(f(f(x)).sum(), [x], create_graph=True)[x.node]
    again = gradients(g.sum(), [x])[x.node]
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
    found = gradients(ag.checkpoint(_layer)(x, w).sum(), [w])
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
    assert str(err.value) == "checkpoint: the function did not compute the same when it ran again"
    assert x.grad is None


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
