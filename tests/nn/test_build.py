import numpy as np
import pytest
from peak import memory
from tables import for_each

from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError

SHORT = "INPUT -> [[CONV]*N -> POOL?]*M -> [FC]*K"


def _build(pattern, **options):
    return nn.build(pattern, **{"input_shape": (1, 8, 8), "classes": 10, "rng": 0, **options})


def _names(net):
    return " ".join(name for name, _ in net.named_children())


def test_lenet_from_a_string_is_lenet():
    net = _build(
        "INPUT -> [[CONV -> RELU]*1 -> POOL]*2 -> [FC -> RELU]*2 -> FC",
        input_shape=(1, 28, 28), channels=(6, 16), features=(120, 84), kernel_size=5, padding=0,
    )  # fmt: skip
    known = nn.lenet5(rng=0)
    assert [type(m) for m in net] == [type(m) for m in known]
    for mine, theirs in zip(net.parameters(), known.parameters(), strict=True):
        assert np.array_equal(mine.numpy(), theirs.numpy())
    x = np.random.default_rng(0).random((2, 1, 28, 28), np.float32)
    assert np.array_equal(net(x).numpy(), known(x).numpy())


def test_the_short_form_inserts_activations_but_for_the_scores():
    net = _build(SHORT, N=2, M=1, K=2, activation="tanh")
    assert _names(net) == "conv1 tanh1 conv2 tanh2 pool1 flatten fc1 tanh3 fc2"
    assert _names(_build("FC")) == "flatten fc1"
    assert _names(_build("CONV -> RELU -> POOL -> FC", activation="elu")) == "conv1 relu1 pool1 flatten fc1"


def test_optional_pooling_leaves_odd_maps_alone():
    net = _build(SHORT, N=1, M=3, K=1, input_shape=(3, 12, 20))
    assert _names(net) == "conv1 relu1 pool1 conv2 relu2 pool2 conv3 relu3 flatten fc1"
    assert net(np.zeros((2, 3, 12, 20), np.float32)).shape == (2, 10)


def test_channels_double_by_default_and_are_given_by_layer_or_by_stage():
    pattern = "[[CONV]*2 -> POOL]*2 -> FC"

    def filters(**options):
        return [m.out_channels for m in _build(pattern, **options) if isinstance(m, nn.Conv2d)]

    assert filters() == [16, 16, 32, 32]
    assert filters(channels=4) == [4, 4, 8, 8]
    assert filters(channels=(3, 5)) == [3, 3, 5, 5]
    assert filters(channels=(1, 2, 3, 4)) == [1, 2, 3, 4]


def test_every_network_trains_and_the_seed_decides(rng):
    one, two, other = _build(SHORT, N=1, M=2, K=3), _build(SHORT, N=1, M=2, K=3), _build(SHORT, N=1, M=2, K=3, rng=1)
    x = rng.random((4, 1, 8, 8), np.float32)
    nn.cross_entropy(one(x), [0, 1, 2, 3]).backward()
    assert all(p.grad is not None for p in one.parameters())
    assert np.array_equal(one(x).numpy(), two(x).numpy())
    assert not np.array_equal(one(x).numpy(), other(x).numpy())
    assert {p.dtype for p in _build("FC", dtype=float).parameters()} == {np.dtype(float)}


@pytest.mark.parametrize(
    ("pattern", "position", "text"),
    [
        ("CONV -> POOL", 12, "the pattern has no FC for the classes' scores"),
        ("FC -> CONV -> FC", 6, "CONV needs maps, but an FC before it has flattened them"),
        ("FC -> POOL? -> FC", 6, "POOL needs maps, but an FC before it has flattened them"),
        ("[FC -> RELU]*2", 7, "the last FC gives the scores: expected nothing after it, got RELU"),
        ("[POOL]*4 -> FC", 1, "the maps are too small to pool: expected at least 2×2, got 1×1"),
    ],
)
def test_patterns_that_make_no_network(pattern, position, text):
    with pytest.raises(ArgumentError) as error:
        _build(pattern)
    assert str(error.value) == f"build: {text}\n  {pattern}\n  {' ' * position}^"


def test_a_kernel_that_outgrows_its_maps():
    with pytest.raises(ArgumentError) as error:
        _build("[CONV]*2 -> FC", kernel_size=5, padding=0)
    assert str(error.value) == (
        "build: the window does not fit into the padded image along its height: expected at most 4 pixels, got 5; "
        "pad the image or shrink the window\n  [CONV]*2 -> FC\n   ^"
    )


@for_each(
    "pattern, options, position",
    [
        ("[CONV -> POOL?]*40 -> FC", {}, 1),
        ("[CONV -> POOL?]*400 -> FC", {"input_shape": (1, 7, 7)}, 1),
        ("FC", {"classes": 10**9}, 0),
        ("FC", {"classes": 10**5000}, 0),
        ("[FC]*2", {"features": 2**28}, 1),
        ("CONV -> FC", {"input_shape": (1, 10**5, 10**5)}, 8),
        ("CONV -> FC", {"kernel_size": 10**9, "padding": 10**9}, 0),
    ],
)
def test_a_short_pattern_that_asks_for_a_lot_makes_nothing(pattern, options, position):
    with pytest.raises(ArgumentError) as error, memory(10**6):
        _build(pattern, **options)
    assert str(error.value) == (
        f"build: the network is too large: expected at most 268,435,456 parameters, got more\n"
        f"  {pattern}\n  {' ' * position}^"
    )


def test_numbers_may_be_numpys():
    net = _build("CONV -> FC -> FC", channels=np.int64(4), features=np.int32(5), input_shape=np.array([1, 8, 8]))
    assert [tuple(p.shape) for p in net.parameters()] == [(4, 1, 3, 3), (4,), (5, 256), (5,), (10, 5), (10,)]


@for_each(
    "options, text",
    [
        ({"activation": "swish"},
         ("activation is unknown: expected one of relu, leaky_relu, elu, gelu, silu, sigmoid, tanh, softplus, "
         "got 'swish'")),
        ({"classes": 0}, "classes is out of range: expected an int of at least 1, got 0"),
        ({"channels": 2.5}, "channels is not understood: expected an int of at least 1, got 2.5"),
        ({"features": "ab"}, "features is not understood: expected an int of at least 1, got 'a'"),
        ({"activation": ["relu"]},
         ("activation is unknown: expected one of relu, leaky_relu, elu, gelu, silu, sigmoid, tanh, softplus, "
          "got ['relu']")),
        ({"input_shape": (1, [8], 8)}, "input_shape's H is not understood: expected an int of at least 1, got [8]"),
        ({"input_shape": 8}, "input_shape is not understood: expected (C, H, W), got 8"),
        ({"input_shape": (8, 8)}, "input_shape is not understood: expected (C, H, W), got (8, 8)"),
        ({"input_shape": (1, 0, 8)}, "input_shape's H is out of range: expected an int of at least 1, got 0"),
        ({"channels": (1, 2, 3)},
         "channels do not fit the pattern: expected one number for each of 2 CONV or 1 stages, got 3"),
        ({"channels": 0}, "channels is out of range: expected an int of at least 1, got 0"),
        ({"features": (5, 5)},
         "features do not fit the pattern: expected one number for each of 1 FC before the last, got 2"),
        ({"features": (0,)}, "features is out of range: expected an int of at least 1, got 0"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit(options, text):
    with pytest.raises(ArgumentError) as error:
        _build("[CONV]*2 -> [FC]*2", **options)
    assert str(error.value) == f"build: {text}"
