"""The tape: what is recorded, how it is walked, and when it is freed."""

import gc
import threading
import time
import weakref
from contextlib import contextmanager

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.engine.backward import cotangents_of, gradients, toposort, unbroadcast_to
from autograd_cnn.engine.node import Leaf, Traced, next_serial, shape_of
from autograd_cnn.engine.recording import recording, scope
from autograd_cnn.errors import GradientError, OperandError, ShapeError


def _leaf(values=(1.0, 2.0, 3.0), **options):
    return ag.tensor(values, requires_grad=True, **options)


def _nodes(output):
    return toposort(output.node)


@ag.primitive
def failing(x):
    return x * 2.0


@failing.vjp("x")
def failing_wrt_x(g, *, x):
    raise ZeroDivisionError("on purpose")


# --- size -------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_long_chain_is_walked_and_freed_without_recursion(length):
    x = _leaf(1.0)
    y = x
    for _ in range(length):
        y = y + 1.0
    first = weakref.ref(y.node.parents[0])
    y.backward()
    del y
    assert x.grad.item() == 1.0
    assert first() is None


def test_a_diamond_of_sixty_levels_takes_sixty_steps():
    x = _leaf(1.0)
    y = x
    began = time.perf_counter()
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**60
    assert time.perf_counter() - began < 1.0  # 2^60 steps would take decades


def test_what_is_traced_is_an_array_and_its_place_on_the_tape():
    values = np.ones(2)
    bare = Traced.wrap(values)
    assert bare.value is values
    assert bare.node is None


def test_sorting_puts_each_node_before_its_parents():
    x, w = _leaf(), _leaf()
    a = x * w
    y = (a + a * x).sum()
    order = _nodes(y)
    place = {node: i for i, node in enumerate(order)}
    assert order[0] is y.node
    assert {x.node, w.node, a.node} < set(order)
    assert len(order) == len(place) == 6
    assert all(place[node] < place[parent] for node in order for parent in node.parents if parent is not None)


def test_sorting_stops_at_what_was_recorded_before_a_mark():
    x = _leaf()
    a = x * 2.0
    since = next_serial()
    y = a * 3.0
    assert toposort(y.node, since) == [y.node, a.node]
    assert toposort(y.node) == [y.node, a.node, x.node]


def test_sorting_goes_on_beside_what_was_recorded_before_a_mark():
    old = _leaf() * 2.0
    since = next_serial()
    w = _leaf()
    b = w * 3.0
    y = b + old  # the older one is seen first
    assert toposort(y.node, since) == [y.node, b.node, w.node, old.node]


# --- memory -----------------------------------------------------------------------------------


@contextmanager
def _no_collector():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _graph(x):
    """Return a loss through operands, outputs, parameters, fan-outs and a concatenation."""
    h = ag.exp(x * x) + ag.sin(x)[np.array([0, 0, 2])]
    return ag.sum(ag.concatenate([h, h * 2.0]) ** 2)


def _watch(output):
    """Return weak references to all nodes but the leaves and to all the arrays that they saved."""
    nodes = [node for node in _nodes(output) if node.primitive is not None]
    arrays = [v for node in nodes for v in (node.saved or {}).values() if isinstance(v, np.ndarray)]
    return [weakref.ref(thing) for thing in (*nodes, *arrays)]


def _plain(x, y):
    return None


def _after_backward(x, y):
    y.backward()


def _after_backward_twice(x, y):
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)


def _with_hooks(x, y):
    x.register_hook(lambda g: g * 2)
    y.register_hook(lambda g: None)
    y.backward(retain_graph=True)


def _with_retained_gradient(x, y):
    y.retain_grad()
    y.backward(retain_graph=True)


def _with_failure(x, y):
    with pytest.raises(ZeroDivisionError):
        (failing(x).sum() + y).backward()


@pytest.mark.parametrize(
    "use", [_plain, _after_backward, _after_backward_twice, _with_hooks, _with_retained_gradient, _with_failure]
)
def test_dropping_the_loss_frees_the_graph_without_the_collector(use):
    x = _leaf()
    with _no_collector():
        y = _graph(x)
        watched = _watch(y)
        use(x, y)
        assert y.node in [ref() for ref in watched]
        del y
        assert len(watched) > 10
        assert [ref() for ref in watched if ref() is not None and ref() is not x.value] == []


