"""The public face: every name is there, and importing it costs NumPy and little more."""

import importlib
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import errors, ops
from autograd_cnn.engine.primitive import REGISTRY

ENGINE = [
    "Tensor", "tensor", "primitive", "no_grad", "enable_grad", "detect_anomaly", "grad", "value_and_grad", "vjp",
    "jacobian", "hessian", "hvp", "checkpoint", "set_backend", "testing",
]  # fmt: skip


LOADED = {
    "engine", "errors", "kernels", "ops", "parameters", "plans", "search_path", "seeding", "spelling", "tensor",
    "transforms", "tree",
}  # fmt: skip
"""What importing the package loads of it; all else comes on first use."""


@for_each("name", ENGINE)
def test_the_engine_is_at_the_top(name):
    assert callable(getattr(ag, name)) or name == "testing"


def test_every_operation_is_at_the_top_under_its_own_name():
    families = [importlib.import_module(f"{ops.__name__}.{each.name}") for each in pkgutil.iter_modules(ops.__path__)]
    public = [name for family in families for name in getattr(family, "__all__", ())]
    assert sorted(public) == ops.__all__
    for name in ops.__all__:
        assert getattr(ag, name) is getattr(ops, name)
        assert name in ag.__all__


def test_a_primitive_is_public_or_has_an_underscore():
    named = [name.removeprefix(f"{ops.__name__}.").split(".") for name in REGISTRY if name.startswith(ops.__name__)]
    assert len(named) > 60
    assert [name for family, name in named if name[0] != "_" and name not in ops.__all__] == []
    assert [name for family, name in named if name[0] == "_" and name in ops.__all__] == []


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


# --- what is loaded ---------------------------------------------------------------------------


def _printed(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


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
    assert _printed(program).split() == ["autograd_cnn"]


@pytest.mark.slow
def test_importing_loads_tensors_and_their_calculus_alone():
    program = (
        "import sys\n"
        "import numpy.random\n"
        "before = set(sys.modules)\n"
        "import autograd_cnn as ag\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    loaded = _printed(program).split()
    own = {name.split(".")[1] for name in loaded if name.startswith("autograd_cnn.")}
    assert own == LOADED
    assert {"json", "subprocess", "tempfile", "xml", "zipfile"}.isdisjoint(name.partition(".")[0] for name in loaded)


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "ag.nn.ReLU, ag.optim.SGD, ag.data.Loader, ag.graph.capture, ag.interop.load_onnx, ag.testing.gradcheck",
        "from autograd_cnn import data, graph, interop, nn, optim, testing",
        "import autograd_cnn.graph, autograd_cnn.nn.layers.linear",
        "ag.save, ag.load, ag.explain(ag.square(ag.tensor(2.0, requires_grad=True)))",
        "import autograd_cnn.explanations; ag.explain(ag.square(ag.tensor(2.0, requires_grad=True)))",
        "from autograd_cnn import *; nn.ReLU(); explain(square(tensor(2.0, requires_grad=True)))",
        "assert set(ag.__all__) <= set(dir(ag)) and len(ag.__all__) > 100; [getattr(ag, name) for name in ag.__all__]",
    ],
)
def test_a_part_is_loaded_on_first_use(line):
    assert _printed(f"import autograd_cnn as ag\n{line}\nprint('as it should')") == "as it should\n"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("explainn", "; did you mean 'explain'?"), ("grahp", "; did you mean 'graph'?"), ("Conv2d", "; use ag.nn.Conv2d")],
)
def test_a_misspelt_name_gets_its_sentence(name, hint):
    with pytest.raises(AttributeError) as error:
        getattr(ag, name)
    assert str(error.value) == f"autograd_cnn: no {name!r}{hint}"


def test_functions_that_name_the_package_travel():
    """Dask, Ray and joblib pickle a function with the modules that it names, of which they know only plain ones."""
    assert type(ag) is ModuleType
