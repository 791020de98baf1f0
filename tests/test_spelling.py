"""Other libraries' names: understood where they mean the same, answered in one sentence where not."""

import inspect

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn, optim, spelling
from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.testing import check_vjp

A = np.array([[0.5, 1.5, 0.75], [1.25, 0.25, 2.0]])

METHODS = {
    "exp": (lambda t: t.exp(), np.exp),
    "log": (lambda t: t.log(), np.log),
    "sqrt": (lambda t: t.sqrt(), np.sqrt),
    "abs": (lambda t: t.abs(), np.abs),
    "neg": (lambda t: t.neg(), np.negative),
    "square": (lambda t: t.square(), np.square),
    "sin": (lambda t: t.sin(), np.sin),
    "tanh": (lambda t: t.tanh(), np.tanh),
    "sigmoid": (lambda t: t.sigmoid(), lambda a: 1 / (1 + np.exp(-a))),
    "relu": (lambda t: (t - 1.0).relu(), lambda a: np.maximum(a - 1, 0)),
    "softmax": (lambda t: t.softmax(-1), lambda a: np.exp(a) / np.exp(a).sum(-1, keepdims=True)),
    "softmax, dim": (lambda t: t.softmax(dim=0), lambda a: np.exp(a) / np.exp(a).sum(0)),
    "log_softmax": (lambda t: t.log_softmax(dim=1), lambda a: a - np.log(np.exp(a).sum(1, keepdims=True))),
    "logsumexp": (lambda t: t.logsumexp(dim=1, keepdim=True), lambda a: np.log(np.exp(a).sum(1, keepdims=True))),
    "pow": (lambda t: t.pow(3), lambda a: a**3),
    "add": (lambda t: t.add(2.0), lambda a: a + 2),
    "sub": (lambda t: t.sub(2.0), lambda a: a - 2),
    "mul": (lambda t: t.mul(t), lambda a: a * a),
    "div": (lambda t: t.div(2.0), lambda a: a / 2),
    "matmul": (lambda t: t.matmul(np.ones((3, 2))), lambda a: a @ np.ones((3, 2))),
    "mm": (lambda t: t.mm(t.t()), lambda a: a @ a.T),
    "bmm": (lambda t: t[None].bmm(np.ones((1, 3, 2))), lambda a: a[None] @ np.ones((1, 3, 2))),
    "clamp": (lambda t: t.clamp(min=0.6, max=1.3), lambda a: a.clip(0.6, 1.3)),
    "clone": (lambda t: t.clone(), np.copy),
    "contiguous": (lambda t: t.contiguous().cpu().to("cpu"), np.copy),
    "view": (lambda t: t.view(3, 2), lambda a: a.reshape(3, 2)),
    "view, tuple": (lambda t: t.view((3, -1)), lambda a: a.reshape(3, 2)),
    "view, -1": (lambda t: t.view(-1), lambda a: a.reshape(-1)),
    "view_as": (lambda t: t.view_as(np.ones((3, 2))), lambda a: a.reshape(3, 2)),
    "permute": (lambda t: t[None].permute(2, 0, 1), lambda a: a[None].transpose(2, 0, 1)),
    "permute, tuple": (lambda t: t.permute((1, 0)), lambda a: a.T),
    "mT": (lambda t: t[None].mT, lambda a: a.T[None]),
    "unsqueeze": (lambda t: t.unsqueeze(0), lambda a: a[None]),
    "unsqueeze, dim": (lambda t: t.unsqueeze(dim=-1), lambda a: a[..., None]),
    "squeeze": (lambda t: t[None].squeeze(dim=0), np.copy),
    "flatten": (lambda t: t.flatten(), np.ravel),
    "flatten, 1": (lambda t: t[None].flatten(1), lambda a: a.reshape(1, 6)),
    "flatten, end": (lambda t: t[None].flatten(start_dim=0, end_dim=1), np.copy),
    "flatten, NumPy's": (lambda t: t.flatten("C"), np.ravel),
    "flatten, order": (lambda t: t.flatten(order="C"), np.ravel),
    "reshape, shape": (lambda t: t.reshape(shape=(3, 2)), lambda a: a.reshape(3, 2)),
    "movedim": (lambda t: t.movedim(0, 1), np.transpose),
    "swapdims": (lambda t: t.swapdims(0, 1), np.transpose),
    "astype, copy": (lambda t: t.astype(float, copy=False), np.copy),
    "requires_grad_": (lambda t: t.requires_grad_() if t.is_leaf else t, np.copy),
    "expand": (lambda t: t[:1].expand(4, -1), lambda a: np.broadcast_to(a[:1], (4, 3))),
    "expand, more axes": (lambda t: t.expand(2, -1, 3), lambda a: np.broadcast_to(a, (2, 2, 3))),
    "expand_as": (lambda t: t.expand_as(np.ones((4, 2, 3))), lambda a: np.broadcast_to(a, (4, 2, 3))),
    "double": (lambda t: t.double(), np.copy),
    "to": (lambda t: t.to(np.float64), np.copy),
    "sum": (lambda t: t.sum(dim=1, keepdim=True), lambda a: a.sum(1, keepdims=True)),
    "sum, two": (lambda t: t.sum(dim=(0, 1)), np.sum),
    "mean": (lambda t: t.mean(dim=0), lambda a: a.mean(0)),
    "prod": (lambda t: t.prod(dim=0), lambda a: a.prod(0)),
    "amax": (lambda t: t.amax(axis=1), lambda a: a.max(1)),
    "var": (lambda t: t.var(dim=1, correction=1), lambda a: a.var(1, ddof=1)),
    "std": (lambda t: t.std(correction=0, dim=1), lambda a: a.std(1)),
    "cumsum": (lambda t: t.cumsum(dim=1), lambda a: a.cumsum(1)),
    "flip": (lambda t: t.flip(dims=(0, 1)), np.flip),
    "roll": (lambda t: t.roll(shifts=1, dims=1), lambda a: np.roll(a, 1, axis=1)),
    "ag.sum": (lambda t: ag.sum(t, dim=1, keepdim=True), lambda a: a.sum(1, keepdims=True)),
    "ag.softmax": (lambda t: ag.softmax(t, dim=0), lambda a: np.exp(a) / np.exp(a).sum(0)),
    "ag.stack": (lambda t: ag.stack([t, t], dim=1), lambda a: np.stack([a, a], 1)),
    "ag.concatenate": (lambda t: ag.concatenate([t, t], dim=1), lambda a: np.concatenate([a, a], 1)),
    "ag.concatenate, tensors": (lambda t: ag.concatenate(tensors=[t, t]), lambda a: np.concatenate([a, a])),
    "ag.squeeze": (lambda t: ag.squeeze(t[None], dim=0), np.copy),
    "ag.expand_dims": (lambda t: ag.expand_dims(t, dim=0), lambda a: a[None]),
    "ag.take": (lambda t: ag.take(t, [1, 0], dim=0), lambda a: a[::-1]),
    "ag.relu": (lambda t: ag.relu(t - 1.0, inplace=True), lambda a: np.maximum(a - 1, 0)),
    "np.clip": (lambda t: np.clip(t, a_min=0.6, a_max=1.3), lambda a: a.clip(0.6, 1.3)),
}


