"""Single operations with their gradients."""

from benchmarks.layers import Shape
from benchmarks.tasks import Operation
from benchmarks.workload import Case, Workload

MAPS = (64, 32, 32, 32)
ROWS = (128, 1000)
PIXELS = (8, 21, 64, 64)

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
    "mish",
    "hardswish",
    "hardsigmoid",
    "softplus",
    "softshrink",
    "hardshrink",
    "abs",
    "clip",
    "square",
    "max_pool 2×2",
    "mean_pool 2×2",
    "interpolate ×2, nearest",
    "interpolate ×2, bilinear",
    "pad",
    "slice",
    "sum",
    "mean over maps",
    "transpose",
)
"""Of one operand, with axes for images, channels, rows and columns."""


def _case(name: str, *shapes: Shape, labels: Shape | None = None, classes: int = 0) -> Case:
    sizes = ", ".join("×".join(map(str, shape)) for shape in shapes if len(shape) > 1)
    return Case(f"{name}, {sizes}", Operation(name, shapes, labels, classes))


WORKLOAD = Workload(
    title="Single operations, forward and backward",
    cases=(
        *(_case(name, MAPS) for name in ON_MAPS),
        *(_case(name, MAPS, MAPS) for name in ("add", "subtract", "multiply", "maximum", "concatenate", "stack")),
        *(_case(name, MAPS, (32, 1, 1)) for name in ("add", "multiply", "prelu")),
        *(_case(name, (128, 512), (512,)) for name in ("add", "multiply")),
        _case("multiply", (128, 512), (128, 1)),
        _case("divide", (512, 512), (512, 512)),
        *(
            _case(name, (128, 512))
            for name in ("gelu", "silu", "sigmoid", "exp", "max over a row", "variance over a row")
        ),
        _case("softmax", (64, 4, 64, 64)),
        *(_case(name, ROWS) for name in ("softmax", "log_softmax")),
        _case("cross_entropy", ROWS, labels=ROWS[:1], classes=ROWS[1]),
        _case("cross_entropy", PIXELS, labels=(8, 64, 64), classes=21),
        *(_case(name, ROWS, ROWS) for name in ("mse_loss", "l1_loss", "huber_loss", "bce_with_logits", "kl_div")),
        *(_case(name, MAPS, (32,), (32,)) for name in ("batch_norm", "group_norm", "instance_norm")),
        _case("layer_norm", (16, 64, 128), (128,), (128,)),
        _case("max_pool 3×3 / 2", (8, 64, 56, 56)),
        *(_case("matmul", (size, size), (size, size)) for size in (64, 512)),
        _case("matmul", (64, 64, 64), (64, 64, 64)),
        _case("linear", (128, 512), (512, 512), (512,)),
        _case("linear", (1, 512), (512, 512), (512,)),
        _case("embedding", (1000, 128), labels=(64, 32), classes=1000),
    ),
    turn=0.1,
    quick=3,
    max_rounds=3,
)
