"""Functions of one example for many: what they give is what a loop gives, for every primitive and for whole networks."""

from dataclasses import dataclass

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
import autograd_cnn.testing.samples  # they add themselves
from autograd_cnn import nn
from autograd_cnn.engine.primitive import REGISTRY
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.testing.case import SAMPLES
from autograd_cnn.transforms.batching import RULES

OURS = sorted(name for name, primitive in REGISTRY.items() if primitive in SAMPLES)
COUNT = 3


def _value(x):
    return np.asarray(x.value if isinstance(x, ag.Tensor) else x)


def _examples(array, rng):
    """Return examples alike: they differ by little, so that no kink or tie lies between them."""
    if array.dtype.kind == "f":
        return np.stack([array + 0.01 * i * rng.uniform(size=array.shape) for i in range(COUNT)])
    return np.stack([array] * COUNT)


def _looped(f, arrays, axes):
    rows = [f(*(x if axis is None else x[i] for x, axis in zip(arrays, axes, strict=True))) for i in range(COUNT)]
    return ag.stack(rows)


def _like_a_loop(f, arrays, axes):
    found, expected = (_value(each) for each in (ag.vmap(f, axes)(*arrays), _looped(f, arrays, axes)))
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("family", sorted({name.split(".")[2] for name in OURS}))
def test_every_primitive_is_mapped_as_a_loop_would(family, rng):
    """Over all operands with gradients from inside and outside, and over each of them alone."""
    for primitive in [REGISTRY[name] for name in OURS if name.split(".")[2] == family]:
        for case in SAMPLES[primitive]:
            places = [i for i, x in enumerate(case.arrays) if isinstance(x, np.ndarray)]
            floats = tuple(n for n, place in enumerate(places) if place in case.differentiable)

            def f(*xs, primitive=primitive, case=case, places=places):
                operands = list(case.arrays)
                for place, x in zip(places, xs, strict=True):
                    operands[place] = x
                return primitive(*operands, **case.params)

            def gradient(*xs, f=f, floats=floats):
                return ag.grad(lambda *ys: ag.sum(ag.square(f(*ys))), floats[0])(*xs)

            def outer(*xs, f=f, floats=floats):
                axes = [0] * len(xs)
                return ag.grad(lambda *ys: ag.sum(ag.square(ag.vmap(f, axes)(*ys))), floats[-1])(*xs)

            everything = [_examples(case.arrays[i], rng) for i in places]
            _like_a_loop(f, everything, [0] * len(places))
            for chosen in places if len(places) > 1 else ():
                arrays = [x if i == chosen else x[0] for i, x in zip(places, everything, strict=True)]
                _like_a_loop(f, arrays, [0 if i == chosen else None for i in places])
            if floats and not primitive.constant:
                _like_a_loop(gradient, everything, [0] * len(places))
                each = ag.grad(lambda *xs, f=f: ag.sum(ag.square(f(*xs))), floats[-1])
                np.testing.assert_allclose(
                    outer(*everything), _value(_looped(each, everything, [0] * len(places))), rtol=1e-9, atol=1e-11
                )


def test_what_is_called_for_each_example():
    ours = [primitive for name, primitive in REGISTRY.items() if name.startswith("autograd_cnn.ops.")]
    without = {primitive.name for primitive in ours if primitive not in RULES}
    assert without == {"searchsorted"}  # the docs say so


# --- functions ----------------------------------------------------------------------------------


@ag.primitive
def _swapped(x):
    return x[::-1].copy()


@_swapped.vjp("x")
def _swapped_vjp_x(g):
    return _swapped(g)


