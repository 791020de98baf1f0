"""Each entry of the table of fusions is proved; and none is applied where somebody sees the value in between."""

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.engine.backward import toposort
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.ops.fusion import CHAINS, FUSIONS, fuse, run, steps

RELU_MAX_POOL = [(ag.relu, ag.max_pool), (ag.max_pool, ag.relu)]
small = st.integers(1, 3)
pairs = st.tuples(small, small)


@st.composite
def pooling(draw):
    """Draw images of which many pixels tie, some of them not finite, and the geometry of a pooling."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-2, 3, (draw(st.integers(0, 2)), 2, *draw(st.tuples(*[st.integers(1, 9)] * 2))))
    x = x.astype(draw(st.sampled_from([np.float32, np.float64])))
    for odd in draw(st.sampled_from([(), (np.nan,), (np.nan, np.inf, -np.inf, -0.0)])):
        x[rng.random(x.shape) < 0.2] = odd
    return x, {
        "window": draw(pairs), "stride": draw(st.one_of(st.none(), pairs)), "padding": draw(st.integers(0, 1)),
        "dilation": draw(st.sampled_from([1, 1, 2])), "ceil_mode": draw(st.booleans()),
    }  # fmt: skip


def _chain(first, then, x, how):
    for primitive in (first, then):
        x = primitive(x, **(how if primitive is ag.max_pool else {}))
    return x


PROOFS = {pair: (pooling(), _chain) for pair in RELU_MAX_POOL}
"""For each entry the calls to prove it with."""


def _orders(y, x):
    """Return a gradient for a cotangent without symmetry, and those of this gradient's own weighted sum."""
    g = ag.tensor(np.linspace(-1, 2, y.size).reshape(y.shape), requires_grad=True, dtype=y.dtype)
    [dx] = ag.gradients(y, x, g, create_graph=True)
    weights = np.linspace(1, 3, x.size).reshape(x.shape)
    again = ag.gradients(ag.sum(dx * dx * weights), [x, g])
    return [dx.numpy(), *(None if each is None else each.numpy() for each in again)]


@pytest.mark.parametrize("backend", ["reference", "jit"])
@pytest.mark.parametrize("pair", FUSIONS, ids=lambda pair: "-".join(primitive.name for primitive in pair))
@settings(max_examples=40)
@given(data=st.data())
def test_a_fusion_has_the_values_and_gradients_of_what_it_replaces(pair, backend, data):
    calls, chain = PROOFS[pair]
    value, how = data.draw(calls)
    x, z = (ag.tensor(value, requires_grad=True) for _ in range(2))
    with ag.set_backend(backend):
        try:
            y = chain(*pair, x, how)
        except (ArgumentError, ShapeError):
            reject()
        program = fuse(steps(toposort(y.node)), [y.node])
        assert [step.primitive for step in program] == [FUSIONS[pair]]
        fused = run(program, {x.node: z})[y.node]
        np.testing.assert_array_equal(fused.numpy(), y.numpy())
        assert fused.dtype == y.dtype
        if y.size:
            for found, expected in zip(_orders(fused, z), _orders(y, x), strict=True):
                np.testing.assert_array_equal(found, expected)


def _leaf():
    return ag.tensor(np.arange(-8.0, 8.0).reshape(4, 4), requires_grad=True)


def _names(program):
    return [step.primitive.name for step in program]


def _fused(y, *others):
    return _names(fuse(steps(toposort(y.node)), [y.node, *(other.node for other in others)]))


def test_steps_and_their_values():
    x = _leaf()
    with ag.tracing():
        y = ag.sum(ag.max_pool(ag.relu(x * np.full((4, 4), 2.0)), 2))
    program = steps(toposort(y.node))
    assert _names(program) == ["multiply", "relu", "max_pool", "sum"]
    assert _names(fuse(program, [y.node])) == ["multiply", "relu_max_pool", "sum"]
    assert run(fuse(program, [y.node]), {x.node: x.numpy()})[y.node] == y.item()


