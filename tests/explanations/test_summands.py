"""Sums of what comes from several places."""

import numpy as np

import autograd_cnn as ag
from autograd_cnn.explanations.explain import summands


def _told(y):
    return [(part.argument, part.text) for part in summands(y.node)]


def test_only_additions_have_summands():
    x = ag.tensor([1.0], requires_grad=True)
    assert summands((x * 2).node) == []


def test_parts_are_named_by_operation_operands_and_module():
    x = ag.tensor([1.0], requires_grad=True, name="x")
    with ag.scope("inner"):
        y = ag.exp(x)
    assert _told(y + x + x * y) == [
        ("x1", "from exp of x in inner"), ("x2", "from x"), ("x3", "from multiply of x and exp"),
    ]  # fmt: skip


def test_the_order_is_that_of_the_code_whatever_the_brackets():
    a, b, c, d = (ag.tensor([1.0], requires_grad=True, name=name) for name in "abcd")
    assert [text for _, text in _told((a + b) + (c + d))] == ["from a", "from b", "from c", "from d"]


def test_a_sum_that_is_broadcast_stays_one_part():
    a, b, c = (ag.tensor(np.ones(n), requires_grad=True, name=name) for name, n in zip("abc", (1, 1, 2), strict=True))
    assert [text for _, text in _told((a + b) + c)] == ["from add of a and b", "from c"]


def test_what_the_tape_did_not_keep_has_no_source():
    x = ag.tensor([1.0], requires_grad=True, name="x")
    assert [(part.source is None, part.text) for part in summands((x + np.ones(1)).node)] == [
        (False, "from x"),
        (True, ""),
    ]


def test_a_leaf_without_a_name():
    x = ag.tensor([1.0], requires_grad=True)
    assert _told(x + x) == [("x1", "from a leaf"), ("x2", "from a leaf")]
