"""Pickles read without running anything.

A pickle is a program for a small stack machine; ``pickle.load`` lets it call any Python function. The machine here
builds containers, numbers and strings, calls only what is in a table, and refuses everything else by name.
"""

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, runtime_checkable

from autograd_cnn.errors import FormatError, sentence

KEYS: Final = (str, int, bytes)
"""Types of keys; not tuples, whose hash would visit all their contents."""


@runtime_checkable
class Built(Protocol):
    """An object that a pickle may pass a state to, with `BUILD`."""

    def build(self, state: Any) -> None:
        """Set the state."""


def read(content: bytes, names: Mapping[str, Any], resolve: Callable[[Any], Any] | None = None) -> Any:
    """Return the object in a pickle.

    Parameters
    ----------
    content : bytes
        The pickle.
    names : mapping of str to object
        The meaning of global names, such as ``"collections.OrderedDict"``. A pickle may call the callables in it, with
        any arguments.
    resolve : callable, optional
        Maps a persistent id to the object outside the pickle that it stands for.

    Raises
    ------
    FormatError
        If it is damaged, or needs a name or an instruction that is not allowed.

    Examples
    --------
    >>> import pickle
    >>> read(pickle.dumps({"a": [1, 2.5, None]}), {})
    {'a': [1, 2.5, None]}
    >>> read(pickle.dumps(print), {})
    Traceback (most recent call last):
    autograd_cnn.errors.FormatError: the pickle asks for builtins.print, which is not read; nothing of it was run
    """
    machine = _Machine(names, resolve)
    try:
        for code, arg, _ in pickletools.genops(content):
            if code.name == "STOP":
                return machine.pop()
            machine.run(code.name, arg)
    except FormatError:
        raise
    except Exception as error:  # whatever the stack or the decoder trips over, also RecursionError
        raise FormatError("a damaged pickle") from error
    raise FormatError("a damaged pickle")


class _Machine:
    def __init__(self, names: Mapping[str, Any], resolve: Callable[[Any], Any] | None) -> None:
        self.names, self.resolve = names, resolve
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # the stack at each mark
        self.memo: dict[int, Any] = {}

    def run(self, name: str, arg: Any) -> None:
        if name in _VALUES:
            self.push(_VALUES[name](arg))
        elif name in _STEPS:
            _STEPS[name](self, arg)
        elif name not in _IGNORED:
            raise FormatError(sentence(f"the pickle has the instruction {name}, which is not read"))

    def push(self, value: Any) -> None:
        self.stack.append(value)  # the current stack

    def pop(self) -> Any:
        return self.stack.pop()

    def popped(self, count: int) -> tuple[Any, ...]:
        return tuple(reversed([self.stack.pop() for _ in range(count)]))

    def mark(self) -> None:
        self.outer.append(self.stack)
        self.stack = []

    def marked(self) -> list[Any]:
        """Return the items above the last mark."""
        items, self.stack = self.stack, self.outer.pop()
        return items

    def append(self, items: list[Any]) -> None:
        self.top(list).extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in KEYS:
                raise FormatError("a key in the pickle is of another type", expected="str, int or bytes",
                                  got=type(key).__name__)  # fmt: skip
            target[key] = value

    def top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise FormatError("a damaged pickle")
        return self.stack[-1]

    def name(self, full: str) -> None:
        if full not in self.names:
            raise FormatError(f"the pickle asks for {full}, which is not read", hint="nothing of it was run")
        self.push(self.names[full])

    def call(self) -> None:
        function, args = self.popped(2)
        if not callable(function) or not isinstance(args, tuple):
            raise FormatError("a damaged pickle")
        self.push(function(*args))

    def build(self) -> None:
        state, target = self.pop(), self.stack[-1]
        if not isinstance(target, Built):
            raise FormatError(sentence(f"the pickle sets attributes of a {type(target).__name__}, which is not read"))
        target.build(state)

    def persistent(self) -> None:
        if self.resolve is None:
            raise FormatError("the pickle has the instruction BINPERSID, which is not read")
        self.push(self.resolve(self.pop()))


def _argument(arg: Any) -> Any:
    return arg


_VALUES: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(
        ["INT", "LONG", "FLOAT", "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "SHORT_BINUNICODE",
         "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "STRING", "SHORT_BINSTRING", "BINSTRING"],
        _argument,
    ),
    "NONE": lambda _: None, "NEWTRUE": lambda _: True, "NEWFALSE": lambda _: False,
    "EMPTY_LIST": lambda _: [], "EMPTY_DICT": lambda _: {}, "EMPTY_TUPLE": lambda _: (),
}  # fmt: skip
"""Instructions that push one value. Python 2's strings are read as Latin-1, so that they may represent bytes."""

_IGNORED: Final = frozenset({"PROTO", "FRAME"})

_STEPS: Final[dict[str, Callable[[_Machine, Any], None]]] = {
    "MARK": lambda m, _: m.mark(),
    "LIST": lambda m, _: m.push(m.marked()),
    "TUPLE": lambda m, _: m.push(tuple(m.marked())),
    "TUPLE1": lambda m, _: m.push(m.popped(1)),
    "TUPLE2": lambda m, _: m.push(m.popped(2)),
    "TUPLE3": lambda m, _: m.push(m.popped(3)),
    "APPEND": lambda m, _: m.append([m.pop()]),
    "APPENDS": lambda m, _: m.append(m.marked()),
    "SETITEM": lambda m, _: m.set_items(list(m.popped(2))),
    "SETITEMS": lambda m, _: m.set_items(m.marked()),
    **dict.fromkeys(["PUT", "BINPUT", "LONG_BINPUT"], lambda m, arg: m.memo.__setitem__(arg, m.stack[-1])),
    "MEMOIZE": lambda m, _: m.memo.__setitem__(len(m.memo), m.stack[-1]),
    **dict.fromkeys(["GET", "BINGET", "LONG_BINGET"], lambda m, arg: m.push(m.memo[arg])),
    "GLOBAL": lambda m, arg: m.name(arg.replace(" ", ".")),
    "STACK_GLOBAL": lambda m, _: m.name(".".join(m.popped(2))),
    "REDUCE": lambda m, _: m.call(),
    "BUILD": lambda m, _: m.build(),
    "BINPERSID": lambda m, _: m.persistent(),
}
"""Instructions that work on the stack."""
