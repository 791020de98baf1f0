import re
import sys
from importlib.metadata import version
from textwrap import dedent

import numpy as np
import pytest

import autograd_cnn as ag
from autograd_cnn.cli import check, main
from autograd_cnn.engine.primitive import REGISTRY
from autograd_cnn.testing import laws
from autograd_cnn.testing.case import SAMPLES, registered_in
from autograd_cnn.testing.laws import LAWS

HEADING = "calls  checks  broken  1st order  2nd order  backends"

UNKNOWN = "--module {}: no module of this name is here; expected a name as in 'import mypkg.ops'"

SOFTSIGN = """
    import numpy as np
    import autograd_cnn as ag
    from autograd_cnn.testing import add_samples, sample

    @ag.primitive
    def softsign(x):
        return x / (1 + np.abs(x))

    @softsign.vjp("x")
    def softsign_vjp_x(g, *, x):
        return g / (1 + ag.abs(x)) ** 2

    add_samples(softsign, sample([-2.0, 0.5]), sample([[1.0]]))
"""


@pytest.fixture(autouse=True)
def _as_before(tmp_path, monkeypatch):
    """Work in an empty folder; forget the modules that a test imported from it, and their primitives."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(check, "must_compile", lambda: False)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]
    for name, primitive in registered_in(["own_ops", "own_package"]).items():
        del REGISTRY[name]
        SAMPLES.pop(primitive, None)


@pytest.fixture
def own(tmp_path):
    """Return a function that writes a module of the user's."""

    def write(text, name="own_ops.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), "utf-8")

    return write


def _check(*options):
    try:
        return main(["check", *options])
    except SystemExit as stop:
        return stop.code


def _timeless(text):
    return re.sub(r"in \d+\.\d s", "in 0.0 s", text)


# --- this package's ---------------------------------------------------------------------------


@pytest.mark.slow
def test_all_of_ours_and_the_users(own, capsys, monkeypatch):
    monkeypatch.setattr(check, "LAWS", [laws.shapes_and_dtypes, laws.first_order])  # test_laws.py tries all
    own(SOFTSIGN)
    assert _check("--backend", "reference", "--module", "own_ops") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    families = {primitive.__module__.rpartition(".")[2] for primitive in registered_in(["autograd_cnn.ops"]).values()}
    assert lines[0].startswith("family ")
    assert lines[0].endswith(HEADING)
    assert [line.split()[0] for line in lines[1:-2]] == [*sorted(families), "own_ops"]
    assert [line.split()[3] for line in lines[1:-2]] == ["-"] * (len(families) + 1)
    assert lines[-3].split()[:4] == ["own_ops", "2", "4", "-"]
    assert lines[-1].startswith("all laws hold: ")
    assert err == ""
    assert max(map(len, lines)) <= 80
    assert out.replace("\n", "").isprintable()


def test_one_in_both_backends(capsys):
    assert _check("--primitive", "relu") == 0
    heading, row, _, verdict = capsys.readouterr().out.splitlines()
    assert heading == f"primitive  {HEADING}"
    *counts, first, second, backends = row.split()
    assert counts == ["relu", "4", "72", "-"]
    assert max(float(first), float(second)) < 1e-9
    assert float(backends) < 1e-5
    assert _timeless(verdict) == (
        f"all laws hold: 72 checks in 0.0 s; NumPy {np.__version__}, Numba {version('numba')}"
    )


def test_compiling_is_announced(capsys, monkeypatch):
    monkeypatch.setattr(check, "must_compile", lambda: ag.current_backend() == "jit")
    assert _check("--primitive", "relu") == 0
    first = capsys.readouterr().out.partition("\n")[0]
    assert first == "compiling the kernels for this machine, once: about a minute"


def test_without_numba(capsys, monkeypatch):
    monkeypatch.setattr("autograd_cnn.kernels.backend.find_spec", lambda name: None)
    assert _check("--primitive", "relu") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "reference only: the jit backend needs an extra; try: python -m pip install 'autograd-cnn[fast]'"
    )
    assert _timeless(lines[-1]) == f"all laws hold: 68 checks in 0.0 s; NumPy {np.__version__}, reference only"


def test_a_bar_in_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert _check("--primitive", "relu", "--backend", "reference") == 0
    out = capsys.readouterr().out
    assert "relu" in out
    assert "1/1" in out
    assert "all laws hold: 68 checks" in out


def test_the_seed_draws_other_numbers(capsys):
    rows = []
    for seed in "112":
        assert _check("--primitive", "exp", "--backend", "reference", "--seed", seed) == 0
        rows.append(capsys.readouterr().out.splitlines()[1])
    assert rows[0] == rows[1] != rows[2]


def test_help_names_every_law(capsys):
    assert _check("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {law.says}\n" in shown for law in LAWS)
    assert max(map(len, shown.splitlines())) <= 88


# --- the user's own ---------------------------------------------------------------------------


def test_every_module_inside_counts(own, capsys):
    own(SOFTSIGN, "own_package/curves.py")
    own("from own_package import curves", "own_package/__init__.py")
    assert _check("--module", "own_package", "--primitive", "own_package.*") == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["…_package.curves.softsign", "2", "36"]


