"""The training step of a ResNet-18 on images of 64×64 pixels."""

from benchmarks.tasks import Network
from benchmarks.workload import Case, Workload
from benchmarks.workloads._networks import RESNET18

WORKLOAD = Workload(
    title="ResNet-18 at 64×64, training step",
    cases=(Case("batch 16", Network(RESNET18, (3, 64, 64), 16, rate=1e-4)),),
    turn=1.0,
)
