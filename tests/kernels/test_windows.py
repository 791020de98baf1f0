"""Where windows go: sizes against counting, the paddings by name, and what is refused."""

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import for_each

from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.kernels.windows import windows
from autograd_cnn.parameters import Padding, pair, parser_of

sizes = st.tuples(st.integers(1, 4), st.integers(1, 4))
margins = st.tuples(st.integers(0, 4), st.integers(0, 4))


@given(
    image=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=sizes,
    stride=sizes,
    padding=st.tuples(margins, margins),
    dilation=sizes,
)
def test_the_count_of_places_is_what_fits(image, size, stride, padding, dilation):
    axes = list(zip(image, size, stride, padding, dilation, strict=True))
    if all((k - 1) * d + 1 <= n + sum(pads) for n, k, _, pads, d in axes):
        slid = windows("w", image, size, stride=stride, padding=padding, dilation=dilation)
        assert slid.out == tuple(oracles.places(*axis) for axis in axes)
        assert (slid.size, slid.stride, slid.padding, slid.dilation) == (size, stride, padding, dilation)
    else:
        with pytest.raises(ShapeError):
            windows("w", image, size, stride=stride, padding=padding, dilation=dilation)


@given(image=st.tuples(st.integers(4, 9), st.integers(4, 9)), size=sizes, stride=sizes, data=st.data())
def test_ceil_mode_counts_the_windows_that_begin_on_the_image(image, size, stride, data):
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in size)
    slid = windows("w", image, size, stride=stride, padding=padding, ceil_mode=True)
    axes = zip(image, size, stride, padding, strict=True)
    assert slid.out == tuple(oracles.places(n, k, s, (p, p), 1, ceil_mode=True) for n, k, s, p in axes)


@given(image=sizes, size=sizes, stride=sizes, dilation=sizes)
def test_ceil_mode_gives_one_window_that_is_too_large_by_less_than_a_stride(image, size, stride, dilation):
    """As PyTorch and ONNX have it."""
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    axes = list(zip(image, reach, stride, strict=True))
    if all(span - n < s for n, span, s in axes):
        slid = windows("w", image, size, stride=stride, dilation=dilation, ceil_mode=True)
        assert all(places == 1 for places, (n, span, _) in zip(slid.out, axes, strict=True) if span >= n)
    else:
        with pytest.raises(ShapeError):
            windows("w", image, size, stride=stride, dilation=dilation, ceil_mode=True)


