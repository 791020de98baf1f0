import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn import optim
from autograd_cnn.errors import ArgumentError
from autograd_cnn.optim.muon import orthogonal


@for_each("shape", [(5, 3), (3, 5), (1, 4), (4, 4)])
def test_singular_values_come_to_about_one(rng, shape):
    x = rng.standard_normal(shape)
    u, _, v = np.linalg.svd(x, full_matrices=False)
    found = orthogonal(x, (3.4445, -4.775, 2.0315), 8, 1e-7)
    inner = u.T @ found @ v.T
    assert np.diag(inner) == pytest.approx(1, abs=0.32)
    np.testing.assert_allclose(inner, np.diag(np.diag(inner)), atol=1e-10)


def test_no_gradient_and_no_elements_move_nothing():
    w, empty = ag.tensor(np.ones((2, 3)), requires_grad=True), ag.tensor(np.ones((2, 0)), requires_grad=True)
    optimizer = optim.Muon([w, empty], weight_decay=0)
    w.grad, empty.grad = np.zeros((2, 3)), np.zeros((2, 0))
    optimizer.step()
    assert w.tolist() == np.ones((2, 3)).tolist()


@for_each(
    "shape, options, text",
    [
        ((3,), {}, ("a parameter is not a matrix: expected two axes, got (3,); "
                    "give biases and filters to another optimiser, such as AdamW")),
        ((2, 3), {"ns_steps": 100}, "ns_steps is out of range: expected an int from 1 to 99, got 100"),
        ((2, 3), {"ns_coefficients": (1, 2)}, "ns_coefficients are not understood: expected three numbers, got (1, 2)"),
        ((2, 3), {"adjust_lr_fn": "adam"},
         "adjust_lr_fn is unknown: expected 'original', 'match_rms_adamw' or None, got 'adam'"),
    ],
)  # fmt: skip
def test_what_is_refused(shape, options, text):
    with pytest.raises(ArgumentError) as error:
        optim.Muon([ag.tensor(np.ones(shape), requires_grad=True)], **options)
    assert str(error.value) == f"Muon: {text}"
