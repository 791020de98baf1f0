"""Random graphs, grown by hypothesis, against an engine of forty lines that is slow and plain."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

import autograd_cnn as ag

SHAPES = [(), (1,), (3,), (2, 1), (2, 3)]


class Naive:
    """A value, and for each input the function from this value's cotangent to the input's."""

    def __init__(self, value, *inputs):
        self.value = np.array(value, float)
        self.inputs = inputs
        self.paths = 1 + sum(node.paths for node, _ in inputs)

    def cotangents(self, g, totals):
        """Follow every path to the end, one after the other."""
        totals[self] = totals.get(self, 0) + g
        for node, pull in self.inputs:
            node.cotangents(_summed_to(pull(g), node.value.shape), totals)
        return totals


def _fits(a, b):
    return all(n == m or 1 in (n, m) for n, m in zip(a.shape[::-1], b.shape[::-1], strict=False))


def _summed_to(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    for axis, n in enumerate(shape):
        if n == 1:
            g = g.sum(axis=axis, keepdims=True)
    return g


def _placed(g, index, shape):
    whole = np.zeros(shape)
    for at, share in zip(np.arange(whole.size).reshape(shape)[index].ravel(), g.ravel(), strict=True):
        whole.flat[at] += share
    return whole


def _blanked(g, index):
    rest = np.array(g)
    rest[index] = 0
    return rest


class Graphs(RuleBasedStateMachine):
    """Grow a graph in both engines at once; each drawn thing is a pair (tensor, naive)."""

    things = Bundle("things")
    numbers = st.integers(-4, 4).map(lambda n: n / 4)

    def __init__(self):
        super().__init__()
        self.pairs = []
        self.leaves = []
        self.recording = True

    def _grown(self, tensor, value, *inputs):
        """Keep the new pair unless its numbers or its paths got too many to compare."""
        naive = Naive(value, *(inputs if self.recording else ()))
        if np.abs(value).max(initial=0) > 1e3 or naive.paths > 1000:
            return multiple()
        pair = tensor, naive
        self.pairs.append(pair)
        return pair

    @initialize(target=things, data=st.data())
    def two_leaves(self, data):
        return multiple(self._leaf(data), self._leaf(data))

    @rule(target=things, data=st.data())
    def leaf(self, data):
        return self._leaf(data)

    def _leaf(self, data):
        shape = data.draw(st.sampled_from(SHAPES))
        size = int(np.prod(shape))
        values = np.reshape(data.draw(st.lists(self.numbers, min_size=size, max_size=size)), shape)
        pair = ag.tensor(values, requires_grad=True), Naive(values)
        self.pairs.append(pair)
        self.leaves.append(pair)
        return pair

    @rule(target=things, a=things, b=things)
    def add(self, a, b):
        (t, n), (s, m) = a, b
        if not _fits(n.value, m.value):
            return multiple()
        return self._grown(self._do(lambda: t + s), n.value + m.value, (n, lambda g: g), (m, lambda g: g))

    @rule(target=things, a=things, b=things)
    def subtract(self, a, b):
        (t, n), (s, m) = a, b
        if not _fits(n.value, m.value):
            return multiple()
        return self._grown(self._do(lambda: t - s), n.value - m.value, (n, lambda g: g), (m, lambda g: -g))

    @rule(target=things, a=things, b=things)
    def multiply(self, a, b):
        (t, n), (s, m) = a, b
        if not _fits(n.value, m.value):
            return multiple()
        return self._grown(
            self._do(lambda: t * s), n.value * m.value, (n, lambda g: g * m.value), (m, lambda g: g * n.value)
        )

    @rule(target=things, a=things, b=things)
    def fan_out(self, a, b):
        (t, n), (s, m) = a, b
        if not _fits(n.value, m.value):
            return multiple()
        return self._grown(
            self._do(lambda: (t + s) + t + s),
            2 * n.value + 2 * m.value,
            (n, lambda g: g), (m, lambda g: g), (n, lambda g: g), (m, lambda g: g),
        )  # fmt: skip

    @rule(target=things, a=things)
    def exp(self, a):
        t, n = a
        if n.value.max(initial=0) > 3:
            return multiple()
        value = np.exp(n.value)
        return self._grown(self._do(lambda: ag.exp(t)), value, (n, lambda g: g * value))

    @rule(target=things, a=things, axis=st.sampled_from([None, 0, -1]), keepdims=st.booleans())
    def sum(self, a, axis, keepdims):
        t, n = a
        if not n.value.ndim:
            axis = None
        held = n.value.sum(axis=axis, keepdims=True).shape
        return self._grown(
            self._do(lambda: t.sum(axis=axis, keepdims=keepdims)),
            n.value.sum(axis=axis, keepdims=keepdims),
            (n, lambda g: g.reshape(held) * np.ones(n.value.shape)),
        )

    @rule(target=things, a=things, shape=st.sampled_from([(-1,), (1, -1), (-1, 1), (3, -1)]))
    def reshape(self, a, shape):
        t, n = a
        if n.value.size % abs(np.prod(shape)):
            return multiple()
        return self._grown(
            self._do(lambda: t.reshape(shape)), n.value.reshape(shape), (n, lambda g: g.reshape(n.value.shape))
        )

    @rule(target=things, a=things, shape=st.sampled_from([(2, 3), (4, 2, 3)]))
    def broadcast(self, a, shape):
        t, n = a
        try:
            value = np.broadcast_to(n.value, shape)
        except ValueError:
            return multiple()
        return self._grown(self._do(lambda: ag.broadcast_to(t, shape)), value, (n, lambda g: g))

    @rule(target=things, a=things, index=st.sampled_from([0, -1, np.s_[::-1], np.s_[None], ..., [0, 0, -1]]))
    def read(self, a, index):
        t, n = a
        if not n.value.ndim:
            index = ...
        return self._grown(self._do(lambda: t[index]), n.value[index], (n, lambda g: _placed(g, index, n.value.shape)))

    @rule(target=things, a=things, b=things, index=st.sampled_from([0, np.s_[::2], ..., [0, -1]]))
    def write(self, a, b, index):
        (t, n), (s, m) = a, b
        if not n.value.ndim:
            index = ...
        value = n.value.copy()
        try:
            value[index] = m.value
        except ValueError:
            return multiple()
        if m.value.ndim > n.value[index].ndim or (n.value.shape[:1] == (1,) and isinstance(index, list)):
            return multiple()  # axes of length 1 that NumPy drops; a place that is written twice
        return self._grown(
            self._do(lambda: _written(t, s, index)), value, (n, lambda g: _blanked(g, index)), (m, lambda g: g[index])
        )

    @rule(target=things, a=things)
    def detach(self, a):
        t, n = a
        return self._grown(t.detach(), n.value)

    @precondition(lambda self: self.recording)
    @rule()
    def stop_recording(self):
        self.recording = False

    @precondition(lambda self: not self.recording)
    @rule()
    def record_again(self):
        self.recording = True

    def _do(self, operation):
        if self.recording:
            return operation()
        with ag.no_grad():
            return operation()

    @invariant()
    def the_last_value_is_the_same(self):
        if self.pairs:
            tensor, naive = self.pairs[-1]
            np.testing.assert_allclose(tensor.data, naive.value, rtol=1e-12, atol=1e-12)

    def teardown(self):
        """Compare the gradients of the last result in all that came before it."""
        if not self.pairs or not self.pairs[-1][0].requires_grad:
            return
        output, naive = self.pairs[-1]
        seed = np.cos(np.arange(output.size)).reshape(output.shape)
        expected = naive.cotangents(seed, {})
        recorded = [(tensor, node) for tensor, node in self.pairs if tensor.requires_grad]
        gradients = ag.gradients(output, [tensor for tensor, _ in recorded], seed, retain_graph=True)
        for (_, node), g in zip(recorded, gradients, strict=True):
            assert (g is not None) == (node in expected)
            if g is not None:
                np.testing.assert_allclose(g, expected[node], rtol=1e-9, atol=1e-9)
        output.backward(seed)
        for leaf, node in self.leaves:
            assert (leaf.grad is not None) == (node in expected)
            if leaf.grad is not None:
                np.testing.assert_allclose(leaf.grad.data, expected[node], rtol=1e-9, atol=1e-9)


def _written(t, s, index):
    result = t + 0.0
    result[index] = s
    return result


class TestGraphs(Graphs.TestCase):
    settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
