"""Compiled code that is kept, and what happens where it can't be, or was damaged."""

import hashlib
import os
import pickle
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import numba
import pytest
from numba.core.registry import cpu_target

from autograd_cnn.errors import CacheWarning
from autograd_cnn.kernels.compiled import caching

# A training step whose numbers are right, what it had to compile, and whether it loaded what Numba needs for that.
STEP = """
import resource, sys
from pathlib import Path
import numpy as np
import autograd_cnn as ag
from autograd_cnn.kernels.compiled import caching, parallel, pooling
{before}
before = ag.kernels.must_compile()
x = ag.tensor(np.arange(256.0).reshape(2, 2, 8, 8), requires_grad=True)
y = ag.max_pool(x, 2)
y.sum().backward()
assert y.data[0, 0, 0].tolist() == [9, 11, 13, 15]
assert x.grad.data.sum() == 64 and x.grad.data[0, 0, 1, 1] == 1
kernels = [*pooling._max_pool._compiled.values(), *pooling._max_unpool._compiled.values()]
misses = [sum(each.stats.cache_misses.values()) for each in (parallel._run, parallel._run_parallel)]
ag.kernels.explain((4, 8, 9, 9), (8, 8, 3, 3))
hits = [each.code.cache_hits for each in kernels]
print(before, ag.kernels.must_compile(), hits, sum(misses), "numba.np.linalg" in sys.modules)
"""
COMPILED, LOADED = "[0, 0] 3 True\n", "[1, 1] 0 False\n"

PROCESSES = int(os.environ.get("AUTOGRAD_CNN_PROCESSES", "2"))
"""How many fill a cache at once; ``nox -s faults`` lets sixteen."""


