"""Compiled steps: the same bits as the function, or a reason why not."""

import copy
import pickle
import warnings
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
import autograd_cnn.testing.samples  # they add themselves
from autograd_cnn import nn, optim
from autograd_cnn.engine.primitive import REGISTRY
from autograd_cnn.errors import CompileWarning, OperandError
from autograd_cnn.testing.case import SAMPLES

OURS = {name: primitive for name, primitive in REGISTRY.items() if primitive in SAMPLES}


def _bits(value):
    if isinstance(value, (list, tuple)):
        return [_bits(each) for each in value]
    array = np.asarray(value.numpy() if isinstance(value, ag.Tensor) else value)
    return array.shape, array.dtype, array.tobytes()


@pytest.mark.filterwarnings("ignore:overflow|divide|invalid|underflow:RuntimeWarning")
@pytest.mark.parametrize("name", sorted(OURS))
def test_values_and_gradients_of_every_primitive(name, rng):
    """Three calls on other operands: two are recorded, the third is run from the record."""
    primitive = OURS[name]
    for case in SAMPLES[primitive]:

        def step(*operands, case=case):
            inputs = [
                ag.tensor(x, requires_grad=True) if i in case.differentiable else x for i, x in enumerate(operands)
            ]
            y = primitive(*inputs, **case.params)
            if not getattr(y, "requires_grad", False):
                return y
            y.sum().backward()
            return [y, *(x.grad for i, x in enumerate(inputs) if i in case.differentiable)]

        compiled = ag.compile(step)
        for _ in range(3):
            operands = [
                x * rng.uniform(0.5, 1, x.shape) if i in case.differentiable else x for i, x in enumerate(case.arrays)
            ]
            expected, got = step(*operands), compiled(*operands)
            assert _bits(got) == _bits(expected), str(case)
        assert compiled.plan is not None, (str(case), compiled.reason)


# --- training steps ---------------------------------------------------------------------------

MODELS = {
    "digits_net": (lambda: nn.digits_net(rng=0), (1, 8, 8)),
    "lenet5": (lambda: nn.lenet5(rng=0), (1, 28, 28)),
    "fused": (lambda: nn.fuse(nn.lenet5(rng=0)), (1, 28, 28)),
    "lenet1998": (lambda: nn.lenet1998(rng=0), (1, 32, 32)),
    "small_vgg": (lambda: nn.small_vgg(rng=0, image_size=8), (3, 8, 8)),
    "resnet20": (lambda: nn.resnet20(rng=0), (3, 8, 8)),
    "mobilenet_v2": (lambda: nn.mobilenet_v2(rng=0, width=0.1, classes=10), (3, 32, 32)),
    "unet": (lambda: nn.Sequential(nn.unet(rng=0, classes=10, width=2), nn.GlobalMeanPool2d(), nn.Flatten()), (3, 16, 16)),
    "activations": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3, rng=0), nn.SiLU(), nn.GELU(), nn.BatchNorm2d(4), nn.ELU(), nn.Dropout(0.5, rng=1),
            nn.LeakyReLU(), nn.Softplus(), nn.MeanPool2d(2), nn.Tanh(), nn.Sigmoid(), nn.Flatten(), nn.Linear(36, 10, rng=2),
        ),
        (1, 8, 8),
    ),
}  # fmt: skip

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01),
}


class Trainer:
    """A model with its step, compiled or not."""

    def __init__(self, model, optimizer, compiled, loss=nn.cross_entropy):
        self.model, self.optimizer, self.loss = model, optimizer(model.parameters()), loss
        self.step = ag.compile(self._step) if compiled else self._step

    def _step(self, x, targets):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), targets)
        loss.backward()
        self.optimizer.step()
        return loss

    def state(self):
        gradients = [p.grad for p in self.model.parameters()]
        return [*map(_bits, self.model.state_dict().values()), *map(_bits, gradients)]


def _batches(shape, count, classes=10):
    rng = np.random.default_rng(3)
    for _ in range(count):
        yield rng.standard_normal((4, *shape)).astype(np.float32), rng.integers(0, classes, 4)