@for_each(
    "f, shape",
    [
        (lambda x: x**2 + 1, ()),
        (lambda x: ag.where(x > 0, x, 2 * x), (3,)),
        (_swapped, (3,)),  # another's primitive, not known to be elementwise
        (lambda x: ag.grad(lambda y: ag.sum(y**3) * x[0])(x), (3,)),
        (ag.jacobian(lambda x: x[:2] * x[2]), (3,)),
        (ag.hessian(lambda x: ag.sum(ag.sin(x)) ** 2), (2,)),
        (lambda x: ag.jvp(lambda y: y @ y, (x,), (x,))[1], (2, 2)),
        (lambda x: ag.vmap(lambda row: row * ag.sum(x))(x), (2, 3)),
        (lambda x: ag.vmap(ag.vmap(lambda a, b: a * b, (None, 0)), (0, None))(x, x), (3,)),
        (lambda x: ag.full_like(x, 2.0), (2,)),
        (lambda x: np.linalg.norm(np.diag(x)) + np.median(x), (3,)),
        (lambda x: ag.convolve(x, x), (3,)),
        (lambda x: x[np.array([0, 2])][:, None, [1, 0]] + x[..., None, 0], (3, 2)),
        (lambda x: ag.linear(x, x.T @ x, x[0]), (3, 2)),
    ],
)
def test_functions(f, shape, rng):
    x = rng.standard_normal((COUNT, *shape))
    _like_a_loop(f, [x], [0])


@dataclass
class _Pair:
    a: object
    b: object


def test_containers_axes_and_arguments_by_name(rng):
    x, w = rng.standard_normal((2, 4, COUNT)), rng.standard_normal(2)

    def f(pair, w, *, factor):
        return {"sum": ag.sum(pair.a @ pair.b), "both": (w * factor, [pair.a, 3.0])}

    y = ag.vmap(f, in_axes=(2, None), out_axes=-1)(_Pair(x, x[::-1].swapaxes(0, 1)), w, factor=2.0)
    np.testing.assert_allclose(y["sum"], [np.sum(x[..., i] @ x[::-1, :, i].T) for i in range(COUNT)])
    np.testing.assert_array_equal(y["both"][0], np.stack([2 * w] * COUNT, axis=-1))
    np.testing.assert_array_equal(y["both"][1][0], x)
    np.testing.assert_array_equal(y["both"][1][1], [3.0] * COUNT)


def test_arrays_give_arrays_and_tensors_tensors():
    x = np.arange(3)
    assert type(ag.vmap(ag.sin)(x)) is np.ndarray
    assert type(ag.vmap(ag.sin)(ag.tensor(x))) is ag.Tensor
    np.testing.assert_array_equal(ag.vmap(ag.grad(lambda x: x**3))(x), 3.0 * x**2)
    none = ag.vmap(lambda x: ag.layer_norm(x, None, None))(np.ones((0, 2), np.float32))
    assert (none.shape, none.dtype) == ((0, 2), np.float32)
    w = ag.tensor(2.0, requires_grad=True)
    ag.vmap(lambda x: x * w)(x).sum().backward()
    assert w.grad == 3.0


def _per_example(model, images, labels, parameters):
    def loss(parameters, image, label):
        return nn.cross_entropy(nn.functional_call(model, parameters, image[None]), label[None])

    gradient = ag.grad(loss)
    found = ag.vmap(gradient, in_axes=(None, 0, 0))(parameters, images, labels)
    rows = [gradient(parameters, image, label) for image, label in zip(images, labels, strict=True)]
    for name in parameters:
        np.testing.assert_allclose(found[name], [row[name] for row in rows], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("backend", sorted({"reference", ag.current_backend()}))
def test_gradients_of_a_network_for_each_example(backend, rng):
    layers = [
        nn.Conv2d(2, 4, 3, stride=2, rng=0), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=2, bias=False, rng=1),
        nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.LayerNorm(16), nn.Linear(16, 5, rng=2),
    ]  # fmt: skip
    model = nn.Sequential(*layers).double().eval()
    parameters = {name: p.numpy() for name, p in model.named_parameters()}
    images, labels = rng.standard_normal((COUNT, 2, 13, 13)), np.array([0, 4, -100])
    with ag.set_backend(backend):
        _per_example(model, images, labels, parameters)


def test_a_network_for_several_sets_of_parameters(rng):
    model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.Tanh(), nn.Flatten(), nn.Linear(8, 3, rng=1)).double()
    names = [name for name, _ in model.named_parameters()]
    sets = [rng.standard_normal((COUNT, *p.shape)) for p in model.parameters()]
    images = rng.standard_normal((4, 1, 4, 4))
    _like_a_loop(
        lambda *ps: nn.functional_call(model, dict(zip(names, ps, strict=True)), images), sets, [0] * len(sets)
    )


