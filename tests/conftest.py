"""What all tests share: on how many cores they run, a seeded generator, how much is drawn, and that nothing is fetched."""

import gc
import os
import sys

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import settings

# Before NumPy is there: in such small products its threads only wait for each other, and as many tests run as there are cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

pytest_plugins = ["small_graphs"]

# The same examples in every run: a failure here is a failure everywhere.
settings.register_profile("suite", deadline=None, max_examples=20, derandomize=True, database=None)
settings.load_profile("suite")


def _stay_here(event, arguments):
    """Let no test connect to another machine."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        assert arguments[1][0] in {"127.0.0.1", "::1", "localhost"}, arguments[1]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Run the whole suite in a process for each core, and what is asked for by its path in this one, without delay."""
    whole = config.args_source is config.ArgsSource.TESTPATHS and not hasattr(config, "workerinput")  # that of a worker
    if whole and config.getoption("numprocesses", 0) is None:
        config.option.numprocesses, config.option.dist = "auto", "worksteal"


def pytest_configure(config):
    """Stay on this machine from the first import on, and compile no file of Python's in each process again."""
    sys.addaudithook(_stay_here)
    if config.pluginmanager.has_plugin("cacheprovider"):  # otherwise the tests shall leave nothing
        # Kept are the tests with their rewritten assertions, which every worker would write again, and the package,
        # which tests start in processes of their own.
        sys.dont_write_bytecode = False
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file():
    """Look for examples in the package alone: here there are none, and each file would be searched a second time."""
    return [file for file in (yield) if not isinstance(file, DoctestModule)]


def pytest_collection_finish():
    """Spare the garbage collector what stays to the end anyway; some tests count on it, again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def rng():
    """Return a generator that starts alike in every test."""
    import numpy as np  # noqa: PLC0415  # as above

    return np.random.default_rng(20240229)


@pytest.fixture(scope="session")
def mypy_options(tmp_path_factory):
    """Return options of a type checker; what it learns of the package in one test it knows in the next."""
    pytest.importorskip("mypy")
    cache = tmp_path_factory.getbasetemp() / "mypy"
    return [
        "--strict",
        "--disable-error-code=type-arg",
        "--no-error-summary",
        "--hide-error-context",
        f"--cache-dir={cache}",
    ]
