"""The training step of the ResNet-20 for CIFAR (He et al. 2016), with projections as shortcuts."""

from benchmarks.tasks import BatchNorm, Conv, Flatten, GlobalMeanPool, Layers, Linear, Network, Relu, Residual
from benchmarks.workload import Case, Workload

WIDTHS = (16, 32, 64)
BLOCKS = 3


def _block(in_channels: int, out_channels: int, stride: int) -> Residual:
    body: Layers = (
        Conv(in_channels, out_channels, 3, stride, 1, bias=False),
        BatchNorm(out_channels),
        Relu(),
        Conv(out_channels, out_channels, 3, 1, 1, bias=False),
        BatchNorm(out_channels),
    )
    projection: Layers = (Conv(in_channels, out_channels, 1, stride, bias=False), BatchNorm(out_channels))
    return Residual(body, projection if stride > 1 else ())


def _layers() -> Layers:
    stem: Layers = (Conv(3, WIDTHS[0], 3, 1, 1, bias=False), BatchNorm(WIDTHS[0]), Relu())
    blocks: list[Residual] = []
    before = WIDTHS[0]
    for width in WIDTHS:
        for index in range(BLOCKS):
            blocks.append(_block(before, width, 2 if width != before and index == 0 else 1))
            before = width
    return (*stem, *blocks, GlobalMeanPool(), Flatten(), Linear(before, 10))


WORKLOAD = Workload(
    title="ResNet-20, training step",
    cases=(Case("batch 32", Network(_layers(), (3, 32, 32), 32, rate=0.01)),),
    turn=1.0,
)
