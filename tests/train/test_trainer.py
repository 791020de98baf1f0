import numpy as np
import pytest
from tables import for_each

from autograd_cnn import nn, optim
from autograd_cnn.attribution import saliency
from autograd_cnn.data import Dataset, Loader, Split, digits
from autograd_cnn.errors import ArgumentError, DataWarning, DivergedError, OperandError
from autograd_cnn.kernels import current_backend
from autograd_cnn.report import write
from autograd_cnn.train import Callback, EarlyStopping, TrainConfig, Trainer, evaluate, figures_of, find_lr, fit


@pytest.fixture
def few():
    return Dataset(*(Split(split.images[:96], split.labels[:96]) for split in digits()))


class Untaped(nn.Module):
    """Returns an array."""

    def forward(self, x):
        return np.zeros((len(x), 10), np.float32)


class Log(Callback):
    """Keeps what it hears."""

    def __init__(self):
        self.events = []

    def on_fit_start(self, _):
        self.events.append("start")

    def on_batch_end(self, trainer, metrics):
        self.events.append((trainer.epoch, metrics.count))

    def on_epoch_end(self, _, epoch):
        self.events.append(epoch.epoch)

    def on_fit_end(self, _):
        self.events.append("end")


def _fit(dataset, seed=0, lr=2e-3, epochs=2, callbacks=()):
    model = nn.digits_net(rng=seed)
    return model, fit(model, dataset, TrainConfig(epochs, 32, lr, seed), callbacks)


def _linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10, rng=0))


def _trainer(model, **options):
    return Trainer(model, optim.SGD(model.parameters(), lr=0.1), **options)


# --- the recipe -------------------------------------------------------------------------------


def test_reports_every_epoch_and_writes_nothing(few, capfd):
    _, history = _fit(few)
    assert capfd.readouterr() == ("", "")
    assert [epoch.epoch for epoch in history] == [1, 2]
    assert [epoch.learning_rate for epoch in history] == [2e-3, pytest.approx(1e-3)]
    assert history[1].loss < history[0].loss
    assert {epoch.backend for epoch in history} == {current_backend()}
    assert history[0].images_per_second == pytest.approx(96 / history[0].seconds)


def test_the_last_epoch_is_what_evaluate_finds(few):
    model, history = _fit(few)
    assert not model.training
    tested = evaluate(model, few.test, batch_size=7)
    assert history[-1].test_accuracy == tested.accuracy
    assert history[-1].test_loss == pytest.approx(tested.loss, rel=1e-6)
    scores = model(few.test.images).numpy()
    assert tested.accuracy == np.mean(scores.argmax(1) == few.test.labels)


def test_same_seed_same_bits(few):
    one, two, other = (_fit(few, seed)[0].state_dict() for seed in (3, 3, 4))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert not np.array_equal(one["fc2.weight"], other["fc2.weight"])


def test_stops_where_the_loss_is_not_a_number(few):
    log = Log()
    with np.errstate(all="ignore"), pytest.raises(DivergedError) as err:
        _fit(few, lr=1e30, callbacks=[log])
    assert str(err.value) == "the loss became nan in epoch 1, step 2"
    assert log.events == ["start", (1, 32), "end"]


def test_stops_where_only_the_last_step_of_an_epoch_went_wrong(few):
    one_batch = Dataset(Split(few.train.images[:32], few.train.labels[:32]), few.test)
    with np.errstate(all="ignore"), pytest.raises(DivergedError) as err:
        _fit(one_batch, lr=1e30)
    assert str(err.value) == "the loss became nan in epoch 1, step 1"


@pytest.mark.slow
def test_learns_to_read():
    _, history = _fit(digits(), epochs=10)
    assert history[-1].test_accuracy >= 0.95


# --- the loop ---------------------------------------------------------------------------------


def test_callbacks_hear_every_batch_and_every_epoch_in_turn(few):
    log = Log()
    trainer = _trainer(_linear(), callbacks=[log, log])
    trainer.fit(Loader(*few.train, batch_size=64), few.test, epochs=2)
    once = ["start", (1, 64), (1, 96), 1, (2, 64), (2, 96), 2, "end"]
    assert log.events == [event for event in once for _ in range(2)]


def test_a_callback_may_end_the_training_and_the_others_hear_of_it(few):
    class Stop(Callback):
        def on_epoch_end(self, *_):
            raise KeyboardInterrupt

    log = Log()
    trainer = _trainer(_linear(), callbacks=[Stop(), log])
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(Loader(*few.train), few.test, epochs=3)
    assert log.events[-1] == "end"
    assert [epoch.epoch for epoch in trainer.history] == [1]