def test_dropping_the_gradient_frees_the_graph_of_a_recorded_backward_pass():
    x = _leaf()
    with _no_collector():
        y = _graph(x)
        y.backward(create_graph=True)
        watched = _watch(x.grad) + _watch(y)
        del y
        assert any(ref() is not None for ref in watched)  # the gradient still needs them
        x.grad = None
        assert [ref() for ref in watched if ref() is not None and ref() is not x.value] == []


def test_backward_frees_what_the_nodes_saved_as_it_passes():
    x = _leaf()
    a = ag.exp(x)
    y = ag.sum(a * a)
    saved = weakref.ref(a.node.saved["y"])
    del a
    y.backward()
    assert all(node.saved is None for node in _nodes(y))
    assert saved() is None


def test_a_leaf_is_not_kept_alive_by_its_graph():
    x = _leaf()
    y = (x * 2.0).sum()
    leaf = weakref.ref(x)
    del x
    assert leaf() is None
    y.backward()  # nobody is left to take the gradient


def test_neither_a_node_nor_its_leaf_points_at_a_tensor():
    x = _leaf()
    y = x * x
    assert not any(isinstance(thing, ag.Tensor) for thing in gc.get_referents(y.node, x.node, y.node.saved))


# --- sums and shapes --------------------------------------------------------------------------


def test_gradients_add_up_where_a_value_is_used_often():
    x = _leaf()
    a = x * 2.0
    (a + a * a + a[0] + x).sum().backward()
    np.testing.assert_array_equal(x.grad.data, 2 + 8 * x.data + [6, 0, 0] + 1)


@for_each("shape", [(), (1,), (3,), (2, 1), (1, 3), (1, 1), (4, 1, 1), (1, 2, 3)])
def test_what_broadcasting_added_is_summed_out(shape, rng):
    x = _leaf(rng.standard_normal(shape))
    c = rng.standard_normal((4, 2, 3))
    (x * c).sum().backward()
    expected = np.zeros(shape)
    for i in np.ndindex(4, 2, 3):
        place = tuple(k if n > 1 else 0 for k, n in zip(i[3 - len(shape) :], shape, strict=True))
        expected[place] += c[i]
    assert x.grad.shape == shape
    np.testing.assert_allclose(x.grad.data, expected, rtol=1e-12)


def test_broadcasting_an_empty_axis_gives_zero():
    x = _leaf([[2.0]])
    (x * np.ones((0, 3))).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [[0.0]])


def test_each_leaf_gets_a_gradient_of_its_own_dtype():
    narrow, wide = _leaf(dtype=np.float32), _leaf(dtype=np.float64)
    y = narrow * wide
    assert y.dtype == np.float64
    y.sum().backward()
    assert (narrow.grad.dtype, wide.grad.dtype) == (np.float32, np.float64)


def test_a_float32_graph_stays_float32():
    x = _leaf(dtype=np.float32)
    y = ag.mean(ag.exp(x * 2.0 + 1) / 3)
    assert {node.dtype for node in _nodes(y)} == {np.dtype(np.float32)}
    y.backward()
    assert x.grad.dtype == np.float32


@for_each("dtype, next_dtype", [(np.float32, np.float32), (np.float64, np.float64), (np.float16, np.float32)])
def test_the_next_rule_gets_a_cotangent_of_its_own_dtype_and_a_hook_that_of_its_tensor(dtype, next_dtype):
    seen = []

    @ag.primitive
    def watched(x):
        return x * 1

    @watched.vjp("x")
    def watched_wrt_x(g):
        seen.append(g.dtype)
        return g.astype(np.float64 if g.dtype == np.float32 else np.float32)

    y = watched(watched(_leaf(dtype=dtype)))
    y.register_hook(lambda g: seen.append(g.dtype))
    y.sum().backward()
    assert seen == [dtype, dtype, next_dtype]  # after a hook, a rule gets what the hook did