def test_what_is_asked_for_stays():
    h = ag.relu(_leaf())
    assert _fused(ag.max_pool(h, 2)) == ["relu_max_pool"]
    assert _fused(ag.max_pool(h, 2), h) == ["relu", "max_pool"]


def test_what_another_step_takes_stays():
    h = ag.relu(_leaf())
    assert _fused(ag.sum(ag.max_pool(h, 2)) + ag.sum(h)) == ["relu", "max_pool", "sum", "sum", "add"]
    assert _fused(ag.max_pool(h, 1) + h) == ["relu", "max_pool", "add"]


def test_what_has_a_hook_or_keeps_its_gradient_stays():
    h = ag.relu(_leaf())
    hook = h.register_hook(lambda g: g * 2)
    assert _fused(ag.max_pool(h, 2)) == ["relu", "max_pool"]
    hook.remove()
    assert _fused(ag.max_pool(h, 2)) == ["relu_max_pool"]
    h.retain_grad()
    assert _fused(ag.max_pool(h, 2)) == ["relu", "max_pool"]


def test_a_step_is_fused_once():
    assert _fused(ag.relu(ag.max_pool(ag.relu(_leaf()), 2))) == ["relu_max_pool", "relu"]


def test_calls_that_can_not_be_run_again():
    x = _leaf()
    with pytest.raises(OperandError) as error:
        steps(toposort((x + np.ones((4, 4))).node))
    assert str(error.value) == "steps: an operand of add was not kept; record inside of ag.tracing()"
    y = ag.sum(x * x)
    y.backward()
    with pytest.raises(OperandError) as error:
        steps(toposort(y.node))
    assert str(error.value) == "steps: multiply can't be run again"


# --- calls of a compiled step -----------------------------------------------------------------


def _pooled(first, then, sees=None):
    """Return a step of a pair of primitives, which may also return what lies between."""

    def step(x):
        x = ag.tensor(x, requires_grad=True)
        between = first(x, **({"window": 2} if first is ag.max_pool else {}))
        y = then(between, **({"window": 2} if then is ag.max_pool else {}))
        ag.sum(y * y).backward()
        return y, x.grad, *(() if sees is None else (sees(x, between).detach(),))

    return step


@pytest.mark.parametrize("backend", ["reference", "jit"])
@pytest.mark.parametrize(
    ("pair", "sees", "fused"),
    [
        *((pair, None, True) for pair in RELU_MAX_POOL),
        ((ag.relu, ag.max_pool), lambda x, between: between, False),
        ((ag.relu, ag.max_pool), lambda x, between: ag.relu(x), True),  # another call
        ((ag.max_pool, ag.relu), lambda x, between: ag.exp(between), False),
    ],
)
def test_calls_of_a_compiled_step_are_fused_where_nobody_sees_the_value_in_between(pair, sees, fused, backend, rng):
    step = _pooled(*pair, sees)
    compiled = ag.compile(step)
    with ag.set_backend(backend):
        for _ in range(4):
            x = rng.integers(-2, 3, (2, 3, 6, 6)).astype(np.float32)
            for got, expected in zip(compiled(x), step(x), strict=True):
                assert got.numpy().tobytes() == expected.numpy().tobytes()
    assert ("relu_max_pool" in str(compiled.plan)) == fused
    assert "relu_max_pool" not in {call.name for call in compiled.plan.calls}


def test_a_rule_of_a_rule_keeps_calls_apart(rng):
    def step(x):
        x = ag.tensor(x, requires_grad=True)
        y = ag.max_pool(ag.relu(x), 2)
        [g] = ag.gradients(ag.sum(y * y), [x], create_graph=True)
        ag.sum(g * g).backward()
        return x.grad

    compiled = ag.compile(step)
    for x in rng.standard_normal((4, 1, 4, 4)):
        assert compiled(x).tolist() == step(x).tolist()
    assert "relu_max_pool" not in str(compiled.plan)


# --- compiled steps -----------------------------------------------------------------------------


