import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import data
from autograd_cnn.data import Loader, random_shift
from autograd_cnn.errors import ArgumentError, GradientError, OperandError, ShapeError


def _epoch(loader):
    return [(images.tolist(), labels.tolist()) for images, labels in loader]


@pytest.fixture
def numbers():
    return np.arange(10.0), np.arange(10)


@pytest.mark.parametrize(
    ("n", "batch_size", "drop_last", "sizes"),
    [(10, 4, False, [4, 4, 2]), (10, 4, True, [4, 4]), (8, 4, True, [4, 4]), (3, 8, False, [3])],
)
def test_batch_sizes(n, batch_size, drop_last, sizes):
    loader = Loader(np.zeros((n, 2)), np.arange(n), batch_size=batch_size, drop_last=drop_last)
    assert len(loader) == len(sizes)
    assert [len(labels) for _, labels in loader] == sizes


def test_a_loader_shows_its_options(numbers):
    assert repr(Loader(*numbers, batch_size=4)) == (
        "Loader(10 images, batch_size=4, shuffle=True, seed=0, drop_last=False, transform=None, workers=0, mix=None, "
        "rank=0, ranks=1, epoch=0)"
    )


def test_dropping_the_only_batch_would_leave_nothing_to_learn_from():
    with pytest.raises(ArgumentError) as error:
        Loader(np.zeros((3, 2)), np.arange(3), batch_size=8, drop_last=True)
    assert str(error.value) == "Loader: drop_last leaves no batch: expected a batch_size up to 3, got 8"


def test_every_image_once_with_its_own_label(numbers):
    batches = list(Loader(*numbers, batch_size=3))
    images = np.concatenate([images for images, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])
    assert np.array_equal(images, labels)
    assert sorted(labels.tolist()) == list(range(10))


def test_same_seed_same_batches_and_each_epoch_its_own(numbers):
    one, two, other = Loader(*numbers, seed=3), Loader(*numbers, seed=3), Loader(*numbers, seed=4)
    first, second = _epoch(one), _epoch(one)
    assert (first, second) == (_epoch(two), _epoch(two))
    assert first != second
    assert first != _epoch(other)


def test_an_epoch_depends_on_its_number_alone(numbers):
    one, resumed = Loader(*numbers, batch_size=3), Loader(*numbers, batch_size=3)
    next(iter(one))  # an epoch left in the middle counts
    resumed.epoch = 1
    assert _epoch(one) == _epoch(resumed)


def test_without_shuffling_in_order(numbers):
    assert [label for _, labels in _epoch(Loader(*numbers, batch_size=4, shuffle=False)) for label in labels] == [
        *range(10)
    ]


def test_transform_sees_the_images_and_a_generator_of_the_epoch():
    def noisy(images, rng):
        return images + rng.random(images.shape)

    images, labels = np.zeros(6), np.arange(6)
    one, two = (Loader(images, labels, batch_size=2, seed=1, transform=noisy) for _ in range(2))
    first = _epoch(one)
    assert first == _epoch(two)
    assert first != _epoch(one)
    assert not images.any()


