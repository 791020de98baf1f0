"""The values that a function reads by name: closures, globals, defaults, and their attributes."""

import dis
import functools
import operator
from collections import UserDict, UserList, deque
from collections.abc import Callable, Iterable, Iterator
from types import CellType, CodeType, FunctionType, MappingProxyType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.node import Array, Traced

_PLAIN: Final = frozenset({int, float, complex, bool, str, bytes})
_DICTS: Final = (dict, MappingProxyType, UserDict)
_ROWS: Final = (list, deque, UserList)
_PARTS: Final[dict[type, tuple[str, ...]]] = {
    MethodType: ("__self__", "__func__"),
    functools.partial: ("func", "args", "keywords"),
    property: ("fget",),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
}
"""Objects that stand for others, and the attributes that hold these."""

_BY_TEXT: Final = frozenset({"__dict__", "attrgetter", "getattr", "hasattr", "vars"})
"""Functions that look up attributes by string."""

_PASSIVE: Final = frozenset({
    "__class_getitem__", "__copy__", "__deepcopy__", "__del__", "__delattr__", "__format__", "__getstate__", "__hash__",
    "__init__", "__init_subclass__", "__new__", "__post_init__", "__reduce__", "__reduce_ex__", "__repr__", "__set_name__",
    "__setattr__", "__setstate__", "__str__",
})  # fmt: skip
"""Special methods that create, copy or show an object, and do not affect what is computed with it."""

_MISSING: Final = object()
_NOTHING: Final = MappingProxyType[str, Any]({})


class Surroundings:
    """The values of everything that the code of some functions names.

    This includes the code of functions from the same modules that they name; the contents of lists, dicts, sets, deques
    and tuples; and the attributes of other objects that the code, or the objects' special methods, name. It excludes
    tensors and the arrays of modules, which a plan reads in each run, and the insides of other modules' functions.

    Parameters
    ----------
    functions : iterable of callable
        What runs, including objects that are called, such as modules.
    others : iterable
        Further objects that it reads from, such as arguments.
    """

    def __init__(self, functions: Iterable[Any], others: Iterable[Any] = ()) -> None:
        roots = [*functions, *others]
        layers = [layer for root in roots for layer in _layers(root)]
        self._modules = {id(layer.__globals__) for layer in layers}
        self._named = {"__call__", "forward"}  # the methods that calls go through, and names in the code
        known = -1
        while len(self._named) > known:  # an object's method may name attributes of objects found earlier
            known = len(self._named)
            self._reads: list[tuple[Callable[[], Any], Any]] = []
            self._contents: list[tuple[Any, Any]] = []
            self._arrays: list[tuple[Array, Array]] = []
            self._seen: dict[int, Any] = {}
            self._look_into_all((*layers, *roots))
        del self._seen

    def hold(self) -> bool:
        """Whether nothing has changed, including the numbers in arrays."""
        return (
            all(_same(read(), value) for read, value in self._reads)
            and all(alike(_plain(now), then) for now, then in self._contents)
            and all(_equal(now, then) for now, then in self._arrays)
        )

    def _look_into(self, value: Any) -> None:
        kind = type(value)
        if kind in _PLAIN or value is None or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if kind is FunctionType:
            if id(value.__globals__) in self._modules:
                self._look_into_function(value)
        elif kind is np.ndarray:
            if value.flags.writeable or value.base is not None:
                self._arrays.append((value, value.copy()))
        elif isinstance(value, (*_DICTS, *_ROWS, set)):
            then = _plain(value).copy()
            self._contents.append((value, then))
            self._look_into_all(then.values() if type(then) is dict else then)
            if kind not in {dict, list, set}:
                self._look_into_attributes(value)
        elif kind in _PARTS:
            self._look_into_all(getattr(value, part) for part in _PARTS[kind])
        elif isinstance(value, (tuple, frozenset)):
            self._look_into_all(value)
        elif not isinstance(value, Traced) and not (isinstance(value, ModuleType) and _ours(value)):
            self._look_into_attributes(value)

    def _look_into_all(self, values: Iterable[Any]) -> None:
        for value in list(values):
            self._look_into(value)

    def _look_into_function(self, function: FunctionType) -> None:
        for cell in function.__closure__ or ():
            self._remember(functools.partial(_content, cell))
        self._look_into_all((*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()))
        names = set(_names(function.__code__))
        self._named |= {name for name, is_global in names if not is_global}
        if not _BY_TEXT.isdisjoint(name for name, _ in names):
            self._named |= set(_strings(function.__code__))
        if ("super", True) in names:
            self._named.add("super")
        for name in sorted(name for name, is_global in names if is_global):
            self._remember(functools.partial(function.__globals__.get, name, _MISSING))

    def _look_into_attributes(self, value: Any) -> None:
        """Look into the attributes of an object that the code names, in Python's lookup order."""
        kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
        spaces = [vars(kind) for kind in kinds if kind is not ModuleType and not _ours(kind)]
        if not isinstance(value, type):
            spaces.insert(0, getattr(value, "__dict__", _NOTHING))
        special = {name for space in spaces for name, held in space.items() if self._is_special(name, held)}
        for name in sorted(special | self._named.intersection(set().union(*spaces))):
            for space in spaces:
                if isinstance(space.get(name), np.ndarray) and hasattr(value, "named_buffers"):
                    break
                self._remember(functools.partial(space.get, name, _MISSING))
                if name in space:
                    if isinstance(space[name], MemberDescriptorType):
                        self._remember(functools.partial(getattr, value, name, _MISSING))
                    if "super" not in self._named:
                        break

    def _is_special(self, name: str, held: Any) -> bool:
        """Whether it is a user's method that Python calls for an operator, an index, ``len`` and so on."""
        return (
            name.startswith("__")
            and name not in _PASSIVE
            and isinstance(held, FunctionType)
            and id(held.__globals__) in self._modules
        )

    def _remember(self, read: Callable[[], Any]) -> None:
        value = read()
        self._reads.append((read, value))
        self._look_into(value)