def test_a_wrong_cotangent_of_a_rule_names_rule_and_shapes():
    @ag.primitive
    def cropped(x):
        return x[:2]

    @cropped.vjp("x")
    def cropped_wrt_x(g):
        return g

    x = _leaf()
    with pytest.raises(ShapeError) as err:
        cropped(x).sum().backward()
    assert str(err.value) == (
        "cropped_wrt_x: a cotangent has the wrong shape: "
        "expected (3,) or a shape that broadcasting makes of it, got (2,)"
    )
    assert err.value.__notes__ == ["in cropped_wrt_x, the rule of cropped for 'x'; forward shapes x=(3,), y=(2,)"]


def test_a_cotangent_with_too_few_axes_does_not_fit():
    x = _leaf()
    with pytest.raises(ShapeError) as err:
        unbroadcast_to(np.float64(1.0), x.node, "rule")
    assert str(err.value) == (
        "rule: a cotangent has the wrong shape: expected (3,) or a shape that broadcasting makes of it, got ()"
    )


def test_the_shape_of_whatever_a_primitive_takes():
    assert [shape_of(x) for x in (_leaf(), np.ones((2, 1)), 3.0, [[1, 2], [3, 4]])] == [(3,), (2, 1), (), (2, 2)]


# --- gradients() ------------------------------------------------------------------------------


def test_gradients_with_respect_to_leaves_and_intermediate_results():
    x, w = _leaf(), _leaf()
    a = x * w
    y = (a * a).sum()
    of_x, of_a = gradients(y, [x, a])
    np.testing.assert_array_equal(of_a, 2 * a.data)
    np.testing.assert_array_equal(of_x, 2 * a.data * w.data)
    assert x.grad is None
    assert a.grad is None


def test_gradients_takes_its_arguments_by_name():
    x = _leaf()
    (g,) = gradients(output=x * x, wrt=[x], cotangent=[1, 0, 2])
    np.testing.assert_array_equal(g, [2.0, 0.0, 12.0])


def test_gradients_of_every_leaf_are_found_by_node():
    x, w = _leaf(), _leaf()
    assert set(cotangents_of((x * w * 2.0).sum(), None, where="here")) == {x.node, w.node}


def test_gradients_with_respect_to_the_output_itself():
    y = _leaf().sum()
    (g,) = gradients(y, [y])
    assert (g.item(), g.shape, g.node) == (1.0, (), None)


def test_gradients_come_in_the_order_asked_for_and_none_where_there_is_none():
    x, other, w = _leaf(), _leaf(), _leaf(dtype=np.float32)
    y = (x * w).sum()
    of_w, of_other, of_x, again = gradients(y, [w, other, x, w], retain_graph=True)
    assert of_other is None
    np.testing.assert_array_equal(of_x, w.numpy())
    np.testing.assert_array_equal(of_w, x.numpy())
    np.testing.assert_array_equal(again, of_w)
    assert (of_w.dtype, of_x.dtype) == (np.float32, np.float64)
    assert gradients(y, [other], retain_graph=True) == [None]
    assert gradients(y, [], retain_graph=True) == []
    (alone,) = gradients(y, x)
    np.testing.assert_array_equal(alone, of_x)


def test_a_gradient_can_not_be_written_to():
    x, w = _leaf(), _leaf()
    for g in gradients((x + w).sum(), [x, w]):  # both are the same array
        assert not g.numpy().flags.writeable
        assert not g.value.flags.writeable


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (gradients, "gradients: wrt"),
        (lambda y, tensors: y.backward(inputs=tensors), "backward: inputs"),
    ],
    ids=["gradients", "backward"],
)
def test_what_no_gradient_flows_to_is_refused(ask, name):
    x = _leaf()
    with pytest.raises(GradientError) as err:
        ask(x.sum(), [x, ag.tensor(1.0)])
    assert str(err.value) == f"{name}[1] requires no gradient; set requires_grad=True before it is used"
    with pytest.raises(OperandError) as err:
        ask(x.sum(), [x, np.ones(3)])
    assert str(err.value) == f"{name}[1] is not a tensor: expected a tensor, got ndarray"
    with pytest.raises(OperandError) as err:
        ask(x.sum(), 3)
    assert str(err.value) == f"{name} is not understood: expected a list of tensors, got int"


