"""Images of another size: interpolation and means over regions mix the rows first, then the columns."""

from autograd_cnn.ops.resampling import _resample
from autograd_cnn.viz.derivations.kind import IMAGES, Derived, plays
from autograd_cnn.viz.derivations.notation import adjoint, walk
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import NamedArray, Scene


@plays(_resample, batch=IMAGES)
def derive(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `resample`, for one image."""
    x, rows, columns = call.operand("x"), call.params["rows"].matrix, call.params["columns"].matrix
    maps = x.reshape(-1, *x.shape[-2:])
    arrays = {
        **call.both("x", "x", "the input", maps.shape),
        "R": NamedArray(rows.astype(call.y.dtype), "how much each row counts"),
        "C": NamedArray(columns.astype(call.y.dtype), "how much each column counts"),
        "t": NamedArray((rows @ maps).astype(call.y.dtype), "the rows, mixed"),
        "dt": NamedArray(
            (call.g.reshape(-1, *call.g.shape[-2:]) @ columns).astype(call.g.dtype), "∂L/∂t"
        ),
        **call.ends((len(maps), len(rows), len(columns))),
    }  # fmt: skip
    down, across = "t[c,i,q] = R[i,p] x[c,p,q]", "y[c,i,j] = t[c,i,q] C[j,q]"
    return arrays, [
        Scene.alone(
            "Forward", "t = R x, y = t Cᵀ", "Rows of the input are mixed, and then columns.",
            walk(down, arrays), walk(across, arrays),
        ),
        Scene.alone(
            "Backward", "The same mixtures, transposed", "Each pixel gets the sensitivities back, weighted as in the forward pass.",
            walk(adjoint(across, "t"), arrays), walk(adjoint(down, "x", g="dt"), arrays),
        ),
    ]  # fmt: skip
