"""Losses against NumPy's formulas, their gradients against finite differences."""

import numpy as np
import pytest
import scipy.special
from foreign import Foreign
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError
from autograd_cnn.testing import gradcheck

LABELS = np.array([2, 0, 2, 1, 3])
REDUCE = {"mean": np.mean, "sum": np.sum, "none": np.asarray}


def _huber(x, t, delta):
    a = np.abs(x - t)
    return np.where(a <= delta, a**2 / 2, delta * (a - delta / 2))


def _binary(p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


CASES = {
    "cross_entropy": (nn.CrossEntropyLoss, nn.cross_entropy, {},
                      lambda x, _: -scipy.special.log_softmax(x, 1)[range(5), LABELS]),
    "nll_loss": (nn.NLLLoss, nn.nll_loss, {}, lambda x, _: -x[range(5), LABELS]),
    "mse_loss": (nn.MSELoss, nn.mse_loss, {}, lambda x, t: (x - t) ** 2),
    "l1_loss": (nn.L1Loss, nn.l1_loss, {}, lambda x, t: np.abs(x - t)),
    "huber_loss": (nn.HuberLoss, nn.huber_loss, {"delta": 0.3}, lambda x, t: _huber(x, t, 0.3)),
    "bce_loss": (nn.BCELoss, nn.bce_loss, {}, _binary),
    "bce_with_logits": (nn.BCEWithLogitsLoss, nn.bce_with_logits, {},
                        lambda x, t: _binary(scipy.special.expit(x), t)),
}  # fmt: skip


@for_each("reduction", REDUCE)
@for_each("name", CASES)
def test_values_and_gradients_of_both_orders(rng, name, reduction):
    module, function, options, formula = CASES[name]
    x = rng.uniform(0.1, 0.9, (5, 4))
    targets = LABELS if name in ("cross_entropy", "nll_loss") else rng.uniform(0.1, 0.9, (5, 4))
    loss = module(reduction=reduction, **options)
    np.testing.assert_allclose(loss(x, targets), REDUCE[reduction](formula(x, targets)), rtol=1e-12)
    wrapped = loss(ag.tensor(x), ag.tensor(targets)).numpy()
    assert np.array_equal(wrapped, function(x, targets, reduction=reduction, **options))
    assert gradcheck(lambda t: loss(t, targets), [x], order=2)


@for_each("name", CASES)
def test_arrays_of_other_libraries_are_taken(rng, name):
    module, function, options, _ = CASES[name]
    x = rng.uniform(0.1, 0.9, (5, 4)).astype(np.float32)
    targets = LABELS if name in ("cross_entropy", "nll_loss") else x / 2
    expected = function(x, targets, **options)
    assert function(Foreign(x), Foreign(targets), **options) == expected
    assert module(**options)(ag.tensor(x), Foreign(targets)).item() == expected


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "bce_with_logits"])
def test_gradients_reach_the_targets_too(rng, name):
    assert gradcheck(CASES[name][1], [rng.uniform(0.1, 0.9, (5, 4)), rng.uniform(0.1, 0.9, (5, 4))])


@for_each("name", CASES)
def test_float32_stays(rng, name):
    x = ag.tensor(rng.uniform(0.1, 0.9, (5, 4)).astype(np.float32), requires_grad=True)
    targets = LABELS if name in ("cross_entropy", "nll_loss") else x.numpy() / 2
    loss = CASES[name][1](x, targets)
    loss.backward()
    assert (loss.dtype, x.grad.dtype, loss.shape) == (np.float32, np.float32, ())


def test_smoothed_labels():
    scores = np.log([[0.5, 0.25, 0.25]])
    expected = 0.8 * np.log(2) + 0.2 * (np.log(2) + 2 * np.log(4)) / 3
    assert nn.CrossEntropyLoss(label_smoothing=0.2)(scores, [0]) == pytest.approx(expected, rel=1e-14)