def test_only_a_tensor_has_gradients():
    with pytest.raises(OperandError) as err:
        gradients(np.float64(1.0), [_leaf()])
    assert str(err.value) == "gradients: the output is not a tensor: expected a tensor, got float64"


def test_backward_fills_the_inputs_alone():
    x, w, other = _leaf(), _leaf(), _leaf()
    a = x * w
    other.grad = before = ag.tensor([1.0, 1.0, 1.0])
    (a * a).sum().backward(inputs=[a, w, other, w], retain_graph=True)  # twice is once
    assert x.grad is None
    assert other.grad is before
    np.testing.assert_array_equal(a.grad, 2 * a.numpy())
    np.testing.assert_array_equal(w.grad, 2 * a.numpy() * x.numpy())
    a.sum().backward(inputs=w)
    np.testing.assert_array_equal(w.grad, 2 * a.numpy() * x.numpy() + x.numpy())


def test_backward_into_nothing_is_refused():
    with pytest.raises(GradientError) as err:
        _leaf().sum().backward(inputs=[])
    assert str(err.value) == "backward: inputs is empty; leave it out for every leaf"


def test_gradients_skip_what_was_not_asked_for():
    x, w = _leaf(), _leaf()
    y = (failing(w) * x).sum()
    np.testing.assert_array_equal(gradients(y, [x])[0], 2 * w.data)


def test_gradients_change_no_grad_and_add_up_from_any_cotangent():
    x = _leaf()
    y = x * x
    x.grad = before = ag.tensor([1.0, 1.0, 1.0])
    for cotangent in (np.array([1.0, 0.0, 2.0]), [1, 0, 2], ag.tensor([1.0, 0.0, 2.0])):
        np.testing.assert_array_equal(gradients(y, [x], cotangent, retain_graph=True)[0], [2.0, 0.0, 12.0])
    assert x.grad is before


def test_a_cotangent_of_another_dtype_is_cast():
    x = _leaf(dtype=np.float32)
    assert gradients(x * 2.0, [x], np.ones(3))[0].dtype == np.float32


def test_gradients_of_a_cotangent_that_is_recorded_itself():
    x, u = _leaf(), _leaf()
    (g,) = gradients(x * x, [x], u, create_graph=True)
    (again,) = gradients(g.sum(), [u])
    np.testing.assert_array_equal(again, 2 * x.data)


def test_the_cotangent_passed_in_is_not_shared():
    x = _leaf()
    cotangent = np.ones(3)
    (x + 0.0).backward(cotangent)
    cotangent[:] = 7
    np.testing.assert_array_equal(x.grad.data, [1, 1, 1])
    assert cotangent.flags.writeable


@pytest.mark.parametrize("where", ["gradients", "elsewhere"])
def test_errors_name_who_asked(where):
    x = _leaf()
    with pytest.raises(GradientError) as err:
        cotangents_of(ag.tensor(1.0), None, where=where)
    assert str(err.value) == (
        f"{where}: nothing was recorded for this output; "
        "make an input with requires_grad=True, and compute outside of no_grad()"
    )
    with pytest.raises(GradientError) as err:
        cotangents_of(x * 2, None, where=where)
    assert str(err.value) == (
        f"{where}: the output is not a scalar: expected one number, got shape (3,); "
        "reduce it with .sum() or .mean(), or pass a cotangent of its shape"
    )
    for n in (2, 4):
        with pytest.raises(ShapeError) as err:
            cotangents_of(x * 2, None, np.ones(n), where=where)
        assert str(err.value) == f"{where}: the cotangent has the wrong shape: expected the output's (3,), got ({n},)"
    with pytest.raises(OperandError) as err:
        cotangents_of((x * 2).sum(), None, object(), where=where)
    assert str(err.value) == f"{where}: the cotangent is not an array of numbers: expected floats, got object"


def test_no_number_is_no_scalar():
    x = _leaf()
    with pytest.raises(GradientError) as err:
        gradients(x[:0], [x])
    assert str(err.value) == (
        "gradients: the output is not a scalar: expected one number, got shape (0,); "
        "reduce it with .sum() or .mean(), or pass a cotangent of its shape"
    )


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_number_is_a_scalar_in_any_shape(shape):
    x = _leaf(np.full(shape, 3.0))
    (x * x).backward()
    np.testing.assert_array_equal(x.grad.data, np.full(shape, 6.0))


