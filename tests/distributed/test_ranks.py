"""Two ranks, started as a user starts them."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import data

pytest.importorskip("mpi4py")
HERE = Path(__file__).parent
MPIEXEC = Path(sys.executable).parent / "mpiexec"
TIMED_OUT = 124
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MPIEXEC.is_file(), reason="the wheel of Open MPI is not installed"),
]


@pytest.fixture(scope="module")
def mpiexec():
    """Return what runs Python on some ranks, each on one thread, also as root and on fewer cores than ranks."""
    environment = os.environ | {
        "NUMBA_NUM_THREADS": "1",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_mpi_yield_when_idle": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }

    def run(ranks, *arguments, timeout=60, **options):
        # Now and then a process of Open MPI 5.0.11 never exits: a rank, which is ended by `timeout`, as it outlives
        # mpiexec if that is killed; or mpiexec itself. Then the job is started once more.
        ended = ["timeout", "--signal=ALRM", str(timeout), sys.executable, *map(str, arguments)]
        command = [MPIEXEC, "--map-by", ":OVERSUBSCRIBE", "-n", str(ranks), *ended]
        for tolerated in (subprocess.TimeoutExpired, ()):
            with suppress(tolerated):
                job = subprocess.run(
                    command, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=timeout + 10,
                    **options,
                )  # fmt: skip
                if job.returncode != TIMED_OUT:
                    break
        return job.returncode, job.stdout, job.stderr

    return run


def test_what_two_ranks_find_out(mpiexec, tmp_path, subtests):
    path = tmp_path / "problems.json"
    _, _, errors = mpiexec(2, HERE / "ranks.py", path, timeout=120)
    assert path.is_file(), errors
    for check, problem in json.loads(path.read_text("utf-8")).items():
        with subtests.test(check):
            assert not problem, problem


def test_the_program_of_the_page_runs(mpiexec, tmp_path):
    page = (HERE.parent.parent / "docs" / "distributed.md").read_text("utf-8")
    (tmp_path / "train_parallel.py").write_text(page.split("```py\n")[1].split("```")[0], "utf-8")
    code, _, errors = mpiexec(2, "-W", "error", "train_parallel.py", cwd=tmp_path)
    assert code == 0, errors
    assert "1.running_mean" in ag.load(tmp_path / "weights.safetensors")


FAILING = """
import autograd_cnn as ag
group = ag.distributed.init()
if group.rank == 1:
    {}
group.sum(1.0)
"""


@for_each(
    "line, said",
    [
        ("raise ValueError('no more')", "ends the job: ValueError: no more"),
        ("import os; os.kill(os.getpid(), 9)", "process rank 1 "),
    ],
)
def test_a_rank_that_dies_ends_the_job_with_its_name(line, said, mpiexec):
    code, _, errors = mpiexec(2, "-c", FAILING.format(line), timeout=30)
    assert code
    assert said in errors
    assert "rank 1 " in errors


# --- the command ------------------------------------------------------------------------------

DYING = """
import os, sys
from autograd_cnn import distributed
from autograd_cnn.cli import main
from autograd_cnn.train import trainer

evaluate, calls = trainer.evaluate, []

def dying(*given, **options):
    calls.append(given)
    if len(calls) == 3 and distributed.init().rank == 1:
        os.kill(os.getpid(), 9)
    return evaluate(*given, **options)

trainer.evaluate = dying
sys.exit(main(sys.argv[1:]))
"""


def _losses(folder):
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]


def test_a_run_whose_rank_is_killed_goes_on_with_as_many_ranks_or_others(mpiexec, tmp_path):
    images, labels = (part[:150] for part in data.digits().train)
    np.savez(tmp_path / "few.npz", images=images, labels=labels)
    options = ["--data", "few.npz", "--model", "digits_net", "--epochs", "4", "--batch-size", "50",
               "--backend", "reference", "--data-parallel", "--force"]  # fmt: skip

    def run(ranks, *arguments):
        code, said, errors = mpiexec(ranks, *arguments, cwd=tmp_path)
        return code, said.splitlines(), errors

    code, _, errors = run(2, "-c", DYING, "train", *options, "--out", "killed")
    assert code
    assert "process rank 1 " in errors
    assert len(_losses(tmp_path / "killed")) == 2
    shutil.copytree(tmp_path / "killed", tmp_path / "others")
    for ranks, arguments in (
        (2, [*options, "--out", "whole"]),
        (2, ["--resume", "killed", "--data-parallel"]),
        (3, ["--resume", "others", "--data-parallel"]),
    ):
        code, said, errors = run(ranks, "-m", "autograd_cnn", "train", *arguments)
        assert code == 0, errors
        assert [line.partition(" ")[0] for line in said][-2:] == ["results", "test"]
        assert len(said) <= 7  # one rank speaks
    whole, killed = (ag.load(tmp_path / name / "model.npz") for name in ("whole", "killed"))
    assert all(np.array_equal(whole[name], killed[name]) for name in whole)
    np.testing.assert_allclose(_losses(tmp_path / "others"), _losses(tmp_path / "whole"), rtol=1e-3)
    found = {path.name for path in (tmp_path / "whole").iterdir()}
    assert {"config.json", "metrics.jsonl", "model.npz", "checkpoint.npz"} <= found
