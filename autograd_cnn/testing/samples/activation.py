"""Sample calls of the activations."""

from autograd_cnn import ops
from autograd_cnn.ops import activation
from autograd_cnn.testing.case import add_samples, sample
from autograd_cnn.testing.draw import Draw, broadcasting, elementwise

_draw = Draw("activation")
normal, spaced = _draw.normal, _draw.spaced

add_samples(ops.relu, *elementwise(spaced))
add_samples(ops.leaky_relu, *elementwise(spaced), sample(spaced(5), negative_slope=0.3))
add_samples(ops.hardtanh, *elementwise(spaced), sample(spaced(5), min_val=-0.5, max_val=0.25))
add_samples(ops.hardsigmoid, *elementwise(spaced))
add_samples(activation._hardsigmoid_backward, *broadcasting(normal, spaced), linear="g")  # noqa: SLF001
add_samples(activation._shrink, *elementwise(spaced), sample(spaced(5), lambd=0.25, bias=0.25))  # noqa: SLF001
add_samples(ops.hardswish, *elementwise(spaced))
add_samples(activation._hardswish_backward, *broadcasting(normal, spaced), linear="g")  # noqa: SLF001
add_samples(ops.elu, *elementwise(spaced), sample(spaced(5), alpha=0.5))
add_samples(ops.tanh, *elementwise(normal))
add_samples(ops.sigmoid, *elementwise(normal))
add_samples(activation._sigmoid_slope, *elementwise(normal))  # noqa: SLF001  # its rule has to be tried, too
add_samples(ops.softplus, *elementwise(normal))
add_samples(ops.silu, *elementwise(normal))
add_samples(ops.erf, *elementwise(normal), sample(spaced(40)))
add_samples(activation._gaussian, *elementwise(normal), sample(spaced(5), factor=0.5))  # noqa: SLF001
add_samples(ops.gelu, *elementwise(normal), sample(spaced(40)))
add_samples(activation._sigmoid_backward, *broadcasting(normal, normal), linear="g")  # noqa: SLF001
add_samples(activation._tanh_backward, *broadcasting(normal, normal), linear="g")  # noqa: SLF001
add_samples(activation._elu_backward, *broadcasting(normal, spaced), linear="g")  # noqa: SLF001
add_samples(activation._silu_backward, *broadcasting(normal, normal), linear="g")  # noqa: SLF001
add_samples(activation._gelu_backward, *broadcasting(normal, normal), linear="g")  # noqa: SLF001
add_samples(activation._gelu_tanh, *elementwise(normal), sample(spaced(40)))  # noqa: SLF001
add_samples(activation._gelu_tanh_backward, *broadcasting(normal, normal), linear="g")  # noqa: SLF001