# --- retaining, and higher orders -------------------------------------------------------------


def test_a_second_backward_needs_the_graph_retained():
    x = _leaf()
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad.data, 4 * x.data)
    with pytest.raises(GradientError) as err:
        y.backward()
    assert str(err.value) == (
        "sum: the graph has been freed by an earlier backward pass; pass retain_graph=True to that one"
    )
    np.testing.assert_array_equal(x.grad.data, 4 * x.data)


def test_derivatives_of_three_orders():
    x = _leaf([0.5, 1.0, 2.0])
    slopes = []
    y = ag.sum(x**4)
    for _ in range(3):
        g = gradients(y, [x], create_graph=True)[0]
        slopes.append(g.data)
        y = ag.sum(g)
    v = x.data
    for slope, expected in zip(slopes, [4 * v**3, 12 * v**2, 24 * v], strict=True):
        np.testing.assert_allclose(slope, expected, rtol=1e-14)


def test_mixed_second_derivatives():
    x, w = _leaf(2.0), _leaf(3.0)
    y = ag.exp(x * w) * w
    gx = gradients(y, [x], create_graph=True)[0]
    mixed = gradients(gx, [w])[0]
    assert mixed.item() == pytest.approx(np.exp(6.0) * (2 * 3 + 9 * 2), rel=1e-14)


def test_a_plain_backward_records_nothing():
    x = _leaf()
    (x * x).sum().backward()
    assert x.grad.node is None


def test_a_recorded_backward_can_be_asked_for_without_recording():
    x = _leaf()
    y = (x**3).sum()
    with ag.no_grad():
        y.backward(create_graph=True)
    assert x.grad.requires_grad


# --- the switch -------------------------------------------------------------------------------


def test_nothing_is_recorded_under_no_grad():
    x = _leaf()
    with ag.no_grad():
        y = x * 2
        with ag.enable_grad():
            z = x * 2
        after = x * 2
    assert [t.requires_grad for t in (x, y, z, after, x * 2)] == [True, False, True, False, True]
    assert y.is_leaf


def test_the_switches_decorate_functions():
    x = _leaf()

    @ag.no_grad()
    def silent():
        return x * 2

    @ag.enable_grad()
    def loud():
        return x * 2

    assert not silent().requires_grad
    assert not silent().requires_grad  # and can be used again
    with ag.no_grad():
        assert loud().requires_grad
    assert (x * 2).requires_grad


@pytest.mark.parametrize("context", [ag.no_grad, ag.enable_grad, ag.detect_anomaly, lambda: scope("layer")])
def test_the_state_comes_back_after_an_error(context):
    before = recording.get()
    with pytest.raises(KeyError), context():
        raise KeyError
    assert recording.get() == before


def test_the_state_comes_back_after_an_error_in_a_backward_pass():
    y = failing(_leaf()).sum()
    before = recording.get()
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert recording.get() == before


def test_threads_do_not_see_each_others_switch():
    x = _leaf()
    inside, done = threading.Event(), threading.Event()
    seen = []

    def other():
        with ag.no_grad(), ag.detect_anomaly():
            inside.set()
            seen.append(done.wait(10))
            seen.append((x * 2).requires_grad)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    recorded = (x * 2).requires_grad
    anomaly = recording.get().anomaly
    done.set()
    thread.join()
    assert (recorded, anomaly, seen) == (True, False, [True, False])


def test_a_new_thread_records_whatever_its_maker_does():
    x = _leaf()
    seen = []
    with ag.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_graphs_in_several_threads_are_independent():
    results = {}

    def work(k):
        x = _leaf(float(k))
        for _ in range(50):
            x.grad = None
            y = x
            for _ in range(20):
                y = y * x
            y.backward()
        results[k] = x.grad.item()

    threads = [threading.Thread(target=work, args=(k,)) for k in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k: 21.0 * k**20 for k in (1, 2, 3)}


