"""Play the derivations of the documentation: ``python docs/pictures/play.py`` draws the moving pictures.

The pages that Sphinx builds have the players instead of these; see ``docs/conf.py``.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn
from autograd_cnn.viz import Derivation, play

HERE = Path(__file__).parent
FOLDER = HERE / "play"

PICTURES: dict[str, tuple[Callable[[], Derivation], int, int]] = {}
"""By name: what makes the derivation, the scene that the picture shows, and how high its player is, in rem."""


def picture(scene: int, height: int = 34) -> Callable[[Callable[[], Derivation]], Callable[[], Derivation]]:
    """Register a derivation under the name of its function."""

    def register(make: Callable[[], Derivation]) -> Callable[[], Derivation]:
        PICTURES[make.__name__] = (make, scene, height)
        return make

    return register


def leaf(values: object) -> ag.Tensor:
    """Return a tensor that wants a gradient."""
    return ag.tensor(np.array(values, float), requires_grad=True)


@picture(0)
def window() -> Derivation:
    """The 2×2 filter on 3×3 pixels, of the page on convolution."""
    x, w = leaf(np.arange(9).reshape(3, 3)), leaf([[1, 2], [3, 4]])
    return play(ag.correlate2d(x, w), gradient=np.array([[1.0, -2.0], [0.5, 3.0]]))


@picture(1, height=50)
def sensitivities() -> Derivation:
    """The worked 5×5 of the page on sensitivity maps."""
    x = leaf([[1, 0, 2, 1, 0], [0, 1, 0, 2, 1], [2, 0, 1, 0, 1], [1, 2, 0, 1, 0], [0, 1, 1, 0, 2]])
    w, b = leaf([[1, 0, -1], [2, 1, 0], [0, -1, 1]]), leaf([0])
    return play(ag.correlate2d(x, w, b), gradient=np.array([[1.0, 0, 2], [0, -1, 0], [3, 0, 1]]))


@picture(2, height=40)
def shared_weights() -> Derivation:
    """The same, for its filter's gradient."""
    return sensitivities()


@picture(0, height=46)
def strided() -> Derivation:
    """Three channels, two filters, stride 2 and padding 1, of the page on sensitivity maps."""
    rng = np.random.default_rng(7)
    x, w = leaf(rng.integers(0, 3, (3, 5, 5))), leaf(rng.integers(-1, 2, (2, 3, 3, 3)))
    b = leaf([1, -2])
    y = ag.correlate2d(x, w, b, stride=2, padding=1)
    return play(y, gradient=rng.integers(-2, 3, (2, 3, 3)).astype(float))


@picture(1, height=36)
def max_pooling() -> Derivation:
    """Overlapping windows, of the page on pooling; some pixels tie."""
    x = leaf([[1, 3, 2, 0], [4, 4, 5, 1], [0, 7, 1, 1], [6, 2, 0, 8]])
    return play(ag.max_pool(x, 3, stride=1, padding=1), gradient=np.arange(10.0, 170.0, 10.0).reshape(4, 4))


@picture(1)
def mean_pooling() -> Derivation:
    """Means of overlapping windows, of the same page."""
    x = leaf([[1, 3, 2, 0], [4, 2, 5, 1], [0, 7, 1, 1], [6, 2, 0, 8]])
    return play(ag.mean_pool(x, 2, stride=1), gradient=np.array([[4.0, 8, 0], [0, 4, 0], [12, 0, 4]]))


@picture(0)
def layer() -> Derivation:
    """A fully connected layer for two examples."""
    x, w, b = leaf([[1, 2], [0, -1]]), leaf([[1, -1], [2, 1], [0, 3]]), leaf([0, -1, 1])
    return play(ag.linear(x, w, b), gradient=np.array([[1.0, 0, 2], [0, -1, 1]]))


@picture(0, height=38)
def cross_entropy() -> Derivation:
    """The scores of the page on softmax, and its confident, wrong net."""
    scores = leaf([[1, -0.5, 2, 0], [10, 0, 0, 0]])
    return play(nn.cross_entropy(scores, [3, 1], reduction="sum"))


@picture(0)
def recurrent_step() -> Derivation:
    """One step of a recurrent layer of three units with two inputs."""
    rng = np.random.default_rng(0)
    W, U, b = leaf(rng.integers(-2, 3, (3, 2)) / 2), leaf(rng.integers(-2, 3, (3, 3)) / 2), leaf([0.5, 0, -0.5])  # noqa: N806
    x, h = leaf([1, -0.5]), leaf([0.5, 0, -1])
    return play(ag.tanh(W @ x + U @ h + b), gradient=np.array([1.0, 0.5, -1.0]))


@picture(1)
def rectified() -> Derivation:
    """A ReLU, of the page on activation functions."""
    x = leaf([[3, -1, 0, 2], [-2, 1, -4, 5]])
    return play(ag.relu(x), gradient=np.array([[1.0, 2, 3, -1], [2, -3, 1, 4]]))


@picture(1)
def batch_norm() -> Derivation:
    """Two channels of two images, of the page on normalisation."""
    x = leaf([[[[1, 3]], [[4, 0]]], [[[2, 6]], [[1, 1]]]])
    w, b = leaf([2, 1]), leaf([-1, 0])
    return play(ag.batch_norm(x, w, b), gradient=np.array([[[[1.0, 0]], [[2, 0]]], [[[-2, 0.5]], [[0, -1]]]]))


@picture(0)
def upsampling() -> Derivation:
    """The `up` operator, of the page on subsampling."""
    x = leaf([[[[1, -2], [3, 5]]]])
    y = nn.functional.interpolate(x, scale_factor=2)
    return play(y, gradient=np.arange(16.0).reshape(y.shape))


@picture(1)
def embedding() -> Derivation:
    """Three rows of a table, one of them twice, of the page on shared weights."""
    table = leaf([[0, 1], [2, -1], [1, 1], [3, 0]])
    return play(nn.functional.embedding(np.array([2, 0, 2]), table), gradient=np.array([[1.0, -1], [2, 0], [0.5, 3]]))


@picture(1, height=46)
def lstm() -> Derivation:
    """Three steps of an LSTM of two units, of the page on recurrent nets; only the last state is read."""
    rng = np.random.default_rng(1)
    layer, inputs = nn.LSTM(2, 2, rng=rng, dtype=np.float64), rng.integers(-2, 3, (3, 2)) / 2
    outputs, _ = layer(inputs)
    return play(outputs, gradient=np.array([[0.0, 0], [0, 0], [1, -1]]))


@picture(1, height=46)
def gru() -> Derivation:
    """The same of a GRU."""
    rng = np.random.default_rng(1)
    layer, inputs = nn.GRU(2, 2, rng=rng, dtype=np.float64), rng.integers(-2, 3, (3, 2)) / 2
    outputs, _ = layer(inputs)
    return play(outputs, gradient=np.array([[0.0, 0], [0, 0], [1, -1]]))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, (make, scene, _) in PICTURES.items():
        make().to_svg(FOLDER / f"{name}.svg", scene)
