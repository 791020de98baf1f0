import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

from autograd_cnn.files import locked

HOLD = """
import sys
from pathlib import Path
from autograd_cnn.files import locked
with locked(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    sys.stdin.readline()
"""


@contextmanager
def _holder(folder):
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "True\n"
        yield process


def _is_free(folder):
    with locked(folder) as mine:
        return mine


@pytest.mark.slow
def test_one_process_at_a_time(tmp_path):
    with _holder(tmp_path) as process:
        assert not _is_free(tmp_path)
        process.communicate("leave\n")
    assert _is_free(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_lock_of_a_killed_process_is_nobodys(tmp_path):
    with _holder(tmp_path) as process:
        process.kill()
        process.wait()
        assert _is_free(tmp_path)


def test_folders_have_locks_of_their_own_and_errors_let_go(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with suppress(KeyError), locked(tmp_path) as mine, locked(other) as also:
        assert (mine, also) == (True, True)
        raise KeyError
    assert _is_free(tmp_path)
    assert _is_free(other)
