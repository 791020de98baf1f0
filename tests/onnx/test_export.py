"""Exported files run in onnxruntime as the functions do here, and are read again."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto
from tables import for_each

import autograd_cnn as ag
import autograd_cnn.testing.samples  # gives the primitives their calls
from autograd_cnn import nn, optim
from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import ArgumentError, FormatError, OperandError
from autograd_cnn.nn import models
from autograd_cnn.onnx.export.record import named_leaves
from autograd_cnn.testing.case import SAMPLES, registered_in

PRIMITIVES = registered_in(["autograd_cnn.ops"])
WINDOWS = {name for name in PRIMITIVES if name.startswith(("autograd_cnn.ops.correlation", "autograd_cnn.ops.pooling"))}

onnxruntime.set_default_logger_severity(4)


def session(path):
    """Return what runs a file; to make it takes least time on one thread, and without looking for shortcuts."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.fixture
def exported(tmp_path):
    """Return what exports a function and returns it as one on the graph's inputs by name, and its file."""

    def make(function, example, **options):
        path = tmp_path / "model.onnx"
        ag.onnx.export(function, example, path, **options)
        found = session(path)
        names = [each.name for each in found.get_outputs()]
        return (lambda **feeds: dict(zip(names, found.run(None, feeds), strict=True))), path

    return make


def close(ours, theirs, bound=1e-5, kinks=0.0):
    """Assert that results agree, arrays, tensors, or nested, but for a share ``kinks`` of the elements."""
    ours = [values_of(leaf) for _, leaf in named_leaves(ours, "")]
    theirs = [values_of(leaf) for _, leaf in named_leaves(theirs, "")]
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.shape, mine.dtype) == (other.shape, other.dtype)
        if not kinks or np.mean(~np.isclose(mine, other, rtol=bound, atol=bound)) > kinks:
            np.testing.assert_allclose(mine, other, rtol=bound, atol=bound)


