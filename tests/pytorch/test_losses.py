"""Losses as PyTorch has them, with every reduction."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world has it
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import compare, few, generators, lengths, numbers, shapes
from tables import for_each

from autograd_cnn import nn, set_backend

reductions = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])


@reductions
@few
@given(rng=generators, count=lengths, classes=lengths, smoothing=st.sampled_from([0.0, 0.1, 1.0]))
def test_cross_entropy(reduction, rng, count, classes, smoothing):
    labels = rng.integers(0, classes, count)
    compare(
        lambda scores: nn.cross_entropy(scores, labels, reduction=reduction, label_smoothing=smoothing),
        lambda scores: F.cross_entropy(
            scores, torch.tensor(labels), reduction=reduction, label_smoothing=smoothing
        ),
        numbers(rng, (count, classes)),
        order=2,
    )  # fmt: skip


@reductions
@few
@given(rng=generators, count=lengths, classes=lengths)
def test_negative_log_likelihood(reduction, rng, count, classes):
    labels = rng.integers(0, classes, count)
    compare(
        lambda logs: nn.nll_loss(logs, labels, reduction=reduction),
        lambda logs: F.nll_loss(logs, torch.tensor(labels), reduction=reduction),
        numbers(rng, (count, classes)),
        order=2,
    )


@pytest.mark.parametrize("backend", ["reference", "jit"])
@reductions
@few
@given(
    rng=generators, count=lengths, classes=lengths, weighted=st.booleans(), smoothing=st.sampled_from([0.0, 0.1, 1.0])
)
def test_weighted_classes_and_ignored_examples(reduction, backend, rng, count, classes, weighted, smoothing):
    labels = rng.integers(0, classes, count)
    ignore = int(rng.integers(-1, classes))  # a class, or a number for some of the labels
    labels[rng.random(count) < 0.3] = ignore
    weight = rng.uniform(0.5, 2.0, classes) if weighted else None
    theirs = {"weight": None if weight is None else torch.tensor(weight), "ignore_index": ignore}
    with set_backend(backend):
        compare(
            lambda scores: nn.cross_entropy(scores, labels, weight, ignore, reduction, smoothing),
            lambda scores: F.cross_entropy(
                scores, torch.tensor(labels), reduction=reduction, label_smoothing=smoothing, **theirs
            ),
            numbers(rng, (count, classes)),
            order=2 if (labels != ignore).any() else 0,
        )
        compare(
            lambda logs: nn.nll_loss(logs, labels, weight, ignore, reduction),
            lambda logs: F.nll_loss(logs, torch.tensor(labels), reduction=reduction, **theirs),
            numbers(rng, (count, classes)),
            order=2 if (labels != ignore).any() else 0,
        )


@reductions
@few
@given(rng=generators, shape=shapes, part=st.integers(0, 3))
def test_weighted_binary_cross_entropy(reduction, rng, shape, part):
    targets, p, z = (np.asarray(rng.uniform(0.01, 0.99, shape)) for _ in range(3))
    weight, positive = (np.asarray(rng.uniform(0.5, 2.0, shape[part:])) for _ in range(2))
    theirs = {"weight": torch.tensor(weight), "reduction": reduction}
    compare(
        lambda p: nn.bce_loss(p, targets, weight, reduction),
        lambda p: F.binary_cross_entropy(p, torch.tensor(targets), **theirs),
        p,
    )
    compare(
        lambda z: nn.bce_with_logits(z, targets, weight, reduction, positive),
        lambda z: F.binary_cross_entropy_with_logits(
            z, torch.tensor(targets), pos_weight=torch.tensor(positive), **theirs
        ),
        z,
        order=2,
    )


@reductions
@few
@given(rng=generators, shape=shapes)
def test_binary_cross_entropy(reduction, rng, shape):
    """Away from 0 and 1, and at them: there PyTorch limits the logarithm to -100, and so do we."""
    targets = np.asarray(rng.random(shape))
    compare(
        lambda p: nn.bce_loss(p, targets, reduction=reduction),
        lambda p: F.binary_cross_entropy(p, torch.tensor(targets), reduction=reduction),
        np.asarray(rng.uniform(0.01, 0.99, shape)),
    )
    compare(
        lambda p: nn.bce_loss(p, targets, reduction=reduction),
        lambda p: F.binary_cross_entropy(p, torch.tensor(targets), reduction=reduction),
        np.asarray(rng.integers(0, 2, shape), float),
        order=0,
    )


@reductions
@few
@given(rng=generators, shape=shapes, size=st.sampled_from([1.0, 50.0]))
def test_binary_cross_entropy_of_logits(reduction, rng, shape, size):
    targets = np.asarray(rng.random(shape))
    compare(
        lambda z: nn.bce_with_logits(z, targets, reduction=reduction),
        lambda z: F.binary_cross_entropy_with_logits(z, torch.tensor(targets), reduction=reduction),
        np.asarray(numbers(rng, shape) * size),
        order=2,
    )


@reductions
@pytest.mark.parametrize(("ours", "theirs"), [(nn.mse_loss, F.mse_loss), (nn.l1_loss, F.l1_loss)])
@few
@given(rng=generators, shape=shapes)
def test_errors_of_numbers(reduction, ours, theirs, rng, shape):
    """In predictions and targets alike; some are equal."""
    compare(
        lambda x, t: ours(x, t, reduction),
        lambda x, t: theirs(x, t, reduction=reduction),
        numbers(rng, shape, "grid"),
        numbers(rng, shape, "grid"),
    )


@reductions
@few
@given(rng=generators, shape=shapes, delta=st.sampled_from([0.3, 1.0, 2.0]))
def test_huber(reduction, rng, shape, delta):
    compare(
        lambda x, t: nn.huber_loss(x, t, reduction, delta),
        lambda x, t: F.huber_loss(x, t, reduction=reduction, delta=delta),
        np.asarray(numbers(rng, shape) * 2),
        numbers(rng, shape),
    )


@for_each(
    "name, options",
    [
        ("CrossEntropyLoss", {"label_smoothing": 0.1, "ignore_index": 0}),
        ("NLLLoss", {"ignore_index": 3}),
        ("BCELoss", {}),
        ("BCEWithLogitsLoss", {}),
        ("MSELoss", {}),
        ("L1Loss", {}),
        ("HuberLoss", {"delta": 0.5}),
        ("SmoothL1Loss", {"beta": 0.2}),
        ("PoissonNLLLoss", {"full": True, "eps": 1e-3}),
        ("MultiMarginLoss", {"p": 2, "margin": 0.5}),
        ("MultiLabelSoftMarginLoss", {}),
        ("SoftMarginLoss", {}),
        ("HingeEmbeddingLoss", {"margin": 0.5}),
    ],
)
@reductions
def test_modules_take_the_same_arguments(rng, name, options, reduction):
    ours, theirs = (getattr(where, name)(reduction=reduction, **options) for where in (nn, torch.nn))
    labels = name in {"CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"}
    targets = rng.integers(0, 4, 3) if labels else rng.uniform(0.1, 0.9, (3, 4))
    compare(lambda x: ours(x, targets), lambda x: theirs(x, torch.tensor(targets)), rng.uniform(0.1, 0.9, (3, 4)))


@for_each(
    "name, options, count",
    [
        ("KLDivLoss", {"reduction": "batchmean", "log_target": True}, 2),
        ("GaussianNLLLoss", {"full": True, "eps": 0.5}, 3),
        ("CosineEmbeddingLoss", {"margin": 0.1}, 2),
        ("MarginRankingLoss", {"margin": 0.2}, 2),
        ("TripletMarginLoss", {"margin": 2.0, "p": 3.0, "swap": True}, 3),
        ("CosineSimilarity", {"dim": 0}, 2),
        ("PairwiseDistance", {"p": 1.0, "keepdim": True}, 2),
    ],
)
def test_modules_of_several_arguments(rng, name, options, count):
    """Gradients reach all of them; an angle's target is 1 or -1."""
    ours, theirs = (getattr(where, name)(**options) for where in (nn, torch.nn))
    arrays = [rng.uniform(0.1, 0.9, (3, 4)) for _ in range(count)]
    signs = {"CosineEmbeddingLoss": [1, -1, 1], "MarginRankingLoss": [[1] * 4, [-1] * 4, [1] * 4]}.get(name)
    more = () if signs is None else (np.array(signs),)
    compare(lambda *x: ours(*x, *more), lambda *x: theirs(*x, *map(torch.tensor, more)), *arrays)
