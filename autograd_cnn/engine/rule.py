"""Rules: vector-Jacobian products, and what the tape saves for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from autograd_cnn.engine.node import Array


class Source(NamedTuple):
    """Where a saved value comes from when a call is recorded."""

    name: str
    kind: Literal["operand", "output", "shape", "parameter", "residual", "operands", "shapes"]
    key: Any
    """The operand's or residual's position; a parameter's default."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A vector-Jacobian product and what the tape must save for it."""

    function: Callable[..., Array]
    operand: str
    sources: tuple[Source, ...]
    names: tuple[str, ...]
    wants_index: bool
    """Whether a variadic operand's rule asks which of the arrays it is called for."""

    def __call__(self, g: Array, saved: dict[str, Any], position: int) -> Array:
        """Apply the rule to the cotangent ``g``."""
        if self.wants_index:
            return self.function(g, index=position, **saved)
        if len(saved) == len(self.names):
            return self.function(g, **saved)
        if len(self.names) == 1:  # the common case of a product's rules, without a loop
            (name,) = self.names
            return self.function(g, **{name: saved[name]})
        return self.function(g, **{name: saved[name] for name in self.names})