@for_each("ours, numpys", METHODS.values(), ids=METHODS)
def test_what_means_the_same_is_understood(ours, numpys):
    np.testing.assert_allclose(ours(ag.tensor(A)).data, numpys(A), rtol=1e-14)
    check_vjp(ours, [A])


@for_each(
    "ask, expected",
    [
        (lambda t: t.dim(), 2), (lambda t: t.numel(), 6), (lambda t: t.device, "cpu"), (lambda t: t.is_contiguous(), True),
        (lambda t: t.item(2), 0.75), (lambda t: t.requires_grad_().requires_grad, True),
        (lambda t: t.is_floating_point(), True), (lambda t: (t > 0.6).all(dim=0).tolist(), [False, False, True]),
        (lambda t: t.argmax(dim=1, keepdim=True).tolist(), [[1], [2]]), (lambda t: t.argmax(dim=1).tolist(), [1, 2]), (lambda t: (t > 0.6).all().item(), False),
        (lambda t: (t > 0.6).any(0).tolist(), [True, True, True]), (lambda t: t.gt(1.4).tolist(), [[0, 1, 0], [0, 0, 1]]),
        (lambda t: t.float().dtype, np.float32), (lambda t: t.half().dtype, np.float16),
        (lambda t: t.long().dtype, np.int64), (lambda t: t.int().dtype, np.int32), (lambda t: t.bool().dtype, np.bool_),
        (lambda t: t.to(np.float32).dtype, np.float32), (lambda t: ag.Tensor.exp is ag.exp, True),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_tensor(ask, expected):
    assert ask(ag.tensor(A)) == expected


DIFFERENT = {
    "ag.max": (lambda: ag.max(A, dim=1), ("max: argument 'dim' means something else here; axis= gives the values alone, "
               "where PyTorch's dim= gives positions too; those are ag.argmax's")),
    "t.min": (lambda: ag.tensor(A).min(dim=1), ("min: argument 'dim' means something else here; axis= gives the values "
              "alone, where PyTorch's dim= gives positions too; those are ag.argmin's")),
    "t.var": (lambda: ag.tensor(A).var(dim=1), ("var: argument 'dim' means something else here; PyTorch divides by n - 1 "
              "and NumPy by n: say axis= and ddof=1, or correction= beside dim=")),
    "ag.split": (lambda: ag.split(A, 2, dim=0), ("split: argument 'dim' means something else here; an int is the number "
                 "of parts, where PyTorch's is their length; say axis=")),
    "twice": (lambda: ag.sum(A, axis=0, dim=1), "sum: dim and axis are the same; say axis alone"),
    "twice, by place": (lambda: ag.sum(A, 0, dim=1), "sum: too many arguments; it takes x, axis, keepdims"),
    "out": (lambda: ag.add(A, A, out=A), ("add: no argument 'out'; a result is always new: assign it, as in y = ...; "
            "it takes x1, x2")),
    "inplace": (lambda: ag.exp(A, inplace=True), "exp: no argument 'inplace'; it takes x"),
    "unbiased": (lambda: ag.std(A, unbiased=True), ("std: no argument 'unbiased'; say ddof=1 or ddof=0; "
                 "it takes x, axis, ddof, keepdims")),
    "a typo": (lambda: ag.stack([A], axs=1), "stack: no argument 'axs'; did you mean 'axis'?; it takes arrays, axis"),
    "cuda": (lambda: ag.tensor(A).to("cuda:0"), "to: device 'cuda:0' is not supported; everything is computed on the CPU"),
}  # fmt: skip


@for_each("call, text", DIFFERENT.values(), ids=DIFFERENT)
def test_arguments_that_mean_something_else(call, text):
    with pytest.raises(OperandError) as err:
        call()
    assert str(err.value) == text


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda t: t.view(np.float32), ("view: takes lengths of axes: expected ints, got <class 'numpy.float32'>; "
         "use .astype for a dtype")),
        (lambda t: t.flatten("F"), "ravel: order is unknown: expected 'C', got 'F'"),
        (lambda t: t.flatten(order="F"), "flatten: order is unknown: expected 'C', got 'F'"),
        (lambda t: t.flatten(1.0), "flatten: start_dim is not understood: expected an int, got 1.0"),
        (lambda t: t.flatten(2), "flatten: start_dim is out of range: expected an axis of (2, 3), got 2"),
        (lambda t: t[None].t(), "t: is for matrices: expected two axes, got (1, 2, 3); use .T or .permute"),
    ],
)  # fmt: skip
def test_shapes_that_make_no_sense(call, text):
    with pytest.raises(ArgumentError) as err:
        call(ag.tensor(A))
    assert str(err.value) == text