@for_each(
    "ranks, options", product([1, 2, 3, 4], [{}, {"transform": random_shift}, {"workers": 2}, {"drop_last": True}])
)
def test_the_shares_of_all_ranks_are_the_batches_of_one_loader(ranks, options):
    images, labels = np.random.default_rng(0).random((22, 1, 3, 3)), np.arange(22)
    options = {"batch_size": 9, "seed": 5, **options}
    shares = [list(Loader(images, labels, rank=rank, ranks=ranks, **options)) for rank in range(ranks)]
    for batch, *parts in zip(Loader(images, labels, **options), *shares, strict=True):
        assert {len(part[1]) - len(batch[1]) // ranks for part in parts} <= {0, 1}
        for whole, *pieces in zip(batch, *parts, strict=True):
            np.testing.assert_array_equal(whole, np.concatenate(pieces))


def test_lengths_differ():
    with pytest.raises(ShapeError) as err:
        Loader(np.zeros((3, 1, 8, 8)), np.zeros(4))
    assert str(err.value) == "Loader: the numbers of images and labels differ: expected 3 labels, got 4"


def test_batch_size_below_1(numbers):
    with pytest.raises(ArgumentError) as err:
        Loader(*numbers, batch_size=0)
    assert str(err.value) == "Loader: batch_size is out of range: expected an int of at least 1, got 0"


def test_negative_seed(numbers):
    with pytest.raises(ArgumentError) as err:
        Loader(*numbers, seed=-1)
    assert str(err.value) == "Loader: seed is out of range: expected an int of at least 0, got -1"


def test_numpys_ints_are_ints(numbers):
    assert [len(labels) for _, labels in Loader(*numbers, batch_size=np.int64(4), seed=np.int64(2))] == [4, 4, 2]


@pytest.mark.parametrize("transform", [lambda images, rng: images[:1], lambda images, rng: None])
def test_a_transform_returns_as_many_images(numbers, transform):
    with pytest.raises(ShapeError, match="Loader: the transform does not return as many images as it took"):
        next(iter(Loader(*numbers, batch_size=3, transform=transform)))


@pytest.mark.parametrize(
    ("images", "pixels", "kind"), [(np.zeros((2, 3, 3)), 1, ShapeError), (np.zeros((1, 1, 2, 2)), 0.5, ArgumentError)]
)
def test_what_random_shift_refuses(images, pixels, kind):
    with pytest.raises(kind, match=r"^random_shift: "):
        random_shift(images, np.random.default_rng(0), pixels)


def _shifted(image, down, right):
    """Move an image pixel by pixel."""
    moved = np.zeros_like(image)
    channels, height, width = image.shape
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                if 0 <= i + down < height and 0 <= j + right < width:
                    moved[c, i + down, j + right] = image[c, i, j]
    return moved


@pytest.mark.parametrize("pixels", [0, 1, 2])
def test_every_image_is_moved_as_a_whole(pixels):
    rng = np.random.default_rng(7)
    images = rng.random((40, 2, 4, 5), np.float32)
    before = images.copy()
    moved = random_shift(images, rng, pixels)
    steps = range(-pixels, pixels + 1)
    seen = set()
    for image, result in zip(images, moved, strict=True):
        [move] = [(d, r) for d in steps for r in steps if np.array_equal(_shifted(image, d, r), result)]
        seen.add(move)
    assert len(seen) > 1 or pixels == 0
    assert moved.dtype == np.float32
    assert np.array_equal(images, before)
    assert not np.shares_memory(images, moved)


def test_random_shift_by_less_than_nothing():
    with pytest.raises(ArgumentError) as err:
        random_shift(np.zeros((1, 1, 2, 2)), np.random.default_rng(0), -1)
    assert str(err.value) == "random_shift: pixels is out of range: expected an int of at least 0, got -1"


ROWS = "expected one whose first axis counts the examples"
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (
            lambda x, y: Loader(data.digits().train, 64),
            OperandError,
            f"Loader: images are not an array: {ROWS}, got Split; pass its .images and .labels",
        ),
        (lambda x, y: Loader(x, 64), OperandError, f"Loader: labels are not an array: {ROWS}, got int"),
        (lambda x, y: Loader([[1, 2], [3]], y), OperandError, f"Loader: images are not an array: {ROWS}, got list"),
        (
            lambda x, y: Loader(x, y, transform=3),
            OperandError,
            "Loader: transform is not a function: expected one of images and a generator, got 3",
        ),
        (
            lambda x, y: Loader(x, y, transform=abs),
            OperandError,
            (
                "Loader: transform does not take 2 arguments: expected one of images and a generator, got "
                "<built-in function abs>"
            ),
        ),
        (
            lambda x, y: Loader(x, y, 2.5),
            ArgumentError,
            "Loader: batch_size is not understood: expected an int of at least 1, got 2.5",
        ),
        (
            lambda x, y: Loader(x, y, "a"),
            ArgumentError,
            "Loader: batch_size is not understood: expected an int of at least 1, got 'a'",
        ),
        (
            lambda x, y: Loader(x, y, seed=None),
            ArgumentError,
            "Loader: seed is not understood: expected an int of at least 0, got None",
        ),
        (
            lambda x, y: Loader(x, y, rank=2, ranks=2),
            ArgumentError,
            "Loader: rank is out of range: expected below ranks, 2, got 2",
        ),
        (
            lambda x, y: Loader(x, y, 4, ranks=3),
            ArgumentError,
            (
                "Loader: a batch has too few images for all ranks: expected at least 3, got 2; "
                "choose another batch_size, or drop_last"
            ),
        ),
        (
            lambda x, y: Loader(x, y, 1, ranks=3),
            ArgumentError,
            "Loader: a batch has too few images for all ranks: expected at least 3, got 1",
        ),
        (
            lambda x, y: random_shift(x, RNG),
            ShapeError,
            "random_shift: images have the wrong shape: expected (N, C, H, W), got (10,)",
        ),
        (
            lambda x, y: random_shift(np.zeros((1, 1, 2, 2)), 0),
            OperandError,
            "random_shift: rng is not a generator: expected such as np.random.default_rng(0), got 0",
        ),
        (
            lambda x, y: random_shift(np.zeros((1, 1, 2, 2)), RNG, 1.5),
            ArgumentError,
            "random_shift: pixels is not understood: expected an int of at least 0, got 1.5",
        ),
    ],
)
def test_bad_arguments(numbers, call, kind, text):
    with pytest.raises(kind) as err:
        call(*numbers)
    assert str(err.value) == text


