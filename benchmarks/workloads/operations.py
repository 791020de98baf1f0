"""Single operations with their gradients."""

from benchmarks.layers import Shape
from benchmarks.tasks import Operation
from benchmarks.workload import Case, Workload

MAPS = (64, 32, 32, 32)
ROWS = (128, 1000)

ON_MAPS = (
    "exp",
    "tanh",
    "sigmoid",
    "relu",
    "leaky_relu",
    "relu6",
    "elu",
    "gelu",
    "silu",
    "softplus",
    "max_pool 2×2",
    "mean_pool 2×2",
    "sum",
    "mean over maps",
    "transpose",
)
"""Of one operand, with axes for images, channels, rows and columns."""


def _case(name: str, *shapes: Shape, labels: bool = False) -> Case:
    sizes = ", ".join("×".join(map(str, shape)) for shape in shapes if len(shape) > 1)
    return Case(f"{name}, {sizes}", Operation(name, shapes, labels))


WORKLOAD = Workload(
    title="Single operations, forward and backward",
    cases=(
        *(_case(name, MAPS) for name in ON_MAPS),
        *(_case(name, MAPS, MAPS) for name in ("add", "multiply", "concatenate")),
        *(_case(name, MAPS, (32, 1, 1)) for name in ("add", "multiply")),
        _case("divide", (512, 512), (512, 512)),
        *(_case(name, (128, 512)) for name in ("gelu", "silu", "sigmoid", "max over a row", "variance over a row")),
        _case("softmax", (64, 4, 64, 64)),
        *(_case(name, ROWS) for name in ("softmax", "log_softmax")),
        _case("cross_entropy", ROWS, labels=True),
        *(_case(name, ROWS, ROWS) for name in ("mse_loss", "huber_loss", "bce_with_logits")),
        _case("batch_norm", MAPS, (32,), (32,)),
        _case("layer_norm", (16, 64, 128), (128,), (128,)),
        _case("max_pool 3×3 / 2", (8, 64, 56, 56)),
        *(_case("matmul", (size, size), (size, size)) for size in (64, 512)),
        _case("matmul", (64, 64, 64), (64, 64, 64)),
        _case("linear", (128, 512), (512, 512), (512,)),
        _case("linear", (1, 512), (512, 512), (512,)),
    ),
    turn=0.1,
    quick=3,
    max_rounds=3,
)