def test_wrong_ones_are_told_in_full(own, capsys):
    own(SOFTSIGN.replace("** 2", "** 3"))
    assert _check("--module", "own_ops", "--primitive", "softsign", "--backend", "reference") == 1
    out, err = capsys.readouterr()
    words = re.sub(r"-?\d\.\d{5,}(e-\d+)?", "#", " ".join(_timeless(out).split()))
    assert words.partition(" own_ops.softsign first_order")[2] == (
        ": softsign(2): the gradient in 'x' is not the derivative: expected #, got #; a rule may be wrong "
        "(and on 1 other call) "
        f"34 checks in 0.0 s; NumPy {np.__version__}, reference only"
    )
    assert err == "autograd-cnn check: 1 of 1 primitives failed\n"


def test_one_without_samples_fails(own, capsys):
    own(SOFTSIGN.replace("add_samples(softsign", "(softsign"))
    assert _check("--module", "own_ops", "--primitive", "softsign", "--backend", "reference") == 1
    assert _timeless(capsys.readouterr().out) == dedent(f"""\
        primitive         {HEADING}
        own_ops.softsign      0       0       1          -          -         -

        own_ops.softsign
          samples: it has no samples; add some:
            autograd_cnn.testing.add_samples(softsign, sample(...))

        0 checks in 0.0 s; NumPy {np.__version__}, reference only
    """)


# --- a network --------------------------------------------------------------------------------

CUBE = """
    import autograd_cnn as ag

    @ag.primitive
    def cube(x):
        return x**3

    @cube.vjp("x")
    def cube_vjp_x(g, *, x):
        return g * x**2

    class Net(ag.nn.Module):
        def __init__(self):
            self.layer = ag.nn.Linear(4, 1, rng=0)

        def forward(self, x):
            return cube(self.layer(x.reshape(1, 4)))

    def build():
        return Net()
"""


def test_a_network_from_a_file(capsys, tmp_path):
    model = ag.nn.Sequential(ag.nn.Conv2d(1, 2, 3, rng=0), ag.nn.Tanh(), ag.nn.Flatten(), ag.nn.Linear(8, 3, rng=1))
    ag.onnx.export(model.eval(), np.zeros((2, 1, 4, 4), np.float32), tmp_path / "net.onnx", dynamic_batch=True)
    assert _check("--model", "net.onnx") == 0
    assert re.match(r"check_tape: every rule is right: \d+ arguments of \d+ calls\n", capsys.readouterr().out)


def test_a_wrong_rule_in_a_network(own, capsys):
    own(CUBE, "own_net.py")
    assert _check("--model", "own_net.py:build", "--shape", "1", "2", "2", "--backend", "reference") == 1
    said = capsys.readouterr()
    assert said.out.startswith("check_tape: 1 wrong rule in 4 arguments of 3 calls\n")
    assert said.err == "autograd-cnn check: a rule is wrong in own_net.py:build\n"


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--shape", "1", "2", "2"], "--shape goes with --model"),
        (["--model", "a.onnx", "--primitive", "relu"],
         "--module and --primitive do not go with --model, whose own calls are checked"),
        (["--module", "own_nothing"], UNKNOWN.format("own_nothing")),
        (["--module", "own_ops.inner"], UNKNOWN.format("own_ops.inner")),
        (["--module", "./own_ops.py"], UNKNOWN.format("./own_ops.py")),
        (["--module", "own_needy"], "--module own_needy: it imports 'own_missing', which is not installed"),
        (["--module", "own_faulty"], "--module own_faulty: importing it raised ValueError: two lines"),
        (["--module", "own_leaving"], "--module own_leaving: importing it raised SystemExit: 3"),
        (["--module", "math", "--module", "json"], "--module math, json: no primitive is defined there"),
        (["--backend", "jit"], ("argument --backend: expected both or reference, got 'jit'; both holds jit, where Numba "
         "is installed, against the reference")),
        (["--backend", "all"], "argument --backend: expected one of both, reference, got 'all'"),
        (["--model", "none.py:build"], "--model: no such file: none.py"),
        (["--seed", "x"], "argument --seed: expected a whole number of at least 0, got 'x'"),
    ],
)  # fmt: skip
def test_usage_errors_come_first(own, capsys, options, problem):
    own(SOFTSIGN)
    own("import own_missing", "own_needy.py")
    own("raise SystemExit(3)", "own_leaving.py")
    own("raise ValueError('two\\n  lines')", "own_faulty.py")
    assert _check(*options) == 2
    assert capsys.readouterr() == ("", f"autograd-cnn check: {problem}; see autograd-cnn check --help\n")


@pytest.mark.parametrize(("pattern", "hint"), [("rleu", "did you mean relu?; "), ("qqq*", "")])
def test_a_pattern_that_fits_nothing(capsys, pattern, hint):
    assert _check("--primitive", pattern) == 2
    count = len(registered_in(["autograd_cnn.ops"]))
    assert capsys.readouterr().err == (
        f"autograd-cnn check: --primitive {pattern}: none of {count} primitives has such a name; {hint}"
        "see autograd-cnn check --help\n"
    )
