"""Runs that are kept and go on."""

import json

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import data, nn, optim, train
from autograd_cnn.errors import ArgumentError, FormatError, OperandError
from autograd_cnn.io.checkpoint import TEXT


class Run:
    """Everything that has a state: weights, statistics, masks, moments, rates, batches, history."""

    def __init__(self, optimizer=optim.AdamW):
        shared = np.random.default_rng(3)
        self.model = nn.Sequential(
            nn.Conv2d(1, 4, 3, rng=0), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(rng=shared), nn.Flatten(),
            nn.Linear(144, 10, rng=1), nn.Dropout(0.1, rng=shared),
        )  # fmt: skip
        self.optimizer = optimizer(self.model.parameters(), lr=0.01)
        self.schedule = optim.StepLR(self.optimizer, 1, gamma=0.5)
        self.loader = data.Loader(*(part[:96] for part in data.digits().train), transform=data.random_shift)
        self.trainer = train.Trainer(self.model, self.optimizer, self.schedule)

    def fit(self, epochs):
        self.trainer.fit(self.loader, data.Split(*(part[:20] for part in data.digits().test)), epochs)

    def parts(self):
        return vars(self)

    def weights(self):
        return {name: value.tobytes() for name, value in self.model.state_dict().items()}


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_run_goes_on_as_if_it_had_not_been_stopped(tmp_path, suffix):
    whole, first, second = Run(), Run(), Run()
    whole.fit(4)
    first.fit(2)
    ag.save(tmp_path / f"run{suffix}", **first.parts())
    ag.restore(tmp_path / f"run{suffix}", **second.parts())
    assert second.trainer.epoch == 3
    second.fit(2)
    assert second.weights() == whole.weights()
    losses = [[epoch.loss for epoch in run.trainer.history] for run in (whole, second)]
    assert losses[0] == losses[1]


def test_a_part_of_it(tmp_path):
    run, other = Run(), Run()
    run.fit(1)
    ag.save(tmp_path / "run.npz", **run.parts())
    ag.restore(tmp_path / "run.npz", model=other.model)
    assert other.weights() == run.weights()
    assert not other.optimizer.state
    assert "model/weights/0.weight" in ag.load(tmp_path / "run.npz")


def test_a_generator_of_ones_own(tmp_path):
    rng = np.random.Generator(np.random.Philox(7))
    rng.random(3)
    ag.save(tmp_path / "rng.npz", rng=rng)
    expected = rng.random(5).tolist()
    ag.restore(tmp_path / "rng.npz", rng=rng)
    assert rng.random(5).tolist() == expected
    with pytest.raises(OperandError) as error:
        ag.restore(tmp_path / "rng.npz", rng=np.random.default_rng(0))
    assert str(error.value).startswith("restore: rng is not the state of its generator: expected PCG64, got")


def test_all_or_nothing(tmp_path):
    run, other = Run(), Run(optim.SGD)
    run.fit(1)
    ag.save(tmp_path / "run.npz", **run.parts())
    before = other.weights(), other.loader.epoch, other.model[3].rng.random()
    other = Run(optim.SGD)
    with pytest.raises(ArgumentError, match="the state is not of this SGD"):
        ag.restore(tmp_path / "run.npz", loader=other.loader, model=other.model, optimizer=other.optimizer)
    assert (other.weights(), other.loader.epoch, other.model[3].rng.random()) == before


def test_what_can_not_be_kept_or_restored(tmp_path):
    def said(call, error):
        with pytest.raises(error) as caught:
            call()
        return str(caught.value).replace(str(tmp_path), "~")

    path = tmp_path / "run.npz"
    model = nn.Linear(1, 1, rng=0)
    assert said(lambda: ag.save(path, model, optimizer=model), OperandError) == (
        "save: a state and objects; write save(path, model), or save(path, model=model, …)"
    )
    assert said(lambda: ag.save(path, model=model, epoch=3), OperandError) == (
        "save: epoch has no state: expected a module, an optimiser, or what else has a state_dict, got int"
    )
    ag.save(path, model=model)
    assert said(lambda: ag.restore(path, net=model), ArgumentError) == (
        "~/run.npz: it has no net: expected some of model, got net"
    )
    assert said(lambda: ag.restore(path, model=nn.Dropout()), OperandError) == (
        "restore: model has other generators: expected rng, got none"
    )
    ag.save(path, model)
    assert said(lambda: ag.restore(path, model=model), FormatError) == (
        "~/run.npz: weights and not a checkpoint; ag.load reads them"
    )


