"""The samples of this package: every primitive has some, in the file of its family."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tables import for_each

from autograd_cnn.testing import samples
from autograd_cnn.testing.case import SAMPLES, registered_in

FAMILIES = sorted({primitive.__module__ for primitive in registered_in(["autograd_cnn.ops"]).values()})


def test_every_family_has_its_file():
    assert [family.rpartition(".")[2] for family in FAMILIES] == samples.FAMILIES


@for_each("family", FAMILIES)
def test_samples_are_in_the_file_of_their_family(family):
    path = importlib.import_module(family.replace(".ops.", ".testing.samples.")).__file__
    calls = [node for node in ast.walk(ast.parse(Path(path).read_text("utf-8"))) if isinstance(node, ast.Call)]
    added = [ast.unparse(node.args[0]) for node in calls if ast.unparse(node.func) == "add_samples"]
    names = sorted(name.rpartition(".")[2] for name in added)
    assert names == sorted(primitive.forward.__name__ for primitive in registered_in([family]).values())


def test_samples_are_numbers_near_1():
    """As the tolerances of the laws suppose."""
    floats = [case.arrays[i] for cases in SAMPLES.values() for case in cases for i in case.differentiable]
    assert {(), (1,), (0, 3)} <= {a.shape for a in floats}
    assert max(np.max(np.abs(a), initial=0) for a in floats) < 20


@pytest.mark.slow
def test_importing_the_package_builds_no_samples():
    code = (
        "import sys, autograd_cnn; "
        "print([name for name in sys.modules if name.startswith(('autograd_cnn.testing.samples', 'autograd_cnn.testing.laws'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