def _assert_same_bits(make, optimizer, batches, **options):
    plain, compiled = (Trainer(make(), optimizer, compiled=kind, **options) for kind in (False, True))
    for x, targets in batches:
        assert _bits(compiled.step(x, targets)) == _bits(plain.step(x, targets))
        assert compiled.state() == plain.state()
    assert compiled.step.plan is not None, compiled.step.reason
    return compiled


@pytest.mark.parametrize("name", MODELS)
def test_every_model_trains_to_the_same_bits(name):
    make, shape = MODELS[name]
    _assert_same_bits(make, OPTIMIZERS["SGD"], _batches(shape, 4))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_moves_to_the_same_bits(name):
    make, shape = MODELS["digits_net"]
    _assert_same_bits(make, OPTIMIZERS[name], _batches(shape, 5))


class Reader(nn.Module):
    """A recurrent classifier of rows."""

    def __init__(self, cell):
        self.cell = cell(8, 6, rng=0)
        self.out = nn.Linear(6, 10, rng=1)

    def forward(self, x):
        return self.out(self.cell(x)[0][:, -1])


@pytest.mark.parametrize("cell", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_layers(cell):
    def make():
        return Reader(lambda *sizes, **options: cell(*sizes, batch_first=True, **options))

    _assert_same_bits(make, OPTIMIZERS["Adam"], _batches((5, 8), 4))


@pytest.mark.parametrize("backend", ["reference", "jit"])
def test_both_backends(backend):
    make, shape = MODELS["digits_net"]
    with ag.set_backend(backend):
        _assert_same_bits(make, OPTIMIZERS["SGD"], _batches(shape, 3))


def test_options_of_the_optimiser_are_read_in_every_step():
    make, shape = MODELS["digits_net"]
    plain, compiled = (Trainer(make(), OPTIMIZERS["SGD"], compiled=kind) for kind in (False, True))
    for trainer in (plain, compiled):
        trainer.schedule = optim.CosineAnnealingLR(trainer.optimizer, 6)
        for x, targets in _batches(shape, 6):
            trainer.step(x, targets)
            trainer.schedule.step()
    assert compiled.step.plan is not None
    assert compiled.state() == plain.state()


def test_shapes_dtypes_and_training_have_a_plan_each():
    make, shape = MODELS["activations"]
    plain, compiled = (Trainer(make(), OPTIMIZERS["SGD"], compiled=kind) for kind in (False, True))
    for trainer in (plain, compiled):
        trainer.predict = ag.compile(trainer.model) if trainer is compiled else trainer.model
        trainer.results = []
        for _ in range(4):
            for x, targets in _batches(shape, 2):
                trainer.results += [trainer.step(x, targets), trainer.step(x[:3], targets[:3].astype(np.uint8))]
            trainer.model.eval()
            with ag.no_grad():
                trainer.results += [trainer.predict(x), trainer.predict(x.astype(np.float64))]
            trainer.model.train()
    assert compiled.predict.plan is not None
    assert list(map(_bits, compiled.results)) == list(map(_bits, plain.results))


def test_new_values_of_parameters_and_buffers_are_seen():
    make, shape = MODELS["activations"]
    model = make().eval()
    predict = ag.compile(model)
    ((x, _),) = _batches(shape, 1)
    with ag.no_grad():
        for _ in range(3):
            predict(x)
        other = {name: (value * 1.5).astype(value.dtype) for name, value in model.state_dict().items()}
        model.load_state_dict(other)
        assert _bits(predict(x)) == _bits(model(x))
        assert predict.plan is not None
        model[3].running_mean = np.full(4, 0.25, np.float32)
        assert _bits(predict(x)) == _bits(model(x))


def test_arguments_may_be_nested_and_numbers_choose_the_plan():
    w = ag.tensor([1.0, 2.0], requires_grad=True)

    @ag.compile
    def step(batch, scale, *, mode):
        loss = (w * batch["x"][0] * scale).sum() if mode == "sum" else (w * batch["y"]).sum()
        w.grad = None
        loss.backward()
        return {"loss": loss, "grad": [w.grad], "mode": mode}

    for scale in (2.0, 3.0):
        for _ in range(3):
            got = step({"x": [np.array([3.0, 4.0])], "y": np.array([5.0, 6.0])}, scale, mode="sum")
        assert step.plan is not None
        assert (got["loss"].item(), got["grad"][0].tolist(), got["mode"]) == (11 * scale, [3 * scale, 4 * scale], "sum")
    assert step({"x": [np.zeros(2)], "y": np.array([5.0, 6.0])}, 2.0, mode="other")["loss"].item() == 17.0


def test_gradients_of_gradients():
    def step(x):
        x = ag.tensor(x, requires_grad=True)
        (first,) = ag.gradients(ag.sum(ag.tanh(x) ** 3), [x], create_graph=True)
        (first**2).sum().backward()
        return x.grad

    compiled = ag.compile(step)
    for x in np.random.default_rng(0).standard_normal((4, 3)):
        assert _bits(compiled(x)) == _bits(step(x))
    assert compiled.plan is not None


def test_truth_values_of_numbers_are_known_apart():
    @ag.compile
    def step(x, known):
        known = ag.logical_not(known)
        x = ag.tensor(x, requires_grad=True)
        y = (
            ag.relu(x)
            + ag.relu(x - 5.0)
            + ag.where(x > 0, x, 2 * x)
            + ag.where(x > 5, 10 * x, 0 * x)
            + ag.where(known, x, 0)
        )
        y.backward()
        return y, x.grad

    plain = step.__wrapped__
    for x in (7.0, 7.0, 7.0, 3.0, -1.0):
        for known in (True, False):
            assert _bits(step(np.array(x), np.array(known))) == _bits(plain(np.array(x), np.array(known)))
    assert step.plan is not None


def test_gradients_without_a_graph():
    w = ag.tensor([1.0, 2.0], requires_grad=True)

    def step(x):
        loss = ag.sum(ag.sin(w * x))
        (g,) = ag.gradients(loss, [w])
        return loss, g * 2, ag.grad(lambda v: ag.sum(v**3))(x)

    compiled = ag.compile(step)
    for x in np.random.default_rng(0).standard_normal((4, 2)):
        assert _bits(compiled(x)) == _bits(step(x))
    assert compiled.plan is not None


def test_the_update_that_every_course_writes_by_hand():
    def make():
        w = ag.tensor([0.5, -1.0], requires_grad=True)

        def step(x):
            loss = ((w * x) ** 2).sum()
            loss.backward()
            with ag.no_grad():
                w.data = w - 0.1 * w.grad
            w.grad = None
            return loss

        return w, step

    (w, step), (other, function) = make(), make()
    compiled = ag.compile(function)
    for x in np.random.default_rng(0).standard_normal((5, 2)):
        assert _bits(compiled(x)) == _bits(step(x))
        assert _bits(other) == _bits(w)
    assert compiled.plan is not None


def test_gradients_add_up_without_zero_grad():
    w = ag.tensor([1.0, 2.0], requires_grad=True)

    @ag.compile
    def step(x):
        (w * x).sum().backward()

    for _ in range(5):
        step(np.ones(2))
    assert step.plan is not None
    assert w.grad.tolist() == [5.0, 5.0]


def test_results_and_arguments_are_not_shared():
    @ag.compile
    def step(x):
        return ag.reshape(x, shape=(-1,)), x

    x = np.ones((2, 2))
    for _ in range(3):
        flat, same = step(x)
    assert step.plan is not None
    x[:] = 7
    assert flat.tolist() == [1.0] * 4
    assert same.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    with pytest.raises(ValueError, match="read-only"):
        flat.numpy()[0] = 3


# --- when it can't be done --------------------------------------------------------------------

W = ag.tensor([1.0, 2.0], requires_grad=True)
COUNT = [0]


def _reads_a_number(x):
    return (W * x).sum().item()


def _branches(x):
    return W * 2 if (W * x).sum() > 0 else W


def _prints(x):
    return f"{(W * x).sum():.3f}"


def _leaves_the_tape(x):
    return ag.sum(x * (W * x).detach().numpy())


def _asks_numpy(x):
    return ag.sum(ag.tensor(np.isclose(x, 1.0) * 1.0))


def _takes_one(x):
    return x[ag.argmax(x)]


def _sums_along(x):
    return ag.sum(x, axis=ag.argmin(x))


def _draws(x):
    COUNT[0] += 1
    return ag.sum(x * np.random.default_rng(COUNT[0]).standard_normal(2))


def _counts(x):
    COUNT[0] += 1
    return ag.sum(x * COUNT[0])


def _grows(x):
    COUNT[0] += 1
    for _ in range(COUNT[0] % 3):
        x = x * 2
    return x


def _hooked(x):
    y = W * x
    y.register_hook(lambda g: g * 2)
    y.sum().backward()


def _retained(x):
    y = W * x
    y.retain_grad()
    y.sum().backward()


COUNTER = nn.Identity()


def _sets_an_attribute(x):
    COUNTER.calls = 1
    return x * 2


def _turns_to_evaluation(x):
    COUNTER.eval()
    return x * 2


def _still_recorded(x):
    return (W * x).sum()


REASONS = {
    _reads_a_number: "a Python number reads a value in the middle",
    _branches: "a branch reads a value in the middle",
    _prints: "a text reads a value in the middle",
    _leaves_the_tape: "numpy() reads a value in the middle",
    _asks_numpy: "isclose reads a value in the middle",
    _takes_one: "an index reads a value in the middle",
    _sums_along: "parameter 'axis' of sum reads a value in the middle",
    _draws: "multiply took something else in the next run",
    _counts: "multiply took something else in the next run",
    _grows: "it made 2 calls in one run and 0 in the next",
    _hooked: "a hook runs",
    _retained: "retain_grad() or inputs= keeps a gradient in the middle",
    _sets_an_attribute: "the attribute 'calls' of a module is set",
    _turns_to_evaluation: "the attribute 'training' of a module is set",
    _still_recorded: "a result can still be differentiated",
}


@pytest.mark.parametrize("function", REASONS, ids=lambda f: f.__name__)
def test_what_a_later_run_would_miss_is_a_reason_to_run_the_function(function):
    compiled = ag.compile(function)
    COUNT[0] = 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(4):
            compiled(np.array([3.0, 4.0]))
    assert [warning.category for warning in caught] == [CompileWarning]
    assert str(caught[0].message) == f"compile: {function.__name__} runs as it is: {compiled.reason}"
    assert compiled.plan is None
    assert compiled.reason.startswith(REASONS[function])


def test_a_call_inside_of_a_transform_runs_the_function():
    double = ag.compile(lambda x: x * 2)
    for _ in range(3):
        double(np.ones(2))
    assert ag.grad(lambda x: ag.sum(double(x)))(np.ones(2)).tolist() == [2.0, 2.0]
    assert double.reason == "the call is itself recorded or differentiated"


def test_a_number_that_differs_in_every_call_is_said():
    double = ag.compile(lambda x, i: x * i)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(12):
            assert double(np.ones(2), i).tolist() == [i, i]
    assert {warning.category for warning in caught} == {CompileWarning}
    assert "pass what differs every time as an array" in str(caught[0].message)
    assert len(double._first) + len(double._refused) <= 16


def test_anomalies_are_found_all_the_same():
    def step(x):
        W.grad = None
        ag.sum(ag.sqrt(W * x)).backward()

    compiled = ag.compile(step)
    with np.errstate(invalid="ignore"):
        for _ in range(3):
            compiled(np.array([-1.0, 1.0]))
        assert compiled.plan is not None
        with ag.detect_anomaly(), pytest.raises(ag.errors.AnomalyError):
            compiled(np.array([-1.0, 1.0]))


def test_an_error_in_a_plan_names_the_operation():
    pick = ag.compile(lambda x, index: ag.take(x, index) * 2)
    for _ in range(3):
        pick(np.arange(3.0), np.array([1]))
    assert pick.plan is not None
    with pytest.raises(IndexError, match=r"^getitem: index 7 is out of bounds"):
        pick(np.arange(3.0), np.array([7]))


class Batch(NamedTuple):
    x: np.ndarray
    y: np.ndarray


def test_named_tuples_are_looked_into():
    add = ag.compile(lambda batch: Batch(batch.x + batch.y, batch.y))
    for i in range(4):
        got = add(Batch(np.full(2, float(i)), np.ones(2)))
        assert (type(got), got.x.tolist()) == (Batch, [i + 1.0] * 2)
    assert add.plan is not None


def test_a_schedule_inside_moves_in_every_step():
    make, shape = MODELS["digits_net"]

    def train(wrap):
        model = make()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        schedule = optim.StepLR(optimizer, 2)

        def step(x, targets):
            optimizer.zero_grad()
            nn.cross_entropy(model(x), targets).backward()
            optimizer.step()
            schedule.step()

        run = wrap(step)
        for x, targets in _batches(shape, 6):
            run(x, targets)
        return run, optimizer.param_groups[0]["lr"], [_bits(p) for p in model.parameters()]

    compiled, *state = train(ag.compile)
    assert compiled.plan is not None
    assert state == list(train(lambda function: function)[1:])


def test_checkpoints_are_recomputed_to_the_same_bits():
    hidden, out = nn.Linear(4, 8, rng=0), nn.Linear(8, 10, rng=1)

    def step(x):
        for layer in (hidden, out):
            layer.zero_grad()
        loss = out(ag.checkpoint(lambda t: ag.tanh(hidden(t)))(x)).sum()
        loss.backward()
        return [hidden.weight.grad, out.weight.grad]

    compiled = ag.compile(step)
    for x, _ in _batches((4,), 4):
        assert _bits(compiled(x)) == _bits(step(x))
    assert compiled.plan is not None or compiled.reason


def test_an_error_is_the_functions_own_and_nothing_is_kept():
    @ag.compile
    def step(x):
        return ag.matmul(x, np.ones((3, 2)))

    for _ in range(2):
        with pytest.raises(ag.errors.ShapeError, match="matmul"):
            step(np.ones((2, 2)))
    for _ in range(3):
        assert step(np.ones((2, 3))).shape == (2, 2)
    assert step.plan is not None


def test_it_wants_a_function():
    with pytest.raises(ag.errors.OperandError, match=r"^compile: not a function: expected a function, got 3$"):
        ag.compile(3)


# --- what is not an argument and changes ------------------------------------------------------


class Replaying:
    """A hook that does what a compiled step can do again."""

    replays = True

    def __init__(self, function):
        self.function = function

    def __call__(self, *given):
        return self.function(*given)


class _Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4, rng=0)
        self.between = nn.ModuleList([nn.ReLU()])
        self.last = nn.Linear(4, 2, rng=1)
        self.factor = 2.0
        self.options = {"shift": 0.0}
        self.last.register_forward_hook(Replaying(lambda module, inputs, y: y + 1))
        self.first.weight.register_hook(Replaying(lambda g: lambda: g * 2))

    def forward(self, x):
        x = self.first(x)
        for layer in self.between:
            x = layer(x)
        return self.last(x) * self.factor + self.options["shift"]