def test_regions_of_images(rng):
    """Focal loss and overlap against their formulas."""
    z, t = rng.standard_normal((2, 3, 4, 5)), rng.integers(0, 2, (2, 3, 4, 5)).astype(float)
    p = scipy.special.expit(z)
    right, share = np.where(t == 1, p, 1 - p), np.where(t == 1, 0.3, 0.7)
    focal = -share * (1 - right) ** 1.5 * np.log(right)
    np.testing.assert_allclose(nn.FocalLoss(0.3, 1.5, "none")(z, t), focal, rtol=1e-12)
    np.testing.assert_allclose(nn.FocalLoss(None, 0.0)(z, t), nn.bce_with_logits(z, t), rtol=1e-12)
    sums = [each.sum(axis=(2, 3)) for each in (p * t, p, t)]
    overlap = 1 - (2 * sums[0] + 0.5) / (sums[1] + sums[2] + 0.5)
    np.testing.assert_allclose(nn.DiceLoss(0.5, "none")(p, t), overlap, rtol=1e-12)
    assert gradcheck(lambda z: nn.FocalLoss()(z, t), [z], order=2)
    assert gradcheck(lambda p: nn.DiceLoss()(p, t), [p], order=2)


@pytest.mark.parametrize("backend", ["reference", "jit"])
def test_maps_of_classes_are_rows_of_classes(rng, backend):
    """With class indices and with probabilities, weights, smoothing and labels that do not count."""
    scores, labels = rng.standard_normal((2, 4, 3, 2)), rng.integers(-1, 4, (2, 3, 2))
    rows, flat = np.moveaxis(scores, 1, -1).reshape(-1, 4), labels.reshape(-1)
    options = {"weight": WEIGHT, "ignore_index": -1, "label_smoothing": 0.1}
    with ag.set_backend(backend):
        assert nn.cross_entropy(scores, labels, **options) == nn.cross_entropy(rows, flat, **options)
        each = nn.cross_entropy(scores, labels, reduction="none", **options)
        assert np.array_equal(each.ravel(), nn.cross_entropy(rows, flat, reduction="none", **options))
        sure = np.moveaxis(np.eye(4)[np.maximum(labels, 0)], -1, 1)
        np.testing.assert_allclose(
            nn.cross_entropy(scores, sure, WEIGHT, label_smoothing=0.1, reduction="none")[labels >= 0],
            each[labels >= 0],
        )


@for_each("loss", [nn.functional.kl_div, nn.functional.poisson_nll_loss, nn.functional.smooth_l1_loss,
                   nn.functional.soft_margin_loss, nn.functional.focal_loss,
                   lambda x, t: nn.functional.gaussian_nll_loss(x, t, t),
                   lambda x, t: nn.functional.triplet_margin_loss(x, t, x * 2, p=1.5),
                   lambda x, t: nn.cross_entropy(x, t, [1.0, 2.0, 3.0], label_smoothing=0.1)])  # fmt: skip
def test_other_losses_keep_float32_and_agree_in_a_compiled_step(rng, loss):
    compiled = ag.compile(loss)
    for _ in range(4):
        x, t = (rng.uniform(0.1, 0.9, (2, 3)).astype(np.float32) for _ in range(2))
        y = ag.tensor(compiled(x, t))
        assert y.dtype == np.float32
        assert y.numpy() == ag.tensor(loss(x, t)).numpy()
    leaf = ag.tensor(x, requires_grad=True)
    loss(leaf, t).backward()
    assert leaf.grad.dtype == np.float32


@for_each("call, text", [
    (lambda: nn.cross_entropy(np.zeros((2, 3, 4)), np.zeros((2, 3), int)),
     ("cross_entropy: scores and labels do not go together: expected (N, K, ...) and (N, ...), "
      "got (2, 3, 4) and (2, 3)")),
    (lambda: nn.cross_entropy(np.zeros(3), [1, 2]),
     "cross_entropy: scores and labels do not go together: expected (K,) and (), got (3,) and (2,)"),
    (lambda: nn.cross_entropy(np.zeros((2, 3)), np.zeros((2, 3)), [1.0]),
     "cross_entropy: weight has the wrong shape: expected one number for each of 3 classes, got (1,)"),
    (lambda: nn.cross_entropy(np.zeros((2, 3)), np.zeros((2, 2))),
     "cross_entropy: labels are class indices: expected integers, got float64"),
    (lambda: nn.MultiMarginLoss(3), "MultiMarginLoss: p is unknown: expected 1 or 2, got 3"),
    (lambda: nn.KLDivLoss("all"),
     "KLDivLoss: reduction is unknown: expected 'mean', 'sum', 'none' or 'batchmean', got 'all'"),
    (lambda: nn.DiceLoss()(np.zeros((2, 3)), np.zeros((2, 3))),
     "dice_loss: x has the wrong rank: expected (N, C, d1, ...), got (2, 3)"),
    (lambda: nn.GaussianNLLLoss()(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(3)),
     "gaussian_nll_loss: var has the wrong shape: expected (2, 3) or (2,), got (3,)"),
    (lambda: nn.GaussianNLLLoss()(np.zeros(3), np.zeros(3), -np.ones(3)),
     "gaussian_nll_loss: var is out of range: expected numbers of at least 0, got -1.0"),
    (lambda: nn.CosineEmbeddingLoss()(np.zeros((2, 3)), np.zeros((2, 3)), [1]),
     "cosine_embedding_loss: the targets do not match the pairs: expected (2,), got (1,)"),
])  # fmt: skip
def test_what_other_losses_refuse(call, text):
    with pytest.raises((ShapeError, OperandError, ArgumentError)) as error:
        call()
    assert str(error.value) == text


