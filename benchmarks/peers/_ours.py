"""autograd_cnn as its users spell it, whatever the backend."""

import autograd_cnn as ag
from autograd_cnn import nn, optim
from benchmarks.peers._modules import build, scalars, training
from benchmarks.tasks import Array, Chain, Convolution, Job, Network


def network(task: Network) -> Job:
    """Prepare a training step."""
    model = nn.fuse(build(task.layers, nn))
    model.load_state_dict(task.weights(), strict=False)
    optimizer = optim.SGD(model.parameters(), lr=task.rate)
    images, labels = task.data()
    return training(model, optimizer, lambda: nn.cross_entropy(model(images), labels), ag.Tensor.numpy)


def convolution(task: Convolution) -> Job:
    """Prepare one side of a convolution."""
    x, w, g = task.arrays()
    how = {"stride": task.layer.stride, "padding": task.layer.padding}

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
