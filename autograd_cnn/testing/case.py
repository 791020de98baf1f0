"""Sample calls of primitives, on which the laws are checked.

This package's own are in `autograd_cnn.testing.samples`; `add_samples` adds yours.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.primitive import REGISTRY, Primitive
from autograd_cnn.errors import OperandError, sentence

SAMPLES: Final[dict[Primitive, list["Case"]]] = {}
"""The sample calls of each primitive that has any."""


@dataclass(frozen=True)
class Case:
    """The arguments of one call.

    Attributes
    ----------
    arrays : tuple
        The operands, by position. Float arrays have gradients; ints, bools and None do not.
    params : dict
        The parameters, by name.
    linear : tuple of str
        The operands in which the primitive is linear or affine.
    """

    arrays: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)
    linear: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = ["x".join(map(str, np.shape(a))) or "0d" for a in self.arrays]
        shown += [f"{k}={v}" for k, v in self.params.items() if not isinstance(v, np.ndarray)]
        return ",".join(shown).replace(" ", "").replace("None", "-")

    @property
    def differentiable(self) -> list[int]:
        """The positions of the float arrays."""
        return [i for i, a in enumerate(self.arrays) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]

    def with_floats(self, change: Callable[[Any], Any], arrays: Sequence[Any] | None = None) -> list[Any]:
        """Return the arrays, or others in their places, those of floats changed."""
        given, floats = self.arrays if arrays is None else arrays, self.differentiable
        return [change(a) if i in floats else a for i, a in enumerate(given)]


def sample(*arrays: Any, **params: Any) -> Case:
    """Return the arguments of one call, its floats in float64 and its lists as arrays.

    Examples
    --------
    >>> case = sample([[1.0, 2.0]], [0, 1], axis=1)
    >>> print(case, case.differentiable)
    1x2,2,axis=1 [0]
    """
    return Case(tuple(map(_taken, arrays)), params)


def _taken(argument: Any) -> Any:
    if not isinstance(argument, (np.ndarray, list, tuple)):
        return argument
    array = np.asarray(argument)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def add_samples(primitive: Primitive, *calls: Case, linear: str = "") -> None:
    """Add sample calls on which the laws check a primitive.

    Arguments should be at least 0.1 away from kinks and ties, since differences step by 0.002; and
    arguments, results and derivatives should be of order 1. One sample of each relevant size is enough:
    some axes, none, an axis of length 0, broadcasting.

    Parameters
    ----------
    primitive : Primitive
        Your primitive.
    *calls : Case
        As returned by `sample`; each is one call.
    linear : str
        The names, separated by spaces, of the operands in which the primitive is linear or affine. For these
        the rule is also checked to be the adjoint.

    Raises
    ------
    OperandError
        If something is not a primitive, a call, or an operand.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> from autograd_cnn.testing import add_samples, sample
    >>> @ag.primitive
    ... def softsign(x):
    ...     return x / (1 + np.abs(x))
    >>> @softsign.vjp("x")
    ... def softsign_vjp_x(g, *, x):
    ...     return g / (1 + ag.abs(x)) ** 2
    >>> add_samples(softsign, sample([-2.0, 0.5]), sample([[1.0]]))

    With this in a module ``mypkg``, ``autograd-cnn check --module mypkg`` checks it.
    """
    if not isinstance(primitive, Primitive):
        raise OperandError(_refusal("not a primitive", "a function under @primitive", primitive))
    for each in calls:
        if not isinstance(each, Case):
            raise OperandError(_refusal(f"a sample of {primitive.name} is not a call", "sample(...)", each))
    operands = tuple(linear.split())
    for name in operands:
        if name not in primitive.operands:
            hint = f"it has {', '.join(primitive.operands)}"
            raise OperandError("add_samples", f"{primitive.name} has no operand {name!r}", hint=hint)
    SAMPLES.setdefault(primitive, []).extend(replace(each, linear=operands) for each in calls)


def _refusal(problem: str, expected: str, got: object) -> str:
    return sentence("add_samples", problem, expected=expected, got=type(got).__name__)


def registered_in(modules: Iterable[str]) -> dict[str, Primitive]:
    """Return the primitives that the modules and their submodules define, by dotted name.

    Examples
    --------
    >>> [primitive.name for primitive in registered_in(["autograd_cnn.ops.layer_norm"]).values()]
    ['layer_norm', 'layer_norm_wrt_input', 'layer_norm_wrt_affine']
    """
    within = tuple(f"{module}." for module in modules)
    return {name: primitive for name, primitive in REGISTRY.items() if f"{primitive.__module__}.".startswith(within)}
