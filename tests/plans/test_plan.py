"""What a plan of compiled loops runs, in which memory, and what it says of itself."""

import itertools
import threading

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.errors import ArgumentError
from autograd_cnn.plans.segment import LastingSegment, Segment

IMAGES = np.random.default_rng(0).random((8, 1, 28, 28), dtype=np.float32)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2, 6])


def _bits(*tensors):
    return [tensor.numpy().tobytes() for tensor in tensors]


def _make_step(model):
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    def step(images, labels):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


@pytest.fixture
def trained():
    """Return the step of a network, a compiled one with a plan, and their models."""
    models = [nn.lenet5(rng=0), nn.lenet5(rng=0)]
    plain, compiled = map(_make_step, models)
    compiled = ag.compile(compiled)
    for _ in range(3):
        plain(IMAGES, LABELS), compiled(IMAGES, LABELS)
    assert compiled.plan is not None
    return plain, compiled, models


def _segments(plan):
    return [call.function for call in plan.lowered if isinstance(call.function, Segment)]


def _assert_alike(plain, compiled, models, images=IMAGES, labels=LABELS):
    assert _bits(compiled(images, labels)) == _bits(plain(images, labels))
    assert _bits(*models[0].parameters()) == _bits(*models[1].parameters())


def test_forward_and_backward_are_one_table(trained):
    plan = trained[1].plan
    assert len(_segments(plan)) == 1
    (inner,) = (call.inner for call in plan.lowered if call.inner)
    names = [call.name for call in inner]
    assert {"correlate2d", "relu", "relu_max_pool", "linear", "softmax_cross_entropy", "correlate2d_wrt_weight"} < {
        *names
    }
    in_python = {call.name for call in plan.lowered if not call.inner}
    assert in_python == {
        "SGD.zero_grad",
        "value",
        "check of softmax_cross_entropy",
        "mean",
        "Parameter.add_grad",
        "SGD.step",
    }


def test_memory_is_used_again_and_nothing_in_it_lasts(trained):
    plain, compiled, models = trained
    plan = compiled.plan
    arena = _segments(plan)[0].arena
    assert plan.arena == arena.nbytes < 1_000_000
    for value in (0x00, 0xFF):
        arena[:] = value
        _assert_alike(plain, compiled, models)


def test_weights_and_images_may_lie_in_memory_in_another_way(trained):
    plain, compiled, models = trained
    for model in models:
        weight = model.fc1.weight
        weight.data = ag.tensor(np.asfortranarray(weight.numpy()))
    _assert_alike(plain, compiled, models, np.asfortranarray(IMAGES), np.repeat(LABELS, 2)[::2])
    assert compiled.plan is not None


def test_a_label_out_of_range_is_refused_before_anything_is_computed(trained):
    plain, compiled, models = trained
    for step in (plain, compiled):
        with pytest.raises(ag.errors.ArgumentError, match=r"labels\[1\] is out of range"):
            step(IMAGES, np.array([3, 10, 4, 1, 5, 9, 2, 6]))
    _assert_alike(plain, compiled, models)


def test_two_threads_may_run_one_plan():
    model = nn.lenet5(rng=0).eval()
    predict = ag.compile(model)
    batches = np.random.default_rng(1).random((40, 4, 1, 28, 28), dtype=np.float32)
    with ag.no_grad():
        expected = [_bits(model(x)) for x in batches]
        for x in batches[:3]:
            predict(x)

    def run(found):
        with ag.no_grad():
            found += [_bits(predict(x)) for x in batches]

    results = [], []
    threads = [threading.Thread(target=run, args=(found,)) for found in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert predict.plan is not None
    assert results == (expected, expected)


def test_what_follows_from_weights_alone_is_computed_when_they_change(rng):
    model = nn.Sequential(nn.Conv2d(3, 16, 3, rng=0), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 8, 3, rng=1)).eval()
    predict = ag.compile(model)
    x = rng.standard_normal((1, 3, 12, 12)).astype(np.float32)
    with ag.no_grad():
        for _ in range(3):
            predict(x)
        lasting, others = _segments(predict.plan)
        assert (type(lasting), type(others)) == (LastingSegment, Segment)
        others.arena[:] = 0xFF
        for change in (
            lambda: None,
            lambda: model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()}),
            lambda: model[1].set_buffers(running_var=np.arange(1, 17, dtype=np.float32)),
            lambda: setattr(model[3].bias, "data", np.ones(8, np.float32)),
        ):
            change()
            assert _bits(predict(2 * x)) == _bits(model(2 * x))
            assert predict.plan is not None
            kept = lasting._results
            predict(x)
            assert lasting._results is kept
        model[1].running_mean = np.zeros(17, np.float32)
        with pytest.raises(ag.errors.ShapeError, match="mean has the wrong shape"):
            predict(x)


