import json
from dataclasses import asdict

import numpy as np
import pytest
from tables import for_each

from autograd_cnn.errors import ArgumentError, OperandError
from autograd_cnn.train import TrainConfig


@for_each(
    "numbers, problem",
    [
        ({"epochs": 0}, "epochs is out of range: expected an int of at least 1, got 0"),
        ({"epochs": 1.5}, "epochs is not understood: expected an int of at least 1, got 1.5"),
        ({"batch_size": 0}, "batch_size is out of range: expected an int of at least 1, got 0"),
        ({"seed": -1}, "seed is out of range: expected an int of at least 0, got -1"),
        ({"lr": 0.0}, "lr is out of range: expected a number above 0, got 0.0"),
        ({"lr": float("nan")}, "lr is out of range: expected a number above 0, got nan"),
        ({"lr": "fast"}, "lr is not understood: expected a number above 0, got 'fast'"),
        (
            {"augment": ("shiftt",)},
            (
                "augment has an unknown name: expected shift, flip, crop, rotate, erase, brightness, color, "
                "got 'shiftt'; did you mean shift?"
            ),
        ),
        ({"augment": 3}, "augment is not understood: expected names such as ('shift', 'flip'), or (), got 3"),
        ({"class_weights": 3}, "class_weights is not understood: expected 'balanced' or numbers, got 3"),
        ({"mixup": -1}, "mixup is out of range: expected a number above 0, got -1"),
        ({"accumulate": 0}, "accumulate is out of range: expected an int of at least 1, got 0"),
        ({"clip_norm": 0.0}, "clip_norm is out of range: expected a number above 0, got 0.0"),
        ({"class_weights": "even"}, "class_weights is not understood: expected 'balanced' or numbers, got 'even'"),
        ({"class_weights": [1, -1]}, "class_weights is out of range: expected numbers of at least 0, got -1"),
        ({"class_weights": [0, 0]}, "class_weights are all 0: expected a number above 0 among them, got (0, 0)"),
        ({"ema": 1.0}, "ema is out of range: expected a number from 0 to below 1, got 1.0"),
        ({"workers": -1}, "workers is out of range: expected an int of at least 0, got -1"),
    ],
)
def test_a_number_out_of_range_is_refused(numbers, problem):
    with pytest.raises(ArgumentError) as err:
        TrainConfig(**numbers)
    assert str(err.value) == f"TrainConfig: {problem}"


def test_none_of_the_augmentations():
    assert [TrainConfig(augment=none).augment for none in (None, "none", ["none"], ())] == [()] * 4


def test_an_unknown_argument_is_told_what_there_is():
    with pytest.raises(OperandError) as err:
        TrainConfig(epoch=3)
    assert str(err.value) == (
        "TrainConfig: no argument 'epoch'; did you mean 'epochs'?; it takes epochs, batch_size, lr, seed, augment, mixup, accumulate, "
        "clip_norm, class_weights, ema, workers"
    )


def test_numpys_numbers_go_to_json():
    config = TrainConfig(np.int64(3), np.int32(8), np.float64(0.5), np.uint8(1), class_weights=np.ones(2))
    written = json.loads(json.dumps(asdict(config)))
    assert written.items() >= {"epochs": 3, "batch_size": 8, "lr": 0.5, "seed": 1}.items()
