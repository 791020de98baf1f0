"""Two ranks, started as a user starts them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tables import for_each

pytest.importorskip("mpi4py")
HERE = Path(__file__).parent
MPIEXEC = Path(sys.executable).parent / "mpiexec"
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
        "OPENBLAS_NUM_THREADS": "1",
    }

    def start(ranks, *arguments, **options):
        command = [MPIEXEC, "--map-by", ":OVERSUBSCRIBE", "-n", str(ranks), sys.executable, *map(str, arguments)]
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", **options
        )

    return start


def test_what_two_ranks_find_out(mpiexec, tmp_path, subtests):
    path = tmp_path / "problems.json"
    _, errors = mpiexec(2, HERE / "ranks.py", path).communicate(timeout=120)
    assert path.is_file(), errors
    for check, problem in json.loads(path.read_text("utf-8")).items():
        with subtests.test(check):
            assert not problem, problem


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
    job = mpiexec(2, "-c", FAILING.format(line))
    _, errors = job.communicate(timeout=30)
    assert job.returncode
    assert said in errors
    assert "rank 1 " in errors
