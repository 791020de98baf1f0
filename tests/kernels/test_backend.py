"""The choice between the backends, and what falls to the reference."""

import os
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn import kernels
from autograd_cnn.errors import ArgumentError, MissingDependencyError
from autograd_cnn.kernels import Kernel, backend, reference


@pytest.fixture(autouse=True)
def _unchanged():
    """Leave the backend as it was."""
    with ag.set_backend("auto"):
        yield


def test_auto_takes_the_fast_one():
    assert ag.current_backend() == "jit"


@pytest.mark.parametrize("name", ["reference", "jit"])
def test_a_choice_lasts(name):
    ag.set_backend(name)
    assert ag.current_backend() == name


def test_a_context_manager_undoes_its_choice():
    ag.set_backend("jit")
    with ag.set_backend("reference"):
        assert ag.current_backend() == "reference"
        with ag.set_backend("jit"):
            assert ag.current_backend() == "jit"
        assert ag.current_backend() == "reference"
    assert ag.current_backend() == "jit"


def test_it_is_undone_after_an_error_too():
    ag.set_backend("jit")
    with pytest.raises(KeyError), ag.set_backend("reference"):
        raise KeyError
    assert ag.current_backend() == "jit"


def test_an_unknown_backend():
    ag.set_backend("reference")
    with pytest.raises(ArgumentError) as err:
        ag.set_backend("gpu")
    assert str(err.value) == "set_backend: unknown backend: expected one of auto, reference, jit, got 'gpu'"
    assert ag.current_backend() == "reference"


def test_without_numba(monkeypatch):
    monkeypatch.setattr(backend, "find_spec", dict.fromkeys(["numba"]).get)
    ag.set_backend("auto")
    assert ag.current_backend() == "reference"
    with pytest.raises(MissingDependencyError) as err:
        ag.set_backend("jit")
    assert str(err.value) == "the jit backend needs an extra; try: python -m pip install 'autograd-cnn[fast]'"


def _without_jit(*lines):
    code = "\n".join(["import autograd_cnn as ag", *lines])
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    environment.pop(backend.VARIABLE, None)
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )  # fmt: skip


@pytest.mark.slow
def test_a_numba_that_does_not_work():
    done = _without_jit("print(ag.current_backend(), ag.num_threads(), ag.max_pool([[1.0, 2.0]], (1, 2)).item())")
    assert done.stdout == "reference 1 2.0\n"
    assert "RuntimeWarning: the jit backend: Numba can't be used (NUMBA_DISABLE_JIT is set); NumPy does" in done.stderr


@pytest.mark.parametrize("kind", [OSError, ValueError])
def test_a_numba_that_the_system_or_its_variables_do_not_let_load(monkeypatch, kind):
    load = backend.import_module

    def refusing(name):
        if name == backend._COMPILED:
            raise kind("libllvmlite.so does not load.")
        return load(name)

    monkeypatch.setattr(backend, "import_module", refusing)
    with pytest.warns(RuntimeWarning, match=r"Numba can't be used \(libllvmlite.so does not load\); NumPy does"):
        ag.set_backend("auto")
    assert (ag.current_backend(), ag.num_threads()) == ("reference", 1)
    with pytest.raises(MissingDependencyError) as caught:
        ag.set_backend("jit")
    assert str(caught.value) == "the jit backend: Numba can't be used (libllvmlite.so does not load)"


@pytest.mark.slow
def test_a_numba_that_does_not_work_but_is_wanted():
    done = _without_jit("try:", "    ag.set_backend('jit')", "except ImportError as error:", "    print(error)")
    assert (done.stdout, done.stderr) == ("NUMBA_DISABLE_JIT is set\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reference", "jit"])
def test_the_environment_decides_at_the_start(name):
    code = "import autograd_cnn as ag; print(ag.current_backend())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {backend.VARIABLE: name}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"{name}\n"


@pytest.mark.slow
def test_an_import_loads_numpy_alone_and_no_backend():
    code = "import sys, autograd_cnn; print([m for m in ('numba', 'scipy', 'rich', 'graphviz') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_reference_has_every_kernel():
    named = [k.name for k in vars(ag.kernels).values() if isinstance(k, Kernel)]
    assert len(named) > 5
    assert [name for name in named if not callable(getattr(reference, name, None))] == []
    assert sorted(name for name, value in vars(reference).items() if callable(value)) == sorted(named)


# --- declining --------------------------------------------------------------------------------


def _use(monkeypatch, *modules):
    monkeypatch.setattr(backend, "_chosen", [tuple(modules)])


def _module(**functions):
    made = ModuleType("autograd_cnn.kernels.made")
    vars(made).update(functions)
    return made


def test_the_first_backend_that_has_a_kernel_runs_it(monkeypatch):
    _use(monkeypatch, _module(), _module(double=lambda x: 2 * x), _module(double=lambda x: -x))
    assert Kernel("double")(3) == 6


def test_a_kernel_may_decline(monkeypatch):
    def halve(x):
        return x / 2 if x.dtype == np.float32 else NotImplemented

    _use(monkeypatch, _module(change=halve), _module(change=np.negative))
    assert Kernel("change")(np.ones(1, np.float32)) == 0.5
    assert Kernel("change")(np.ones(1)) == -1


def test_a_kernel_names_itself():
    assert repr(Kernel("erf")) == "<kernel erf>"


def test_a_kernel_that_no_backend_has(monkeypatch):
    _use(monkeypatch, _module())
    with pytest.raises(AssertionError) as err:
        Kernel("nothing")()
    assert str(err.value) == "nothing"


def test_the_number_of_threads_can_be_chosen():
    before = ag.num_threads()
    ag.set_num_threads(1)
    try:
        assert ag.num_threads() == 1
    finally:
        ag.set_num_threads(before)
    with pytest.raises(ArgumentError) as error:
        ag.set_num_threads(0)
    assert str(error.value).startswith("set_num_threads: count is out of range: expected 1 to ")


def test_threads_without_numba(monkeypatch):
    monkeypatch.setattr(backend, "find_spec", lambda name: None)
    assert ag.num_threads() == 1
    with pytest.raises(MissingDependencyError) as error:
        ag.set_num_threads(2)
    assert str(error.value) == "set_num_threads needs an extra; try: python -m pip install 'autograd-cnn[fast]'"


def test_the_reference_has_nothing_to_compile():
    with ag.set_backend("reference"):
        assert not kernels.must_compile()