def floats(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# --- every primitive --------------------------------------------------------------------------


def _calls(name):
    """Return a function of lists of arrays, one list for each sample, and these: values and gradients."""
    primitive = PRIMITIVES[name]
    cases = [
        case for case in SAMPLES[primitive] if not (name in WINDOWS and _is_empty(case))
    ]  # which onnxruntime refuses
    given = [[_narrow(array) for array in case.arrays] for case in cases]

    def run(given):
        results = []
        for case, arrays in zip(cases, given, strict=True):
            places = () if primitive.constant else tuple(case.differentiable)

            def loss(*arrays, case=case):
                y = primitive(*arrays, **case.params)
                return ag.sum(y * np.cos(np.arange(y.size)).astype(np.float32).reshape(y.shape))

            results.append(primitive(*arrays, **case.params))
            results.append(ag.grad(loss, places)(*arrays) if places else ())
        return results

    return run, given


def _narrow(array):
    return array.astype(np.float32) if isinstance(array, np.ndarray) and array.dtype.kind == "f" else array


def _is_empty(case):
    return any(not np.size(x) for x in case.arrays if x is not None) or 0 in case.params.get("x_shape", ())


def _check(name, exported):
    function, given = _calls(name)
    run, _ = exported(function, (given,))
    feeds = {each: leaf for each, leaf in named_leaves(given, "given") if isinstance(leaf, np.ndarray)}
    close(list(run(**feeds).values()), function(given))


QUICK = ("activation.gelu", "indexing.getitem", "pooling.max_pool", "reduction.cumsum", "softmax.softmax")


@for_each("name", [f"autograd_cnn.ops.{name}" for name in QUICK])
def test_some_primitives_and_their_gradients(name, exported):
    _check(name, exported)


NONE = (
    "elementwise.nextafter", "rounding._exponent", "trigonometric._sinc",
    "inverse._pinv", "polynomial._roots", "fourier._cosines", *(f"decomposition.{name}" for name in ("_eigh", "_over_gaps", "_qr", "_svd")),
)  # fmt: skip


@pytest.mark.slow
@for_each("name", [name for name in PRIMITIVES if name.removeprefix("autograd_cnn.ops.") not in (*QUICK, *NONE)])
def test_the_other_primitives_and_their_gradients(name, exported):
    _check(name, exported)


@for_each("name", [f"autograd_cnn.ops.{name}" for name in NONE])
def test_primitives_without_a_counterpart(name, exported):
    with pytest.raises(FormatError, match="has no counterpart in ONNX; compute it with other operations"):
        _check(name, exported)


def test_inverses_of_large_matrices(exported):
    with pytest.raises(FormatError) as err:
        exported(ag.inv, np.eye(9, dtype=np.float32))
    assert str(err.value) == (
        "export: inverses and factors of large matrices have no counterpart in ONNX: expected at most 8 rows, got 9; "
        "solve by an iteration of products"
    )


ODD = np.float32([-np.inf, -2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.0, 2.5, np.inf])
WHOLE = np.int64([-7, -1, 0, 1, 6])


@for_each(
    "function, x",
    [
        (ag.signbit, ODD),
        (lambda x: ag.copysign(2.0, x), ODD),
        (lambda x: ag.ldexp(x, np.int64(-140)) + ag.ldexp(x, np.int64(120)), ODD),
        (lambda x: ag.hypot(x, ODD[::-1]), ODD),
        (lambda x: ag.arctan2(x[1:-1, None], x[1:-1]), ODD[ODD != 0]),
        (lambda x: ag.logaddexp(x, ODD[::-1]), ODD),
        (lambda x: ag.isinf(x) | ~ag.isfinite(x), ODD),
        (lambda x: ag.round(x, 1) + ag.trunc(x), ODD[1:-1]),
        (lambda x: (x // 2 + x % 1.5 - x % -1.5, ag.fmod(x, -1.5)), ODD[1:-1]),
        (lambda x: (x // 2, x % 3, x % -3, ag.fmod(x, 3), x << 2, x >> 1), WHOLE),
        (lambda x: (x << 2, x >> 1, ~x, x & 3), np.uint8([0, 5, 63])),
        (lambda x: (ag.isnan(x), ag.floor(x), ag.round(x), ag.round(x, -1)), WHOLE),
        (lambda x: (ag.sort(x), ag.argsort(x), ag.searchsorted(ODD, x, side="right")), np.float32([2, 0.5, 2, -1, 2])),
        (lambda x: (ag.any(x, axis=0), ag.all(x), ag.count_nonzero(x)), np.array([[True, False], [False, False]])),
    ],
)
def test_odd_numbers_and_whole_ones(function, x, exported):
    run, _ = exported(function, x)
    with np.errstate(all="ignore"):
        close([*run(x=x).values()], function(x))


# --- models and functions ---------------------------------------------------------------------


def _loss(model):
    return lambda x, labels: ag.value_and_grad(lambda x: nn.cross_entropy(model(x), labels))(x)


@pytest.mark.slow
@for_each(
    "make, image, options",
    [
        (models.lenet5, (1, 28, 28), {}),
        (models.lenet1998, (1, 32, 32), {}),
        (models.resnet20, (3, 32, 32), {}),
        (models.small_vgg, (3, 32, 32), {}),
        (models.resnet18, (3, 32, 32), {"classes": 10}),
        (models.mobilenet_v2, (3, 32, 32), {"classes": 10, "width": 0.25}),
        (models.unet, (3, 16, 32), {"classes": 6, "width": 4}),
        (models.digits_net, (1, 8, 8), {}),
        (models.tiny_vit, (3, 32, 32), {"width": 16, "depth": 1}),
    ],
)
def test_models_and_their_gradients_for_batches_of_any_size(make, image, options, exported):
    model, x = make(rng=0, **options).eval(), floats(5, *image)
    labels = np.zeros_like(np.argmax(model(x), axis=1)) + np.arange(5).reshape(-1, *[1] * (np.ndim(model(x)) - 2))
    run, path = exported(model, x, dynamic_batch=True)
    for count in (1, 3, 5):
        close(run(x=x[:count]), {"y": model(x[:count])})
    again = ag.onnx.load(path)
    close(again(x), model(x))
    assert {name for name, _ in again.named_parameters()} == {name for name, _ in model.named_parameters()}
    run, path = exported(_loss(model), (x, labels), dynamic_batch=True)
    for count in (1, 4):
        theirs = _loss(model)(x[:count], labels[:count])
        # where rounding takes what a ReLU gets to the other side of 0, so does the gradient below
        close([*run(x=x[:count], labels=labels[:count]).values()], theirs, kinks=0.02)
    close(ag.onnx.load(path)(x[:count], labels[:count]), theirs, kinks=0.02)


@pytest.mark.slow
def test_a_network_of_letters_and_a_step(exported):
    model, x = models.char_lstm(7, rng=0, embedding=5, hidden=6, layers=2), np.arange(12).reshape(4, 3) % 7
    run, path = exported(lambda x: model(x)[0], x, dynamic_batch=True)
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert kinds.count("LSTM") == 2
    assert "MatMul" in kinds  # of the scores alone
    for count in (1, 4):
        close(run(x=x[:count]), {"y": model(x[:count])[0]})
    close(ag.onnx.load(path)(x), model(x)[0])
    optimizer = optim.SGD(model.parameters(), lr=0.5)

    def step(x, labels):
        optimizer.zero_grad()
        nn.cross_entropy(ag.reshape(model(x)[0], (-1, 7)), labels).backward()
        optimizer.step()
        return model(x)[0]

    run, _ = exported(step, (x, (x.ravel() + 1) % 7))
    results = run(x=x, labels=(x.ravel() + 1) % 7)
    close(results.pop("y"), step(x, (x.ravel() + 1) % 7))
    close({name: results[f"{name}.next"] for name, _ in model.named_parameters()}, dict(model.named_parameters()))


MEMORY = nn.LSTM(3, 4, batch_first=True, rng=0)


@for_each(
    "function, example",
    [
        (lambda x: np.exp(x).mean(axis=1) - x.std(axis=1), floats(4, 3)),  # NumPy's functions
        (lambda x: x.astype(np.float16) * 2, floats(4, 3)),
        (ag.grad(lambda x: ag.sum(x[:, ::2] ** 3) + ag.sum(x[:, ::-2])), floats(4, 5)),
        (lambda x: ag.hvp(lambda x: ag.sum(ag.tanh(x) ** 3), x, x), floats(4, 3)),
        (lambda x: MEMORY(x)[0], floats(4, 5, 3)),
        (lambda x: ag.pad(x, ((0, 0), (1, 1)), mode="reflect"), floats(4, 3)),
        (lambda x: ag.set_at(x, 0, index=(slice(None), 1)), floats(4, 3)),
        (lambda x: ag.take_along_axis(x, ag.argmax(x, axis=1, keepdims=True), axis=1), floats(4, 3)),
        (lambda x: ag.tile(x, (2, 3)), floats(4, 3)),
        (lambda x: (x, np.float32(3), x.sum() / len(x)), floats(4, 3)),
        (nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1, rng=0), floats(4, 3, 5, 5)),
        (ag.grad(lambda x: ag.sum(ag.adaptive_mean_pool(x, (2, 3)) ** 2)), floats(4, 3, 5, 7)),
        (nn.BatchNorm2d(3), floats(4, 3, 2, 2)),
        (ag.det, floats(4, 3, 3)),
        (lambda x: nn.cross_entropy(x, ag.argmax(-x, axis=1), ignore_index=2), floats(4, 3)),
        (ag.vmap(ag.grad(lambda x: ag.sum(x**3) / x[0])), floats(4, 3)),
        (lambda p: {"loss": ag.sum(p["w"] * p["b"])}, {"w": floats(4), "b": floats(4)}),
    ],
)
def test_functions_for_batches_of_any_size(function, example, exported):
    run, _ = exported(function, example, dynamic_batch=True)
    feeds = dict(named_leaves(example, "p" if isinstance(example, dict) else "x"))
    for count in (2, 4):
        names = {name: leaf[:count] for name, leaf in feeds.items()}
        got = {name: y for name, y in run(**names).items() if not name.endswith(".next")}
        theirs = function({n.removeprefix("p."): leaf for n, leaf in names.items()} if "p.w" in names else names["x"])
        close([*got.values()], theirs)


def test_names_and_types(exported):
    def classify(image, settings):
        return {"scores": image @ settings["w"], "label": ag.argmax(image, axis=1)}

    _, path = exported(classify, (floats(2, 3), {"w": floats(3, 4), "scale": 2.0}))
    model = onnx.load(path)
    assert [each.name for each in model.graph.input] == ["image", "settings.w"]
    assert [each.name for each in model.graph.output] == ["scores", "label"]
    assert [each.type.tensor_type.elem_type for each in model.graph.output] == [TensorProto.FLOAT, TensorProto.INT64]
    assert (model.opset_import[0].version, model.graph.name) == (20, "classify")


def test_metadata_come_back(tmp_path):
    ag.onnx.export(ag.sin, floats(2), tmp_path / "a.onnx", metadata={"classes": "ä, b", "by": ""})
    assert ag.onnx.load(tmp_path / "a.onnx").metadata == {"classes": "ä, b", "by": ""}


def test_nodes_are_named_after_modules(exported):
    _, path = exported(nn.Sequential(nn.Linear(2, 3), nn.ReLU()).eval(), floats(1, 2))
    assert [node.name for node in onnx.load(path).graph.node] == ["/0/Gemm", "/1/Relu"]


# --- training ---------------------------------------------------------------------------------


def _net(*norms):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=not norms, rng=0), *norms, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(4 * 4 * 4, 3, rng=1),
    )  # fmt: skip


@pytest.mark.slow
@for_each(
    "make, norms",
    [
        (lambda p: optim.SGD(p, lr=0.1), [nn.BatchNorm2d(4)]),
        (lambda p: optim.SGD(p, lr=0.001, maximize=True), []),
        (lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01), []),
        (lambda p: optim.Adam(p, lr=0.01, weight_decay=0.01), []),
        (lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1), [nn.BatchNorm2d(4, momentum=None)]),
        (lambda p: optim.RMSprop(p, lr=0.001, momentum=0.5), []),
        (lambda p: optim.Adagrad(p, lr=0.01, lr_decay=0.1, initial_accumulator_value=0.2), []),
        (lambda p: optim.Adadelta(p, lr=0.5, weight_decay=0.01), []),
        (lambda p: optim.Adamax(p, lr=0.01), []),
        (lambda p: optim.Lion(p, lr=0.001, weight_decay=0.1), []),
    ],
)
def test_twenty_steps_are_those_of_here(make, norms, exported):
    model = _net(*norms)
    optimizer = make(model.parameters())

    def step(x, labels):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    x, labels = floats(20, 8, 1, 8, 8), np.random.default_rng(0).integers(0, 3, (20, 8))
    before = model.state_dict()
    run, _ = exported(step, (x[0], labels[0]), dynamic_batch=True)
    close(model.state_dict(), before)  # put back
    assert not optimizer.state
    assert all(p.grad is None for p in model.parameters())
    state = {}
    for count in range(20):
        images, right = x[count, : 5 + count % 4], labels[count, : 5 + count % 4]
        results = run(x=images, labels=right, **state)
        close(results["y"], step(images, right))
        state = {name.removesuffix(".next"): y for name, y in results.items() if name.endswith(".next")}
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(state[name], value, rtol=1e-4, atol=1e-5)


