"""Every way out of a tensor: none loses a gradient without a word."""

import array
import asyncio
import cmath
import contextvars
import copy
import math
import operator
import pickle
import random
import statistics
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.special
import scipy.stats
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import GradientError, OperandError

X = np.array([1.0, 2.0])
WAY_OUT = (
    "join tensors with ag.stack and compute with ag's functions, or leave the tape by .detach() or .numpy()"
)  # fmt: skip
ARRAY = f"tensor: as a plain array a recorded tensor would lose its gradient; {WAY_OUT}"
NUMBER = f"tensor: as a Python number a recorded tensor would lose its gradient; {WAY_OUT}"


def _written(write):
    """Return an array that ``write`` has written to."""
    out = np.zeros(2)
    write(out)
    return out


AS_ARRAYS = {
    "np.asarray": np.asarray,
    "np.array": np.array,
    "np.asanyarray": np.asanyarray,
    "np.ascontiguousarray": np.ascontiguousarray,
    "a dtype": lambda p: np.asarray(p, dtype=np.float32),
    "a list": lambda p: np.array([p[0] ** 2, p[1] * 3.0]),
    "a list with a number": lambda p: np.array([p[0], 1.0]),
    "a list of objects": lambda p: np.array([p[0], p[1]], dtype=object),
    "np.r_": lambda p: np.r_[p, p],
    "np.r_ of numbers": lambda p: np.r_[p[0], p[1]],
    "np.c_": lambda p: np.c_[p, p],
    "np.linalg.norm of a list": lambda p: np.linalg.norm([p[0], p[1]]),
    "np.sum of a list": lambda p: np.sum([p[0], p[1]]),
    "np.max of a list": lambda p: np.max([p[0], p[1]]),
    "np.stack of lists": lambda p: np.stack([[p[0], p[1]], [p[0], p[1]]]),
    "np.where with a list": lambda p: np.where([True, False], [p[0], p[1]], 0.0),
    "np.einsum of a list": lambda p: np.einsum("i->", [p[0], p[1]]),
    "np.interp of a list": lambda p: np.interp(0.5, [0.0, 1.0], [p[0], p[1]]),
    "np.polyval": lambda p: np.polyval([p[0], p[1]], 2.0),
    "np.poly1d": lambda p: np.poly1d([p[0], p[1]]),
    "np.full": lambda p: np.full(3, p[0]),
    "np.arange": lambda p: np.arange(0.0, p[0]),
    "np.vectorize": np.vectorize(lambda x: 2 * x),
    "np.nditer": np.nditer,
    "np.ndenumerate": lambda p: list(np.ndenumerate(p)),
    "np.ma": np.ma.array,
    "np.piecewise": lambda p: np.piecewise(X, [X > 0], [p[0]]),
    "np.float32": lambda p: np.float32(p[0]),
    "an array times a list": lambda p: X * [p[0], p[1]],
    "a method of an array": X.dot,
    "a slice": lambda p: _written(lambda out: operator.setitem(out, slice(None), p)),
    "a slice from a list": lambda p: _written(lambda out: operator.setitem(out, slice(None), [p[0], p[1]])),
    "a list of places": lambda p: _written(lambda out: operator.setitem(out, [0, 1], p)),
    "a mask": lambda p: _written(lambda out: operator.setitem(out, out == 0, p[0])),
    "ndarray.put": lambda p: _written(lambda out: out.put([0], p[0])),
    "np.fill_diagonal": lambda p: np.fill_diagonal(np.zeros((2, 2)), p),
    "random numbers": lambda p: np.random.default_rng(0).normal(p),
    "a random choice": lambda p: np.random.default_rng(0).choice(p),
    "ag.tensor": ag.tensor,
    "ag.tensor of a list": lambda p: ag.tensor([p[0], p[1]]),
    "a leaf": lambda p: ag.tensor(p, requires_grad=True),
    "scipy.special.softmax": scipy.special.softmax,
    "scipy.special.logsumexp": scipy.special.logsumexp,
    "scipy.linalg.solve": lambda p: scipy.linalg.solve(np.eye(2), p),
    "scipy.stats": scipy.stats.norm.pdf,
    "scipy.signal": lambda p: scipy.signal.convolve(p, X),
    "scipy.interpolate": lambda p: scipy.interpolate.interp1d([0.0, 1.0], p),
}
"""Ways by which a tensor becomes a plain array: closed to whatever is recorded."""

