"""``autograd-cnn graph``: the picture of a network's computation."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final, NamedTuple, cast, get_args

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import nn
from autograd_cnn.cli.models import MODELS, ImageShape, make_model
from autograd_cnn.cli.options import Options, as_usage_errors, file, one_of, whole_number, writing_to
from autograd_cnn.cli.output import say
from autograd_cnn.cli.user_code import call, failures_of, split_name
from autograd_cnn.engine.node import Shape
from autograd_cnn.errors import ArgumentError, GradientError, ShapeError
from autograd_cnn.files import as_path
from autograd_cnn.graph import Graph, capture, profile
from autograd_cnn.interop import OnnxNetwork, load_onnx
from autograd_cnn.parameters import known_shape
from autograd_cnn.tensor import Tensor
from autograd_cnn.viz.drawing.measures import Quantity
from autograd_cnn.viz.drawing.render import ENDINGS
from autograd_cnn.viz.frames.view import Direction
from autograd_cnn.viz.web.showing import open_browser

COLORS: Final = tuple(each for each in get_args(Quantity) if each != "change")
"""The quantities by which a graph can be coloured if it is not compared with another."""

RUNS: Final = 5
"""How often each call is timed."""

UNUSED: Final = {".html": ("depth",), ".json": ("depth", "color", "direction")}
"""Of formats that contain the whole graph, the options that are left to their readers."""

DESCRIPTION: Final = """\
Run a network forward on a random image, and draw the graph that its loss records:
operations with shapes, parameters by name, modules as frames.
"""
EPILOG: Final = f"""\
examples:
  autograd-cnn graph --output lenet.svg
  autograd-cnn graph --model small_vgg --shape 3 32 32 --depth 1 --output vgg.svg
  autograd-cnn graph --model net.py:build --backward --output net.html
  autograd-cnn graph --model net.onnx --color grad
  autograd-cnn graph --model resnet20 --backward --open

A model is one of
  {", ".join(MODELS)}
  a pattern        such as "CONV -> POOL -> FC"
  FILE.py:NAME     the file is run, and its function or class NAME called without arguments;
                   it returns an nn.Module, or a tensor, which is drawn as it is
  FILE.onnx        from any framework; needs the extra "interop"

The loss is the cross-entropy with class 0 where a network gives scores (N, K), and the sum
of what it gives otherwise.
"""


def add_model_options(add: Options) -> None:
    """Add the options that say what is run."""
    shape = "channels, height and width of the image (default: what an ONNX file says, or the network's usual one)"
    add.value("--model", str, "MODEL", "see below (default: %(default)s)", default="lenet5")
    add.value("--shape", whole_number(1), ("C", "H", "W"), shape, nargs=3)


def add_options(add: Options) -> None:
    """Add the options."""
    add_model_options(add)
    output = f"ends in {', '.join(ENDINGS)}; .png needs Graphviz's program dot (default: graph.svg)"
    depth = "fold the modules at the N-th level of nesting to one box each (default: as many as can be taken in)"
    direction = "which way the forward pass runs (default: right for a recurrent network, else down)"
    color = (
        "colour by the norm of the gradient, the memory saved for the backward pass, the arithmetic, the time of "
        f"each call (median of {RUNS} runs), NaN and infinity, or units that never change"
    )
    add.value("--output -o", file, "FILE", output)
    add.flag("--open", says="open the file in the browser; without --output that is graph.html")
    add.flag("--backward", says="show the backward pass, too")
    add.value("--depth", whole_number(1), "N", depth)
    directions = get_args(Direction)
    add.value("--direction", one_of(*directions), "|".join(directions), direction)
    add.value("--color", one_of(*COLORS), "|".join(COLORS), color)


def run(arguments: argparse.Namespace) -> None:
    """Record the graph, write the file, and open it if requested."""
    arguments.output = arguments.output or Path("graph.html" if arguments.open else "graph.svg")
    with as_usage_errors():
        graph = _capture(arguments)
    nodes = [node for node in graph.nodes if arguments.backward or node.phase == "forward"]
    with writing_to("--output", arguments.output):
        path = graph.render(
            arguments.output,
            show="both" if arguments.backward else "forward",
            depth=arguments.depth,
            direction=arguments.direction,
            color=arguments.color,
        )
    say(f"{path}: {len(nodes)} nodes")
    if arguments.open:
        open_file(path)


def open_file(path: Path) -> None:
    """Open a file in the browser, or say that none was found."""
    if not open_browser(path):
        say(f"no browser was found to open {path} in")


def _capture(arguments: argparse.Namespace) -> Graph:
    suffix = as_path("render", arguments.output, ENDINGS).suffix.lower()
    for option in UNUSED.get(suffix, ()):
        if getattr(arguments, option) is not None:
            raise ArgumentError(f"--{option}", f"a {suffix} file holds the whole graph and takes no --{option}")
    subject = make_subject(arguments.model, arguments.shape)
    backward = arguments.backward or arguments.color == "grad"
    if backward and subject.loss.size != 1:
        option = "--backward" if arguments.backward else "--color grad"
        problem = f"{arguments.model} returns no loss"
        raise ArgumentError(option, problem, expected="one number", got=f"shape {subject.loss.shape}")
    try:
        if arguments.color == "time":
            return profile(subject.again, runs=RUNS, names=subject.names).graph
        return capture(subject.loss, names=subject.names, backward=backward)
    except Exception as error:
        if subject.path is None or isinstance(error, (ArgumentError, GradientError)):
            raise
        with failures_of(subject.path):  # a rule of the user's, or a hook
            raise


# --- what is drawn ----------------------------------------------------------------------------


class Subject(NamedTuple):
    """The tensor to draw, names for its parameters and its image, a function that recomputes it, and the user's file."""

    loss: Tensor
    names: list[tuple[str, Any]]
    again: Callable[[], Tensor]
    path: Path | None = None