class Odd:
    def __init__(self, state):
        self.state = state

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = state


@for_each("state", [
    {"a": {1: (2.5, [None, True, "x"]), "b/c": np.arange(3)}, "a/b": {"c": np.ones(2)}},
    {"big": 2**100, "inf": float("inf"), "empty": {}, "none": [], "scalar": np.float32(0.5)},
])  # fmt: skip
def test_nested_states(tmp_path, state):
    ag.save(tmp_path / "x.npz", odd=Odd(state))
    odd = Odd(None)
    ag.restore(tmp_path / "x.npz", odd=odd)
    assert repr(odd.state) == repr({**state, "scalar": 0.5} if "scalar" in state else state)


@for_each("state, told", [
    ({"f": print}, "save: 'odd/f' can't be kept: expected arrays, numbers, texts, lists and dicts, got builtin_function_or_method"),
    ({(1, 2): 3}, "save: a key of 'odd' can't be kept: expected int or str, got (1, 2)"),
    ({"a": np.array(["x"])}, "save: 'odd/a' is not an array of numbers: expected bools, ints or floats, got <U1"),
])  # fmt: skip
def test_states_that_are_not_plain(tmp_path, state, told):
    with pytest.raises(OperandError) as error:
        ag.save(tmp_path / "x.npz", odd=Odd(state))
    assert str(error.value) == told
    assert not list(tmp_path.iterdir())


@for_each("text, told", [
    (b"", "a damaged checkpoint"), (b"[]", "a damaged checkpoint"), (b"\xff", "a damaged checkpoint"),
    (b"[" * 100_000, "a damaged checkpoint"), (b'{"version": 1}', "a damaged checkpoint"),
    (b'{"version": 2, "objects": {}}', "a checkpoint of another version: expected 1, got 2"),
    (json.dumps({"version": 1, "objects": {"odd": {"array": "a"}}}).encode(), "a damaged checkpoint"),
    (json.dumps({"version": 1, "objects": {"odd": {}}}).encode(), "a damaged checkpoint"),
    (json.dumps({"version": 1, "objects": {"odd": {"items": [[[], 1]]}}}).encode(), "a damaged checkpoint"),
])  # fmt: skip
def test_texts_that_are_not_of_a_checkpoint(tmp_path, text, told):
    path = tmp_path / "x.npz"
    ag.save(path, {TEXT: np.frombuffer(text, np.uint8)})
    with pytest.raises(FormatError) as error:
        ag.restore(path, odd=Odd(None))
    assert str(error.value) == f"{path}: {told}"


GOOD = {"weights": {"weight": np.ones((2, 3)), "bias": np.ones(2)}, "generators": {}}


@for_each("name, state", [
    ("model", {**GOOD, "generators": "none"}),
    ("optimizer", {"state": {}, "param_groups": [{"params": 3, "lr": 0.1}]}),
    ("optimizer", {"state": {0: "fast"}, "param_groups": [{"params": [0, 1], "lr": 0.1}]}),
    ("optimizer", {"state": {}, "param_groups": [{"params": [[], {}], "lr": 0.1}]}),
    ("schedule", {}), ("schedule", 3),
])  # fmt: skip
def test_states_of_no_object_are_refused_and_change_nothing(tmp_path, name, state):
    """As a file can have them that somebody wrote by hand."""
    path = tmp_path / "x.npz"
    model = nn.Linear(3, 2, rng=0)
    optimizer = optim.Adam(model.parameters())
    parts = {"model": model, "optimizer": optimizer, "schedule": optim.StepLR(optimizer, 3)}
    before = repr({name: part.state_dict() for name, part in parts.items()})
    states = {"model": Odd(GOOD), "optimizer": optimizer, "schedule": parts["schedule"], name: Odd(state)}
    ag.save(path, **states)
    with pytest.raises((FormatError, ArgumentError, OperandError)) as error:
        ag.restore(path, **parts)
    if error.type is FormatError:
        assert str(error.value) == f"{path}: what it holds for {name} is not a state of it"
    assert repr({name: part.state_dict() for name, part in parts.items()}) == before
