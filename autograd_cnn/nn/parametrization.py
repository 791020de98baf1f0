"""Weights that are computed from other parameters whenever they are read: `weight_norm` and `spectral_norm`.

The layer becomes an instance of a subclass whose ``weight`` is a property. So its ``forward`` is unchanged, the
weight's inputs are among its parameters and buffers, and copies, pickles and states need no special care. Names are
PyTorch's.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array
from autograd_cnn.engine.trace import Held, fresh
from autograd_cnn.errors import ArgumentError, require
from autograd_cnn.nn import init
from autograd_cnn.nn.layers.convolution import TransposedConvolution
from autograd_cnn.nn.module import Module
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Count, NotNegative, Size, integer
from autograd_cnn.seeding import default_rng

M = TypeVar("M", bound=Module)

FIRST_ITERATIONS = 15
"""Steps of the power method for the first estimate."""


@composite
def weight_norm(module: M, name: str = "weight", dim: Count | None = 0) -> M:
    """Let a module learn the lengths and the directions of a weight's vectors separately (Salimans & Kingma 2016).

    ``weight = weight_g * weight_v / norm(weight_v)``, where the norm is over all axes except ``dim``.

    Parameters
    ----------
    module : Module
        It is changed.
    name : str
        The parameter. It is replaced by the parameters ``name_g`` and ``name_v``.
    dim : int, optional
        The axis that counts the vectors; None for one norm over everything.

    Returns
    -------
    Module
        ``module``

    Raises
    ------
    OperandError
        If it is not a module.
    ArgumentError
        If it has no parameter of this name, or the parameter has no such axis.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> layer = nn.utils.weight_norm(nn.Linear(2, 3, rng=0))
    >>> list(layer.state_dict()), layer.weight_g.shape
    (['bias', 'weight_g', 'weight_v'], (3, 1))
    """
    weight = _parameter("weight_norm", module, name)
    axes = None if dim is None else tuple(i for i in range(weight.ndim) if i != _axis("weight_norm", dim, weight))
    kind = _WeightNorm(name, axes)
    delattr(module, name)
    setattr(module, f"{name}_g", Parameter(kind.norm(weight.numpy())))
    setattr(module, f"{name}_v", weight)
    return _changed(module, kind)


@composite
def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: Size = 1,
    eps: NotNegative = 1e-12,
    dim: Count | None = None,
    *,
    rng: init.Rng = None,
) -> M:
    """Divide a weight by its largest singular value (Miyato et al. 2018).

    The singular vectors are buffers; in training mode, each read advances them by some steps of the power method.

    Parameters
    ----------
    module : Module
        It is changed.
    name : str
        The parameter. It is replaced by the parameter ``name_orig`` and the buffers ``name_u`` and ``name_v``.
    n_power_iterations : int
        Steps per read.
    eps : float
        Keeps divisions away from 0.
    dim : int, optional
        The axis of the outputs, which are the rows of the matrix; by default 0, and 1 for transposed convolutions.
    rng : Generator, int or None
        Draws the initial vectors.

    Returns
    -------
    Module
        ``module``

    Raises
    ------
    OperandError
        If it is not a module.
    ArgumentError
        If it has no parameter of this name, or the parameter has no such axis.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> layer = nn.utils.spectral_norm(nn.Linear(2, 3, rng=0), rng=0)
    >>> list(layer.state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    >>> float(np.linalg.svd(layer.weight.numpy())[1][0].round(4))
    1.0
    """
    weight = _parameter("spectral_norm", module, name)
    if dim is None:
        dim = int(isinstance(module, TransposedConvolution))
    kind = _SpectralNorm(name, _axis("spectral_norm", dim, weight), n_power_iterations, eps)
    matrix, drawn = kind.matrix(weight.numpy()), default_rng(rng)
    u, v = (drawn.standard_normal(length).astype(weight.dtype) for length in matrix.shape)
    u, v = _iterated(matrix, u, v, FIRST_ITERATIONS, eps)
    delattr(module, name)
    setattr(module, f"{name}_orig", weight)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    return _changed(module, kind)


@composite
def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make the weight a parameter again, with its current values.

    Raises
    ------
    ArgumentError
        If `weight_norm` was not applied.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> list(remove_weight_norm(weight_norm(nn.Linear(2, 3))).state_dict())
    ['bias', 'weight']
    """
    return _removed("remove_weight_norm", module, name, _WeightNorm, ("g", "v"))


@composite
def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make the weight a parameter again, with its current values.

    Raises
    ------
    ArgumentError
        If `spectral_norm` was not applied.

    Examples
    --------
    >>> from autograd_cnn import nn
    >>> list(remove_spectral_norm(spectral_norm(nn.Linear(2, 3))).state_dict())
    ['bias', 'weight']
    """
    return _removed("remove_spectral_norm", module, name, _SpectralNorm, ("orig", "u", "v"))


# --- how a weight is computed -----------------------------------------------------------------


@dataclass(frozen=True)
class _WeightNorm:
    name: str
    axes: tuple[int, ...] | None

    def norm(self, v: Array) -> Array:
        return ops.sqrt(ops.sum(ops.square(v), axis=self.axes, keepdims=True))

    def __call__(self, module: Any) -> Array:
        v = getattr(module, f"{self.name}_v")
        return v * (getattr(module, f"{self.name}_g") / self.norm(v))


@dataclass(frozen=True)
class _SpectralNorm:
    name: str
    dim: int
    iterations: int
    eps: float

    def matrix(self, weight: Any) -> Any:
        """Return the weight as a matrix with outputs as rows, (F, everything else)."""
        return np.moveaxis(weight, self.dim, 0).reshape(weight.shape[self.dim], -1)

    def __call__(self, module: Any) -> Array:
        weight = getattr(module, f"{self.name}_orig")
        return weight / ops.sum(weight * fresh(self.outer, Held(module)))  # u·Wv is the largest singular value

    def outer(self, module: Any) -> Array:
        """In training mode, advance the vectors; return their outer product in the weight's shape."""
        weight, names = getattr(module, f"{self.name}_orig"), (f"{self.name}_u", f"{self.name}_v")
        u, v = (getattr(module, name) for name in names)
        if module.training:
            u, v = _iterated(self.matrix(weight.data), u, v, self.iterations, self.eps)
            module.set_buffers(**dict(zip(names, (u, v), strict=True)))
        rows = weight.shape[self.dim : self.dim + 1] + tuple(np.delete(weight.shape, self.dim).tolist())
        return np.array(np.moveaxis(np.outer(u, v).reshape(rows), 0, self.dim), order="C")


def _iterated(matrix: Any, u: Any, v: Any, count: int, eps: float) -> tuple[Any, Any]:
    """Return approximate singular vectors of the largest singular value, by the power method."""
    for _ in range(count):
        v = _normalized(matrix.T @ u, eps)
        u = _normalized(matrix @ v, eps)
    return u, v


def _normalized(vector: Any, eps: float) -> Any:
    return vector / np.maximum(np.linalg.norm(vector), vector.dtype.type(eps))


# --- the subclass -----------------------------------------------------------------------------


class _Parametrized(Module):
    """The base of the subclasses."""

    _base: type[Module]
    _kind: Any

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copy and pickle the layer by its original class, which can be imported, and its parametrisation."""
        return _made, (self._base, self._kind), vars(self)

    def extra_repr(self) -> str:
        """Return the layer's own text, and how its weight is computed."""
        told = {_WeightNorm: "weight_norm", _SpectralNorm: "spectral_norm"}[type(self._kind)]
        return ", ".join(filter(None, (super().extra_repr(), told)))


_CLASSES: dict[tuple[type[Module], Any], type[Module]] = {}
"""The subclasses made so far, so that equal layers share a class."""


def _class(base: type[Module], kind: Any) -> type[Module]:
    """Return the subclass whose weight is computed."""
    if (base, kind) not in _CLASSES:
        made = {"_base": base, "_kind": kind, kind.name: property(kind), "__module__": base.__module__}
        _CLASSES[base, kind] = type(base.__name__, (_Parametrized, base), made)
    return _CLASSES[base, kind]


def _made(base: type[Module], kind: Any) -> Module:
    found = _class(base, kind)
    return found.__new__(found)


def _changed(module: M, kind: Any) -> M:
    module.__class__ = _class(type(module), kind)  # type: ignore[assignment]  # a subclass
    return module


def _removed(where: str, module: M, name: str, kind: Any, parts: tuple[str, ...]) -> M:
    found: Any = getattr(module, "_kind", None)
    if not (isinstance(found, kind) and found.name == name):
        raise ArgumentError(where, f"{name!r} of {type(module).__name__} is not computed by it")
    mode, module.training = module.training, False
    values = getattr(module, name).numpy()
    module.training = mode
    module.__class__ = module._base  # type: ignore[attr-defined]  # noqa: SLF001  # our own
    for part in parts:
        delattr(module, f"{name}_{part}")
    setattr(module, name, Parameter(values))
    return module


def _parameter(where: str, module: Any, name: str) -> Parameter:
    require(isinstance(module, Module), where, "module is not a module", "a Module", module)
    found = vars(module).get(name)
    if isinstance(module, _Parametrized):
        raise ArgumentError(where, f"a weight of {type(module).__name__} is computed already")
    if not isinstance(found, Parameter):
        raise ArgumentError(where, f"{type(module).__name__} has no parameter {name!r}",
                            hint=f"it has {', '.join(n for n, _ in module.named_parameters()) or 'none'}")  # fmt: skip
    return found


def _axis(where: str, dim: int, weight: Parameter) -> int:
    if not -weight.ndim <= integer(where, "dim", dim) < weight.ndim:
        raise ArgumentError(where, "dim is out of range", expected=f"{-weight.ndim} to {weight.ndim - 1}", got=dim)
    return dim % weight.ndim
