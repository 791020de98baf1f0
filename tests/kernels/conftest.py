"""What a test of the kernels chooses does not last."""

import pytest

from autograd_cnn.kernels.compiled.threads import team


@pytest.fixture(autouse=True)
def _threads_free_again(monkeypatch):
    """Let no test fix the number of threads for those that follow: on a busy machine they would wait for each other."""
    monkeypatch.setattr(team, "fixed", False)
