"""What ONNX tries its implementations on, run by ours: its test cases ship with the library ``onnx``.

``python tests/onnx_cases.py`` runs all of them and prints how many pass, and why the others do not.
"""

import collections
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

import autograd_cnn as ag
from autograd_cnn.engine.node import values_of
from autograd_cnn.errors import FormatError, ShapeError
from autograd_cnn.onnx.operator import TABLE

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")


class Verdict(NamedTuple):
    """What became of a case: "passed", "wrong", or "unsupported" with the reason."""

    kind: str
    reason: str = ""


def cases(*kinds: str) -> list[Any]:
    """Return the cases of these kinds; to make them takes seconds, and NumPy warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [case for kind in kinds for case in load_model_tests(kind=kind)]


def model_of(case: Any) -> bytes:
    if case.model is not None:
        return case.model.SerializeToString()
    return Path(case.model_dir, "model.onnx").read_bytes()


def data_of(case: Any, model: Any) -> Iterator[tuple[list[Any], list[Any]]]:
    """Yield inputs and outputs."""
    if case.data_sets is not None:
        for inputs, outputs in case.data_sets:
            yield list(map(_plain, inputs)), list(map(_plain, outputs))
        return
    for folder in sorted(Path(case.model_dir).glob("test_data_set_*")):
        initial = {each.name for each in model.graph.initializer}
        inputs = [each for each in model.graph.input if each.name not in initial]
        yield tuple(
            [_read(folder / f"{name}_{i}.pb", each) for i, each in enumerate(infos)]
            for name, infos in (("input", inputs), ("output", model.graph.output))
        )


def _plain(value: Any) -> Any:
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(value) if isinstance(value, np.generic) else value


def _read(path: Path, info: Any) -> Any:
    if info.type.HasField("sequence_type") and path.exists():
        proto = onnx.SequenceProto()
        proto.ParseFromString(path.read_bytes())
        return numpy_helper.to_list(proto)
    if not path.exists():
        return None
    proto = onnx.TensorProto()
    proto.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(proto)


def run(case: Any, folder: Path) -> Verdict:
    """Load and run a case, and compare."""
    path = folder / "model.onnx"
    path.write_bytes(model_of(case))
    try:
        network = ag.onnx.load(path)
    except (FormatError, ShapeError) as error:
        return Verdict("unsupported", str(error).removeprefix(f"{path}: "))
    model = onnx.load(path)
    for inputs, outputs in data_of(case, model):
        if any(not isinstance(x, np.ndarray) for x in (*inputs, *outputs) if not isinstance(x, list)):
            return Verdict("unsupported", "values that are optional, or not NumPy's")
        if any(isinstance(x, list) for x in inputs):
            return Verdict("unsupported", "inputs that are sequences")
        try:
            with np.errstate(all="ignore"):
                got = network(*inputs)
        except (FormatError, ShapeError) as error:
            return Verdict("unsupported", str(error))
        several = got if isinstance(got, tuple) else (got,)
        for ours, theirs in zip(several, outputs, strict=True):
            drawn = any(TABLE[step.domain, step.operator].draws for step in network.steps)
            if problem := difference(ours, theirs, case.rtol, 1e9 if drawn else case.atol):
                return Verdict("wrong", problem)
    return Verdict("passed")


def difference(ours: Any, theirs: Any, rtol: float, atol: float) -> str:
    """Return in what a result differs from what is expected; empty if in nothing."""
    if isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{len(ours)} arrays, not {len(theirs)}"
        return next(filter(None, (difference(a, b, rtol, atol) for a, b in zip(ours, theirs, strict=True))), "")
    ours = values_of(ours)
    if ours.dtype != theirs.dtype:
        return f"{ours.dtype}, not {theirs.dtype}"
    if ours.shape != theirs.shape:
        return f"shape {ours.shape}, not {theirs.shape}"
    if theirs.dtype.kind == "f" and theirs.size:  # what is expected was rounded, too
        atol += 4 * np.finfo(theirs.dtype).eps * np.abs(np.nan_to_num(theirs, posinf=0, neginf=0)).max()
    try:
        # two places in half precision, of which there are eleven bits
        np.testing.assert_allclose(ours, theirs, 2**-9 if theirs.dtype == np.float16 else rtol, atol)
    except AssertionError as error:
        return " ".join(str(error).split())[:160]
    return ""


def operators_of(case: Any) -> str:
    """Return the operator that a case is about."""
    model = onnx.load_model_from_string(model_of(case))
    names = {node.op_type for node in model.graph.node} - {"Constant"}
    return names.pop() if len(names) == 1 else case.name.removeprefix("test_").partition("_")[0]


def tally(folder: Path, *kinds: str) -> dict[str, list[tuple[Any, Verdict]]]:
    """Run the cases; return them by what became of them."""
    found = collections.defaultdict(list)
    for case in cases(*kinds):
        try:
            verdict = run(case, folder)
        except Exception as error:  # noqa: BLE001  # a fault of ours
            verdict = Verdict("wrong", f"{type(error).__name__}: {error}")
        found[verdict.kind].append((case, verdict))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = tally(Path(folder), *(sys.argv[1:] or KINDS))
    for kind in ("wrong", "unsupported"):
        for case, verdict in found[kind]:
            print(f"{kind}: {case.name}: {verdict.reason}")  # noqa: T201
    print({kind: len(each) for kind, each in found.items()})  # noqa: T201


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