def test_another_choice_of_algorithms_has_a_plan_of_its_own():
    conv = nn.Conv2d(8, 8, 3, rng=0)
    predict = ag.compile(conv)
    x = np.random.default_rng(0).standard_normal((2, 8, 12, 12)).astype(np.float32)
    for names in ((), ("implicit_gemm",), ()):
        with ag.no_grad(), ag.kernels.use_conv_algorithm(*names):
            for _ in range(3):
                got = predict(x)
            assert predict.plan is not None
            assert _bits(got) == _bits(conv(x))


def test_the_reference_backend_makes_all_calls_from_python():
    model = nn.digits_net(rng=0)
    predict = ag.compile(model)
    with ag.set_backend("reference"), ag.no_grad():
        for _ in range(3):
            predict(np.zeros((2, 1, 8, 8), np.float32))
    assert "relu_max_pool" in {call.name for call in predict.plan.lowered}
    assert not any(call.inner for call in predict.plan.lowered)
    assert predict.plan.arena == 0


def test_a_plan_names_weights_by_their_modules(trained):
    text = str(trained[1].plan)
    lines = text.splitlines()
    assert "  v2 = value(conv1.weight)" in lines
    assert "    v20, v21 = relu(v19)" in lines  # in a table
    assert "  conv1.bias.add_grad(v56)" in lines
    assert lines[-1] == f"the loops share {trained[1].plan.arena:,} bytes of memory"


def test_a_plan_is_drawn_with_its_tables(trained, tmp_path):
    plan = trained[1].plan
    graph = ag.graph.of_plan(plan)
    inside = [node.name for node in graph.nodes if node.scope == "table 1" and node.kind == "operation"]
    assert {node.scope for node in graph.nodes if node.kind in ("parameter", "gradient")} == {"table 1"}
    (segment,) = _segments(plan)
    assert len(inside) == len(next(call.inner for call in plan.lowered if call.function is segment))
    assert "relu_max_pool" in inside
    assert {node.name for node in graph.nodes if node.kind == "gradient"} == {
        node.name for node in graph.nodes if node.kind == "parameter"
    }
    drawn = plan.render(tmp_path / "plan.dot").read_text(encoding="utf-8")
    assert f"table 1: {len(segment._table)} compiled loops, {plan.arena / 1e3:,.0f} kB" in drawn


def test_what_a_plan_keeps_is_drawn_where_it_is(trained, tmp_path):
    plan = trained[1].plan
    for one, other in itertools.combinations(plan.lifetimes, 2):
        apart_in_time = one.last < other.first or other.last < one.first
        assert apart_in_time or one.start + one.nbytes <= other.start or other.start + other.nbytes <= one.start
    assert max(each.start + each.nbytes for each in plan.lifetimes) <= plan.arena
    drawn = plan.render_memory(tmp_path / "memory.svg").read_text(encoding="utf-8")
    assert drawn.count("<title>") == len(plan.lifetimes)
    with pytest.raises(ArgumentError) as error:
        plan.render_memory("memory.png")
    assert (
        str(error.value) == "render_memory: unknown kind of file: expected a name that ends in .svg, got 'memory.png'"
    )