def test_goes_on_where_it_stopped(few):
    halves, whole = (_trainer(_linear()) for _ in range(2))
    loader = Loader(*few.train)
    for _ in range(2):
        halves.fit(loader, few.test, epochs=1)
    whole.fit(Loader(*few.train), few.test, epochs=2)
    one, two = halves.model.state_dict(), whole.model.state_dict()
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert [epoch.epoch for epoch in halves.history] == [1, 2]
    assert halves.epoch == 3


def test_any_loss_is_trained_and_reported(few):
    def doubled(scores, labels):
        return 2 * nn.cross_entropy(scores, labels)

    model = _linear()
    [epoch] = _trainer(model, loss=doubled).fit(Loader(*few.train), few.test, epochs=1)
    assert epoch.test_loss == pytest.approx(2 * evaluate(model, few.test).loss)


def test_a_schedule_moves_after_every_batch(few):
    model = _linear()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    trainer = Trainer(model, optimizer, optim.StepLR(optimizer, step_size=1, gamma=0.5))
    history = trainer.fit(Loader(*few.train, batch_size=32), few.test, epochs=2)
    assert [epoch.learning_rate for epoch in history] == [1.0, 1 / 8]


def test_a_subclass_takes_its_own_steps(few):
    class Frozen(Trainer):
        def train_step(self, images, labels):
            scores = self.model(images)
            return self.loss(scores, labels), scores

    model = _linear()
    before = model.state_dict()
    [epoch] = Frozen(model, optim.SGD(model.parameters(), lr=0.1), compiled=False).fit(
        Loader(*few.train), few.test, epochs=1
    )
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())
    assert epoch.loss == pytest.approx(evaluate(model, few.train).loss, rel=1e-5)


@pytest.mark.parametrize(("learned", "tested"), [(0, 5), (5, 0)])
def test_without_images_there_is_nothing_to_train(few, learned, tested):
    with pytest.raises(ArgumentError) as err:
        _trainer(_linear()).fit(
            Loader(few.train.images[:learned], few.train.labels[:learned]),
            Split(few.test.images[:tested], few.test.labels[:tested]),
            epochs=1,
        )
    assert str(err.value) == (
        "Trainer.fit: images are missing: expected some to learn from and some to test on, "
        f"got {int(learned > 0)} batches and {tested} images"
    )


def test_arrays_of_ones_own_are_put_into_a_split(few):
    with pytest.raises(OperandError) as err:
        _fit(tuple(few.train))
    assert str(err.value) == (
        "fit: dataset is not a Dataset: expected data.Dataset(train, test), both a data.Split(images, labels), got tuple"
    )
    loader, trainer = Loader(*few.train), _trainer(_linear())
    with pytest.raises(OperandError) as err:
        trainer.fit(loader, tuple(few.test), 1)
    assert str(err.value) == "Trainer.fit: test is not a Split: expected data.Split(images, labels), got tuple"
    with pytest.raises(OperandError) as err:  # as one is used to, but a loader's order is for learning
        trainer.fit(loader, loader, 1)
    assert str(err.value) == "Trainer.fit: test is not a Split: expected data.Split(images, labels), got Loader"
    with pytest.raises(OperandError) as err:
        trainer.fit(few.train, few.test, 1)
    assert str(err.value) == "Trainer.fit: loader is not a Loader: expected data.Loader(images, labels), got Split"