def make_subject(text: str, shape: Sequence[int] | None) -> Subject:
    """Run the network that a name, a pattern, ``FILE.py:function`` or ``FILE.onnx`` stands for, once, and return it.

    Parameters
    ----------
    text : str
    shape : (C, H, W), optional
        The shape of the random image; by default that of an ONNX file, or of `MODELS`, or (1, 28, 28).

    Raises
    ------
    ArgumentError, FormatError, ShapeError
        If the name, the file or the shape is wrong.
    """
    image = None if shape is None else cast("ImageShape", known_shape("--shape", "the image", shape))
    script = split_name(text)
    if script is not None:
        return _from_script(*script, image)
    if text.endswith(".onnx"):
        return _from_module(*read_onnx(Path(text), image), text)
    image = image or MODELS.get(text, (1, 28, 28))
    return _from_module(make_model(text, image, 0), (1, *image), text)


def _from_script(path: Path, name: str, shape: ImageShape | None) -> Subject:
    where = f"{path}:{name}"
    result = call(path, name)
    if isinstance(result, nn.Module):
        return _from_module(result, (1, *(shape or (1, 28, 28))), where, path)
    if not isinstance(result, Tensor):
        problem = f"{where} returns something else"
        raise ArgumentError("--model", problem, expected="an nn.Module or a tensor", got=type(result).__name__)
    if shape is not None:
        raise ArgumentError("--shape", f"{where} returns a tensor, which is drawn as it is")
    return Subject(result, [], lambda: call(path, name), path)


def read_onnx(path: Path, shape: ImageShape | None = None, option: str = "--model") -> tuple[OnnxNetwork, Shape]:
    """Return the network of an ONNX file, and the shape of its input; a batch of unknown size has one image.

    Raises
    ------
    ArgumentError, FormatError
        If the file can't be read, or its input is not a single one of floats with a known shape.
    """
    try:
        network = load_onnx(path)
    except OSError as error:
        raise ArgumentError(option, f"can't read {path}: {error.strerror}") from error
    if len(network.inputs) != 1 or network.inputs[0].dtype.kind != "f":
        got = ", ".join(f"{each.name}: {each.dtype}" for each in network.inputs) or "none"
        raise ArgumentError(option, f"{path} has other inputs", expected="one of floats", got=got)
    own = ("?",) if network.inputs[0].shape is None else network.inputs[0].shape
    lengths = (*(1 if isinstance(batch, str) else batch for batch in own[:1]), *(shape or own[1:]))
    closed = tuple(length for length in lengths if isinstance(length, int))
    if len(closed) < len(lengths):
        open_shape = f"({', '.join(map(str, own))})"
        raise ArgumentError(option, f"{path} leaves the shape of its input open: {open_shape}; give --shape")
    return network, closed


def _from_module(model: nn.Module, shape: Shape, where: str, path: Path | None = None) -> Subject:
    """Run ``model`` on random images, and return a loss of its output."""
    images = np.random.default_rng(0).random(shape, np.float32)
    images.flags.writeable = False  # so that the image itself is recorded, not a copy, and has its name in the graph
    hint = f"it was given an image of the shape {shape[1:]}; --shape sets another"
    try:
        with failures_of(path, hint) if path is not None else nullcontext():
            output = model(images)
    except ShapeError as error:  # such as one image of one pixel for batch normalisation
        raise ArgumentError("--model", str(error), hint=hint) from error
    if not isinstance(output, Tensor):
        problem = f"the output of {where} can't be drawn"
        expected = "a tensor that depends on parameters"
        raise ArgumentError("--model", problem, expected=expected, got=type(output).__name__)
    names = [*model.named_parameters(), ("image", images)]
    return Subject(_loss(output), names, lambda: _loss(model(images)), path)


def _loss(output: Tensor) -> Tensor:
    """Return the cross-entropy of scores (N, K), the sum of anything else."""
    if output.ndim == 2 and output.shape[1] > 1:
        labels: NDArray[Any] = np.zeros(len(output), np.int64)
        return nn.cross_entropy(output, labels)
    return output if output.ndim == 0 else output.sum()
