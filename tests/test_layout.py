"""The shape of the repository: collected tests, examples that run, and files of a readable length."""

import ast
import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import autograd_cnn as ag
from autograd_cnn import ops
from autograd_cnn.engine.primitive import Primitive

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "autograd_cnn"
TESTS = ROOT / "tests"
LONGEST = 650

SOURCES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob("*.py"))
TEST_FILES = sorted(p.relative_to(TESTS) for p in TESTS.rglob("*.py"))

LONGER: dict[str, str] = {"tensor/tensor.py": "an array has that many methods"}
"""Sources longer than `LONGEST` lines, and why; so long a file asks whether it is one concept."""

PARTS = {
    "comparison.py": "what the tests in pytorch/ share",
    "conftest.py": "fixtures",
    "fuzzing.py": "damaged files",
    "oracles.py": "loops to compare with",
    "peak.py": "how much memory something takes",
    "program.py": "what a type checker reads",
}
"""Files under tests/ that hold no tests, by name."""


def _ids(paths):
    return [path.as_posix() for path in paths]


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES, ids=_ids(SOURCES))
def test_no_source_is_longer_than_one_reads_at_once(source):
    lines = len((PACKAGE / source).read_text("utf-8").splitlines())
    assert lines <= LONGEST or source.as_posix() in LONGER


def test_every_exemption_is_needed():
    assert [path for path in LONGER if len((PACKAGE / path).read_text("utf-8").splitlines()) <= LONGEST] == []


# --- tests ------------------------------------------------------------------------------------


def _is_test_mark(decorator):
    """Tell a decorator that only tests have from one that registers the function somewhere."""
    text = ast.unparse(decorator)
    return text.startswith(("pytest.mark.", "given(", "example(", "settings("))


def _never_called(tree):
    """Return the functions that pytest does not collect, nothing registers, and the file never names.

    Those of the file and of its classes of tests count; what is inside of others is their affair.
    """
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test")]
    functions = [node for holder in (tree, *classes) for node in holder.body if isinstance(node, ast.FunctionDef)]
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    named |= {argument.arg for f in functions for argument in f.args.args}
    return [
        f.name
        for f in functions
        if not (f.name.startswith(("test_", "__")) or f.name in named) and all(map(_is_test_mark, f.decorator_list))
    ]


@pytest.mark.parametrize("path", TEST_FILES, ids=_ids(TEST_FILES))
def test_every_function_is_collected_or_used(path):
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    assert path.name in PARTS or path.name.startswith("test_")
    if path.name not in PARTS:
        assert _never_called(tree) == []
    else:
        assert [node.name for node in tree.body if getattr(node, "name", "").startswith("test")] == []


@pytest.mark.parametrize("path", TEST_FILES, ids=_ids(TEST_FILES))
def test_no_name_is_defined_twice(path):
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    for holder in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
        names = [node.name for node in holder.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
        assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def test_it(): pass", []),
        ("def text_it(): pass", ["text_it"]),
        ("@pytest.mark.parametrize('x', [1])\ndef tset_it(x): pass", ["tset_it"]),
        ("@given(st.integers())\ndef its_test(x): pass", ["its_test"]),
        ("@pytest.fixture(autouse=True)\ndef unchanged(): pass", []),
        ("@cube.vjp('x')\ndef rule(g): pass", []),
        ("def helper(): pass\ndef test_it(): helper()", []),
        ("class TestIt:\n    def its_test(self): pass", ["its_test"]),
    ],
)
def test_a_misspelt_test_is_found(source, found):
    assert _never_called(ast.parse(source)) == found


# --- examples ---------------------------------------------------------------------------------


def _with_examples(module):
    """Return the names in ``module`` whose docstring has an example that doctest collects."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    return {test.name.rsplit(".", 1)[-1] for test in finder.find(module) if test.examples}


@pytest.mark.parametrize("name", [name for name in ops.__all__ if name != "abs"])
def test_every_public_function_has_an_example_that_runs(name):
    module = importlib.import_module(getattr(ops, name).__module__)
    assert name in _with_examples(module)


def test_every_primitive_and_rule_says_what_it_is_in_its_name():
    """A traceback names the rule, so a rule is named after its primitive or the operand."""
    for primitive in vars(ag).values():
        if isinstance(primitive, Primitive):
            for rule in primitive.rules.values():
                assert rule.function.__name__.startswith(primitive.name)
                assert inspect.getmodule(rule.function) is inspect.getmodule(primitive.forward)