@for_each(
    "options",
    [
        {"kernel_size": 2, "stride": 3, "padding": 1, "dilation": 3, "ceil_mode": True},
        {"kernel_size": (4, 1), "stride": 1, "padding": "same", "dilation": (2, 1)},
    ],
)
def test_pools_with_wide_borders(options, exported):
    pool = nn.MaxPool2d(return_indices=True, **options)

    def results(x):
        y, indices = pool(x)
        return y, indices, ag.grad(lambda x: ag.sum(pool(x)[0] ** 2))(x)

    x = floats(2, 3, 7, 9)
    run, _ = exported(results, x)
    close(list(run(x=x).values()), results(x))


def test_the_learning_rate_is_an_input(exported):
    w = ag.tensor(np.float32([1, 2]), requires_grad=True, name="w")
    optimizer = optim.SGD([w], lr=0.5)

    def step(x):
        (w * x).sum().backward()
        optimizer.step()
        return w

    run, _ = exported(step, np.float32([1, 1]))
    assert run(x=np.float32([1, 1]))["w.next"].tolist() == [0.5, 1.5]
    assert run(x=np.float32([1, 1]), lr=np.array(0.25, np.float32))["w.next"].tolist() == [0.75, 1.75]


@for_each("reset", ["never", "after", "zeros"])
def test_gradients_that_are_not_reset_add_up(reset, exported):
    model = nn.Linear(3, 1, rng=0)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x):
        if reset == "zeros":
            optimizer.zero_grad(set_to_none=False)
        for part in (x[:1], x[1:]):
            (model(part) ** 2).sum().backward()
        optimizer.step()
        if reset == "after":
            optimizer.zero_grad()
        return model.weight

    run, _ = exported(step, floats(3, 3))
    state = {}
    for count in range(3):
        x = floats(3, 3, seed=count)
        results = run(x=x, **state)
        state = {name.removesuffix(".next"): y for name, y in results.items() if name.endswith(".next")}
        close(results["y"], step(x))
        assert ("weight.grad" in state) == (reset == "never")


