"""What happens to a run while it is under way: it is killed, told to end, out of disk or of memory, damaged.

``nox -s faults`` kills fifty times where this kills a few times.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.cli import main
from autograd_cnn.errors import FormatError

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are POSIX's")]

KILLS = int(os.environ.get("AUTOGRAD_CNN_KILLS", "3"))
EPOCHS = 8 + 8 * KILLS
TRAIN = [sys.executable, "-m", "autograd_cnn", "train"]
OPTIONS = ["--model", "CONV -> POOL -> FC", "--backend", "reference", "--epochs"]


def _weights(run):
    return ag.load(run / "model.npz")


def _same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(value, other[name]) for name, value in one.items())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The weights of a run that nobody disturbed."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert main(["train", *OPTIONS, str(EPOCHS), "--out", str(run)]) == 0
    return _weights(run)


@contextmanager
def _training(*arguments):
    """Start a run; it has ended when the block has, however that comes."""
    command = [*TRAIN, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _wait(process, ready):
    """Wait until something is so, or the process has ended."""
    deadline = time.monotonic() + 60
    while not ready() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


@contextmanager
def _started(run, epochs):
    """Start a run that has had an epoch when the block begins."""
    with _training(*OPTIONS, epochs, "--out", run) as process:
        _wait(process, (run / "checkpoint.npz").is_file)
        assert process.poll() is None, process.stderr.read()
        yield process


def test_killed_at_random_moments_it_ends_with_the_same_bits(whole, tmp_path):
    """Again and again, until it is through; writing takes a large part of such a short epoch."""
    run, moments = tmp_path / "run", random.Random(0)  # noqa: S311  # nothing is secret here
    metrics = run / "metrics.jsonl"
    with _started(run, EPOCHS) as process:
        time.sleep(moments.uniform(0, 0.1))
        assert process.poll() is None
    for kill in range(1, KILLS + 1):
        for name in ("checkpoint.npz", "checkpoint-before.npz", "model.npz"):
            assert not (run / name).exists() or ag.load(run / name)
        had = metrics.read_bytes()
        with _training("--resume", run) as process:
            if kill == KILLS:
                _, told = process.communicate()
            else:
                _wait(process, lambda had=had: metrics.read_bytes() != had)
                time.sleep(moments.uniform(0, 0.1))
                assert process.poll() is None
    assert process.returncode == 0, told
    assert _same(_weights(run), whole)
    epochs = [json.loads(line)["epoch"] for line in metrics.read_text("utf-8").splitlines()]
    assert epochs == [*range(1, EPOCHS + 1)]
    assert [*run.glob(".autograd-cnn*")] == []


@pytest.mark.parametrize(
    ("number", "code", "told"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_told_to_end_it_leaves_all_whole_and_says_so(whole, tmp_path, number, code, told):
    run = tmp_path / "run"
    with _started(run, EPOCHS) as process:
        process.send_signal(number)
        _, said = process.communicate()
    assert process.returncode == code
    epoch = json.loads((run / "metrics.jsonl").read_text("utf-8").splitlines()[-1])["epoch"]
    kept = f"the weights of epoch {epoch} are in {run / 'model.npz'}"
    assert said == f"autograd-cnn train: {told}; {kept}; --resume {run} goes on\n"
    assert main(["train", "--resume", str(run)]) == 0
    assert _same(_weights(run), whole)


def test_a_full_disk_ends_it_in_one_sentence_and_the_last_checkpoint_stands(tmp_path):
    """No file may grow beyond the least part of a checkpoint, as on a disk that is full."""
    run = tmp_path / "run"
    with _started(run, 1_000_000):
        pass
    size = (run / "checkpoint.npz").stat().st_size
    command = ["import resource, sys", f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size // 2},) * 2)",
               "from autograd_cnn.cli import main", f"sys.exit(main(['train', '--resume', {str(run)!r}]))"]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", "\n".join(command)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f"autograd-cnn train: --out: can't write to {run}: File too large")
    assert done.stderr.count("\n") == 1
    assert any((run / name).is_file() and ag.load(run / name) for name in ("checkpoint.npz", "checkpoint-before.npz"))


def test_a_damaged_checkpoint_is_named_and_the_one_before_goes_on(whole, tmp_path, capsys):
    run = tmp_path / "run"
    with _started(run, EPOCHS) as process:
        _wait(process, (run / "checkpoint-before.npz").exists)
    newest = run / "checkpoint.npz"
    if not newest.exists():  # killed between two renames
        newest.write_bytes((run / "checkpoint-before.npz").read_bytes())
    raw = bytearray(newest.read_bytes())
    raw[len(raw) // 2] ^= 1
    newest.write_bytes(raw)
    assert main(["train", "--resume", str(run)]) == 0
    told = capsys.readouterr().out.splitlines()[0]
    assert told.startswith(f"{newest}: ")
    assert told.endswith("; going on from the checkpoint before")
    assert _same(_weights(run), whole)
    for name in ("checkpoint.npz", "checkpoint-before.npz"):
        (run / name).write_bytes(b"PK")
    assert main(["train", "--resume", str(run)]) == 1
    assert capsys.readouterr().err.startswith(
        f"autograd-cnn train: {run} holds no checkpoint that is whole; {newest}: damaged, or not an .npz file; "
    )


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_every_flipped_byte_of_a_checkpoint_is_noticed_or_harmless(tmp_path, suffix):
    def parts(seed):
        model = nn.Linear(3, 2, rng=seed)
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        model(np.ones((1, 3), np.float32)).sum().backward()
        optimizer.step()
        return model, optimizer

    def state(model, optimizer):
        return [*map(repr, (sorted(model.state_dict().items()), optimizer.state_dict()))]

    path = tmp_path / f"run.{suffix}"
    saved, fresh = parts(0), parts(1)
    ag.save(path, model=saved[0], optimizer=saved[1])
    raw = path.read_bytes()
    ag.restore(path, model=fresh[0], optimizer=fresh[1])
    right, noticed = state(*fresh), 0
    model, optimizer = parts(1)
    before = state(model, optimizer)
    for place in range(len(raw)):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0x10]) + raw[place + 1 :])
        try:
            ag.restore(path, model=model, optimizer=optimizer)
        except FormatError:
            noticed += 1
            assert state(model, optimizer) == before
        else:
            assert state(model, optimizer) == right
            model, optimizer = parts(1)
    assert noticed > 0.7 * len(raw)
    assert noticed == len(raw) or suffix == "npz"  # whose dates and attributes mean nothing


LIMITED = """
import resource, sys
import numpy as np
import autograd_cnn as ag
from autograd_cnn import nn, optim

