"""Hold the estimated costs of the convolution algorithms against times, on one thread.

    $ python -m benchmarks.conv_algorithms

Every algorithm of the compiled backend computes the layers of LeNet-5, a small VGG, ResNet-20, ResNet-50 and
MobileNetV2, and some others, that it supports at a tolerable cost. A row is a layer, a side and an algorithm: the
estimate in cycles, the time, nanoseconds for each estimated cycle, and a mark at the one that is chosen. The last lines
say how well the choices do. The constants in ``kernels/compiled/conv/*.py`` come from such tables, by least squares,
made on cores of a Zen 4 and a Zen 5 (AVX-512).
"""

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, get_args

import numpy as np

import autograd_cnn as ag
from autograd_cnn.kernels.compiled.conv.problem import ConvProblem, Side
from autograd_cnn.kernels.compiled.conv.select import ALGORITHMS, choose
from autograd_cnn.kernels.windows import windows
from benchmarks.layers import Conv
from benchmarks.workloads.convolutions import LENET, RESNET50, VGG

RESNET20 = [
    (Conv(3, 16, 3, padding=1), 32), (Conv(16, 16, 3, padding=1), 32), (Conv(16, 32, 3, 2, 1), 32),
    (Conv(32, 32, 3, padding=1), 16), (Conv(32, 64, 3, 2, 1), 16), (Conv(64, 64, 3, padding=1), 8),
]  # fmt: skip
OTHERS: list[tuple[int, int, int, int, int, int, dict[str, int]]] = [
    # Images, channels, filters, pixels of a side, side of a filter, groups, and how the filters slide.
    (32, 24, 144, 32, 1, 1, {}), (32, 144, 24, 32, 1, 1, {}), (32, 64, 384, 8, 1, 1, {}), (32, 960, 160, 4, 1, 1, {}),
    (32, 96, 96, 32, 3, 96, {"padding": 1}), (32, 144, 144, 32, 3, 144, {"padding": 1, "stride": 2}),
    (32, 384, 384, 8, 3, 384, {"padding": 1}), (32, 960, 960, 4, 3, 960, {"padding": 1}),
    (1, 144, 144, 32, 3, 144, {"padding": 1}), (8, 144, 144, 28, 5, 144, {"padding": 2, "stride": 2}),
    (8, 128, 128, 28, 3, 32, {"padding": 1}), (8, 256, 256, 56, 3, 32, {"padding": 1, "stride": 2}),
    (8, 64, 64, 56, 3, 1, {"padding": 2, "dilation": 2}), (8, 3, 64, 224, 11, 1, {"padding": 2, "stride": 4}),
    (4, 64, 32, 64, 2, 1, {"stride": 2}), (32, 64, 64, 32, 4, 1, {"padding": 1, "stride": 2}),
]  # fmt: skip
TOLERABLE = 10.0  # times the least cost
SECONDS = 0.05  # for each algorithm, at least


def problems() -> Iterator[tuple[str, ConvProblem]]:
    """Yield each layer at some batch sizes."""
    for name, layers, batches in (
        ("LeNet", LENET, (1, 16, 64)), ("VGG", VGG, (1, 16, 64)), ("ResNet-20", RESNET20, (1, 32)),
        ("ResNet-50", RESNET50, (1, 8)),
    ):  # fmt: skip
        for layer, image in layers:
            for n in batches:
                slid = windows("conv", (image, image), layer.size, stride=layer.stride, padding=layer.padding)
                problem = ConvProblem.of(n, layer.in_channels, layer.out_channels, slid, 1, np.dtype(np.float32))
                yield (
                    f"{name} {layer.in_channels}→{layer.out_channels} {layer.size}×{layer.size}/{layer.stride} @{image}, {n}",
                    problem,
                )
    for n, channels, filters, image, size, groups, geometry in OTHERS:
        slid = windows("conv", (image, image), size, **geometry)
        problem = ConvProblem.of(n, channels, filters, slid, groups, np.dtype(np.float32))
        yield f"{channels}→{filters} {size}×{size} @{image}, {groups} groups {geometry}, {n}", problem


def operands(problem: ConvProblem, side: Side) -> tuple[Any, ...]:
    """Return random operands of one side."""
    p, rng = problem, np.random.default_rng(0)
    x, w, y = (p.n, p.c, p.h, p.w), (p.f, p.group_channels, p.kh, p.kw), (p.n, p.f, p.oh, p.ow)
    shapes = {"forward": (x, w, (p.f,)), "wrt_input": (y, w), "wrt_weight": (x, y)}[side]
    return tuple(rng.standard_normal(shape).astype(p.dtype) for shape in shapes)


def nanoseconds(call: Callable[[], Any]) -> float:
    """Return the least processor time of some calls."""
    call()
    times, end = [], time.perf_counter() + SECONDS
    while not times or time.perf_counter() < end:
        began = time.process_time_ns()
        call()
        times.append(time.process_time_ns() - began)
    return float(min(times))


def main() -> None:
    """Print the table."""
    ag.set_num_threads(1)
    losses = []
    for name, problem in problems():
        for side in get_args(Side):
            chosen, times = choose(side, problem), {}
            arrays = operands(problem, side)
            costs = {each: each.cost(problem) for each in ALGORITHMS[side] if each.supports(problem)}
            for algorithm, cost in costs.items():
                if cost <= TOLERABLE * min(costs.values()):
                    times[algorithm.name] = t = nanoseconds(partial(algorithm.run, problem, *arrays))
                    mark = "*" if algorithm is chosen else " "
                    print(
                        f"{name:36} {side:10} {mark} {algorithm.name:14} {cost:12.0f} {t:12.0f} {t / cost:6.2f}",
                        flush=True,
                    )
            if chosen is not None:
                losses.append(times[chosen.name] / min(times.values()))
    print(f"chosen / best: geometric mean {math.exp(np.log(losses).mean()):.3f}, worst {max(losses):.2f}")


if __name__ == "__main__":
    main()
