"""The training step of the ResNet-20 for CIFAR (He et al. 2016), with projections as shortcuts."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import RESNET20

WORKLOAD = Workload(
    title="ResNet-20, training step",
    cases=(
        Case("batch 32", Network(RESNET20, (3, 32, 32), 32, rate=0.01)),
        Case("batch 128", Network(RESNET20, (3, 32, 32), 128, rate=0.01)),
    ),
    turn=1.0,
)