def test_scopes_nest_and_are_written_on_the_nodes():
    x = _leaf()
    with scope("net"):
        a = x * 2
        with scope("conv1"):
            b = a * 2
        c = b * 2
    d = c * 2
    assert [t.node.scope.path for t in (a, b, c, d)] == ["net", "net.conv1", "net", ""]


# --- hooks ------------------------------------------------------------------------------------


def test_a_hook_observes_or_replaces_the_cotangent():
    x = _leaf()
    a = x * 3.0
    seen = []
    a.register_hook(seen.append)
    a.register_hook(lambda g: g * 10)
    a.register_hook(seen.append)
    x.register_hook(lambda g: g + 1)
    (a + a).sum().backward()
    assert [type(g) for g in seen] == [ag.Tensor, ag.Tensor]
    np.testing.assert_array_equal(seen[0].data, [2, 2, 2])  # the whole cotangent, once
    np.testing.assert_array_equal(seen[1].data, [20, 20, 20])
    np.testing.assert_array_equal(x.grad.data, [61, 61, 61])


@pytest.mark.parametrize("replacement", [[1, 2, 3], np.array([[1.0, 2.0, 3.0]]), np.float32([1, 2, 3])])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_may_return_whatever_has_the_shape(replacement, create_graph):
    x = _leaf()
    a = x * 1.0
    a.register_hook(lambda g: replacement)
    a.sum().backward(create_graph=create_graph)
    np.testing.assert_array_equal(x.grad.data, [1, 2, 3])
    assert x.grad.dtype == np.float64


def test_a_hook_that_returns_another_shape():
    x = _leaf()
    x.register_hook(lambda g: 1.0)
    with pytest.raises(ShapeError) as err:
        x.sum().backward()
    assert str(err.value) == (
        "hook: a cotangent has the wrong shape: expected (3,) or a shape that broadcasting makes of it, got ()"
    )


def test_a_hook_can_be_taken_off():
    x = _leaf()
    first = x.register_hook(lambda g: g * 2)
    second = x.register_hook(lambda g: g * 5)
    first.remove()
    x.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [5, 5, 5])
    second.remove()
    x.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [6, 6, 6])


def test_a_hook_may_take_itself_off():
    x = _leaf()
    seen = []

    def once(g):
        seen.append("once")
        handle.remove()

    handle = x.register_hook(once)
    x.register_hook(lambda g: seen.append("always"))
    x.sum().backward()
    x.sum().backward()
    assert seen == ["once", "always", "always"]


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_leafs_hook_runs_as_soon_as_its_gradient_is_final_and_may_give_it_at_the_end(create_graph):
    events, leaves = [], [_leaf(), _leaf()]

    def telling(name, give=None):
        def hook(g):
            events.append(name)
            return None if give is None else lambda: events.append(f"end of {name}") or give(g)

        return hook

    y = leaves[0] * leaves[0]
    z = y * leaves[1]
    leaves[1].register_hook(telling("w", lambda g: g * 10))
    leaves[1].register_hook(lambda g: g + 1)  # of what the first one gives
    leaves[0].register_hook(telling("x"))
    y.register_hook(telling("y", lambda g: g * 2))  # others need it at once
    z.sum().backward(create_graph=create_graph)
    assert events == ["w", "y", "end of y", "x", "end of w"]
    x, w = (leaf.data for leaf in leaves)
    np.testing.assert_array_equal(leaves[0].grad.data, 2 * (2 * x * w))
    np.testing.assert_array_equal(leaves[1].grad.data, 10 * x * x + 1)


