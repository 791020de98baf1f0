"""Whole sequences: as the reference has them, whatever the sizes and the number of threads."""

import numpy as np
import pytest
from tables import for_each

import autograd_cnn as ag
from autograd_cnn.kernels import compiled, reference
from autograd_cnn.kernels.compiled.microkernel import MR

SIZES = [(1, 1, 1), (3, 2, 5), (2, MR[0], 16), (3, MR[0] + 1, 17), (2, 5 * MR[0] + 3, 33)]
"""Steps, sequences and units: in a part of a tile and of a vector, in whole ones, and in some of them."""


def _operands(rng, steps, batch, units, dtype):
    """Return for each kernel what it is called with."""

    def draw(*shape):
        return rng.standard_normal(shape).astype(dtype)

    state = batch, units
    u, w, h, c = draw(steps, batch, 4 * units), draw(4 * units, units), draw(*state), draw(*state)
    gru = draw(steps, batch, 3 * units), draw(3 * units, units), draw(3 * units), h
    y, gates = reference.gru(*gru)
    return {
        "lstm": (u, w, h, c),
        "lstm_wrt": (draw(steps + 1, *state), w, c, *reference.lstm(u, w, h, c)[1:]),
        "gru": gru,
        "gru_wrt": (draw(steps, *state), gru[1], h, y, gates),
    }


def _call(module, name, operands):
    found = getattr(module, name)(*operands)
    return found if isinstance(found, tuple) else (found,)


@for_each("sizes", SIZES)
@for_each("dtype", [np.float32, np.float64])
def test_they_agree_with_the_reference(sizes, dtype):
    for name, operands in _operands(np.random.default_rng(sum(sizes)), *sizes, dtype).items():
        for ours, theirs in zip(*(_call(module, name, operands) for module in (compiled, reference)), strict=True):
            bound = 300 * np.finfo(dtype).eps
            np.testing.assert_allclose(ours, theirs, rtol=bound, atol=bound * np.abs(theirs).max(), err_msg=name)
            assert ours.dtype == dtype


def test_the_bits_do_not_depend_on_the_threads(rng):
    before, found = ag.num_threads(), []
    calls = _operands(rng, 5, 9 * MR[0], 20, np.float32)
    try:
        for count in (1, before):
            ag.set_num_threads(count)
            found.append([part for name, operands in calls.items() for part in _call(compiled, name, operands)])
    finally:
        ag.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["lstm", "lstm_wrt", "gru", "gru_wrt"])
def test_what_they_are_not_made_for_is_declined(rng, name):
    operands = _operands(rng, 2, 3, 4, np.float64)[name]
    assert getattr(compiled, name)(*(x.astype(int) for x in operands)) is NotImplemented
    assert getattr(compiled, name)(operands[0].astype(np.float32), *operands[1:]) is NotImplemented