# --- what can't be mapped -----------------------------------------------------------------------

X = np.array([[1.0, 2.0, 2.0], [3.0, 1.0, 1.0]])
GENERATOR = np.random.default_rng(0)
NORM = nn.BatchNorm1d(3)
REFUSED = "vmap: the function can't be mapped: "
CHANGES = "draws numbers or changes something; compute gradients by ag.grad, and put models in eval mode ("
NOT_ALIKE = "vmap: the function can't be mapped, as it does not do the same for all examples: "


@for_each(
    "f, text",
    [
        (lambda x: x if x[0] > 2 else -x, f"{REFUSED}a branch reads a value in the middle ("),
        (lambda x: ag.sin(float(x[0])), f"{REFUSED}a Python number reads a value in the middle ("),
        (lambda x: np.sin(x.numpy()), f"{REFUSED}numpy() reads a value in the middle ("),
        (lambda x: np.asarray(x) * 2, f"{REFUSED}a plain array reads a value in the middle ("),
        (ag.unique, f"{REFUSED}unique reads a value in the middle"),
        (lambda x: nn.functional.dropout(x, 0.5), f"{REFUSED}mask {CHANGES}"),
        (lambda x: NORM(x[None] * np.ones((2, 1))), f"{REFUSED}BatchNorm._follow_batch {CHANGES}"),
        (lambda x: x * GENERATOR.random(), f"{NOT_ALIKE}multiply took something else in the next run ("),
    ],
)  # fmt: skip
def test_what_python_decides_or_changes_is_refused(f, text):
    with pytest.raises(OperandError) as err:
        ag.vmap(f)(X)
    assert str(err.value).startswith(text)


def test_the_labels_of_all_examples_are_checked():
    scores, labels = np.zeros((3, 4)), np.array([0, -100, 4])
    with pytest.raises(ArgumentError, match=r"labels\[0\] is out of range: expected 0 to 3, got 4"):
        ag.vmap(nn.cross_entropy)(scores, labels)


@for_each(
    "call, error, text",
    [
        (lambda: ag.vmap(3), OperandError, "vmap: f is not a function: expected a function of arrays, got int"),
        (lambda: ag.vmap(ag.sin, "a"), ArgumentError, "vmap: in_axes is not understood: expected an int, got 'a'"),
        (lambda: ag.vmap(ag.sin)(3.0), ShapeError,
         "vmap: an argument has no axis of examples: expected an array, got float; pass an array, or say None for it in in_axes"),
        (lambda: ag.vmap(ag.add)(X, X.T), ShapeError,
         "vmap: the arguments do not go together: expected one number of examples, got 2 and 3"),
        (lambda: ag.vmap(ag.add, (None, None))(X, X), ShapeError,
         "vmap: the arguments do not go together: expected one number of examples, got none, as no argument is mapped"),
        (lambda: ag.vmap(ag.add, (0,))(X, X), ArgumentError,
         "vmap: in_axes does not fit the arguments: expected 2 axes, got 1"),
        (lambda: nn.functional_call(nn.Linear(2, 1), {"w": X}, X), ArgumentError,
         "functional_call: no parameter 'w'; it has weight, bias"),
        (lambda: nn.functional_call(nn.Linear(2, 1), {"weight": X}, X), ShapeError,
         "functional_call: 'weight' has another shape: expected (1, 2), got (2, 3)"),
    ],
)  # fmt: skip
def test_arguments(call, error, text):
    with pytest.raises(error) as err:
        call()
    assert str(err.value) == text


def test_a_module_has_its_own_parameters_back_after_an_error():
    layer = nn.Linear(2, 1, rng=0)
    own = layer.weight
    with pytest.raises(ShapeError):
        nn.functional_call(layer, {"weight": np.ones((1, 2))}, np.ones(3))
    assert layer.weight is own