AS_NUMBERS = {
    "float": lambda p: float(p[0]),
    "int": lambda p: int(p[0]),
    "complex": lambda p: complex(p[0]),
    "round": lambda p: round(p[0], 1),
    "item": lambda p: p[0].item(),
    "tolist": lambda p: p.tolist(),
    "math.sin": lambda p: math.sin(p[0]),
    "math.floor": lambda p: math.floor(p[0]),
    "math.isnan": lambda p: math.isnan(p[0]),
    "math.hypot": lambda p: math.hypot(*p),
    "math.fsum": math.fsum,
    "cmath": lambda p: cmath.sqrt(p[0]),
    "statistics": statistics.fmean,
    "percent": lambda p: f"{'%f' % p[0]}",  # noqa: UP031  # that is the way out
    "array.array": lambda p: array.array("d", p),
    "an element": lambda p: _written(lambda out: operator.setitem(out, 0, p[0] ** 2)),
    "ndarray.fill": lambda p: _written(lambda out: out.fill(p[0])),
    "np.fromiter": lambda p: np.fromiter(p, float),
    "a callback of scipy.integrate": lambda p: scipy.integrate.quad(lambda s: p[0] * s, 0, 1),
}
"""Ways by which a tensor becomes a Python number: closed to what a transform follows."""

REFUSED = {
    "np.float64": lambda p: np.float64(p[0]),
    "scipy.sparse": lambda p: scipy.sparse.csr_matrix(np.eye(2)) @ p,
    "an index of an array": lambda p: np.arange(3.0)[p],
    "np.add, out": lambda p: np.add(X, p, out=np.zeros(2)),
    "np.add, where": lambda p: np.add(X, p, where=np.array([True, False])),
    "+=": lambda p: _written(lambda out: operator.iadd(out, p)),
    "__iadd__": lambda p: np.ones(2).__iadd__(p),
    "np.add.at": lambda p: np.add.at(np.zeros(2), [0], p[0]),
    "np.frompyfunc": np.frompyfunc(lambda x: x, 1, 1),
    "np.full_like": lambda p: np.full_like(X, p[0]),
    "np.copyto": lambda p: np.copyto(np.zeros(2), p),
    "np.put": lambda p: np.put(np.zeros(2), [0], p),
    "np.place": lambda p: np.place(np.zeros(2), [True, True], p),
    "np.putmask": lambda p: np.putmask(np.zeros(2), [True, True], p),
    "a list of tensors": lambda p: ag.sum([p[0], p[1]]),
    "a list in an operator": lambda p: p * [p[0], p[1]],
    "objects": lambda p: ag.sum(_objects(p)),
    "a parameter": lambda p: ag.leaky_relu(p, p[0]),
    "a class label": lambda p: ag.softmax_cross_entropy(np.ones((2, 2)), labels=p),
    "a fill value": lambda p: ag.pad(p, 1, constant_values=p[0]),
    "range": lambda p: range(p[0]),
    "an index of a list": lambda p: [1.0, 2.0][p[0]],
    "an index of a tensor": lambda p: p[p],
    "memoryview": memoryview,
    "np.frombuffer": np.frombuffer,
    "DLPack": np.from_dlpack,
    "struct": lambda p: struct.pack("d", p[0]),
    "a list as the output": lambda p: [p[0]],
    "copy.deepcopy": lambda p: copy.deepcopy(p * 1.0),
    "copy.deepcopy of the argument": copy.deepcopy,
    "pickle": lambda p: pickle.dumps(p * 1.0),
    "pickle of the argument": pickle.dumps,
}
"""What has no answer that keeps the gradient, and raises in whatever way fits."""

