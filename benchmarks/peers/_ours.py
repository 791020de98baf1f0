"""autograd_cnn as its users spell it, whatever the backend."""

from typing import Any

import autograd_cnn as ag
from autograd_cnn import nn, optim
from autograd_cnn.nn import functional
from benchmarks.peers._modules import build, forward_and_backward, scalars, training
from benchmarks.tasks import Array, Chain, Convolution, Inference, Job, Network, Operation

OPERATIONS: dict[str, Any] = {
    "add": ag.add,
    "subtract": ag.subtract,
    "multiply": ag.multiply,
    "divide": ag.divide,
    "maximum": ag.maximum,
    "abs": ag.absolute,
    "clip": lambda x: ag.clip(x, -1.0, 1.0),
    "square": ag.square,
    "exp": ag.exp,
    "tanh": ag.tanh,
    "sigmoid": ag.sigmoid,
    "relu": ag.relu,
    "leaky_relu": ag.leaky_relu,
    "relu6": nn.ReLU6(),
    "elu": ag.elu,
    "gelu": ag.gelu,
    "silu": ag.silu,
    "mish": functional.mish,
    "hardswish": ag.hardswish,
    "hardsigmoid": ag.hardsigmoid,
    "softplus": ag.softplus,
    "softshrink": functional.softshrink,
    "hardshrink": functional.hardshrink,
    "prelu": lambda x, weight: functional.prelu(x, ag.reshape(weight, (-1,))),
    "softmax": ag.softmax,
    "log_softmax": ag.log_softmax,
    "batch_norm": ag.batch_norm,
    "layer_norm": ag.layer_norm,
    "group_norm": lambda x, weight, bias: functional.group_norm(x, 8, weight, bias),
    "instance_norm": lambda x, weight, bias: functional.instance_norm(x, weight=weight, bias=bias),
    "cross_entropy": functional.cross_entropy,
    "mse_loss": functional.mse_loss,
    "l1_loss": functional.l1_loss,
    "huber_loss": functional.huber_loss,
    "kl_div": lambda x, y: functional.kl_div(x, y, log_target=True),
    "bce_with_logits": lambda x, y: functional.bce_with_logits(x, y.detach()),
    "max_pool 2×2": lambda x: ag.max_pool(x, 2),
    "max_pool 3×3 / 2": lambda x: ag.max_pool(x, 3, stride=2, padding=1),
    "mean_pool 2×2": lambda x: ag.mean_pool(x, 2),
    "sum": ag.sum,
    "mean over maps": lambda x: ag.mean(x, axis=(2, 3)),
    "max over a row": lambda x: ag.max(x, axis=1),
    "variance over a row": lambda x: ag.var(x, axis=1),
    "transpose": lambda x: ag.transpose(x, axes=(0, 2, 3, 1)) * 1.0,
    "interpolate ×2, nearest": lambda x: functional.interpolate(x, scale_factor=2),
    "interpolate ×2, bilinear": lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"),
    "pad": lambda x: functional.pad(x, (1, 1, 1, 1)),
    "slice": lambda x: x[:, :, 1:, 1:],
    "embedding": lambda table, indices: functional.embedding(indices, table),
    "stack": lambda x1, x2: ag.stack([x1, x2], axis=1),
    "concatenate": lambda x1, x2: ag.concatenate([x1, x2], axis=1),
    "matmul": ag.matmul,
    "linear": functional.linear,
}


def _model(task: Network) -> Any:
    model = nn.fuse(build(task.layers, nn, ag.concatenate))
    model.astype(task.dtype)
    model.load_state_dict(task.weights(), strict=False)
    return model


def network(task: Network, *, compiled: bool = False) -> Job:
    """Prepare a training step, recorded and run without Python if ``compiled``."""
    model = _model(task)
    optimizer = optim.SGD(model.parameters(), lr=task.rate)
    images, labels = task.data()
    job = training(model, optimizer, lambda: nn.cross_entropy(model(images), labels), ag.Tensor.numpy)
    if not compiled:
        return job

    @ag.compile
    def step(images: Array, labels: Array) -> None:
        optimizer.zero_grad()
        nn.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return Job(lambda: step(images, labels), job.check)


def inference(task: Inference, *, compiled: bool = False) -> Job:
    """Prepare scores without a tape, recorded and run without Python if ``compiled``."""
    model = _model(task).eval()
    images, _ = task.data()
    scores = ag.compile(model) if compiled else model

    def run() -> Any:
        with ag.no_grad():
            return scores(images)

    return Job(run, lambda: {"scores": run().numpy()})


def operation(task: Operation) -> Job:
    """Prepare one operation and its gradient."""
    leaves = [ag.tensor(array, requires_grad=True) for array in task.operands()]
    function, indices = OPERATIONS[task.name], task.indices()
    return forward_and_backward(task, lambda *xs: function(*xs, *indices), leaves, ag.tensor, ag.Tensor.numpy)


def convolution(task: Convolution) -> Job:
    """Prepare one side of a convolution."""
    x, w, g = task.arrays()
    layer = task.layer
    how = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation, "groups": layer.groups}

    def run() -> Array:
        match task.side:
            case "forward":
                return ag.correlate2d(x, w, **how)
            case "wrt_input":
                return ag.correlate2d_wrt_input(g, w, x_shape=x.shape, **how)
            case "wrt_weight":
                return ag.correlate2d_wrt_weight(x, g, w_shape=w.shape, **how)

    return Job(run, lambda: {"result": run()})


def chain(task: Chain) -> Job:
    """Prepare a chain of scalars."""
    return scalars(task, lambda value: ag.tensor(value, requires_grad=True, dtype="float32"))
