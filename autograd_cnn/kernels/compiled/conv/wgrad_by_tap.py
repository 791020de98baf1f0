"""The adjoint of correlation with respect to its weights, tap by tap, for a number of channels.

Shapes: x (N, C, H, W), g (N, F, OH, OW), w (F, C/G, KH, KW), for G groups.

A tile has rows of channels and vectors of filters, and runs along the pixels that one tap meets. So it reads
them where they lie, and multiplies nothing with the padding.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from autograd_cnn.kernels.compiled.conv.tap_table import meetings
from autograd_cnn.kernels.compiled.llvm import VECTOR_BYTES
from autograd_cnn.kernels.compiled.microkernel import MIDDLE, MIDDLE_VECTORS, TALL, TALL_VECTORS, patches_on_left
from autograd_cnn.kernels.compiled.packing import DEPTH, tile_rows, turn_maps
from autograd_cnn.kernels.compiled.parallel import flat, inlined, parallel_for
from autograd_cnn.kernels.windows import Array, Windows


class Share(NamedTuple):
    """The sizes of one gradient, for one group, and how its work is cut."""

    images: int
    groups: int
    all_channels: int
    filters: int
    window: int  # taps
    pixels: int
    places: int
    channels: int  # worked on at a time
    together: int  # images worked on at a time
    runs: int  # that the places of an image are cut into


def add_tap_by_tap(x: Array, g: Array, sums: Array, channels: int, windows: Windows, groups: int) -> None:
    """Add to the sums (pieces, G·C·KH·KW, F in whole vectors) what each piece of the images gives."""
    lanes = VECTOR_BYTES // x.itemsize
    c, f = x.shape[1] // groups, g.shape[1] // groups
    s, starts, pixels, lines = _share(x.shape[0], groups, c, f, channels, windows, lanes)
    jobs = len(sums) * groups * -(-c // channels)
    _sum_taps(jobs, s, flat(x), flat(g), starts, pixels, lines, sums.reshape(-1))


@lru_cache(maxsize=512)
def _share(
    images: int, groups: int, all_channels: int, filters: int, channels: int, windows: Windows, lanes: int
) -> tuple[Share, Array, Array, Array]:
    """Return how to cut a gradient, and for each tap and each run of places the list of pixels that it meets.

    The list says where these lie in the images, and where what their windows got lies in the turned maps. It is
    for some images one after the other; ``starts`` tells where the part of a tap and a run begins.
    """
    (h, w), (oh, ow), window = windows.image, windows.out, windows.size[0] * windows.size[1]
    together, runs = max(1, DEPTH // (oh * ow)), -(-oh * ow // DEPTH)
    s = Share(images, groups, all_channels, filters, window, h * w, oh * ow, channels, together, runs)
    place, tap, pixel = meetings(windows)
    image = np.arange(together)[:, None]
    part = ((tap * together + image) * runs + place * runs // s.places).reshape(-1)
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], np.arange(window * together * runs + 1))
    pixels = pixel + image * groups * all_channels * s.pixels  # (together, meetings)
    lines = (place + image * s.places) * (-(-filters // lanes) * lanes)  # (together, meetings)
    return s, starts, pixels.reshape(-1)[order], lines.reshape(-1)[order]


@parallel_for
def _sum_taps(first: int, last: int, s: Share, x: Any, g: Any, starts: Any, pixels: Any, lines: Any, sums: Any) -> None:
    lanes = VECTOR_BYTES // x.itemsize
    width = (s.filters + lanes - 1) // lanes * lanes
    chunks = (s.all_channels + s.channels - 1) // s.channels
    pieces = sums.size // (s.groups * s.all_channels * s.window * width)
    turned = np.empty((s.together * s.places + lanes) * width, x.dtype)
    channels, spots = np.arange(s.channels) * s.pixels, np.arange(0, width, lanes)
    for job in range(first, last):
        piece, group, channel = job // (s.groups * chunks), job // chunks % s.groups, job % chunks * s.channels
        sums_at = ((piece * s.groups + group) * s.all_channels + channel) * s.window * width
        end = (piece + 1) * s.images // pieces
        for image in range(piece * s.images // pieces, end, s.together):
            count = min(s.together, end - image)
            for each in range(count):
                g_at = ((image + each) * s.groups + group) * s.filters * s.places
                turn_maps(turned, each * s.places * width, g, g_at, s.filters, s.places, s.places)
            x_at = ((image * s.groups + group) * s.all_channels + channel) * s.pixels
            for run in range(0, count * s.runs, s.together):
                _add_products(
                    x, x_at, channels, min(s.channels, s.all_channels - channel), starts, run,
                    min(run + s.together, count * s.runs), pixels, turned, lines, sums, sums_at, spots, s,
                )  # fmt: skip


@inlined
def _add_products(
    x: Any, x_at: int, channels: Any, rows: int, starts: Any, run: int, end: int, pixels: Any, turned: Any, lines: Any,
    c: Any, c_at: int, spots: Any, s: Share,
) -> None:  # fmt: skip
    """Add the pixels of some channels · turned maps to c, tile by tile and tap by tap."""
    lanes = VECTOR_BYTES // c.itemsize
    step = s.window * spots.size * lanes
    # A lower tile may have room for more vectors, and so load less for each product.
    lower = MIDDLE_VECTORS > TALL_VECTORS and spots.size % MIDDLE_VECTORS == 0
    most, height = (MIDDLE_VECTORS, MIDDLE) if lower else (TALL_VECTORS, TALL)
    strips = (spots.size + most - 1) // most
    for strip in range(strips):
        v = strip * spots.size // strips
        count = (strip + 1) * spots.size // strips - v
        for m in range(0, rows, height):
            for tap in range(s.window):
                part = tap * s.together * s.runs
                k = starts[part + run]
                patches_on_left(
                    tile_rows(min(rows - m, height)), count, x, x_at, channels, m, pixels, k, turned, v * lanes, lines,
                    starts[part + end] - k, c, 0, c, c_at + m * step + tap * spots.size * lanes, spots, v, step,
                    min(height, rows - m), lanes, 1,
                )  # fmt: skip
