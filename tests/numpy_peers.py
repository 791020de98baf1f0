"""Which of NumPy's functions autograd, JAX and MyGrad differentiate, and which of these we do.

``nox -s peers`` installs them and writes what comes of it into ``docs/numpy.md``. The calls are those of `numpy_calls`: a
function counts as differentiated where one of its calls has a gradient that is finite, and not zero throughout.
"""

import importlib
import re
import warnings
from importlib.metadata import version

import numpy as np
from numpy_calls import PAGE, calls, functions, numbers_of, outcome

MARKS = re.compile(r"(?<=<!-- from a run with peers -->\n).*(?=<!-- to here, with peers -->)", re.DOTALL)
RNG = np.random.default_rng(3)


def _total(ys, module):
    """Return a sum of all numbers of a result with weights of their own."""
    total = 0.0
    for y in ys:
        if np.dtype(getattr(y, "dtype", type(y))).kind not in "fc":
            continue
        parts = [y.real, y.imag] if np.dtype(y.dtype).kind == "c" else [y]
        for part in parts:
            total = total + module.sum(part * RNG.standard_normal(np.shape(part)))
    return total


def _by_transform(grad, module):
    """Differentiate as autograd and JAX do: by a function of functions."""

    def gradients(function, called):
        def of(*xs):
            rest = iter(xs)
            return _total(numbers_of(called.on(function, lambda _: next(rest))), module)

        return grad(of, tuple(range(len(called.arrays))))(*called.arrays)

    return gradients


def _by_tape(mygrad):
    """Differentiate as MyGrad does: by tensors that record."""

    def gradients(function, called):
        leaves = [mygrad.tensor(a) for a in called.arrays]
        rest = iter(leaves)
        _total(numbers_of(called.on(function, lambda _: next(rest))), mygrad).backward()
        return [x.grad for x in leaves if x.grad is not None]

    return gradients


def _peers():
    """Yield each library's name, its module with NumPy's names, and its way to differentiate."""
    autograd, jax, mygrad = map(importlib.import_module, ("autograd", "jax", "mygrad"))
    jax.config.update("jax_enable_x64", val=True)
    anp = importlib.import_module("autograd.numpy")
    yield "autograd", anp, _by_transform(autograd.grad, anp)
    yield "jax", jax.numpy, _by_transform(jax.grad, jax.numpy)
    yield "mygrad", mygrad, _by_tape(mygrad)


def differentiates(gradients, module, name, function):
    """Whether a library has a function of the name with a gradient."""
    theirs = module
    for part in name.split("."):
        theirs = getattr(theirs, part, None)
    if theirs is None:
        return False
    for called in calls(name, function):
        if not called.arrays:
            continue
        try:
            found = [np.asarray(g) for g in gradients(theirs, called)]
        except Exception:  # noqa: BLE001, S112  # however a library says no
            continue
        if any(np.any(g) for g in found) and all(np.isfinite(g).all() for g in found):
            return True
    return False


def _row(label, names, ours):
    return f"| {label} | {len(names)} | {len(names & ours)} | {len(names & ours) / len(names):.0%} |"


def listing():
    """Return the part of the page that follows from a run."""
    table = dict(functions())
    ours = {name for name, function in table.items() if outcome(name, function) == "gradient"}
    found = {
        label: {name for name, function in table.items() if differentiates(gradients, module, name, function)}
        for label, module, gradients in _peers()
    }
    one = set().union(*found.values())
    real = {name for name in one if not name.startswith("fft.") or name in ours}
    missing = [(name, [label for label, names in found.items() if name in names]) for name in sorted(one - ours)]
    return "\n".join([
        "", "| NumPy's functions that have a gradient in | functions | of these here | |", "|---|--:|--:|--:|",
        *(_row(f"{label} {version(label)}", names, ours) for label, names in found.items()),
        _row("one of them", one, ours), _row("one of them, Fourier transforms aside", real, ours), "",
        f"There are {len(ours - one)} functions that have one here alone. What has one there and not here:", "",
        ", ".join(f"`{name}` ({', '.join(labels)})" for name, labels in missing) + ".", "", "",
    ])  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with np.errstate(all="ignore"):
        PAGE.write_text(MARKS.sub(lambda _: listing(), PAGE.read_text("utf-8")), "utf-8")