# --- what counts, and how much ----------------------------------------------------------------

COUNTED = np.array([2, -100, 2, 1, -100])
WEIGHT = np.array([0.5, 2.0, 3.0, 0.0])


@for_each("backend", ["reference", "jit"])
@for_each("reduction", REDUCE)
@for_each("weight", [None, WEIGHT])
@for_each("loss, options", [
    (nn.cross_entropy, {}), (nn.cross_entropy, {"label_smoothing": 0.3}), (nn.nll_loss, {}),
])  # fmt: skip
def test_ignored_examples_count_for_nothing(rng, loss, options, weight, reduction, backend):
    x = rng.standard_normal((5, 4))
    x[4] = np.nan
    kept = [0, 2, 3]
    with ag.set_backend(backend):
        scores = ag.tensor(x, requires_grad=True)
        found = loss(scores, COUNTED, weight, reduction=reduction, **options)
        found.sum().backward()
        few = ag.tensor(x[kept], requires_grad=True)
        expected = loss(few, COUNTED[kept], weight, reduction=reduction, **options)
        expected.sum().backward()
        assert gradcheck(
            lambda t: loss(t, COUNTED, weight, reduction=reduction, **options), [np.nan_to_num(x)], order=2
        )
    np.testing.assert_allclose(found.numpy()[kept] if reduction == "none" else found.numpy(), expected.numpy())
    np.testing.assert_allclose(scores.grad.numpy()[kept], few.grad.numpy())
    assert not scores.grad.numpy()[[1, 4]].any()


def test_a_class_that_is_ignored_by_its_index():
    scores = np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    assert nn.cross_entropy(scores, [0, 2], ignore_index=2) == pytest.approx(np.log(2))


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll_loss])
def test_where_nothing_counts_the_mean_is_not_a_number(loss):
    assert np.isnan(loss(np.zeros((2, 3)), [-100, -100]))
    assert loss(np.zeros((2, 3)), [-100, -100], reduction="sum") == 0
    assert loss(np.zeros((2, 3)), [-100, -100], reduction="none").tolist() == [0, 0]


@pytest.mark.parametrize("function", [nn.cross_entropy, nn.nll_loss, nn.bce_loss, nn.bce_with_logits])
def test_float32_stays_with_weights(function):
    x = np.full((2, 2), 0.5, np.float32)
    target = np.array([0, 1]) if function in (nn.cross_entropy, nn.nll_loss) else x
    assert function(x, target, [1.0, 2.0]).dtype == np.float32


@pytest.mark.parametrize(("call", "text"), [
    (lambda: nn.cross_entropy(np.zeros((2, 3)), [0, 1], [1.0, 2.0]),
     "cross_entropy: weight has the wrong shape: expected one number for each of 3 classes, got (2,)"),
    (lambda: nn.cross_entropy(np.zeros((2, 3)), [0, 1], "sum"),
     "cross_entropy: weight is not an array of numbers: expected ints, floats or bools, got 'sum'; say reduction='sum'"),
    (lambda: nn.bce_loss(np.full((2, 3), 0.5), np.ones((2, 3)), np.ones(2)),
     "bce_loss: weight has the wrong shape: expected (2, 3), got (2,)"),
    (lambda: nn.bce_with_logits(np.ones(3), np.ones(3), pos_weight=np.ones((2, 3))),
     "bce_with_logits: pos_weight has the wrong shape: expected (3,), got (2, 3)"),
    (lambda: nn.nll_loss(np.zeros((2, 3)), [0, 1], ignore_index="no"),
     "nll_loss: ignore_index is not understood: expected an int, got 'no'"),
    (lambda: nn.nll_loss(np.zeros((2, 3)), [0, 1], ag.tensor(np.ones(3), requires_grad=True)),
     "nll_loss: parameter 'weight' has no gradient: expected a plain value, got a Tensor; pass it detached"),
    (lambda: nn.cross_entropy(np.zeros((2, 3)), [-100, 3]),
     "cross_entropy: labels[1] is out of range: expected 0 to 2, got 3"),
])  # fmt: skip
def test_weights_and_targets_that_do_not_fit(call, text):
    with pytest.raises((ShapeError, OperandError, ArgumentError)) as error:
        call()
    assert str(error.value) == text


