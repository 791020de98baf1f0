"""A small vision transformer (Dosovitskiy et al. 2021)."""

from autograd_cnn import ops
from autograd_cnn.engine.composite import composite
from autograd_cnn.engine.node import Array, shape_of
from autograd_cnn.errors import ArgumentError, ShapeError
from autograd_cnn.nn import init
from autograd_cnn.nn.containers import Sequential
from autograd_cnn.nn.layers.convolution import Conv2d
from autograd_cnn.nn.layers.linear import Linear
from autograd_cnn.nn.layers.normalization import LayerNorm
from autograd_cnn.nn.layers.transformer import TransformerEncoderLayer
from autograd_cnn.nn.module import Module
from autograd_cnn.nn.parameter import Parameter
from autograd_cnn.parameters import Share, Size
from autograd_cnn.seeding import default_rng


class VisionTransformer(Module):
    """An image as a sequence of patches: patch and position embeddings, a transformer, and scores from their mean.

    The mean over all patches replaces a class token (Beyer et al. 2022).

    Parameters
    ----------
    in_channels, image_size, classes : int
        C; H and W; and the number of scores.
    patch_size : int
        The side of a patch, which must divide the image's.
    width, depth, heads : int
        The features per patch, the layers, and their attention heads.
    dropout : float
        Inside the layers, in training.
    rng : Generator, int or None

    Examples
    --------
    >>> import numpy as np
    >>> net = VisionTransformer(3, 8, 10, 4, width=8, depth=1, heads=2, rng=0)
    >>> net(np.zeros((2, 3, 8, 8), np.float32)).shape
    (2, 10)
    """

    @composite
    def __init__(
        self, in_channels: Size, image_size: Size, classes: Size, patch_size: Size, *, width: Size, depth: Size,
        heads: Size, dropout: Share = 0.0, rng: init.Rng = None,
    ) -> None:  # fmt: skip
        if image_size % patch_size:
            expected = f"a divisor of image_size, {image_size}"
            raise ArgumentError("VisionTransformer", "patch_size does not fit", expected=expected, got=patch_size)
        rng = default_rng(rng)
        count = (image_size // patch_size) ** 2
        self.patches = Conv2d(in_channels, width, patch_size, patch_size, rng=rng)
        self.positions = Parameter(init.normal((1, count, width), rng, std=0.02))
        self.layers = Sequential(*(
            TransformerEncoderLayer(
                width, heads, 4 * width, dropout, "gelu", batch_first=True, norm_first=True, rng=rng
            )
            for _ in range(depth)
        ))  # fmt: skip
        self.norm = LayerNorm(width)
        self.head = Linear(width, classes, rng=rng)

    def forward(self, x: Array) -> Array:
        """Return scores (N, K) for images ``x`` (N, C, H, W)."""
        maps = self.patches(x)  # (N, E, H / P, W / P)
        count, width, height, length = shape_of(maps)
        if height * length != self.positions.shape[1]:
            problem = "the image has the wrong size"
            expected = f"{self.positions.shape[1]} patches"
            raise ShapeError("VisionTransformer", problem, expected=expected, got=f"shape {shape_of(x)}")
        y = ops.swapaxes(ops.reshape(maps, shape=(count, width, height * length)), 1, 2) + self.positions  # (N, L, E)
        return self.head(ops.mean(self.norm(self.layers(y)), axis=1))


@composite
def tiny_vit(
    *, rng: init.Rng = None, in_channels: Size = 3, image_size: Size = 32, classes: Size = 10, patch_size: Size = 4,
    width: Size = 64, depth: Size = 4, heads: Size = 4, dropout: Share = 0.0,
) -> VisionTransformer:  # fmt: skip
    """A small vision transformer (Dosovitskiy et al. 2021): attention between the patches of an image.

    Parameters
    ----------
    rng : Generator, int or None
        Seeds all layers; see `autograd_cnn.nn.init`.
    in_channels : int
        C of the images (N, C, H, W).
    image_size : int
        H and W.
    classes : int
    patch_size : int
        The side of a patch.
    width, depth, heads : int
        The features per patch, the layers, and their attention heads.
    dropout : float
        Inside the layers, in training.

    Raises
    ------
    ArgumentError
        If the patches do not divide the image, or the heads the width.

    Examples
    --------
    >>> import numpy as np
    >>> net = tiny_vit(rng=0)
    >>> net(np.zeros((1, 3, 32, 32), np.float32)).shape
    (1, 10)
    >>> sum(p.size for p in net.parameters())
    207946
    """
    return VisionTransformer(
        in_channels, image_size, classes, patch_size, width=width, depth=depth, heads=heads, dropout=dropout, rng=rng
    )
