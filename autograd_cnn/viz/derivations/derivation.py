"""The derivation of one recorded call, and its output: as a page, as an animated picture, in a notebook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from autograd_cnn.engine.composite import parsed
from autograd_cnn.engine.node import Array, Traced
from autograd_cnn.errors import ArgumentError, printable
from autograd_cnn.files import AnyPath, write
from autograd_cnn.parameters import Count, Number
from autograd_cnn.viz.derivations import kinds  # noqa: F401  # what they register can be played
from autograd_cnn.viz.derivations.animation import animate
from autograd_cnn.viz.derivations.page import page
from autograd_cnn.viz.derivations.recorded import Recorded, call_of, check_unchanged, sensitivities
from autograd_cnn.viz.derivations.walk import NamedArray, Scene, as_shown
from autograd_cnn.viz.derivations.which import find
from autograd_cnn.viz.web.showing import frame


@dataclass(frozen=True, repr=False)
class Derivation:
    """How one recorded call computed its result, and its rules their gradients, in steps.

    A notebook shows it as a player. ``play`` makes it.

    Attributes
    ----------
    title : str
        The primitive that was called, and the module.
    text : str
        Which example it is, and of what the sensitivities are the derivatives.
    arrays : dict of str to NamedArray
        By their symbols in formulas.
    scenes : sequence of Scene

    Raises
    ------
    ArgumentError
        If an array that a panel shows, reads or fills is not there, or not among those that it shows.
    """

    title: str
    text: str
    arrays: Mapping[str, NamedArray]
    scenes: Sequence[Scene]

    def __post_init__(self) -> None:
        for panel in (panel for scene in self.scenes for panel in scene.panels):
            for name in chain(panel.arrays, *(walk.arrays for walk in panel.walks)):
                if name not in self.arrays or name not in panel.arrays:
                    hint = "what a panel shows, reads and fills is named by it, and is among the derivation's arrays"
                    raise ArgumentError("Derivation", f"{panel.title!r} lacks the array {name!r}", hint=hint)

    def __repr__(self) -> str:
        return f"<Derivation of {printable(self.title)}: {', '.join(f'{scene.title} ({len(scene)})' for scene in self.scenes)}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """Return what a notebook shows: the page, in a frame."""
        return {"text/plain": repr(self), "text/html": frame(self._page(), title=self.title, height=620)}

    def _page(self) -> str:
        return page(self.title, self.text, self.arrays, self.scenes)

    @parsed
    def to_html(self, path: AnyPath) -> Path:
        """Write the derivation as a page to play: one file, which works offline.

        Parameters
        ----------
        path : path

        Returns
        -------
        Path

        Raises
        ------
        ArgumentError
            If the name does not end in .html.
        OSError
            If the file can't be written.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> import autograd_cnn as ag
        >>> w = ag.tensor(np.ones((2, 2)), requires_grad=True)
        >>> y = ag.correlate2d(np.arange(9.0).reshape(3, 3), w)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     play(y).to_html(f"{folder}/convolution.html").name
        'convolution.html'
        """
        return write("to_html", path, ".html", self._page())

    @parsed
    def to_svg(self, path: AnyPath, scene: Count = 0, *, seconds: Number = 0.8) -> Path:
        """Write one scene as an animated picture, for slides and for pages without scripts.

        Parameters
        ----------
        path : path
        scene : int
            The index of the scene.
        seconds : float
            How long each step is shown, from 0.001 to 3600.

        Returns
        -------
        Path

        Raises
        ------
        ArgumentError
            If the name does not end in .svg, there is no such scene, it has too many steps or cells for a picture, or the
            time is out of range.
        OSError
            If the file can't be written.
        """
        if not -len(self.scenes) <= scene < len(self.scenes):
            raise ArgumentError("to_svg", "there is no such scene", expected=f"0 to {len(self.scenes) - 1}", got=scene)
        return write("to_svg", path, ".svg", animate(self.title, self.arrays, self.scenes[scene], seconds))


@parsed
def play(
    output: Traced,
    call: Traced | str | None = None,
    *,
    gradient: Array | None = None,
    example: Count | None = None,
) -> Derivation:
    """Show a recorded call step by step, forward and backward, as a derivation to play.

    A window slides over the image, products are added up, sensitivities spread and meet. The result's ``to_html``
    writes this as a page, ``to_svg`` as an animated picture, and a notebook shows it directly. It plays convolutions
    (`correlate2d`, and transposed, `correlate2d_wrt_input`), `max_pool`, `mean_pool` and its adjoint, what `nn.fuse`
    joins, fully connected layers (`linear`, `matmul`), `softmax_cross_entropy`, `lstm`, `gru` and steps of other
    recurrent layers (`tanh`, `sigmoid` or `relu` of a sum of products), ``batch_norm`` and ``layer_norm``; and, on
    request or if there is nothing else, activation functions, `softmax`, `log_softmax`, `getitem`, ``sum`` and ``mean``.

    Parameters
    ----------
    output : Tensor
        A result or a loss: where the backward pass begins. A graph that a backward pass has freed can't be shown.
    call : Tensor or str, optional
        Which of the calls that the output depends on: the tensor that it returned; or the name of a module's call, as
        in `graph.capture`, of a module's class, or of a primitive. If several fit, the last one is played; by default,
        the last one that can be played.
    gradient : array, optional
        The cotangent of the output, as for `Tensor.backward`. By default all ones: the gradient of the output's sum is
        played.
    example : int, optional
        Which image or sequence of a batch; by default the first. The weights' gradients are for this one alone.

    Returns
    -------
    Derivation

    Raises
    ------
    OperandError
        If the output is not a tensor, or the call is neither a tensor nor a name.
    ArgumentError
        If no such call can be played, there is no such example, or the call is too large to look at.
    GradientError
        If nothing was recorded, the graph has been freed, or the tape did not keep an operand.
    ShapeError
        If the gradient does not have the output's shape.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_cnn as ag
    >>> x = ag.tensor(np.arange(9.0).reshape(3, 3), requires_grad=True)
    >>> y = ag.correlate2d(x, np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> play(y, gradient=[[1.0, 0.0], [0.0, -1.0]])
    <Derivation of correlate2d: Forward (4), Backward, to the input (9), Backward, to the filter (4), Backward, side by side (9)>
    """
    node, kind, where = find(output, call)
    g = sensitivities(output, node, gradient)
    if not g.size:
        raise ArgumentError("viz.play", "the result of the call has no elements")
    recorded = Recorded(call_of(node), g)
    for tensor in (output, call):
        if isinstance(tensor, Traced) and tensor.node is node:
            check_unchanged(recorded, tensor.value)
    chosen, which = kind.choose(recorded, example)
    arrays, scenes = kind.derive(chosen)
    title = f"{recorded.inner.primitive.name}{f' in {where}' if where else ''}"
    shown = {name: as_shown(array) for name, array in arrays.items()}
    return Derivation(title, f"{which}{_loss(output, gradient)}", shown, scenes)


def _loss(output: Traced, gradient: Array | None) -> str:
    """Say of what the sensitivities are the derivatives."""
    if gradient is not None:
        return "the gradient of the output was given"
    return "L is the output" if not output.value.shape else "L is the sum of the output"
