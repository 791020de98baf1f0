"""What the variants of PyTorch have in common."""

import os
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from benchmarks.peers._modules import build, training
from benchmarks.tasks import Array, Convolution, Job, Network

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))


def as_array(tensor: torch.Tensor) -> Array:
    """Return the values of a tensor."""
    array: Array = tensor.detach().numpy()
    return array


def network(task: Network, layout: torch.memory_format = torch.contiguous_format, *, compiled: bool = False) -> Job:
    """Prepare a training step, with images and filters in the given layout."""
    model = build(task.layers, torch.nn)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in task.weights().items()}, strict=False)
    model.to(memory_format=layout)
    images, labels = map(torch.from_numpy, task.data())
    images = images.to(memory_format=layout)

    def loss_of_batch() -> torch.Tensor:
        return functional.cross_entropy(model(images), labels)

    optimizer = torch.optim.SGD(model.parameters(), lr=task.rate)
    return training(model, optimizer, torch.compile(loss_of_batch) if compiled else loss_of_batch, as_array)


def convolution(task: Convolution, layout: torch.memory_format = torch.contiguous_format) -> Job:
    """Prepare one side of a convolution, in the given layout."""
    x, w, g = (torch.from_numpy(array).to(memory_format=layout) for array in task.arrays())
    how = [task.layer.stride] * 2, [task.layer.padding] * 2, [1, 1], False, [0, 0], 1
    sides: dict[str, Any] = {
        "forward": partial(torch.ops.aten.convolution, x, w, None, *how),
        "wrt_input": lambda: torch.ops.aten.convolution_backward(g, x, w, None, *how, [True, False, False])[0],
        "wrt_weight": lambda: torch.ops.aten.convolution_backward(g, x, w, None, *how, [False, True, False])[1],
    }
    run = sides[task.side]
    return Job(run, lambda: {"result": as_array(run())})