def _block(training, added, affine=True, dtype=np.float32):
    """Return a function that runs a chain, and one that returns what else it has changed."""
    norm = nn.BatchNorm2d(3, affine=affine, dtype=dtype)
    norm.train(mode=training)
    w = ag.tensor(np.linspace(-1, 1, 3).reshape(3, 1, 1), requires_grad=True, dtype=dtype)

    def step(x, other):
        norm.zero_grad()
        w.grad = None
        h = x * w
        y = norm(h)
        y = ag.relu(y) if added is None else ag.relu(y + other) if added else ag.relu(other + y)
        (y * y * x).sum().backward()
        return y.detach()

    return step, lambda: [w.grad, *(p.grad for p in norm.parameters()), norm.running_mean, norm.running_var]


def _found(step, *arrays):
    compiled = ag.compile(step)
    found = [compiled(*arrays) for _ in range(3)]
    return found[-1], [call.name for call in compiled.plan.calls]


@for_each("backend", ["reference", "jit"])
@for_each("training", [True, False])
@for_each("added", [None, True, False])
@for_each("affine, dtype", [(True, np.float32), (False, np.float64)])
def test_a_chain_has_the_bits_of_what_it_replaces(rng, backend, training, added, affine, dtype):
    name = ("batch_norm" if training else "batch_norm_inference") + ("" if added is None else " + add") + " + relu"
    for shape, others in (((2, 3, 4, 5), [(), (4, 5)]), ((6, 3, 24, 33), [(6, 3, 24, 33)])):
        x = rng.standard_normal(shape).astype(dtype)
        x[0, 0, 0, 0] = np.nan if affine else 0
        for other in others:
            arrays = x, rng.standard_normal(other).astype(dtype)
            (plain, expected), (step, found) = (_block(training, added, affine, dtype) for _ in range(2))
            with ag.set_backend(backend):
                z = [plain(*arrays) for _ in range(3)][-1]
                y, names = _found(step, *arrays)
            assert name in names
            for a, b in zip([y, *found()], [z, *expected()], strict=True):
                np.testing.assert_array_equal(a, b)
                assert a.dtype == dtype


def test_every_chain_is_proved():
    assert {tuple(primitive.name for primitive in chain) for chain in CHAINS} == {
        (name, *then) for name in ("batch_norm", "batch_norm_inference") for then in (("relu",), ("add", "relu"))
    }


@for_each(
    "function, shown",
    [
        (lambda y, _: (ag.relu(y), y), ["relu"]),  # a result
        (lambda y, _: ag.relu(y) * y, ["relu", "multiply"]),
        (lambda y, _: ag.relu(y + y), ["add", "relu"]),
        (lambda y, x: ag.relu(y + x * 2), ["multiply", "add", "relu"]),  # which is not there by then
        (lambda y, x: (y + x, ag.relu(x)), ["add", "relu"]),
    ],
)
def test_a_value_that_is_seen_keeps_its_call(rng, function, shown):
    norm = nn.BatchNorm2d(3).eval()
    with ag.no_grad():
        _, names = _found(lambda x: function(norm(x), x), rng.standard_normal((2, 3, 4, 4)).astype(np.float32))
    assert names[names.index("batch_norm_inference") + 1 :] == shown


def test_a_residual_network_is_fused_and_trains_as_before(rng):
    x, labels = rng.standard_normal((4, 3, 8, 8)).astype(np.float32), np.arange(4)
    losses = []
    for compiled in (False, True):
        model = nn.resnet20(rng=0)
        optimizer = ag.optim.SGD(model.parameters(), lr=0.1)

        def step(x, labels, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = nn.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            return loss

        step = ag.compile(step) if compiled else step
        losses.append([step(x, labels).item() for _ in range(4)])
    assert losses[0] == losses[1]
    names = [call.name for call in step.plan.calls]
    assert (names.count("batch_norm + relu"), names.count("batch_norm + add + relu")) == (10, 7)
    assert names.count("batch_norm") == 2  # followed by a shortcut that pads
