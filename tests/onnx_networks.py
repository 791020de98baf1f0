"""Networks that others made, run and trained further: ``nox -s networks`` fetches them from a package index.

``python tests/onnx_networks.py FOLDER`` loads every ``.onnx`` file below the folder, compares it with onnxruntime, and
takes a small step of gradient descent. A line for each tells how far the results are apart, relative to the largest,
and how the step changed their mean square, which was to become less.
"""

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime

import autograd_cnn as ag
from autograd_cnn.engine.node import values_of

BOUND: Final = 1e-4

ROUNDED: Final = 1e-2
"""For a network that onnxruntime quantises in each run, where a rounding may go the other way."""

SHAPES: Final = {
    "ch_PP-OCRv4_rec_infer": (1, 3, 48, 96), "ch_ppocr_mobile_v2.0_cls_infer": (1, 3, 48, 192),
    "silero_vad": (1, 576), "silero_vad_16k_op15": (1, 576), "silero_vad_half": (1, 576),
    "silero_vad_op18_ifless": (1, 576),
}  # fmt: skip
"""Of the first input of networks that take other shapes than they say."""

NUMBERS: Final = {"sr": 16000, "fmin": 50.0, "fmax": 900.0}
"""Of inputs that are a number: hertz."""

LENGTHS: Final = (16, 40, 64, 96, 320, 9, 576, 1, 16000)
"""Of axes that are open, but for the first, which has length 1: the first one that a network takes."""


def inputs_of(path: Path, session: Any, length: int, most: int) -> dict[str, Any]:
    """Return random numbers in shapes that a network may take."""
    rng = np.random.default_rng(0)
    feeds: dict[str, Any] = {}
    for each in session.get_inputs():
        shape = [n if isinstance(n, int) and n > 0 else length if place else 1 for place, n in enumerate(each.shape)]
        shape = list(SHAPES.get(path.stem, shape)) if not feeds else shape
        dtype = np.dtype({"float": "float32", "double": "float64"}.get(each.type[7:-1], each.type[7:-1]))
        if each.name in NUMBERS:
            feeds[each.name] = np.array(NUMBERS[each.name], dtype)
        elif dtype.kind == "f":
            feeds[each.name] = (rng.standard_normal(shape) * 0.5).astype(dtype)
        else:
            lengths = "length" in each.name
            feeds[each.name] = np.full(shape, length, dtype) if lengths else rng.integers(0, most, shape).astype(dtype)
    return feeds


def run_of(path: Path, session: Any) -> tuple[dict[str, Any], list[Any]]:
    """Return inputs that a network takes, and what it makes of them."""
    problem: Exception = ValueError(f"{path}: no inputs")
    for length in LENGTHS:
        for most in (256, 20, 2):
            feeds = inputs_of(path, session, length, most)
            try:
                return feeds, session.run(None, feeds)
            except Exception as error:  # noqa: BLE001  # onnxruntime has a class for each of its codes
                problem = error
    raise problem


def check(path: Path) -> tuple[bool, str]:
    """Return whether a network does as it should, and a line about it."""
    network = ag.onnx.load(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds, theirs = run_of(path, session)
    ours = _results(network, feeds)
    far = max(
        float(np.abs(values_of(a) - b).max() / max(1, np.abs(b).max())) for a, b in zip(ours, theirs, strict=True)
    )
    rounded = any(step.operator.startswith("Dynamic") for step in network.steps)
    loss = _square(ours)
    loss.backward()
    learned = [p for p in network.parameters() if p.grad is not None]
    slope = sum(float((p.grad.numpy() ** 2).sum()) for p in learned if p.grad is not None)
    ag.optim.SGD(learned, lr=(1e-2 if rounded else 1e-4) * loss.item() / slope).step()
    after = _square(_results(network, feeds)).item()
    fine = far < (ROUNDED if rounded else BOUND) and after < loss.item()
    line = f"{path.stem}: {far:.1e} apart; {len(learned)} parameters; {loss.item():.6g} to {after:.6g}"
    return fine, line


def _results(network: Any, feeds: dict[str, Any]) -> tuple[Any, ...]:
    results = network(*(feeds[each.name] for each in network.inputs))
    return results if isinstance(results, tuple) else (results,)


def _square(results: tuple[Any, ...]) -> Any:
    return sum(ag.mean(y * y) for y in results if isinstance(y, ag.Tensor) and y.requires_grad)


def main() -> None:
    onnxruntime.set_default_logger_severity(4)
    paths = sorted(Path(sys.argv[1]).rglob("*.onnx"))
    wrong = 0
    for path in paths:
        fine, line = check(path)
        wrong += not fine
        print(f"{'' if fine else 'WRONG '}{line}", flush=True)  # noqa: T201
    print(f"{len(paths) - wrong} of {len(paths)} networks")  # noqa: T201
    sys.exit(not paths or wrong > 0)


if __name__ == "__main__":
    main()