CHANGES = {
    "a parameter": lambda model, _: setattr(model.first, "weight", nn.Parameter(np.ones((4, 3), np.float32))),
    "no bias": lambda model, _: setattr(model.first, "bias", None),
    "a layer": lambda model, _: setattr(model, "last", nn.Linear(4, 2, rng=7)),
    "a layer of a list": lambda model, _: model.between.append(nn.Tanh()),
    "a number": lambda model, _: setattr(model, "factor", 3.0),
    "an entry": lambda model, _: model.options.update(shift=1.0),
    "a method": lambda model, _: setattr(model.last, "forward", lambda x: x[:, :2]),
    "a hook": lambda model, _: model.last.weight.register_hook(lambda g: g * 3),
    "a hook of a module": lambda model, _: model.last.register_forward_hook(lambda module, inputs, y: y * 2),
    "a hook less": lambda model, _: model.first.weight.node.hooks.clear(),
    "a frozen parameter": lambda model, _: setattr(model.last.weight, "requires_grad", False),
    "a group": lambda model, optimizer: optimizer.add_param_group({"params": [model.last.weight], "lr": 0.2}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.filterwarnings("ignore:.*a hook .*runs:autograd_cnn.errors.CompileWarning")
def test_what_a_module_is_made_of_may_change(change, rng):
    batches = [(rng.random((5, 3), dtype=np.float32), rng.integers(0, 2, 5)) for _ in range(6)]
    outcomes = []
    for wrap in (lambda f: f, ag.compile):
        model = _Scaled()
        optimizer = optim.SGD([model.first.bias], lr=0.1)

        def step(x, labels, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = nn.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            return loss.detach()

        step = wrap(step)
        losses = [step(*batch).item() for batch in batches[:3]]
        assert wrap is not ag.compile or step.plan is not None, step.reason
        CHANGES[change](model, optimizer)
        losses += [step(*batch).item() for batch in batches[3:]]
        gradients = [None if p.grad is None else p.grad.tolist() for p in model.parameters()]
        outcomes.append((losses, gradients, [v.tolist() for v in model.state_dict().values()]))
    assert outcomes[0] == outcomes[1]


def test_gradients_in_eval_mode_see_new_running_statistics(rng):
    layer = nn.BatchNorm2d(2).eval()

    def step(x):
        layer.zero_grad()
        ag.sum(layer(x)).backward()

    compiled, x = ag.compile(step), rng.random((2, 2, 3, 3), dtype=np.float32)
    for _ in range(3):
        compiled(x)
    assert compiled.plan is not None
    layer.load_state_dict(layer.state_dict() | {"running_var": [4.0, 9.0]})
    compiled(x)
    replayed = layer.weight.grad.tolist()
    step(x)
    assert replayed == layer.weight.grad.tolist()


def test_a_modules_array_that_can_change_is_a_reason():
    module = nn.Identity()
    module.mask = np.ones(2)
    module.forward = lambda x: ag.sum(x * module.mask)
    compiled = ag.compile(module)
    with pytest.warns(CompileWarning, match="the attribute 'mask' of a module is an array that can change"):
        compiled(np.ones(2))
    module.mask[:] = 5
    assert [compiled(np.ones(2)).item() for _ in range(3)] == [10.0] * 3


# --- what losses look at ----------------------------------------------------------------------

LOSSES = {
    "ignored": lambda x, t, w: nn.cross_entropy(x, t, ignore_index=0),
    "computed": lambda x, t, w: nn.cross_entropy(x, ag.remainder(t + 1, 3), ignore_index=0),
    "weighted": lambda x, t, w: nn.cross_entropy(x, t, weight=[1.0, 2.0, 3.0]),
    "weights passed": lambda x, t, w: nn.cross_entropy(x, t, weight=w),
    "smoothed": lambda x, t, w: nn.cross_entropy(x, t, weight=[1.0, 2.0, 3.0], label_smoothing=0.1),
    "likelihood": lambda x, t, w: nn.functional.nll_loss(x, t, ignore_index=0),
    "probabilities": lambda x, t, w: nn.functional.bce_loss(x, x * 0.5, weight=w),
    "positive": lambda x, t, w: nn.bce_with_logits(x, x * 0.5, pos_weight=w),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_the_same_batch_twice_and_then_of_another(loss, rng):
    x, w = rng.random((4, 3)), rng.random(3)
    other = rng.random((4, 3))
    other[0] = 0.0  # whose logarithm is limited
    compiled = ag.compile(LOSSES[loss])
    first, second = np.array([1, 2, 1, 2]), np.array([0, 2, 0, 1])
    for batch in [(x, first, w)] * 3 + [(other, second, w * 2), (x, second, w)] * 3 + [(other, first, w)]:
        assert compiled(*batch).item() == float(LOSSES[loss](*batch))
    assert compiled.plan is not None


@pytest.mark.parametrize(
    ("loss", "good", "bad"),
    [
        (nn.functional.nll_loss, (np.ones((2, 3)), np.array([0, 1])), (np.ones((2, 3)), np.array([-1, 1]))),
        (nn.functional.bce_loss, (np.full(2, 0.5), np.ones(2)), (np.full(2, 1.5), np.ones(2))),
    ],
)
def test_what_a_loss_refuses_it_refuses_in_a_plan(loss, good, bad):
    compiled = ag.compile(loss)
    for _ in range(3):
        compiled(*good)
    assert compiled.plan is not None
    with pytest.raises(ag.errors.ArgumentError, match="out of range"):
        compiled(*bad)


def test_labels_that_do_not_count_are_seen_beside_a_plan(rng):
    compiled = ag.compile(nn.cross_entropy)
    x = rng.random((3, 4))
    for _ in range(3):
        compiled(x, np.array([0, 1, 2]))
    assert compiled.plan is not None
    plans = []
    for _ in range(3):
        some = compiled(x, np.array([0, -100, 2]))
        plans.append(compiled.plan)
        assert some.item() == float(nn.cross_entropy(x, np.array([0, -100, 2])))
    assert plans[:2] == [None, None] != plans[2:]
    compiled(x, np.array([2, 1, 0]))
    assert compiled.plan is not None


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.functional.nll_loss])
def test_labels_of_every_pixel_are_recorded(loss, rng):
    compiled = ag.compile(loss)
    for _ in range(3):
        x, labels = rng.random((2, 4, 3, 3)), rng.integers(0, 4, (2, 3, 3))
        assert compiled(x, labels).item() == float(loss(x, labels))
    assert compiled.plan is not None


@pytest.mark.parametrize("kind", [np.array, ag.tensor])
def test_an_argument_that_is_changed_in_place_is_the_callers(kind):
    @ag.compile
    def moved(x):
        x += 1
        return ag.sum(x)

    x = kind([1.0, 2.0])
    with pytest.warns(CompileWarning, match="an argument is changed in place"):
        sums = [float(moved(x)) for _ in range(3)]
    assert sums == [5.0, 7.0, 9.0]
    assert x.tolist() == [4.0, 5.0]


# --- who may write to what --------------------------------------------------------------------


def _takes_over(w, x):
    w.data = x


def _takes_over_a_view(w, x):
    w.data = x.reshape(3, 2).reshape(2, 3)


def _has_it_as_gradient(w, x):
    w.grad = None
    (w + 0.0).reshape(3, 2).backward(ag.reshape(x, (3, 2)))


@pytest.mark.parametrize("function", [_takes_over, _takes_over_a_view, _has_it_as_gradient])
def test_what_a_tensor_keeps_is_not_the_callers_array(function):
    w = ag.tensor(np.zeros((2, 3)), requires_grad=True)
    step = ag.compile(lambda x: function(w, x))
    for i in range(4):
        x = np.full((2, 3), float(i))
        step(x)
        x[:] = 99
        assert (w if w.grad is None else w.grad).tolist() == np.full((2, 3), float(i)).tolist()
    assert step.plan is not None


def test_a_result_is_not_what_a_read_only_view_shows():
    flat = ag.compile(lambda x: x.reshape(-1))
    x = np.zeros((2, 2))
    view = np.broadcast_to(x, (2, 2))
    for _ in range(3):
        y = flat(view)
    x[:] = 7
    assert y.tolist() == [0.0] * 4


class _Batch:
    def __init__(self, x):
        self.x = x


class _List(list):
    pass


@pytest.mark.parametrize(
    ("batch", "read", "write"),
    [
        (_Batch(np.ones(2)), lambda b: b.x, lambda b: setattr(b, "x", np.zeros(2))),
        (_List([np.ones(2)]), lambda b: b[0], lambda b: b.__setitem__(0, np.zeros(2))),
        (OrderedDict(x=np.ones(2)), lambda b: b["x"], lambda b: b.update(x=np.zeros(2))),
        (np.ones(2).view(np.recarray), lambda b: b, lambda b: b.fill(0.0)),
    ],
    ids=["object", "list", "dict", "array"],
)
def test_what_a_plan_can_not_look_into_is_a_reason(batch, read, write):
    total = ag.compile(lambda batch: ag.sum(read(batch) * 1))
    with pytest.warns(CompileWarning, match=f"a {type(batch).__name__} among the arguments may change"):
        assert [float(total(batch)) for _ in range(3)] == [2.0] * 3
    write(batch)
    assert float(total(batch)) == 0.0


def test_tensors_that_share_values_now_are_two():
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    old = w.detach()
    compiled = ag.compile(lambda x: ag.sum(x * (w - old)).detach())
    with pytest.warns(CompileWarning, match="two tensors have their values in one array"):
        assert [compiled(np.ones(2)).item() for _ in range(3)] == [0.0] * 3
    w.data = [2.0, 3.0]
    assert compiled(np.ones(2)).item() == 2.0


def test_two_modules_with_one_array():
    mine, other = nn.BatchNorm2d(1).eval(), nn.BatchNorm2d(1).eval()
    vars(other)["running_mean"] = mine.running_mean
    compiled, x = ag.compile(lambda x: (mine(x) - other(x)).detach()), np.ones((1, 1, 1, 1), np.float32)
    with pytest.warns(CompileWarning, match="two modules have one array as an attribute"):
        compiled(x)


@ag.compile
def doubled(x):
    return ag.sum(x * 2)


def test_a_compiled_function_travels_without_its_plans():
    """By its name where it has one, else with its function."""
    for _ in range(3):
        doubled(np.ones(2))
    assert pickle.loads(pickle.dumps(doubled)) is doubled  # noqa: S301  # our own
    for unnamed in (ag.compile(_bits), ag.compile(ag.sum)):
        for another in (pickle.loads(pickle.dumps(unnamed)), copy.deepcopy(unnamed)):  # noqa: S301
            assert another is not unnamed
            assert another.__wrapped__ is unnamed.__wrapped__
    local = ag.compile(lambda x: ag.sum(x * 3))
    results = [copy.deepcopy(local)(np.ones(2)).item() for _ in range(3)]
    assert results == [6.0] * 3


class Learner:
    """Has a step that is compiled in the class."""

    def __init__(self, seed=0):
        self.model = nn.Linear(3, 2, rng=seed)
        self.optimizer = optim.SGD(self.model.parameters(), lr=0.1)

    def plain(self, x):
        self.optimizer.zero_grad()
        loss = nn.cross_entropy(self.model(x), [0, 1])
        loss.backward()
        self.optimizer.step()
        return loss

    step = ag.compile(plain)


class Heir(Learner):
    @ag.compile
    def step(self, x):
        return super().step(x)


def test_a_method_has_plans_for_each_instance(rng):
    x = rng.random((2, 3), dtype=np.float32)
    for kind in (Learner, Heir):
        one, two, plain = kind(0), kind(1), kind(0)
        for _ in range(4):
            losses = one.step(x).item(), two.step(x).item()
            assert losses[0] == plain.plain(x).item() != losses[1]
        assert one.step.plan is not None
        for other in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):  # noqa: S301
            expected = copy.deepcopy(other.model)
            assert other.step.__self__ is other
            assert other.step(x).item() == nn.cross_entropy(expected(x), [0, 1]).item()
        assert one.step.__self__ is one
    assert Learner.step.__wrapped__ is Learner.plain
    assert ag.compile(one.step) is one.step


def test_slots_can_not_keep_a_compiled_method():
    class Slots:
        __slots__ = ()

        @ag.compile
        def step(self, x):
            return x

    with pytest.raises(OperandError) as error:
        Slots().step(1.0)
    assert str(error.value) == (
        "compile: a Slots has slots, and can't keep a compiled method; compile the method of an instance"
    )


@for_each("f", [lambda x: ag.softmax(x, axis=1), ag.sigmoid, lambda x: ag.arctan(x * x)])
@for_each("dtype", [int, np.float16, ">f4", ">i4"])
def test_operands_that_are_converted_are_converted_in_each_run(f, dtype):
    x = np.arange(6).reshape(2, 3).astype(dtype)
    compiled = ag.compile(f)
    for shift in range(4):
        values = x + np.asarray(shift, dtype)
        y, expected = compiled(values), f(values)
        assert y.dtype == expected.dtype
        np.testing.assert_array_equal(y, expected)
    assert compiled.plan is not None


def test_a_layer_made_inside_names_the_line_that_makes_it():
    step = ag.compile(lambda x: nn.MaxPool2d(2)(x) + 0)
    with pytest.warns(
        CompileWarning, match=r"'kernel_size' of a module is set \(test_compile\.py:\d+: step = ag\.compile"
    ):
        step(np.ones((1, 1, 4, 4), np.float32))
