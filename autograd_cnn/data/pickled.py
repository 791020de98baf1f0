"""The pickles of CIFAR's Python version, read as data: nothing in them is imported, called or run.

A pickle is a program for a machine with a stack, in which anything that Python can import may be called
(PEP 307). Here are the operations that Python 2 wrote for dicts and lists of numbers, strings and arrays of bytes,
and no others. Of the names in it three are known, those that NumPy needs to make an array, and they stand for
themselves.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from autograd_cnn.errors import FormatError, sentence

RECONSTRUCT: Final = b"numpy.core.multiarray _reconstruct"
NAMES: Final = (RECONSTRUCT, b"numpy ndarray", b"numpy dtype")
MARK: Final = object()
STOP: Final = b"."


class _Array:
    """What NumPy's ``_reconstruct`` would make, before it is filled."""

    values: Any = None


class _Machine:
    """The stack and the memory of a pickle, whose bytes are read one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}

    def take(self, count: int) -> bytes:
        taken = self.data[self.place : self.place + count]
        if count < 0 or len(taken) < count:
            raise EOFError
        self.place += count
        return taken

    def number(self, form: str) -> int:
        return int(*struct.unpack(form, self.take(struct.calcsize(form))))

    def line(self) -> bytes:
        return self.take(self.data.index(b"\n", self.place) + 1 - self.place)[:-1]

    def above_mark(self) -> list[Any]:
        """Take what lies on the stack down to the last mark."""
        place = len(self.stack) - 1
        while self.stack[place] is not MARK:
            place -= 1
        taken = self.stack[place + 1 :]
        del self.stack[place:]
        return taken

    def tuple_of(self, count: int) -> None:
        taken = [self.stack.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(taken)))

    def extend(self) -> None:
        values = self.above_mark()
        self.stack[-1].extend(values)

    def set_items(self) -> None:
        items = self.above_mark()
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1][key] = value

    def keep(self, form: str) -> None:
        self.memory[self.number(form)] = self.stack[-1]

    def name(self) -> None:
        name = self.line() + b" " + self.line()
        if name not in NAMES:
            raise FormatError(sentence("it would call something", expected="arrays, lists and numbers alone", got=name))
        self.stack.append(name)

    def call(self) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        if called == RECONSTRUCT:
            self.stack.append(_Array())
        elif called == b"numpy dtype" and arguments[0] == b"u1":
            self.stack.append(np.uint8)
        else:
            raise ValueError(called)

    def fill(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if isinstance(made, _Array):
            _, shape, _, in_columns, values = state
            made.values = np.frombuffer(values, np.uint8).reshape(shape, order="F" if in_columns else "C")
        elif made is not np.uint8:  # whose state says nothing new
            raise ValueError(made)


def _push(read: Callable[[_Machine], Any]) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(read(machine))


OPERATIONS: Final[dict[bytes, Callable[[_Machine], Any]]] = {
    b"\x80": lambda machine: machine.take(1),  # the protocol
    b"(": _push(lambda _: MARK),
    b"}": _push(lambda _: {}),
    b"]": _push(lambda _: []),
    b")": _push(lambda _: ()),
    b"N": _push(lambda _: None),
    b"\x88": _push(lambda _: True),
    b"\x89": _push(lambda _: False),
    b"K": _push(lambda machine: machine.number("<B")),
    b"M": _push(lambda machine: machine.number("<H")),
    b"J": _push(lambda machine: machine.number("<i")),
    b"U": _push(lambda machine: machine.take(machine.number("<B"))),
    b"T": _push(lambda machine: machine.take(machine.number("<i"))),
    b"t": _push(lambda machine: tuple(machine.above_mark())),
    b"\x85": lambda machine: machine.tuple_of(1),
    b"\x86": lambda machine: machine.tuple_of(2),
    b"\x87": lambda machine: machine.tuple_of(3),
    b"a": lambda machine: machine.stack[-2].append(machine.stack.pop()),
    b"e": _Machine.extend,
    b"s": _Machine.set_item,
    b"u": _Machine.set_items,
    b"q": lambda machine: machine.keep("<B"),
    b"r": lambda machine: machine.keep("<I"),
    b"h": _push(lambda machine: machine.memory[machine.number("<B")]),
    b"j": _push(lambda machine: machine.memory[machine.number("<I")]),
    b"c": _Machine.name,
    b"R": _Machine.call,
    b"b": _Machine.fill,
}
"""By the byte that asks for it, what an operation does."""


def read_pickle(data: bytes) -> dict[bytes, Any]:
    r"""Return the dict in a pickle of Python 2; its arrays are read-only, of uint8.

    Raises
    ------
    FormatError
        If it is anything else, or would call anything.

    Examples
    --------
    >>> read_pickle(b"\x80\x02}q\x01U\x06labelsq\x02]q\x03(K\x06K\x09es.")
    {b'labels': [6, 9]}
    """
    machine = _Machine(data)
    try:
        while (operation := machine.take(1)) != STOP:
            OPERATIONS[operation](machine)
        (found,) = machine.stack
        return {key: value.values if isinstance(value, _Array) else value for key, value in found.items()}
    except FormatError:
        raise
    except (LookupError, ValueError, TypeError, AttributeError, EOFError, struct.error) as error:
        raise FormatError(sentence("not a pickle as CIFAR's Python version has them")) from error
