"""Plain-Python loops for what the kernels vectorise: slow, obvious, and with no code in common.

`padding` is ``((top, bottom), (left, right))``, `stride`, `dilation` and `window` are pairs.
"""

import math
from itertools import product

import numpy as np


def trilinear_terms(x_shape, w_shape, stride, padding, dilation, groups):
    """Yield the places of g, x and w in every product of the form ⟨g, x ⋆ w⟩."""
    n, _, height, width = x_shape
    f, channels, *size = w_shape
    out = [
        places(k, r, s, pads, d) for k, r, s, pads, d in zip(x_shape[2:], size, stride, padding, dilation, strict=True)
    ]
    for image, filter_, i, j in product(range(n), range(f), *map(range, out)):
        first = filter_ // (f // groups) * channels
        for c, p, q in product(range(channels), *map(range, size)):
            row = i * stride[0] + p * dilation[0] - padding[0][0]
            column = j * stride[1] + q * dilation[1] - padding[1][0]
            if 0 <= row < height and 0 <= column < width:
                yield (image, filter_, i, j), (image, first + c, row, column), (filter_, c, p, q)


def places(length, taps, stride, pads, dilation, ceil_mode=False):
    """Count the windows along one axis by setting them down one after the other."""
    padded = pads[0] + length + pads[1]
    reach = (taps - 1) * dilation + 1
    count, start = 0, 0
    behind = pads[0] + length if ceil_mode else padded  # where no window begins
    while start + reach <= padded and start < behind:
        count, start = count + 1, start + stride
    last_end = start - stride + reach
    if ceil_mode and last_end < padded and start < behind:
        count += 1
    return count


def output_shape(x_shape, w_shape, stride, padding, dilation):
    """Return (N, F, OH, OW)."""
    out = (places(*axis) for axis in zip(x_shape[2:], w_shape[2:], stride, padding, dilation, strict=True))
    return x_shape[0], w_shape[0], *out


def correlate2d(x, w, bias, stride, padding, dilation, groups):
    """Add up the form's products by their place in g."""
    y = np.zeros(output_shape(x.shape, w.shape, stride, padding, dilation))
    for at_g, at_x, at_w in trilinear_terms(x.shape, w.shape, stride, padding, dilation, groups):
        y[at_g] += x[at_x] * w[at_w]
    for f in range(w.shape[0]):
        y[:, f] += 0 if bias is None else bias[f]
    return y


def correlate2d_wrt_input(g, w, x_shape, stride, padding, dilation, groups):
    """Add up the form's products by their place in x."""
    dx = np.zeros(x_shape)
    for at_g, at_x, at_w in trilinear_terms(x_shape, w.shape, stride, padding, dilation, groups):
        dx[at_x] += g[at_g] * w[at_w]
    return dx


def correlate2d_wrt_weight(x, g, w_shape, stride, padding, dilation, groups):
    """Add up the form's products by their place in w."""
    dw = np.zeros(w_shape)
    for at_g, at_x, at_w in trilinear_terms(x.shape, w_shape, stride, padding, dilation, groups):
        dw[at_w] += x[at_x] * g[at_g]
    return dw


def pool_windows(image, window, stride, padding, dilation=(1, 1), ceil_mode=False):
    """Yield each window's place and its taps inside the image, as (number, row, column) in order."""
    axes = zip(image, window, stride, padding, dilation, strict=True)
    out = [places(n, k, s, pads, d, ceil_mode) for n, k, s, pads, d in axes]
    for i, j in product(*map(range, out)):
        taps = []
        for number, (p, q) in enumerate(product(*map(range, window))):
            row = i * stride[0] + p * dilation[0] - padding[0][0]
            column = j * stride[1] + q * dilation[1] - padding[1][0]
            if 0 <= row < image[0] and 0 <= column < image[1]:
                taps.append((number, row, column))
        yield (i, j), taps


def _beats(value, best):
    return not math.isnan(best) and (math.isnan(value) or value > best)


def max_pool(x, window, stride, padding, dilation, ceil_mode, rectified=False):
    """Return every window's largest value, and the number of the first tap that has it, or of the tap after the last."""
    geometry = list(pool_windows(x.shape[2:], window, stride, padding, dilation, ceil_mode))
    out = tuple(n + 1 for n in geometry[-1][0])
    y, winners = np.zeros((*x.shape[:2], *out), x.dtype), np.zeros((*x.shape[:2], *out), int)
    for lead in np.ndindex(x.shape[:2]):
        for place, taps in geometry:
            winner, row, column = taps[0]
            best = x[(*lead, row, column)]
            for number, row, column in taps[1:]:
                if _beats(x[(*lead, row, column)], best):
                    winner, best = number, x[(*lead, row, column)]
            if rectified and best <= 0:
                winner, best = math.prod(window), 0
            y[lead + place], winners[lead + place] = best, winner
    return y, winners


def max_unpool(g, winners, image, window, stride, padding, dilation, ceil_mode, **_):
    """Give each window's g to the pixel under its winner."""
    dx = np.zeros((*g.shape[:2], *image))
    for lead in np.ndindex(g.shape[:2]):
        for place, taps in pool_windows(image, window, stride, padding, dilation, ceil_mode):
            for number, row, column in taps:
                if number == winners[lead + place]:
                    dx[(*lead, row, column)] += g[lead + place]
    return dx


def pool_count(place, taps, image, window, stride, padding, count_include_pad, dilation=(1, 1)):
    """Count what a mean is taken over: the window's pixels on the image, or on image and border."""
    if not count_include_pad:
        return len(taps)
    count = 0
    for p, q in product(*map(range, window)):
        row, column = place[0] * stride[0] + p * dilation[0], place[1] * stride[1] + q * dilation[1]
        count += row < image[0] + sum(padding[0]) and column < image[1] + sum(padding[1])
    return count


def mean_pool(x, window, stride, padding, ceil_mode, count_include_pad, dilation=(1, 1)):
    """Return every window's mean."""
    image = x.shape[2:]
    geometry = list(pool_windows(image, window, stride, padding, dilation, ceil_mode))
    y = np.zeros((*x.shape[:2], *(n + 1 for n in geometry[-1][0])))
    for lead in np.ndindex(x.shape[:2]):
        for place, taps in geometry:
            count = pool_count(place, taps, image, window, stride, padding, count_include_pad, dilation)
            y[lead + place] = sum(x[(*lead, row, column)] for _, row, column in taps) / count
    return y


def mean_pool_wrt_input(g, image, window, stride, padding, ceil_mode, count_include_pad, dilation=(1, 1)):
    """Give every pixel its share of each mean that it was in."""
    dx = np.zeros((*g.shape[:2], *image))
    for lead in np.ndindex(g.shape[:2]):
        for place, taps in pool_windows(image, window, stride, padding, dilation, ceil_mode):
            count = pool_count(place, taps, image, window, stride, padding, count_include_pad, dilation)
            for _, row, column in taps:
                dx[(*lead, row, column)] += g[lead + place] / count
    return dx