def test_no_gradient_is_kept_if_one_fails_at_the_end_of_the_pass():
    x, w = _leaf(), _leaf()
    w.register_hook(lambda g: lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (x * w).sum().backward()
    assert x.grad is None
    assert w.grad is None


def test_a_hook_cannot_write_to_the_cotangent():
    x = _leaf()
    a, b = x * 1.0, x * 1.0

    def write(g):
        g.data[...] = 7

    a.register_hook(write)
    with pytest.raises(ValueError, match="read-only"):
        ((a + b) * (a + b)).sum().backward()


def test_hooks_run_in_recorded_passes_and_their_work_is_differentiated():
    x = _leaf()
    a = x * 1.0
    handle = a.register_hook(lambda g: g * x)
    g = gradients((a * a).sum(), [x], create_graph=True)[0]  # 2a * x
    handle.remove()
    np.testing.assert_array_equal(gradients(g.sum(), [x])[0], 4 * x.data)


def test_no_hook_without_a_gradient():
    with pytest.raises(GradientError) as err:
        ag.tensor(1.0).register_hook(lambda g: None)
    assert str(err.value) == "register_hook: no gradient flows through this tensor"


# --- failures ---------------------------------------------------------------------------------


def test_the_failing_rule_is_named_with_the_forward_shapes():
    x = _leaf(np.ones((2, 3)))
    with pytest.raises(ZeroDivisionError) as err:
        failing(x).sum().backward()
    assert str(err.value) == "on purpose"
    assert err.value.__notes__ == ["in failing_wrt_x, the rule of failing for 'x'; forward shapes x=(2, 3), y=(2, 3)"]


def test_a_failure_leaves_every_gradient_as_it_was():
    x, w = _leaf(), _leaf()
    x.grad = before = ag.tensor([1.0, 1.0, 1.0])
    a = w * 2.0
    a.retain_grad()
    y = (a * x).sum() + failing(x).sum()
    y.register_hook(lambda g: None)
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert x.grad is before
    assert w.grad is None
    assert a.grad is None


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_after_a_failure_the_next_pass_says_what_became_of_the_graph(error):
    def fail(g):
        raise error

    x = _leaf()
    middle = ag.exp(x)
    y = middle.sum()
    handle = middle.register_hook(fail)
    with pytest.raises(error):
        y.backward()
    with pytest.raises(GradientError) as err:
        y.backward()
    assert str(err.value) == (
        "sum: the graph has been freed by a backward pass that then failed; compute the output again"
    )
    assert x.grad is None
    handle.remove()
    middle.sum().backward()  # what the pass had not reached is whole
    np.testing.assert_array_equal(x.grad.data, np.exp(x.data))
    with pytest.raises(GradientError) as err:
        (middle * 2.0).sum().backward()
    assert str(err.value) == (
        "exp: the graph has been freed by an earlier backward pass; pass retain_graph=True to that one"
    )


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_failure_of_a_pass_that_retains_the_graph_changes_nothing(error):
    def fail(g):
        raise error

    x = _leaf()
    middle = ag.exp(x)
    y = middle.sum()
    handle = middle.register_hook(fail)
    with pytest.raises(error):
        y.backward(retain_graph=True)
    handle.remove()
    y.backward()
    np.testing.assert_array_equal(x.grad.data, np.exp(x.data))


def test_only_floats_can_be_leaves():
    with pytest.raises(OperandError) as err:
        Leaf(ag.tensor([1, 2]))
    assert str(err.value) == (
        "requires_grad: only floats have gradients: expected float32 or float64, got int64; "
        "convert with .astype(np.float32) first"
    )


def test_nodes_say_what_they_are():
    x = _leaf()
    y = x * x
    assert repr(x.node) == f"<Node {x.node.serial}: leaf (3,) float64>"
    assert repr(y.node) == f"<Node {y.node.serial}: multiply (3,) float64>"
    assert y.node.serial > x.node.serial


# --- watching a pass --------------------------------------------------------------------------


def test_a_pass_that_is_watched_says_whose_work_comes_next_and_runs_no_hooks():
    x = _leaf()
    a = x * 2.0
    a.register_hook(lambda g: g * 10)
    y = (a + ag.exp(a)).sum()
    add, exp = y.node.parents[0], y.node.parents[0].parents[1]
    steps = []
    found = cotangents_of(y, None, where="here", on_step=lambda node, g: steps.append((node, np.array(g))))
    assert [node for node, _ in steps] == [y.node, add, exp, a.node, exp, a.node, x.node]
    np.testing.assert_array_equal(steps[3][1], [1, 1, 1])  # so far
    np.testing.assert_array_equal(steps[5][1], 1 + np.exp(a.numpy()))
    np.testing.assert_array_equal(found[x.node], 2 * steps[5][1])
