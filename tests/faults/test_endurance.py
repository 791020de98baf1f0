"""Many threads, many steps: nothing gets mixed up, and nothing piles up.

``nox -s faults`` takes a minute where this takes two seconds.
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.kernels import set_backend

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("AUTOGRAD_CNN_SECONDS", "2"))
THREADS = 16


def _gradients(seed):
    """Return what one small network's loss, its gradients and their gradients come to."""
    rng = np.random.default_rng(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=seed), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3, rng=seed)
    )
    images = rng.random((4, 1, 8, 8), np.float32)
    loss = nn.cross_entropy(model(images), rng.integers(0, 3, 4))
    slopes = ag.gradients(loss, [*model.parameters()], create_graph=True)
    norm = sum((slope * slope).sum() for slope in slopes)
    norm.backward()
    with ag.no_grad():
        assert model(images).node is None
    return [each.numpy().copy() for each in (loss, norm, *slopes)] + [p.grad.numpy() for p in model.parameters()]


def _trained(steps):
    model = nn.digits_net(rng=0)
    optimizer = optim.AdamW(model.parameters())
    images, labels = ag.data.digits().train

    @ag.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    for i in range(steps):
        step(images[i * 16 % 1024 :][:16], labels[i * 16 % 1024 :][:16])
    return model.state_dict()


@pytest.mark.parametrize("backend", ["reference", "auto"])
def test_threads_differentiate_graphs_of_their_own_while_one_trains(backend):
    with set_backend(backend):  # for the whole process
        _endure()


def _endure():
    wanted = [_gradients(seed) for seed in range(THREADS)]
    weights = _trained(30)
    wrong, rounds = [], [0] * THREADS
    end = time.monotonic() + SECONDS

    def work(seed):
        while (not rounds[seed] or time.monotonic() < end) and not wrong:  # each has its turn, however busy it is
            try:
                found = _gradients(seed)
            except Exception as error:  # noqa: BLE001  # whatever goes wrong
                wrong.append((seed, error))
            else:
                if not all(map(np.array_equal, found, wanted[seed])):
                    wrong.append((seed, "other numbers"))
            rounds[seed] += 1

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end and not wrong:
        again = _trained(30)
        if not all(np.array_equal(again[name], value) for name, value in weights.items()):
            wrong.append(("training", "other numbers"))
    for thread in threads:
        thread.join()
    assert wrong == []
    assert min(rounds) > 0


LONG = """
import numpy as np
import autograd_cnn as ag
from autograd_cnn import nn, optim

def used():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

model = nn.Sequential(nn.Conv2d(1, 4, 3, rng=0), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1, rng=1), nn.Flatten(), nn.Linear(144, 10, rng=2))
optimizer = optim.AdamW(model.parameters())
schedule = optim.CosineAnnealingLR(optimizer, T_max=20_000)
images, labels = ag.data.digits().train

def step(x, y):
    optimizer.zero_grad()
    loss = nn.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss

total, recorded = 0.0, ag.compile(step)
for each in (step, recorded):
    for i in range(1_500 + STEPS):
        batch = slice(i * 4 % 1024, i * 4 % 1024 + 4)
        total += each(images[batch], labels[batch]).item()
        schedule.step()
        if i == 1_500:
            before = used()
    print(used() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory in use is read from Linux")
def test_training_takes_no_more_memory_in_the_end():
    """Plain and recorded, after 1,500 steps each that fill the caches."""
    steps = int(os.environ.get("AUTOGRAD_CNN_STEPS", "2500"))
    done = subprocess.run(
        [sys.executable, "-c", f"STEPS = {steps}\n{LONG}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    grown = [*map(int, done.stdout.split())]
    assert max(grown) < 1 << 20, grown