ag.set_backend("reference")
model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, rng=0), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 32 * 32, 10, rng=1))
optimizer = optim.Adam(model.parameters())

def step(count):
    loss = nn.cross_entropy(model(np.ones((count, 1, 32, 32), np.float32)), np.zeros(count, int))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

step(2)
state = model.state_dict()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 28),) * 2)
failed = 0
for count in (40_000, 9_000, 6_000, 4_000):
    try:
        step(count)
    except MemoryError:
        failed += 1
        assert all(np.array_equal(value, state[name]) for name, value in model.state_dict().items())
    else:
        state = model.state_dict()
print(failed > 0, np.isfinite(step(2)))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory in use is read from Linux")
def test_out_of_memory_in_a_step_leaves_the_weights_and_the_engine():
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True True\n"), done.stderr


def test_out_of_memory_ends_a_run_in_one_sentence(tmp_path):
    run = tmp_path / "run"
    np.savez(tmp_path / "set.npz", images=np.zeros((600, 1, 64, 64), np.float32), labels=np.arange(600) % 2)
    options = ["--data", str(tmp_path / "set.npz"), "--model", "small_vgg", "--batch-size", "256"]
    command = ["import resource, sys", "import autograd_cnn.cli.train", "from autograd_cnn.cli import main",
               "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()",
               "resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 27),) * 2)",
               f"sys.exit(main({['train', *options, '--backend', 'reference', '--out', str(run)]!r}))"]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", "\n".join(command)], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("autograd-cnn train: out of memory")
    assert done.stderr.count("\n") == 1
    assert not (run / "checkpoint.npz").exists()
