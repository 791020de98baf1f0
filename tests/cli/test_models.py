import numpy as np
import pytest

from autograd_cnn.cli.models import MODELS, make_model
from autograd_cnn.errors import ArgumentError


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("digits_net", (1, 8, 8)),
        ("lenet5", (1, 28, 28)),
        ("lenet5", (3, 32, 32)),
        ("small_vgg", (3, 32, 32)),
        ("lenet1998", (1, 32, 32)),
        ("resnet20", (1, 8, 8)),
        ("resnet18", (3, 32, 32)),
        ("mobilenet_v2", (3, 32, 32)),
        ("tiny_vit", (1, 8, 8)),
        ("CONV -> POOL -> FC", (1, 8, 8)),
    ],
)
def test_takes_images_and_gives_ten_scores(text, shape):
    model = make_model(text, shape, 0)
    assert model.training
    assert model(np.zeros((2, *shape), np.float32)).shape == (2, 10)


@pytest.mark.parametrize("text", [*MODELS, "CONV -> POOL -> FC"])
def test_the_seed_decides(text):
    shape = {"lenet5": (1, 28, 28), "lenet1998": (1, 32, 32)}.get(text, (1, 8, 8))
    one, two, other = (next(make_model(text, shape, seed).parameters()).numpy() for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_trying_it_out_leaves_the_statistics_alone():
    state = make_model("resnet20", (3, 8, 8), 0).state_dict()
    assert not state["bn1.running_mean"].any()
    assert state["bn1.running_var"].tolist() == [1.0] * 16


@pytest.mark.parametrize(
    ("text", "shape", "problem"),
    [
        (
            "lenet",
            (1, 8, 8),
            (
                "no network of this name: expected one of digits_net, lenet5, lenet1998, small_vgg, resnet20, "
                "resnet18, mobilenet_v2, tiny_vit, or a pattern, "
                "got 'lenet'; did you mean lenet5?"
            ),
        ),
        ("lenet5", (1, 8, 8), "lenet5: image_size is out of range: expected at least 16, got 8"),
        (
            "CONV -> POOOL",
            (1, 8, 8),
            (
                "build: the pattern is not understood: expected CONV, RELU, POOL, FC or '[', got 'POOOL'\n"
                "  CONV -> POOOL\n          ^"
            ),
        ),
    ],
)
def test_refuses(text, shape, problem):
    with pytest.raises(ArgumentError) as err:
        make_model(text, shape, 0)
    assert str(err.value) == f"--model: {problem}"


def test_images_that_do_not_fit():
    with pytest.raises(ArgumentError) as err:
        make_model("digits_net", (3, 8, 8), 0)
    assert str(err.value).startswith("--model: ")
