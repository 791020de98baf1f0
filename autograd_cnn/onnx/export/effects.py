"""The side effects of training as formulas: accumulated gradients, optimiser steps, running statistics."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.node import Array
from autograd_cnn.errors import FormatError
from autograd_cnn.nn import module as modules
from autograd_cnn.nn.functional import classification, regression
from autograd_cnn.nn.functional.embedding import _check_indices
from autograd_cnn.nn.layers.normalization import _BatchNorm
from autograd_cnn.onnx.export.formulas import batch_moments
from autograd_cnn.onnx.export.record import EFFECTS, Recorder
from autograd_cnn.onnx.export.updates import UPDATES
from autograd_cnn.ops import loss
from autograd_cnn.optim import SGD, Optimizer, RMSprop
from autograd_cnn.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def effect(*functions: Callable[..., Any]) -> Callable[[F], F]:
    """Register the decorated function as the effect of these functions."""

    def enter(handler: F) -> F:
        EFFECTS.update(dict.fromkeys(functions, handler))
        return handler

    return enter


# --- checks, which compute nothing ------------------------------------------------------------


@effect(loss.checked_labels, classification._check_probabilities, regression._check_variances, _check_indices)
def _check(*_: Any) -> None:
    """Do nothing: a graph does not check its inputs."""


# --- gradients --------------------------------------------------------------------------------


@effect(Tensor.add_grad)
def _add_grad(recorder: Recorder, tensor: Tensor, g: Any) -> None:
    recorder.add_grad(tensor, g)


@effect(Tensor.set_grad)
def _set_grad(recorder: Recorder, tensor: Tensor, g: Any) -> None:
    recorder.set_grad(tensor, g)


@effect(Tensor.take_values)
def _take_values(recorder: Recorder, tensor: Tensor, value: Any) -> None:
    recorder.tensor(tensor).now = value


@effect(modules._zero_grad)
def _zero_grads(recorder: Recorder, _: None, parameters: tuple[Tensor, ...], to_none: bool) -> None:
    for parameter in parameters:
        recorder.set_grad(parameter, None if to_none else np.zeros(parameter.shape, parameter.dtype))


@effect(Optimizer._zero_grad)
def _zero_grads_of(recorder: Recorder, optimizer: Optimizer, to_none: bool) -> None:
    for group in optimizer.param_groups:
        _zero_grads(recorder, None, tuple(group["params"]), to_none)


# --- running statistics -----------------------------------------------------------------------


@effect(_BatchNorm._follow_batch)
def _follow_batch(recorder: Recorder, norm: _BatchNorm, x: Any, count: int) -> None:
    (moments,) = recorder.apply(batch_moments, x)
    _follow(recorder, norm, moments, count)


@effect(_BatchNorm._follow)
def _follow(recorder: Recorder, norm: _BatchNorm, moments: Any, count: int) -> None:
    names = ("num_batches_tracked", "running_mean", "running_var")
    variables = [recorder.buffer(norm, name) for name in names]
    now = [each.now for each in variables]
    new = recorder.apply(_followed, moments, *now, count=count, momentum=norm.momentum)
    for variable, value in zip(variables, new, strict=True):
        variable.now = value


def _followed(
    moments: Array, batches: Array, mean: Array, var: Array, *, count: int, momentum: float | None
) -> tuple[Array, ...]:
    batches = batches + 1
    share = ops.divide(1, ops.astype(batches, dtype=mean.dtype)) if momentum is None else momentum
    newest = moments[0], moments[1] * float(count) / float(count - 1)
    return (batches, *(each * (1 - share) + new * share for each, new in zip((mean, var), newest, strict=True)))


# --- optimisers -------------------------------------------------------------------------------


@effect(Optimizer._step)
def _step(recorder: Recorder, optimizer: Optimizer) -> None:
    update = UPDATES.get(type(optimizer))
    if update is None:
        names = ", ".join(each.__name__ for each in UPDATES)
        problem = f"the steps of {type(optimizer).__name__} have no formula"
        raise FormatError("export", problem, hint=f"only those of {names} have")
    remembered = recorder.trace.before[id(optimizer)]
    for number, group in enumerate(optimizer.param_groups):
        rate = recorder.variable(
            (id(group), "lr"), f"lr.{number}" if number else "lr", np.float32(group["lr"]), fed=True
        )
        for parameter in group["params"]:
            if (grad := recorder.grad(parameter)) is None:
                continue
            if group.get("maximize"):
                (grad,) = recorder.apply(ops.negative, grad)
            variable = recorder.tensor(parameter)
            state = {
                key: recorder.variable(
                    (id(parameter), key), f"{variable.name}.{key}",
                    remembered.get(parameter, {}).get(key, _first(key, variable.value, group)),
                )
                for key in _kept(optimizer, group, remembered.get(parameter))
            }  # fmt: skip
            now = {key: each.now for key, each in state.items()}
            results = recorder.apply(update, variable.now, grad, rate.now, **now, options=SimpleNamespace(**group))
            for each, value in zip((variable, *state.values()), results, strict=True):
                each.now = value


def _first(key: str, value: Any, group: dict[str, Any]) -> Any:
    """Return an optimiser's state before its first step."""
    return np.int64(0) if key == "step" else np.full_like(value, group.get("initial_accumulator_value", 0))


def _kept(optimizer: Optimizer, group: dict[str, Any], remembered: Any) -> list[str]:
    """Return the state of each parameter."""
    if unknown := [option for option in ("amsgrad", "centered") if group.get(option)]:
        raise FormatError("export", f"the option {unknown[0]} of {type(optimizer).__name__} has no formula")
    if not isinstance(optimizer, (SGD, RMSprop)):
        return [name for name, always in optimizer.remembers.items() if always]
    kept = ["square_avg"] if isinstance(optimizer, RMSprop) else []
    if not group["momentum"]:
        return kept
    if group.get("dampening") and not remembered:
        problem = "the first step with a dampening differs from later ones"
        raise FormatError("export", problem, hint="take a step before")
    return [*kept, "momentum_buffer"]
