"""What ``autograd-cnn graph`` draws: the loss of a network that is named, described or in a file."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import nn
from autograd_cnn.cli.models import ImageShape, make_model
from autograd_cnn.cli.script import call, failures_of, split_name
from autograd_cnn.engine.node import Shape
from autograd_cnn.errors import ArgumentError, ShapeError, sentence
from autograd_cnn.interop import OnnxNetwork, load_onnx
from autograd_cnn.parameters import known_shape
from autograd_cnn.tensor import Tensor


class Subject(NamedTuple):
    """What is drawn, what its parameters and its image are called, and the file of the user's that made it."""

    loss: Tensor
    names: list[tuple[str, Any]]
    path: Path | None = None


def find(text: str, shape: ImageShape | None) -> Subject:
    """Return what a name, a pattern, ``FILE.py:function`` or ``FILE.onnx`` stands for, run once.

    Parameters
    ----------
    text : str
    shape : (C, H, W), optional
        Of the random image; by default that of an ONNX file, (1, 8, 8) for digits_net and
        (1, 28, 28) for others.

    Raises
    ------
    ArgumentError, FormatError, ShapeError
        Saying what is wrong with the name, the file or the shape.
    """
    if shape is not None:
        known_shape("--shape", "the image", shape)
    script = split_name(text)
    if script is not None:
        return _of_script(*script, shape)
    if text.endswith(".onnx"):
        return _of_onnx(Path(text), shape)
    shape = shape or ((1, 8, 8) if text == "digits_net" else (1, 28, 28))
    return _of_module(make_model(text, shape, 0), (1, *shape), text)


def _of_script(path: Path, name: str, shape: ImageShape | None) -> Subject:
    where = f"{path}:{name}"
    made = call(path, name)
    if isinstance(made, nn.Module):
        return _of_module(made, (1, *(shape or (1, 28, 28))), where, path)
    if not isinstance(made, Tensor):
        raise ArgumentError(
            sentence("--model", f"{where} returns something else", expected="an nn.Module or a tensor",
                     got=type(made).__name__)
        )  # fmt: skip
    if shape is not None:
        raise ArgumentError(sentence("--shape", f"{where} returns a tensor, which is drawn as it is"))
    return Subject(made, [], path)


def _of_onnx(path: Path, shape: ImageShape | None) -> Subject:
    try:
        network = load_onnx(path)
    except OSError as error:
        raise ArgumentError(sentence("--model", f"can't read {path}: {error.strerror}")) from error
    return _of_module(network, _input_shape(network, path, shape), str(path))


def _input_shape(network: OnnxNetwork, path: Path, shape: ImageShape | None) -> Shape:
    """Return the shape of the file's input; a batch that is left open has one image."""
    if len(network.inputs) != 1 or network.inputs[0].dtype.kind != "f":
        got = ", ".join(f"{each.name}: {each.dtype}" for each in network.inputs) or "none"
        raise ArgumentError(sentence("--model", f"{path} has other inputs", expected="one of floats", got=got))
    own = network.inputs[0].shape
    lengths = (*(1 if isinstance(batch, str) else batch for batch in own[:1]), *(shape or own[1:]))
    known = tuple(length for length in lengths if isinstance(length, int))
    if len(known) < len(lengths):
        open_shape = f"({', '.join(map(str, own))})"
        raise ArgumentError(
            sentence("--model", f"{path} leaves the shape of its input open: {open_shape}; give --shape")
        )
    return known


def _of_module(model: nn.Module, shape: Shape, where: str, path: Path | None = None) -> Subject:
    """Run ``model`` on random images, and take a loss of what comes out."""
    images = np.random.default_rng(0).random(shape, np.float32)
    images.flags.writeable = False  # so that it is recorded itself, and no copy, and has its name in the graph
    hint = f"it was given an image of the shape {shape[1:]}; --shape sets another"
    try:
        with failures_of(path, hint) if path is not None else nullcontext():
            output = model(images)
    except ShapeError as error:  # as one image of one pixel is to batch normalisation
        raise ArgumentError(sentence("--model", str(error), hint=hint)) from error
    if not isinstance(output, Tensor):
        raise ArgumentError(
            sentence("--model", f"the output of {where} can't be drawn", expected="a tensor that depends on parameters",
                     got=type(output).__name__)
        )  # fmt: skip
    return Subject(_loss(output), [*model.named_parameters(), ("image", images)], path)


def _loss(output: Tensor) -> Tensor:
    """Return the cross-entropy of scores (N, K), the sum of anything else."""
    if output.ndim == 2 and output.shape[1] > 1:
        labels: NDArray[Any] = np.zeros(len(output), np.int64)
        return nn.cross_entropy(output, labels)
    return output if output.ndim == 0 else output.sum()
