"""What two ranks find out together: ``mpiexec -n 2 python ranks.py`` writes what fails, by the name of the check.

Each check runs on both ranks, and raises on either. Starting MPI takes a second, so it is started once for all.
"""

import json
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np

import autograd_cnn as ag
from autograd_cnn import data, distributed, nn, optim, train
from autograd_cnn.errors import ArgumentError, GradientError

GROUP = distributed.init()
IMAGES, LABELS = (part[:77] for part in data.digits().train)  # 77 is 2 batches of 32 and one of 13: 6 and 7
X, Y = IMAGES[:8], LABELS[:8]
MINE = slice(0, 3) if GROUP.rank == 0 else slice(3, 8)


def small_net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, rng=0), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 16, rng=1),
        nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10, rng=2),
    )  # fmt: skip


def plain_net():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16, rng=1), nn.Tanh(), nn.Linear(16, 10, rng=2))


def trained(*, parallel=True, compiled=False, **options):
    """Return the state of a small network after two epochs, on all ranks or on this one alone."""
    model, shares = small_net(), {}
    if parallel:
        distributed.convert_sync_batchnorm(model, GROUP)
        distributed.DataParallel(model, GROUP, bucket_bytes=1000, **options)
        shares = {"rank": GROUP.rank, "ranks": GROUP.size}
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(images, labels):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    run = ag.compile(step) if compiled else step
    loader = data.Loader(IMAGES, LABELS, batch_size=32, transform=data.random_shift, **shares)
    for _ in range(4 if compiled else 2):
        for images, labels in loader:
            run(images, labels)
    assert not compiled or run.plan is not None, run.reason
    return model.state_dict()


def gradients_of(model, x, y):
    model.zero_grad()
    nn.cross_entropy(model(x), y).backward()
    return [p.grad.numpy() for p in model.parameters()]


def close(found, expected, bound=1e-6):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=bound, atol=bound)


