"""The shape of the repository: collected tests, examples that run, and files of a readable length."""

import ast
import doctest
import importlib
import inspect
from collections import Counter
from pathlib import Path

import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import ops
from autograd_cnn.engine.primitive import Primitive

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "autograd_cnn"
TESTS = ROOT / "tests"
LONGEST = 600
"""Lines of a source; a longer one asks whether it is one concept."""

PARTS = {
    "comparison.py": "what the tests in pytorch/ share",
    "conftest.py": "fixtures",
    "foreign.py": "an array of another library",
    "fuzzing.py": "damaged files",
    "guard_pages.py": "a plugin that gives compiled loops memory without neighbours",
    "guided.py": "damage that follows coverage, for a session of nox",
    "hostile_names.py": "names that would like to be more",
    "hostile_onnx.py": "ONNX files as an attacker would write them",
    "numpy_calls.py": "calls of NumPy's functions",
    "numpy_peers.py": "other libraries' functions with NumPy's names, for a session of nox",
    "onnx_cases.py": "the cases that come with ONNX",
    "onnx_networks.py": "networks of others, for a session of nox",
    "oracles.py": "loops to compare with",
    "ranks.py": "what two ranks started by mpiexec check",
    "page_data.py": "what a page of a graph was made from, read out of it",
    "pages.py": "the Python of pages, run as a reader runs it",
    "peak.py": "how much memory something takes",
    "processors.py": "a step of networks on other processors, for a session of nox",
    "small_graphs.py": "graphs that several folders draw",
    "tables.py": "tables of cases that are one test",
    "program.py": "what a type checker reads",
}
"""Files under tests/ that hold no tests, by name."""

RUN_BY_NAME = {"readme.py"}
"""Files with tests that only run where they are asked for, as the continuous integration does."""


# --- files ------------------------------------------------------------------------------------


def test_no_source_is_long():
    lengths = {path.relative_to(PACKAGE): len(path.read_text("utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert [str(path) for path, length in lengths.items() if length > LONGEST] == []


# --- tests ------------------------------------------------------------------------------------


def _is_test_mark(decorator):
    """Tell a decorator that only tests have from one that registers the function somewhere."""
    text = ast.unparse(decorator)
    return text.startswith(("pytest.mark.", "for_each(", "given(", "example(", "settings("))


def _never_called(tree):
    """Return the functions that pytest does not collect, nothing registers, and the file never names.

    Those of the file and of its classes of tests count; what is inside of others is their affair.
    """
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test")]
    functions = [node for holder in (tree, *classes) for node in holder.body if isinstance(node, ast.FunctionDef)]
    nodes = list(ast.walk(tree))
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    named |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    named |= {argument.arg for f in functions for argument in f.args.args}
    return [
        f.name
        for f in functions
        if not (f.name.startswith(("test_", "__")) or f.name in named) and all(map(_is_test_mark, f.decorator_list))
    ]


def _defined_twice(tree):
    """Return the functions and classes of a file, or of one of its classes, that an equal name hides."""
    holders = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    names = [[getattr(node, "name", None) for node in holder.body] for holder in holders]
    return [name for each in names for name, count in Counter(each).items() if name and count > 1]


@pytest.mark.slow
def test_every_function_in_a_test_file_is_collected_or_used():
    lost = {}
    for path in TESTS.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        tests = [node.name for node in tree.body if getattr(node, "name", "").startswith("test")]
        collected = path.name.startswith("test_") or path.name in RUN_BY_NAME
        assert collected or path.name in PARTS, f"{path} is not collected"
        lost[path.relative_to(TESTS).as_posix()] = (_never_called(tree) if collected else tests) + _defined_twice(tree)
    assert {path: names for path, names in lost.items() if names} == {}


@for_each(
    "source, found",
    [
        ("def test_it(): pass", []),
        ("def text_it(): pass", ["text_it"]),
        ("@pytest.mark.parametrize('x', [1])\ndef tset_it(x): pass", ["tset_it"]),
        ("@for_each('x', [1])\ndef tset_it(x): pass", ["tset_it"]),
        ("@given(st.integers())\ndef its_test(x): pass", ["its_test"]),
        ("@pytest.fixture(autouse=True)\ndef unchanged(): pass", []),
        ("@cube.vjp('x')\ndef rule(g): pass", []),
        ("def helper(): pass\ndef test_it(): helper()", []),
        ("class TestIt:\n    def its_test(self): pass", ["its_test"]),
    ],
)
def test_a_misspelt_test_is_found(source, found):
    assert _never_called(ast.parse(source)) == found


def test_a_test_that_another_hides_is_found():
    assert _defined_twice(ast.parse("def test_it(): pass\nx = 1\ndef test_it(): pass")) == ["test_it"]
    assert _defined_twice(ast.parse("class TestIt:\n    def f(self): pass\n    def f(self): pass")) == ["f"]
    assert _defined_twice(ast.parse("def f(): pass\nclass TestIt:\n    def f(self): pass")) == []


# --- examples ---------------------------------------------------------------------------------


def _with_examples(module):
    """Return the names in ``module`` whose docstring has an example that doctest collects."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    return {test.name.rsplit(".", 1)[-1] for test in finder.find(module) if test.examples}


def test_every_public_function_has_an_example_that_runs():
    homes = {name: importlib.import_module(getattr(ops, name).__module__) for name in ops.__all__ if name != "abs"}
    examples = {home: _with_examples(home) for home in set(homes.values())}
    assert [name for name, home in homes.items() if name not in examples[home]] == []


def test_every_primitive_and_rule_says_what_it_is_in_its_name():
    """A traceback names the rule, so a rule is named after its primitive or the operand."""
    for primitive in vars(ag).values():
        if isinstance(primitive, Primitive):
            for rule in primitive.rules.values():
                assert rule.function.__name__.startswith(primitive.name)
                assert inspect.getmodule(rule.function) is inspect.getmodule(primitive.forward)
