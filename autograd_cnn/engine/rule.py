"""Gradient rules: vector-Jacobian products, and what the tape saves for them."""

import inspect
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Literal, NamedTuple

import numpy as np

from autograd_cnn.engine.node import Array, Node, Traced, kept_shape, kept_value
from autograd_cnn.engine.signature import Signature
from autograd_cnn.engine.trace import RUNNING, current
from autograd_cnn.errors import GradientError, RegistrationError


class Source(NamedTuple):
    """The source of a saved value when a call is recorded."""

    name: str
    kind: Literal["operand", "output", "shape", "parameter", "residual", "operands", "shapes"]
    key: Any
    """The operand's or residual's position; a parameter's default."""


class Rule(NamedTuple):
    """A vector-Jacobian product and what the tape must save for it."""

    function: Callable[..., Array]
    operand: str
    sources: tuple[Source, ...]
    apply: Callable[[Array, dict[str, Any], int], Array]
    """Calls the function with a cotangent, the saved values, and the position of the operand."""


class Rules(MutableMapping[str, Rule]):
    """The rules of a primitive, by operand, and what the tape saves of a call for them.

    Parameters
    ----------
    signature : Signature
        The primitive's.
    residuals : tuple of str

    Attributes
    ----------
    by_position : dict
        The same rules, by the operand's position; of a variadic primitive all have the one at 0.

    Raises
    ------
    RegistrationError
        If a rule that asks for a name could mean one of two values.
    """

    def __init__(self, signature: Signature, residuals: tuple[str, ...]) -> None:
        _check_distinct(signature, residuals)
        self._signature = signature
        self._residuals = residuals
        self.by_position: dict[int, Rule] = {}
        self._sources: dict[int, tuple[Source, ...]] = {}  # by a bit mask of the tracked operands

    def __getitem__(self, operand: str) -> Rule:
        """Return the rule of an operand."""
        if operand not in self._signature.operands:
            raise KeyError(operand)
        return self.by_position[self._signature.operands.index(operand)]

    def __setitem__(self, operand: str, rule: Rule) -> None:
        self.by_position[self._signature.operands.index(operand)] = rule
        self._sources.clear()

    def __delitem__(self, operand: str) -> None:
        del self.by_position[self._signature.operands.index(operand)]
        self._sources.clear()

    def __iter__(self) -> Iterator[str]:
        return (self._signature.operands[position] for position in self.by_position)

    def __len__(self) -> int:
        return len(self.by_position)

    def register(self, operand: str, function: Callable[..., Array]) -> None:
        """Make a function the rule of an operand; see `rule_of` for errors."""
        self[operand] = rule_of(function, operand, self._signature, self._residuals)

    def at(self, position: int) -> Rule:
        """Return the rule of the operand at a position.

        Raises
        ------
        GradientError
            If it has none.
        """
        try:
            return self.by_position[0 if self._signature.variadic else position]
        except KeyError:
            problem = f"no rule for a gradient with respect to {self._signature.operand(position)!r}"
            raise GradientError(
                self._signature.name, problem, hint="pass it detached, or define a rule for it"
            ) from None

    def saved(
        self,
        tracked: int,
        nodes: list[Node | None],
        raw: list[Any],
        y: Array,
        residuals: tuple[Any, ...],
        params: dict[str, Any],
    ) -> dict[str, Any]:
        """Collect what the rules of the tracked operands ask for, from the operands, the results and the parameters."""
        saved: dict[str, Any] = {}
        sources = self._sources.get(tracked)
        for name, kind, key in self._sources_of(tracked) if sources is None else sources:
            if kind == "operand":
                value = raw[key]
                if type(value) is np.ndarray and (value.flags.writeable or nodes[key] is None):
                    value = kept_value(value)
            elif kind == "output":
                value = y
            elif kind == "shape":
                value = kept_shape(getattr(raw[key], "shape", ()))
            elif kind == "parameter":
                value = params.get(name, key)
            elif kind == "residual":
                value = residuals[key]
            elif kind == "operands":
                value = tuple(map(kept_value, raw))
            else:
                value = tuple(map(np.shape, raw))
            saved[name] = value
        return saved

    def _sources_of(self, tracked: int) -> tuple[Source, ...]:
        """Return the sources of what the rules of the tracked operands ask for, and cache them."""
        positions = [i for i in range(tracked.bit_length()) if tracked >> i & 1]
        asked = {source.name: source for i in positions for source in self.at(i).sources}
        return self._sources.setdefault(tracked, tuple(asked.values()))

    def rewrapped(self, node: Node, saved: dict[str, Any], tensor_type: type[Traced]) -> dict[str, Any]:
        """Give saved arrays their nodes back, so that a rule's own operations are recorded."""
        trace = current.get() if RUNNING else None

        def wrap(value: Array, parent: Node | None) -> Array:
            tracked = parent is not None or (trace is not None and trace.knows(value))
            return tensor_type.wrap(value, parent) if tracked else value

        lifted = dict(saved)
        if trace is not None:
            lifted |= {name: wrap(saved[name], None) for name in self._residuals if name in saved}
        for position, operand in enumerate(self._signature.operands):
            if operand in saved and self._signature.variadic:
                lifted[operand] = tuple(map(wrap, saved[operand], node.parents))
            elif operand in saved:
                lifted[operand] = wrap(saved[operand], node.parents[position])
        if "y" in saved:
            lifted["y"] = wrap(saved["y"], node)
        return lifted