def test_weights_belong_to_the_state():
    loss = nn.CrossEntropyLoss(np.array([1.0, 3.0]))
    assert loss.state_dict()["weight"].tolist() == [1.0, 3.0]
    loss.load_state_dict({"weight": [0.0, 1.0]})
    assert loss(np.zeros((2, 2)), [0, 1]) == pytest.approx(np.log(2))
    assert list(nn.BCEWithLogitsLoss(pos_weight=2.0).state_dict()) == ["pos_weight"]
    assert list(nn.NLLLoss().state_dict()) == []


def test_functional_is_the_same_by_another_name():
    from autograd_cnn.nn import functional as F  # noqa: N812, PLC0415  # as all the world has it

    assert F.cross_entropy is nn.cross_entropy
    assert F.softmax(np.zeros((1, 2)), dim=1).tolist() == [[0.5, 0.5]]


# --- values at the edge -----------------------------------------------------------------------


def test_labels_may_change_after_the_forward_pass():
    scores, labels = ag.tensor([[0.0, 0.0]], requires_grad=True), np.array([0])
    loss = nn.cross_entropy(scores, labels)
    labels[0] = 1
    loss.backward()
    assert scores.grad.tolist() == [[-0.5, 0.5]]


@pytest.mark.parametrize(("dtype", "worst"), [(np.float32, 87.3365), (np.float64, 100)])
def test_certain_probabilities_stay_finite(dtype, worst):
    p = ag.tensor(np.array([0.0, 1.0, 0.0, 1.0], dtype), requires_grad=True)
    losses = nn.bce_loss(p, np.array([0.0, 1.0, 1.0, 0.0], dtype), reduction="none")
    losses.sum().backward()
    np.testing.assert_allclose(losses.numpy(), [0, 0, worst, worst], rtol=1e-6)
    assert np.isfinite(p.grad.numpy()).all()


def test_logits_of_any_size():
    z = ag.tensor([1000.0, -1000.0, 1000.0], requires_grad=True)
    losses = nn.bce_with_logits(z, np.array([0.0, 1.0, 1.0]), reduction="none")
    losses.sum().backward()
    assert (losses.tolist(), z.grad.tolist()) == ([1000.0, 1000.0, 0.0], [1.0, -1.0, 0.0])


@for_each("name", CASES)
def test_an_unknown_reduction(name):
    module, function, _, _ = CASES[name]
    with pytest.raises(ArgumentError) as error:
        module(reduction="avg")
    assert str(error.value) == (f"{module.__name__}: reduction is unknown: expected 'mean', 'sum' or 'none', got 'avg'")
    targets = [0] if name in ("cross_entropy", "nll_loss") else [[0.5, 0.5]]
    with pytest.raises(ArgumentError) as error:
        function(np.array([[0.5, 0.5]]), np.array(targets), reduction="avg")
    assert str(error.value) == f"{name}: reduction is unknown: expected 'mean', 'sum' or 'none', got 'avg'"


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"cross_entropy", "nll_loss"}))
def test_shapes_are_not_broadcast(name):
    with pytest.raises(ShapeError) as error:
        CASES[name][1](np.ones((3, 1)), np.ones(3))
    assert str(error.value) == (
        f"{name}: input and target differ in shape: expected (3, 1), got (3,); they are not broadcast"
    )


def test_labels_that_do_not_fit():
    with pytest.raises(OperandError) as error:
        nn.nll_loss(np.zeros((2, 3)), [0.0, 1.0])
    assert str(error.value) == "nll_loss: labels are class indices: expected integers, got float64"
    with pytest.raises(ArgumentError) as error:
        nn.nll_loss(np.zeros((2, 3)), [0, 3])
    assert str(error.value) == "nll_loss: labels[1] is out of range: expected 0 to 2, got 3"


@pytest.mark.parametrize("delta", [0, -1.0])
def test_a_delta_out_of_range(delta):
    with pytest.raises(ArgumentError) as error:
        nn.huber_loss([0.0], [1.0], delta=delta)
    assert str(error.value) == f"huber_loss: delta is out of range: expected a number above 0, got {delta}"