@for_each(
    "call, text",
    [
        (lambda model, optimizer, _: Trainer(optimizer, model),
         "Trainer: model is not a Module: expected a network, such as nn.lenet5(), got SGD"),
        (lambda _, optimizer, few: fit(nn.lenet5, few),
         "fit: model is not a Module: expected a network, such as nn.lenet5(), got the function lenet5"),
        (lambda _, optimizer, few: evaluate(nn.lenet5, few.test),
         "evaluate: model is not a Module: expected a network, such as nn.lenet5(), got the function lenet5"),
        (lambda _, optimizer, few: Trainer(Untaped(), optimizer).fit(Loader(*few.train), few.test, 1),
         "Trainer.fit: what the model returns is not a Tensor: expected scores (N, K), got ndarray"),
        (lambda _, optimizer, few: evaluate(Untaped(), few.test),
         "evaluate: what the model returns is not a Tensor: expected scores (N, K), got ndarray"),
        (lambda model, optimizer, few: Trainer(model, optimizer, loss=lambda *_: 3.0).fit(Loader(*few.train), few.test, 1),
         "Trainer.fit: what the loss returns is not a Tensor: expected the mean loss of a batch, got float"),
        (lambda _, optimizer, few: figures_of(nn.lenet5, few.test),
         "figures_of: model is not a Module: expected a network, such as nn.lenet5(), got the function lenet5"),
        (lambda model, _, few: figures_of(model, tuple(few.test)),
         "figures_of: split is not a Split: expected data.Split(images, labels), got tuple"),
        (lambda model, _, few: find_lr(model, Loader(*few.train)),
         "find_lr: trainer is not a Trainer: expected train.Trainer(model, optimizer), got Sequential"),
        (lambda model, optimizer, few: find_lr(Trainer(model, optimizer), few.train),
         "find_lr: loader is not a Loader: expected data.Loader(images, labels), got Split"),
        (lambda model, _, few: saliency(nn.lenet5, *few.test),
         "saliency: model is not a Module: expected a network, such as nn.lenet5(), got the function lenet5"),
        (lambda model, _, few: write("page.html", model, few.test, []),
         "report.write: dataset is not a Dataset: expected data.Dataset(train, test), got Split"),
        (lambda model, _, few: write("page.html", model, few, None),
         ("report.write: history is not a Sequence: expected a list of EpochMetrics, such as train.fit returns, "
          "got NoneType")),
        (lambda model, _, few: Dataset(*few.train),
         "Dataset: train is not a Split: expected data.Split(images, labels), got ndarray"),
        (lambda model, _, few: fit(model, few, callbacks=Log()),
         "fit: callbacks is not an Iterable: expected a list, such as callbacks=[train.Progress()], got Log"),
        (lambda model, _, few: fit(model, few, epochs=2),
         ("fit: no argument 'epochs'; epochs, batch_size and the like are in config=train.TrainConfig(...); "
          "it takes model, dataset, config, callbacks, checkpoint, watch, parallel")),
        (lambda model, *_: Trainer(model, optim.SGD),
         "Trainer: optimizer is not an Optimizer: expected one such as optim.AdamW(...), got the class SGD"),
        (lambda model, optimizer, _: Trainer(model, optimizer, "cosine"),
         "Trainer: schedule is not a Schedule: expected one such as optim.StepLR(...), got str"),
        (lambda model, _, few: fit(model, few, 5),
         "fit: config is not a TrainConfig: expected TrainConfig(epochs=...), got int"),
        (lambda model, _, few: evaluate(model, Loader(*few.test)),
         "evaluate: split is not a Split: expected data.Split(images, labels), got Loader"),
    ],
)  # fmt: skip
def test_what_is_of_another_kind_is_refused_at_once(few, call, text):
    model = _linear()
    with pytest.raises(OperandError) as err:
        call(model, optim.SGD(model.parameters(), lr=0.5), few)
    assert str(err.value) == text


@pytest.mark.parametrize("callback", [Log, print, None])
def test_what_is_not_a_callback_is_refused(callback):
    with pytest.raises(OperandError) as err:
        _trainer(_linear(), callbacks=[callback])
    assert str(err.value) == (
        f"Trainer: callbacks holds something else: expected instances of Callback, got {callback!r}"
    )


def test_epochs_are_counted(few):
    with pytest.raises(ArgumentError) as err:
        _trainer(_linear()).fit(Loader(*few.train), few.test, epochs=0)
    assert str(err.value) == "Trainer.fit: epochs is out of range: expected an int of at least 1, got 0"


# --- other steps ------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [True, False])
def test_a_batch_in_parts_is_the_same_step_as_in_one(few, compiled):
    whole, parts = (_trainer(_linear(), accumulate=count, compiled=compiled) for count in (1, 5))
    for trainer in (whole, parts):
        trainer.fit(Loader(*few.train, batch_size=64, seed=1), few.test, epochs=3)  # batches of 64 and of 32
    for one, two in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        np.testing.assert_allclose(one.numpy(), two.numpy(), atol=1e-6)
    assert parts.history[-1].loss == pytest.approx(whole.history[-1].loss, rel=1e-6)
    assert parts.history[-1].accuracy == whole.history[-1].accuracy


def test_gradients_are_clipped(few):
    model = _linear()
    before = model[1].weight.numpy()
    trainer = Trainer(model, optim.SGD(model.parameters(), lr=1.0), clip_norm=0.01)
    trainer.fit(Loader(*few.train, batch_size=96), few.test, epochs=1)
    moved = [model[1].weight.numpy() - before, model[1].bias.grad.numpy()]
    assert np.hypot(*map(np.linalg.norm, moved)) == pytest.approx(0.01, rel=1e-3)


def test_the_average_is_tested_and_the_model_goes_its_way(few):
    model, alone = _linear(), _linear()
    average = optim.AveragedModel(model, avg_fn=optim.get_ema_avg_fn(0.8))
    trainer = _trainer(model, average=average)
    [epoch] = trainer.fit(Loader(*few.train, batch_size=32), few.test, epochs=1)
    _trainer(alone).fit(Loader(*few.train, batch_size=32), few.test, epochs=1)
    assert np.array_equal(model[1].weight.numpy(), alone[1].weight.numpy())
    assert average.n_averaged == 3
    assert epoch.test_loss == evaluate(average.module, few.test).loss != evaluate(model, few.test).loss
    assert trainer.tested is average.module


