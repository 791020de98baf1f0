"""Single convolutions and their two adjoints, among them every layer shape of a ResNet-50, and unusual ones."""

from typing import get_args

from benchmarks.layers import Conv
from benchmarks.tasks import Convolution, Side
from benchmarks.workload import Case, Workload

LENET = [(Conv(1, 6, 5), 28), (Conv(6, 16, 5), 12)]

VGG = [
    (Conv(3, 32, 3, padding=1), 32),
    (Conv(32, 32, 3, padding=1), 32),
    (Conv(32, 64, 3, padding=1), 16),
    (Conv(64, 64, 3, padding=1), 16),
    (Conv(64, 128, 3, padding=1), 8),
    (Conv(128, 128, 3, padding=1), 8),
]

RESNET50 = [
    (Conv(3, 64, 7, 2, 3), 224),
    (Conv(64, 64, 1), 56),
    (Conv(64, 64, 3, 1, 1), 56),
    (Conv(64, 256, 1), 56),
    (Conv(256, 64, 1), 56),
    (Conv(256, 128, 1), 56),
    (Conv(128, 128, 3, 2, 1), 56),
    (Conv(256, 512, 1, 2), 56),
    (Conv(128, 512, 1), 28),
    (Conv(512, 128, 1), 28),
    (Conv(128, 128, 3, 1, 1), 28),
    (Conv(512, 256, 1), 28),
    (Conv(256, 256, 3, 2, 1), 28),
    (Conv(512, 1024, 1, 2), 28),
    (Conv(256, 1024, 1), 14),
    (Conv(1024, 256, 1), 14),
    (Conv(256, 256, 3, 1, 1), 14),
    (Conv(1024, 512, 1), 14),
    (Conv(512, 512, 3, 2, 1), 14),
    (Conv(1024, 2048, 1, 2), 14),
    (Conv(512, 2048, 1), 7),
    (Conv(2048, 512, 1), 7),
    (Conv(512, 512, 3, 1, 1), 7),
]

UNUSUAL = [
    (Conv(192, 192, 3, 1, 1, groups=192), 32, 32),
    (Conv(192, 192, 3, 2, 1, groups=192), 16, 32),
    (Conv(128, 128, 3, 1, 1, groups=32), 28, 32),
    (Conv(64, 64, 3, 1, 2, dilation=2), 56, 8),
    (Conv(64, 32, 2, 2), 64, 8),
    (Conv(64, 64, 4, 2, 1), 32, 32),
    (Conv(24, 144, 1), 32, 32),
    (Conv(3, 64, 11, 4, 2), 224, 8),
    (Conv(64, 64, 3, 1, 1), 56, 1),
    (Conv(256, 256, 3, 1, 1), 14, 1),
    (Conv(512, 512, 3, 1, 1), 7, 1),
]
"""Layers with image size and batch: depthwise, grouped, dilated, with even filters, or for one image."""


def _cases(group: str, layers: list[tuple[Conv, int]], batch: int) -> list[Case]:
    return [
        Case(
            f"{group}: {_shape(layer, image)}, {side.replace('_', ' ')}", Convolution(layer, image, batch, side), group
        )
        for layer, image in layers
        for side in get_args(Side)
        if side != "wrt_input" or layer is not layers[0][0]  # a network needs no gradient of its images
    ]


def _shape(layer: Conv, image: int) -> str:
    stride = f" / {layer.stride}" if layer.stride > 1 else ""
    stride += f", dilation {layer.dilation}" if layer.dilation > 1 else ""
    stride += f", {layer.groups} groups" if layer.groups > 1 else ""
    return f"{layer.in_channels}→{layer.out_channels}, {layer.size}×{layer.size}{stride} on {image}×{image}"


WORKLOAD = Workload(
    title="Single convolutions",
    cases=(
        *_cases("VGG", VGG, 64),
        *_cases("LeNet", LENET, 64),
        *_cases("ResNet-50", RESNET50, 8),
        *(
            Case(
                f"batch {batch}: {_shape(layer, image)}, {side.replace('_', ' ')}",
                Convolution(layer, image, batch, side),
            )
            for layer, image, batch in UNUSUAL
            for side in get_args(Side)
        ),
    ),
    note="VGG and LeNet at batch 64, ResNet-50 at batch 8.",
    turn=0.1,
    quick=3,
    max_rounds=3,
)
