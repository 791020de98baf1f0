"""Cross-entropy of scores as PyTorch has it."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # as all the world has it
from hypothesis import given
from hypothesis import strategies as st
from pytorch.comparison import Call, Counterpart, check, few, generators, lengths, numbers

from autograd_cnn.ops.loss import softmax_cross_entropy


@st.composite
def labelled(draw):
    """Draw scores, sometimes large ones, and labels."""
    rng, count, classes = draw(generators), draw(lengths), draw(lengths)
    scores = numbers(rng, (count, classes)) * draw(st.sampled_from([1.0, 30.0]))
    labels = rng.integers(0, classes, count)
    return Call((scores,), {"labels": labels, "label_smoothing": draw(st.sampled_from([0.0, 0.1, 1.0]))})


CASES = {
    softmax_cross_entropy: Counterpart(
        lambda scores, labels, label_smoothing: F.cross_entropy(
            scores, torch.tensor(labels), reduction="none", label_smoothing=label_smoothing
        ),
        labelled(),
    )
}


@pytest.mark.parametrize("backend", ["reference", "jit"])
@few
@given(call=labelled())
def test_values_and_gradients(backend, call):
    check(softmax_cross_entropy, CASES[softmax_cross_entropy], call, backend)
