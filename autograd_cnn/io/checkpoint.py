"""Everything that a run needs to continue, as named arrays: nested states of objects, flattened and rebuilt.

Arrays are named after their position, such as ``optimizer/state/0/exp_avg``. Everything else is one JSON text, stored
as bytes in a separate array; it refers to the other arrays by name.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.errors import FormatError, OperandError, require

TEXT: Final = "checkpoint.json"
"""The array with the JSON text."""

VERSION: Final = 1

Arrays = dict[str, NDArray[Any]]


def taken_apart(objects: Mapping[str, Any], plain: Callable[[str, Any], NDArray[Any]]) -> Arrays:
    """Return the states of ``objects`` as named arrays, each array as ``plain`` returns it.

    Raises
    ------
    OperandError
        If an object has no state, or a state contains anything other than arrays, numbers, strings, and lists and dicts
        of these.
    """
    arrays: Arrays = {}

    def take(path: str, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            while path in arrays or path == TEXT:
                path += "_"
            arrays[path] = plain(path, value)
            return {"array": path}
        if isinstance(value, Mapping):
            return {"items": [[_key(path, key), take(f"{path}/{key}", each)] for key, each in value.items()]}
        if isinstance(value, (list, tuple)):
            listed = [take(f"{path}/{i}", each) for i, each in enumerate(value)]
            return {"tuple": listed} if isinstance(value, tuple) else {"list": listed}
        value = value.item() if isinstance(value, np.generic) else value
        if value is not None and type(value) not in {bool, int, float, str}:
            expected = "arrays, numbers, texts, lists and dicts"
            raise OperandError("save", f"{path!r} can't be kept", expected=expected, got=type(value).__name__)
        return value

    text = json.dumps({"version": VERSION, "objects": {name: take(name, state_of(name, each))
                                                       for name, each in objects.items()}})  # fmt: skip
    arrays[TEXT] = np.frombuffer(text.encode(), np.uint8)
    return arrays


def put_together(arrays: Arrays) -> dict[str, Any]:
    """Rebuild the states that `taken_apart` flattened, by the names of their objects.

    Raises
    ------
    FormatError
        If the arrays are not those of a checkpoint.
    """
    if TEXT not in arrays:
        raise FormatError("weights and not a checkpoint", hint="ag.load reads them")

    def put(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        ((kind, content),) = value.items()
        if kind == "array":
            return arrays[content]
        if kind == "items":
            return {key: put(each) for key, each in content}
        listed = [put(each) for each in content]
        return tuple(listed) if kind == "tuple" else listed

    try:
        document = json.loads(arrays[TEXT].tobytes())
        if document["version"] != VERSION:
            raise FormatError("a checkpoint of another version", expected=VERSION, got=document["version"])
        return {name: put(value) for name, value in document["objects"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError("a damaged checkpoint") from error


def state_of(name: str, thing: Any) -> Any:
    """Return the state of a module with its generators, of a generator, or of an object with a ``state_dict``.

    Raises
    ------
    OperandError
        If it has no state.
    """
    if isinstance(thing, np.random.Generator):
        return thing.bit_generator.state
    expected = "a module, an optimiser, or what else has a state_dict"
    require(hasattr(thing, "state_dict"), "save", f"{name} has no state", expected, thing)
    state = thing.state_dict()
    if hasattr(thing, "named_modules"):
        return {"weights": state, "generators": {path: each.bit_generator.state for path, each in _generators(thing)}}
    return state


def restore_state(name: str, thing: Any, state: Any) -> None:
    """Restore the state that `state_of` returned for a similar object.

    Raises
    ------
    OperandError, ArgumentError, ShapeError
        If the state is not that of such an object.
    """
    if isinstance(thing, np.random.Generator):
        _wind(name, thing, state)
    elif hasattr(thing, "named_modules"):
        generators = dict(_generators(thing))
        if not isinstance(state, dict) or state.keys() != {"weights", "generators"}:
            raise OperandError("restore", f"{name} is not the state of a module", got=_told(state))
        if state["generators"].keys() != generators.keys():
            problem = f"{name} has other generators"
            raise OperandError("restore", problem, expected=_told(generators), got=_told(state["generators"]))
        thing.load_state_dict(state["weights"])
        for path, generator in generators.items():
            _wind(f"{name}.{path}", generator, state["generators"][path])
    else:
        thing.load_state_dict(state)


def _wind(name: str, generator: np.random.Generator, state: Any) -> None:
    try:
        generator.bit_generator.state = state
    except (ValueError, TypeError, KeyError) as error:
        raise OperandError("restore", f"{name} is not the state of its generator",
                           expected=type(generator.bit_generator).__name__, got=_told(state)) from error  # fmt: skip


def _generators(module: Any) -> list[tuple[str, np.random.Generator]]:
    """Return the generators that a module's layers draw from, with their paths."""
    return [
        (f"{path}.{name}" if path else name, value)
        for path, layer in module.named_modules()
        for name, value in vars(layer).items()
        if isinstance(value, np.random.Generator)
    ]


def _key(path: str, key: Any) -> Any:
    if type(key) not in {int, str}:
        raise OperandError("save", f"a key of {path!r} can't be kept", expected="int or str", got=repr(key))
    return key


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, dict) else type(value).__name__