@given(image=sizes, size=sizes, stride=sizes, dilation=sizes)
def test_same_gives_a_place_for_every_stride_begun(image, size, stride, dilation):
    slid = windows("w", image, size, stride=stride, padding="same", dilation=dilation)
    assert slid.out == tuple(-(-n // s) for n, s in zip(image, stride, strict=True))
    assert all(0 <= after - before <= 1 for before, after in slid.padding)


@given(image=sizes, size=sizes, dilation=sizes)
def test_full_gives_every_place_at_which_they_touch(image, size, dilation):
    slid = windows("w", image, size, padding="full", dilation=dilation)
    assert slid.out == tuple(n + (k - 1) * d for n, k, d in zip(image, size, dilation, strict=True))


def test_valid_is_no_padding():
    assert windows("w", (5, 6), 3, padding="valid") == windows("w", (5, 6), 3)


@for_each(
    "padding, expected",
    [
        (0, ((0, 0), (0, 0))),
        (2, ((2, 2), (2, 2))),
        (np.int64(2), ((2, 2), (2, 2))),
        ((1, 2), ((1, 1), (2, 2))),
        ([1, 2], ((1, 1), (2, 2))),
        (((1, 2), (3, 4)), ((1, 2), (3, 4))),
        ([[1, 2], [3, 4]], ((1, 2), (3, 4))),
        ("same", ((0, 1), (1, 1))),
        ("full", ((1, 1), (2, 2))),
    ],
)
def test_padding_is_written_in_many_ways(padding, expected):
    parsed = parser_of(Padding)("w", "padding", padding)
    assert windows("w", (5, 5), (2, 3), padding=parsed).padding == expected


def test_the_extent_is_what_the_windows_reach():
    slid = windows("w", (8, 8), (3, 2), stride=3, padding=1, dilation=(1, 2))
    assert slid.out == (3, 3)
    assert slid.extent == (9, 9)
    assert slid.inside() == (slice(1, 9), slice(1, 9), slice(8), slice(8))


def test_windows_may_reach_nothing_but_the_padding():
    slid = windows("w", (9, 9), 1, stride=99, padding=((4, 0), (0, 4)))
    assert slid.extent == (1, 1)
    assert slid.inside() == (slice(4, 4), slice(0, 1), slice(0), slice(1))


def test_each_tap_meets_one_pixel_of_every_window():
    slid = windows("w", (7, 6), (2, 3), stride=(2, 1), dilation=(3, 2))
    extent = np.arange(np.prod(slid.extent)).reshape(slid.extent)
    for p, q, rows, columns in slid.taps():
        met = [[extent[i * 2 + p * 3, j + q * 2] for j in range(slid.out[1])] for i in range(slid.out[0])]
        np.testing.assert_array_equal(extent[rows, columns], met)


@pytest.mark.parametrize("value", [3, np.int32(3), (3, 3)])
def test_a_pair(value):
    assert pair("w", "stride", value, 1) == (3, 3)
    assert [type(v) for v in pair("w", "stride", value, 1)] == [int, int]


@for_each(
    "changes, kind, text",
    [
        ({"size": 0}, ArgumentError, "pool: window is out of range: expected at least 1, got 0"),
        ({"size": (2, -1)}, ArgumentError, "pool: window is out of range: expected at least 1, got (2, -1)"),
        ({"size": 2.0}, ArgumentError, "pool: window is not understood: expected an int or a pair of ints, got 2.0"),
        ({"stride": 0}, ArgumentError, "pool: stride is out of range: expected at least 1, got 0"),
        ({"stride": (1, 0)}, ArgumentError, "pool: stride is out of range: expected at least 1, got (1, 0)"),
        ({"stride": True}, ArgumentError, "pool: stride is not understood: expected an int or a pair of ints, got True"),
        (
            {"stride": (1, 2, 3)},
            ArgumentError,
            "pool: stride is not understood: expected an int or a pair of ints, got (1, 2, 3)",
        ),
        ({"stride": None}, ArgumentError, "pool: stride is not understood: expected an int or a pair of ints, got None"),
        ({"dilation": 0}, ArgumentError, "pool: dilation is out of range: expected at least 1, got 0"),
        ({"padding": -1}, ArgumentError, "pool: padding is out of range: expected at least 0, got -1"),
        (
            {"padding": ((0, 0), (0, -1))},
            ArgumentError,
            "pool: padding is out of range: expected at least 0, got (0, -1)",
        ),
        (
            {"padding": (1, 2, 3)},
            ArgumentError,
            "pool: padding is not understood: expected an int or a pair of ints, got (1, 2, 3)",
        ),
        (
            {"padding": "big"},
            ArgumentError,
            "pool: padding is not understood: expected an int, a pair or a pair of pairs, got 'big'",
        ),
        ({"size": 2**31}, ArgumentError, f"pool: window is out of range: expected at most {2**31 - 1}, got {2**31}"),
        ({"stride": 10**20}, ArgumentError, f"pool: stride is out of range: expected at most {2**31 - 1}, got {10**20}"),
        ({"dilation": (1, 2**31)}, ArgumentError, f"pool: dilation is out of range: expected at most {2**31 - 1}, got (1, {2**31})"),
        ({"padding": 10**20}, ArgumentError, f"pool: padding is out of range: expected at most {2**31 - 1}, got {10**20}"),
        (
            {"size": (6, 2)},
            ShapeError,
            ("pool: the window does not fit into the padded image along its height: "
            "expected at most 5 pixels, got 6; pad the image or shrink the window"),
        ),
        (
            {"size": (2, 4), "dilation": (1, 3), "padding": (0, 1)},
            ShapeError,
            ("pool: the window does not fit into the padded image along its width: "
            "expected at most 7 pixels, got 10; pad the image or shrink the window"),
        ),
    ],
)  # fmt: skip
def test_bad_input(changes, kind, text):
    with pytest.raises(kind) as err:
        windows("pool", (5, 5), **({"size": 2} | changes))
    assert str(err.value) == text