def same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def raised(kind, function, *arguments):
    try:
        function(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


# --- the checks -------------------------------------------------------------------------------


def the_group():
    assert GROUP.size == 2
    assert GROUP.name.startswith(f"rank {GROUP.rank} of 2 on ")
    assert GROUP.sum([1, GROUP.rank]).tolist() == [2, 1]
    assert GROUP.mean([[1.0 + GROUP.rank]], weight=1 + GROUP.rank).tolist() == [[5 / 3]]
    assert GROUP.broadcast(f"from {GROUP.rank}") == "from 0"
    assert GROUP.gather(GROUP.rank) == [0, 1]
    assert distributed.init() is GROUP


def the_same_as_one_process():
    alone, together = trained(parallel=False), trained()
    close(together.values(), alone.values())
    same(trained().values(), together.values())
    for others in GROUP.gather(together):
        same(others.values(), together.values())


def a_compiled_step():
    first = trained(compiled=True)
    same(trained(compiled=True).values(), first.values())
    close(first.values(), trained(parallel=False, compiled=True).values(), 3e-6)


def sums_begin_while_the_pass_runs():
    model, events, start = plain_net(), [], GROUP.start_sum
    GROUP.start_sum = lambda values, sums: events.append(("sum", values.size)) or start(values, sums)
    try:
        distributed.DataParallel(model, GROUP, bucket_bytes=1)
        hidden = model[:3](X[MINE])
        hidden.register_hook(lambda g: events.append(("rule", hidden.size)))
        model.forward = model[3]
        nn.cross_entropy(model(hidden), Y[MINE]).backward()
    finally:
        del GROUP.start_sum
    assert [name for name, _ in events] == ["sum", "sum", "sum", "rule", "sum", "sum"]  # the first: how many examples


def gradients_weigh_by_examples():
    model, alone = plain_net(), plain_net()
    parallel = distributed.DataParallel(model, GROUP)
    close(gradients_of(model, X[MINE], Y[MINE]), gradients_of(alone, X, Y))
    nn.cross_entropy(model(X[MINE]), Y[MINE]).backward()  # and add up, as ever
    close([p.grad.numpy() for p in model.parameters()], [2 * g for g in gradients_of(alone, X, Y)])
    assert repr(parallel) == f"<DataParallel of Sequential, {GROUP.name}, 1 buckets>"


def accumulated():
    alone, expected = plain_net(), gradients_of(plain_net(), X, Y)
    for compiled in (False, True):
        model = plain_net()
        parallel = distributed.DataParallel(model, GROUP)

        def step(first, first_labels, last, last_labels, model=model, parallel=parallel):
            model.zero_grad()
            count = len(first_labels) + len(last_labels)
            with parallel.no_sync(), parallel.no_sync():
                (nn.cross_entropy(model(first), first_labels) * (len(first_labels) / count)).backward()
            local = model[1].weight.grad.detach()
            (nn.cross_entropy(model(last), last_labels) * (len(last_labels) / count)).backward()
            return local

        run = ag.compile(step) if compiled else step
        x, y = X[MINE], Y[MINE]
        for _ in range(4):
            local = run(x[:1], y[:1], x[1:], y[1:])
            close([p.grad.numpy() for p in model.parameters()], expected)
        one = gradients_of(alone, x[:1], y[:1])[0] / len(x)  # so far this process's alone
        close([local.numpy()], [one])
        assert not compiled or run.plan is not None, run.reason


def compressed():
    model, expected = plain_net(), gradients_of(plain_net(), X, Y)
    distributed.DataParallel(model, GROUP, compression=distributed.BFloat16)
    largest = max(np.abs(g).max() for g in expected)
    for g, exact in zip(gradients_of(model, X[MINE], Y[MINE]), expected, strict=True):
        assert np.abs(g - exact).max() < largest / 64
    for compression, bound in ((distributed.BFloat16, 5e-3), (lambda: distributed.TopK(0.25), 0.1)):
        model = plain_net()
        distributed.DataParallel(model, GROUP, compression=compression)
        total = sum(np.concatenate([*map(np.ravel, gradients_of(model, X[MINE], Y[MINE]))]) for _ in range(40)) / 40
        # What was left out once comes later.
        assert np.abs(total - np.concatenate([*map(np.ravel, expected)])).max() < bound * largest
    model = plain_net()
    distributed.DataParallel(model, GROUP, compression=lambda: distributed.TopK(1.0))
    close(gradients_of(model, X[MINE], Y[MINE]), expected)
    for options in ({"compression": distributed.BFloat16}, {"compression": distributed.TopK}):
        same(trained(**options).values(), trained(**options).values())


def half_and_double():
    for dtype, bound in ((np.float64, 1e-12), (np.float16, 2e-3)):
        model, alone = plain_net().astype(dtype), plain_net().astype(dtype)
        distributed.DataParallel(model, GROUP)
        x = X.astype(dtype)
        found = gradients_of(model, x[MINE], Y[MINE])
        assert {g.dtype for g in found} == {np.dtype(dtype)}
        close(found, gradients_of(alone, x, Y), bound)


def synchronised_batch_norm():
    model, alone = small_net(), small_net()
    distributed.convert_sync_batchnorm(model, GROUP)
    distributed.DataParallel(model, GROUP)
    x, whole = (ag.tensor(each, requires_grad=True) for each in (X[MINE], X))
    nn.cross_entropy(model(x), Y[MINE]).backward()
    nn.cross_entropy(alone(whole), Y).backward()
    close([p.grad.numpy() for p in model.parameters()], [p.grad.numpy() for p in alone.parameters()])
    close([x.grad.numpy() * len(x) / 8], [whole.grad.numpy()[MINE]])
    close(model.buffers(), alone.buffers())
    close([model.eval()(X).numpy()], [alone.eval()(X).numpy()])
    with ag.no_grad():
        close([model.train()(X[MINE]).numpy()], [alone.train()(X).numpy()[MINE]])
    loss = nn.cross_entropy(model(X[MINE]), Y[MINE])
    assert raised(GradientError, lambda: loss.backward(create_graph=True)) == (
        "SyncBatchNorm: it has first derivatives only; leave create_graph out"
    )


def the_state_of_rank_0():
    model = nn.Sequential(nn.Linear(2, 3, rng=GROUP.rank), nn.BatchNorm1d(3))
    parallel = distributed.DataParallel(model, GROUP)
    same([model[0].weight.numpy()], [nn.Linear(2, 3, rng=0).weight.numpy()])
    model[1].set_buffers(running_mean=np.full(3, GROUP.rank + 1.0))
    parallel.broadcast_buffers()
    same([model[1].running_mean], [np.ones(3)])


def the_trainer():
    dataset = data.Dataset(data.Split(IMAGES, LABELS), data.Split(IMAGES[:31], LABELS[:31]))
    histories = []
    for parallel in (False, True):
        model = plain_net().astype(np.float64)
        handle = distributed.DataParallel(model, GROUP) if parallel else None
        config = train.TrainConfig(3, 32, accumulate=3, clip_norm=1.0, mixup=0.3, ema=0.9)
        histories.append(train.fit(model, dataset, config, parallel=handle, watch=4))
    for alone, together in zip(*histories, strict=True):
        for name in ("loss", "accuracy", "test_loss", "test_accuracy", "learning_rate"):
            np.testing.assert_allclose(getattr(together, name), getattr(alone, name), rtol=1e-6)


def other_models():
    said = raised(ArgumentError, distributed.DataParallel, nn.Linear(2, 3 + GROUP.rank))
    assert said == (
        f"DataParallel: the parameters of rank {1 - GROUP.rank} are not those of rank {GROUP.rank}; "
        "build the same model on all of them"
    )


def unused_parameters():  # the last one, as it leaves a pass in the middle
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    distributed.DataParallel(model, GROUP)
    model.forward = model[0]
    said = raised(GradientError, model(np.ones((1, 2))).sum().backward)
    assert said == (
        "DataParallel: no gradient reached '1.bias' in this backward pass; "
        "freeze what the loss does not depend on, before DataParallel"
    )
    assert model[0].weight.grad is None


CHECKS = (
    the_group, the_same_as_one_process, a_compiled_step, sums_begin_while_the_pass_runs, gradients_weigh_by_examples,
    accumulated, the_trainer, compressed, half_and_double, synchronised_batch_norm, the_state_of_rank_0, other_models,
    unused_parameters,
)  # fmt: skip


def problem(check):
    try:
        check()
    except Exception:  # noqa: BLE001  # whatever it is
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    warnings.simplefilter("error")
    problems = {check.__name__: "".join(GROUP.gather(problem(check))) for check in CHECKS}
    if GROUP.rank == 0:
        Path(sys.argv[1]).write_text(json.dumps(problems), "utf-8")