KEPT = {
    "sum": (lambda p: sum([p[0], p[1]]), [1, 1]),
    "max": (lambda p: max([p[0], p[1]]), [0, 1]),
    "sorted": (lambda p: sorted(p)[1], [0, 1]),
    "math.prod": (math.prod, [2, 1]),
    "abs": (lambda p: abs(p[0]), [1, 0]),
    "pow": (lambda p: pow(p[0], 3), [3, 0]),
    "a branch": (lambda p: p[0] * 5.0 if p[0] < p[1] else p[1], [5, 0]),
    "a truth": (lambda p: p[0] * 5.0 if p[0] else p[1], [5, 0]),
    "a random number": (lambda p: random.Random(0).gauss(p[0], 1.0), [1, 0]),  # noqa: S311  # no secret
    "copy.copy": (lambda p: copy.copy(p)[0] * copy.copy(p * 2.0)[0], [4, 0]),
    "clone": (lambda p: p.clone()[0], [1, 0]),
    "a format": (lambda p: p[0] * len(f"{p[0]:.3f}"), [5, 0]),
    "a text": (lambda p: p[0] * len(str(p[0]) and repr(p)) * 0.0 + p[1], [0, 1]),
    "an array on the left": (lambda p: np.sum(X * p), [1, 2]),
    "a list on the left": (lambda p: ag.sum([1.0, 2.0] * p), [1, 2]),
    "np.stack": (lambda p: np.sum(np.stack([p[0] ** 2, p[1] * 3.0])), [2, 3]),
    "np.concatenate": (lambda p: np.sum(np.concatenate([p, X, p])), [2, 2]),
    "assignment": (lambda p: _assigned(p).sum(), [2, 1]),
    "scipy.special.erf": (lambda p: scipy.special.erf(p)[0], [2 / math.sqrt(math.pi) / math.e, 0]),
    "np.any": (lambda p: p[0] * np.any(p > 1.5), [1, 0]),
}
"""What looks like an exit, and is none."""

LEAVING = {
    "detach": lambda p: p.detach(),
    "numpy": lambda p: p.numpy(),
    "data": lambda p: p.data,
    "value": lambda p: p.detach().tolist(),
}
"""The ways out that say so."""


def _objects(p):
    out = np.empty(2, dtype=object)
    for i in range(2):
        out[i] = ag.tensor(float(i))
    out[0] = [p[0]]  # NumPy makes no object of a tensor, but keeps a list
    return out


def _assigned(p):
    out = ag.tensor(np.zeros(2))
    out[0] = p[0] ** 2
    out[1] = p[1]
    return out


def _leaf():
    return ag.tensor(X, requires_grad=True)


def _total(f):
    return lambda p: ag.sum(f(p) * p)


def _named(table):
    return for_each("exit_", table.values(), ids=table)


@_named(AS_ARRAYS)
def test_nothing_recorded_becomes_a_plain_array(exit_):
    for p in (_leaf(), _leaf() * 1.0):
        with pytest.raises(GradientError) as err:
            exit_(p)
        assert str(err.value) == ARRAY
    for transform in (ag.grad, ag.jacobian):
        with pytest.raises(GradientError) as err:
            transform(_total(exit_))(X)
        assert str(err.value) == ARRAY


@_named(AS_NUMBERS)
def test_nothing_that_a_transform_follows_becomes_a_number(exit_):
    f = _total(exit_)
    for run in (
        lambda: ag.grad(f)(X),
        lambda: ag.value_and_grad(f)(X),
        lambda: ag.vjp(f, X),
        lambda: ag.jacobian(f)(X),
        lambda: ag.hessian(f)(X),
        lambda: ag.hvp(f, X, X),
        lambda: ag.grad(lambda p: f(ag.exp(p)))(X),
        lambda: ag.grad(lambda p: ag.grad(lambda z: ag.sum(z) * p[0])(X)[0] * exit_(p))(X),
    ):
        with pytest.raises(GradientError) as err:
            run()
        assert str(err.value) == NUMBER


@_named(AS_NUMBERS)
def test_in_an_ordinary_loop_numbers_stay_usable(exit_):
    exit_(_leaf())
    exit_(_leaf() * 1.0)


@_named(AS_ARRAYS | AS_NUMBERS)
def test_what_is_not_recorded_leaves_as_it_likes(exit_):
    exit_(ag.tensor(X))
    with ag.no_grad():
        exit_(_leaf())
    ag.grad(lambda p: ag.sum(p) + 0.0 * len(str(exit_(p.detach()))))(X)


@_named(REFUSED)
def test_what_keeps_no_gradient_is_refused(exit_):
    with pytest.raises((TypeError, ValueError, IndexError, AttributeError, struct.error)):
        ag.grad(exit_)(X)


@for_each("f, expected", KEPT.values(), ids=KEPT)
def test_what_keeps_the_gradient(f, expected):
    np.testing.assert_allclose(ag.grad(f)(X), expected)


@_named(LEAVING)
def test_ways_out_that_say_so_stay_open(exit_):
    np.testing.assert_array_equal(ag.grad(lambda p: ag.sum(exit_(p) * p))(X), X)


def test_parameters_outside_are_constants_to_a_transform():
    w = ag.tensor(3.0, requires_grad=True)
    assert ag.grad(lambda x: float(w) * x)(2.0) == 3.0
    assert copy.deepcopy(w).requires_grad
    ag.grad(lambda x: copy.deepcopy(w) * x)(2.0)


