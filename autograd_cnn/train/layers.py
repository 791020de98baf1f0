"""Statistics of each layer of a network on some images: magnitudes, shares of zeros, gradient norms."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import nn
from autograd_cnn.data import Split
from autograd_cnn.engine.backward import gradients
from autograd_cnn.engine.recording import enable_grad
from autograd_cnn.nn.modes import check_network, evaluating
from autograd_cnn.parameters import of_kind
from autograd_cnn.tensor import Tensor


@dataclass(frozen=True)
class LayerFigures:
    """The statistics of a layer.

    Attributes
    ----------
    name, kind : str
        Its path in the model, and its class.
    shape : tuple of int
        The shape of its output for one image.
    mean : float
        The mean magnitude of its outputs.
    zeros : float
        The share of its outputs that is 0.
    dead : float
        The share of its units (channels, for feature maps) that are 0 everywhere for all images.
    weight, gradient : float or None
        The norms of its parameters and of the loss's gradient with respect to them; None without parameters.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    mean: float
    zeros: float
    dead: float
    weight: float | None
    gradient: float | None


def figures_of(
    model: nn.Module, split: Split, loss: Callable[[Tensor, Any], Tensor] = nn.cross_entropy
) -> list[LayerFigures]:
    """Return the statistics of the layers that contain no others, in the order in which they run.

    Parameters
    ----------
    model : Module
        It runs in eval mode; its modes are restored at the end.
    split : Split
        The images, which form one batch, and their labels.
    loss : callable
        ``loss(scores, labels)``, which is differentiated.

    Returns
    -------
    list of LayerFigures
        If a layer runs more than once, the last run counts; a layer whose output is not a batch is left out.

    Raises
    ------
    OperandError
        If ``model`` is not a `Module`, or ``split`` is not a `Split`.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> [layer.kind for layer in figures_of(ag.nn.lenet5(rng=0), ag.data.Split(np.zeros((2, 1, 28, 28)), [0, 1]))][:3]
    ['Conv2d', 'ReLU', 'MaxPool2d']
    """
    check_network("figures_of", model)
    of_kind("figures_of", "split", split, Split, "data.Split(images, labels)")
    with listening(model) as outputs, evaluating(model), enable_grad():
        value = loss(model(split.images), split.labels)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    slopes = gradients(value, parameters) if parameters else []
    norms = {
        id(p): 0.0 if g is None else float(np.linalg.norm(g.numpy())) for p, g in zip(parameters, slopes, strict=True)
    }
    layers, count = dict(model.named_modules()), len(split.labels)
    batches = {name: each for name, each in outputs.items() if each.ndim > 1 and len(each) == count}
    return [_figures(name, layers[name], each, norms) for name, each in batches.items()]


@contextmanager
def listening(model: nn.Module) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield a dict that collects, by name, the outputs of the layers that contain no others while the block runs."""
    outputs: dict[str, NDArray[Any]] = {}

    def keep(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:  # noqa: ARG001  # a hook's
            value = output.numpy() if isinstance(output, Tensor) else output
            if isinstance(value, np.ndarray):
                outputs[name] = value

        return hook

    leaves = [(name, module) for name, module in model.named_modules() if not any(True for _ in module.children())]
    handles = [module.register_forward_hook(keep(name)) for name, module in leaves]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _figures(name: str, module: nn.Module, value: NDArray[Any], norms: dict[int, float]) -> LayerFigures:
    own = [*module.parameters()]
    rest = tuple(axis for axis in range(value.ndim) if axis != 1)
    return LayerFigures(
        name=name,
        kind=type(module).__name__,
        shape=value.shape[1:],
        mean=float(np.abs(value).mean()),
        zeros=float(np.mean(value == 0)),
        dead=float(np.mean((value == 0).all(axis=rest))),
        weight=math.hypot(*(float(np.linalg.norm(p.numpy())) for p in own)) if own else None,
        gradient=math.hypot(*(norms.get(id(p), 0.0) for p in own)) if own else None,
    )