@for_each("name", spelling.ATTRIBUTES)
def test_attributes_that_there_are_not(name):
    for thing in (ag.tensor(A), ag.Tensor):
        assert not hasattr(thing, name)
        with pytest.raises(AttributeError) as err:
            getattr(thing, name)
        assert str(err.value) == f"tensor: no attribute {name!r}; {spelling.ATTRIBUTES[name]}"


def test_what_is_a_function_alone_says_so():
    for name in set(ag.ops.__all__) - spelling.ATTRIBUTES.keys():
        if not hasattr(ag.tensor(A), name):
            with pytest.raises(AttributeError) as err:
                getattr(ag.tensor(A), name)
            assert str(err.value) == f"tensor: no attribute {name!r}; use ag.{name}"
        assert spelling.ATTRIBUTES.get(name) != spelling.LEAVING


@pytest.mark.parametrize("name", ["exp_", "clamp_", "add_", "relu_", "abs_", "unsqueeze_"])
def test_methods_in_place_say_how_to_write_it(name):
    assert not hasattr(ag.tensor(A), name)
    with pytest.raises(AttributeError) as err:
        getattr(ag.tensor(A), name)
    assert str(err.value) == f"tensor: no attribute {name!r}; write t += other, t *= other, t[...] = value"


def test_models_take_torchvisions_number_of_classes():
    assert nn.lenet5(num_classes=3)[-1].out_features == nn.resnet20(num_classes=3).fc.out_features == 3