# --- refusals ---------------------------------------------------------------------------------


@ag.primitive
def _cube(x):
    return x**3


class _Own(optim.SGD):
    pass


def _trained(make):
    w = ag.tensor([1.0], requires_grad=True)
    optimizer = make([w])

    def step(x):
        (w * x).sum().backward()
        optimizer.step()
        return w

    return step


X = floats(4, 3)


@for_each(
    "function, example, options, problem",
    [
        (3, X, {}, "export: not a function: expected a function, got 3"),
        (np.sum, 3.0, {}, "export: no argument is an array; pass example_inputs with arrays"),
        (lambda x: 3, X, {}, "export: a result is not an array: expected arrays or tensors, got int"),
        (_cube, X, {}, "export: cube has no counterpart in ONNX; compute it with other operations"),
        (lambda x: x * float(x.sum()), X, {}, "export: a Python number reads a value in the middle (*)"),
        (
            nn.Dropout(0.5), X, {},
            "export: what mask does is not a computation that ONNX could make again (*); call .eval() on the model first",
        ),
        (
            _trained(lambda p: _Own(p, lr=0.1)), X[0, :1], {},
            (
                "export: the steps of _Own have no formula; only those of "
                "SGD, Adadelta, Adagrad, Adam, AdamW, Adamax, Lion, RMSprop have"
            ),
        ),
        (
            _trained(lambda p: optim.Adam(p, amsgrad=True)), X[0, :1], {},
            "export: the option amsgrad of Adam has no formula",
        ),
        (
            _trained(lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5)), X[0, :1], {},
            "export: the first step with a dampening differs from later ones; take a step before",
        ),
        (
            lambda x: sum(x[i] for i in range(len(x))), X, {"dynamic_batch": True},
            "export: other calls are made for batches of another size; leave out dynamic_batch",
        ),
        (
            lambda x: x * np.linspace(0, 1, len(x), dtype=np.float32)[:, None], X, {"dynamic_batch": True},
            "export: multiply takes an array that changes with the batch in an unknown way; leave out dynamic_batch",
        ),
        (
            lambda x: x * float(np.sqrt(len(x))), X, {"dynamic_batch": True},
            "export: multiply takes a number that changes with the batch in an unknown way; leave out dynamic_batch",
        ),
        (
            lambda x: x[x > 0], X, {},
            "export: of what a computed mask picks, the values tell how much it is; set the rest to 0 by where",
        ),
        (
            lambda x: (x[:, None] * x).reshape(-1, 3), X, {"dynamic_batch": True},
            "export: the shape of a result changes with the batch in an unknown way; leave out dynamic_batch",
        ),
        (
            lambda x: x[1:, ag.argmax(x[0, 0], keepdims=True)], floats(3, 2, 2), {},
            "export: an index that mixes arrays from the graph, or lengths of the batch, with slices; take along one axis at a time",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_exported(function, example, options, problem, tmp_path):
    with pytest.raises((FormatError, OperandError)) as err:
        ag.onnx.export(function, example, tmp_path / "model.onnx", **options)
    said, (first, _, last) = str(err.value), problem.partition("*")
    assert said.startswith(first)
    assert said.endswith(last)
    assert "*" in problem or said == problem
    assert not (tmp_path / "model.onnx").exists()


def test_the_name_of_a_file_says_what_it_is(tmp_path):
    with pytest.raises(ArgumentError) as error:
        ag.onnx.export(ag.relu, floats(2), tmp_path / "x.txt")
    assert str(error.value) == "export: unknown kind of file: expected a name that ends in .onnx, got 'x.txt'"
    assert not list(tmp_path.iterdir())


def test_a_network_is_read_from_a_file_of_any_name(tmp_path):
    ag.onnx.export(ag.relu, floats(2), tmp_path / "net.onnx")
    network = ag.onnx.load((tmp_path / "net.onnx").rename(tmp_path / "net"))
    assert network(np.array([-1.0, 2.0], np.float32)).tolist() == [0.0, 2.0]
