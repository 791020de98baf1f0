"""What one process can find out by itself."""

import io
import subprocess
import sys

import numpy as np
import pytest
from tables import for_each

from autograd_cnn import data, nn, optim
from autograd_cnn.distributed import DataParallel, ProcessGroup, SyncBatchNorm, TopK, convert_sync_batchnorm
from autograd_cnn.distributed.compression import from_bfloat16, to_bfloat16
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.train import Trainer


class Alone:
    """As much of a communicator as one process needs."""

    aborted = None

    def Get_rank(self):
        return 0

    def Get_size(self):
        return 1

    def allgather(self, value):
        return [value]

    def bcast(self, value):
        return value

    def Abort(self, code):
        self.aborted = code


class Two(Alone):
    def Get_size(self):
        return 2


@for_each(
    "value, expected",
    [
        (1 + 2**-8, 1.0),  # ties to even
        (1 + 3 * 2**-8, 1 + 2**-6),
        (1 + 2**-8 + 2**-20, 1 + 2**-7),
        (-0.0, -0.0),
        (1e-40, 2**-133),  # the smallest
        (3.4028235e38, np.inf),
        (-np.inf, -np.inf),
        (np.nan, np.nan),
        (np.uint32(0x7FFFFFFF).view(np.float32), np.nan),  # whose rounded bits would overflow
    ],
)
def test_bfloat16_is_float32_rounded_to_nearest(value, expected):
    found = from_bfloat16(to_bfloat16(np.float32([value])))
    np.testing.assert_array_equal(found, np.float32([expected]))
    assert np.isnan(expected) or np.signbit(found[0]) == np.signbit(expected)


@for_each("share", [0, 1.5, -1])
def test_a_share_that_is_none(share):
    with pytest.raises(ArgumentError) as err:
        TopK(share)
    assert str(err.value) == f"TopK: share is out of range: expected above 0, up to 1, got {share}"


@for_each(
    "model, kind, text",
    [
        ("net", OperandError, "DataParallel: model is not a module: expected a Module, got str"),
        (nn.ReLU(), ArgumentError, "DataParallel: the model has no parameters that require a gradient"),
    ],
)
def test_what_has_nothing_to_learn_in_parallel(model, kind, text):
    with pytest.raises(kind) as err:
        DataParallel(model, ProcessGroup(Alone()))
    assert str(err.value) == text


def test_one_process_learns_as_without():
    outcomes = []
    for parallel in (False, True):
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, rng=0))
        if parallel:
            handle = DataParallel(model, ProcessGroup(Alone()))
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for images, labels in data.Loader(*data.digits().train, batch_size=256):
            optimizer.zero_grad()
            nn.cross_entropy(model(images), labels).backward()
            optimizer.step()
        outcomes.append(model.state_dict())
    with handle.no_sync():
        nn.cross_entropy(model(images), labels).backward()
    handle.broadcast_buffers()
    assert all(np.array_equal(outcomes[0][name], outcomes[1][name]) for name in outcomes[0])


@for_each("parallel, rank, ranks", [(False, 1, 2), (True, 0, 2)])
def test_a_trainer_wants_a_loader_of_its_share(parallel, rank, ranks):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, rng=0))
    handle = DataParallel(model, ProcessGroup(Alone())) if parallel else None
    trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.1), parallel=handle)
    train, test = data.digits()
    with pytest.raises(ArgumentError) as err:
        trainer.fit(data.Loader(*train, rank=rank, ranks=ranks), test, epochs=1)
    assert str(err.value) == (
        "Trainer.fit: loader yields another share of each batch than this process trains on: "
        f"expected rank=0, ranks=1, got rank={rank}, ranks={ranks}"
    )


@for_each(
    "size, error, said",
    [
        (Two, ValueError("no"), "rank 0 of 2 on "),
        (Two, SystemExit(3), "ends the job: SystemExit: 3"),
        (Two, KeyboardInterrupt(), "ends the job: KeyboardInterrupt: "),
        (Two, SystemExit(0), None),
        (Alone, ValueError("no"), None),
    ],
)
def test_an_error_ends_all_or_only_this_process(size, error, said, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    comm = size()
    with pytest.raises(SystemExit if said else type(error)), ProcessGroup(comm):
        raise error
    assert comm.aborted == (1 if said else None)
    assert (said or "") in sys.stderr.getvalue()


def test_conversion_keeps_parameters_and_what_is_shared():
    norm = nn.BatchNorm2d(3)
    model = nn.Sequential(norm, nn.Sequential(norm, nn.ReLU()), nn.BatchNorm1d(2))
    group = ProcessGroup(Alone())
    before = list(model.parameters())
    assert convert_sync_batchnorm(model, group) is model
    assert model[0] is model[1][0]
    assert [type(model[0]), type(model[2])] == [SyncBatchNorm, SyncBatchNorm]
    assert all(a is b for a, b in zip(before, model.parameters(), strict=True))
    assert isinstance(convert_sync_batchnorm(norm, group), SyncBatchNorm)
    with pytest.raises(ShapeError) as err:
        model[0](np.zeros((2, 4, 1, 1)))
    assert str(err.value) == "SyncBatchNorm: x has the wrong shape: expected (N, 3, ...), got (2, 4, 1, 1)"


@pytest.mark.slow
def test_without_mpi4py_it_is_said_what_brings_it():
    program = "import sys; sys.modules['mpi4py'] = None; import autograd_cnn as ag; ag.distributed.init()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False)
    assert done.stderr.splitlines()[-1] == (
        "autograd_cnn.errors.MissingDependencyError: training on several processes needs an extra; "
        "try: python -m pip install 'autograd-cnn[mpi]'"
    )
