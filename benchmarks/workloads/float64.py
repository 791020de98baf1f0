"""Training steps in double precision."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import RESNET20, VGG

WORKLOAD = Workload(
    title="Training steps in float64",
    cases=(
        Case("small VGG, batch 16", Network(VGG, (3, 32, 32), 16, dtype="float64")),
        Case("ResNet-20, batch 32", Network(RESNET20, (3, 32, 32), 32, rate=0.01, dtype="float64")),
    ),
    turn=1.0,
)