def test_whatever_arrays_have_is_there_or_answered():
    internal = {"base", "byteswap", "conjugate", "ctypes", "dump", "dumps", "flags", "getfield", "newbyteorder", "setfield",
                "setflags", "to_device"}  # fmt: skip
    for name in set(dir(np.ndarray)) - internal:
        if not name.startswith("_"):
            assert hasattr(ag.tensor(A), name) or name in spelling.ATTRIBUTES, name


@for_each(
    "name, hint",
    [
        ("cat", "; use ag.concatenate"), ("unsqueeze", "; use ag.expand_dims"), ("from_numpy", "; use ag.tensor"),
        ("zeros", "; use ag.tensor(np.zeros(...))"), ("mm", "; use ag.matmul"), ("bmm", "; use ag.matmul"),
        ("Parameter", "; use ag.nn.Parameter"), ("sofmax", "; did you mean 'softmax'?"), ("xyzzy", ""),
        ("__wrapped__", ""), ("_version_", ""),
    ],
)  # fmt: skip
def test_names_that_there_are_not(name, hint):
    assert not hasattr(ag, name)
    with pytest.raises(AttributeError) as err:
        getattr(ag, name)
    assert str(err.value) == f"autograd_cnn: no {name!r}{hint}"


@for_each(
    "module, name, hint",
    [
        (nn, "Lienar", "did you mean 'Linear'?"),
        (ag, "functional", "use ag.nn.functional"),
        (optim, "SDG", "did you mean 'SGD'?"),
        (optim, "adamw", "did you mean 'AdamW'?"),
        (ag.data, "DataLoader", "use ag.data.Loader"),
        (ag.data, "digitz", "did you mean 'digits'?"),
        (ag.train, "Trainr", "did you mean 'Trainer'?"),
        (nn.functional, "one_hot", "use np.eye(classes)[labels]"),
        (nn.functional, "drop_out", "did you mean 'dropout'?"),
        (nn.init, "kaiming_norm", "did you mean 'kaiming_normal'?"),
        (nn.utils, "clip_grad_norm", "did you mean 'clip_grad_norm_'?"),
        (optim.lr_scheduler, "StepLr", "did you mean 'StepLR'?"),
        (ag.testing, "gradchek", "did you mean 'gradcheck'?"),
        (ag.graph, "captur", "did you mean 'capture'?"),
        (ag.onnx, "imports", "did you mean 'export'?"),
        (optim, "swa_utils", "use ag.optim itself: AveragedModel is there beside the optimisers"),
    ],
)
def test_names_that_there_are_not_in_a_module(module, name, hint):
    with pytest.raises(AttributeError) as err:
        getattr(module, name)
    assert str(err.value) == f"{module.__name__}: no {name!r}; {hint}"


@for_each("name", spelling.MODULE_ATTRIBUTES)
def test_attributes_of_modules_that_there_are_not(name):
    module = nn.Linear(2, 2, rng=0)
    assert not hasattr(module, name)
    with pytest.raises(AttributeError) as err:
        getattr(module, name)
    assert str(err.value) == f"module: no attribute {name!r}; {spelling.MODULE_ATTRIBUTES[name]}"
    setattr(module, name, nn.ReLU())  # as an attribute of one's own the name is free
    assert isinstance(getattr(module, name), nn.ReLU)


def test_arrays_of_data_have_no_methods_in_place():
    p = ag.tensor(A, requires_grad=True)
    for name in ("zero_", "add_", "copy_"):
        assert not hasattr(p.data, name)
        with pytest.raises(AttributeError, match=f"tensor: no attribute {name!r}; write t"):
            getattr(p.data, name)


def test_what_is_named_instead_is_there():
    for name in spelling.FUNCTIONS:
        assert not hasattr(ag, name)
        thing = ag
        for part in spelling.FUNCTIONS[name].split("."):
            thing = getattr(thing, part)
        assert callable(thing)


def test_hints_are_for_what_is_not_there():
    for name in spelling.IDIOMS:
        assert not hasattr(ag, name)


def test_a_signature_is_what_it_was():
    assert list(inspect.signature(ag.stack).parameters) == ["arrays", "axis"]
    assert list(inspect.signature(ag.tensor(A).exp).parameters) == []


@pytest.mark.parametrize("made", [nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.Dropout])
def test_layers_take_inplace_without_effect(made):
    layer = made(inplace=True).eval()
    x = A.copy()
    np.testing.assert_array_equal(layer(x), made().eval()(x))
    np.testing.assert_array_equal(x, A)
