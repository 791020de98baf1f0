"""The tensor: an array that remembers how it was computed.

Everything here is notation: each operator and method names the primitive that does the work.
"""

import operator
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from autograd_cnn import ops
from autograd_cnn.engine.abstract import AbstractArray
from autograd_cnn.engine.backward import as_tensor, cotangents_of, followers, tracked_tensors
from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Array, Leaf, Node, Shape, Traced, check_differentiable, tensor_of, values_of
from autograd_cnn.engine.recording import recording
from autograd_cnn.engine.signature import check_flag, copied
from autograd_cnn.engine.trace import RUNNING, current, reading
from autograd_cnn.errors import ArgumentError, GradientError, OperandError, ShapeError, raise_as, sentence
from autograd_cnn.parameters import Index
from autograd_cnn.spelling import ATTRIBUTES, Elsewhere
from autograd_cnn.tensor.numpy_functions import NumpyFunctions, plain_index
from autograd_cnn.tensor.numpy_methods import NumpyMethods
from autograd_cnn.tensor.operators import Operators
from autograd_cnn.tensor.readonly import ReadOnly
from autograd_cnn.tensor.torch_methods import TorchMethods, single

if TYPE_CHECKING:
    import graphviz


class Tensor(Operators, NumpyFunctions, NumpyMethods, TorchMethods):
    """An n-dimensional array that records what is computed from it.

    Parameters
    ----------
    data : array_like
        Numbers; they are copied, so no caller's array is shared.
    requires_grad : bool
        Record what is computed from this tensor, and fill its ``grad`` in `backward`.
    dtype : dtype, optional
        By default the dtype of ``data``; Python floats become float64.
    name : str, optional
        What to call it in a graph.

    Attributes
    ----------
    grad : Tensor or None
        The gradient accumulated by `backward`; None if there is none.
    name : str or None
        What to call it in a graph.
    node : Node or None
        Its node on the tape.

    Raises
    ------
    OperandError
        If ``data`` does not hold numbers or is masked, ``requires_grad`` is not a bool, or a gradient is requested for
        integers.
    GradientError
        If ``data`` is or contains a recorded tensor: the copy would have no gradient.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> x = ag.Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ("_grad", "name")

    _grad: "Tensor | None"
    name: str | None

    def __init__(
        self, data: ArrayLike, requires_grad: bool = False, dtype: DTypeLike | None = None, name: str | None = None
    ) -> None:
        if requires_grad is not False:
            check_flag(requires_grad)
        plain = data.value if isinstance(data, Traced) and data.node is None else data
        value = copied("tensor", plain, dtype)
        value.flags.writeable = False
        self.value = value[()]  # a 0-d array becomes a NumPy scalar, which computes far faster
        self._grad = None
        self.name = name
        self.node = Leaf(self) if requires_grad else None
        if RUNNING and (trace := current.get()) is not None and trace.knows(data):
            trace.add_copy(data, self.value)

    @classmethod
    def wrap(cls, value: Array, node: Node | None = None) -> Self:
        """Wrap ``value`` as it is, without a copy."""
        self = cls.__new__(cls)
        self.value = value
        self.node = node
        self._grad = None
        self.name = None
        return self

    # --- properties ---------------------------------------------------------------------------

    @property
    def data(self) -> NDArray[Any]:
        """The values, as a read-only array. Setting them, or ``t.data -= step``, does not change recorded values."""
        reading("data", self)
        return ReadOnly.of(self)

    @data.setter
    def data(self, values: ArrayLike) -> None:
        if not self.is_leaf:
            raise GradientError("data", "the values of a recorded result are fixed", hint="use detach() first")
        if isinstance(values, Tensor) and values.followed():
            raise _lost("the data of another")
        if isinstance(values, ReadOnly) and values.shown is not None:
            value = values.shown
        else:
            value = values.value if isinstance(values, Traced) else Tensor(values).value
        if RUNNING and (trace := current.get()) is not None:
            trace.add_call(self.take_values, (value,))
        leaf = self.node
        if leaf is None or (leaf.shape, leaf.dtype) == (value.shape, value.dtype):
            self.value = value
        else:
            check_differentiable(value.dtype, "data")
            self.value = value
            self.node = Leaf(self)

    def take_values(self, value: Array) -> None:
        """Take over an array of the same shape and dtype."""
        self.value = value

    @property
    def grad(self) -> "Tensor | None":
        """The gradient accumulated by `backward`; None if there is none. Set it to None to clear it."""
        return self._grad

    @grad.setter
    def grad(self, values: ArrayLike | None) -> None:
        if RUNNING and (trace := current.get()) is not None:
            trace.add_call(self.set_grad, (values,))
        if values is None:
            self._grad = None
            return
        g = values if isinstance(values, Tensor) else Tensor(values)
        if g.shape != self.shape:
            problem = "the shape is not the tensor's"
            raise ShapeError("grad", problem, expected=self.shape, got=g.shape, hint="set it to None to clear it")
        self._grad = g if g.dtype == self.dtype else g.astype(self.dtype)

    def set_grad(self, values: ArrayLike | None) -> None:
        """Set ``grad``."""
        self.grad = values

    @property
    def shape(self) -> Shape:
        """The lengths of the axes."""
        shape: Shape = self.value.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        dtype: np.dtype[Any] = self.value.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.value.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self.value.size)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow through here; can be set on a leaf."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        check_flag(wanted)
        if not self.is_leaf:
            hint = "use detach() for a result without history"
            raise GradientError("requires_grad", "only a leaf can change it", hint=hint)
        if wanted != (self.node is not None):
            self.node = Leaf(self) if wanted else None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set ``requires_grad``, and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it was created by the user, not by a recorded operation."""
        return self.node is None or isinstance(self.node, Leaf)

    def numpy(self) -> NDArray[Any]:
        """Return the values, as a read-only array: the explicit way to leave the tape."""
        reading("numpy()", self)
        value: NDArray[Any] = values_of(self).view()
        value.flags.writeable = False
        return value

    def item(self, *index: int) -> Any:
        """Return the only element, or the one at an index, as a Python number; an error wherever ``float`` is."""
        value = self._number()
        try:
            return value.item(*index) if index else single(value).item()
        except (IndexError, TypeError, ValueError) as error:
            raise_as("item", error, f"shape {value.shape}")
            raise

    def tolist(self) -> Any:
        """Return the values as nested lists; an error wherever ``float`` is."""
        return self._number().tolist()

    def detach(self) -> "Tensor":
        """Return a tensor with the same values and no history."""
        return Tensor.wrap(self.value)

    # --- gradients ----------------------------------------------------------------------------

    def backward(
        self,
        gradient: ArrayLike | None = None,
        retain_graph: bool = False,
        create_graph: bool = False,
        inputs: "Tensor | Sequence[Tensor] | None" = None,
    ) -> None:
        """Add the gradient of this tensor to ``grad`` of every leaf that it depends on.

        Parameters
        ----------
        gradient : array_like, optional
            The initial cotangent, of this tensor's shape; 1 for a single number.
        retain_graph : bool
            Keep what was saved, so that `backward` can be called again.
        create_graph : bool
            Record the backward pass, so that ``grad`` can itself be differentiated.
        inputs : sequence of Tensor, or Tensor, optional
            Fill only these tensors' ``grad``; they may be intermediate results. One that this tensor does not depend on
            keeps its ``grad``.

        Raises
        ------
        GradientError
            If nothing was recorded, the tensor is not a single number, the graph has been freed, or one of the inputs
            requires no gradient.

        Examples
        --------
        >>> import autograd_cnn as ag
        >>> x = ag.tensor(3.0, requires_grad=True)
        >>> (x**2).backward(create_graph=True)
        >>> x.grad.item(), ag.gradients(x.grad, [x])
        (6.0, [tensor(2.)])
        """
        nodes = None
        if inputs is not None:
            inputs = list({id(tensor): tensor for tensor in tracked_tensors(inputs, "inputs", "backward")}.values())
            if not inputs:
                raise GradientError("backward", "inputs is empty", hint="leave it out for every leaf")
            nodes = {tensor.node for tensor in inputs if tensor.node is not None}
        cotangents = cotangents_of(
            self,
            nodes,
            gradient,
            create_graph=create_graph,
            retain_graph=retain_graph or create_graph,
            where="backward",
        )
        if inputs is None:
            found: list[tuple[Traced | None, Array]] = [(tensor_of(node), g) for node, g in cotangents.items()]
        else:
            found = [(tensor, cotangents[tensor.node]) for tensor in inputs if tensor.node in cotangents]
        sums: list[tuple[Tensor, Tensor]] = []
        for tensor, cotangent in found:
            if isinstance(tensor, Tensor):
                g = as_tensor(cotangent, self)
                sums.append((tensor, g if tensor._grad is None else tensor._grad + g))  # noqa: SLF001  # our own
                if RUNNING and (trace := current.get()) is not None:
                    trace.add_gradient(tensor, tensor.add_grad, g)
        for tensor, total in sums:  # all of them, or none if adding fails
            tensor._grad = total  # noqa: SLF001  # the setter would check again

    def add_grad(self, g: Array) -> None:
        """Add a cotangent to ``grad``."""
        g = as_tensor(g, self)
        self._grad = g if self._grad is None else self._grad + g

    def register_hook(self, hook: Callable[["Tensor"], ArrayLike | None]) -> "Handle":
        """Run ``hook`` on this tensor's cotangent in every backward pass; what it returns replaces it.

        A leaf's hook runs as soon as its gradient is final. It may return a function, which is called at the end of the
        pass and returns the gradient. So gradients can be sent while others are computed.

        A step with hooks is not compiled, because a plan can't see what they do.

        Examples
        --------
        >>> import autograd_cnn as ag
        >>> x = ag.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda g: g * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        >>> handle.remove()
        """
        if not callable(hook):
            problem = "hook is not a function"
            raise OperandError("register_hook", problem, expected="a function of the gradient", got=type(hook).__name__)
        if self.node is None:
            raise GradientError("register_hook", "no gradient flows through this tensor")
        if self.node.hooks is None:
            self.node.hooks = []
        handle = Handle(self.node.hooks, hook)
        self.node.hooks.append(handle)
        return handle

    def retain_grad(self) -> None:
        """Fill ``grad`` of this intermediate result, too, also after in-place operations such as ``t *= 2``."""
        if self.node is not None:
            self.node.tensor = weakref.ref(self)

    def to_dot(self) -> "graphviz.Digraph":
        """Return a picture of the graph that led to this tensor; see `autograd_cnn.graph`.

        Examples
        --------
        >>> import autograd_cnn as ag
        >>> x = ag.tensor(3.0, requires_grad=True, name="x")
        >>> "square" in ag.square(x).to_dot().source
        True
        """
        from autograd_cnn.graph import capture  # noqa: PLC0415  # pictures are loaded when one is asked for

        return capture(self).to_dot()

    # --- elements --------------------------------------------------------------------------------

    def __getitem__(self, index: Index) -> "Tensor":
        return ops.getitem(self, index=plain_index(index))

    def __setitem__(self, index: Index, values: Any) -> None:
        self.rebind(ops.set_at(self, values, index=plain_index(index)))

    # --- assignment: the tensor moves on to a new result, and nothing recorded changes ----------

    def __iadd__(self, other: Any) -> Self:
        return self.rebind(self + other)

    def __isub__(self, other: Any) -> Self:
        return self.rebind(self - other)

    def __imul__(self, other: Any) -> Self:
        return self.rebind(self * other)

    def __itruediv__(self, other: Any) -> Self:
        return self.rebind(self / other)

    def rebind(self, result: "Tensor") -> Self:
        """Become a result, as in an in-place assignment; a leaf only takes its values, outside of recording."""
        leaf = isinstance(self.node, Leaf)
        if leaf and recording.get().enabled:
            problem = "a leaf that requires a gradient can't be assigned to while it is recorded"
            hint = "do it under no_grad(), or on a result computed from the leaf"
            raise GradientError("assignment", problem, hint=hint)
        if result.shape != self.shape:
            raise ShapeError("assignment", "the shape would change", expected=self.shape, got=result.shape)
        if result.dtype != self.dtype:
            if not np.can_cast(result.dtype, self.dtype, "same_kind"):
                raise OperandError("assignment", "the dtype would change", expected=self.dtype, got=result.dtype)
            result = ops.astype(result, dtype=self.dtype)
        if RUNNING and (trace := current.get()) is not None:
            trace.add_call(self.take_values, (result.value,))
        self.value = result.value
        if not leaf:
            if self.node is not None and self.node.tensor is not None and result.node is not None:
                self.node.tensor, result.node.tensor = None, self.node.tensor  # retain_grad() follows, too
            self.node = result.node
        return self

    # --- protocols ----------------------------------------------------------------------------

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        """Return the functions of the array API standard; see `autograd_cnn.array_api`."""
        from autograd_cnn import array_api  # noqa: PLC0415  # loaded on demand

        if api_version is not None and api_version > array_api.__array_api_version__:
            problem = "the standard is not there in this version"
            expected = f"at most {array_api.__array_api_version__!r}"
            raise ArgumentError("__array_namespace__", problem, got=repr(api_version), expected=expected)
        return array_api

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:
        """Export the values read-only; a consumer that does not support this gets a copy, unless it forbids copying."""
        if self.node is not None and recording.get().enabled:
            raise _lost("another library's array")
        reading("another library's array", self)
        value: Any = np.asarray(self.value)
        if copy is None and (max_version is None or max_version < (1, 0)):
            value = value.copy()
        return value.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return np.empty(0).__dlpack_device__()

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if self.node is not None and recording.get().enabled:
            raise _lost("a plain array")
        reading("a plain array", self)
        return np.array(self.value, dtype) if copy else np.asarray(self.value, dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy by value: a node on the tape belongs to one tensor only."""
        if not self.is_leaf or self.followed():
            problem = "a copy or a pickle of a recorded result would lose its history"
            raise GradientError("tensor", problem, hint="use .clone() to go on recording, or .detach() for the values")
        return type(self), (self.numpy(), self.requires_grad, self.dtype, self.name)

    def __copy__(self) -> "Tensor":
        if not self.is_leaf or self.followed():
            return ops.positive(self)
        return type(self)(self.numpy(), self.requires_grad, self.dtype, self.name)

    def __format__(self, spec: str) -> str:
        reading("a text", self)
        return format(single(self.value).item(), spec) if spec else str(self)

    def __len__(self) -> int:
        if not self.ndim:
            raise OperandError("tensor", "a number without axes has no length")
        return len(self.value)

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        reading("a branch", self)
        return bool(single(self.value))

    def _number(self) -> Array:
        """Return the value for use as a Python number, unless a transform would lose its gradient."""
        if self.followed():
            raise _lost("a Python number")
        reading("a Python number", self)
        return self.value

    def followed(self) -> bool:
        """Return whether a running transform, in any thread, tracks this tensor."""
        return recording.get().enabled and bool(followers([self.node]))

    def __float__(self) -> float:
        return float(single(self._number()))

    def __int__(self) -> int:
        return int(single(self._number()))

    def __round__(self, digits: int | None = None) -> Any:
        return round(single(self._number()).item(), digits)

    def __index__(self) -> int:
        if self.dtype.kind not in "iu" or self.ndim:
            raise OperandError(
                "tensor", "can't be an index", expected="one integer", got=f"shape {self.shape} of {self.dtype}"
            )
        reading("an index", self)
        return operator.index(self.value)

    def __repr__(self) -> str:
        if isinstance(self.value, AbstractArray):
            return f"tensor({self.value})"
        text = np.array2string(self.numpy(), separator=", ", prefix="tensor(", threshold=100, edgeitems=3)
        marks = [text]
        if self.dtype not in (np.float64, np.int64, np.bool_):
            marks.append(f"dtype={self.dtype}")
        if self.node is not None:
            primitive = self.node.primitive
            marks.append(f"op={primitive.name}" if primitive else "requires_grad=True")
        return f"tensor({', '.join(marks)})"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Show the values in a notebook, and a small graph as a picture below them."""
        from autograd_cnn.viz.notebook import of_tensor  # noqa: PLC0415  # as in `to_dot`

        return of_tensor(self)


Tensor.tensor_type = Tensor


@dataclass(frozen=True, slots=True, eq=False)  # a hook registered twice has two handles
class Handle:
    """The handle that `Tensor.register_hook` returns, to remove the hook."""

    hooks: list[Callable[[Array], Array | None]]
    hook: Callable[[Array], Array | None]

    def __call__(self, g: Array) -> Array | None:
        """Run the hook."""
        return self.hook(g)

    def remove(self) -> None:
        """Remove the hook; a second time has no effect."""
        if self in self.hooks:
            self.hooks.remove(self)


@parsed
def tensor(
    data: ArrayLike, requires_grad: bool = False, dtype: DTypeLike | None = None, name: str | None = None
) -> Tensor:
    """Copy ``data`` into a new `Tensor`.

    Parameters are those of `Tensor`.

    Examples
    --------
    >>> import autograd_cnn as ag
    >>> ag.tensor([1, 2, 3], dtype="float32", requires_grad=True)
    tensor([1., 2., 3.], dtype=float32, requires_grad=True)
    """
    return Tensor(data, requires_grad, dtype, name)


def _lost(kind: str) -> GradientError:
    return GradientError(
        sentence("tensor", f"as {kind} a recorded tensor would lose its gradient",
                 hint="join tensors with ag.stack and compute with ag's functions, or leave the tape by .detach() or .numpy()")
    )  # fmt: skip


for _name in vars(ops)["__all__"]:  # function only
    if _name not in ATTRIBUTES and not hasattr(Tensor, _name):
        setattr(Tensor, _name, Elsewhere(_name, f"use ag.{_name}"))
