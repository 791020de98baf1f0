"""The public face: every name is there, and importing it costs NumPy alone."""

import subprocess
import sys

import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import errors, ops
from autograd_cnn.engine.primitive import Primitive

ENGINE = [
    "Tensor", "tensor", "primitive", "no_grad", "enable_grad", "detect_anomaly", "grad", "value_and_grad", "vjp",
    "jacobian", "hessian", "hvp", "checkpoint", "set_backend", "testing",
]  # fmt: skip


@for_each("name", ENGINE)
def test_the_engine_is_at_the_top(name):
    assert callable(getattr(ag, name)) or name == "testing"


def test_every_operation_is_at_the_top_under_its_own_name():
    assert ops.__all__ == sorted(set(ops.__all__))
    for name in ops.__all__:
        assert getattr(ag, name) is getattr(ops, name)
    public = {name for name, thing in vars(ops).items() if isinstance(thing, Primitive) and name[0] != "_"}
    assert public <= set(ops.__all__)


def test_what_the_package_says_it_offers_is_there():
    for name in getattr(ag, "__all__", ()):
        assert getattr(ag, name) is not None


def test_every_operation_says_what_it_is():
    for name in ops.__all__:
        assert getattr(ops, name).__doc__


def test_every_error_is_an_error():
    own = [thing for thing in vars(errors).values() if isinstance(thing, type)]
    assert len(own) > 5
    assert all(issubclass(thing, Exception) and thing.__doc__ for thing in own)


@pytest.mark.slow
def test_importing_loads_numpy_alone_of_all_third_parties():
    program = (
        "import sys\n"
        "import numpy.random\n"
        "before = {name.partition('.')[0] for name in sys.modules}\n"
        "import autograd_cnn\n"
        "after = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(*sorted(after - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["autograd_cnn"]
