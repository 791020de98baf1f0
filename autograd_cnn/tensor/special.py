"""SciPy's special functions called on tensors: SciPy computes the values, and each function has a rule here.

Nothing else needs SciPy, so it is imported, and a function made a primitive, at the first call. The formulas are from
the NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov.
"""

import inspect
import math
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import Any, Final, TypeAlias

from autograd_cnn.engine.node import Array, Floats
from autograd_cnn.engine.primitive import Primitive, primitive
from autograd_cnn.ops import exp, log, log1p, sigmoid, sign

Slope: TypeAlias = Callable[..., Array]
"""The derivative with respect to one operand, as a function of the operands and the output ``y``, by name."""

_ROOT_PI: Final = math.sqrt(math.pi)
_ROOT_2PI: Final = math.sqrt(2 * math.pi)


_f: Final = sys.modules[__name__]
"""The namespace in which formulas find the functions."""

_SLOPES: Final[dict[str, tuple[Slope | None, ...]]] = {
    # Gamma and beta functions (5, 8): `psi` is digamma, and ``zeta(n + 1, x)`` is polygamma up to a factor.
    "gamma": (lambda x, y: y * _f.psi(x),),
    "gammaln": (lambda x: _f.psi(x),),  # noqa: PLW0108  # the names say what is saved
    "loggamma": (lambda x: _f.psi(x),),  # noqa: PLW0108
    "rgamma": (lambda x, y: -y * _f.psi(x),),
    "psi": (lambda x: _f.zeta(2.0, x),),
    "zeta": (None, lambda x1, x2: -x1 * _f.zeta(x1 + 1, x2)),
    "beta": (
        lambda x1, x2, y: y * (_f.psi(x1) - _f.psi(x1 + x2)),
        lambda x1, x2, y: y * (_f.psi(x2) - _f.psi(x1 + x2)),
    ),
    "betaln": (lambda x1, x2: _f.psi(x1) - _f.psi(x1 + x2), lambda x1, x2: _f.psi(x2) - _f.psi(x1 + x2)),
    "gammainc": (None, lambda x1, x2: exp(_f.xlogy(x1 - 1, x2) - x2 - _f.gammaln(x1))),
    "gammaincc": (None, lambda x1, x2: -exp(_f.xlogy(x1 - 1, x2) - x2 - _f.gammaln(x1))),
    "betainc": (
        None, None,
        lambda x1, x2, x3: exp(_f.xlogy(x1 - 1, x3) + _f.xlog1py(x2 - 1, -x3) - _f.betaln(x1, x2)),
    ),
    # Error functions and the normal distribution (7)
    "erfc": (lambda x: exp(-x * x) * (-2 / _ROOT_PI),),
    "erfcx": (lambda x, y: 2 * x * y - 2 / _ROOT_PI,),
    "erfi": (lambda x: exp(x * x) * (2 / _ROOT_PI),),
    "dawsn": (lambda x, y: 1 - 2 * x * y,),
    "erfinv": (lambda y: exp(y * y) * (_ROOT_PI / 2),),
    "erfcinv": (lambda y: exp(y * y) * (-_ROOT_PI / 2),),
    "ndtr": (lambda x: exp(x * x * -0.5) * (1 / _ROOT_2PI),),
    "log_ndtr": (lambda x, y: exp(x * x * -0.5 - y) * (1 / _ROOT_2PI),),
    "ndtri": (lambda y: exp(y * y * 0.5) * _ROOT_2PI,),
    # Logarithms of probabilities
    "logit": (lambda x: 1 / (x * (1 - x)),),
    "log_expit": (lambda x: sigmoid(-x),),
    "entr": (lambda x: -log(x) - 1,),
    "xlogy": (lambda x2: log(x2), lambda x1, x2: x1 / x2),  # noqa: PLW0108
    "xlog1py": (lambda x2: log1p(x2), lambda x1, x2: x1 / (1 + x2)),  # noqa: PLW0108
    "rel_entr": (lambda x1, x2: log(x1 / x2) + 1, lambda x1, x2: -x1 / x2),
    "kl_div": (lambda x1, x2: log(x1 / x2), lambda x1, x2: 1 - x1 / x2),
    # Exponential integrals (6)
    "exp1": (lambda x: -exp(-x) / x,),
    "expi": (lambda x: exp(x) / x,),
    # Bessel functions (10.6, 10.29); those with an e are scaled by an exponential
    "j0": (lambda x: -_f.j1(x),),
    "j1": (lambda x: (_f.j0(x) - _f.jv(2.0, x)) / 2,),
    "jv": (None, lambda x1, x2: (_f.jv(x1 - 1, x2) - _f.jv(x1 + 1, x2)) / 2),
    "y0": (lambda x: -_f.y1(x),),
    "y1": (lambda x: (_f.y0(x) - _f.yv(2.0, x)) / 2,),
    "yn": (None, lambda x1, x2: (_f.yv(x1 - 1, x2) - _f.yv(x1 + 1, x2)) / 2),
    "yv": (None, lambda x1, x2: (_f.yv(x1 - 1, x2) - _f.yv(x1 + 1, x2)) / 2),
    "i0": (lambda x: _f.i1(x),),  # noqa: PLW0108
    "i1": (lambda x: (_f.i0(x) + _f.iv(2.0, x)) / 2,),
    "iv": (None, lambda x1, x2: (_f.iv(x1 - 1, x2) + _f.iv(x1 + 1, x2)) / 2),
    "i0e": (lambda x, y: _f.i1e(x) - sign(x) * y,),
    "i1e": (lambda x, y: (_f.i0e(x) + _f.ive(2.0, x)) / 2 - sign(x) * y,),
    "ive": (None, lambda x1, x2, y: (_f.ive(x1 - 1, x2) + _f.ive(x1 + 1, x2)) / 2 - sign(x2) * y),
    "k0": (lambda x: -_f.k1(x),),
    "k1": (lambda x: (_f.k0(x) + _f.kv(2.0, x)) / -2,),
    "kv": (None, lambda x1, x2: (_f.kv(x1 - 1, x2) + _f.kv(x1 + 1, x2)) / -2),
    "k0e": (lambda x, y: y - _f.k1e(x),),
    "k1e": (lambda x, y: y - (_f.k0e(x) + _f.kve(2.0, x)) / 2,),
    "kve": (None, lambda x1, x2, y: y - (_f.kve(x1 - 1, x2) + _f.kve(x1 + 1, x2)) / 2),
}  # fmt: skip
"""Each function's derivatives with respect to its operands; None if there is no closed form, as for orders."""

