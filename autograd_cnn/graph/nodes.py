"""What a captured graph consists of: plain, frozen data that no array hides in."""

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

    Its last two axes are rows and columns of a plane, and each plane stands for a position along
    the axes before. Only the first few planes are kept, and of a large plane the means of blocks.

    Attributes
    ----------
    planes, rows, columns : int
        The size of the picture.
    block : (int, int)
        How many rows and columns of the array each cell is the mean of.
    scale : float
        The largest magnitude of a cell.
    cells : str
        The cells, row by row and plane by plane, as signed bytes in base64: ``round(127 · cell / scale)``,
        and -128 where a cell is not finite.
    """

    planes: int
    rows: int
    columns: int
    block: tuple[int, int]
    scale: float
    cells: str

    def is_whole(self) -> bool:
        """Return whether there are as many cells as the size says."""
        sizes = (self.planes, self.rows, self.columns, *self.block)
        try:
            count = len(b64decode(self.cells, validate=True))
        except ValueError:
            return False
        return min(sizes) >= 1 and self.planes * self.rows * self.columns == count


@dataclass(frozen=True, slots=True)
class Summary:
    """Statistics of an array; elements that are not finite count only as ``bad``.

    Attributes
    ----------
    min, max, mean, std, norm : float or None
        Over the finite elements; ``norm`` is the Euclidean one. None where there are no such elements.
    bad : int
        How many elements are NaN or infinite.
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
    """A parameter of an operation, such as its stride, as text; the word is ONNX's."""

    name: str
    value: str
    default: bool
    """Whether the value is the operation's default."""


@dataclass(frozen=True, slots=True)
class Units:
    """The channels that a correlation makes, or the features that a product makes, also in what follows it.

    Attributes
    ----------
    axis : int
        Which axis of the value they are.
    count : int
    dead : tuple of int
        Those that have one value for all samples and at all positions: a ReLU that never fires, a constant map.
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
        ``n0``, ``n1``, … from the inputs to the output: the same whenever the same is computed.
    kind : str
        ``"operation"``, ``"failure"`` (a call that raised an error), ``"parameter"`` (a leaf), ``"input"`` (an array that wants no gradient, or a
        leaf declared as input), ``"constant"`` (a number), ``"output"`` or ``"gradient"`` (what
        the backward pass finds for a leaf).
    name : str
        The primitive's name, the tensor's, or the number.
    shape, dtype
        Of the value. A failure has none: its are those of a number.
    scope : str
        The call of a module that it belongs to: the ``scope`` of a `ModuleCall`, or empty.
    phase : str
        ``"forward"`` or ``"backward"``.
    pair : str or None
        For a node of the backward pass, the id of the forward node whose rule made it.
    parameters : tuple of Attribute
        Those that the tape saved.
    saved_bytes : int or None
        What the tape keeps alive for this operation: each array counts once, where it is saved
        first, and the values of leaves don't count. None where it has been freed.
    flops : int or None
        Multiplications and additions, where they are counted: products and correlations.
    time : float or None
        Seconds that the call took, under `autograd_cnn.graph.profile`.
    value, grad : Summary or None
        Of the value and of the gradient with respect to it. None where it is not known.
    units : Units or None
        Of the value of an operation of the forward pass; None where it has no such axis, or only one number a unit.
    origin : str or None
        The line of user code that recorded it, under `detect_anomaly`.
    problem : str or None
        What is wrong with it: what a check has found, or the error that it raised.
    change : "same", "changed", "added", "removed" or None
        How it differs from another graph's node, in the graph of a `difference`.
    changes : tuple of str
        What of it has changed.
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
        The dotted names of the calls around and of its own: the module's path, but from the second call of a module
        on with a number, as in ``decoder.cell#2``. A module that nothing holds is called by its class.
    path : str
        The module's path, as in a ``state_dict``.
    kind : str
        The module's class.
    number : int
        Which call of the module it is, inside of the call around.
    attributes : tuple of Attribute
        Those of a node of an ONNX file.
    """

    scope: str
    path: str
    kind: str
    number: int
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """What flows where: from the node ``source`` into ``argument`` of the node ``target``."""

    source: str
    target: str
    argument: str = ""