def test_what_a_transform_follows_is_no_parameters_or_buffers_data():
    def as_data(w):
        layer = nn.Linear(2, 1)
        layer.weight.data = w
        return ag.sum(layer(X))

    def as_buffer(w):
        layer = nn.BatchNorm2d(2)
        layer.running_mean = w * 1.0
        return ag.sum(layer.running_mean)

    for f, x, kind in [(as_data, X[None], "the data of another"), (as_buffer, X, "a plain array")]:
        with pytest.raises(GradientError) as err:
            ag.grad(f)(x)
        assert str(err.value) == f"tensor: as {kind} a recorded tensor would lose its gradient; {WAY_OUT}"
    w = _leaf()
    w.data = w * 2.0  # in an ordinary loop it is a way out that says so
    assert w.tolist() == [2, 4]


def _in_threads(f, values):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(f, values))


async def _awaited(f, value):
    return await asyncio.create_task(asyncio.to_thread(f, value))


BEFORE = contextvars.copy_context()
ELSEWHERE = {
    "threads": lambda f, p: _in_threads(f, [p])[0],
    "threads in threads": lambda f, p: _in_threads(lambda q: _in_threads(f, [q])[0], [p])[0],
    "a context of before": lambda f, p: BEFORE.copy().run(f, p),
    "asyncio": lambda f, p: asyncio.run(_awaited(f, p)),
}
"""Where the switches of this thread are not known."""


