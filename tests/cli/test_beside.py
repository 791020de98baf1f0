import importlib
import sys
from importlib.util import find_spec

import pytest

from autograd_cnn.cli.beside import LIBRARIES, reach, reach_ends


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder that is in reach, and forget afterwards what was imported from it."""
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    before = set(sys.modules)
    reach(tmp_path)
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


def test_the_reach_ends_and_other_finders_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    before = [*sys.meta_path]
    other = object()
    with reach_ends():
        reach(tmp_path)
        sys.meta_path.append(other)
    assert sys.meta_path == [*before, other]


def test_a_folder_is_added_once(folder):
    before = [*sys.meta_path]
    reach(folder)
    assert sys.meta_path == before
