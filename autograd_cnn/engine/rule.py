"""Gradient rules: vector-Jacobian products, and what the tape saves for them."""

import inspect
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from autograd_cnn.engine.node import Array
from autograd_cnn.engine.signature import Signature
from autograd_cnn.errors import RegistrationError, sentence


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
        raise RegistrationError(sentence(where, "not a rule with a name", expected="a function made by def", got=got))
    signature = inspect.signature(function)
    asked = signature.parameters.values()
    by_position = [p for p in asked if p.kind not in {p.KEYWORD_ONLY, p.VAR_KEYWORD}]
    if [p.kind for p in by_position] != [inspect.Parameter.POSITIONAL_OR_KEYWORD]:
        problem = f"is not a rule for {primitive.name}"
        expected = "the cotangent alone by position, as in (g, *, x)"
        raise RegistrationError(sentence(function.__name__, problem, got=signature, expected=expected))
    names = [p.name for p in asked if p.kind is p.KEYWORD_ONLY]
    wants_index = primitive.variadic and "index" in names
    if wants_index:
        names.remove("index")
    if any(p.kind is p.VAR_KEYWORD for p in asked):
        names += [name for name in primitive.parameters if name not in names]
    if (cotangent := by_position[0].name) in names:
        text = f"its cotangent is called {cotangent!r}, as a parameter of {primitive.name} is"
        raise RegistrationError(sentence(function.__name__, text, hint="give it another name"))
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
    raise RegistrationError(sentence(rule, text, hint=f"it can save {', '.join(_savable(primitive, residuals))}"))


def check_distinct(primitive: Signature, residuals: tuple[str, ...]) -> None:
    """Raise `RegistrationError` if a rule that asks for a name could mean one of two values."""
    names = [*_savable(primitive, residuals), *["index"] * primitive.variadic]
    for name in names:
        if names.count(name) > 1:
            raise RegistrationError(
                sentence(primitive.name, f"its rules could not tell two {name!r} apart", hint="rename one of them")
            )


def _savable(primitive: Signature, residuals: tuple[str, ...]) -> list[str]:
    shapes = [f"{operand}_shape" for operand in primitive.operands]
    return [*primitive.operands, *shapes, "y", *residuals, *primitive.parameters]
