"""What the variants of PyTorch have in common."""

import os
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from benchmarks.peers._modules import build, forward_and_backward, training
from benchmarks.tasks import Array, Convolution, Inference, Job, LackingError, Network, Operation

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))

OPERATIONS: dict[str, Any] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "maximum": torch.maximum,
    "abs": torch.abs,
    "clip": lambda x: torch.clamp(x, -1.0, 1.0),
    "square": torch.square,
    "exp": torch.exp,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "relu6": functional.relu6,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "mish": functional.mish,
    "hardswish": functional.hardswish,
    "hardsigmoid": functional.hardsigmoid,
    "softplus": functional.softplus,
    "softshrink": functional.softshrink,
    "hardshrink": functional.hardshrink,
    "prelu": lambda x, weight: functional.prelu(x, weight.reshape(-1)),
    "softmax": partial(functional.softmax, dim=-1),
    "log_softmax": partial(functional.log_softmax, dim=-1),
    "batch_norm": lambda x, weight, bias: functional.batch_norm(x, None, None, weight, bias, training=True),
    "layer_norm": lambda x, weight, bias: functional.layer_norm(x, weight.shape, weight, bias),
    "group_norm": lambda x, weight, bias: functional.group_norm(x, 8, weight, bias),
    "instance_norm": lambda x, weight, bias: functional.instance_norm(x, weight=weight, bias=bias),
    "cross_entropy": functional.cross_entropy,
    "mse_loss": functional.mse_loss,
    "l1_loss": functional.l1_loss,
    "huber_loss": functional.huber_loss,
    "kl_div": lambda x, y: functional.kl_div(x, y, log_target=True),
    "bce_with_logits": lambda x, y: functional.binary_cross_entropy_with_logits(x, y.detach()),
    "max_pool 2×2": lambda x: functional.max_pool2d(x, 2),
    "max_pool 3×3 / 2": lambda x: functional.max_pool2d(x, 3, stride=2, padding=1),
    "mean_pool 2×2": lambda x: functional.avg_pool2d(x, 2),
    "sum": torch.sum,
    "mean over maps": lambda x: x.mean(dim=(2, 3)),
    "max over a row": lambda x: x.amax(dim=1),
    "variance over a row": lambda x: x.var(dim=1, correction=0),
    "transpose": lambda x: x.permute(0, 2, 3, 1) * 1.0,
    "interpolate ×2, nearest": lambda x: functional.interpolate(x, scale_factor=2),
    "interpolate ×2, bilinear": lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"),
    "pad": lambda x: functional.pad(x, (1, 1, 1, 1)),
    "slice": lambda x: x[:, :, 1:, 1:],
    "embedding": lambda table, indices: functional.embedding(indices, table),
    "stack": lambda x1, x2: torch.stack([x1, x2], dim=1),
    "concatenate": lambda x1, x2: torch.cat([x1, x2], dim=1),
    "matmul": torch.matmul,
    "linear": functional.linear,
}


def as_array(tensor: torch.Tensor) -> Array:
    """Return the values of a tensor."""
    array: Array = tensor.detach().numpy()
    return array


def _model(task: Network, layout: torch.memory_format) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """Return the network, and inputs and labels; the network and the inputs in the layout."""
    if layout is torch.channels_last and len(task.image) != 3:
        raise LackingError("images")
    model = build(task.layers, torch.nn, torch.cat).to(getattr(torch, task.dtype))
    model.load_state_dict({name: torch.from_numpy(value) for name, value in task.weights().items()}, strict=False)
    images, labels = map(torch.from_numpy, task.data())
    return model.to(memory_format=layout), images.to(memory_format=layout), labels


def network(task: Network, layout: torch.memory_format = torch.contiguous_format, *, compiled: bool = False) -> Job:
    """Prepare a training step, with images and filters in the given layout."""
    model, images, labels = _model(task, layout)

    def loss_of_batch() -> torch.Tensor:
        return functional.cross_entropy(model(images), labels)

    optimizer = torch.optim.SGD(model.parameters(), lr=task.rate)
    return training(model, optimizer, torch.compile(loss_of_batch) if compiled else loss_of_batch, as_array)


def inference(task: Inference, layout: torch.memory_format = torch.contiguous_format, *, compiled: bool = False) -> Job:
    """Prepare scores without a tape, with images and filters in the given layout."""
    model, images, _ = _model(task, layout)
    model.eval()
    scores = torch.compile(model) if compiled else model

    def run() -> torch.Tensor:
        with torch.inference_mode():
            return scores(images)

    return Job(run, lambda: {"scores": as_array(run())})


def operation(task: Operation, layout: torch.memory_format = torch.contiguous_format) -> Job:
    """Prepare one operation and its gradient, with images in the given layout."""
    arrays = [torch.from_numpy(array) for array in task.operands()]
    if layout is torch.channels_last and arrays[0].ndim != 4:
        raise LackingError("images")
    moved = (array.to(memory_format=layout) if array.ndim == 4 else array for array in arrays)
    leaves = [array.detach().requires_grad_() for array in moved]
    function, indices = OPERATIONS[task.name], [torch.from_numpy(labels) for labels in task.indices()]

    def cotangent(array: Array) -> torch.Tensor:
        g = torch.from_numpy(array)
        return g.to(memory_format=layout) if g.ndim == 4 else g

    return forward_and_backward(task, lambda *xs: function(*xs, *indices), leaves, cotangent, as_array)


def convolution(task: Convolution, layout: torch.memory_format = torch.contiguous_format) -> Job:
    """Prepare one side of a convolution, in the given layout."""
    x, w, g = (torch.from_numpy(array).to(memory_format=layout) for array in task.arrays())
    layer = task.layer
    how = [layer.stride] * 2, [layer.padding] * 2, [layer.dilation] * 2, False, [0, 0], layer.groups
    sides: dict[str, Any] = {
        "forward": partial(torch.ops.aten.convolution, x, w, None, *how),
        "wrt_input": lambda: torch.ops.aten.convolution_backward(g, x, w, None, *how, [True, False, False])[0],
        "wrt_weight": lambda: torch.ops.aten.convolution_backward(g, x, w, None, *how, [False, True, False])[1],
    }
    run = sides[task.side]
    return Job(run, lambda: {"result": as_array(run())})
