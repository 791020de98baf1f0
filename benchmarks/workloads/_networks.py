"""The networks of the workloads."""

from benchmarks.layers import (
    Attention,
    BatchNorm,
    Beside,
    Conv,
    Flatten,
    Gelu,
    GlobalMeanPool,
    Layer,
    LayerNorm,
    Layers,
    Linear,
    Lstm,
    MaxPool,
    Relu,
    Relu6,
    Residual,
    Upsample,
)

LENET: Layers = (
    Conv(1, 6, 5),
    Relu(),
    MaxPool(),
    Conv(6, 16, 5),
    Relu(),
    MaxPool(),
    Flatten(),
    Linear(256, 120),
    Relu(),
    Linear(120, 84),
    Relu(),
    Linear(84, 10),
)
"""LeNet-5 (LeCun et al. 1998) with ReLUs and max-pooling, for images of 28×28 pixels."""

VGG: Layers = (
    Conv(3, 32, 3, padding=1),
    Relu(),
    Conv(32, 32, 3, padding=1),
    Relu(),
    MaxPool(),
    Conv(32, 64, 3, padding=1),
    Relu(),
    Conv(64, 64, 3, padding=1),
    Relu(),
    MaxPool(),
    Conv(64, 128, 3, padding=1),
    Relu(),
    Conv(128, 128, 3, padding=1),
    Relu(),
    MaxPool(),
    Flatten(),
    Linear(2048, 10),
)
"""A small network in the manner of Simonyan & Zisserman (2015), for images of 32×32 pixels."""

MLP: Layers = (Linear(784, 512), Relu(), Linear(512, 512), Relu(), Linear(512, 10))
"""Two hidden layers."""

LSTM: Layers = (Lstm(28, 128), Linear(128, 10))
"""Images read row by row."""


RECTIFIED: Layers = (Relu(),)


def _normalised(
    in_channels: int, out_channels: int, size: int, stride: int = 1, *, groups: int = 1, then: Layers = RECTIFIED
) -> Layers:
    """Return a convolution that keeps the size but for its stride, its normalisation, and what follows."""
    convolution = Conv(in_channels, out_channels, size, stride, size // 2, bias=False, groups=groups)
    return (convolution, BatchNorm(out_channels), *then)


def _block(in_channels: int, out_channels: int, stride: int) -> Residual:
    body = _normalised(in_channels, out_channels, 3, stride) + _normalised(out_channels, out_channels, 3, then=())
    projected = stride > 1 or in_channels != out_channels
    return Residual(body, _normalised(in_channels, out_channels, 1, stride, then=()) if projected else ())


def _resnet(stem: Layers, widths: tuple[int, ...], blocks: int) -> Layers:
    layers = [*stem]
    before = widths[0]
    for width in widths:
        for index in range(blocks):
            layers.append(_block(before, width, 2 if width != before and index == 0 else 1))
            before = width
    return (*layers, GlobalMeanPool(), Flatten(), Linear(before, 10))


RESNET20 = _resnet(_normalised(3, 16, 3), (16, 32, 64), 3)
"""The ResNet-20 for CIFAR (He et al. 2016), with projections as shortcuts."""

RESNET18 = _resnet((*_normalised(3, 64, 7, 2), MaxPool(3, 2, 1)), (64, 128, 256, 512), 2)
"""The ResNet-18 for ImageNet (He et al. 2016), with ten classes."""


def _inverted(in_channels: int, out_channels: int, stride: int, widening: int) -> Layers:
    """Return a block of MobileNetV2; only where the shape stays is there a way around it."""
    inside = in_channels * widening
    body = (
        *(_normalised(in_channels, inside, 1, then=(Relu6(),)) if widening > 1 else ()),
        *_normalised(inside, inside, 3, stride, groups=inside, then=(Relu6(),)),
        *_normalised(inside, out_channels, 1, then=()),
    )
    return (Residual(body, rectified=False),) if stride == 1 and in_channels == out_channels else body


def _mobilenet_v2() -> Layers:
    layers = [*_normalised(3, 32, 3, 2, then=(Relu6(),))]
    before = 32
    # times as wide inside, channels, blocks, stride of the first
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for widening, width, blocks, first_stride in stages:
        for index in range(blocks):
            layers += _inverted(before, width, 1 if index else first_stride, widening)
            before = width
    return (*layers, *_normalised(before, 1280, 1, then=(Relu6(),)), GlobalMeanPool(), Flatten(), Linear(1280, 10))


MOBILENET_V2 = _mobilenet_v2()
"""MobileNetV2 (Sandler et al. 2018) without its dropout, with ten classes."""


def _twice(in_channels: int, out_channels: int) -> Layers:
    return _normalised(in_channels, out_channels, 3) + _normalised(out_channels, out_channels, 3)


def _unet(in_channels: int, width: int, halvings: int) -> Layers:
    """Return the network from its first maps down and up again."""
    if not halvings:
        return _twice(in_channels, width)
    below = (MaxPool(), *_unet(width, 2 * width, halvings - 1), Upsample(2 * width, width))
    return (*_twice(in_channels, width), Beside(below), *_twice(2 * width, width))


UNET: Layers = (*_unet(3, 32, 3), Conv(32, 10, 1))
"""A U-Net (Ronneberger et al. 2015) of three halvings, from 32 channels on, with batch normalisation."""


def _transformer_block(features: int, heads: int) -> tuple[Layer, ...]:
    """Return attention and a network for each position, each with a normalisation before and a way around."""
    attention = (LayerNorm(features), Attention(features, heads))
    positions = (LayerNorm(features), Linear(features, 4 * features), Gelu(), Linear(4 * features, features))
    return Residual(attention, rectified=False), Residual(positions, rectified=False)


TRANSFORMER: Layers = (*_transformer_block(128, 4), Flatten(), Linear(64 * 128, 10))
"""One block of a transformer (Vaswani et al. 2017), normalised first, for 64 vectors of 128 features."""