def test_the_lines_they_show():
    assert repr(nn.MSELoss()) == "MSELoss()"
    assert repr(nn.L1Loss("sum")) == "L1Loss(reduction='sum')"
    assert repr(nn.CrossEntropyLoss(label_smoothing=0.1)) == "CrossEntropyLoss(label_smoothing=0.1)"
    assert repr(nn.NLLLoss(ignore_index=0)) == "NLLLoss(ignore_index=0)"
    assert repr(nn.HuberLoss(delta=2.0)) == "HuberLoss(delta=2.0)"


NARROW = [np.uint8, np.int8, np.uint64, bool, ">i4"]


@for_each("dtype", NARROW)
@for_each("wrap", [np.asarray, ag.tensor])
@for_each("name", ["mse_loss", "l1_loss", "huber_loss", "bce_loss", "bce_with_logits"])
def test_integers_and_bools_are_floats_to_a_loss(name, wrap, dtype):
    most = 1 if name.startswith("bce") or dtype is bool else 127
    predictions, targets = np.array([0, most, 0]).astype(dtype), np.array([most, 0, 0]).astype(dtype)
    loss = getattr(nn, name)
    wanted = loss(predictions.astype(float), targets.astype(float))
    np.testing.assert_allclose(np.asarray(loss(wrap(predictions), wrap(targets))), wanted)
    np.testing.assert_allclose(np.asarray(loss(wrap(predictions), targets.astype(float))), wanted)
    np.testing.assert_allclose(np.asarray(loss(predictions.astype(float), wrap(targets))), wanted)


@pytest.mark.parametrize("dtype", NARROW)
def test_integers_as_log_probabilities(dtype):
    scores = np.array([[1, 0], [0, 1]]).astype(dtype)
    assert nn.nll_loss(scores, [0, 0]) == -0.5


def test_targets_of_integers_leave_float32():
    for name in ("mse_loss", "l1_loss", "huber_loss", "bce_loss", "bce_with_logits"):
        assert getattr(nn, name)(np.full(2, 0.5, np.float32), np.ones(2, np.uint8)).dtype == np.float32


@pytest.mark.parametrize("odd", [None, "a", [[1.0], [1.0, 2.0]], 1j])
def test_what_is_no_array_of_numbers(odd):
    with pytest.raises((OperandError, ShapeError), match="mse_loss: "):
        nn.mse_loss(odd, [1.0])


@pytest.mark.parametrize("delta", ["a", None, np.ones(2)])
def test_a_delta_that_is_no_number(delta):
    with pytest.raises(ArgumentError, match="huber_loss: delta is not understood: expected a number"):
        nn.huber_loss([1.0], [0.0], delta=delta)


@pytest.mark.parametrize("make", [lambda p: nn.bce_loss(p, [1.0]), lambda p: nn.BCELoss()(p, ag.tensor([0.0]))])
@pytest.mark.parametrize("p", [1.5, -0.25, np.inf])
def test_what_is_no_probability(make, p):
    with pytest.raises(ArgumentError) as error:
        make(ag.tensor([p], requires_grad=True))
    assert str(error.value) == (
        f"bce_loss: probabilities are out of range: expected numbers from 0 to 1, got {p}; "
        "for scores of any size use bce_with_logits"
    )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: nn.cross_entropy(np.ones((2, 2))),
         ("cross_entropy: argument 'target' is missing; it takes input, target, weight, ignore_index, reduction, "
             "label_smoothing")),
        (lambda: nn.cross_entropy(np.ones((1, 2)), [0], reduction=np.ones(2)),
         "cross_entropy: reduction is unknown: expected 'mean', 'sum' or 'none', got array([1., 1.])"),
        (lambda: nn.cross_entropy(np.ones((1, 2)), [0], label_smoothing="a"),
         "cross_entropy: label_smoothing is not understood: expected a number from 0 to 1, got 'a'"),
        (lambda: nn.cross_entropy(np.ones((1, 2)), [2]),
         "cross_entropy: labels[0] is out of range: expected 0 to 1, got 2"),
        (lambda: nn.mse_loss(3.0), "mse_loss: argument 'target' is missing; it takes input, target, reduction"),
    ],
)  # fmt: skip
def test_one_sentence_that_names_the_loss(call, text):
    with pytest.raises((ArgumentError, OperandError)) as error:
        call()
    assert str(error.value) == text
