"""JAX on the CPU, each task compiled as a whole."""

import os
from functools import partial
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.peers._functional import EPSILON, Blocks, scores
from benchmarks.tasks import Arrays, Convolution, Job, Network

PACKAGE = "jax"


def _conv(x: Any, w: Any, stride: int, padding: int, dilation: int = 1, groups: int = 1) -> Any:
    return lax.conv_general_dilated(
        x,
        w,
        (stride, stride),
        [(padding, padding)] * 2,
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        feature_group_count=groups,
    )


def _max_pool(x: Any, size: int) -> Any:
    window = (1, 1, size, size)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def _batch_norm(x: Any, scale: Any, shift: Any) -> Any:
    centred = x - x.mean(axis=(0, 2, 3), keepdims=True)
    factor = scale.reshape(1, -1, 1, 1) * lax.rsqrt((centred**2).mean(axis=(0, 2, 3), keepdims=True) + EPSILON)
    return centred * factor + shift.reshape(1, -1, 1, 1)


BLOCKS = Blocks(_conv, jax.nn.relu, _max_pool, _batch_norm)


def network(task: Network) -> Job:
    """Prepare a training step."""
    jax.config.update("jax_enable_x64", task.dtype == "float64")
    weights = {name: jnp.asarray(value) for name, value in task.weights().items()}
    images, labels = map(jnp.asarray, task.data())

    def loss(weights: Any, images: Any, labels: Any) -> Any:
        logs = jax.nn.log_softmax(scores(task.layers, BLOCKS, weights, images))
        return -jnp.take_along_axis(logs, labels[:, None], axis=1).mean()

    both = jax.jit(jax.value_and_grad(loss))

    @partial(jax.jit, donate_argnums=0)
    def step(weights: Any, images: Any, labels: Any) -> Any:
        gradients = jax.grad(loss)(weights, images, labels)
        return {name: value - task.rate * gradients[name] for name, value in weights.items()}

    def run() -> None:
        nonlocal weights
        weights = jax.block_until_ready(step(weights, images, labels))

    def check() -> Arrays:
        value, gradients = both(weights, images, labels)
        return {"loss": np.asarray(value), **{name: np.asarray(g) for name, g in gradients.items()}}

    return Job(run, check)


def convolution(task: Convolution) -> Job:
    """Prepare one side of a convolution; its adjoints are those that JAX derives."""
    x, w, g = map(jnp.asarray, task.arrays())
    how = task.layer.stride, task.layer.padding, task.layer.dilation, task.layer.groups
    forward = jax.jit(lambda x, w: _conv(x, w, *how))
    wrt_input = jax.jit(lambda g, w: jax.linear_transpose(lambda x: _conv(x, w, *how), x)(g)[0])
    wrt_weight = jax.jit(lambda x, g: jax.linear_transpose(lambda w: _conv(x, w, *how), w)(g)[0])
    sides = {
        "forward": lambda: forward(x, w),
        "wrt_input": lambda: wrt_input(g, w),
        "wrt_weight": lambda: wrt_weight(x, g),
    }
    run = sides[task.side]
    return Job(lambda: jax.block_until_ready(run()), lambda: {"result": np.asarray(run())})
