"""autograd_cnn as its users spell it, whatever the backend."""

import autograd_cnn as ag
from autograd_cnn import nn, optim
from benchmarks.peers._modules import build, scalars, training
from benchmarks.tasks import Array, Chain, Convolution, Job, Network


def network(task: Network, *, compiled: bool = False) -> Job:
    """Prepare a training step, recorded and run without Python if ``compiled``."""
    model = nn.fuse(build(task.layers, nn))
    model.load_state_dict(task.weights(), strict=False)
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