def alike(now: Any, then: Any) -> bool:
    """Whether a list, dict or set has the same contents as before, in the same order."""
    if type(now) is not type(then) or len(now) != len(then):
        return False
    if type(now) is dict:
        return all(map(operator.is_, now, then)) and all(map(_same, now.values(), then.values()))
    return all(map(_same, now, then))


def _plain(container: Any) -> dict[Any, Any] | list[Any]:
    """Return the contents of a container as a dict or a list."""
    if type(container) in {dict, list}:
        return container
    return dict(container) if isinstance(container, _DICTS) else list(container)


def _same(now: Any, then: Any) -> bool:
    """Whether two values are the same object, or equal numbers or strings."""
    return now is then or (type(now) in _PLAIN and type(now) is type(then) and now == then)


def _equal(now: Array, then: Array) -> bool:
    """Whether two arrays are the same to the last bit."""
    if now.shape != then.shape or now.dtype != then.dtype:
        return False
    if now.dtype == object or not now.flags.c_contiguous:
        return now.tobytes() == then.tobytes()
    return memoryview(now.reshape(-1).view(np.uint8)) == memoryview(then.reshape(-1).view(np.uint8))


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return _MISSING


def _layers(called: Any) -> Iterator[FunctionType]:
    """Yield the functions that a callable consists of: wrapped ones, and of an object the user's own methods."""
    while isinstance(called, functools.partial):
        called = called.func
    if isinstance(called, (FunctionType, MethodType)):
        yield from _unwrapped(called)
        return
    for kind in type(called).__mro__:  # includes those called by super()
        for name in ("__call__", "forward"):
            method = vars(kind).get(name)
            if isinstance(method, FunctionType) and not _ours(method):
                yield from _unwrapped(method)


def _unwrapped(function: Any) -> Iterator[FunctionType]:
    while function is not None:
        function = getattr(function, "__func__", function)
        if isinstance(function, FunctionType):
            yield function
        function = getattr(function, "__wrapped__", None)


def _names(code: CodeType) -> Iterator[tuple[str, bool]]:
    """Yield the names in a function's code, including inner functions, and whether each is a global."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            yield instruction.argval, True
        elif instruction.opname in {"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"}:
            yield instruction.argval, False
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _strings(code: CodeType) -> Iterator[str]:
    """Yield the string constants in a function's code."""
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _strings(constant)


def _ours(value: FunctionType | ModuleType | type) -> bool:
    """Whether this package defines a function, a module or a class."""
    name = value.__name__ if isinstance(value, ModuleType) else value.__module__
    return name.partition(".")[0] == "autograd_cnn"