@pytest.mark.parametrize("elsewhere", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize(("leave", "text"), [(float, NUMBER), (np.asarray, ARRAY)], ids=["float", "array"])
def test_what_a_transform_follows_is_followed_everywhere(elsewhere, leave, text):
    for f in (lambda x: x * elsewhere(leave, x), lambda x: x * elsewhere(leave, ag.exp(x))):
        for run in (ag.grad(f), ag.grad(ag.grad(f)), lambda x, f=f: elsewhere(ag.grad(f), x)):
            with pytest.raises(GradientError) as err:
                run(2.0)
            assert str(err.value) == text


@pytest.mark.parametrize("elsewhere", ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_is_computed_elsewhere_is_recorded(elsewhere):
    assert ag.grad(lambda x: x * elsewhere(ag.square, x))(3.0) == 27.0
    assert ag.grad(lambda x: elsewhere(ag.grad(lambda v: v * v * x), 3.0))(2.0) == 6.0
    assert ag.grad(lambda x: elsewhere(ag.grad(lambda v: 3.0 * v), x))(2.0) == 0.0  # by right, so without a warning
    with pytest.raises(GradientError) as err:
        ag.grad(lambda x: elsewhere(ag.grad(lambda v: v * float(x)), 3.0))(2.0)
    assert str(err.value) == NUMBER


def test_a_training_beside_a_transform_may_read_its_loss():
    def trained():
        w = _leaf()
        losses = []
        for _ in range(3):
            loss = ag.sum(w * w)
            loss.backward()
            losses.append(float(loss))
        return losses

    def f(p):
        assert _in_threads(lambda _: trained(), [0, 1]) == [[5.0] * 3] * 2
        assert trained() == [5.0] * 3
        return ag.sum(p * p)

    np.testing.assert_array_equal(ag.grad(f)(X), 2 * X)


def test_after_an_error_numbers_are_usable_again():
    with pytest.raises(GradientError):
        ag.grad(float)(1.0)
    assert float(_leaf().sum()) == 3.0


def test_an_error_of_numpys_that_hides_ours_shows_the_users_line():
    def f(p):
        out = np.zeros(2)
        out[0] = p[0]
        return ag.sum(out * p)

    with pytest.raises(GradientError, match="as a Python number") as err:
        ag.grad(f)(X)
    assert "out[0] = p[0]" in [str(entry.statement).strip() for entry in err.traceback]


def test_a_copied_result_says_how_to_copy():
    with pytest.raises(GradientError) as err:
        copy.deepcopy(_leaf() * 2.0)
    assert str(err.value) == (
        "tensor: a copy or a pickle of a recorded result would lose its history; "
        "use .clone() to go on recording, or .detach() for the values"
    )
    leaf = pickle.loads(pickle.dumps(_leaf()))  # noqa: S301  # our own
    assert (leaf.requires_grad, leaf.tolist()) == (True, [1, 2])


def test_a_model_may_be_read_and_copied_with_its_gradients_on():
    layer = nn.Linear(2, 1)
    state = dict(layer.named_parameters())
    twin = nn.Linear(2, 1)
    twin.load_state_dict(state)
    np.testing.assert_array_equal(twin.state_dict()["weight"], layer.weight.numpy())
    np.testing.assert_array_equal(copy.deepcopy(layer).weight.numpy(), layer.weight.numpy())


def test_integers_are_indices_and_others_say_why_not():
    names = ["cat", "dog"]
    assert names[ag.argmax(ag.tensor([0.0, 1.0]))] == "dog"
    assert list(range(ag.tensor(2))) == [0, 1]
    for x, got in [(ag.tensor(1.0), "shape () of float64"), (ag.tensor([1]), "shape (1,) of int64")]:
        with pytest.raises(TypeError) as err:
            operator.index(x)
        assert str(err.value) == f"tensor: can't be an index: expected one integer, got {got}"


# --- the law: whatever NumPy and SciPy have, called on what is followed, is right or refused ----

ASIDE = frozenset({
    "array2string", "array_repr", "array_str", "bmat", "busday_count", "busday_offset", "empty_like", "info",
    "is_busday", "isscalar", "may_share_memory", "save", "savetxt", "savez", "savez_compressed", "set_printoptions",
    "seterrcall", "setbufsize", "shares_memory", "show_config", "show_runtime", "test",
})  # fmt: skip
"""Functions of NumPy's that have nothing to do with numbers, or that write files or settings."""

CALLS = {
    "f(p)": lambda f, p: f(p),
    "f(p, p)": lambda f, p: f(p, p),
    "f(x, p)": lambda f, p: f(X.copy(), p),
    "f(p, 1)": lambda f, p: f(p, 1),
    "f([p0, p1])": lambda f, p: f([p[0], p[1]]),
    "f(p0)": lambda f, p: f(p[0]),
}


def _functions():
    for module in (np, np.linalg, np.fft, scipy.special):
        for name in module.__all__:
            function = getattr(module, name)
            if callable(function) and not isinstance(function, type) and name not in ASIDE:
                yield f"{module.__name__}.{name}", function


def _sum_of(result):
    """Add up all that a function of NumPy's has returned, if they are numbers."""
    if isinstance(result, (tuple, list)):
        return sum(map(_sum_of, result))
    if isinstance(result, ag.Tensor):
        return ag.sum(result * 1.0)
    return float(np.sum(np.asarray(result, float)))


@pytest.mark.filterwarnings("ignore")
@for_each("name, function", _functions())
def test_a_function_is_right_or_refused(name, function):
    for call in CALLS.values():
        try:
            with np.errstate(all="ignore"):
                plain = _sum_of(call(function, X.copy()))
        except Exception:  # noqa: BLE001, S112  # it does not take these arguments
            continue

        def f(p, call=call):
            return _sum_of(call(function, p)) + 0.0 * ag.sum(p)

        try:
            value, g = ag.value_and_grad(f)(X)
        except (TypeError, ValueError, IndexError, AttributeError):
            continue
        with np.errstate(all="ignore"):
            slope = [(_sum_of(call(function, X + h)) - _sum_of(call(function, X - h))) / 2e-6 for h in 1e-6 * np.eye(2)]
        assert value == pytest.approx(plain, nan_ok=True)
        if np.isfinite([slope, g]).all() and np.max(np.abs(slope)) < 1e4:  # not at a jump or a kink
            np.testing.assert_allclose(g, slope, rtol=1e-5, atol=1e-7)


def test_a_state_that_is_followed_is_not_loaded():
    def f(w):
        layer = nn.Linear(2, 1, bias=False)
        layer.load_state_dict({"weight": w})
        return ag.sum(layer(np.ones((1, 2), np.float32)) * w)

    with pytest.raises(GradientError, match="would lose its gradient"):
        ag.grad(f)(np.ones((1, 2), np.float32))


@pytest.mark.parametrize("cotangent", [np.ones(2) * 1j, np.array(["x", "y"]), np.full(2, None)])
def test_cotangents_that_are_no_numbers(cotangent):
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(OperandError, match="backward: the cotangent is not an array of numbers"):
        (x * 2).backward(cotangent)
    with pytest.raises(OperandError, match="vjp: the cotangent is not an array of numbers"):
        ag.vjp(lambda x: x * 2, np.ones(2))[1](cotangent)
