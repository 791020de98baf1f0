"""The parts of a captured graph: plain, frozen data without arrays."""

from base64 import b64decode
from dataclasses import dataclass
from typing import Literal, TypeAlias

from autograd_cnn.engine.node import Shape

Kind: TypeAlias = Literal["operation", "failure", "parameter", "input", "constant", "output", "gradient"]
Phase: TypeAlias = Literal["forward", "backward"]
Change: TypeAlias = Literal["same", "changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A downscaled view of an array of two or more axes.

    Its last two axes are the rows and columns of a plane, and each plane stands for a position along the other axes.
    Only the first few planes are kept; large planes are reduced to the means of blocks.

    Attributes
    ----------
    planes, rows, columns : int
        The size of the picture.
    block : (int, int)
        The rows and columns of the array over which each cell is the mean.
    scale : float
        The largest magnitude of a cell.
    cells : str
        The cells, row by row and plane by plane, as signed bytes in base64: ``round(127 · cell / scale)``, or -128 if a
        cell is not finite.
    """

    planes: int
    rows: int
    columns: int
    block: tuple[int, int]
    scale: float
    cells: str

    def is_whole(self) -> bool:
        """Return whether the number of cells matches the size."""
        sizes = (self.planes, self.rows, self.columns, *self.block)
        try:
            count = len(b64decode(self.cells, validate=True))
        except ValueError:
            return False
        return min(sizes) >= 1 and self.planes * self.rows * self.columns == count


@dataclass(frozen=True, slots=True)
class Summary:
    """Statistics of an array; non-finite elements count only as ``bad``.

    Attributes
    ----------
    min, max, mean, std, norm : float or None
        Over the finite elements; ``norm`` is the Euclidean norm. None if there are no such elements.
    bad : int
        The number of NaN or infinite elements.
    histogram : tuple of int
        Counts in equal bins from ``min`` to ``max``.
    picture : Picture or None
        None for numbers, vectors, and arrays without elements.
    """

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    norm: float | None
    bad: int
    histogram: tuple[int, ...]
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """A parameter of an operation, such as its stride, as text; the term is ONNX's."""

    name: str
    value: str
    default: bool
    """Whether the value is the operation's default."""


@dataclass(frozen=True, slots=True)
class Units:
    """The output channels of a correlation, or features of a matrix product, also in the operations that follow.

    Attributes
    ----------
    axis : int
        Their axis in the value.
    count : int
    dead : tuple of int
        Those with the same value for all samples and positions: a ReLU that never fires, a constant map.
    """

    axis: int
    count: int
    dead: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One node of a captured graph.

    Attributes
    ----------
    id : str
        ``n0``, ``n1``, … from the inputs to the output: the same for the same computation.
    kind : str
        ``"operation"``, ``"failure"`` (a call that raised an error), ``"parameter"`` (a leaf), ``"input"`` (an array
        that needs no gradient, or a leaf declared as input), ``"constant"`` (a number), ``"output"`` or ``"gradient"``
        (of a leaf).
    name : str
        The primitive's name, the tensor's, or the number.
    shape, dtype
        Of the value. A failure has no value; it gets those of a number.
    scope : str
        The module call that it belongs to: the ``scope`` of a `ModuleCall`, or empty.
    phase : str
        ``"forward"`` or ``"backward"``.
    pair : str or None
        For a node of the backward pass, the id of the forward node whose rule made it.
    parameters : tuple of Attribute
        The parameters that the tape saved.
    saved_bytes : int or None
        The bytes that the tape keeps alive for this operation: each array counts once, where it is first saved, and the
        values of leaves don't count. None after it has been freed.
    flops : int or None
        Multiplications and additions; counted only for products and correlations.
    time : float or None
        The duration of the call in seconds, under `autograd_cnn.graph.profile`.
    value, grad : Summary or None
        Of the value and of the gradient with respect to it. None if unknown.
    units : Units or None
        For the value of an operation in the forward pass; None if it has no such axis, or only one number per unit.
    origin : str or None
        The line of user code that recorded it, under `detect_anomaly`.
    problem : str or None
        What is wrong with it: what a check found, or the error that it raised.
    change : "same", "changed", "added", "removed" or None
        How it differs from the other graph's node, in the graph of a `difference`.
    changes : tuple of str
        What has changed in it.
    """

    id: str
    kind: Kind
    name: str
    shape: Shape
    dtype: str
    scope: str = ""
    phase: Phase = "forward"
    pair: str | None = None
    parameters: tuple[Attribute, ...] = ()
    saved_bytes: int | None = None
    flops: int | None = None
    time: float | None = None
    value: Summary | None = None
    grad: Summary | None = None
    units: Units | None = None
    origin: str | None = None
    problem: str | None = None
    change: Change | None = None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """One call of a module.

    Attributes
    ----------
    scope : str
        The dotted names of the enclosing calls and its own: the module's path, numbered from a module's second call on,
        as in ``decoder.cell#2``. A module that nothing holds is named after its class.
    path : str
        The module's path, as in a ``state_dict``.
    kind : str
        The module's class.
    number : int
        Which of the module's calls inside the enclosing call it is.
    attributes : tuple of Attribute
        The attributes of a node of an ONNX file.
    """

    scope: str
    path: str
    kind: str
    number: int
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """A value's flow: from the node ``source`` into ``argument`` of the node ``target``."""

    source: str
    target: str
    argument: str = ""