SPECIAL: Final = frozenset(_SLOPES)
"""The functions' names, as in SciPy."""


@cache
def special(name: str) -> Primitive:
    """Return the function of `scipy.special` of this name as a primitive.

    Raises
    ------
    AttributeError
        If there is no such function with a rule.
    ImportError
        If SciPy is not installed.

    Examples
    --------
    >>> special("gammaln")([1.0, 3.0]).round(3)
    array([0.   , 0.693])
    """
    if name not in SPECIAL:
        raise AttributeError(name)
    compute, slopes = getattr(import_module("scipy.special"), name), _SLOPES[name]
    operands = ["x"] if len(slopes) == 1 else [f"x{i}" for i in range(1, len(slopes) + 1)]

    def forward(*arrays: Any) -> Array:
        return compute(*arrays)

    made = primitive(_named(forward, name, operands))
    made.__doc__ = f"`scipy.special.{name}`, element by element."
    for operand, slope in zip(operands, slopes, strict=True):
        if slope is not None:
            made.vjp(operand)(_rule(f"{name}_vjp_{operand}", slope))
    return made


__getattr__ = special  # primitives are pickled by their names here, too


def _rule(name: str, slope: Slope) -> Callable[..., Array]:
    """Return the rule that multiplies by a slope; it saves what the slope names."""

    def rule(g: Array, **saved: Array) -> Array:
        return g * slope(**saved)

    return _named(rule, name, ["g"], inspect.signature(slope).parameters)


def _named(
    function: Callable[..., Any], name: str, positional: Iterable[str], keywords: Iterable[str] = ()
) -> Callable[..., Any]:
    """Give a function this name and these arguments, as if it had been written with them."""
    kinds = dict.fromkeys(positional, inspect.Parameter.POSITIONAL_OR_KEYWORD) | dict.fromkeys(
        keywords, inspect.Parameter.KEYWORD_ONLY
    )
    function.__name__ = function.__qualname__ = name
    function.__annotations__ = dict.fromkeys(kinds, Floats)
    function.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n, kind in kinds.items()])  # type: ignore[attr-defined]
    return function