def rule_of(function: Callable[..., Array], operand: str, primitive: Signature, residuals: tuple[str, ...]) -> Rule:
    """Make a function the rule for an operand; its keyword-only names are what the tape saves.

    Raises
    ------
    RegistrationError
        If it has no name, its only positional argument is not the cotangent or is called as a parameter, or it asks for
        a name that the tape can't save.
    """
    if not callable(function) or not hasattr(function, "__name__"):
        where, got = f"{primitive.name}.vjp", repr(function)
        raise RegistrationError(where, "not a rule with a name", expected="a function made by def", got=got)
    signature = inspect.signature(function)
    asked = signature.parameters.values()
    by_position = [p for p in asked if p.kind not in {p.KEYWORD_ONLY, p.VAR_KEYWORD}]
    if [p.kind for p in by_position] != [inspect.Parameter.POSITIONAL_OR_KEYWORD]:
        problem = f"is not a rule for {primitive.name}"
        expected = "the cotangent alone by position, as in (g, *, x)"
        raise RegistrationError(function.__name__, problem, got=signature, expected=expected)
    names = [p.name for p in asked if p.kind is p.KEYWORD_ONLY]
    wants_index = primitive.variadic and "index" in names
    if wants_index:
        names.remove("index")
    if any(p.kind is p.VAR_KEYWORD for p in asked):
        names += [name for name in primitive.parameters if name not in names]
    if (cotangent := by_position[0].name) in names:
        text = f"its cotangent is called {cotangent!r}, as a parameter of {primitive.name} is"
        raise RegistrationError(function.__name__, text, hint="give it another name")
    sources = tuple(_source(name, function.__name__, primitive, residuals) for name in names)
    return Rule(function, operand, sources, _caller(function, names, wants_index))


def _caller(
    function: Callable[..., Array], names: list[str], wants_index: bool
) -> Callable[[Array, dict[str, Any], int], Array]:
    """Return generated code that calls a rule with its names; passing a dict would cost more than the call."""
    passed = [f"{name}=saved[{name!r}]" for name in names] + ["index=position"] * wants_index
    text = f"lambda g, saved, position: rule({', '.join(['g', *passed])})"
    code = compile(text, __file__, "eval")
    caller: Callable[[Array, dict[str, Any], int], Array] = eval(code, {"rule": function})  # noqa: S307  # of names alone
    return caller


def _source(name: str, rule: str, primitive: Signature, residuals: tuple[str, ...]) -> Source:
    operands = primitive.operands
    stem = name if name in operands else name.removesuffix("_shape")
    if name in primitive.parameters:
        return Source(name, "parameter", primitive.parameters[name])
    if name in residuals:
        return Source(name, "residual", residuals.index(name))
    if name == "y":
        return Source(name, "output", None)
    if stem in operands and primitive.variadic:
        return Source(name, "operands" if name == stem else "shapes", None)
    if stem in operands:
        return Source(name, "operand" if name == stem else "shape", operands.index(stem))
    text = f"asks for {name!r}, which {primitive.name} does not have"
    raise RegistrationError(rule, text, hint=f"it can save {', '.join(_savable(primitive, residuals))}")


def _check_distinct(primitive: Signature, residuals: tuple[str, ...]) -> None:
    """Raise `RegistrationError` if a rule that asks for a name could mean one of two values."""
    names = [*_savable(primitive, residuals), *["index"] * primitive.variadic]
    for name in names:
        if names.count(name) > 1:
            raise RegistrationError(
                primitive.name, f"its rules could not tell two {name!r} apart", hint="rename one of them"
            )


def _savable(primitive: Signature, residuals: tuple[str, ...]) -> list[str]:
    shapes = [f"{operand}_shape" for operand in primitive.operands]
    return [*primitive.operands, *shapes, "y", *residuals, *primitive.parameters]