def _start(before="", **variables):
    return subprocess.Popen(
        [sys.executable, "-c", STEP.format(before=before)],
        env=os.environ | {"AUTOGRAD_CNN_BACKEND": "jit"} | variables,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _end(process):
    said, warned = process.communicate(timeout=600)
    assert process.returncode == 0, warned
    return said, re.findall(r"CacheWarning: (.*)", warned)


def _step(before="", **variables):
    return _end(_start(before, **variables))


@pytest.mark.slow
def test_kernels_of_a_block_are_kept_at_its_end(tmp_path):
    before = "import atexit; together = caching.written_together(); together.__enter__()"
    before += "; atexit.register(together.__exit__, None, None, None)"
    variables = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert _step(before, **variables) == (f"True True {COMPILED}", [])
    assert _step(**variables) == (f"False False {LOADED}", [])


# --- where it can't be kept ---------------------------------------------------------------------


def test_no_folder_at_all(monkeypatch):
    monkeypatch.setattr(
        caching, "_candidate_folders", lambda: [(True, Path("/dev/null/a")), (False, Path("/dev/null/b"))]
    )
    monkeypatch.setattr(caching, "_warned", [])
    with pytest.warns(CacheWarning) as caught:
        folder = caching._folder.__wrapped__()
    assert [str(each.message) for each in caught] == [
        "compiled kernels: neither /dev/null/a nor /dev/null/b can be used; each process compiles its kernels itself"
    ]
    monkeypatch.setattr(caching, "_folder", lambda: folder)
    cache = _kept()
    assert _load(cache) is None
    assert not cache.is_filled()


@pytest.mark.parametrize(
    ("wished", "said"),
    [(True, []), (False, ["compiled kernels: neither /dev/null/a can be used; kernels are kept in {}"])],
)
def test_the_next_folder(monkeypatch, tmp_path, wished, said):
    places = [(True, Path("/dev/null/a")), (wished, tmp_path / "b"), (False, tmp_path / "c")]
    monkeypatch.setattr(caching, "_candidate_folders", lambda: places)
    monkeypatch.setattr(caching, "_warned", [])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert caching._folder.__wrapped__() == tmp_path / "b"
    assert [str(each.message) for each in caught] == [text.format(tmp_path / "b") for text in said]
    assert not (tmp_path / "c").exists()


@pytest.mark.slow
def test_a_disk_that_is_full(tmp_path):
    before = "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))"
    said, warned = _step(before, NUMBA_CACHE_DIR=str(tmp_path))
    assert said == f"True True {COMPILED}"
    assert len(warned) == 1
    assert re.fullmatch(
        rf"compiled kernels: {tmp_path}/.*\.code can't be written \(.*File too large.*\); "
        "the next process compiles its kernel again",
        warned[0],
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_processes_fill_it_at_once_the_next_compiles_nothing_and_what_is_damaged_heals(tmp_path):
    processes = [_start(NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(PROCESSES)]
    assert [warned for _, warned in map(_end, processes)] == PROCESSES * [[]]
    assert _step(NUMBA_CACHE_DIR=str(tmp_path)) == (f"False False {LOADED}", [])
    for path, damage in zip(tmp_path.rglob("*.code"), cycle(DAMAGES.values()), strict=False):
        path.write_bytes(damage(path.read_bytes()))
    said, warned = _step(NUMBA_CACHE_DIR=str(tmp_path))
    assert re.search(r" False \[0, 0\] \d True$", said.rstrip())
    assert len(warned) == 1
    assert _step(NUMBA_CACHE_DIR=str(tmp_path)) == (f"False False {LOADED}", [])


def test_without_a_home_the_current_folder_is_not_taken_for_one(monkeypatch):
    monkeypatch.setattr(caching.AppDirs, "user_cache_dir", "~/.cache/autograd_cnn")
    assert all(folder.is_absolute() for _, folder in caching._candidate_folders())


def test_the_current_folder_is_no_folder_for_temporary_files(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(caching.tempfile, "gettempdir", lambda: str(tmp_path))
    assert not any(folder.is_relative_to(tmp_path) for _, folder in caching._candidate_folders())


def test_no_folder_for_temporary_files(monkeypatch):
    def gettempdir():
        raise FileNotFoundError

    monkeypatch.setattr(caching.tempfile, "gettempdir", gettempdir)
    assert len(list(caching._candidate_folders())) > 0


# --- who else can write there -------------------------------------------------------------------


def test_a_new_folder_is_ours_alone(tmp_path):
    assert caching._is_private(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
def test_others_can_write(tmp_path, mode):
    tmp_path.chmod(mode)
    assert not caching._is_private(tmp_path)


def test_a_link_can_be_turned(tmp_path):
    (tmp_path / "ours").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "ours")
    assert not caching._is_private(tmp_path / "link")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_folder_of_another_user(tmp_path):
    tmp_path.chmod(0o755)
    os.chown(tmp_path, 12345, -1)
    assert not caching._is_private(tmp_path)


# --- damage -------------------------------------------------------------------------------------


def _double(x):
    return 2 * x


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Keep code in a folder of the test's own."""
    monkeypatch.setattr(caching, "_folder", lambda: tmp_path)
    monkeypatch.setattr(caching, "_warned", [])
    return tmp_path


def _kept(function=_double, kind=numba.float64):
    cache, code = caching.Cache(function), numba.njit(kind(kind))(function)
    result = code.overloads[(kind,)]
    cache.save_overload(result.signature, result)
    return cache


def _load(cache, kind=numba.float64):
    return cache.load_overload((kind,), cpu_target.target_context)


def _signed(code: bytes) -> Callable[[bytes], bytes]:
    return lambda stored: stored[:32] + hashlib.sha256(code).digest() + code


DAMAGES = {
    "half": lambda stored: stored[: len(stored) // 2],
    "hardly anything": lambda stored: stored[:40],
    "a bit": lambda stored: stored[:5000] + bytes([stored[5000] ^ 1]) + stored[5001:],
    "too much": lambda stored: stored + b"more",
    "something else": _signed(pickle.dumps({"a": 1})),
    "something else that is as long": _signed(pickle.dumps(tuple(range(9)))),
    "an empty pickle": _signed(b""),
    # These read as code of other sources, of which there is nothing to say.
    "nothing": lambda stored: b"",
    "garbage": lambda stored: b"\x80garbage" * 1000,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_code_is_not_run(folder, name):
    cache = _kept()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[name](whole))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert _load(cache) is None
    assert [each.category for each in caught] == ([] if name in ("nothing", "garbage") else [CacheWarning])
    assert _load(_kept()).entry_point(1.5) == 3


def test_wherever_a_bit_flips_or_a_file_ends_its_code_is_not_run(folder):
    cache = _kept()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CacheWarning)
        for place in {*range(80), *range(80, len(whole), len(whole) // 150), len(whole) - 1}:
            for damaged in (whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :], whole[:place]):
                path.write_bytes(damaged)
                assert _load(cache) is None, place
        path.write_bytes(whole)
        assert _load(cache).entry_point(1.5) == 3


def test_a_folder_in_the_place_of_a_file(folder):
    cache = _kept()
    (path,) = folder.iterdir()
    path.unlink()
    path.mkdir()
    with pytest.warns(CacheWarning, match=f"{path} can't be read .*; its kernel is compiled again"):
        assert _load(cache) is None
    assert not cache.is_filled()


def test_a_folder_that_went_away(folder):
    cache = _kept()
    shutil.rmtree(folder)
    assert _load(cache) is None
    assert _load(_kept()).entry_point(1.5) == 3


# --- what belongs to what -----------------------------------------------------------------------


def test_code_is_found_by_its_signature(folder):
    cache = _kept()
    assert _load(cache).entry_point(1.5) == 3
    assert _load(cache, numba.float32) is None
    assert cache.is_filled()
    assert len(list(folder.iterdir())) == 1


def test_code_of_other_sources_is_not_taken_and_is_replaced(folder, monkeypatch):
    _kept()
    monkeypatch.setattr(caching, "_sources", lambda: b"changed")
    changed = caching.Cache(_double)
    assert not changed.is_filled()
    assert _load(changed) is None
    assert _load(_kept()).entry_point(1.5) == 3
    assert len(list(folder.iterdir())) == 1


def test_sources_are_all_that_kernels_are_made_of(monkeypatch, tmp_path):
    monkeypatch.setattr(caching, "files", lambda package: tmp_path)
    (tmp_path / "conv").mkdir()
    digests = [caching._sources.__wrapped__()]
    for name, text in [("microkernel.py", "a"), ("microkernel.py", "b"), ("pool2x2.py", "a")]:
        (tmp_path / name).write_text(text)
        digests.append(caching._sources.__wrapped__())
    (tmp_path / "__pycache__").mkdir()
    assert len(set(digests)) == 4
    assert caching._sources.__wrapped__() == digests[-1]


def test_named_tuples_of_one_name_are_told_apart(folder):
    def kind_from(module):
        class Sizes(NamedTuple):
            each: int

        Sizes.__module__ = module
        return numba.typeof(Sizes(1))

    cache = caching.Cache(_double)
    assert cache._path((kind_from("here"),)) == cache._path((kind_from("here"),))
    assert cache._path((kind_from("here"),)) != cache._path((kind_from("there"),))


def test_a_process_warns_once(folder):
    cache = _kept()
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(CacheWarning) as caught:
        assert [_load(cache), _load(cache)] == [None, None]
    assert [str(each.message) for each in caught] == [
        f"compiled kernels: {next(folder.iterdir())} was damaged; its kernel is compiled again"
    ]