def test_gradients_and_dead_units_are_looked_at(few):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8, rng=0), nn.ReLU(), nn.Linear(8, 10, rng=1))
    model[1].bias.data = np.array([-100.0, -100.0, 0, 0, 0, 0, 0, 0])
    [epoch] = _trainer(model, watch=20).fit(Loader(*few.train), few.test, epochs=1)
    assert list(epoch.gradients) == ["1", "3"]
    assert epoch.dead["2"] >= 0.25
    assert not _trainer(_linear()).fit(Loader(*few.train), few.test, epochs=1)[0].gradients


EVERYTHING = {
    "augment": ("shift", "brightness"), "mixup": 0.4, "accumulate": 2, "clip_norm": 1.0, "class_weights": "balanced",
    "ema": 0.9, "workers": 1,
}  # fmt: skip


def test_the_recipe_with_everything_goes_on_as_if_it_had_not_stopped(few, tmp_path):
    class Stop(Callback):
        def on_checkpoint(self, trainer):
            if trainer.epoch == 3:
                trainer.save(tmp_path / "run.npz")
                trainer.stop()

    config = TrainConfig(4, 32, **EVERYTHING)
    whole, halves = nn.digits_net(rng=0), nn.digits_net(rng=0)
    history = fit(whole, few, config, watch=8)
    fit(halves, few, config, [Stop()], watch=8)
    again = fit(halves, few, config, checkpoint=tmp_path / "run.npz", watch=8)
    assert [(e.loss, e.test_loss, e.gradients) for e in again] == [(e.loss, e.test_loss, e.gradients) for e in history]
    assert all(np.array_equal(value, halves.state_dict()[name]) for name, value in whole.state_dict().items())
    assert history[-1].test_loss == evaluate(whole, few.test, loss=_balanced(few)).loss  # of the average


def _balanced(few):
    counts = np.bincount(few.train.labels, minlength=10)
    weight = (len(few.train.labels) / (10 * counts)).astype(np.float32)
    return lambda scores, labels: nn.cross_entropy(scores, labels, weight=weight)


def test_images_of_bytes_are_warned_of(few):
    scaled = Dataset(*(Split((part.images * 255).astype(np.uint8), part.labels) for part in few))
    text = "Trainer.fit: the network is tested on bytes from 0 to 255, which are large for a network; divide all images by 255"
    with pytest.warns(DataWarning) as caught:
        _fit(scaled, epochs=1)
    assert [str(each.message) for each in caught] == [text]


def test_early_stopping_keeps_the_best_average(few):
    model, stopping = _linear(), EarlyStopping(patience=2)
    fit(model, few, TrainConfig(6, 32, lr=0.5, ema=0.5), [stopping])
    assert evaluate(model, few.test).loss == stopping.best.test_loss


@for_each(
    "make, kind, text",
    [
        (lambda few: _trainer(_linear(), accumulate=0), ArgumentError,
         "Trainer: accumulate is out of range: expected an int of at least 1, got 0"),
        (lambda few: _trainer(_linear(), clip_norm=-1), ArgumentError,
         "Trainer: clip_norm is out of range: expected a number above 0, got -1"),
        (lambda few: _trainer(_linear(), average=_linear()), OperandError,
         "Trainer: average is not an AveragedModel: expected optim.AveragedModel(model), got Sequential"),
        (lambda few: _trainer(_linear(), watch=-1), ArgumentError,
         "Trainer: watch is out of range: expected an int of at least 0, got -1"),
        (lambda few: fit(_linear(), few, TrainConfig(1, class_weights=(1, 2))), ArgumentError,
         "fit: class_weights has the wrong length: expected 10, got 2"),
    ],
)  # fmt: skip
def test_what_can_not_be_a_step(few, make, kind, text):
    with pytest.raises(kind) as error:
        make(few)
    assert str(error.value) == text


# --- evaluation -------------------------------------------------------------------------------


def test_evaluate_records_nothing_and_changes_nothing(few):
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10, rng=0))
    before = model.state_dict()
    assert evaluate(model, few.test).loss == evaluate(model, few.test).loss
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_evaluate_gives_every_module_its_mode_back(few):
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10, rng=0))
    frozen = next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d)).eval()
    modes = [module.training for module in model.modules()]
    assert set(modes) == {True, False}
    evaluate(model, few.test)
    assert [module.training for module in model.modules()] == modes
    assert not frozen.training
