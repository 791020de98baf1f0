import pickle

import pytest
from tables import for_each

from autograd_cnn.errors import FormatError
from autograd_cnn.io import pickles

SHARED = ["a", "a"]


@for_each(
    "value",
    [None, True, 3, -(2**70), 2.5, "ö", b"\0\xff", (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [1], [[1], [2, "x" * 300]],
     {}, {"a": {b"b": (None,)}, 3: 4}, [SHARED, SHARED], b"x" * 300],
)  # fmt: skip
def test_plain_values_of_every_protocol(value):
    for protocol in range(2, 6):
        if protocol == 2 and isinstance(value, (bytes, dict)):  # bytes are a call there
            continue
        assert pickles.read(pickle.dumps(value, protocol), {}) == value
    assert pickles.read(b"]" + b"(I1\nI2\nl" + b"a.", {}) == [[1, 2]]


def test_shared_values_stay_shared():
    found = pickles.read(pickle.dumps([SHARED, SHARED]), {})
    assert found[0] is found[1]


class _Kept:
    def __init__(self, *args):
        self.args, self.state = args, None

    def build(self, state):
        self.state = state


def test_names_calls_and_states():
    content = b"\x80\2cm\nKept\nK\1K\2\x86R}X\1\0\0\0aK\3sb."
    found = pickles.read(content, {"m.Kept": _Kept})
    assert (found.args, found.state) == ((1, 2), {"a": 3})
    assert pickles.read(b"\x80\2K\1Q.", {}, lambda key: key + 1) == 2


@for_each(
    "content, problem",
    [
        (b"K\1Q.", "the pickle has the instruction BINPERSID, which is not read"),
        (b"\x80\2\x8f.", "the pickle has the instruction EMPTY_SET, which is not read"),
        (b"K\1", "a damaged pickle"),
        (b"K\1K\1s.", "a damaged pickle"),
        (b"}(K\1u.", "a damaged pickle"),
        (b"h\0.", "a damaged pickle"),
        (b"}]K\1s.", "a key in the pickle is of another type: expected str, int or bytes, got list"),
    ],
)
def test_what_is_not_read(content, problem):
    with pytest.raises(FormatError) as err:
        pickles.read(content, {})
    assert str(err.value) == problem