def test_recorded_images_are_refused(numbers):
    with pytest.raises(GradientError, match=r"leave the tape by \.detach"):
        Loader(ag.tensor(numbers[0], requires_grad=True), numbers[1])


# --- workers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_nothing_but_the_time(workers):
    def noisy(images, rng):
        return images + rng.random(images.shape)

    images, labels = np.arange(40.0).reshape(20, 2), np.arange(20)
    alone, ahead = (
        Loader(images, labels, batch_size=3, seed=1, transform=noisy, workers=count) for count in (0, workers)
    )
    assert _epoch(alone) == _epoch(ahead)
    next(iter(ahead))  # an epoch that is left in the middle
    next(iter(alone))
    assert _epoch(alone) == _epoch(ahead)


def test_what_goes_wrong_in_a_worker_is_raised_where_the_batch_is_asked_for():
    def broken(images, rng):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        list(Loader(np.zeros((4, 1)), np.arange(4), transform=broken, workers=2))


def test_a_loader_continues_where_another_stopped(numbers):
    one, other = Loader(*numbers), Loader(*numbers)
    _epoch(one)
    other.load_state_dict(one.state_dict())
    assert _epoch(one) == _epoch(other)
    with pytest.raises(OperandError) as error:
        other.load_state_dict({"step": 3})
    assert (
        str(error.value)
        == "load_state_dict: it is not a state of a loader: expected a dict with epoch, got {'step': 3}"
    )


# --- images of yours --------------------------------------------------------------------------


def test_images_may_be_mapped_from_a_file(tmp_path, numbers):
    images = np.random.default_rng(0).random((10, 1, 4, 4), np.float32)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert _epoch(Loader(mapped, numbers[1], batch_size=4)) == _epoch(Loader(images, numbers[1], batch_size=4))


STREAMED = """
import resource, sys
import numpy as np
import autograd_cnn as ag
from autograd_cnn import data, nn, optim, train

ag.set_backend("reference")
memory = 64 << 20
images = np.lib.format.open_memmap("images.npy", "w+", np.float32, (10 * memory // (4 * 64 * 64), 1, 64, 64))
labels = np.arange(len(images)) % 2
images[:, 0, 0, 0] = labels  # the rest takes no room on the disk
del images
images = np.load("images.npy", mmap_mode="r")
dataset = data.Dataset(data.Split(images, labels), data.Split(images[-500:], labels[-500:]))
model = nn.Sequential(nn.Flatten(), nn.Linear(64 * 64, 2, rng=0))
used = 1024 * next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (used + memory,) * 2)
try:
    np.ones(2 * memory, np.uint8)
except MemoryError:
    history = train.fit(model, dataset, train.TrainConfig(epochs=1, batch_size=64, lr=0.01))
    print(images.nbytes // memory, history[-1].test_accuracy)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_a_set_ten_times_the_memory_trains(tmp_path):
    done = subprocess.run([sys.executable, "-c", STREAMED], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("10 1.0\n", "")
