import pytest

from autograd_cnn.cli import train


@pytest.fixture(autouse=True)
def _kernels_are_there(monkeypatch):
    """Let no run begin with NumPy, even if these are the first tests on a machine."""
    monkeypatch.setattr(train, "must_compile", lambda: False)
