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

LENGTHS: Final = {
    "M1": 40, "M2": 44, "height": 320, "image_width": 96, "p2o.DynamicDimension.1": 64, "p2o.DynamicDimension.2": 96,
    "sequence": 576, "sequence_length": 3, "width": 320,
}  # fmt: skip
"""Of axes that these networks name; others have length 1."""

SHAPES: Final = {
    "ch_PP-OCRv4_rec_infer": (1, 3, 48, 96), "ch_ppocr_mobile_v2.0_cls_infer": (1, 3, 48, 192),
    "silero_vad": (1, 576), "silero_vad_16k_op15": (1, 576), "silero_vad_half": (1, 576),
    "silero_vad_op18_ifless": (1, 576),
}  # fmt: skip
"""Of the first input of networks that do not say what they take."""


def inputs_of(path: Path, session: Any) -> dict[str, Any]:
    """Return random numbers in shapes that a network takes."""
    rng = np.random.default_rng(0)
    feeds: dict[str, Any] = {}
    for each in session.get_inputs():
        shape = [n if isinstance(n, int) and n > 0 else LENGTHS.get(str(n), 1) for n in each.shape]
        shape = list(SHAPES.get(path.stem, shape)) if not feeds else shape
        if each.name == "sr":
            feeds[each.name] = np.array(16000, np.int64)  # hertz
        elif "int" in each.type:
            feeds[each.name] = rng.integers(0, 256, shape).astype(np.int32)
        else:
            feeds[each.name] = rng.standard_normal(shape).astype(np.float32) * np.float32(0.5)
    return feeds


def check(path: Path) -> tuple[bool, str]:
    """Return whether a network does as it should, and a line about it."""
    network = ag.onnx.load(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds = inputs_of(path, session)
    theirs = session.run(None, feeds)
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
